"""The values that Python and Go exchange, and what Python does with them.

    python make.py          writes protocol0.txt to protocol5.txt beside this file: name, tab, pickle in base64
    python make.py foreign  prints dicts of the name and the age of somebody, and between them an object that names code
                            (pydantic and numpy are needed; foreign.txt is what it prints)
    python make.py numpy    prints scalars of numpy (numpy1.txt is of version 1.26, numpy2.txt of 2.4)
    python make.py write    prints the same at the default protocol, by fastapi-cachette's codec
    python make.py read     reads such lines from stdin, by that codec, and exits with 1 unless each is the value here
    python make.py show     reads pickles in base64 from stdin, and prints the repr of each

Go has the same names in golden_test.go.
"""
import base64
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import ipaddress
import pathlib
import pickle
import re
import sys
import types
import uuid
import zoneinfo

D = decimal.Decimal
UTC = dt.timezone.utc
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def zone(**offset):
    return dt.timezone(dt.timedelta(**offset))


shared_list, shared_tuple, shared_dict = [1, [2]], (1, [2]), {"a": [1]}
shared_bytes, shared_int, shared_zone = b"abc" * 3, 10**30, zone(hours=2)
ID, TOP = uuid.UUID("12345678-9abc-def0-1234-56789abcdef0"), uuid.UUID(int=2**128 - 1)
LATE, BRIEF = dt.time(23, 59, 59, 999999), dt.timedelta(milliseconds=-1)


def default(factory, **items):
    result = collections.defaultdict(factory)
    result.update(items)
    return result


VALUES = {
    "none": None, "true": True, "false": False,
    **{f"int {n}": n for n in (
        0, 1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**40,
        -1, -128, -129, -32768, -32769, -2**31, -2**31 - 1, -2**63, -2**63 - 1, -10**40)},
    "int 2**2100": 2**2100, "int -2**2039": -2**2039, "int -2**2040-1": -2**2040 - 1,
    "float 0": 0.0, "float -0": -0.0, "float 1.5": 1.5, "float 0.1": 0.1, "float inf": float("inf"),
    "float -inf": float("-inf"), "float nan": float("nan"), "float max": sys.float_info.max, "float tiny": 5e-324,
    "str empty": "", "str": "hello", "str wide": "Gr\xfc\xdfe, \u4e16\u754c \U0001f600 \xff",
    "str escapes": "\\u0041 \\\\u0041 \\ \n \r \0 \x1a \t '\"", "str 300": "\xe4b" * 150,
    "bytes empty": b"", "bytes": bytes(range(256)), "bytes 300": b"ab" * 150,
    "bytearray empty": bytearray(), "bytearray": bytearray(b"\0\xff"),
    "list empty": [], "list 1": [1], "list": [1, "a", None, [2, [True]], 1.5],
    "tuple 0": (), "tuple 1": (1,), "tuple 2": (1, "a"), "tuple 3": (1, 2, 3), "tuple 4": (1, 2, 3, 4),
    "tuple nested": ((), (1, (2,)), [3]),
    "dict empty": {}, "dict": {"a": 1, "b": [2, {"c": None}]}, "dict 1": {"a": 1}, "dict of ints": {1: "a", 2: "b"},
    "dict of all": {None: 1, 1.5: "x", "k": [1], D("2.50"): 3, dt.date(2024, 2, 29): 4},
    "dict of tuples": {(1, 2): "x", (): "y"}, "dict of bytes": {b"k": 1}, "dict of frozensets": {frozenset([1]): 2},
    "ordered dict": collections.OrderedDict([("b", 1), ("a", 2)]), "ordered dict empty": collections.OrderedDict(),
    "set empty": set(), "set": {1, 2, 3}, "set of str": {"a", "b"}, "set of all": {(1, "a"), frozenset([1, 2]), None, b"b"},
    "frozenset empty": frozenset(), "frozenset": frozenset([1, "a", (2,)]), "sets": [{1}, frozenset([1]), {frozenset()}],
    **{f"decimal {t}": D(t) for t in ("1.10", "0", "-0", "0E-10", "1E+400", "NaN", "sNaN", "-NaN123", "Infinity", "-Infinity")},
    "date": dt.date(2024, 2, 29), "date min": dt.date.min, "date max": dt.date.max,
    "naive": dt.datetime(2024, 2, 29, 12, 30, 59, 123456), "naive min": dt.datetime.min, "naive max": dt.datetime.max,
    "naive fold": dt.datetime(2024, 10, 27, 2, 30, fold=1),
    "utc": dt.datetime(2024, 2, 29, 12, 30, 0, 5, UTC), "utc min": dt.datetime.min.replace(tzinfo=UTC),
    "utc max": dt.datetime.max.replace(tzinfo=UTC),
    "offset +5:30": dt.datetime(2024, 2, 29, 12, 30, tzinfo=zone(hours=5, minutes=30)),
    "offset -3": dt.datetime(2024, 2, 29, 12, 30, tzinfo=zone(hours=-3)),
    "offset -0:00:30": dt.datetime(2024, 2, 29, 12, 30, tzinfo=zone(seconds=-30)),
    "offset named": dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.timezone(dt.timedelta(hours=1), "Home")),
    "berlin winter": dt.datetime(2024, 1, 15, 12, 30, tzinfo=BERLIN),
    "berlin summer": dt.datetime(2024, 7, 15, 12, 30, tzinfo=BERLIN),
    "berlin twice 0": dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN),
    "berlin twice 1": dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
    "berlin after twice": dt.datetime(2024, 10, 27, 3, 0, tzinfo=BERLIN),
    "berlin never 0": dt.datetime(2024, 3, 31, 2, 30, tzinfo=BERLIN),
    "berlin never 1": dt.datetime(2024, 3, 31, 2, 30, tzinfo=BERLIN, fold=1),
    "zoneinfo utc": dt.datetime(2024, 1, 15, 12, 30, tzinfo=zoneinfo.ZoneInfo("UTC")),
    "time": dt.time(12, 30), "time max": LATE, "time min": dt.time(), "time fold": dt.time(1, 30, fold=1),
    "timedelta": dt.timedelta(days=1, seconds=2, microseconds=3), "timedelta 0": dt.timedelta(), "timedelta -": BRIEF,
    "timedelta max": dt.timedelta.max, "timedelta min": dt.timedelta.min,
    "uuid": ID, "uuid 0": uuid.UUID(int=0), "uuid max": TOP, "uuid safe": uuid.UUID(int=5, is_safe=uuid.SafeUUID.safe),
    "defaultdict": default(list, a=[1], b=[]), "defaultdict of ints": default(int), "defaultdict of none": default(None, a=1),
    "counter": collections.Counter("abca"), "counter empty": collections.Counter(),
    "deque": collections.deque([1, "a"]), "deque empty": collections.deque(), "deque bounded": collections.deque([1, 2], 5),
    "deque bounded empty": collections.deque(maxlen=2),
    "dict of ids": {ID: 1, LATE: 2, BRIEF: 3}, "set of ids": {ID, TOP}, "shared ids": [ID, ID, LATE, LATE, BRIEF, BRIEF],
    "shared counters": [c := collections.Counter("ab"), c, d := collections.deque([1]), d],
    "shared": [shared_list, shared_list, {"x": shared_list}, shared_tuple, shared_tuple, shared_dict, shared_dict,
               shared_bytes, shared_bytes, shared_int, shared_int, "text", "text"],
    "shared zone": [dt.datetime(2024, 1, 1, tzinfo=z) for z in (UTC, UTC, shared_zone, shared_zone, BERLIN, BERLIN)],
    "rows": [{"id": i, "name": "n" + str(i), "price": D("9.90"), "on": dt.date(2024, 1, i + 1), "tags": {"x"}} for i in range(3)],
}

# Too long for a file in base64: batches of 1000, texts and bytes outside of frames, ints beyond 4300 digits.
LONG = {
    "list long": list(range(2500)), "dict long": {str(i): i for i in range(2500)}, "set long": set(range(2500)),
    "str long": "\xe4" * 70000, "bytes long": b"ab" * 70000, "int long": -7 * 10**6000,
    "list of long": ["a" * 70000, b"b" * 70000, "c"],
}


def plain_zone(value):
    """The same time, as Go writes it: with an offset and no more."""
    return value.astimezone(UTC).astimezone(dt.timezone(value.utcoffset()))


# What Go has one type for.
WRITTEN = {
    "bytearray empty": b"", "bytearray": b"\0\xff",
    "ordered dict": {"a": 2, "b": 1}, "ordered dict empty": {},
    "naive fold": VALUES["naive fold"].replace(fold=0), "time fold": VALUES["time fold"].replace(fold=0),
    "uuid safe": uuid.UUID(int=5),
    "defaultdict": {"a": [1], "b": []}, "defaultdict of ints": {}, "defaultdict of none": {"a": 1},
    "counter": {"a": 2, "b": 1, "c": 1}, "counter empty": {},
    "deque": [1, "a"], "deque empty": [], "deque bounded": [1, 2], "deque bounded empty": [],
    "shared counters": [{"a": 1, "b": 1}, {"a": 1, "b": 1}, [1], [1]],
    **{name: plain_zone(value) for name, value in VALUES.items() if name.startswith(("berlin", "zoneinfo"))},
    "shared zone": [plain_zone(value) for value in VALUES["shared zone"]],
}
# For a clock that never shows it, utcoffset is of no time: Go has the time, in the offset that holds then.
WRITTEN["berlin never 0"] = dt.datetime(2024, 3, 31, 3, 30, tzinfo=zone(hours=2))
WRITTEN["berlin never 1"] = dt.datetime(2024, 3, 31, 1, 30, tzinfo=zone(hours=1))


def same(a, b):
    """Equal in value and in type."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(
            any(same(k, other) and same(v, w) for other, w in b.items()) if k not in b else same(v, b[k]) for k, v in a.items()
        ) and sorted(map(repr, a)) == sorted(map(repr, b))
    if isinstance(a, (set, frozenset)):
        return a == b and sorted(str(type(x)) for x in a) == sorted(str(type(x)) for x in b)
    if isinstance(a, (float, D)):
        return repr(a) == repr(b)
    if isinstance(a, dt.datetime):
        return a == b and a.utcoffset() == b.utcoffset() and type(a.tzinfo) is type(b.tzinfo) and a.fold == b.fold
    return a == b


# Classes that a pickle names, and only a program could make.
@dataclasses.dataclass
class Person:
    name: str
    friends: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    name: str


class Color(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


Point = collections.namedtuple("Point", "x y")


class Outer:
    class Inner(list):
        pass


class Keys(dict):
    pass


class Group(set):
    pass


class Named:
    def __new__(cls, *, name):
        return super().__new__(cls)

    def __getnewargs_ex__(self):
        return (), {"name": "x"}


def foreign():
    import numpy
    import pydantic

    global Model

    class Model(pydantic.BaseModel):
        name: str

    Model.__qualname__ = "Model"
    circle = Person("circle")
    circle.friends.append(circle)
    inner = Outer.Inner([1, {"a": circle}])
    inner.note = "x"
    return {
        "dataclass": Person("Ada", [Person("Charles")]), "slots": Place("London"), "circle": circle, "enum": Color.RED,
        "int enum": Number.ONE, "namedtuple": Point(1, [2]), "pydantic": Model(name="Ada"), "list": inner,
        "dict": Keys(a=1, b=Person("b")), "set": Group([1]), "named": Named(name="x"), "class": Person, "function": zone,
        "partial": functools.partial(zone, hours=1), "exception": ValueError("x"), "complex": 1j, "range": range(5),
        "path": pathlib.PurePosixPath("/a"), "pattern": re.compile("a"), "fraction": fractions.Fraction(1, 3),
        "address": ipaddress.ip_address("10.0.0.1"), "namespace": types.SimpleNamespace(a=1), "method": "a".join,
        "counter of objects": collections.Counter([Color.RED]), "time with a zone": dt.time(1, 2, tzinfo=UTC),
        "deque of objects": collections.deque([Person("a")], 5), "defaultdict of objects": default(Person, a=Person("b")),
        "array": numpy.arange(5), "datetime64": numpy.datetime64("2024-02-29"), "complex scalar": numpy.complex128(1j),
        "long double": numpy.longdouble(1), "dtype": numpy.dtype("f8"), "records": numpy.zeros(2, [("a", "i4")]),
        "twice": [circle, circle, Color.RED, Color.RED],
    }


def scalars():
    import numpy as np

    values = {
        "float64": np.float64(0.1), "float64 nan": np.float64("nan"), "float32": np.float32(0.1), "float16": np.float16(0.1),
        "float16 max": np.float16(65504), "float16 tiny": np.float16(6e-8), "float16 inf": np.float16("-inf"),
        "float16 -0": np.float16(-0.0), "bool": np.bool_(True), "int8": np.int8(-128), "int16": np.int16(-300),
        "int32": np.int32(-70000), "int64": np.int64(-2**63), "uint8": np.uint8(255), "uint16": np.uint16(65535),
        "uint32": np.uint32(2**32 - 1), "uint64": np.uint64(2**64 - 1), "str": np.str_("Gr\xfc\xdfe \U0001f600"), "str empty": np.str_(""),
        "bytes": np.bytes_(b"a\xff"), "big-endian": np.array([1.5, 2.5], ">f8")[0], "mean": np.array([1.0, 2.0]).mean(),
    }
    values["all"] = dict(values)
    return values


def lines(values, dumps):
    return "".join(f"{name}\t{base64.b64encode(dumps(value)).decode()}\n" for name, value in values.items())


def read(codec):
    values, failed = {**VALUES, **LONG, **WRITTEN}, 0
    for line in sys.stdin:
        name, data = line.rstrip("\n").split("\t")
        want = values.pop(name)
        got = codec.loads(base64.b64decode(data))
        if not same(got, want):
            failed = 1
            print(f"{name}: {got!r:.200}, want {want!r:.200}")
    if values:
        failed = 1
        print(f"not written: {list(values)}")
    sys.exit(failed)


def main():
    if len(sys.argv) == 1:
        for protocol in range(6):
            text = lines(VALUES, lambda value: pickle.dumps(value, protocol))
            (pathlib.Path(__file__).parent / f"protocol{protocol}.txt").write_text(text)
        return
    if sys.argv[1] in ("foreign", "numpy"):
        for protocol in (0, 2, 5):
            values = foreign() if sys.argv[1] == "foreign" else scalars()
            for name, value in values.items():
                if sys.argv[1] == "foreign":
                    value = {"name": "Ada", "other": value, "age": 36}
                try:
                    data = pickle.dumps(value, protocol)
                except TypeError:  # protocols 0 and 1 have no slots
                    continue
                print(f"{protocol} {name}\t{base64.b64encode(data).decode()}")
        return
    from fastapi_cachette.codecs.pickle import PickleCodec

    if sys.argv[1] == "write":
        print(lines({**VALUES, **LONG}, PickleCodec().dumps), end="")
    elif sys.argv[1] == "read":
        read(PickleCodec())
    else:
        for line in sys.stdin:
            print(ascii(PickleCodec().loads(base64.b64decode(line))))


if __name__ == "__main__":
    main()
