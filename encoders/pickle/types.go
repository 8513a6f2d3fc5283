package pickle

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

// Tuple is Python's tuple.
type Tuple []any

// Set is Python's set. Its elements have no order and none is there twice: however they are given, they are stored in
// one order. They must be hashable in Python: no list (give a Tuple), no dict and no Set (give a FrozenSet). A
// map[T]struct{} is a set as well, where Go can have the elements as keys.
type Set []any

// FrozenSet is Python's frozenset, which can be an element of a set and the key of a dict.
type FrozenSet []any

// Dict is Python's dict with the order of its items, for keys that a Go map cannot have (tuples, bytes, frozensets) and
// for whoever wants to choose the order.
type Dict []Item

// Item is an item of a [Dict].
type Item struct{ Key, Value any }

// Equal reports whether two sets are stored alike, whatever the order of their elements.
func (s Set) Equal(other Set) bool { return sameBytes(s, other) }

// Equal reports whether two sets are stored alike, whatever the order of their elements.
func (s FrozenSet) Equal(other FrozenSet) bool { return sameBytes(s, other) }

func sameBytes(a, b any) bool {
	x, errX := encode(a)
	y, errY := encode(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// Date is Python's datetime.date: a day, nowhere in particular.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the day of t in t's own zone.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year, month, day}
}

// String returns the date as Python prints it: 2024-02-29.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// In returns the beginning of the day in a zone.
func (d Date) In(zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
}

// valid reports whether Python has that date: the years are 1 to 9999.
func (d Date) valid() bool {
	return d.Year >= 1 && d.Year <= 9999 && DateOf(d.In(time.UTC)) == d
}

// LocalTime is a datetime without a zone, which Python calls naive: what a clock on the wall shows, somewhere.
type LocalTime struct {
	Date
	Hour, Minute, Second, Microsecond int
}

// LocalTimeOf returns what t shows in its own zone, without that zone, cut to microseconds.
func LocalTimeOf(t time.Time) LocalTime {
	hour, minute, second := t.Clock()
	return LocalTime{DateOf(t), hour, minute, second, t.Nanosecond() / 1000}
}

// String returns the time as Python prints it: 2024-02-29 12:30:00.
func (t LocalTime) String() string {
	text := fmt.Sprintf("%v %02d:%02d:%02d", t.Date, t.Hour, t.Minute, t.Second)
	if t.Microsecond != 0 {
		text += fmt.Sprintf(".%06d", t.Microsecond)
	}
	return text
}

// In returns the time at which a clock in that zone shows t.
func (t LocalTime) In(zone *time.Location) time.Time {
	return time.Date(t.Year, t.Month, t.Day, t.Hour, t.Minute, t.Second, t.Microsecond*1000, zone)
}

func (t LocalTime) valid() bool {
	return t.Date.valid() && TimeOfDay{t.Hour, t.Minute, t.Second, t.Microsecond}.valid()
}

// TimeOfDay is Python's datetime.time without a zone: what a clock on the wall shows, on any day.
type TimeOfDay struct {
	Hour, Minute, Second, Microsecond int
}

// String returns the time as Python prints it: 12:30:00.
func (t TimeOfDay) String() string {
	text := fmt.Sprintf("%02d:%02d:%02d", t.Hour, t.Minute, t.Second)
	if t.Microsecond != 0 {
		text += fmt.Sprintf(".%06d", t.Microsecond)
	}
	return text
}

func (t TimeOfDay) valid() bool {
	return t.Hour >= 0 && t.Hour < 24 && t.Minute >= 0 && t.Minute < 60 &&
		t.Second >= 0 && t.Second < 60 && t.Microsecond >= 0 && t.Microsecond < 1_000_000
}

// TimeDelta is Python's datetime.timedelta: a number of days, which may be negative, and of seconds and microseconds, which
// are not. It is longer than a [time.Duration] can be, and has microseconds where that has nanoseconds. A Duration itself is
// stored as an int; give TimeDeltaOf of it where Python is to have a timedelta.
type TimeDelta struct {
	Days         int // at most 999,999,999, in both directions
	Seconds      int // less than a day has
	Microseconds int // less than a second has
}

// TimeDeltaOf returns a duration as a TimeDelta, cut to microseconds.
func TimeDeltaOf(d time.Duration) TimeDelta {
	const day = 24 * time.Hour
	days, rest := d/day, d%day
	rest = rest.Truncate(time.Microsecond)
	if rest < 0 {
		days, rest = days-1, rest+day
	}
	return TimeDelta{int(days), int(rest / time.Second), int(rest % time.Second / time.Microsecond)}
}

// Duration returns the TimeDelta as a duration. It reports false for one that is longer than 292 years, or is none.
func (d TimeDelta) Duration() (time.Duration, bool) {
	const perMicrosecond = int64(time.Microsecond)
	all := (int64(d.Days)*daySeconds+int64(d.Seconds))*1_000_000 + int64(d.Microseconds)
	if !d.valid() || all > math.MaxInt64/perMicrosecond || all < math.MinInt64/perMicrosecond {
		return 0, false
	}
	return time.Duration(all * perMicrosecond), true
}

// String returns it as Python prints it: -1 day, 23:59:59.500000.
func (d TimeDelta) String() string {
	text := fmt.Sprintf("%d:%02d:%02d", d.Seconds/3600, d.Seconds/60%60, d.Seconds%60)
	if d.Microseconds != 0 {
		text += fmt.Sprintf(".%06d", d.Microseconds)
	}
	switch d.Days {
	case 0:
		return text
	case 1, -1:
		return fmt.Sprintf("%d day, %s", d.Days, text)
	}
	return fmt.Sprintf("%d days, %s", d.Days, text)
}

// maxDays is how long Python has a timedelta at most.
const maxDays = 999_999_999

func (d TimeDelta) valid() bool {
	return d.Days >= -maxDays && d.Days <= maxDays && d.Seconds >= 0 && d.Seconds < daySeconds &&
		d.Microseconds >= 0 && d.Microseconds < 1_000_000
}

// UUID is Python's uuid.UUID, as its 16 bytes. It is fetched into any type of such an array, and into types that read its
// text by an UnmarshalText method; those are stored as a str.
type UUID [16]byte

// String returns the UUID as Python prints it: 8-4-4-4-12 digits.
func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
