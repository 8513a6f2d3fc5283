//go:build amd64 || arm64

package orjson

import (
	"bytes"
	"reflect"
	"sync"
	"unsafe"

	"github.com/bytedance/sonic"
	sonicencoder "github.com/bytedance/sonic/encoder"
	sonicutf8 "github.com/bytedance/sonic/utf8"

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
	if text, ok := value.(string); ok {
		return encodeText(text, options)
	}
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

// maxCleared is up to what size a buffer is made beforehand, which clears it. sonic makes larger ones without that.
const maxCleared = 16 << 10

// encodeText encodes a string into a buffer of its own, with room for some escapes.
func encodeText(text string, options sonicencoder.Options) (data []byte, err error) {
	room := len(text) + len(text)/16
	if room > maxCleared {
		room = 0
	}
	data = make([]byte, 0, room+16)
	err = sonicencoder.EncodeInto(&data, text, options)
	return data, err
}

// fastDecode returns an error where encoding/json is to decode.
func fastDecode(data []byte, dst any) (err error) {
	defer recovered(&err)
	into := destinationOf(reflect.TypeOf(dst).Elem())
	if !fast || into.arrays || hasMinusZero(data) || into.bytes && hasCutPadding(data) {
		return errForeign
	}
	if into.copied {
		return fastDecoder.UnmarshalFromString(unsafe.String(unsafe.SliceData(data), len(data)), dst)
	}
	return fastDecoder.Unmarshal(data, dst)
}

// hasMinusZero reports whether -0 may stand in data: sonic loses its sign.
func hasMinusZero(data []byte) bool {
	if len(data) > 0 && data[0] == '"' {
		return false // it is a string, or an error
	}
	for {
		i := bytes.IndexByte(data, '-') // quicker than to look for both bytes
		if i < 0 {
			return false
		}
		data = data[i+1:]
		if len(data) == 0 || data[0] != '0' {
			continue
		}
		if len(data) == 1 || bytes.IndexByte([]byte(",]}"+jsonshared.Space), data[1]) >= 0 {
			return true
		}
	}
}

// hasCutPadding reports whether base64 with one = too few may stand in data: sonic takes it for right, and reads bytes
// that are not in it. With an escape in data that is not known.
func hasCutPadding(data []byte) bool {
	if bytes.IndexByte(data, '=') < 0 {
		return false
	}
	if bytes.IndexByte(data, '\\') >= 0 {
		return true
	}
	for rest := data; ; {
		end := bytes.Index(rest, []byte(`="`)) + 1
		if end == 0 {
			return false
		}
		start := bytes.LastIndexByte(rest[:end], '"') + 1
		if (end-start)%4 != 0 {
			return true
		}
		rest = rest[end+1:]
	}
}

// isText reports whether data is UTF-8.
func isText(data []byte) bool { return sonicutf8.Validate(data) }
