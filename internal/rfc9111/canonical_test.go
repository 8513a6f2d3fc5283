package rfc9111_test

import (
	"net/http"
	"testing"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

func FuzzCanonical(f *testing.F) {
	for _, name := range []string{"", "-", "--", "A", "a", "-a", "Vary", "vary", "VARY", "Set-Cookie", "Set-cookie", "X-1", "X 1", "Etag", "ETag", "Content-MD5", "\u00e4"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if got, want := rfc9111.Canonical(name), http.CanonicalHeaderKey(name); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", name, got, want)
		}
	})
}
