package orjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gin-cachette/cachette/encoders/internal/jsonshared"
)

// Here is what happens where sonic gave up: encoding/json says whether it was right, and why. sonic's own errors quote
// the data, which can be a secret.

var (
	errPanic   = errors.New("a method of a type panicked")
	errForeign = errors.New("it is for encoding/json")
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
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

func encodeError(value any, err error) error {
	if err == errPanic {
		return fmt.Errorf("cachette: codec %s cannot encode %T: %w", name, value, err)
	}
	return jsonshared.Encode(name, value, err)
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
	if rest := bytes.TrimLeft(data[reader.InputOffset():], jsonshared.Space); len(rest) > 0 {
		return trailing(len(rest))
	}
	return nil
}

func decodeError(data []byte, dst any, err error) error {
	if _, follows := err.(trailing); follows || err == errPanic {
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", name, dst, err)
	}
	return jsonshared.Decode(name, data, dst, err)
}
