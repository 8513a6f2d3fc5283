package behaviour_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A request for a part of a page of which nothing is stored has the handlers make the whole where they take no notice of Range: it is
// stored, and the client gets the part, or else all that there is (RFC 9110 §14.2, §15.5.17).
func TestWholeForPart(t *testing.T) {
	for _, row := range []struct {
		name    string
		field   string // of the request; Range: bytes=1-2 where it is empty
		handler gin.HandlerFunc
		outside gin.HandlerFunc
		options []cachette.Option
		status  int
		body    string
		stored  bool // the whole
		header  string
	}{
		{name: "a part", status: 206, body: "ag", stored: true, header: "Content-Range: bytes 1-2/4"},
		{name: "the last bytes", field: "Range: bytes=-1", status: 206, body: "e", stored: true},
		{name: "none that is there", field: "Range: bytes=9-", status: 416, stored: true, header: "Content-Range: bytes */4"},
		{name: "a length that was declared", handler: text("page", "Content-Length: 4"), status: 206, body: "ag", stored: true,
			header: "Content-Length: 2"},
		{name: "fields that outer ones add to", outside: adding("X-Many", "a"), handler: text("page", "X-Many: b"), status: 206, body: "ag",
			stored: true, header: "X-Many: a, b"},
		{name: "a field for its own client (RFC 9111 §5.2.2.7)", handler: text("page", `Cache-Control: private="X-Own"`, "X-Own: me"),
			status: 206, body: "ag", stored: true, header: "X-Own: me"},
		{name: "a page for one client", handler: text("page", "Cache-Control: private"), status: 200, body: "page"},
		{name: "a page that is too large", options: []cachette.Option{cachette.WithBodyLimit(10)}, handler: text(strings.Repeat("page", 9)),
			status: 200, body: strings.Repeat("page", 9)},
		{name: "a page that turns out to be too large", options: []cachette.Option{cachette.WithBodyLimit(10)}, status: 200,
			body: strings.Repeat("page", 9), handler: func(c *gin.Context) {
				for range 9 {
					_, _ = io.WriteString(c.Writer, "page")
				}
			}},
		{name: "a stream", status: 200, body: "page", stored: true, handler: func(c *gin.Context) {
			_, _ = io.WriteString(c.Writer, "pa")
			c.Writer.Flush()
			_, _ = io.WriteString(c.Writer, "ge")
		}},
		{name: "no content", status: 200, stored: true, handler: func(c *gin.Context) { c.Status(http.StatusOK) }},
		{name: "an error", status: 503, body: "no", handler: func(c *gin.Context) { c.String(http.StatusServiceUnavailable, "no") }},
		{name: "a panic within", status: 500, handler: func(c *gin.Context) {
			c.String(http.StatusOK, "pa")
			panic("within")
		}},
		{name: "aborted behind the page", status: 200, body: "page", handler: func(c *gin.Context) {
			c.String(http.StatusOK, "page")
			c.Abort()
		}},
		{name: "a cookie", status: 200, body: "page", handler: text("page", "Set-Cookie: a=b")},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
					c.AbortWithStatus(http.StatusInternalServerError)
				}))
				if row.outside != nil {
					s.Use(row.outside)
				}
				if row.handler == nil {
					row.handler = text("page")
				}
				if row.field == "" {
					row.field = "Range: bytes=1-2"
				}
				var saw []string
				s.GET("/:n", cachette.Cached(time.Hour, row.options...), func(c *gin.Context) {
					saw = append(saw, c.GetHeader("Range"))
					if c.Param("n") == "first" {
						text("first")(c)
						return
					}
					row.handler(c)
				})
				s.get("/first", "Range: bytes=0-0") // which tells that Range goes unnoticed
				a := s.get("/second", row.field)
				if a.status != row.status || a.body != row.body {
					t.Errorf("got %d %q %v", a.status, a.body, a.header)
				}
				if name, value, ok := strings.Cut(row.header, ": "); ok && strings.Join(a.header[name], ", ") != value {
					t.Errorf("%s is %q, want %q", name, a.header[name], value)
				}
				if want := []string{"bytes=0-0", ""}; !slices.Equal(saw, want) {
					t.Errorf("the handler saw Range as %q, want %q", saw, want)
				}
				if a := s.get("/second"); a.hit() != row.stored {
					t.Errorf("a GET behind it: %d %q (%s)", a.status, a.body, a.cacheStatus())
				}
			})
		})
	}
}

// adding returns middleware that adds a line to the header.
func adding(name, value string) gin.HandlerFunc {
	return func(c *gin.Context) { c.Writer.Header().Add(name, value) }
}

// Handlers that make parts, or might, see which one a client asks for.
func TestPartsOfHandlers(t *testing.T) {
	serve := func(c *gin.Context) {
		http.ServeContent(c.Writer, c.Request, "a.txt", time.Time{}, strings.NewReader("page"))
	}
	for name, row := range map[string]struct {
		field   string
		first   gin.HandlerFunc
		then    gin.HandlerFunc
		outside gin.HandlerFunc
	}{
		"they have made parts":                    {first: serve, then: serve},
		"they have said that they do":             {first: text("page", "Accept-Ranges: bytes"), then: serve},
		"they have, for another unit":             {field: "Range: items=1-2", first: text("page"), then: text("page")},
		"they were asked on a condition":          {field: `If-Range: "v1"`, first: text("page"), then: serve},
		"a writer of middleware stands before":    {first: text("page"), then: text("page"), outside: func(c *gin.Context) { c.Writer = plainWriter{c.Writer} }},
		"what they made was too large, and whole": {first: text("page"), then: text("page")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			if row.outside != nil {
				s.Use(row.outside)
			}
			var saw []string
			s.GET("/:n", cachette.Cached(time.Hour, cachette.WithBodyLimit(10)), func(c *gin.Context) {
				saw = append(saw, c.GetHeader("Range"))
				switch c.Param("n") {
				case "first":
					row.first(c)
				case "large":
					text(strings.Repeat("page", 9))(c)
				default:
					row.then(c)
				}
			})
			fields := []string{"Range: bytes=1-2"}
			if strings.HasPrefix(row.field, "Range") {
				fields = fields[:0]
			}
			if row.field != "" {
				fields = append(fields, row.field)
			}
			s.get("/first", fields...)
			if strings.Contains(name, "too large") {
				s.get("/large", fields...)
			}
			asked := fields[0]
			s.get("/then", asked)
			if got := saw[len(saw)-1]; "Range: "+got != asked {
				t.Errorf("the handler saw Range as %q", saw)
			}
		})
	}
}

// plainWriter is a writer of middleware.
type plainWriter struct{ gin.ResponseWriter }
