package rfc9111

import (
	"iter"
	"strings"
)

// maxNames is how many field names a response may list in Vary, or in a qualified private or no-cache, to be taken at its
// word. A list that is longer is read as the whole: "*", or the directive without an argument.
const maxNames = 64

// members walks the members of a field line (RFC 9110 §5.6.1): what stands between its commas, but for those inside of
// quoted strings, without white space around it. escapes tells whether a backslash in them takes away the meaning of what
// follows. Nothing is built, however long the line is.
func members(line string, escapes bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		quoted := false
		start := 0
		for i := 0; i < len(line); i++ {
			switch c := line[i]; {
			case quoted && escapes && c == '\\':
				i++
			case c == '"':
				quoted = !quoted
			case c == ',' && !quoted:
				if !yield(trim(line[start:i])) {
					return
				}
				start = i + 1
			}
		}
		yield(trim(line[start:]))
	}
}

// fieldNames walks the field names of a comma-separated list, and tells of each whether it is one (a token, RFC 9110
// §5.1). Empty members are left out.
func fieldNames(list string) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		for name := range strings.SplitSeq(list, ",") {
			if name = trim(name); name != "" && !yield(name, strings.IndexFunc(name, notInToken) < 0) {
				return
			}
		}
	}
}

// notInToken tells whether a character may not stand in a token (RFC 9110 §5.6.2).
func notInToken(r rune) bool {
	return r > 0x7e || !isLower(byte(r)) && !isUpper(byte(r)) && !isDigit(byte(r)) &&
		strings.IndexByte("!#$%&'*+-.^_`|~", byte(r)) < 0
}

// trim removes the white space around a field value, or around a member of one (RFC 9110 §5.6.3).
func trim(s string) string { return strings.Trim(s, " \t") }
