package msgpack

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// What stands on the wire is written here as the library writes it with compact integers, and read with two checks that
// the library does not make: lengths are believed only as far as there is data, and nesting is bounded.

// timestamp is the type of the extension that holds a time.
const timestamp = -1

// maxDepth is how deep arrays and maps may nest: as deep as msgpack-python writes and reads.
const maxDepth = 1024

// maxHead is how many bytes stand before those of a string or of binary data at most.
const maxHead = 5

var (
	errShort   = errors.New("the data is cut short")
	errCode    = errors.New("the data holds the byte c1, which MessagePack does not use")
	errDeep    = errors.New("the data nests deeper than 1024 levels")
	errNotText = errors.New("the data holds a string that is not UTF-8")
	errTime    = errors.New("the data holds a timestamp that is none")
)

// kind is what a token begins.
type kind uint8

const (
	kindNil kind = iota
	kindBool
	kindInt   // below zero
	kindUint  // zero or more
	kindFloat // of 32 or 64 bits
	kindStr
	kindBin
	kindArray
	kindMap
	kindExt
)

// token is the head of a value: all of it, for numbers, and what announces it, for the rest.
type token struct {
	kind kind
	ext  int8   // the type of an extension
	at   int    // where the value begins
	n    uint64 // a number's bits, or a length
}

func (t token) float() float64 { return math.Float64frombits(t.n) }

// reader reads tokens from data.
type reader struct {
	data  []byte
	pos   int
	depth int
	hops  int // pointers on the way
	items int // how many values arrays and maps have announced; each takes a byte, so that data cannot hold more
}

// next reads a token. What it announces is there: that many bytes follow, or, for arrays and maps, may follow.
func (r *reader) next() (token, error) {
	t := token{at: r.pos}
	if r.pos >= len(r.data) {
		return t, errShort
	}
	c := r.data[r.pos]
	r.pos++
	switch {
	case c <= codePosHigh:
		t.kind, t.n = kindUint, uint64(c)
		return t, nil
	case c >= codeNegLow:
		t.kind, t.n = kindInt, uint64(int64(int8(c)))
		return t, nil
	case c <= codeMapHigh:
		t.kind, t.n = kindMap, uint64(c-codeMapLow)
		return t, r.announce(t)
	case c <= codeArrayHigh:
		t.kind, t.n = kindArray, uint64(c-codeArrayLow)
		return t, r.announce(t)
	case c <= codeStrHigh:
		t.kind, t.n = kindStr, uint64(c-codeStrLow)
		return t, r.announce(t)
	}
	return r.long(c, t)
}

// layouts says for each code from c0 to df what it begins, and how many bytes of number or length follow it.
var layouts = [0x20]struct {
	kind kind
	size uint8
}{
	codeNil & 0x1F: {kindNil, 0}, codeFalse & 0x1F: {kindBool, 0}, codeTrue & 0x1F: {kindBool, 0},
	codeBin8 & 0x1F: {kindBin, 1}, codeBin16 & 0x1F: {kindBin, 2}, codeBin32 & 0x1F: {kindBin, 4},
	codeExt8 & 0x1F: {kindExt, 1}, codeExt16 & 0x1F: {kindExt, 2}, codeExt32 & 0x1F: {kindExt, 4},
	codeFloat32 & 0x1F: {kindFloat, 4}, codeFloat64 & 0x1F: {kindFloat, 8},
	codeUint8 & 0x1F: {kindUint, 1}, codeUint16 & 0x1F: {kindUint, 2},
	codeUint32 & 0x1F: {kindUint, 4}, codeUint64 & 0x1F: {kindUint, 8},
	codeInt8 & 0x1F: {kindInt, 1}, codeInt16 & 0x1F: {kindInt, 2},
	codeInt32 & 0x1F: {kindInt, 4}, codeInt64 & 0x1F: {kindInt, 8},
	codeFixExt1 & 0x1F: {kindExt, 0}, codeFixExt2 & 0x1F: {kindExt, 0}, codeFixExt4 & 0x1F: {kindExt, 0},
	codeFixExt8 & 0x1F: {kindExt, 0}, codeFixExt16 & 0x1F: {kindExt, 0},
	codeStr8 & 0x1F: {kindStr, 1}, codeStr16 & 0x1F: {kindStr, 2}, codeStr32 & 0x1F: {kindStr, 4},
	codeArray16 & 0x1F: {kindArray, 2}, codeArray32 & 0x1F: {kindArray, 4},
	codeMap16 & 0x1F: {kindMap, 2}, codeMap32 & 0x1F: {kindMap, 4},
}

// long reads a token whose code is from c0 to df.
func (r *reader) long(c byte, t token) (token, error) {
	layout := layouts[c&0x1F]
	size := int(layout.size)
	if len(r.data)-r.pos < size {
		return t, errShort
	}
	number := r.data[r.pos:]
	r.pos += size
	switch size {
	case 1:
		t.n = uint64(number[0])
	case 2:
		t.n = uint64(binary.BigEndian.Uint16(number))
	case 4:
		t.n = uint64(binary.BigEndian.Uint32(number))
	case 8:
		t.n = binary.BigEndian.Uint64(number)
	}

	t.kind = layout.kind
	switch t.kind {
	case kindNil:
		if c != codeNil {
			return t, errCode
		}
	case kindBool:
		t.n = uint64(c & 1)
	case kindInt:
		unused := 64 - 8*size
		n := int64(t.n<<unused) >> unused // the sign
		if t.n = uint64(n); n >= 0 {
			t.kind = kindUint // some writers give every integer a sign
		}
	case kindFloat:
		if size == 4 {
			t.n = math.Float64bits(float64(math.Float32frombits(uint32(t.n))))
		}
	case kindExt:
		if size == 0 {
			t.n = 1 << (c - codeFixExt1)
		}
		if r.pos >= len(r.data) {
			return t, errShort
		}
		t.ext = int8(r.data[r.pos])
		r.pos++
		return t, r.announce(t)
	case kindStr, kindBin, kindArray, kindMap:
		return t, r.announce(t)
	}
	return t, nil
}

// announce checks a length against the data that is left.
func (r *reader) announce(t token) error {
	switch t.kind {
	case kindArray, kindMap:
		items := t.n // at most 2^32
		if t.kind == kindMap {
			items *= 2
		}
		if items > uint64(len(r.data)-r.pos) {
			return errShort
		}
		if r.items += int(items); r.items > len(r.data) {
			return errShort
		}
	default:
		if t.n > uint64(len(r.data)-r.pos) {
			return errShort
		}
	}
	return nil
}

// take returns the bytes of a string, of binary data or of an extension. They belong to data.
func (r *reader) take(t token) []byte {
	taken := r.data[r.pos : r.pos+int(t.n)]
	r.pos += int(t.n)
	return taken
}

// enter and leave stand around the elements of an array or a map.
func (r *reader) enter() error {
	if r.depth++; r.depth > maxDepth {
		return errDeep
	}
	return nil
}

func (r *reader) leave() { r.depth-- }

// skip moves behind the value that t begins.
func (r *reader) skip(t token) error {
	switch t.kind {
	case kindStr, kindBin, kindExt:
		r.pos += int(t.n)
	case kindArray, kindMap:
		if err := r.enter(); err != nil {
			return err
		}
		n := int(t.n)
		if t.kind == kindMap {
			n *= 2
		}
		for range n {
			element, err := r.next()
			if err != nil {
				return err
			}
			if err := r.skip(element); err != nil {
				return err
			}
		}
		r.leave()
	}
	return nil
}

// time reads the timestamp that t begins.
func (r *reader) time(t token) (time.Time, error) {
	data := r.take(t)
	var seconds, nanos uint64
	switch len(data) {
	case 4:
		seconds = uint64(binary.BigEndian.Uint32(data))
	case 8:
		both := binary.BigEndian.Uint64(data)
		nanos, seconds = both>>34, both&(1<<34-1)
	case 12:
		nanos, seconds = uint64(binary.BigEndian.Uint32(data)), binary.BigEndian.Uint64(data[4:])
	default:
		return time.Time{}, errTime
	}
	if nanos >= 1e9 {
		return time.Time{}, errTime
	}
	return time.Unix(int64(seconds), int64(nanos)).UTC(), nil
}

func appendInt(b []byte, n int64) []byte {
	switch {
	case n >= 0:
		return appendUint(b, uint64(n))
	case n >= -32:
		return append(b, byte(n))
	case n >= math.MinInt8:
		return append(b, codeInt8, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(b, codeInt16), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(b, codeInt32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, codeInt64), uint64(n))
}

func appendUint(b []byte, n uint64) []byte {
	switch {
	case n <= math.MaxInt8:
		return append(b, byte(n))
	case n <= math.MaxUint8:
		return append(b, codeUint8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, codeUint16), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, codeUint32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, codeUint64), n)
}

func appendFloat(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, codeFloat64), math.Float64bits(f))
}

func appendFloat32(b []byte, f float32) []byte {
	return binary.BigEndian.AppendUint32(append(b, codeFloat32), math.Float32bits(f))
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, codeTrue)
	}
	return append(b, codeFalse)
}

// appendLen appends a length with the code that has room for it. Without a code of 8 bits, code8 is 0.
func appendLen(b []byte, n int, code8, code16, code32 byte) []byte {
	switch {
	case n <= math.MaxUint8 && code8 != 0:
		return append(b, code8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, code16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, code32), uint32(n))
}

func appendString(b []byte, s string) []byte {
	if len(s) < 32 {
		b = append(b, codeStrLow|byte(len(s)))
	} else {
		b = appendLen(b, len(s), codeStr8, codeStr16, codeStr32)
	}
	return append(b, s...)
}

func appendArrayLen(b []byte, n int) []byte {
	if n < 16 {
		return append(b, codeArrayLow|byte(n))
	}
	return appendLen(b, n, 0, codeArray16, codeArray32)
}

func appendMapLen(b []byte, n int) []byte {
	if n < 16 {
		return append(b, codeMapLow|byte(n))
	}
	return appendLen(b, n, 0, codeMap16, codeMap32)
}

// appendTime appends t in the shortest of the three layouts that a timestamp has.
func appendTime(b []byte, t time.Time) []byte {
	code := byte(0x100 + timestamp)
	seconds, nanos := uint64(t.Unix()), uint64(t.Nanosecond())
	switch {
	case seconds>>34 != 0:
		b = append(b, codeExt8, 12, code)
		b = binary.BigEndian.AppendUint32(b, uint32(nanos))
		return binary.BigEndian.AppendUint64(b, seconds)
	case nanos == 0 && seconds <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, codeFixExt4, code), uint32(seconds))
	}
	return binary.BigEndian.AppendUint64(append(b, codeFixExt8, code), nanos<<34|seconds)
}
