package target_test

import (
	"crypto/sha256"
	"net/http"
	"testing"

	"github.com/gin-cachette/cachette/internal/target"
)

// contentOf returns a content as a client sends it, with its length.
func contentOf(method, text string, fields ...string) target.Content {
	c := target.Content{
		Method: method, Header: make(http.Header), Declared: int64(len(text)), Length: int64(len(text)), Sum: sha256.Sum256([]byte(text)),
	}
	for i := 0; i < len(fields); i += 2 {
		c.Header.Add(fields[i], fields[i+1])
	}
	return c
}

// RFC 10008 §2.7: the key of a QUERY has its content and the metadata that is about it.
func TestContentKeys(t *testing.T) {
	with := func(c target.Content, change func(*target.Content)) target.Content {
		change(&c)
		return c
	}
	seen := map[string]string{}
	for name, c := range map[string]target.Content{
		"nothing":                      contentOf("QUERY", ""),
		"a":                            contentOf("QUERY", "a"),
		"a by POST":                    contentOf("POST", "a"),
		"a type":                       contentOf("QUERY", "a", "Content-Type", "text/plain"),
		"the same type otherwise":      contentOf("QUERY", "a", "Content-Type", "text/PLAIN"),
		"a parameter":                  contentOf("QUERY", "a", "Content-Type", "text/plain; charset=utf-8"),
		"two types":                    contentOf("QUERY", "a", "Content-Type", "text/plain", "Content-Type", "text/plain"),
		"two types in one":             contentOf("QUERY", "a", "Content-Type", "text/plain, text/plain"),
		"an encoding":                  contentOf("QUERY", "a", "Content-Encoding", "text/plain"),
		"a language":                   contentOf("QUERY", "a", "Content-Language", "text/plain"),
		"a location":                   contentOf("QUERY", "a", "Content-Location", "text/plain"),
		"a range":                      contentOf("QUERY", "a", "Content-Range", "text/plain"),
		"any field that begins so":     contentOf("QUERY", "a", "Content-Whatever", "text/plain"),
		"a digest":                     contentOf("QUERY", "a", "Repr-Digest", "text/plain"),
		"an older digest":              contentOf("QUERY", "a", "Digest", "text/plain"),
		"two fields":                   contentOf("QUERY", "a", "Content-Type", "x", "Content-Language", "y"),
		"two fields in one":            contentOf("QUERY", "a", "Content-Language", "1:yContent-Type1;1:x"),
		"an empty type":                contentOf("QUERY", "a", "Content-Type", ""),
		"a trailer":                    with(contentOf("QUERY", "a"), func(c *target.Content) { c.Trailer = http.Header{"Content-Type": {"text/plain"}} }),
		"a trailer that does not come": with(contentOf("QUERY", "a"), func(c *target.Content) { c.Trailer = http.Header{"Content-Type": nil} }),
		"a length that it has not":     with(contentOf("QUERY", "a"), func(c *target.Content) { c.Declared = 7 }),
		"another length":               with(contentOf("QUERY", "a"), func(c *target.Content) { c.Declared = 71 }),
		"read before":                  with(contentOf("QUERY", "a"), func(c *target.Content) { c.Before = []byte("a") }),
		"read before otherwise":        with(contentOf("QUERY", "a"), func(c *target.Content) { c.Before = []byte("b") }),
	} {
		key := c.Key()
		if other, ok := seen[key]; ok {
			t.Errorf("%s and %s have one key", name, other)
		}
		seen[key] = name
	}
	plain := contentOf("QUERY", "a")
	for name, same := range map[string]target.Content{
		"Content-Length, which the content tells":       contentOf("QUERY", "a", "Content-Length", "1"),
		"a length that is not declared (RFC 9112 §6.1)": with(plain, func(c *target.Content) { c.Declared = -1 }),
		"what is not about the content":                 contentOf("QUERY", "a", "Accept", "text/plain", "Contentious", "x"),
		"no trailers":                                   with(plain, func(c *target.Content) { c.Trailer = http.Header{} }),
	} {
		if same.Key() != plain.Key() {
			t.Errorf("%s: another key", name)
		}
	}
}
