package address

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Form is what the value of an option of a URL may be.
type Form struct {
	Good func(value string) bool
	Want string // what is good, for a message
}

var (
	// Text is any text that is not empty.
	Text = Form{func(value string) bool { return value != "" }, "a text"}

	// Flag is a switch, which [IsOn] reads.
	Flag = Form{func(value string) bool { return IsOn(value) || value == "false" || value == "0" }, "true or false"}

	// Count is how many there are of something.
	Count = Number(0, math.MaxInt32)

	// Connections is how many there are to a server: no process has more to one port than that.
	Connections = Number(1, 65535)

	// Timeout is how long something may take, which takes some time.
	Timeout = Form{
		func(value string) bool { span, ok := Span(value); return ok && span >= time.Millisecond },
		"a duration of a millisecond at least, such as 500ms or 2s, or a number of seconds",
	}
)

// Number is a number from low to high.
func Number(low, high int64) Form {
	return Form{func(value string) bool {
		below, negative := strings.CutPrefix(value, "-")
		return !negative && IsNumber(value, low, high) || negative && IsNumber(below, 1, -low)
	}, fmt.Sprintf("a number from %d to %d", low, high)}
}

// Duration is one that good takes, and [Span] reads.
func Duration(good func(span time.Duration) bool) Form {
	return Form{func(value string) bool {
		span, ok := Span(value)
		return ok && good(span)
	}, "a duration, such as 500ms or 2s, or a number of seconds"}
}

// IsOn reads a [Flag].
func IsOn(value string) bool { return value == "true" || value == "1" }

// seconds is a number of them.
var seconds = Number(-math.MaxInt32, math.MaxInt32)

// Span reads a duration, or a number of seconds, and tells whether it is one.
func Span(value string) (time.Duration, bool) {
	if seconds.Good(value) {
		value += "s"
	}
	span, err := time.ParseDuration(value)
	return span, err == nil
}
