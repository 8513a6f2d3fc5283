package wording

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Shown quotes a value for a message. One that may be a URL, and so have a password in it, is not shown: people paste
// things into the wrong variable.
func Shown(value string) string {
	const limit = 64
	if strings.ContainsAny(value, "@/:") || len(value) > limit || !utf8.ValidString(value) || hasPercentEscape(value) {
		return "the value (not shown, for it may hold a password)"
	}
	return fmt.Sprintf("%q", value)
}

func hasPercentEscape(value string) bool {
	unescaped, err := url.PathUnescape(value)
	return err != nil || unescaped != value
}

// IsScheme reports whether text looks like the scheme of a URL, and nothing else, so that it can be shown.
func IsScheme(text string) bool {
	for _, r := range text {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '+' {
			return false
		}
	}
	return text != "" && len(text) <= 16
}

// IsBlank reports whether a character is white space, or one that is not seen, as a byte order mark.
func IsBlank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }
