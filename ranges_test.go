package cachette_test

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"reflect"
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
