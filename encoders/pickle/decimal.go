package pickle

import (
	"math/big"
	"strconv"
	"strings"
)

// Decimal is Python's decimal.Decimal, as the text that Decimal() reads and str() writes: "1.10", "-0", "1E+400",
// "Infinity", "NaN". It is exact, and keeps the zeros at the end, as Python does: "1.1" and "1.10" are two texts.
type Decimal string

// Valid reports whether d is a number that Python's decimal reads.
func (d Decimal) Valid() bool {
	text, special := d.unsigned()
	if special {
		return true
	}
	digits, exponent, hasExponent := cutExponent(text)
	if hasExponent && !validExponent(exponent) {
		return false
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	return len(whole)+len(fraction) > 0 && allDigits(whole) && allDigits(fraction)
}

// unsigned returns d without its sign, and whether that is infinite or not a number.
func (d Decimal) unsigned() (text string, special bool) {
	text = string(d)
	if text != "" && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	if text == "" || !strings.ContainsRune("iInNsS", rune(text[0])) {
		return text, false
	}
	lower := strings.ToLower(text)
	if lower == "inf" || lower == "infinity" {
		return text, true
	}
	payload, isNaN := strings.CutPrefix(strings.TrimPrefix(lower, "s"), "nan")
	return text, isNaN && allDigits(payload)
}

// maxExponent is beyond what any number needs, and within what Python's decimal takes on a 64-bit machine.
const maxExponent = 100_000_000_000_000_000

func validExponent(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n <= maxExponent && n >= -maxExponent
}

func cutExponent(text string) (digits, exponent string, found bool) {
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		return text[:i], text[i+1:], true
	}
	return text, "", false
}

func allDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// maxWritten is the highest exponent that Rat writes out.
const maxWritten = 10_000

// Rat returns the number exactly. It reports false if there is none: for what is not finite, and for an exponent beyond
// 10,000, whose digits alone would fill a memory.
func (d Decimal) Rat() (*big.Rat, bool) {
	text, special := d.unsigned()
	if special || !d.Valid() {
		return nil, false
	}
	if _, exponent, found := cutExponent(text); found {
		if n, _ := strconv.ParseInt(exponent, 10, 64); n > maxWritten || n < -maxWritten {
			return nil, false
		}
	}
	return new(big.Rat).SetString(string(d))
}

// written is about how many zeros of its exponent Rat writes out.
func (d Decimal) written() int {
	_, exponent, _ := cutExponent(string(d))
	n, err := strconv.ParseInt(exponent, 10, 64)
	if err != nil || n > maxWritten || n < -maxWritten {
		return 0
	}
	return int(max(n, -n))
}

// Float returns the number rounded to so many bits; infinities included. It reports false for NaN, and as Rat does.
func (d Decimal) Float(precision uint) (*big.Float, bool) {
	if text, special := d.unsigned(); special {
		infinite := strings.HasPrefix(strings.ToLower(text), "inf")
		return new(big.Float).SetPrec(precision).SetInf(strings.HasPrefix(string(d), "-")), infinite
	}
	rat, ok := d.Rat()
	if !ok {
		return nil, false
	}
	return new(big.Float).SetPrec(precision).SetRat(rat), true
}
