package csv

import (
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

const secondsPerDay = 86400

// timeWriter writes times as pandas does: each of a column with as many digits as one of them needs, and of times
// without a zone that are all midnights only the dates.
func timeWriter(column arrow.Array) writer {
	switch c := column.(type) {
	case *array.Date32:
		return ifReadable(c, func(row int) time.Time { return time.Unix(int64(c.Value(row))*secondsPerDay, 0).UTC() }, time.DateOnly)
	case *array.Date64:
		return ifReadable(c, func(row int) time.Time { return time.UnixMilli(int64(c.Value(row))).UTC() }, time.DateOnly)
	case *array.Timestamp:
		t := c.DataType().(*arrow.TimestampType)
		zone, err := t.GetZone()
		if err != nil {
			zone = time.UTC
		}
		layout := timeLayout(c, t)
		unit := int64(t.Unit.Multiplier())
		perSecond := int64(time.Second) / unit
		at := func(row int) time.Time {
			n := int64(c.Value(row))
			seconds := n / perSecond
			return time.Unix(seconds, (n-seconds*perSecond)*unit).In(zone)
		}
		return ifReadable(c, at, layout)
	}
	return nil
}

// ifReadable writes times in a layout. It is nil where one of them has a year that is not four digits.
func ifReadable(c arrow.Array, at func(row int) time.Time, layout string) writer {
	for row := range c.Len() {
		if year := at(row).Year(); c.IsValid(row) && (year < 0 || year > 9999) {
			return nil
		}
	}
	return func(to []byte, row int) []byte {
		t := at(row)
		if _, offset := t.Zone(); offset%60 != 0 {
			return t.AppendFormat(to, layout+":00") // before there were time zones, the sun's time had seconds too
		}
		return t.AppendFormat(to, layout)
	}
}

func timeLayout(c *array.Timestamp, t *arrow.TimestampType) string {
	perSecond := int64(time.Second / t.Unit.Multiplier())
	whole, midnight := true, t.TimeZone == ""
	for i := range c.Len() {
		if c.IsValid(i) {
			n := int64(c.Value(i))
			whole = whole && n%perSecond == 0
			midnight = midnight && n%(perSecond*secondsPerDay) == 0
		}
	}
	layout := "2006-01-02 15:04:05"
	switch {
	case midnight:
		return time.DateOnly
	case !whole && t.Unit == arrow.Millisecond:
		layout += ".000"
	case !whole && t.Unit == arrow.Microsecond:
		layout += ".000000"
	case !whole:
		layout += ".000000000"
	}
	if t.TimeZone != "" {
		layout += "-07:00"
	}
	return layout
}
