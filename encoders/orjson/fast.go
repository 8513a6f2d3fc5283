//go:build amd64 || arm64

package orjson

import (
	"bytes"
	"reflect"
	"sync"

	"github.com/bytedance/sonic"
	sonicencoder "github.com/bytedance/sonic/encoder"

	"github.com/gin-cachette/cachette/encoders/internal/jsonshared"
)

// fast says that sonic knows this version of Go, and is not encoding/json in disguise.
const fast = sonic.APIKind == sonic.UseSonicJSON

var fastDecoder = sonic.Config{UseNumber: true, CopyString: true, ValidateString: true}.Froze()

// maxKept bounds the buffers that are kept for the next value. sonic's own bound is so low that a document of 1 MB takes
// longer than with encoding/json.
const maxKept = 4 << 20

var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

// fastEncode turns a panic, of sonic or of a method of the value's type, into an error.
//
// Strings that are not UTF-8 are left alone, so that they can be found in what it returns.
func fastEncode(value any) (data []byte, err error) {
	defer recovered(&err)
	if !fast {
		return nil, errForeign
	}
	options := sonicencoder.SortMapKeys | sonicencoder.NoEncoderNewline
	if t := reflect.TypeOf(value); t != nil {
		has := traitsOf(t)
		if has.foreign {
			return nil, errForeign
		}
		if has.blanks {
			options |= sonicencoder.CompactMarshaler
		}
	}
	buffer := buffers.Get().(*[]byte)
	*buffer = (*buffer)[:0]
	if err := sonicencoder.EncodeInto(buffer, value, options); err != nil {
		return nil, err
	}
	data = append([]byte{}, *buffer...)
	if cap(*buffer) <= maxKept {
		buffers.Put(buffer)
	}
	return data, nil
}

// fastDecode returns an error where encoding/json is to decode.
func fastDecode(data []byte, dst any) (err error) {
	defer recovered(&err)
	if !fast || hasMinusZero(data) {
		return errForeign
	}
	return fastDecoder.Unmarshal(data, dst)
}

// hasMinusZero reports whether -0 may stand in data: sonic loses its sign.
func hasMinusZero(data []byte) bool {
	for {
		i := bytes.Index(data, []byte("-0"))
		if i < 0 {
			return false
		}
		data = data[i+2:]
		if len(data) == 0 || bytes.IndexByte([]byte(",]}"+jsonshared.Space), data[0]) >= 0 {
			return true
		}
	}
}
