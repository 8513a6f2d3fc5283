package flat_test

import (
	"bytes"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/gin-cachette/cachette/encoders/internal/flat"
)

func message(t *testing.T, schema *arrow.Schema) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := ipc.NewWriter(&out, ipc.WithSchema(schema)).Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// check returns what a schema panics with, and how much memory it asks for.
func check(data []byte) (nodes []flat.Node, memory int64, cause any) {
	defer func() { cause = recover() }()
	nodes, _ = flat.SchemaMessage(data, func(n int64) { memory += n })
	return nodes, memory, nil
}

func nested(depth int) *arrow.Schema {
	var typ arrow.DataType = arrow.PrimitiveTypes.Int8
	for range depth {
		typ = arrow.ListOf(typ)
	}
	return arrow.NewSchema([]arrow.Field{{Name: "a", Type: typ}}, nil)
}

func TestDepthIsBounded(t *testing.T) {
	if _, _, cause := check(message(t, nested(60))); cause != nil {
		t.Errorf("60 lists within each other: %v", cause)
	}
	if _, _, cause := check(message(t, nested(70))); cause != flat.ErrDamaged {
		t.Errorf("70 lists within each other: %v, want an error", cause)
	}
}

func TestSchema(t *testing.T) {
	metadata := arrow.NewMetadata([]string{"key"}, []string{string(make([]byte, 10_000))})
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "a", Type: arrow.StructOf(arrow.Field{Name: "b", Type: dictionary}, arrow.Field{Name: "c", Type: arrow.Null})},
		{Name: "d", Type: &arrow.TimestampType{TimeZone: "UTC"}},
	}, &metadata)
	good := message(t, schema)
	nodes, memory, cause := check(good)
	if cause != nil || len(nodes) != 2 || len(nodes[0].Children) != 2 || nodes[0].Children[0].Dictionary != 0 ||
		nodes[0].Children[1].Dictionary != -1 || nodes[1].Dictionary != -1 {
		t.Fatalf("the nodes are %+v, %v", nodes, cause)
	}
	if least := int64(len(good)) + 10_000 + 5*512 - 16; memory < least || memory > least+1000 {
		t.Errorf("it asks for %d bytes", memory)
	}

	// What is damaged is found, or it is harmless; no offset is followed out of the data.
	for place := range good {
		for _, change := range []byte{0x01, 0x10, 0x80, 0xFF} {
			data := bytes.Clone(good)
			data[place] ^= change
			_, memory, cause := check(data)
			if cause != nil && cause != flat.ErrDamaged {
				t.Fatalf("byte %d: %v", place, cause)
			}
			if cause == nil && memory > 1<<20 {
				t.Errorf("byte %d: it asks for %d bytes", place, memory)
			}
		}
		if _, _, cause := check(good[:place]); cause != nil && cause != flat.ErrDamaged {
			t.Fatalf("cut at %d: %v", place, cause)
		}
	}
}
