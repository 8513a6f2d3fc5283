package coding_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// send sends a request with content, and waits for what it leaves to be done.
func (s *site) send(method, path, content string, fields ...string) cachettetest.Answer {
	s.t.Helper()
	a := s.Send(method, path, content, append(fields, "Content-Type: text/plain")...)
	if err := s.Cache.Settle(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	return a
}

// TestQueries: the results of QUERY (RFC 10008 §2), and of POST that only reads, are coded as pages are, each content its own; of QUERY with conditions and
// ranges of the coded form (§2.6, §2.8).
func TestQueries(t *testing.T) {
	for _, method := range []string{"QUERY", http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			onEach(t, func(s *site) {
				s.Handle(method, "/", cachette.Cached(time.Hour, cachette.WithCompression(), cachette.WithBodyKey()), func(c *gin.Context) {
					s.runs.Add(1)
					asked, _ := io.ReadAll(c.Request.Body)
					c.Header("ETag", fmt.Sprintf("%q", asked))
					c.String(http.StatusOK, "%s%s%s", asked, c.GetHeader("Accept-Encoding"), page)
				})
				for _, content := range []string{"a", "b"} {
					for i, want := range []string{"", "", "gzip", "gzip"} {
						a := s.send(method, "/", content, gzipped)
						if got := a.Header.Get("Content-Encoding"); got != want || a.Hit() != (i > 0) || decode(s.t, want, a.Body) != content+page || a.Header.Get("Vary") != "Accept-Encoding" {
							s.t.Errorf("request %d of %s: %v", i, content, a.Header)
						}
					}
				}
				if plain := s.send(method, "/", "a"); plain.Body != "a"+page || !plain.Hit() || s.runs.Load() != 2 {
					s.t.Errorf("without Accept-Encoding: %v; the handler has run %d times", plain.Header, s.runs.Load())
				}
				if method == http.MethodPost {
					return
				}
				coded := s.send(method, "/", "a", gzipped)
				part := s.send(method, "/", "a", gzipped, "Range: bytes=3-9")
				if want := "bytes 3-9/" + strconv.Itoa(len(coded.Body)); part.Header.Get("Content-Range") != want || part.Body != coded.Body[3:10] {
					s.t.Errorf("a range: %d %v", part.Status, part.Header)
				}
				for _, tag := range []string{coded.Header.Get("Etag"), `"a"`} {
					if a := s.send(method, "/", "a", gzipped, "If-None-Match: "+tag); a.Status != http.StatusNotModified || a.Header.Get("Etag") != tag {
						s.t.Errorf("If-None-Match: %s: %d %v", tag, a.Status, a.Header)
					}
				}
				if a := s.send(method, "/", "b", gzipped, "If-None-Match: "+coded.Header.Get("Etag")); a.Status != http.StatusOK {
					s.t.Errorf("with the tag of another result: %d", a.Status)
				}
			})
		})
	}
}
