"""Values that Go and Python exchange through fastapi-cachette's codec msgpack.

    python make.py > python.tsv      what Python writes: a line for each value, its name, a tab, the bytes in hexadecimal
    python make.py read < lines      reads lines of that form, which Go wrote, and fails unless each is the value
"""
import math
import sys

import msgpack
from fastapi_cachette.codecs.msgpack import MsgpackCodec

codec = MsgpackCodec()

values = {
    "none": None, "true": True, "false": False,
    "zero": 0, "127": 127, "128": 128, "255": 255, "256": 256, "65535": 65535, "65536": 65536,
    "2^32-1": 2**32 - 1, "2^32": 2**32, "2^63-1": 2**63 - 1, "2^63": 2**63, "2^64-1": 2**64 - 1,
    "-1": -1, "-32": -32, "-33": -33, "-128": -128, "-129": -129, "-32768": -32768, "-32769": -32769,
    "-2^31": -2**31, "-2^31-1": -2**31 - 1, "-2^63": -2**63,
    "float": 1.5, "float one": 1.0, "float -0": -0.0, "float max": sys.float_info.max, "float tiny": 5e-324,
    "float inf": math.inf, "float nan": math.nan,
    "text": "text", "text empty": "", "text 31": "a" * 31, "text 32": "a" * 32, "text 255": "b" * 255, "text 256": "b" * 256,
    "text wide": "Grüße, 世界 \U0001F600\x00",
    "bytes": b"\x00\xff", "bytes empty": b"", "bytes 256": b"c" * 256,
    "list": [1, "a", None, 1.5, b"x", [True]], "list empty": [], "list 16": list(range(16)),
    "dict": {"a": 1, "b": [{"c": None}]}, "dict empty": {}, "dict 16": {f"k{i:02}": i for i in range(16)},
    "record": {"name": "a", "price": 1.5, "tags": ["x"], "raw": b"\x01"},
    "time": msgpack.Timestamp(1709208000, 5), "time seconds": msgpack.Timestamp(1709208000, 0),
    "time early": msgpack.Timestamp(-62135596800, 0), "time late": msgpack.Timestamp(2**34, 999999999),
}
if sys.argv[1:] != ["read"]:
    # What fastapi-cachette's codec writes, and does not read back: keys that are no text.
    values["dict of numbers"] = {1: "a", -1: "b"}
    values["dict of many keys"] = {"a": 1, 2: "b", None: 3, True: 4, 1.5: 5}


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, float):
        return repr(a) == repr(b)
    return a == b


if sys.argv[1:] == ["read"]:
    seen = 0
    for line in sys.stdin:
        name, data = line.rstrip("\n").split("\t")
        got = codec.loads(bytes.fromhex(data))
        assert same(got, values[name]), f"{name}: Python reads {got!r}, want {values[name]!r}"
        seen += 1
    print(seen)
else:
    for name, value in values.items():
        print(name, codec.dumps(value).hex(), sep="\t")
