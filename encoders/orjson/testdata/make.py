"""Values that Go and Python exchange through fastapi-cachette's codec orjson.

    python make.py > python.tsv      what Python writes: a line for each value, its name, a tab, the bytes in hexadecimal
    python make.py read < lines      reads lines of that form, which Go wrote, and fails unless each is the value
"""
import sys

from fastapi_cachette.codecs.orjson import ORJSONCodec

codec = ORJSONCodec()

values = {
    "none": None, "true": True, "false": False, "zero": 0, "-5": -5, "2^63-1": 2**63 - 1, "2^64-1": 2**64 - 1,
    "-2^63": -2**63, "float": 1.5, "float one": 1.0, "float small": 1e-7, "float large": 1e22,
    "float max": sys.float_info.max, "float tiny": 5e-324,
    "text": "text", "text empty": "", "text wide": "Grüße, 世界 \U0001F600", "text html": "<a href='x'>&</a>\u2028\u2029",
    "text escapes": "\x00\x08\x0c\n\r\t\"\\/\x1f\x7f",
    "list": [1, "a", None, 1.5, [True]], "list empty": [], "dict": {"a": 1, "b": [{"c": None}]}, "dict empty": {},
    "record": {"name": "a", "price": 1.5, "tags": ["x"]},
}


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b


if sys.argv[1:] == ["read"]:
    seen = 0
    for line in sys.stdin:
        name, data = line.rstrip("\n").split("\t")
        got = codec.loads(bytes.fromhex(data))
        want = values[name]
        if name in ("float one", "float large"):
            # Go writes a float without a fraction as JSON has it, and Python tells 1 from 1.0.
            got = float(got)
        assert same(got, want), f"{name}: Python reads {got!r}, want {want!r}"
        seen += 1
    print(seen)
else:
    for name, value in values.items():
        print(name, codec.dumps(value).hex(), sep="\t")
