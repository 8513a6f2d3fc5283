package pickle

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A scalar of numpy is pickled as its dtype and its bytes. It is read as the Python type that its value has.

// dtype is a numpy.dtype, as far as scalars need it.
type dtype struct {
	kind  byte // b, i, u, f, U or S; another is foreign
	size  int  // in bytes, of text in characters
	order binary.ByteOrder
}

// makeDtype reads the arguments of a dtype: "f8", and two booleans.
func makeDtype(args []any) (any, error) {
	text, ok := "", len(args) == 3
	if ok {
		text, ok = args[0].(string)
	}
	if !ok || text == "" || len(text) > maxKeptText {
		return nil, errArguments
	}
	size, err := strconv.Atoi(text[1:])
	if err != nil || size < 0 || size > maxScalar {
		return foreignClass("numpy", "dtype of "+text), nil
	}
	d := &dtype{kind: text[0], size: size}
	switch {
	case strings.IndexByte("US", d.kind) >= 0:
	case d.kind == 'b' && size == 1:
	case strings.IndexByte("iu", d.kind) >= 0 && (size == 1 || size == 2 || size == 4 || size == 8):
	case d.kind == 'f' && (size == 2 || size == 4 || size == 8):
	default: // complex numbers, long doubles, times
		return foreignClass("numpy", "dtype of "+text), nil
	}
	return d, nil
}

// build reads the state of a dtype, of which the second item is the order of the bytes.
func (d *dtype) build(state any) error {
	const least = 8
	items, ok := state.(*node)
	if !ok || items.kind != kindTuple || len(items.items) < least {
		return errArguments
	}
	switch items.items[1] {
	case any("<"), any("|"):
		d.order = binary.LittleEndian
	case any(">"):
		d.order = binary.BigEndian
	default:
		return errArguments
	}
	return nil
}

const (
	utf32     = 4       // how many bytes a character of a str takes
	maxScalar = 1 << 30 // numpy's own limit is below
)

// bytes returns how many bytes a scalar has.
func (d *dtype) bytes() int {
	if d.kind == 'U' {
		return utf32 * d.size
	}
	return d.size
}

// scalar reads a scalar.
func (r *reader) scalar(args []any) (any, error) {
	if len(args) != 2 {
		return nil, errArguments
	}
	d, ok := args[0].(*dtype)
	data, okData := argument[[]byte](args[1])
	if !ok || !okData || d.order == nil || len(data) != d.bytes() {
		return nil, errArguments
	}
	switch d.kind {
	case 'S':
		return sharedBytes(data), nil
	case 'U':
		return r.wideText(data, d.order)
	case 'b':
		return data[0] != 0, nil
	}
	var n uint64
	switch d.size {
	case 1:
		n = uint64(data[0])
	case 2:
		n = uint64(d.order.Uint16(data))
	case 4:
		n = uint64(d.order.Uint32(data))
	default:
		n = d.order.Uint64(data)
	}
	switch d.kind {
	case 'i':
		unused := 64 - 8*d.size
		return int64(n<<unused) >> unused, nil
	case 'u':
		return natural(new(big.Int).SetUint64(n)), nil
	}
	switch d.size {
	case 2:
		return halfFloat(uint16(n)), nil
	case 4:
		return float64(math.Float32frombits(uint32(n))), nil
	}
	return math.Float64frombits(n), nil
}

func (r *reader) wideText(data []byte, order binary.ByteOrder) (any, error) {
	if err := r.payFor(len(data)); err != nil {
		return nil, err
	}
	var text strings.Builder
	for ; len(data) > 0; data = data[utf32:] {
		c := order.Uint32(data)
		if c > utf8.MaxRune || !utf8.ValidRune(rune(c)) {
			return nil, errText
		}
		text.WriteRune(rune(c))
	}
	return text.String(), nil
}

// halfFloat reads a float of 16 bits: a sign, 5 bits of exponent and 10 of fraction (IEEE 754).
func halfFloat(bits uint16) float64 {
	sign := 1.0
	if bits>>15 != 0 {
		sign = -1
	}
	exponent, fraction := int(bits>>10&0x1F), float64(bits&0x3FF)
	switch {
	case exponent == 0:
		return sign * math.Ldexp(fraction, -24)
	case exponent < 0x1F:
		return sign * math.Ldexp(fraction+1024, exponent-25)
	case fraction == 0:
		return math.Inf(int(sign))
	}
	return math.NaN()
}
