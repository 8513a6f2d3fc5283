package parquet

import (
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
)

// footer is a file that has nothing but its metadata.
func footer(fields string) string {
	const end = "\x00"
	return magic + fields + end + string([]byte{byte(len(fields) + 1), 0, 0, 0}) + magic
}

// TestWhatIsNotReadIsNamed: such a file is whole, and the library panics at most of them.
func TestWhatIsNotReadIsNamed(t *testing.T) {
	logical := func(number string) string { // of a column v of integers
		return footer("\x29\x2c\x48\x01s\x15\x02\x00\x15\x02\x25\x00\x18\x01v\x6c\x0c" + number + "\x00\x00\x00" + "\x16\x00\x19\x0c")
	}
	column := func(fields string) string { // the same column in a row group
		return footer("\x29\x2c\x48\x01s\x15\x02\x00\x15\x02\x25\x00\x18\x01v\x00" + "\x16\x02\x19\x1c\x19\x1c" + fields + "\x00\x16\x00\x16\x02\x00")
	}
	const metadata = "\x1c\x15\x02\x19\x15\x00\x19\x18\x01v\x15\x00\x16\x02\x16\x00\x16\x00\x26\x00\x00"
	tests := []struct{ name, file, want string }{
		{"VARIANT", logical("\x20"), `column "v" has the logical type VARIANT, which the codec does not read`},
		{"GEOMETRY", logical("\x22"), `column "v" has the logical type GEOMETRY, which the codec does not read`},
		{"GEOGRAPHY", logical("\x24"), `column "v" has the logical type GEOGRAPHY, which the codec does not read`},
		{"a type that there is not yet", logical("\x54"), `column "v" has the logical type of number 42, which the codec does not read`},
		{"a number that is left out", logical("\x12"), `column "v" has the logical type of number 9, which the codec does not read`},
		{"an encrypted footer", magic + "\x00\x00\x00\x00" + encrypted, "it is encrypted"},
		{"a signed footer", footer("\x8c\x00"), "it is encrypted"},
		{"an encrypted column", column("\x26\x00\x6c\x00"), `column "v": it is encrypted`},
		{"an empty page", strings.Replace(column("\x26\x00\x1c\x15\x02\x19\x15\x00\x19\x18\x01v\x15\x02\x16\x02\x16\x2e\x16\x2e\x26\x08\x00"), magic,
			magic+"\x15\x06\x15\x04\x15\x04\x5c\x15\x02\x15\x02\x15\x02\x15\x00\x15\x04\x15\x00\x00\x00\x03\x00", 1),
			`column "v" has a page of version 2 without values that is compressed`},
		{"columns elsewhere", column("\x18\x01x\x16\x00" + metadata), "its columns lie in other files"},
	}
	for _, test := range tests {
		var table arrow.Table
		if err := New(Options{}).Decode([]byte(test.file), &table); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: the error is %v, want %q", test.name, err, test.want)
		}
	}
}

// TestOtherColumnsMayBeAny: what a struct has no field for need not be readable. frametest/make.py made the file.
func TestOtherColumnsMayBeAny(t *testing.T) {
	data, err := os.ReadFile("testdata/unread.parquet")
	if err != nil {
		t.Fatal(err)
	}
	codec := New(Options{})
	var rows []struct {
		A int `arrow:"a"`
	}
	if err := codec.Decode(data, &rows); err != nil || len(rows) != 2 || rows[1].A != 2 {
		t.Errorf("it is %v, %v", rows, err)
	}
	var table arrow.Table
	var packed []struct {
		S string `arrow:"packed"`
	}
	for want, dst := range map[string]any{
		`column "split" has the encoding BYTE_STREAM_SPLIT, which the codec does not read: write it as plain`: &table,
		`column "packed" is compressed by LZ4_RAW, which the codec does not read: write it with snappy`:       &packed,
	} {
		if err := codec.Decode(data, dst); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}

// TestNoColumnsOfFastparquet: its root has no repetition, at which the library panics.
func TestNoColumnsOfFastparquet(t *testing.T) {
	file := footer("\x15\x02\x19\x1c\x48\x06schema\x15\x00\x00\x16\x06\x19\x1c\x19\x00\x16\x00\x16\x06\x00\x19\x1c\x18\x01k\x18\x01v\x00")
	var record arrow.Record
	if err := New(Options{}).Decode([]byte(file), &record); err != nil {
		t.Fatal(err)
	}
	if at := record.Schema().Metadata().FindKey("k"); record.NumCols() != 0 || record.NumRows() != 3 || at < 0 || record.Schema().Metadata().Values()[at] != "v" {
		t.Errorf("it is %v, with %v", record, record.Schema().Metadata())
	}
}
