package pickle

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// line reads up to the end of a line, which protocol 0 ends its arguments with.
func (r *reader) line() ([]byte, error) {
	end := bytes.IndexByte(r.data[r.pos:], '\n')
	if end < 0 {
		return nil, errShort
	}
	line := r.data[r.pos : r.pos+end]
	r.pos += end + 1
	return line, nil
}

// textual runs an opcode of protocol 0 whose argument is a line of text.
func (r *reader) textual(op byte) error {
	line, err := r.line()
	if err != nil {
		return err
	}
	switch op {
	case opGlobal:
		module := string(line)
		if line, err = r.line(); err != nil {
			return err
		}
		return r.pushGlobal(module, string(line))
	case opUnicode:
		text, err := rawUnicode(line)
		if err != nil {
			return err
		}
		return r.push(text)
	case opFloat:
		f, err := strconv.ParseFloat(string(line), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) { // Python makes that an infinity, too
			return errors.New("a float is no number")
		}
		return r.push(f)
	case opGet, opPut:
		index, err := strconv.ParseUint(string(line), 10, 32)
		if err != nil {
			return errors.New("a number in the memo is no number")
		}
		if op == opGet {
			return r.get(index)
		}
		return r.putAt(index)
	case opInt:
		switch string(line) {
		case "00":
			return r.push(false)
		case "01":
			return r.push(true)
		}
	}
	value, err := intFromText(strings.TrimSuffix(string(line), "L"))
	if err != nil {
		return err
	}
	return r.push(value)
}

// maxDigits is Python's own limit for an int in decimal: the time that it takes to read grows with the square of it.
const maxDigits = 4300

func intFromText(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	digits := strings.TrimLeft(text, "+-")
	if len(digits) > maxDigits {
		return nil, fmt.Errorf("an int has more than %d digits in decimal", maxDigits)
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, errors.New("an int is no number")
	}
	return natural(n), nil
}

// natural returns an int as what it is decoded as where nothing else is asked for: an int64 if it fits.
func natural(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// intFromBytes reads an int in two's complement, the lowest byte first.
func intFromBytes(data []byte) any {
	if len(data) <= 8 {
		var n uint64
		for i, b := range data {
			n |= uint64(b) << (8 * i)
		}
		if unused := 64 - 8*len(data); unused < 64 {
			return int64(n<<unused) >> unused
		}
		return int64(0)
	}
	reversed := make([]byte, len(data))
	for i, b := range data {
		reversed[len(data)-1-i] = b
	}
	n := new(big.Int).SetBytes(reversed)
	if reversed[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(data))))
	}
	return natural(n)
}

// rawUnicode reads the raw-unicode-escape coding of protocol 0: Latin-1, with \uXXXX and \UXXXXXXXX.
func rawUnicode(line []byte) (string, error) {
	var text strings.Builder
	text.Grow(len(line))
	for i := 0; i < len(line); i++ {
		if line[i] != '\\' || i+1 == len(line) {
			text.WriteRune(rune(line[i]))
			continue
		}
		i++
		size := 0
		switch line[i] {
		case 'u':
			size = 4
		case 'U':
			size = 8
		default:
			text.WriteByte('\\')
			text.WriteRune(rune(line[i]))
			continue
		}
		if len(line)-i-1 < size {
			return "", errors.New("a text ends within an escape")
		}
		code, err := strconv.ParseUint(string(line[i+1:i+1+size]), 16, 32)
		if err != nil || code > utf8.MaxRune {
			return "", errors.New("a text has an escape that is no character")
		}
		if !utf8.ValidRune(rune(code)) {
			return "", errText
		}
		text.WriteRune(rune(code))
		i += size
	}
	return text.String(), nil
}
