package parquet

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// schemaKey is where a file keeps its Arrow schema.
const schemaKey = "ARROW:schema"

// stored is what a file keeps of a schema's metadata, and the schema itself. What a file said of its own schema before
// is about another one.
func stored(old arrow.Metadata, serialized string) arrow.Metadata {
	keys, values := without(schemaKey, old.Keys(), old.Values())
	return arrow.NewMetadata(append(keys, schemaKey), append(values, serialized))
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

// fieldMetadata is a field's metadata as it was. The library adds the field's number, and loses that of some types.
func fieldMetadata(manifest *pqarrow.SchemaManifest, i int) arrow.Metadata {
	if manifest.OriginSchema != nil {
		return manifest.OriginSchema.Field(i).Metadata
	}
	metadata := manifest.Fields[i].Field.Metadata
	keys, values := without("PARQUET:field_id", metadata.Keys(), metadata.Values())
	return arrow.NewMetadata(keys, values)
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
