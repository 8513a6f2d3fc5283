"""What Python puts and what it must fetch, by codec and case. cases_test.go has the counterparts of Go."""
import datetime as dt
import decimal

import msgpack
import pandas as pd

import frames

BIG = 2**100
NESTED = {'name': 'Ünïcode', 'tags': ['a', 'b'], 'deep': {'n': 1, 'list': [1, 2.5, True, None, {}]}, 'empty': []}
MOMENT = dt.datetime(2024, 2, 29, 12, 30, 15, 123456)
PLAIN = {
    'text': 'plain text',
    'unicode': 'Grüße, 世界 🌍',
    'int': -42,
    'int-large': 2**53 + 1,
    'float': 0.1,
    'float-whole': 1.0,
    'float-large': 1e22,
    'bool': True,
    'none': None,
}
TREE = {
    **PLAIN,
    'int-big': BIG,
    'infinity': float('inf'),
    'nested': NESTED,
    'list': [1, 'two', 3.5, False, None],
    'list-empty': [],
    'dict-empty': {},
}
VALUES = {
    'vanilla': {**PLAIN, 'text-empty': '', 'bytes': b'raw'},
    'json': TREE,
    'orjson': TREE,
    'msgpack': {
        **TREE,
        'uint64': 2**64 - 1,
        'bytes': b'\x00\xff\x80raw',
        'nested-bytes': {'data': b'\x00\xff', 'list': [b'', b'x']},
        'dict-int-keys': {1: 'one', 2: 'two'},
        'timestamp': msgpack.Timestamp(1709209815, 123456789),
    },
    'pickle': {
        **TREE,
        'bytes': b'\x00\xff\x80raw',
        'tuple': (1, 'two', (3.5, None)),
        'dict-int-keys': {1: 'one', 2: 'two'},
        'set': {1, 2, 3},
        'frozenset': frozenset({'a', 'b'}),
        'decimal': decimal.Decimal('1234567890.123456789012345678'),
        'date': dt.date(2024, 2, 29),
        'datetime': MOMENT,
        'datetime-utc': MOMENT.replace(tzinfo=dt.timezone.utc),
        'datetime-zone': MOMENT.replace(tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
        'nested-mixed': {'t': (1, [2]), 'd': decimal.Decimal('1.20'), 'day': dt.date(1999, 12, 31), 'b': b'x'},
    },
}
FRAMES = ['csv', 'feather', 'parquet']
CODECS = [*VALUES, *FRAMES]


def value_to_put(codec, case):
    return frames.to_put(case, codec) if codec in FRAMES else VALUES[codec][case]


def value_to_want(codec, case):
    if codec in FRAMES:
        return frames.to_want(case, codec)
    value = VALUES[codec][case]
    return str(value) if codec == 'vanilla' else value


def compare(got, want):
    """Whether two values are equal, and of equal types all the way down."""
    if isinstance(want, pd.DataFrame):
        same = isinstance(got, pd.DataFrame) and frames.same(got, want)
        return same, same
    return bool(got == want), same_types(got, want)


def same_types(got, want):
    if type(got) is not type(want):
        return False
    if isinstance(want, dict):
        return len(got) == len(want) and all(k in got and same_types(got[k], v) for k, v in want.items()) \
            and {(type(k), k) for k in got} == {(type(k), k) for k in want}
    if isinstance(want, (list, tuple)):
        return len(got) == len(want) and all(same_types(a, b) for a, b in zip(got, want))
    if isinstance(want, (set, frozenset)):
        return {(type(v), v) for v in got} == {(type(v), v) for v in want}
    if isinstance(want, dt.datetime):  # two datetimes of different zones can be equal
        return got.utcoffset() == want.utcoffset()
    return True
