package csv_test

import (
	"reflect"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/gin-cachette/cachette/encoders/csv"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

// TestPythonReads: pandas, through fastapi-cachette, reads what is written, and would have written the same bytes.
func TestPythonReads(t *testing.T) {
	folder, codec := t.TempDir(), csv.New(csv.Options{})
	frametest.Write(t, codec, folder, "rows", frametest.Rows(frametest.N))
	frametest.Write(t, codec, folder, "indexed", []keyed{{0, "x0"}, {1, "x1"}, {2, "x2"}})
	frametest.Python(t, "check", "csv", folder)
}

// TestPythonWrites: what pandas writes, through fastapi-cachette, is read, and comes out the same.
func TestPythonWrites(t *testing.T) {
	folder, codec := t.TempDir(), csv.New(csv.Options{})
	frametest.Python(t, "make", "csv", folder)
	var rows []frametest.Row
	if err := codec.Decode(frametest.Read(t, folder, "rows"), &rows); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(rows, frametest.Rows(frametest.N)) {
		t.Error("the rows differ")
	}
	for _, name := range []string{"indexed", "named"} {
		data := frametest.Read(t, folder, name)
		var record arrow.Record
		if err := codec.Decode(data, &record); err != nil {
			t.Fatal(err)
		}
		if again, err := codec.Encode(record); err != nil || string(again) != string(data) {
			t.Errorf("%s: it came back as %.200q…, %v", name, again, err)
		}
	}
}
