"""The other side of the tests of the codecs of tables.

    exchange.py make  <codec> <folder>    writes what Go is to read
    exchange.py check <codec> <folder>    reads what Go wrote, and asserts that it is equal
    exchange.py same  <codec> <folder>    asserts that what Go stored again is still what Python made
    exchange.py frames <codec> <folder>   writes frames that have more than columns
    exchange.py again  <codec> <folder>   asserts that each of them is the same after Go stored it again
    exchange.py nested <codec> <folder>   writes tables with structs, maps and lists, and nested_again asserts the same of them

The values follow from the number of the row, as in rows.go.
"""
import datetime as dt
import decimal
import importlib
import io
import os
import sys

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

codec_name, folder = sys.argv[2], sys.argv[3]
N = 10000
module = importlib.import_module('fastapi_cachette.codecs.dataframe.' + codec_name)
codec = getattr(module, {'csv': 'CSVCodec', 'feather': 'FeatherCodec', 'parquet': 'ParquetCodec'}[codec_name])()


def wrap(value, bits, signed):
    value %= 1 << bits
    return value - (1 << bits) if signed and value >= 1 << (bits - 1) else value


def is_null(i):
    return i % 7 == 3


def unless_null(f):
    return [None if is_null(i) else f(i) for i in range(N)]


def always(f):
    return [f(i) for i in range(N)]


COLORS = ['red', 'green', 'blue, or so']
EPOCH = dt.datetime(1970, 1, 1)
START = (dt.datetime(2020, 1, 1) - EPOCH) // dt.timedelta(microseconds=1)
DEC = pa.decimal128(12, 2)
US = pa.timestamp('us', 'UTC')


def text(i): return 'row "%d",\n€ %d' % (i, i % 11)
def micros(i): return START + i * 3600000123
def day(i): return i * 13 - 20000
def dec(i): return decimal.Decimal(i * 12345 - 5000000).scaleb(-2)


def rows():
    columns = {
        'i8': pa.array(always(lambda i: wrap(i * 37, 8, True)), pa.int8()),
        'i16': pa.array(always(lambda i: wrap(i * 7919, 16, True)), pa.int16()),
        'i32': pa.array(always(lambda i: wrap(i * 104729001, 32, True)), pa.int32()),
        'i64': pa.array(always(lambda i: i * 922337203685477 - (1 << 62)), pa.int64()),
        'u8': pa.array(always(lambda i: wrap(i * 37, 8, False)), pa.uint8()),
        'u16': pa.array(always(lambda i: wrap(i * 7919, 16, False)), pa.uint16()),
        'u32': pa.array(always(lambda i: wrap(i * 104729001, 32, False)), pa.uint32()),
        'u64': pa.array(always(lambda i: i * 1844674407370955), pa.uint64()),
        'f32': pa.array(always(lambda i: i / 8), pa.float32()),
        'f64': pa.array(always(lambda i: i * 0.1), pa.float64()),
        'b': pa.array(always(lambda i: i % 3 == 0)),
        's': pa.array(always(text), pa.string()),
        'ts': pa.array(always(micros), US),
        'tsn': pa.array(always(lambda i: micros(i) * 1000 + 7), pa.timestamp('ns', 'UTC')),
        'd': pa.array(always(day), pa.date32()),
        'dec': pa.array(always(dec), DEC),
        'ni8': pa.array(unless_null(lambda i: wrap(i * 37, 8, True)), pa.int8()),
        'n64': pa.array(unless_null(lambda i: i * 1000003 - 7), pa.int64()),
        'nu': pa.array(unless_null(lambda i: i * 1844674407370955), pa.uint64()),
        'nf': pa.array(unless_null(lambda i: i * 0.1), pa.float64()),
        'nb': pa.array(unless_null(lambda i: i % 2 == 0)),
        'ns': pa.array(unless_null(text), pa.string()),
        'nts': pa.array(unless_null(micros), US),
        'nd': pa.array(unless_null(day), pa.date32()),
        'ndec': pa.array(unless_null(dec), DEC),
    }
    return pa.table(columns)


def more():
    category = pa.dictionary(pa.int32(), pa.string())
    columns = {
        'by': pa.array(unless_null(lambda i: bytes([i % 256, 0, 255])[:i % 4 % 3 + 1]), pa.binary()),
        'l': pa.array(unless_null(lambda i: [i * j for j in range(i % 4)]), pa.list_(pa.int64())),
        'ls': pa.array(unless_null(lambda i: ['ü%d' % j for j in range(i % 4)]), pa.list_(pa.string())),
        'll': pa.array(unless_null(lambda i: [[i, j] for j in range(i % 4)]), pa.list_(pa.list_(pa.int32()))),
        'ln': pa.array(unless_null(lambda i: [None if is_null(i + j) else i / 4 for j in range(i % 4)]), pa.list_(pa.float64())),
        'cat': pa.array(always(lambda i: COLORS[i % 3]), category),
        'ncat': pa.array(unless_null(lambda i: COLORS[i % 3]), category),
    }
    return pa.table(columns)


NULLABLE = {pa.int8(): pd.Int8Dtype(), pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype()}


def nullable(table):
    """Integers and booleans with nulls as pandas can hold them exactly, which is what Go asks it for."""
    frame = table.to_pandas()
    for field in table.schema:
        if field.name.startswith('n') and field.type in NULLABLE:
            frame[field.name] = table.column(field.name).to_pandas(types_mapper=NULLABLE.get)
    return frame


def write(name, data):
    with open(folder + '/' + name, 'wb') as file:
        file.write(data)


def read(name):
    with open(folder + '/' + name, 'rb') as file:
        return file.read()


def make():
    frame = nullable(rows())
    write('rows', codec.dumps(frame))
    if codec_name == 'csv':
        named = frame[['i64', 's']].copy()
        named.index = pd.Index(['x%d' % i for i in range(N)])
        write('indexed', codec.dumps(named))
        named.index.name = 'key'
        write('named', codec.dumps(named))
        return
    write('more', codec.dumps(more().to_pandas()))
    if codec_name == 'parquet':
        named = frame[['i64', 's']].copy()
        named.index = pd.Index(['x%d' % i for i in range(N)])
        write('indexed', codec.dumps(named))
        variants()


SETTINGS = {
    'v2': dict(data_page_version='2.0'), 'plain': dict(use_dictionary=False), 'groups': dict(row_group_size=1000),
    'pages': dict(data_page_size=2000, dictionary_pagesize_limit=4000), 'none': dict(compression='none'),
    'zstd': dict(compression='zstd'), 'gzip': dict(compression='gzip'), 'brotli': dict(compression='brotli'),
    'deltas': dict(use_dictionary=False, data_page_size=2000, column_encoding={
        's': 'DELTA_LENGTH_BYTE_ARRAY', 'ns': 'DELTA_LENGTH_BYTE_ARRAY', 's.x': 'DELTA_BINARY_PACKED', 's.y': 'DELTA_LENGTH_BYTE_ARRAY',
        **{name: 'DELTA_BINARY_PACKED' for name in ('i8', 'i64', 'u32', 'ts', 'd', 'n64', 'nts', 'l.list.element', 'll.list.element.list.element')}}),
    'noschema': dict(store_schema=False), 'v2zstd': dict(data_page_version='2.0', compression='zstd'),
}


def variants():
    """What other writers, and other settings, make of the same rows."""
    for name, kwargs in SETTINGS.items():
        for table, kind in ((rows(), 'rows'), (more(), 'more')):
            out = io.BytesIO()
            pq.write_table(table, out, **kwargs)
            write(kind + '-' + name, out.getvalue())
    arrow_rows = rows()
    duckdb.sql("copy (select * from arrow_rows) to '%s/rows-duckdb' (format parquet)" % folder)
    naive = pa.table({
        'naive': pa.array(always(micros), pa.timestamp('us')), 'berlin': pa.array(always(micros), pa.timestamp('us', 'Europe/Berlin')),
        'list': pa.array(always(lambda i: [micros(i)]), pa.list_(pa.timestamp('us', 'Europe/Berlin')))})
    pq.write_table(naive, folder + '/naive')


def nested_rows():
    """Columns with others within, as dicts and lists of pandas, polars and DuckDB are stored."""
    point = pa.struct([('x', pa.int64()), ('y', pa.string())])
    columns = {
        's': pa.array(unless_null(lambda i: {'x': i, 'y': None if i % 3 else text(i)}), point),
        'ss': pa.array(unless_null(lambda i: {'p': None if i % 2 else {'q': [i] * (i % 4)}}), pa.struct([('p', pa.struct([('q', pa.list_(pa.int32()))]))])),
        'ls': pa.array(unless_null(lambda i: [None if i % 5 == j else {'x': j, 'y': 'ü'} for j in range(i % 4)]), pa.list_(point)),
        'm': pa.array(unless_null(lambda i: [('k%d' % j, None if i % 2 else i) for j in range(i % 3)]), pa.map_(pa.string(), pa.int64())),
        'ml': pa.array(unless_null(lambda i: [(j, [{'x': i, 'y': 'a'}] * j) for j in range(i % 3)]), pa.map_(pa.int8(), pa.list_(point))),
        'lm': pa.array(unless_null(lambda i: [[('a', i)], None, []][:i % 4]), pa.large_list(pa.map_(pa.large_string(), pa.int64()))),
        'f': pa.array(unless_null(lambda i: [i, None]), pa.list_(pa.int16(), 2)),
        'ff': pa.array(always(lambda i: [[i], None]), pa.list_(pa.list_(pa.float64(), 1), 2)),
    }
    return pa.table(columns).slice(0, 2500)


def nested():
    for name, kwargs in SETTINGS.items():
        pq.write_table(nested_rows(), '%s/nested-%s.in' % (folder, name), **kwargs)
    arrow_rows = nested_rows().drop_columns(['f', 'ff'])  # of arrays that are null DuckDB 2.0 writes what nothing reads
    for version in 'v1', 'v2':
        duckdb.sql("copy (select * from arrow_rows) to '%s/nested-duckdb%s.in' (format parquet, parquet_version %s)" % (folder, version, version))


def nested_again():
    """What Go stored again has the same values, for DuckDB too, and the same types unless they were not stored."""
    for name in [*SETTINGS, 'duckdbv1', 'duckdbv2']:
        want = pq.read_table('%s/nested-%s.in' % (folder, name))
        for kind in ('record', 'table'):
            path = '%s/nested-%s.%s' % (folder, name, kind)
            got = pq.read_table(path)
            got.validate(full=True)
            assert name in ('noschema', 'duckdbv1', 'duckdbv2') or got.schema.equals(want.schema), (name, got.schema, want.schema)
            assert got.to_pylist() == want.to_pylist(), name
            assert duckdb.read_parquet(path).to_arrow_table().to_pylist() == want.to_pylist(), name


def same_frames(got, want):
    pd.testing.assert_frame_equal(got, want, check_exact=True, check_index_type='exact')
    assert type(got.index) is type(want.index), (type(got.index), type(want.index))


def same():
    """What pandas made, and Go stored again, is the same for pandas."""
    same_frames(codec.loads(read('again')), codec.loads(read('indexed')))


def awkward():
    """Frames whose index, labels, dtypes or attributes pandas keeps beside the columns."""
    three = {'a': [1, 2, 3]}
    tuples = [('x', 1), ('x', 2), ('y', 1)]
    frames = {
        'index-text': pd.DataFrame(three, index=list('xyz')),
        'index-named': pd.DataFrame(three, index=pd.date_range('2024-01-01', periods=3, freq='h', tz='Europe/Berlin', name='when')),
        'index-multi': pd.DataFrame(three, index=pd.MultiIndex.from_tuples(tuples, names=['k', 'n'])),
        'index-multi-unnamed': pd.DataFrame(three, index=pd.MultiIndex.from_tuples(tuples)),
        'range': pd.DataFrame(three, index=range(10, 40, 10)),
        'range-named': pd.DataFrame(three, index=pd.RangeIndex(3, name='row')),
        'filtered': pd.DataFrame(three).query('a != 2'),
        'labels-int': pd.DataFrame(np.arange(6).reshape(3, 2)),
        'labels-date': pd.DataFrame([[1, 2]], columns=pd.to_datetime(['2024-01-01', '2024-01-02'])),
        'labels-multi': pd.DataFrame([[1, 2], [3, 4]], columns=pd.MultiIndex.from_tuples([('a', 'x'), ('a', 'y')], names=['p', None])),
        'labels-named': pd.DataFrame([[1, 2]], columns=pd.Index(['a', 'b'], name='what')),
        'numbers-nullable': pd.DataFrame({t: pd.array([1, None, 2], dtype=t) for t in ('Int16', 'UInt8', 'UInt64', 'Float32', 'Int64')}),
        'boolean-string': pd.DataFrame({t: pd.array(v, dtype=t) for t, v in (('boolean', [True, None]), ('string', ['x', None]))}),
        'category': pd.DataFrame({'a': pd.Categorical(['hi', 'lo', None], categories=['lo', 'hi', 'top'], ordered=True)}),
        'zones': pd.DataFrame({'a': pd.to_datetime(['2024-01-01', None]).tz_localize('Asia/Tokyo'), 'b': pd.to_datetime(['2024-01-01', None])}),
        'attributes': pd.DataFrame({'a': [1]}),
        'no-rows': pd.DataFrame({'a': pd.Series([], dtype='Int8'), 'b': pd.Series([], dtype='str')}),
        'no-columns': pd.DataFrame(index=range(3)),
        'nothing': pd.DataFrame(),
        'timedelta': pd.DataFrame({'a': pd.to_timedelta(['1s', None, '2h'])}),
        'period': pd.DataFrame({'a': pd.period_range('2024-01', periods=3, freq='M')}),
    }
    frames['attributes'].attrs['k'] = 'v'
    return frames


def frames():
    for name, frame in awkward().items():
        write(name + '.in', codec.dumps(frame))


def again():
    """Of CSV, which has no types, what pandas makes of its own text is all there is."""
    failed = False
    for name, frame in awkward().items():
        want = codec.loads(codec.dumps(frame))
        if codec_name == 'feather' or codec_name == 'parquet' and name != 'no-columns':  # of which pandas forgets the rows
            pd.testing.assert_frame_equal(want, frame, check_exact=True, check_freq=False, obj='of pandas itself, %s' % name)
            assert want.attrs == frame.attrs
        for kind in ('record', 'table'):
            got = codec.loads(read('%s.%s' % (name, kind)))
            try:
                same_frames(got, want)
                assert got.attrs == want.attrs, (got.attrs, want.attrs)
            except AssertionError as error:
                print('%s, as a %s: %s' % (name, kind, error))
                failed = True
    return failed


def check():
    {'csv': check_csv, 'feather': check_arrow, 'parquet': check_arrow}[codec_name]()


def check_csv():
    want = rows()
    frame = want.to_pandas()
    expected = pd.read_csv(io.StringIO(codec.dumps(nullable(want)).decode()), index_col=0)
    got = codec.loads(read('rows'))
    pd.testing.assert_frame_equal(got, expected, check_exact=False, rtol=1e-15, atol=0)
    assert list(got.index) == list(range(N)) and got.index.name is None
    for name in ('i64', 'u64', 's', 'b'):
        assert got[name].tolist() == frame[name].tolist(), name
    assert read('rows') == codec.dumps(nullable(want)), 'the bytes differ from those of pandas'
    got = codec.loads(read('indexed'))
    assert list(got.index) == ['x%d' % i for i in range(3)] and got.index.name is None and list(got.columns) == ['a'], got


def check_arrow():
    for name, want in (('rows', rows()), ('more', more())):
        data = read(name)
        got = codec.loads(data)
        same_frames(got, nullable(want))
        assert type(got.index) is pd.RangeIndex, type(got.index)
        table = pa.feather.read_table(io.BytesIO(data)) if codec_name == 'feather' else pq.read_table(io.BytesIO(data))
        assert table.schema.equals(want.schema), (table.schema, want.schema)
        assert table.equals(want), name
        if codec_name == 'parquet':
            check_duckdb(name, want)
    got = codec.loads(read('indexed'))
    assert list(got.index) == ['x0', 'x1', 'x2'] and got.index.name is None and list(got.columns) == ['a'], got
    table_of = pa.feather.read_table if codec_name == 'feather' else pq.read_table
    for name in ('none', 'zstd', *(['gzip'] if codec_name == 'parquet' else [])):
        data = read('rows-' + name)
        assert table_of(io.BytesIO(data)).equals(rows()), name
        same_frames(codec.loads(data), nullable(rows()))
    check_models()
    for name in ('flat', 'nested', *(['deep'] if codec_name == 'feather' else [])):
        check_record(name)


def check_models():
    """What types of Go say of themselves, and pandas' dtype of what may be null."""
    data = read('models')
    table = pa.feather.read_table(io.BytesIO(data)) if codec_name == 'feather' else pq.read_table(io.BytesIO(data))
    table.validate(full=True)
    noon = dt.datetime(2024, 2, 29, 12, 2, tzinfo=dt.timezone.utc)
    first, second = table.to_pylist()[2:4]
    assert first == {
        'id': 2, 'created': noon, 'deleted': noon, 'level': 'low', 'levels': ['high', 'low'], 'kind': 'high', 'key': 'ab020000',
        'raw': bytes([2, 1, 2]), 'pair': [2, .5], 'square': [[1, 2], [3, 2]], 'name': 'ü', 'count': 1 << 60, 'day': dt.date(2024, 2, 29),
        'ratio': .5, 'price': '2.50', 'cost': '1.99', 'big': str(1 << 70), 'ip': '127.0.0.1', 'at': dt.time(0, 0, 2),
        'exact': first['exact']}, first
    assert table.schema.field('exact').type == pa.time64('ns') and table.column('exact')[2].value == 86400 * 10**9 - 1000
    assert {k: v for k, v in second.items() if v is not None} == {
        'id': 3, 'created': noon + dt.timedelta(minutes=1), 'level': 'high', 'key': 'ab030000', 'raw': bytes([3, 1, 2]), 'pair': [3, .5],
        'price': '3.75', 'at': dt.time(0, 0, 3)}, second
    frame = codec.loads(data)
    assert frame['count'].dtype == 'Int64' and frame['kind'].dtype == 'category', frame.dtypes


def strip(data):
    """The file without its Arrow schema: what a reader sees who knows Parquet alone."""
    return data.replace(b'ARROW:schema', b'ARROW:nothing'[:12])


def check_record(name):
    """Every column type, in the form of pyarrow, with the second row null."""
    data = read(name)
    table = pa.feather.read_table(io.BytesIO(data)) if codec_name == 'feather' else pq.read_table(io.BytesIO(data))
    table.validate(full=True)
    if codec_name == 'parquet' and name == 'nested':
        assert duckdb.read_parquet('%s/%s' % (folder, name)).to_arrow_table().to_pylist() == table.to_pylist()
    elif codec_name == 'parquet':
        plain = {f.name: f.type for f in pq.read_table(io.BytesIO(strip(data)), arrow_extensions_enabled=False).schema}
        assert plain['ts_ms'] == pa.timestamp('ms') and plain['ts_ns'] == pa.timestamp('ns', 'UTC'), plain
    assert table.num_rows == 30
    for column in table.columns:
        assert column[1].as_py() is None and column.null_count >= 10
    print(name, ' '.join('%s:%s=%r' % (f.name, f.type, table.column(f.name)[0].as_py() if f.type != pa.timestamp('us', 'UTC') else 0) for f in table.schema))


def check_duckdb(name, want):
    got = duckdb.read_parquet('%s/%s' % (folder, name)).to_arrow_table()
    assert got.column_names == want.column_names
    for field, a, b in zip(want.schema, got.columns, want.columns):
        if pa.types.is_dictionary(field.type):
            b = b.cast(field.type.value_type)
        if pa.types.is_timestamp(field.type):
            assert pa.types.is_timestamp(a.type), a.type
        if pa.types.is_decimal(field.type):
            assert a.type == field.type
        assert a.cast(b.type).combine_chunks().equals(b.combine_chunks()), (field, a.type)


MODES = {'make': make, 'check': check, 'same': same, 'frames': frames, 'again': again, 'nested': nested, 'nested_again': nested_again}
failed = MODES[sys.argv[1]]()
sys.stdout.flush()
# Not the interpreter's own end: in it the threads of pyarrow abort, or hang, now and then (apache/arrow#34314, #50482).
os._exit(bool(failed))
