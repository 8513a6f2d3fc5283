package argument

import "strings"

// IsToken tells whether a text is a token, as names of fields and of cookies are (RFC 9110 §5.6.2).
func IsToken(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) < 0
}

// IsFieldValue tells whether a text can be the value of a field: it has no line break, and no other control character than tabs (RFC 9110 §5.5).
func IsFieldValue(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) < 0
}
