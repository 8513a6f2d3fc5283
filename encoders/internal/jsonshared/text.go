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

// Why data is no text. Libraries would read U+FFFD in its place, and make two keys one.
var (
	ErrNotUTF8 = errors.New("the data is not UTF-8")
	ErrHalf    = errors.New("the data has " + half)
)

// Escapes is what is to know about the escapes in JSON.
type Escapes struct {
	Half bool // one is half of a surrogate pair of UTF-16
	Bad  bool // one is none that JSON has
}

// EscapesOf looks at the escapes in data.
func EscapesOf(data []byte) (e Escapes) {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 {
			return e
		}
		if data = data[i+1:]; len(data) == 0 {
			e.Bad = true
			return e
		}
		switch data[0] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			data = data[1:]
			continue
		}
		first, ok := escaped(data)
		if !ok {
			e.Bad = true
			data = data[1:]
			continue
		}
		data = data[escapeSize:]
		if !utf16.IsSurrogate(first) {
			continue
		}
		second, ok := escaped(bytes.TrimPrefix(data, []byte{'\\'}))
		if !ok || data[0] != '\\' || utf16.DecodeRune(first, second) == replacement {
			e.Half = true
			continue
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

// Lost returns why data, which was written of value and is UTF-8, does not say all of it, or nothing. replaced tells
// whether what wrote it replaces bytes that are not UTF-8, as encoding/json does.
func Lost(value any, data []byte, replaced bool) (reason string) {
	may := traitsOf(reflect.TypeOf(value))
	switch {
	case may.write && EscapesOf(data).Half:
		return "a method of a type writes " + half
	case replaced && bytes.Contains(data, []byte(`\ufffd`)) && !isUTF8(reflect.ValueOf(value)):
		return NotUTF8
	case may.hide && bytes.Contains(data, []byte("{}")):
		if found := hiddenIn(reflect.ValueOf(value)); found != nil {
			return hidden.Reason(found)
		}
	}
	return ""
}
