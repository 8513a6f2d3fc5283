package frametest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/internal/testservers"
)

//go:embed exchange.py
var exchange []byte

// N is how many rows Go and Python exchange.
const N = 10000

// Python runs the Python side of an exchange in a folder. The test is skipped where there is no Python.
func Python(t *testing.T, mode, codec, folder string) string {
	t.Helper()
	python := testservers.Python(t)
	script := filepath.Join(t.TempDir(), "exchange.py")
	if err := os.WriteFile(script, exchange, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, script, mode, codec, folder).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", mode, codec, err, out)
	}
	return string(out)
}

// Exchange decodes the frames that Python wrote, as records and as tables, and encodes them again: to Python each is what
// it was, with its index, its labels, its dtypes and its attributes.
func Exchange(t *testing.T, encoder encoders.Encoder) {
	t.Helper()
	exchangeAgain(t, encoder, "frames", "again", 15)
}

// ExchangeNested does the same with tables whose columns have others within.
func ExchangeNested(t *testing.T, encoder encoders.Encoder) {
	t.Helper()
	exchangeAgain(t, encoder, "nested", "nested_again", 10)
}

func exchangeAgain(t *testing.T, encoder encoders.Encoder, make, check string, least int) {
	t.Helper()
	folder := t.TempDir()
	Python(t, make, encoder.Name(), folder)
	files, err := filepath.Glob(filepath.Join(folder, "*.in"))
	if err != nil || len(files) < least {
		t.Fatalf("there are %d frames, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".in")
		data := Read(t, folder, name+".in")
		var record arrow.Record
		if err := encoder.Decode(data, &record); err != nil {
			t.Fatalf("%s, as a record: %v", name, err)
		}
		Write(t, encoder, folder, name+".record", record)
		var table arrow.Table
		if err := encoder.Decode(data, &table); err != nil {
			t.Fatalf("%s, as a table: %v", name, err)
		}
		Write(t, encoder, folder, name+".table", table)
	}
	Python(t, check, encoder.Name(), folder)
}

// Write encodes a value into a file.
func Write(t *testing.T, encoder encoders.Encoder, folder, name string, value any) {
	t.Helper()
	data, err := encoder.Encode(value)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Read reads a file.
func Read(t testing.TB, folder, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Same decodes a file into a slice of structs, which is to be what is wanted.
func Same[T any](t *testing.T, encoder encoders.Encoder, folder, name string, want []T) {
	t.Helper()
	var got []T
	if err := encoder.Decode(Read(t, folder, name), &got); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: the values differ", name)
	}
}
