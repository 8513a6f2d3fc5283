package behaviour_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A stored response answers a request only if each field that it varies by is the same in both (RFC 9111 §4.1).
func TestVary(t *testing.T) {
	for _, row := range []struct {
		name          string
		vary          []string
		first, second []string // fields of two requests
		hit           bool
	}{
		{name: "the same", vary: []string{"X-A"}, first: []string{"X-A: 1"}, second: []string{"X-A: 1"}, hit: true},
		{name: "another value", vary: []string{"X-A"}, first: []string{"X-A: 1"}, second: []string{"X-A: 2"}},
		{name: "absent and present", vary: []string{"X-A"}, second: []string{"X-A: 1"}},
		{name: "present and absent", vary: []string{"X-A"}, first: []string{"X-A: 1"}},
		{name: "absent and empty", vary: []string{"X-A"}, second: []string{"X-A:"}},
		{name: "absent in both", vary: []string{"X-A"}, second: []string{"X-B: 1"}, hit: true},
		{name: "another field", vary: []string{"X-A"}, first: []string{"X-A: 1"}, second: []string{"X-A: 1", "X-B: 2"}, hit: true},
		{name: "in another case", vary: []string{"x-a"}, first: []string{"X-A: 1"}, second: []string{"x-A: 2"}},
		{name: "case of a value", vary: []string{"X-A"}, first: []string{"X-A: a"}, second: []string{"X-A: A"}},
		{name: "two fields", vary: []string{"X-A, X-B"}, first: []string{"X-A: 1", "X-B: 1"}, second: []string{"X-A: 1", "X-B: 2"}},
		{name: "two lines", vary: []string{"X-A", "X-B"}, first: []string{"X-A: 1", "X-B: 1"}, second: []string{"X-A: 1", "X-B: 2"}},
		{name: "two fields swapped", vary: []string{"X-A, X-B"}, first: []string{"X-A: 1", "X-B: 2"}, second: []string{"X-A: 2", "X-B: 1"}},
		{name: "one for two", vary: []string{"X-A, X-B"}, first: []string{"X-A: 12"}, second: []string{"X-A: 1", "X-B: 2"}},
		{name: "one line, and its lines", vary: []string{"X-A"}, first: []string{"X-A: 1, 2"}, second: []string{"X-A: 1", "X-A: 2"}, hit: true},
		{name: "lines, and what joins them", vary: []string{"X-A"}, first: []string{"X-A: 1", "X-A: 2"}, second: []string{"X-A: 1, 2"}},
		{name: "lines of two fields", vary: []string{"X-A, X-B"}, first: []string{"X-A: 1, 2", "X-B: 3"}, second: []string{"X-A: 1", "X-A: 2", "X-B: 4"}},
		{name: "white space in a list", vary: []string{"X-A"}, first: []string{"X-A: 1, 2"}, second: []string{"X-A: 1 ,2"}, hit: true},
		{name: "an empty line before the value", vary: []string{"X-A"}, first: []string{"X-A:", "X-A: 1"}, second: []string{"X-A: 1"}},
		{name: "values in another order", vary: []string{"X-A"}, first: []string{"X-A: 1, 2"}, second: []string{"X-A: 2, 1"}},
		{name: "a value that looks like a list", vary: []string{"X-A"}, first: []string{`X-A: "1, 2"`}, second: []string{`X-A: "1,2"`}},
		{name: "star", vary: []string{"*"}},
		{name: "star among others", vary: []string{"X-A", "*"}, first: []string{"X-A: 1"}, second: []string{"X-A: 1"}},
		{name: "empty", vary: []string{""}, first: []string{"X-A: 1"}, second: []string{"X-A: 2"}, hit: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(func(c *gin.Context) {
					for _, line := range row.vary {
						c.Writer.Header().Add("Vary", line)
					}
					c.String(http.StatusOK, "for %q %q", c.Request.Header["X-A"], c.Request.Header["X-B"])
				})
				s.GET("/", cachette.Cached(time.Minute), handler)
				first := s.get("/", row.first...)
				second := s.get("/", row.second...)
				if second.hit() != row.hit {
					t.Errorf("%s: %q, then %q after %d runs", second.cacheStatus(), first.body, second.body, runs.Load())
				}
				if row.name == "star" || strings.HasPrefix(row.name, "star ") {
					return
				}
				// Both are stored side by side, and stay so.
				for range 2 {
					if a := s.get("/", row.first...); !a.hit() || a.body != first.body {
						t.Errorf("the first again: %q (%s)", a.body, a.cacheStatus())
					}
					if a := s.get("/", row.second...); !a.hit() || a.body != second.body {
						t.Errorf("the second again: %q (%s)", a.body, a.cacheStatus())
					}
				}
			})
		})
	}
}

// A handler's Vary may differ from response to response: none is ever given to a request that did not select it.
func TestVaryThatVaries(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
			kind := c.GetHeader("X-Kind")
			c.Header("Vary", "X-Kind")
			if kind == "deep" {
				c.Header("Vary", "X-Kind, X-User")
				c.String(http.StatusOK, "deep, for %s", c.GetHeader("X-User"))
				return
			}
			c.String(http.StatusOK, "of kind %s", kind)
		})
		want := map[string]string{
			"deep alice": "deep, for alice", "deep bob": "deep, for bob", "flat alice": "of kind flat", "flat bob": "of kind flat",
		}
		for range 3 {
			for request, body := range want {
				kind, user, _ := strings.Cut(request, " ")
				if a := s.get("/", "X-Kind: "+kind, "X-User: "+user); a.body != body {
					t.Errorf("%s: %q (%s)", request, a.body, a.cacheStatus())
				}
			}
		}
		for request := range want {
			kind, user, _ := strings.Cut(request, " ")
			if a := s.get("/", "X-Kind: "+kind, "X-User: "+user); !a.hit() {
				t.Errorf("%s is not stored beside the others: %s", request, a.cacheStatus())
			}
		}
	})
}

// Whatever becomes of a request, its response names the fields of WithVary: a cache further on must not keep it for others either
// (RFC 9110 §12.5.5). What the handler names itself stays, and nothing is named twice.
func TestVaryIsNamed(t *testing.T) {
	skip := cachette.WithSkip(func(c *gin.Context) bool { return c.GetHeader("X-Skip") != "" })
	for _, row := range []struct {
		name, method string
		fields       []string
		prepare      func(s *site)
	}{
		{name: "a miss", method: http.MethodGet},
		{name: "a hit", method: http.MethodGet, prepare: func(s *site) { s.get("/page") }},
		{name: "a response that the client has", method: http.MethodGet, fields: []string{`If-None-Match: "v1"`}},
		{name: "a hit that the client has", method: http.MethodGet, fields: []string{`If-None-Match: "v1"`}, prepare: func(s *site) { s.get("/page") }},
		{name: "no-store", method: http.MethodGet, fields: []string{"Cache-Control: no-store"}},
		{name: "a precondition for the handler", method: http.MethodGet, fields: []string{"If-Match: *"}},
		{name: "a skip", method: http.MethodGet, fields: []string{"X-Skip: 1"}},
		{name: "HEAD", method: http.MethodHead},
		{name: "HEAD, a hit", method: http.MethodHead, prepare: func(s *site) { s.get("/page") }},
		{name: "HEAD that validates", method: http.MethodHead, fields: []string{"Cache-Control: no-cache"}, prepare: func(s *site) { s.get("/page") }},
		{name: "HEAD, skipped", method: http.MethodHead, fields: []string{"X-Skip: 1"}},
		{name: "POST", method: http.MethodPost},
		{name: "behind Close", method: http.MethodGet, prepare: func(s *site) { _ = s.cache.Close() }},
	} {
		for said, want := range map[string]string{"": "accept,x-user", "X-Kind": "accept,x-kind,x-user", "x-user": "accept,x-user", "*": "*"} {
			for name, nested := range map[string][]gin.HandlerFunc{
				"one route": {cachette.Cached(time.Minute, cachette.WithVary("X-User", "Accept"), skip)},
				"two routes": {cachette.Cached(time.Minute, cachette.WithVary("X-User")), func(*gin.Context) {},
					cachette.Cached(time.Minute, cachette.WithVary("Accept"), skip)},
			} {
				t.Run(row.name+"/"+said+"/"+name, func(t *testing.T) {
					eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
						s := newSite(t, store)
						s.Any("/page", append(nested, func(c *gin.Context) {
							c.Header("ETag", `"v1"`)
							c.Header("Vary", said)
							c.String(http.StatusOK, "page")
						})...)
						if row.prepare != nil {
							row.prepare(s)
						}
						a := s.do(row.method, "/page", row.fields...)
						names := strings.Split(strings.ToLower(strings.Join(a.header["Vary"], ",")), ",")
						slices.Sort(names)
						if got := strings.Join(names, ","); got != want {
							t.Errorf("Vary: %q, want %q (%d, %s)", got, want, a.status, a.cacheStatus())
						}
					})
				})
			}
		}
	}
}

// What a route is keyed by is named once in each response, also where middleware outside names it for some clients alone: those that get the page that was
// made for such a one are told as well (RFC 9110 §12.5.5).
func TestVaryIsNamedBesideMiddleware(t *testing.T) {
	for _, first := range []string{"X-Outside: 1", "X-Outside: "} {
		t.Run(first, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.Use(func(c *gin.Context) {
					if c.GetHeader("X-Outside") != "" {
						c.Header("Vary", "X-User")
					}
				})
				s.GET("/page", cachette.Cached(time.Minute, cachette.WithVary("X-User")), func(c *gin.Context) { c.String(http.StatusOK, "page") })
				s.get("/page", first)
				for _, field := range []string{"X-Outside: 1", "X-Outside: "} {
					if a := s.get("/page", field); !a.hit() || !slices.Equal(a.header["Vary"], []string{"X-User"}) {
						t.Errorf("%s: Vary %q, %s", field, a.header["Vary"], a.cacheStatus())
					}
				}
			})
		})
	}
}
