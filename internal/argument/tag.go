package argument

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTag is how many bytes a tag may have.
const maxTag = 256

// Tag tells what is wrong with a tag, or nothing.
func Tag(tag string) string {
	switch {
	case tag == "":
		return `a tag is empty; name what the response shows, as "product:42"`
	case len(tag) > maxTag:
		return fmt.Sprintf("the tag %.64q… has %d bytes; give %d at most", tag, len(tag), maxTag)
	case !utf8.ValidString(tag):
		return fmt.Sprintf("the tag %q is no UTF-8; give a text", tag)
	case strings.ContainsFunc(tag, unicode.IsControl):
		return fmt.Sprintf("the tag %q has control characters; give a text without", tag)
	case strings.TrimSpace(tag) != tag:
		return fmt.Sprintf("the tag %q has blanks around it; give %q", tag, strings.TrimSpace(tag))
	}
	return ""
}
