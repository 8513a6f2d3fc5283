package pickle_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders/pickle"
)

// TestTake: long bytes stay where they are, and only those that are there once.
func TestTake(t *testing.T) {
	for _, size := range []int{10, 10000} {
		data, err := pickle.New().Encode(map[string]any{"a": make([]byte, size)})
		if err != nil {
			t.Fatal(err)
		}
		for name, decode := range map[string]func([]byte, any) error{"Take": pickle.New().Take, "Decode": pickle.New().Decode} {
			var got map[string][]byte
			if err := decode(data, &got); err != nil {
				t.Fatal(err)
			}
			got["a"][size-1] = 7
			kept := strings.Contains(string(data), "\x07")
			if want := name == "Take" && size >= 4096; kept != want {
				t.Errorf("%s of %d bytes refers to its data: %v, want %v", name, size, kept, want)
			}
			if grown := append(got["a"], 9); data[len(data)-1] != '.' || len(grown) != size+1 {
				t.Errorf("%s: what is appended runs over the data", name)
			}
			got["a"][size-1] = 0
		}
	}
}

// TestTakeOfShared: long bytes that are one object in Python are several here, with Take as well.
func TestTakeOfShared(t *testing.T) {
	long := "B\x10\x27\x00\x00" + strings.Repeat("x", 10_000)
	for name, data := range map[string]string{
		"bytes":           "\x80\x04(" + long + "\x94h\x00h\x00l.",
		"bytes in a list": "\x80\x04(]\x94" + long + "ah\x00h\x00l.",
		"a bytearray":     "\x80\x05(\x96\x10\x27\x00\x00\x00\x00\x00\x00" + long[5:] + "\x94h\x00h\x00l.",
	} {
		var got []any
		if err := pickle.New().Take([]byte(data), &got); err != nil || len(got) != 3 {
			t.Fatalf("%s: %d, %v", name, len(got), err)
		}
		inner := func(i int) []byte {
			if list, ok := got[i].([]any); ok {
				return list[0].([]byte)
			}
			return got[i].([]byte)
		}
		for i := range 3 {
			inner(i)[0] = byte(i)
		}
		for i := range 3 {
			if inner(i)[0] != byte(i) {
				t.Errorf("%s: one is part of another", name)
			}
		}
	}
}

func TestDecimal(t *testing.T) {
	tests := []struct {
		text pickle.Decimal
		rat  string // none for ""
	}{
		{"1.10", "11/10"}, {"-0", "0/1"}, {"1E+3", "1000/1"}, {"1e-2", "1/100"}, {"NaN", ""}, {"Infinity",
			""}, {"1E+999999999", ""}, {"x", ""}, {"1/2", ""}, {"0x1p4", ""}, {"1_0", ""},
	}
	for _, test := range tests {
		rat, ok := test.text.Rat()
		if ok != (test.rat != "") || ok && rat.String() != test.rat {
			t.Errorf("%s is %v, %v, want %q", test.text, rat, ok, test.rat)
		}
	}
	if f, ok := pickle.Decimal("1.5").Float(53); !ok || f.String() != "1.5" {
		t.Errorf("1.5 is %v, %v", f, ok)
	}
	if f, ok := pickle.Decimal("-inf").Float(53); !ok || !f.IsInf() || !f.Signbit() {
		t.Errorf("-inf is %v, %v", f, ok)
	}
	if f, ok := pickle.Decimal("nan").Float(53); ok {
		t.Errorf("nan is %v", f)
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2024, 2, 29, 23, 30, 1, 5000, time.FixedZone("", 3600))
	local := pickle.LocalTimeOf(at)
	if got := local; got != naive(23, 30, 1, 5) || got.String() != "2024-02-29 23:30:01.000005" {
		t.Errorf("%v is %v", at, got)
	}
	if !local.In(at.Location()).Equal(at) {
		t.Errorf("%v in its zone is not %v", local, at)
	}
	midnight := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	if got := pickle.DateOf(at); got != leapDay || got.String() != "2024-02-29" || !got.In(time.UTC).Equal(midnight) {
		t.Errorf("%v is %v", at, got)
	}
}

func TestTimeDelta(t *testing.T) {
	for _, test := range []struct {
		duration time.Duration
		delta    pickle.TimeDelta
		text     string // as Python prints it
	}{
		{0, pickle.TimeDelta{}, "0:00:00"},
		{26*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Microsecond, pickle.TimeDelta{Days: 1, Seconds: 7384, Microseconds: 5}, "1 day, 2:03:04.000005"},
		{-time.Millisecond, pickle.TimeDelta{Days: -1, Seconds: 86399, Microseconds: 999000}, "-1 day, 23:59:59.999000"},
		{-48 * time.Hour, pickle.TimeDelta{Days: -2}, "-2 days, 0:00:00"},
		{math.MaxInt64 / 1000 * 1000, pickle.TimeDelta{Days: 106751, Seconds: 85636, Microseconds: 854775}, "106751 days, 23:47:16.854775"},
		{math.MinInt64 / 1000 * 1000, pickle.TimeDelta{Days: -106752, Seconds: 763, Microseconds: 145225}, "-106752 days, 0:12:43.145225"},
	} {
		delta := pickle.TimeDeltaOf(test.duration)
		back, ok := delta.Duration()
		if delta != test.delta || delta.String() != test.text || !ok || back != test.duration {
			t.Errorf("%v is %+v, %v, and again %v (%v)", test.duration, delta, delta, back, ok)
		}
	}
	if got := pickle.TimeDeltaOf(1999); got != (pickle.TimeDelta{Microseconds: 1}) {
		t.Errorf("1999 ns are %v", got)
	}
	for _, long := range []pickle.TimeDelta{
		{Days: 106751, Seconds: 85636, Microseconds: 854776}, {Days: 106752}, {Days: -106752, Seconds: 763, Microseconds: 145224}, {Days: -106753},
		{Days: 999999999}, {Seconds: -1},
	} {
		if got, ok := long.Duration(); ok {
			t.Errorf("%v is the duration %v", long, got)
		}
	}
}

func TestTimeOfDayAndUUID(t *testing.T) {
	if got := fmt.Sprint(pickle.TimeOfDay{Hour: 1, Minute: 2, Second: 3}, pickle.TimeOfDay{Microsecond: 5}); got != "01:02:03 00:00:00.000005" {
		t.Errorf("they are %s", got)
	}
	if got := (pickle.UUID{1, 0x23, 15: 0xff}).String(); got != "01230000-0000-0000-0000-0000000000ff" {
		t.Errorf("it is %s", got)
	}
}

// TestUTC: what is UTC in Python is UTC itself, which prints as such and can be compared with ==.
func TestUTC(t *testing.T) {
	want := time.Date(2024, 2, 29, 12, 30, 0, 0, time.UTC)
	data, err := pickle.New().Encode(want.In(time.FixedZone("", 0)))
	if err != nil {
		t.Fatal(err)
	}
	var got time.Time
	if err := pickle.New().Decode(data, &got); err != nil || got != want {
		t.Errorf("it is %v, %v, want %v", got, err, want)
	}
}
