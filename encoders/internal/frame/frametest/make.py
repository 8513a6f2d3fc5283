"""Writes the files in the folders testdata of the codecs of tables, as fastapi-cachette 0.1.4 writes them with pandas 3.1,
and as pyarrow and DuckDB do. feather/testdata/polars.feather is not among them.

    make.py <folder of the codecs>
"""
import datetime as dt
import decimal
import sys

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from fastapi_cachette.codecs.dataframe.csv import CSVCodec
from fastapi_cachette.codecs.dataframe.feather import FeatherCodec
from fastapi_cachette.codecs.dataframe.parquet import ParquetCodec

folder = sys.argv[1]
frame = pd.DataFrame({
    'name': ['ant', None, 'bée, "c"'],
    'count': [1, 2, 3],
    'some': [1, None, 3],
    'price': [1.5, None, 0.1],
    'sold': [True, False, True],
    'at': pd.to_datetime(['2024-01-02 03:04:05.123456', None, '2024-02-29'], format='ISO8601', utc=True),
})
more = pd.DataFrame({
    'day': [dt.date(2024, 1, 2), None, dt.date(1900, 1, 1)],
    'cost': [decimal.Decimal('1.20'), None, decimal.Decimal('3.40')],
    'kind': pd.Categorical(['x', 'y', None]),
    'blob': [b'a', None, b''],
    'list': [[1, 2], None, []],
})
indexed = frame.copy()
indexed.index = ['p', 'q', 'r']


def write(codec, name, data):
    with open('%s/%s/testdata/%s' % (folder, codec, name), 'wb') as file:
        file.write(data)


write('csv', 'pandas.csv', CSVCodec().dumps(frame))
write('csv', 'indexed.csv', CSVCodec().dumps(indexed))
for name, codec in (('feather', FeatherCodec()), ('parquet', ParquetCodec())):
    write(name, 'pandas.' + name, codec.dumps(pd.concat([frame, more], axis=1)))
write('parquet', 'indexed.parquet', ParquetCodec().dumps(indexed))
write('feather', 'linked.feather', FeatherCodec().dumps(pd.DataFrame({'a': [i * i % 1009 for i in range(20000)]})))

pq.write_table(pa.table({'a': [1, 2], 'split': [1.5, 2.5], 'packed': ['x', 'x']}), folder + '/parquet/testdata/unread.parquet',
               use_dictionary=['packed'], column_encoding={'split': 'BYTE_STREAM_SPLIT'},
               compression={'a': 'snappy', 'split': 'none', 'packed': 'lz4'}, store_schema=False, write_statistics=False)

required = pa.struct([pa.field('x', pa.int64(), nullable=False), ('y', pa.string())])
nested = pa.schema([
    ('s', required), pa.field('r', required, nullable=False), ('l', pa.list_(required)), ('m', pa.map_(pa.string(), required)),
    pa.field('k', pa.list_(pa.field('element', pa.list_(pa.int8()), nullable=False)), nullable=False)])
one, two = {'x': 1, 'y': 'a'}, {'x': 2, 'y': None}
pq.write_table(pa.table({
    's': [one, None, two], 'r': [two, one, two], 'l': [[one, None, two], None, []], 'm': [[('p', one), ('q', None)], None, []],
    'k': [[[1, None], []], [], [[2]]]}, schema=nested),
    folder + '/parquet/testdata/nested.parquet', compression='none', use_dictionary=False, write_statistics=False, store_schema=False)
sizes = pd.Categorical(['high', 'low', None, 'low'], ['low', 'mid', 'high', 'max'], ordered=True)
pd.DataFrame({'a': sizes}).to_parquet(folder + '/parquet/testdata/ordered.parquet', index=False)

duckdb.sql("copy (select i a, case when i %% 3 > 0 then 's' || i end b, [i, null, -i] l, (date '2024-01-01' + i::int) d, "
           "'{\"a\":1}'::json j, '00000000-0000-0000-0000-0000000000ff'::uuid u, 'y'::enum('x', 'y') e from range(1500) t(i)) "
           "to '%s/parquet/testdata/deltas.parquet' (format parquet, parquet_version v2, compression zstd)" % folder)
