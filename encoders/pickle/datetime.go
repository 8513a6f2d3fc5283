package pickle

import (
	"encoding/binary"
	"errors"
	"math/big"
	"reflect"
	"time"
)

var (
	errDate = errors.New("a date or datetime is none of the calendar")
	errTime = errors.New("a time is none of the clock")
)

func dateFromState(state []byte) (any, error) {
	if len(state) != 4 {
		return nil, errDate
	}
	date := Date{int(binary.BigEndian.Uint16(state)), time.Month(state[2]), int(state[3])}
	if !date.valid() {
		return nil, errDate
	}
	return date, nil
}

// foldBit stands in the month, or in the hour of a time: of two times that a clock shows alike it is the second.
const foldBit = 0x80

func dateTimeFromState(args []any) (any, error) {
	if len(args) != 1 && len(args) != 2 {
		return nil, errArguments
	}
	state, ok := argument[[]byte](args[0])
	if !ok || len(state) != 10 {
		return nil, errDate
	}
	local := LocalTime{
		Date: Date{int(binary.BigEndian.Uint16(state)), time.Month(state[2] &^ foldBit), int(state[3])},
		Hour: int(state[4]), Minute: int(state[5]), Second: int(state[6]),
		Microsecond: int(state[7])<<16 | int(state[8])<<8 | int(state[9]),
	}
	if !local.valid() {
		return nil, errDate
	}
	if len(args) == 1 || args[1] == nil {
		return local, nil
	}
	zone, ok := args[1].(*time.Location)
	if !ok {
		return nil, errArguments
	}
	return onClock(local, zone, state[2]&foldBit != 0), nil
}

// timeFromState reads a datetime.time. One with a zone is foreign: there is no day by which to tell its offset.
func timeFromState(args []any) (any, error) {
	if len(args) == 2 && args[1] != nil {
		return foreignClass("datetime", "time with a zone"), nil
	}
	if len(args) != 1 && len(args) != 2 {
		return nil, errArguments
	}
	state, ok := argument[[]byte](args[0])
	if !ok || len(state) != 6 {
		return nil, errTime
	}
	t := TimeOfDay{int(state[0] &^ foldBit), int(state[1]), int(state[2]), int(state[3])<<16 | int(state[4])<<8 | int(state[5])}
	if !t.valid() {
		return nil, errTime
	}
	return t, nil
}

// onClock returns the time at which a clock in a zone shows local. Where clocks are set back it shows it twice, and fold
// says which; where they are set forward it never does, and fold says which of the two offsets counts (PEP 495).
func onClock(local LocalTime, zone *time.Location, fold bool) time.Time {
	guess := local.In(zone)
	change, end := guess.ZoneBounds()
	if change.IsZero() || !end.IsZero() && end.Sub(guess) < guess.Sub(change) {
		change = end
	}
	if change.IsZero() {
		return guess // the zone never changes
	}
	with := func(offsetAt time.Time) (t time.Time, shown bool) {
		_, offset := offsetAt.Zone()
		t = local.In(time.UTC).Add(-time.Duration(offset) * time.Second).In(zone)
		return t, LocalTimeOf(t) == local
	}
	before, shownBefore := with(change.Add(-time.Second))
	after, shownAfter := with(change)
	switch {
	case shownBefore != shownAfter:
		return guess // once, as nearly always
	case fold:
		return after
	}
	return before
}

func appendDate(buf []byte, year int, month time.Month, day int) []byte {
	return append(buf, byte(year>>8), byte(year), byte(month), byte(day))
}

// appendLocal appends the state of a datetime.
func appendLocal(buf []byte, t LocalTime) []byte {
	buf = append(buf, opShortBinBytes, 10)
	buf = appendDate(buf, t.Year, t.Month, t.Day)
	return append(buf, byte(t.Hour), byte(t.Minute), byte(t.Second),
		byte(t.Microsecond>>16), byte(t.Microsecond>>8), byte(t.Microsecond))
}

// What is always written alike: a global, by the opcodes of protocol 4.
var (
	pyDate      = stackGlobal("datetime", "date")
	pyDateTime  = stackGlobal("datetime", "datetime")
	pyTimeZone  = stackGlobal("datetime", "timezone")
	pyTimeDelta = stackGlobal("datetime", "timedelta")
	pyTime      = stackGlobal("datetime", "time")
	pyUUID      = stackGlobal("uuid", "UUID")
	pyDecimal   = stackGlobal("decimal", "Decimal")
)

func stackGlobal(module, qualified string) []byte {
	return append(appendText(appendText(nil, module), qualified), opStackGlobal)
}

func (w *writer) date(d Date) error {
	if !d.valid() {
		return unfitf("a pickle.Date is no day of the years 1 to 9999: for none, give a nil pointer")
	}
	w.buf = append(w.buf, pyDate...)
	w.buf = append(w.buf, opShortBinBytes, 4)
	w.buf = append(appendDate(w.buf, d.Year, d.Month, d.Day), opTuple1, opReduce)
	return nil
}

func (w *writer) local(t LocalTime) error {
	if !t.valid() {
		return unfitf("a pickle.LocalTime is no time of the years 1 to 9999: for none, give a nil pointer")
	}
	w.buf = append(w.buf, pyDateTime...)
	w.buf = append(appendLocal(w.buf, t), opTuple1, opReduce)
	return nil
}

// time writes an aware datetime: what the clock shows, and its offset from UTC.
func (w *writer) time(t time.Time) error {
	local := LocalTimeOf(t)
	_, offset := t.Zone()
	if !local.valid() || offset <= -daySeconds || offset >= daySeconds {
		return unfitf("a time.Time is not in the years 1 to 9999, or a day and more away from UTC")
	}
	days := 0
	if offset < 0 {
		days, offset = -1, offset+daySeconds
	}
	w.buf = append(w.buf, pyDateTime...)
	w.buf = appendLocal(w.buf, local)
	w.buf = append(w.buf, pyTimeZone...)
	w.buf = appendDelta(w.buf, TimeDelta{Days: days, Seconds: offset})
	w.buf = append(w.buf, opTuple1, opReduce, opTuple2, opReduce)
	return nil
}

func appendDelta(buf []byte, d TimeDelta) []byte {
	buf = append(buf, pyTimeDelta...)
	for _, n := range []int{d.Days, d.Seconds, d.Microseconds} {
		buf = appendInt(buf, int64(n))
	}
	return append(buf, opTuple3, opReduce)
}

func (w *writer) delta(d TimeDelta) error {
	if !d.valid() {
		return unfitf("a pickle.TimeDelta is none that Python has: seconds of a day, microseconds of a second, and days up to 999999999")
	}
	w.buf = appendDelta(w.buf, d)
	return nil
}

func (w *writer) timeOfDay(t TimeOfDay) error {
	if !t.valid() {
		return unfitf("a pickle.TimeOfDay is no time of a day: for none, give a nil pointer")
	}
	w.buf = append(w.buf, pyTime...)
	w.buf = append(w.buf, opShortBinBytes, 6, byte(t.Hour), byte(t.Minute), byte(t.Second),
		byte(t.Microsecond>>16), byte(t.Microsecond>>8), byte(t.Microsecond), opTuple1, opReduce)
	return nil
}

// uuid writes an object that has its int as its state.
func (w *writer) uuid(u UUID) error {
	w.buf = append(w.buf, pyUUID...)
	w.buf = append(w.buf, opEmptyTuple, opNewObj, opEmptyDict)
	w.buf = appendText(w.buf, "int")
	err := w.bigInt(new(big.Int).SetBytes(u[:]))
	w.buf = append(w.buf, opSetItem, opBuild)
	return err
}

func assignDelta(delta TimeDelta, dst reflect.Value) error {
	target, ok := dst.Addr().Interface().(*time.Duration)
	if !ok {
		return assignSame(delta, dst)
	}
	if *target, ok = delta.Duration(); !ok {
		return unfitf("a timedelta does not fit into %s: fetch into a pickle.TimeDelta", dst.Type())
	}
	return nil
}
