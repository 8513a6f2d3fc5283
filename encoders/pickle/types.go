package pickle

import (
	"bytes"
	"fmt"
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
	return t.Date.valid() && t.Hour >= 0 && t.Hour < 24 && t.Minute >= 0 && t.Minute < 60 &&
		t.Second >= 0 && t.Second < 60 && t.Microsecond >= 0 && t.Microsecond < 1_000_000
}
