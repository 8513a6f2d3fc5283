"""The frames: 10,000 rows whose values follow from the number of the row, as in frames_test.go."""
import datetime as dt
import decimal
import functools
import io

import pandas as pd
import pyarrow as pa

N = 10_000
MICROSECOND = dt.timedelta(microseconds=1)
START = (dt.datetime(2020, 1, 1) - dt.datetime(1970, 1, 1)) // MICROSECOND
COLORS = ['red', 'green', 'blue, or so']
NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype()}


def wrap(value, bits, signed):
    value %= 1 << bits
    return value - (1 << bits) if signed and value >= 1 << (bits - 1) else value


def always(f):
    return [f(i) for i in range(N)]


def unless_null(f):
    return [None if i % 7 == 3 else f(i) for i in range(N)]


def text(i): return 'row "%d",\n€ %d' % (i, i % 11)
def micros(i): return START + i * 3600000123
def money(i): return decimal.Decimal(i * 12345 - 5000000).scaleb(-2)
def blob(i): return bytes([i % 256, 0, 255])[:i % 3 + 1]
def below(i): return range(i % 4)


COLUMNS = {
    'int8': lambda: pa.array(always(lambda i: wrap(i * 37, 8, True)), pa.int8()),
    'int16': lambda: pa.array(always(lambda i: wrap(i * 7919, 16, True)), pa.int16()),
    'int32': lambda: pa.array(always(lambda i: wrap(i * 104729001, 32, True)), pa.int32()),
    'int64': lambda: pa.array(always(lambda i: i * 922337203685477 - (1 << 62)), pa.int64()),
    'uint8': lambda: pa.array(always(lambda i: wrap(i * 37, 8, False)), pa.uint8()),
    'uint16': lambda: pa.array(always(lambda i: wrap(i * 7919, 16, False)), pa.uint16()),
    'uint32': lambda: pa.array(always(lambda i: wrap(i * 104729001, 32, False)), pa.uint32()),
    'uint64': lambda: pa.array(always(lambda i: i * 1844674407370955), pa.uint64()),
    'float32': lambda: pa.array(always(lambda i: i / 8), pa.float32()),
    'bool': lambda: pa.array(always(lambda i: i % 3 == 0)),
    'int64-nulls': lambda: pa.array(unless_null(lambda i: i * 1000003 - 7), pa.int64()),
    'uint64-nulls': lambda: pa.array(unless_null(lambda i: i * 1844674407370955), pa.uint64()),
    'float64-nulls': lambda: pa.array(unless_null(lambda i: i * 0.1), pa.float64()),
    'bool-nulls': lambda: pa.array(unless_null(lambda i: i % 2 == 0)),
    'text-nulls': lambda: pa.array(unless_null(text), pa.string()),
    'time-nulls': lambda: pa.array(unless_null(micros), pa.timestamp('us', 'UTC')),
    'time-ns-nulls': lambda: pa.array(unless_null(lambda i: micros(i) * 1000 + 7), pa.timestamp('ns', 'UTC')),
    'date-nulls': lambda: pa.array(unless_null(lambda i: i * 13 - 20000), pa.date32()),
    'decimal-nulls': lambda: pa.array(unless_null(money), pa.decimal128(12, 2)),
    'category-nulls': lambda: pa.array(unless_null(lambda i: COLORS[i % 3]), pa.dictionary(pa.int32(), pa.string())),
    'bytes-nulls': lambda: pa.array(unless_null(blob), pa.binary()),
    'list-nulls': lambda: pa.array(unless_null(lambda i: [i * j for j in below(i)]), pa.list_(pa.int64())),
    'list-text-nulls': lambda: pa.array(unless_null(lambda i: ['ü%d' % j for j in below(i)]), pa.list_(pa.string())),
    'list-list-nulls': lambda: pa.array(unless_null(lambda i: [[i, j] for j in below(i)]), pa.list_(pa.list_(pa.int32()))),
    'duration-nulls': lambda: pa.array(unless_null(lambda i: i * 1000000007), pa.duration('ns')),
}
ARROW_ONLY = ['bytes-nulls', 'list-nulls', 'list-text-nulls', 'list-list-nulls', 'duration-nulls']
ALL = {
    'csv': [name for name in COLUMNS if name not in ARROW_ONLY],
    'feather': list(COLUMNS),
    'parquet': list(COLUMNS),
}


@functools.cache
def column(name):
    return COLUMNS[name]()


def table(case, codec):
    """One column, or all that the codec has."""
    names = ALL[codec] if case == 'all-columns' else [case]
    return pa.table({name: column(name) for name in names})


def to_put(case, codec):
    """The frame with the dtypes in which pandas holds integers and booleans beside nulls exactly."""
    data = table(case, codec)
    frame = data.to_pandas()
    for field in data.schema:
        if field.name.endswith('-nulls') and field.type in NULLABLE:
            frame[field.name] = data.column(field.name).to_pandas(types_mapper=NULLABLE.get)
    return frame


def to_want(case, codec):
    """The frame as pandas reads what Go put: integers and booleans beside nulls are exact, too. Of CSV that is what it
    makes of its own text."""
    if codec != 'csv':
        return to_put(case, codec)
    return pd.read_csv(io.StringIO(to_put(case, codec).to_csv()), index_col=0)


def same(got, want):
    try:
        pd.testing.assert_frame_equal(got, want, check_exact=True)
    except AssertionError:
        return False
    return list(got.index) == list(want.index) and got.index.name == want.index.name
