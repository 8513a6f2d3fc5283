package vanilla

import (
	"bytes"
	"math"
	"strconv"
)

// appendBool appends b as Python's str prints it.
func appendBool(text []byte, b bool) []byte {
	if b {
		return append(text, "True"...)
	}
	return append(text, "False"...)
}

// appendFloat appends f as Python's str prints it: the fewest digits that read back as the same float, with a
// fraction always, and with an exponent where the decimal one is below -4 or above 15.
//
// Python has no float32. With bits 32 the digits are the fewest that read back as the same float32, so that
// float32(0.1) is "0.1" and not "0.10000000149011612"; the layout is the same.
func appendFloat(text []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(text, "nan"...)
	case math.IsInf(f, 1):
		return append(text, "inf"...)
	case math.IsInf(f, -1):
		return append(text, "-inf"...)
	}

	var buffer [32]byte
	scientific := strconv.AppendFloat(buffer[:0], f, 'e', -1, bits)
	_, exponent, _ := bytes.Cut(scientific, []byte("e"))
	if e, _ := strconv.Atoi(string(exponent)); e < -4 || e > 15 {
		return append(text, scientific...)
	}

	start := len(text)
	text = strconv.AppendFloat(text, f, 'f', -1, bits)
	if !bytes.Contains(text[start:], []byte(".")) {
		text = append(text, ".0"...)
	}
	return text
}
