package behaviour_test

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A whole response answers requests for parts of it (RFC 9110 §14).
func TestRanges(t *testing.T) {
	const body = "0123456789"
	modified := "Thu, 02 Jan 2020 00:00:00 GMT"
	for _, row := range []struct {
		name   string
		fields []string
		status int
		body   string
		part   string // Content-Range
	}{
		{"first bytes (§14.1.2)", []string{"Range: bytes=0-3"}, 206, "0123", "bytes 0-3/10"},
		{"from the middle", []string{"Range: bytes=8-"}, 206, "89", "bytes 8-9/10"},
		{"last bytes", []string{"Range: bytes=-3"}, 206, "789", "bytes 7-9/10"},
		{"more than there are", []string{"Range: bytes=5-999"}, 206, "56789", "bytes 5-9/10"},
		{"last bytes, more than there are", []string{"Range: bytes=-999"}, 206, body, "bytes 0-9/10"},
		{"unsatisfiable (§15.5.17)", []string{"Range: bytes=10-"}, 416, "", "bytes */10"},
		{"none at all", []string{"Range: bytes=-0"}, 416, "", "bytes */10"},
		{"another unit (§14.2)", []string{"Range: lines=0-3"}, 200, body, ""},
		{"malformed", []string{"Range: bytes=3-1"}, 200, body, ""},
		{"overlapping, more than the whole (§14.2)", []string{"Range: bytes=0-9,0-9,0-9"}, 200, body, ""},
		{"If-Range matches (§13.1.5)", []string{"Range: bytes=0-3", `If-Range: "v1"`}, 206, "0123", "bytes 0-3/10"},
		{"If-Range does not", []string{"Range: bytes=0-3", `If-Range: "v0"`}, 200, body, ""},
		{"If-Range, weak", []string{"Range: bytes=0-3", `If-Range: W/"v1"`}, 200, body, ""},
		{"If-Range by date", []string{"Range: bytes=0-3", "If-Range: " + modified}, 206, "0123", "bytes 0-3/10"},
		{"If-Range by another date", []string{"Range: bytes=0-3", "If-Range: Thu, 02 Jan 2020 00:00:01 GMT"}, 200, body, ""},
		{"If-Range without Range", []string{`If-Range: "v0"`}, 200, body, ""},
		{"If-None-Match goes before (§13.2.2)", []string{"Range: bytes=0-3", `If-None-Match: "v1"`}, 304, "", ""},
		{"If-None-Match of another", []string{"Range: bytes=0-3", `If-None-Match: "v0"`}, 206, "0123", "bytes 0-3/10"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(text(body, `ETag: "v1"`, "Last-Modified: "+modified, "X-One: 1"))
				cached := cachette.Cached(time.Minute)
				s.GET("/", cached, handler)
				s.HEAD("/", cached, handler)
				s.get("/")
				a := s.get("/", row.fields...)
				if a.status != row.status || a.body != row.body || a.header.Get("Content-Range") != row.part || !a.hit() {
					t.Errorf("%d %q %q (%s)", a.status, a.body, a.header.Get("Content-Range"), a.cacheStatus())
				}
				if a.header.Get("X-One") != "1" || a.header.Get("Etag") != `"v1"` {
					t.Errorf("fields: %v", a.header)
				}
				if a := s.do(http.MethodHead, "/", row.fields[0]); strings.HasPrefix(row.fields[0], "Range") &&
					(a.status != http.StatusOK || a.body != "") { // §14.2: only GET has ranges
					t.Errorf("HEAD: %d %q", a.status, a.body)
				}
				if a := s.get("/"); !a.hit() || a.status != http.StatusOK || a.body != body || runs.Load() != 1 {
					t.Errorf("the whole: %d %q (%s)", a.status, a.body, a.cacheStatus())
				}
			})
		})
	}
}

// Several ranges come as one multipart answer (RFC 9110 §14.6).
func TestSeveralRanges(t *testing.T) {
	s := newSite(t)
	s.GET("/", cachette.Cached(time.Minute), text("0123456789", "Content-Type: text/x-digits"))
	s.get("/")
	server := s.listen()
	fetch(t, server, http.MethodGet, "/")
	a := fetch(t, server, http.MethodGet, "/", "Range: bytes=0-1,4-5,-1")
	kind, parameters, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if a.status != http.StatusPartialContent || kind != "multipart/byteranges" || err != nil {
		t.Fatalf("%d %v, %v", a.status, a.header, err)
	}
	r := multipart.NewReader(strings.NewReader(a.body), parameters["boundary"])
	var parts []string
	for {
		part, err := r.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part.Header.Get("Content-Range")+" "+part.Header.Get("Content-Type")+" "+string(content))
	}
	want := []string{"bytes 0-1/10 text/x-digits 01", "bytes 4-5/10 text/x-digits 45", "bytes 9-9/10 text/x-digits 9"}
	if !reflect.DeepEqual(parts, want) {
		t.Errorf("%q", parts)
	}
}

// A handler's own answer to a range request is a part, and never stands in for the whole.
func TestPartIsNotTheWhole(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		const body = "0123456789"
		handler, _ := counted(func(c *gin.Context) {
			http.ServeContent(c.Writer, c.Request, "page.txt", time.Time{}, strings.NewReader(body))
		})
		s.GET("/", cachette.Cached(time.Minute), handler)
		for range 2 {
			a := s.get("/", "Range: bytes=2-5")
			if a.status != http.StatusPartialContent || a.body != "2345" || a.header.Get("Content-Range") != "bytes 2-5/10" {
				t.Errorf("a part: %d %q %q", a.status, a.body, a.header.Get("Content-Range"))
			}
		}
		if a := s.get("/", "Range: bytes=20-"); a.status != http.StatusRequestedRangeNotSatisfiable {
			t.Errorf("no part: %d %q", a.status, a.body)
		}
		if a := s.get("/", "Range: bytes=0-3"); a.status != http.StatusPartialContent || a.body != "0123" {
			t.Errorf("another part: %d %q (%s)", a.status, a.body, a.cacheStatus())
		}
		if a := s.get("/"); a.status != http.StatusOK || a.body != body || a.hit() {
			t.Errorf("the whole: %d %q (%s)", a.status, a.body, a.cacheStatus())
		}
		if a := s.get("/", "Range: bytes=3-3"); a.status != http.StatusPartialContent || a.body != "3" || !a.hit() {
			t.Errorf("a part of the whole: %d %q (%s)", a.status, a.body, a.cacheStatus())
		}
	})
}

// unwrapping is a writer that says what it stands in front of, as http.ResponseController asks for.
type unwrapping struct{ changing }

func (w *unwrapping) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A part is cut from what is stored where it is one of what the client gets (RFC 9110 §14.2 leaves it to the server). Behind a
// writer of middleware outside, which may change the content, only a handler that serves parts itself says that it is.
func TestPartsBehindWriters(t *testing.T) {
	half := func(s string) string { return s[:len(s)/2] }
	none := func(*gin.Context) {}
	wrap := func(c *gin.Context) { c.Writer = &changing{c.Writer, half} }
	for _, row := range []struct {
		name    string
		outside gin.HandlerFunc
		fields  []string // of the handler
		status  int
		body    string
	}{
		{"gin's writer", none, nil, http.StatusPartialContent, "2345"},
		{"another Cached", cachette.Cached(time.Minute, cachette.WithPathKey()), nil, http.StatusPartialContent, "2345"},
		{"a writer", wrap, nil, http.StatusOK, "01234"},
		{"a writer that can be unwrapped", func(c *gin.Context) { c.Writer = &unwrapping{changing{c.Writer, half}} }, nil,
			http.StatusOK, "01234"},
		{"a writer, and the handler serves parts", wrap, []string{"Accept-Ranges: bytes"}, http.StatusPartialContent, "23"},
		{"a writer, and the handler serves none", wrap, []string{"Accept-Ranges: none"}, http.StatusOK, "01234"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/", row.outside, cachette.Cached(time.Minute), text("0123456789", row.fields...))
				s.get("/")
				a := s.get("/", "Range: bytes=2-5")
				if !a.hit() || a.status != row.status || a.body != row.body ||
					(a.header.Get("Content-Range") == "") != (row.status == http.StatusOK) {
					t.Errorf("%d %q, Content-Range %q (%s), want %d %q", a.status, a.body, a.header["Content-Range"], a.cacheStatus(),
						row.status, row.body)
				}
			})
		})
	}
}

// A part has a length where the whole has one (RFC 9110 §8.6), be it cut here or by the handler.
func TestLengthOfParts(t *testing.T) {
	large := strings.Repeat("0123456789", 1000)
	for _, row := range []struct {
		name    string
		handler gin.HandlerFunc
		first   []string // fields of the request by which it is stored
		length  []string
	}{
		{"whole, declared", text(large, "Content-Length: 10000"), nil, []string{"3000"}},
		{"whole, undeclared", text(large), nil, nil},
		{"part, declared", func(c *gin.Context) {
			c.Header("Cache-Control", "max-age=60")
			http.ServeContent(c.Writer, c.Request, "a.txt", time.Time{}, strings.NewReader(large))
		}, []string{"Range: bytes=0-8999"}, []string{"3000"}},
		{"part, undeclared", func(c *gin.Context) {
			c.Header("Cache-Control", "max-age=60")
			c.Header("Content-Range", "bytes 0-8999/10000")
			c.String(http.StatusPartialContent, large[:9000])
		}, []string{"Range: bytes=0-8999"}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/", cachette.Cached(time.Minute), row.handler)
				s.get("/", row.first...)
				a := s.get("/", "Range: bytes=5-3004")
				if !a.hit() || a.status != http.StatusPartialContent || a.body != large[5:3005] ||
					!slices.Equal(a.header["Content-Length"], row.length) {
					t.Errorf("%d, %d bytes, Content-Length %q, want %q (%s)", a.status, len(a.body), a.header["Content-Length"], row.length,
						a.cacheStatus())
				}
			})
		})
	}
}

// A stored page that another one goes on with, whose first bytes are out, is given whole: a part of it, or that the client has it, would be
// said of another representation (RFC 9110 §14.2, §13.2.2).
func TestStoredPageBehindOthersBytes(t *testing.T) {
	for _, field := range []string{"Range: bytes=1-2", "Range: bytes=2-", `If-None-Match: "v1"`} {
		for _, cached := range []bool{false, true} {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/whole", cachette.Cached(time.Minute), text("stored", `Etag: "v1"`))
				goesOn := func(c *gin.Context) {
					c.String(http.StatusOK, "page, ")
					c.Request.URL.Path = "/whole"
					s.HandleContext(c)
				}
				handlers := []gin.HandlerFunc{goesOn}
				if cached {
					handlers = []gin.HandlerFunc{cachette.Cached(time.Minute), goesOn}
				}
				s.GET("/first", handlers...)
				for range 2 { // the first time it is not stored yet
					if a := s.get("/first", field); a.status != http.StatusOK || a.body != "page, stored" {
						t.Errorf("%s, cached %t: %d %q", field, cached, a.status, a.body)
					}
				}
			})
		}
	}
}
