package csv_test

import (
	"os/exec"
	"reflect"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/gin-cachette/cachette/encoders/csv"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
	"github.com/gin-cachette/cachette/internal/testservers"
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
	frametest.Same(t, codec, folder, "rows", frametest.Rows(frametest.N))
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

// python runs a script in a folder.
func python(t *testing.T, folder, script string) {
	t.Helper()
	command := exec.Command(testservers.Python(t), "-c", script)
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// nullScript asserts which of Go's texts pandas reads as null, and that it does so with the same texts of its own.
const nullScript = `
import pandas as pd
from fastapi_cachette.codecs.dataframe.csv import CSVCodec

codec = CSVCodec()
texts = ['', 'NA', 'N/A', 'nan', 'NaN', 'null', 'NULL', 'None', 'x', 'na', 'none', ' ', 'a,NA']
lost = [True] * 8 + [False] * 5
data = open('go', 'rb').read()
quoted = b',s\n' + b''.join(b'%d,"%s"\n' % (i, text.encode()) for i, text in enumerate(texts))
own = codec.dumps(pd.DataFrame({'s': texts}))
for source in (data, quoted, own):
    got = codec.loads(source)['s']
    assert got.isna().tolist() == lost, (source, got)
    assert got[8:].tolist() == texts[8:], (source, got)
with open('pandas', 'wb') as file:
    file.write(own)
`

// TestPandasLosesTexts pins a limit of pandas, which the package's documentation tells.
func TestPandasLosesTexts(t *testing.T) {
	var words []word
	for _, text := range []string{"", "NA", "N/A", "nan", "NaN", "null", "NULL", "None", "x", "na", "none", " ", "a,NA"} {
		words = append(words, word{text})
	}
	folder, codec := t.TempDir(), csv.New(csv.Options{})
	frametest.Write(t, codec, folder, "go", words)
	python(t, folder, nullScript)

	var got []word
	if err := codec.Decode(frametest.Read(t, folder, "pandas"), &got); err != nil || !reflect.DeepEqual(got, words) {
		t.Errorf("of what pandas wrote Go reads %q, %v, want %q", got, err, words)
	}
}

const zonesScript = `
import pandas as pd
from fastapi_cachette.codecs.dataframe.csv import CSVCodec

seconds = [-2524521600, 1711846799, 1711846800, 1729989000, 1729992600]
times = pd.to_datetime(seconds, unit='s').as_unit('us')
offset = pd.Timestamp('2024-01-01T00:00:00+05:30').tz
with open('pandas', 'wb') as file:
    file.write(CSVCodec().dumps(pd.DataFrame({
        'berlin': times.tz_localize('UTC').tz_convert('Europe/Berlin'), 'east': times.tz_localize('UTC').tz_convert(offset),
        'naive': times, 'midnight': times.normalize()})))
`

// TestPandasZones: times of any zone, and dates, have the bytes that pandas gives them.
func TestPandasZones(t *testing.T) {
	times := append([]time.Time{time.Date(1890, 1, 1, 0, 0, 0, 0, time.UTC)}, berlinClocks...)
	var days []time.Time
	for _, at := range times {
		days = append(days, at.Truncate(24*time.Hour))
	}
	var fields []arrow.Field
	var columns []arrow.Column
	for _, c := range []struct {
		name, zone string
		times      []time.Time
	}{{"berlin", "Europe/Berlin", times}, {"east", "+05:30", times}, {"naive", "", times}, {"midnight", "", days}} {
		data := timesAs(t, arrow.Microsecond, c.zone, c.times...).Column(0).Data()
		fields = append(fields, arrow.Field{Name: c.name, Type: data.DataType(), Nullable: true})
		columns = append(columns, *arrow.NewColumn(fields[len(fields)-1], data))
	}
	folder := t.TempDir()
	python(t, folder, zonesScript)
	data, err := limited.Encode(array.NewTable(arrow.NewSchema(fields, nil), columns, -1))
	if want := frametest.Read(t, folder, "pandas"); err != nil || string(data) != string(want) {
		t.Errorf("it is\n%s%v, pandas has\n%s", data, err, want)
	}
}

// TestFramesSurvive: what pandas keeps beside the columns is there after Go stored a frame again.
func TestFramesSurvive(t *testing.T) { frametest.Exchange(t, csv.New(csv.Options{})) }
