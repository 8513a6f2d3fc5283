package behaviour_test

import (
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
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
		{name: "a field by which it is keyed", options: []cachette.Option{cachette.WithVary("Accept-Language")}, status: 206, body: "ag",
			stored: true, header: "Vary: Accept-Language"},
		{name: "a validator, and fields of its own", handler: text("page", `Etag: "v1"`, "Content-Language: en", "Link: </a>", "Link: </b>"),
			status: 206, body: "ag", stored: true, header: `Etag: "v1"`},
		{name: "several parts", field: "Range: bytes=0-0,2-2", status: 206, stored: true},
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
		{name: "a panic within", status: 500, header: "X-Page: ", handler: func(c *gin.Context) {
			text("pa", "X-Page: 1")(c)
			panic("within")
		}},
		{name: "a field that is set too late, of a page not to keep", status: 200, body: "page", header: "X-Late: ",
			handler: func(c *gin.Context) {
				text("page")(c)
				c.Header("X-Late", "1")
				c.Abort()
			}},
		{name: "a field that is set too late, of a stream", status: 200, body: "page", header: "X-Late: ", stored: true,
			handler: func(c *gin.Context) {
				text("page")(c)
				c.Header("X-Late", "1")
				c.Writer.Flush()
			}},
		{name: "a page that goes on elsewhere", status: 200, body: "paelsewhere", header: "X-Page: 1",
			handler: func(c *gin.Context) {
				text("pa", "X-Page: 1")(c)
				c.Request.URL.Path = "/elsewhere/1"
				c.MustGet("engine").(*gin.Engine).HandleContext(c)
			}},
		{name: "a page that goes on in another cache", status: 200, body: "paelsewhere", header: "X-Page: 1",
			handler: func(c *gin.Context) {
				text("pa", "X-Page: 1")(c)
				r := c.Request.Clone(c.Request.Context())
				r.URL.Path = "/elsewhere/1"
				c.MustGet("engine").(*gin.Engine).ServeHTTP(c.Writer, r)
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
				s.Use(func(c *gin.Context) { c.Set("engine", s.Engine) })
				s.GET("/elsewhere/:n", cachette.Cached(time.Minute), text("elsewhere"))
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
				several := strings.HasPrefix(a.header.Get("Content-Type"), "multipart/") // with another boundary each time
				if a.status != row.status || a.body != row.body && !several {
					t.Errorf("got %d %q %v", a.status, a.body, a.header)
				}
				if name, value, ok := strings.Cut(row.header, ": "); ok && strings.Join(a.header[name], ", ") != value {
					t.Errorf("%s is %q, want %q", name, a.header[name], value)
				}
				if want := []string{"bytes=0-0", ""}; !slices.Equal(saw, want) {
					t.Errorf("the handler saw Range as %q, want %q", saw, want)
				}
				if row.status == http.StatusPartialContent && !several {
					b := s.get("/second", row.field)
					for _, name := range []string{"Age", "Cache-Status", "X-Own"} {
						delete(a.header, name)
						delete(b.header, name)
					}
					if b.status != a.status || b.body != a.body || !reflect.DeepEqual(a.header, b.header) {
						t.Errorf("the hit has %d %q %v, the miss %d %q %v", b.status, b.body, b.header, a.status, a.body, a.header)
					}
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

// A request for a part that leads, and whose handler then makes just that, holds none of those up that wait for the whole: they have it
// made as soon as that is known.
func TestPartHoldsNoneUp(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		gate, arrived := make(chan struct{}), make(chan struct{}, 1)
		s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) {
			if c.GetHeader("Range") == "" {
				text("page")(c)
				return
			}
			arrived <- struct{}{}
			<-gate
			c.Header("Content-Range", "bytes 1-2/4")
			c.Header("Cache-Control", "max-age=60")
			c.String(http.StatusPartialContent, "a")
			<-gate
			_, _ = io.WriteString(c.Writer, "g")
		})
		part := later(func() answer { return s.get("/", "Range: bytes=1-2") })
		await(t, "the request for a part", arrived)
		whole := later(func() answer { return s.get("/") })
		gate <- struct{}{}
		if a := await(t, "the whole", whole); a.body != "page" {
			t.Errorf("the whole: %d %q", a.status, a.body)
		}
		gate <- struct{}{}
		if a := await(t, "the part", part); a.status != http.StatusPartialContent || a.body != "ag" {
			t.Errorf("the part: %d %q", a.status, a.body)
		}
	})
}

// Nor are requests for parts, which wait for the first of a route, made one after the other then.
func TestPartsAreMadeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		var running, most atomic.Int64
		s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) {
			n := running.Add(1)
			defer running.Add(-1)
			most.Store(max(n, most.Load()))
			time.Sleep(time.Second)
			http.ServeContent(c.Writer, c.Request, "a.txt", time.Time{}, strings.NewReader(strings.Repeat("page", 99)))
		})
		const requests = 50
		answers := together(requests, func(i int) answer {
			return s.get("/", "Range: bytes="+strconv.Itoa(i)+"-"+strconv.Itoa(i))
		})
		for range requests {
			if a := await(t, "an answer", answers); a.status != http.StatusPartialContent || len(a.body) != 1 {
				t.Errorf("%d %q", a.status, a.body)
			}
		}
		if most.Load() < requests-1 { // one may have told before that parts are made
			t.Errorf("%d ran at a time", most.Load())
		}
	})
}

// Where one handler may stand for many, as behind a catch-all or where no route is, that it makes the whole of one page whatever Range says
// tells nothing of the next one.
func TestPartsOfMounts(t *testing.T) {
	for name, register := range map[string]func(s *site, handlers ...gin.HandlerFunc){
		"a catch-all": func(s *site, handlers ...gin.HandlerFunc) { s.GET("/*path", handlers...) },
		"no route":    func(s *site, handlers ...gin.HandlerFunc) { s.NoRoute(handlers...) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			var saw []string
			register(s, cachette.Cached(time.Hour), func(c *gin.Context) {
				saw = append(saw, c.GetHeader("Range"))
				text("page")(c)
			})
			want := []string{"bytes=1-2", "bytes=1-2"}
			for _, path := range []string{"/index", "/video"} {
				s.get(path, "Range: bytes=1-2")
			}
			if !slices.Equal(saw, want) {
				t.Errorf("the handler saw Range as %q, want %q", saw, want)
			}
		})
	}
}
