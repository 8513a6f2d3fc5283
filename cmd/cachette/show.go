package main

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	mostShown = 2 << 10 // bytes of a value
	mostNamed = 200     // bytes of a name, a key, a field
)

// quoted shows a text that comes from elsewhere, in quotes.
func quoted(text string) string { return `"` + visible(text) + `"` }

// visible shows a text that comes from elsewhere on one line, and none too long of it: nothing of it can steer a terminal.
func visible(text string) string {
	cut := ""
	if len(text) > mostNamed {
		end := mostNamed
		for end > mostNamed-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text, cut = text[:end], "…"
	}
	shown := strconv.QuoteToGraphic(text)
	return strings.ReplaceAll(shown[1:len(shown)-1], `\"`, `"`) + cut
}

// harmless shows a text of several lines, of which a part may come from elsewhere, as what a store says of an error: what is not to be seen is escaped.
func harmless(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case r == '\n' || r == '\t' || unicode.IsGraphic(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// readable tells whether a value is text that can be shown as it is.
func readable(value []byte) bool {
	return utf8.Valid(value) && strings.IndexFunc(string(value), func(r rune) bool {
		return r != '\n' && r != '\t' && !unicode.IsGraphic(r)
	}) < 0
}

// showValue shows a value, as text where it is some, or in hexadecimal; of a long one its beginning, and how much is left.
func (c *command) showValue(value []byte, all bool) {
	text, part := readable(value), value
	if !all && len(part) > mostShown {
		part = part[:mostShown]
		for text && !utf8.Valid(part) { // a character was cut
			part = part[:len(part)-1]
		}
	}
	if text {
		c.printf("%s\n", strings.TrimSuffix(string(part), "\n"))
	} else {
		c.printf("%s", hex.Dump(part))
	}
	if left := len(value) - len(part); left > 0 {
		c.printf("… and %s more: -all shows them, -raw writes all as they are\n", sized(left))
	}
}

func sized(n int) string { return counted(n, "byte", "bytes") }

// counted shows how many there are of something, by its names of one and of several.
func counted(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// briefly shows a duration as a person says it. What is left of one is never more than is.
func briefly(d time.Duration) string {
	switch {
	case d >= time.Minute || d <= -time.Minute:
		return d.Truncate(time.Second).String()
	case d >= time.Second || d <= -time.Second:
		return d.Truncate(100 * time.Millisecond).String()
	case d < time.Millisecond && d > -time.Millisecond: // as of a store on the same machine
		return d.Truncate(time.Microsecond).String()
	}
	return d.Truncate(10 * time.Microsecond).String()
}
