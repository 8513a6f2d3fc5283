package parquet

import (
	"bytes"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/parquet/metadata"
)

// schemaKey is where a file keeps its Arrow schema.
const schemaKey = "ARROW:schema"

// stored is what a file keeps of a schema's metadata, and the schema itself. What a file said of its own schema before
// is about another one. Texts that are not UTF-8 are in the schema alone.
func stored(old arrow.Metadata, serialized string) metadata.KeyValueMetadata {
	var pairs metadata.KeyValueMetadata
	keys, values := without(schemaKey, old.Keys(), old.Values())
	for i := range keys {
		_ = pairs.Append(keys[i], values[i])
	}
	_ = pairs.Append(schemaKey, serialized)
	return pairs
}

// schemaMetadata is a schema's metadata, where pandas has its index and its dtypes: what the file says, in its order,
// and what its Arrow schema alone has, for the file takes no text that is not UTF-8. The library forgets it.
func schemaMetadata(f *file, origin *arrow.Schema) *arrow.Metadata {
	keys, values := f.pairs[0], f.pairs[1]
	if origin != nil {
		more := origin.Metadata()
		for i, key := range more.Keys() {
			if key != schemaKey && !slices.Contains(f.pairs[0], key) {
				keys, values = append(keys, key), append(values, more.Values()[i])
			}
		}
	}
	if keys == nil {
		return nil
	}
	all := arrow.NewMetadata(keys, values)
	return &all
}

// originSchema is the schema that a table had before it was written. It is nil where there is none, or one that the library
// does not know: of newer types, the file's own columns are of types that others read too.
func (f *file) originSchema() *arrow.Schema {
	if f.origin == nil {
		return nil
	}
	stream, err := ipc.NewReader(bytes.NewReader(f.origin))
	if err != nil {
		return nil
	}
	return stream.Schema()
}

// fileMetadata is a field's metadata in a file without an Arrow schema. The library adds the field's number.
func fileMetadata(metadata arrow.Metadata) arrow.Metadata {
	return arrow.NewMetadata(without("PARQUET:field_id", metadata.Keys(), metadata.Values()))
}

// without leaves out a key.
func without(key string, keys, values []string) (left, leftValues []string) {
	for i := range keys {
		if keys[i] != key {
			left, leftValues = append(left, keys[i]), append(leftValues, values[i])
		}
	}
	return left, leftValues
}
