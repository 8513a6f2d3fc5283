package pickle

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// protocol is the one that is written: every Python from 3.4 on reads it, it is what Python 3.8 to 3.13 write
// themselves, and it has opcodes of its own for str, bytes and sets. Protocol 5 would add bytearrays and buffers out of
// band, of which nothing is written here, and shut out Python 3.4 to 3.7.
const protocol = 4

// maxDepth bounds how deep values nest, in both directions. Python's own pickler gives up at about as many.
const maxDepth = 1000

// maxSets bounds how deep sets stand in sets: an element is copied once for each, to be sorted.
const maxSets = 16

// A writer appends the opcodes of values.
type writer struct {
	buf    []byte
	depth  int
	hashed int // more than 0 within the key of a dict or the element of a set
	sets   int // how many sets this is in
}

// scratch keeps the buffers of past calls: what a value needs is only known when it is written.
var scratch = sync.Pool{New: func() any { return new(writer) }}

// maxScratch is what is kept at most, for each processor.
const maxScratch = 4 << 20

func encode(value any) ([]byte, error) {
	switch v := value.(type) { // the size is known
	case string:
		return finish(&writer{buf: make([]byte, 0, len(v)+16)}, v)
	case []byte:
		return finish(&writer{buf: make([]byte, 0, len(v)+16)}, v)
	}
	w := scratch.Get().(*writer)
	w.buf, w.depth, w.hashed, w.sets = w.buf[:0], 0, 0, 0
	data, err := finish(w, value)
	if err == nil {
		data = slices.Clone(data)
	}
	if cap(w.buf) <= maxScratch {
		scratch.Put(w)
	}
	return data, err
}

func finish(w *writer, value any) ([]byte, error) {
	w.buf = append(w.buf, opProto, protocol)
	if err := w.value(value); err != nil {
		return nil, err
	}
	w.buf = append(w.buf, opStop)
	return w.buf, nil
}

// value writes what is most often stored without reflection.
func (w *writer) value(value any) error {
	switch v := value.(type) {
	case nil:
		w.buf = append(w.buf, opNone)
	case bool:
		w.bool(v)
	case int:
		w.buf = appendInt(w.buf, int64(v))
	case int64:
		w.buf = appendInt(w.buf, v)
	case float64:
		w.float(v)
	case string:
		return w.text(v)
	case []byte:
		w.bytes(v)
	case []any:
		return w.list(v)
	case map[string]any:
		return w.textMap(v)
	case time.Time:
		return w.time(v)
	default:
		return w.reflected(reflect.ValueOf(value))
	}
	return nil
}

func (w *writer) bool(b bool) {
	if b {
		w.buf = append(w.buf, opNewTrue)
		return
	}
	w.buf = append(w.buf, opNewFalse)
}

func (w *writer) float(f float64) {
	w.buf = binary.BigEndian.AppendUint64(append(w.buf, opBinFloat), math.Float64bits(f))
}

func (w *writer) text(s string) error {
	if !utf8.ValidString(s) {
		return unfitf("a string is not UTF-8, which Python's str cannot hold: store bytes as []byte")
	}
	w.buf = appendText(w.buf, s)
	return nil
}

func appendText(buf []byte, s string) []byte {
	switch n := uint64(len(s)); {
	case n < 1<<8:
		buf = append(buf, opShortBinUnicode, byte(n))
	case n < 1<<32:
		buf = binary.LittleEndian.AppendUint32(append(buf, opBinUnicode), uint32(n))
	default:
		buf = binary.LittleEndian.AppendUint64(append(buf, opBinUnicode8), n)
	}
	return append(buf, s...)
}

// bytes writes bytes; nil is None.
func (w *writer) bytes(b []byte) {
	switch n := uint64(len(b)); {
	case b == nil:
		w.buf = append(w.buf, opNone)
		return
	case n < 1<<8:
		w.buf = append(w.buf, opShortBinBytes, byte(n))
	case n < 1<<32:
		w.buf = binary.LittleEndian.AppendUint32(append(w.buf, opBinBytes), uint32(n))
	default:
		w.buf = binary.LittleEndian.AppendUint64(append(w.buf, opBinBytes8), n)
	}
	w.buf = append(w.buf, b...)
}

func appendInt(buf []byte, n int64) []byte {
	switch {
	case n >= 0 && n < 1<<8:
		return append(buf, opBinInt1, byte(n))
	case n >= 0 && n < 1<<16:
		return append(buf, opBinInt2, byte(n), byte(n>>8))
	case n >= math.MinInt32 && n <= math.MaxInt32:
		return binary.LittleEndian.AppendUint32(append(buf, opBinInt), uint32(n))
	}
	magnitude := uint64(n)
	if n < 0 {
		magnitude = ^magnitude
	}
	size := bits.Len64(magnitude)/8 + 1 // with a bit for the sign
	buf = append(buf, opLong1, byte(size))
	for i := range size {
		buf = append(buf, byte(n>>(8*i)))
	}
	return buf
}

func (w *writer) uint(n uint64) {
	if n <= math.MaxInt64 {
		w.buf = appendInt(w.buf, int64(n))
		return
	}
	w.buf = append(binary.LittleEndian.AppendUint64(append(w.buf, opLong1, 9), n), 0)
}

// bigInt writes an int in two's complement, the lowest byte first. In decimal, Python would refuse more than 4300 digits.
func (w *writer) bigInt(n *big.Int) error {
	if n.IsInt64() {
		w.buf = appendInt(w.buf, n.Int64())
		return nil
	}
	magnitude := n
	if n.Sign() < 0 {
		magnitude = new(big.Int).Not(n)
	}
	size := magnitude.BitLen()/8 + 1
	if size > math.MaxInt32 {
		return unfitf("a big.Int has more digits than a pickle can hold")
	}
	if size < 1<<8 {
		w.buf = append(w.buf, opLong1, byte(size))
	} else {
		w.buf = binary.LittleEndian.AppendUint32(append(w.buf, opLong4), uint32(size))
	}
	start := len(w.buf)
	w.buf = append(w.buf, make([]byte, size)...)
	digits := magnitude.FillBytes(w.buf[start:])
	slices.Reverse(digits)
	if n.Sign() < 0 {
		for i := range digits {
			digits[i] = ^digits[i]
		}
	}
	return nil
}

func (w *writer) decimal(d Decimal) error {
	if !d.Valid() {
		return unfitf("a pickle.Decimal is no number that Python reads: for none, give a nil pointer")
	}
	if w.hashed > 0 && strings.ContainsAny(string(d), "sS") {
		return unfitf("a key of a dict or an element of a set cannot be a signaling NaN in Python")
	}
	w.buf = appendText(append(w.buf, pyDecimal...), string(d))
	w.buf = append(w.buf, opTuple1, opReduce)
	return nil
}

// enter counts how deep values nest, and must be followed by leave.
func (w *writer) enter() error {
	if w.depth++; w.depth > maxDepth {
		return unfitf("it holds itself, or nests deeper than %d", maxDepth)
	}
	return nil
}

func (w *writer) leave() { w.depth-- }

// hashable refuses what Python cannot have as a key.
func (w *writer) hashable(what, instead string) error {
	if w.hashed > 0 {
		return unfitf("a key of a dict or an element of a set cannot be a %s in Python: give a %s", what, instead)
	}
	return nil
}
