package csv_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/gin-cachette/cachette/encoders/csv"
)

// TestShortLines: the fields that lines lack are nulls, which take memory and no bytes.
func TestShortLines(t *testing.T) {
	codec := csv.New(csv.Options{})
	sheet := func(columns, lines int) []byte {
		return []byte(strings.Repeat("a,", columns) + "\n" + strings.Repeat("1\n", lines))
	}
	var table arrow.Table
	if err := codec.Decode(sheet(3000, 1000), &table); err == nil || table != nil || !strings.Contains(err.Error(), "shorter than the header") {
		t.Errorf("3 million are missing: %v", err)
	}
	if err := codec.Decode(sheet(300, 200), &table); err != nil || table.NumCols() != 301 || table.NumRows() != 200 {
		t.Errorf("60 thousand are missing: %v", err)
	}
}

// TestColumnsOfNothing: a comma is a column, which takes thousands of bytes, and not more for each type that it could be of.
func TestColumnsOfNothing(t *testing.T) {
	const columns, most = 20_000, 3500
	for name, data := range map[string]string{"no line": "", "a line": "\n" + strings.Repeat(",", columns)} {
		data := []byte(strings.Repeat(",", columns) + data)
		var table arrow.Table
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := csv.New(csv.Options{}).Decode(data, &table)
		runtime.ReadMemStats(&after)
		if err != nil || table.NumCols() < columns {
			t.Fatalf("%s: %v", name, err)
		}
		if used := (after.TotalAlloc - before.TotalAlloc) / columns; used > most {
			t.Errorf("%s: a column took %d bytes, want at most %d", name, used, most)
		}
	}
}
