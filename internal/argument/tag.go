package argument

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	MaxTag  = 256 // how many bytes a tag may have
	MaxTags = 128 // how many tags a response may have: each is a mark that a hit reads
)

// Tag tells what is wrong with a tag, or nothing.
func Tag(tag string) string {
	switch {
	case tag == "":
		return `a tag is empty; name what the response shows, as "product:42"`
	case len(tag) > MaxTag:
		return fmt.Sprintf("the tag %.64q… has %d bytes; give %d at most", tag, len(tag), MaxTag)
	case !utf8.ValidString(tag):
		return fmt.Sprintf("the tag %q is no UTF-8; give a text", tag)
	case strings.ContainsFunc(tag, unicode.IsControl):
		return fmt.Sprintf("the tag %q has control characters; give a text without", tag)
	case strings.TrimSpace(tag) != tag:
		return fmt.Sprintf("the tag %q has blanks around it; give %q", tag, strings.TrimSpace(tag))
	}
	return ""
}

// Group reads the name of a group of responses (RFC 9875), which is that of its origin with the group as its fragment.
func Group(given string) (host, group string, err error) {
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment == "" {
		return "", "", fmt.Errorf("%w: %.64q is no group of an origin; give both, as https://shop.example#products", Err, given)
	}
	return u.Host, u.Fragment, nil
}
