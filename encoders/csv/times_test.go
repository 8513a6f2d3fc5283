package csv_test

import (
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
)

// berlinClocks are seconds around both changes of Berlin's clocks.
var berlinClocks = []time.Time{
	time.Date(2024, 3, 31, 0, 59, 59, 0, time.UTC), time.Date(2024, 3, 31, 1, 0, 0, 0, time.UTC),
	time.Date(2024, 10, 27, 0, 30, 0, 0, time.UTC), time.Date(2024, 10, 27, 1, 30, 0, 0, time.UTC),
}

const berlinText = ",t\n0,2024-03-31 01:59:59+01:00\n1,2024-03-31 03:00:00+02:00\n" +
	"2,2024-10-27 02:30:00+02:00\n3,2024-10-27 02:30:00+01:00\n"

// timesAs makes a table of one column of times.
func timesAs(t *testing.T, unit arrow.TimeUnit, zone string, times ...time.Time) arrow.Table {
	t.Helper()
	var values []string
	for _, at := range times {
		if at.IsZero() {
			values = append(values, "null")
			continue
		}
		values = append(values, at.UTC().Format(`"2006-01-02 15:04:05.999999999Z"`))
	}
	typ := &arrow.TimestampType{Unit: unit, TimeZone: zone}
	return tableOf(t, chunked{"t", typ, []string{"[" + strings.Join(values, ",") + "]"}})
}

var units = []arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond}

func TestTimesAreWrittenInTheirZone(t *testing.T) {
	midnight, old := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name, zone string
		times      []time.Time
		want       string
	}{
		{"Berlin over the changes of its clocks", "Europe/Berlin", berlinClocks, berlinText},
		{"east of UTC", "+05:30", []time.Time{midnight.Add(-time.Second), {}}, ",t\n0,2024-02-29 05:29:59+05:30\n1,\n"},
		{"west of UTC", "-03:00", []time.Time{midnight}, ",t\n0,2024-02-28 21:00:00-03:00\n"},
		{"Berlin before there were time zones", "Europe/Berlin", []time.Time{time.Date(1890, 1, 1, 0, 0, 0, 0, time.UTC), midnight},
			",t\n0,1890-01-01 00:53:28+00:53:28\n1,2024-02-29 01:00:00+01:00\n"},
		{"a midnight of a zone", "+05:30", []time.Time{midnight.Add(-330 * time.Minute)}, ",t\n0,2024-02-29 00:00:00+05:30\n"},
		{"a midnight of UTC", "UTC", []time.Time{midnight}, ",t\n0,2024-02-29 00:00:00+00:00\n"},
		{"only midnights, without a zone", "", []time.Time{midnight, {}, old}, ",t\n0,2024-02-29\n1,\n2,1969-12-31\n"},
		{"a midnight and a noon, without a zone", "", []time.Time{midnight, {}, old.Add(12 * time.Hour)},
			",t\n0,2024-02-29 00:00:00\n1,\n2,1969-12-31 12:00:00\n"},
		{"a second before midnight, without a zone", "", []time.Time{old.Add(-time.Second)}, ",t\n0,1969-12-30 23:59:59\n"},
	}
	for _, test := range tests {
		for _, unit := range units {
			t.Run(test.name+" in "+unit.String(), func(t *testing.T) {
				data, err := limited.Encode(timesAs(t, unit, test.zone, test.times...))
				if err != nil || string(data) != test.want {
					t.Fatalf("it is %q, %v, want %q", data, err, test.want)
				}
				checkRead(t, data, test.times)
			})
		}
	}
}

type perhaps struct {
	T *time.Time `arrow:"t"`
}

// checkRead reads the same instants into structs, in UTC.
func checkRead(t *testing.T, data []byte, want []time.Time) {
	t.Helper()
	var rows []perhaps
	if err := limited.Decode(data, &rows); err != nil || len(rows) != len(want) {
		t.Fatalf("there are %d rows, %v, want %d", len(rows), err, len(want))
	}
	for i, row := range rows {
		if want[i].IsZero() {
			if row.T != nil {
				t.Errorf("row %d is %v, want null", i, row.T)
			}
		} else if row.T == nil || !row.T.Equal(want[i]) || row.T.Location() != time.UTC {
			t.Errorf("row %d is %v, want %v", i, row.T, want[i])
		}
	}
}

// TestTimesOfStructs: a struct's times are written in UTC whatever their zone is, and read in UTC.
func TestTimesOfStructs(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	var rows []perhaps
	for _, at := range berlinClocks {
		rows = append(rows, perhaps{ptr(at.In(berlin))})
	}
	rows = append(rows, perhaps{ptr(time.Date(2024, 3, 1, 1, 30, 0, 0, time.FixedZone("", 330*60)))})
	const want = ",t\n0,2024-03-31 00:59:59+00:00\n1,2024-03-31 01:00:00+00:00\n2,2024-10-27 00:30:00+00:00\n" +
		"3,2024-10-27 01:30:00+00:00\n4,2024-02-29 20:00:00+00:00\n"
	data, err := limited.Encode(rows)
	if err != nil || string(data) != want {
		t.Errorf("it is %q, %v, want %q", data, err, want)
	}
	checkRead(t, []byte(berlinText), berlinClocks)
	checkRead(t, []byte(",t\n0,2024-02-29T00:00:00+05:30\n1,2024-02-29 00:00:00Z\n2,2024-02-29\n"), []time.Time{
		time.Date(2024, 2, 28, 18, 30, 0, 0, time.UTC), time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
	})
}
