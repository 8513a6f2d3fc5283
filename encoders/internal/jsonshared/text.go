package jsonshared

import (
	"bytes"
	"errors"
	"reflect"
	"strconv"
	"unicode/utf16"

	"github.com/gin-cachette/cachette/encoders/internal/hidden"
)

// NotUTF8 tells why a value is refused that is no text.
const NotUTF8 = "it has a string that is not UTF-8, which JSON cannot hold: store bytes as []byte"

const half = `an escape that is half of a surrogate pair, such as \ud800, which is no character`

var (
	errNotUTF8 = errors.New("the data is not UTF-8")
	errHalf    = errors.New("the data has " + half)
)

// CheckText returns an error for data that is no text, of which libraries would read some as U+FFFD. isUTF8 tells whether it
// is UTF-8.
func CheckText(data []byte, isUTF8 bool) error {
	switch {
	case !isUTF8:
		return errNotUTF8
	case hasHalf(data):
		return errHalf
	}
	return nil
}

// Lost returns why data, which was written of value and is UTF-8, does not say all of it, or nothing.
func Lost(value any, data []byte) (reason string) {
	t := reflect.TypeOf(value)
	if mayHide(t) && bytes.Contains(data, []byte("{}")) {
		if found := hiddenIn(reflect.ValueOf(value)); found != nil {
			return hidden.Reason(found)
		}
	}
	switch {
	case MayWrite(t) && hasHalf(data):
		return "a method of a type writes " + half
	// For a byte that is not UTF-8, and hardly ever otherwise, encoding/json writes the escape of U+FFFD.
	case bytes.Contains(data, []byte(`\ufffd`)) && !isUTF8(reflect.ValueOf(value)):
		return NotUTF8
	}
	return ""
}

// hasHalf reports whether data has an escape of UTF-16 that is half of a surrogate pair. What is no JSON is for others to
// find.
func hasHalf(data []byte) bool {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 {
			return false
		}
		if data = data[i+1:]; len(data) == 0 {
			return false
		}
		first, ok := escaped(data)
		if !ok {
			data = data[1:] // it may be a backslash
			continue
		}
		if data = data[escapeSize:]; !utf16.IsSurrogate(first) {
			continue
		}
		if len(data) == 0 || data[0] != '\\' {
			return true
		}
		second, ok := escaped(data[1:])
		if !ok || utf16.DecodeRune(first, second) == replacement {
			return true
		}
		data = data[1+escapeSize:]
	}
}

const (
	escapeSize  = len("uXXXX") // behind the backslash
	replacement = '\uFFFD'
)

// escaped reads what stands behind a backslash, if that is four digits of hexadecimal behind a u.
func escaped(data []byte) (r rune, ok bool) {
	if len(data) < escapeSize || data[0] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(data[1:escapeSize]), 16, 16)
	return rune(n), err == nil
}
