package mongodb

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// marker begins the stored name of a key that cannot be stored as it is. It is U+10FFFF, the last code point, which
// Unicode sets aside for the use of programs.
const marker = "\U0010FFFF"

// encodeKey returns the name under which key is stored. It is valid UTF-8, and no two keys share one.
func encodeKey(key string) string {
	if utf8.ValidString(key) && !strings.HasPrefix(key, marker) {
		return key
	}
	return marker + hex.EncodeToString([]byte(key))
}

// decodeKey returns the key that is stored under name, or false when encodeKey returns name for none.
func decodeKey(name string) (string, bool) {
	digits, found := strings.CutPrefix(name, marker)
	if !found {
		return name, utf8.ValidString(name)
	}
	key, err := hex.DecodeString(digits)
	return string(key), err == nil && encodeKey(string(key)) == name
}

// A span is a range of names, in the order of their bytes, in which MongoDB compares strings.
type span struct {
	from string // the first
	to   string // the first after the last; empty if there is none
}

// spans returns ranges that hold the name of each key that begins with prefix. They may hold other names, so each has to
// be looked at.
func spans(prefix string) []span {
	var all []span
	if plain, ok := plainSpan(prefix); ok {
		all = append(all, plain)
	}
	if prefix == "" {
		return all // every string
	}
	encoded := marker + hex.EncodeToString([]byte(prefix))
	return append(all, span{encoded, after(encoded)})
}

// plainSpan is the range of valid UTF-8 that begins with prefix, if there is any. prefix may end within a rune.
func plainSpan(prefix string) (span, bool) {
	whole := 0
	for whole < len(prefix) {
		r, size := utf8.DecodeRuneInString(prefix[whole:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		whole += size
	}
	if whole == len(prefix) {
		return span{prefix, after(prefix)}, true
	}
	first, last, ok := runes(prefix[whole:])
	if !ok {
		return span{}, false
	}
	before := prefix[:whole]
	return span{before + string(first), after(before + string(last))}, true
}

// runes returns the first and the last rune whose encoding begins with the bytes of part and is longer, if there is any.
// https://www.rfc-editor.org/rfc/rfc3629#section-3
func runes(part string) (first, last rune, ok bool) {
	var size int
	var bits, lowest, highest rune
	switch lead := part[0]; {
	case lead>>5 == 0b110:
		size, bits, lowest, highest = 2, rune(lead&0x1f), 0x80, 0x7ff
	case lead>>4 == 0b1110:
		size, bits, lowest, highest = 3, rune(lead&0x0f), 0x800, 0xffff
	case lead>>3 == 0b11110:
		size, bits, lowest, highest = 4, rune(lead&0x07), 0x10000, utf8.MaxRune
	default:
		return 0, 0, false
	}
	if len(part) >= size {
		return 0, 0, false
	}
	for i := 1; i < len(part); i++ {
		if part[i]>>6 != 0b10 {
			return 0, 0, false
		}
		bits = bits<<6 | rune(part[i]&0x3f)
	}
	missing := 6 * (size - len(part))
	first, last = max(lowest, bits<<missing), min(highest, (bits+1)<<missing-1)
	if surrogate(first) {
		first = surrogateMax + 1
	}
	if surrogate(last) {
		last = surrogateMin - 1
	}
	return first, last, first <= last
}

const surrogateMin, surrogateMax = 0xd800, 0xdfff

func surrogate(r rune) bool { return surrogateMin <= r && r <= surrogateMax }

// after returns the first string of valid UTF-8 that is larger than all that begin with text, which is valid; empty when
// there is none.
func after(text string) string {
	for text != "" {
		r, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
		switch r {
		case utf8.MaxRune: // nothing comes after it: the rune before has to be the next one
		case surrogateMin - 1:
			return text + string(rune(surrogateMax+1))
		default:
			return text + string(r+1)
		}
	}
	return ""
}
