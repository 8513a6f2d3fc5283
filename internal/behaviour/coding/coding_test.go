// Package coding_test holds what clients get of a route whose responses are served in content codings: in memory, in a store of bytes, and near it.
package coding_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
	_ "github.com/gin-cachette/cachette/compress"
)

func init() { gin.SetMode(gin.TestMode) }

// page is one that becomes smaller.
var page = "[" + strings.Repeat(`{"id":42,"name":"anvil","price":"17.00"},`, 200) + "{}]"

// decode returns what a body is without its coding.
func decode(t *testing.T, coding, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch coding {
	case "":
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	default:
		t.Fatalf("the coding is %q", coding)
	}
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s does not decode: %v", coding, err)
	}
	return string(decoded)
}

// site is an engine with a cache, and how often its handlers have run.
type site struct {
	*cachettetest.Engine
	t    *testing.T
	runs atomic.Int64
}

// kinds are the places where a cache may keep its responses, each a change of the zero Config.
func kinds() map[string]func(*cachette.Config) {
	return map[string]func(*cachette.Config){
		"in memory": func(*cachette.Config) {},
		"a store of bytes": func(c *cachette.Config) {
			c.Driver = cachettetest.NewStore().Driver()
		},
	}
}

// onEach runs a test with each kind of place, in bubble time.
func onEach(t *testing.T, test func(s *site)) {
	for name, kind := range kinds() {
		t.Run(name, func(t *testing.T) {
			cachettetest.Bubble(t, func(t *testing.T) { test(newSite(t, kind)) })
		})
	}
}

func newSite(t *testing.T, configure ...func(*cachette.Config)) *site {
	return &site{Engine: cachettetest.New(t, configure...), t: t}
}

// answers registers a route that answers with a body of a type and with fields.
func (s *site) answers(path, contentType, body string, fields ...string) {
	s.GET(path, cachette.Cached(time.Hour, cachette.WithCompression()), s.handler(contentType, body, fields...))
}

func (s *site) handler(contentType, body string, fields ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		s.runs.Add(1)
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			c.Header(name, value)
		}
		c.Data(http.StatusOK, contentType, []byte(body))
	}
}

// get sends a GET, and waits for what it leaves to be done.
func (s *site) get(path string, fields ...string) cachettetest.Answer {
	s.t.Helper()
	return s.ask(http.MethodGet, path, fields...)
}

func (s *site) ask(method, path string, fields ...string) cachettetest.Answer {
	s.t.Helper()
	a := s.Do(method, path, fields...)
	if err := s.Cache.Settle(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	return a
}

// warm has a path be stored, and coded for clients that accept a list of codings, and returns the first answer.
func (s *site) warm(path, accept string) cachettetest.Answer {
	s.t.Helper()
	miss := s.get(path, "Accept-Encoding: "+accept)
	s.get(path, "Accept-Encoding: "+accept)
	return miss
}

const gzipped = "Accept-Encoding: gzip"

// TestCodedOnce: the handler's own response and the first hit are as the handler wrote it, those behind them are coded, and the handler has run once for
// all clients.
func TestCodedOnce(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "zstd"} {
		t.Run(coding, func(t *testing.T) {
			onEach(t, func(s *site) {
				s.answers("/", "application/json", page)
				accept := "Accept-Encoding: " + coding
				for i, want := range []string{"", "", coding, coding} {
					a := s.get("/", accept)
					if a.Header.Get("Content-Encoding") != want || a.Hit() != (i > 0) || decode(s.t, want, a.Body) != page {
						s.t.Errorf("request %d: coding %q, %s", i, a.Header.Get("Content-Encoding"), a.CacheStatus())
					}
					if a.Header.Get("Vary") != "Accept-Encoding" {
						s.t.Errorf("request %d: Vary is %q", i, a.Header["Vary"])
					}
					if want != "" && a.Header.Get("Content-Length") != strconv.Itoa(len(a.Body)) {
						s.t.Errorf("Content-Length is %q of %d", a.Header["Content-Length"], len(a.Body))
					}
				}
				if plain := s.get("/"); plain.Header.Get("Content-Encoding") != "" || plain.Body != page || plain.Header.Get("Vary") != "Accept-Encoding" || !plain.Hit() {
					s.t.Errorf("without Accept-Encoding: %v", plain.Header)
				}
				if s.runs.Load() != 1 {
					s.t.Errorf("the handler has run %d times", s.runs.Load())
				}
			})
		})
	}
}

// TestAccepted: which form a client gets, by its Accept-Encoding.
func TestAccepted(t *testing.T) {
	s := newSite(t)
	s.answers("/", "application/json", page)
	for _, coding := range []string{"gzip", "br", "zstd"} {
		s.warm("/", coding)
	}
	for _, test := range []struct{ rule, accept, want string }{
		{"9110 §12.5.3", "gzip, deflate, br, zstd", "br"},
		{"9110 §12.5.3", "gzip, zstd", "zstd"},
		{"9110 §12.5.3", "GZIP", "gzip"},
		{"9110 §8.4.1.3", "x-gzip", "gzip"},
		{"9110 §12.4.2", "br;q=0.5, gzip;q=0.8", "gzip"},
		{"9110 §12.4.2", "br ; q=0.001 , identity;q=0", "br"},
		{"9110 §12.4.2", "br;q=0, *", "zstd"},
		{"9110 §12.5.3", "*", "br"},
		{"9110 §12.5.3", "*;q=0", ""},
		{"9110 §12.5.3", "gzip;q=0", ""},
		{"9110 §12.5.3", "identity", ""},
		{"9110 §12.5.3", "identity, gzip;q=0.5", ""},
		{"9110 §12.5.3", "identity;q=0.5, gzip", "gzip"},
		{"9110 §12.5.3", "identity;q=0", ""},
		{"9110 §12.5.3", "deflate", ""},
		{"9110 §12.4.2", "gzip;q=2", ""},
		{"9110 §12.4.2", "gzip;q=0.0001", ""},
		{"9110 §12.4.2", "gzip;q=", ""},
		{"9110 §12.5.3", "", ""},
		{"9111 §5.2.1.6", "gzip\nCache-Control: no-transform", ""},
	} {
		fields := strings.Split("Accept-Encoding: "+test.accept, "\n")
		a := s.get("/", fields...)
		if got := a.Header.Get("Content-Encoding"); got != test.want || decode(t, got, a.Body) != page || !a.Hit() {
			t.Errorf("%s, %q: the coding is %q, want %q", test.rule, test.accept, got, test.want)
		}
	}
	if s.runs.Load() != 1 {
		t.Errorf("the handler has run %d times", s.runs.Load())
	}
}

// TestLeftAlone: what is not coded.
func TestLeftAlone(t *testing.T) {
	for _, test := range []struct {
		name, rule, contentType string
		body                    string
		fields                  []string
	}{
		{"a small body", "", "text/plain", strings.Repeat("x", 1000), nil},
		{"an image", "", "image/png", page, nil},
		{"an archive", "", "application/zip", page, nil},
		{"a type that is none", "", "x", page, nil},
		{"coded already", "9110 §8.4", "text/plain", page, []string{"Content-Encoding: br"}},
		{"no-transform", "9111 §5.2.2.6", "text/plain", page, []string{"Cache-Control: max-age=60, No-Transform"}},
		{"a digest", "9530 §2", "text/plain", page, []string{"Content-Digest: sha-256=:AA==:"}},
		{"a digest of the representation", "9530 §3", "text/plain", page, []string{"Repr-Digest: sha-256=:AA==:"}},
		{"an old digest", "3230 §4.3.2", "text/plain", page, []string{"Digest: sha-256=AA=="}},
		{"parts", "9110 §14.6", "multipart/mixed; boundary=x", page, nil},
		{"a stream of events", "", "text/event-stream", page, []string{"Cache-Control: max-age=60"}},
		{"what does not shrink", "", "text/plain", noise(), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			onEach(t, func(s *site) {
				s.answers("/", test.contentType, test.body, test.fields...)
				s.warm("/", "gzip")
				a := s.get("/", gzipped)
				if want := s.get("/"); a.Header.Get("Content-Encoding") != want.Header.Get("Content-Encoding") || a.Body != test.body || !a.Hit() {
					s.t.Errorf("%s: %v", test.rule, a.Header)
				}
			})
		})
	}
}

// TestLargeLeftAlone: a body of more than 8 MiB is not coded, which would keep a processor for too long.
func TestLargeLeftAlone(t *testing.T) {
	const most = 8 << 20
	s := newSite(t, func(c *cachette.Config) { c.BodyLimit, c.MemoryLimit = 2*most, 16*most })
	for size, want := range map[int]string{most: "gzip", most + 1: ""} {
		path := fmt.Sprint("/", size)
		s.answers(path, "text/plain", strings.Repeat("x", size))
		s.warm(path, "gzip")
		if a := s.get(path, gzipped); a.Header.Get("Content-Encoding") != want || !a.Hit() {
			t.Errorf("%d bytes: %v", size, a.Header)
		}
	}
}

// noise is text that no coding makes smaller by much.
func noise() string {
	var b bytes.Buffer
	x := uint32(1)
	for b.Len() < 4096 {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b.WriteByte(byte(x>>8)%95 + ' ')
	}
	return b.String()
}

// TestTags: a strong entity tag tells the forms apart, a weak one is that of all (RFC 9110 §8.8.3.3); a client that has any form is told so, with the tag
// that it knows (§15.4.5).
func TestTags(t *testing.T) {
	onEach(t, func(s *site) {
		s.answers("/strong", "text/plain", page, `ETag: "v1"`)
		s.answers("/weak", "text/plain", page, `ETag: W/"v1"`)
		s.answers("/none", "text/plain", page)
		for _, path := range []string{"/strong", "/weak", "/none"} {
			own := s.warm(path, "gzip").Header.Get("ETag")
			if path == "/none" { // the handler's own response has none yet
				own = s.get(path).Header.Get("ETag")
			}
			coded := s.get(path, gzipped).Header.Get("ETag")
			if strong := path == "/strong"; strong == (coded == own) || strong && !strings.HasPrefix(coded, `"v1-gzip-`) {
				s.t.Errorf("%s: the tags are %s and %s", path, own, coded)
			}
			for _, tag := range []string{own, coded} {
				for _, fields := range [][]string{{gzipped}, {"Accept-Encoding: br"}, nil} {
					a := s.get(path, append(fields, "If-None-Match: "+tag)...)
					if a.Status != http.StatusNotModified || a.Header.Get("ETag") != tag || a.Header.Get("Vary") != "Accept-Encoding" ||
						len(a.Header["Content-Encoding"])+len(a.Header["Content-Length"])+len(a.Body) > 0 {
						s.t.Errorf("%s: If-None-Match: %s, %v: %d %v", path, tag, fields, a.Status, a.Header)
					}
				}
			}
			for _, tag := range []string{`"v2"`, `"v2-gzip-00000000"`, `"v1-gzip"`, `"v1-gzip-0000000g"`, `"v1-"`} {
				if a := s.get(path, gzipped, "If-None-Match: "+tag); a.Status != http.StatusOK || decode(s.t, "gzip", a.Body) != page {
					s.t.Errorf("%s: If-None-Match: %s: %d", path, tag, a.Status)
				}
			}
		}
	})
}

// TestRanges: a range is one of the form that is served, and If-Range asks for that very form (RFC 9110 §14.2, §13.1.5).
func TestRanges(t *testing.T) {
	onEach(t, func(s *site) {
		modified := "Wed, 01 Jan 2020 00:00:00 GMT"
		s.answers("/tag", "text/plain", page, `ETag: "v1"`)
		s.answers("/date", "text/plain", page, "Last-Modified: "+modified)
		s.warm("/tag", "gzip")
		s.warm("/date", "gzip")
		whole := s.get("/tag", gzipped)
		tag, size := whole.Header.Get("ETag"), len(whole.Body)
		for _, test := range []struct {
			path   string
			fields []string
			want   string // of the whole that is sent, and the part of it; empty for all of it
		}{
			{"/tag", []string{gzipped}, fmt.Sprintf("bytes 10-19/%d", size)},
			{"/tag", []string{gzipped, "If-Range: " + tag}, fmt.Sprintf("bytes 10-19/%d", size)},
			{"/tag", []string{gzipped, `If-Range: "v1"`}, ""},
			{"/tag", []string{`If-Range: "v1"`}, fmt.Sprintf("bytes 10-19/%d", len(page))},
			{"/tag", []string{"If-Range: " + tag}, ""},
			{"/date", []string{gzipped, "If-Range: " + modified}, ""},
			{"/date", []string{"If-Range: " + modified}, ""},
		} {
			a := s.get(test.path, append(test.fields, "Range: bytes=10-19")...)
			from := page
			if a.Header.Get("Content-Encoding") == "gzip" {
				from = s.get(test.path, gzipped).Body
			}
			part := from
			if test.want != "" {
				part = from[10:20]
			}
			if a.Header.Get("Content-Range") != test.want || a.Body != part || a.Header.Get("Content-Length") != strconv.Itoa(len(part)) && len(test.fields) > 0 && test.fields[0] == gzipped {
				s.t.Errorf("%s, %v: %d %v", test.path, test.fields, a.Status, a.Header)
			}
		}
		if a := s.get("/tag", gzipped, "Range: bytes=99999-"); a.Status != http.StatusRequestedRangeNotSatisfiable || a.Header.Get("Content-Range") != fmt.Sprintf("bytes */%d", size) {
			s.t.Errorf("behind the end: %d %v", a.Status, a.Header)
		}
	})
}

// TestHead: a HEAD has the header of the GET (RFC 9110 §9.3.2).
func TestHead(t *testing.T) {
	onEach(t, func(s *site) {
		s.answers("/", "text/plain", page, `ETag: "v1"`)
		s.HEAD("/", cachette.Cached(time.Hour, cachette.WithCompression()), s.handler("text/plain", page, `ETag: "v1"`))
		s.warm("/", "gzip")
		get, head := s.get("/", gzipped), s.ask(http.MethodHead, "/", gzipped)
		for _, name := range []string{"Content-Encoding", "Content-Length", "Etag", "Vary"} {
			if head.Header.Get(name) == "" || head.Header.Get(name) != get.Header.Get(name) {
				s.t.Errorf("%s is %q, want %q", name, head.Header[name], get.Header[name])
			}
		}
		if len(head.Body) > 0 {
			s.t.Errorf("it has %d bytes", len(head.Body))
		}
	})
}

// TestPurgedWithIt: what was purged is served in no form.
func TestPurgedWithIt(t *testing.T) {
	onEach(t, func(s *site) {
		version := "1"
		s.GET("/", cachette.Cached(time.Hour, cachette.WithCompression(), cachette.WithTags("t")), func(c *gin.Context) {
			c.Header("ETag", `"`+version+`"`)
			c.String(http.StatusOK, "%s", version+page)
		})
		s.warm("/", "gzip")
		if a := s.get("/", gzipped); a.Header.Get("Content-Encoding") != "gzip" {
			s.t.Fatalf("it is not coded: %v", a.Header)
		}
		version = "2"
		if err := s.Cache.Invalidate(context.Background(), "t"); err != nil {
			s.t.Fatal(err)
		}
		for range 4 {
			if a := s.get("/", gzipped); decode(s.t, a.Header.Get("Content-Encoding"), a.Body) != "2"+page {
				s.t.Errorf("behind the purge: %v", a.Header)
			}
		}
		version = "3"
		if err := s.Cache.Flush(context.Background()); err != nil {
			s.t.Fatal(err)
		}
		for range 4 {
			if a := s.get("/", gzipped); decode(s.t, a.Header.Get("Content-Encoding"), a.Body) != "3"+page {
				s.t.Errorf("behind the flush: %v", a.Header)
			}
		}
	})
}
