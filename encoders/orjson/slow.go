package orjson

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Here is what happens where sonic gave up: encoding/json says whether it was right, and why. sonic's own errors quote
// the data, which can be a secret.

var (
	errPanic   = errors.New("a method of a type panicked")
	errForeign = errors.New("it is for encoding/json")
	errNotUTF8 = errors.New("it has a string that is not UTF-8, which JSON cannot hold: store bytes as []byte")
)

// slowEncode does what the codec json does.
func slowEncode(value any) (data []byte, err error) {
	defer recovered(&err)
	var buffer bytes.Buffer
	writer := json.NewEncoder(&buffer)
	writer.SetEscapeHTML(false)
	if err := writer.Encode(value); err != nil {
		return nil, err
	}
	data = bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))

	// For a byte that is not UTF-8, and hardly ever otherwise, encoding/json writes the escape of U+FFFD.
	if bytes.Contains(data, []byte(`\ufffd`)) && !isUTF8(reflect.ValueOf(value)) {
		return nil, errNotUTF8
	}
	return data, nil
}

func encodeError(value any, err error) error {
	var badType *json.UnsupportedTypeError
	var badValue *json.UnsupportedValueError
	switch {
	case err == errNotUTF8:
		return refuse("encode", value, "", err.Error())
	case errors.As(err, &badType):
		return refuse("encode", value, "", fmt.Sprintf("JSON has no form for %s", badType.Type))
	case errors.As(err, &badValue):
		return refuse("encode", value, "", "JSON has no form for it: "+badValue.Str)
	}
	return fmt.Errorf("cachette: codec %s cannot encode %T: %w", name, value, err)
}

// trailing says how many bytes follow the value.
type trailing int

func (n trailing) Error() string { return fmt.Sprintf("%d bytes follow the JSON value", int(n)) }

func slowDecode(data []byte, dst any) (err error) {
	defer recovered(&err)
	reader := json.NewDecoder(bytes.NewReader(data))
	reader.UseNumber()
	if err := reader.Decode(dst); err != nil {
		return err
	}
	if rest := bytes.TrimLeft(data[reader.InputOffset():], space); len(rest) > 0 {
		return trailing(len(rest))
	}
	return nil
}

func decodeError(data []byte, dst any, err error) error {
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		// The value of a number is not shown: it can be a secret.
		holds, _, _ := strings.Cut(mismatch.Value, " ")
		reason := fmt.Sprintf("%s stands where the Go type has %s", holds, mismatch.Type)
		if mismatch.Field != "" {
			reason = fmt.Sprintf("in field %s %s", mismatch.Field, reason)
		}
		return refuse("decode", dst, kind(data), reason)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		// io.EOF would tell a caller who reads a stream that all went well.
		err = errors.New("the JSON value is cut short")
	}
	return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", name, dst, err)
}

// kind says what JSON value data begins with.
func kind(data []byte) string {
	data = bytes.TrimLeft(data, space)
	if len(data) == 0 {
		return ""
	}
	switch data[0] {
	case '{':
		return "a JSON object"
	case '[':
		return "a JSON array"
	case '"':
		return "a JSON string"
	case 't', 'f':
		return "a JSON boolean"
	case 'n':
		return "null"
	}
	return "a JSON number"
}

// isUTF8 reports whether every string that v holds is UTF-8. Types that write themselves answer for themselves. It is
// only called with what has been encoded, so that v holds no cycle.
func isUTF8(v reflect.Value) bool {
	if !v.IsValid() {
		return true
	}
	t := v.Type()
	if t.Implements(reflect.TypeFor[json.Marshaler]()) {
		return true
	}
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return isUTF8(v.Elem())
	case reflect.Struct:
		if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			return true
		}
		for i := range v.NumField() {
			if field := t.Field(i); (field.IsExported() || field.Anonymous) && field.Tag.Get("json") != "-" && !isUTF8(v.Field(i)) {
				return false
			}
		}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return true // base64, or numbers
		}
		for i := range v.Len() {
			if !isUTF8(v.Index(i)) {
				return false
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if !isUTF8(entry.Key()) || !isUTF8(entry.Value()) {
				return false
			}
		}
	}
	return true
}
