// Package jsonshared is what the codecs json and orjson share.
package jsonshared

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gin-cachette/cachette/encoders"
)

// Here are the errors of the codecs, made from those of encoding/json, which quote the data: it can be a secret.

// Encode returns the error of a codec's Encode, of what encoding/json said.
func Encode(codec string, value any, err error) error {
	var badType *json.UnsupportedTypeError
	var badValue *json.UnsupportedValueError
	var own *json.MarshalerError
	switch {
	case errors.As(err, &badType):
		return refuse(codec, value, fmt.Sprintf("JSON has no form for %s", badType.Type), err)
	case errors.As(err, &badValue):
		return refuse(codec, value, "JSON has no form for it: "+badValue.Str, err)
	case errors.As(err, &own):
		return fmt.Errorf("cachette: codec %s cannot encode %T: %w", codec, value, err)
	}
	return refuse(codec, value, "it has a json.Number that is no number", err)
}

// refuse makes the error for a value that is not JSON.
func refuse(codec string, value any, reason string, err error) error {
	refusal := encoders.Unsupported(codec, "encode", value, "", reason)
	refusal.Err = err
	return refusal
}

// Decode returns the error of a codec's Decode, of what encoding/json said.
func Decode(codec string, data []byte, dst any, err error) error {
	var mismatch *json.UnmarshalTypeError
	var cut base64.CorruptInputError
	_, syntax := err.(*json.SyntaxError) // what a method wraps around one may quote the value
	switch {
	case errors.As(err, &mismatch) && isKnown(mismatch):
		return encoders.Unsupported(codec, "decode", dst, kind(data), reason(mismatch))
	case errors.As(err, &cut):
		return encoders.Unsupported(codec, "decode", dst, kind(data), cut.Error())
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		// io.EOF would tell a caller that reads a stream that all went well.
		return failure(codec, dst, errors.New("the JSON value is cut short"))
	case syntax:
		return failure(codec, dst, err)
	}
	refusal := encoders.Unsupported(codec, "decode", dst, kind(data), "the Go type, or one within it, refuses what stands there")
	refusal.Err = err
	return refusal
}

func failure(codec string, dst any, err error) error {
	return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", codec, dst, err)
}

// isKnown reports whether a mismatch says of the value what encoding/json says. A method may say the value itself.
func isKnown(mismatch *json.UnmarshalTypeError) bool {
	switch holds(mismatch) {
	case "array", "bool", "null", "number", "object", "string":
		return mismatch.Type != nil
	}
	return false
}

func holds(mismatch *json.UnmarshalTypeError) string {
	kind, _, _ := strings.Cut(mismatch.Value, " ") // behind it stands the number itself
	return kind
}

func reason(mismatch *json.UnmarshalTypeError) string {
	text := fmt.Sprintf("%s stands where the Go type has %s", holds(mismatch), mismatch.Type)
	if mismatch.Field != "" {
		text = fmt.Sprintf("in field %s %s", mismatch.Field, text)
	}
	return text
}

// kind says what JSON value data begins with.
func kind(data []byte) string {
	data = bytes.TrimLeft(data, Space)
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
