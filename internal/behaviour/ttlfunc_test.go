package behaviour_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A function of the program's says for how long a response is fresh, from its status and header, in place of the ttl of Cached and
// for the same statuses (the documentation of WithTTLFunc). What the response itself says wins (RFC 9111 §4.2.1).

// kindTTL goes by a field of the response's.
func kindTTL(c *gin.Context) time.Duration {
	switch c.Writer.Header().Get("X-Kind") {
	case "short":
		return 10 * time.Second
	case "long":
		return time.Hour
	}
	return 0
}

// statusTTL goes by the response's status.
func statusTTL(c *gin.Context) time.Duration {
	return map[int]time.Duration{200: 20 * time.Second, 301: 30 * time.Second, 404: 40 * time.Second, 500: 50 * time.Second}[c.Writer.Status()]
}

func always(ttl time.Duration) func(*gin.Context) time.Duration {
	return func(*gin.Context) time.Duration { return ttl }
}

func TestTTLFunc(t *testing.T) {
	for _, row := range []struct {
		name         string
		outer, inner []cachette.Option
		ttl          time.Duration // of the inner one
		status       int
		fields       []string
		want         string // of the hit's Cache-Status; empty for none
	}{
		{name: "by a field", inner: []cachette.Option{cachette.WithTTLFunc(kindTTL)}, fields: []string{"X-Kind: short"}, want: "ttl=10"},
		{name: "by another", inner: []cachette.Option{cachette.WithTTLFunc(kindTTL)}, fields: []string{"X-Kind: long"}, want: "ttl=3600"},
		{name: "0", inner: []cachette.Option{cachette.WithTTLFunc(kindTTL)}},
		{name: "200", inner: []cachette.Option{cachette.WithTTLFunc(statusTTL)}, want: "ttl=20"},
		{name: "301", inner: []cachette.Option{cachette.WithTTLFunc(statusTTL)}, status: 301, want: "ttl=30"},
		{name: "404, for which a ttl is not", inner: []cachette.Option{cachette.WithTTLFunc(statusTTL)}, status: 404},
		{name: "500, for which a ttl is not", inner: []cachette.Option{cachette.WithTTLFunc(statusTTL)}, status: 500},
		{name: "404, with a ttl of its own", inner: []cachette.Option{cachette.WithTTLFunc(statusTTL), cachette.WithStatusTTL(404, time.Second)}, status: 404, want: "ttl=1"},
		{name: "200, with a ttl of its own", inner: []cachette.Option{cachette.WithStatusTTL(200, time.Second), cachette.WithTTLFunc(statusTTL)}, want: "ttl=1"},
		{name: "the response says so itself", inner: []cachette.Option{cachette.WithTTLFunc(statusTTL)}, fields: []string{"Cache-Control: max-age=7"}, want: "ttl=7"},
		{name: "the response says private", inner: []cachette.Option{cachette.WithTTLFunc(statusTTL)}, fields: []string{"Cache-Control: private"}},
		{name: "less than a millisecond", inner: []cachette.Option{cachette.WithTTLFunc(always(60))}},
		{name: "less than nothing", inner: []cachette.Option{cachette.WithTTLFunc(always(-time.Hour))}},
		{name: "a millisecond", inner: []cachette.Option{cachette.WithTTLFunc(always(time.Millisecond))}, want: "ttl=0"},
		{name: "inside of a ttl", outer: []cachette.Option{cachette.WithStatusTTL(404, time.Second)}, inner: []cachette.Option{cachette.WithTTLFunc(statusTTL)}, want: "ttl=20"},
		{name: "around a ttl", outer: []cachette.Option{cachette.WithTTLFunc(statusTTL)}, ttl: time.Minute, want: "ttl=60"},
		{name: "around a ttl of 0", outer: []cachette.Option{cachette.WithTTLFunc(statusTTL)}},
		{name: "around another", outer: []cachette.Option{cachette.WithTTLFunc(statusTTL)}, inner: []cachette.Option{cachette.WithTTLFunc(always(time.Minute))}, want: "ttl=60"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					handlers := []gin.HandlerFunc{cachette.Cached(row.ttl, row.inner...), func(c *gin.Context) {
						for _, field := range row.fields {
							name, value, _ := strings.Cut(field, ": ")
							c.Header(name, value)
						}
						c.String(max(row.status, http.StatusOK), "page")
					}}
					if row.outer != nil {
						handlers = append([]gin.HandlerFunc{cachette.Cached(0, row.outer...)}, handlers...)
					}
					s.GET("/page", handlers...)
					s.get("/page")
					if a := s.get("/page"); a.hit() != (row.want != "") || !strings.HasSuffix(a.cacheStatus(), row.want) {
						t.Errorf("%s; want %q", a.cacheStatus(), row.want)
					}
				})
			})
		})
	}
}

// The function sees the response as it is: also when a stored one is made fresh again by a 304, or by HEAD, which have but a part
// of its header (RFC 9111 §3.2, §4.3.4, §4.3.5). It is not asked about what is none.
func TestTTLFuncOnFreshening(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store, func(cfg *cachette.Config) { cfg.KeepStale = 24 * time.Hour })
			var asked []int
			kind := "short"
			handlers := []gin.HandlerFunc{func(c *gin.Context) { c.Header("X-Outside", "1") }, cachette.Cached(0, cachette.WithTTLFunc(func(c *gin.Context) time.Duration {
				asked = append(asked, c.Writer.Status())
				return kindTTL(c)
			})), func(c *gin.Context) {
				c.Header("ETag", `"v1"`)
				if c.GetHeader("If-None-Match") == `"v1"` {
					if kind == "long" {
						c.Header("X-Kind", kind)
					}
					c.Status(http.StatusNotModified)
					return
				}
				c.Header("X-Kind", kind)
				c.String(http.StatusOK, "page")
			}}
			s.GET("/page", handlers...)
			s.HEAD("/page", handlers...)
			s.get("/page")
			for _, step := range []struct{ kind, method, ttl string }{
				{"short", http.MethodGet, "ttl=10"}, {"long", http.MethodGet, "ttl=3600"}, {"long", http.MethodHead, "ttl=3600"},
			} {
				time.Sleep(2 * time.Hour)
				kind = step.kind
				a := s.do(step.method, "/page")
				if step.method == http.MethodGet && (a.body != "page" || a.header.Get("X-Kind") != kind || len(a.header["X-Outside"]) != 1) {
					t.Errorf("%s: %q, %v", step.method, a.body, a.header)
				}
				if a := s.get("/page"); !a.hit() || !strings.HasSuffix(a.cacheStatus(), step.ttl) || a.header.Get("X-Kind") != kind || a.status != http.StatusOK {
					t.Errorf("behind %s of %s: %s, want %s", step.method, step.kind, a.cacheStatus(), step.ttl)
				}
			}
			if want := "[200 200 200 200]"; fmt.Sprint(asked) != want {
				t.Errorf("it was asked about %v, want %s", asked, want)
			}
		})
	})
}

// A function that panics makes for what any handler makes for that does: the recovery outside answers, or the one inside, and
// nothing is stored, nor does another request wait for it.
func TestTTLFuncPanics(t *testing.T) {
	recovery := gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
		c.String(http.StatusInternalServerError, "recovered")
		c.Abort()
	})
	cached := cachette.Cached(0, cachette.WithTTLFunc(func(*gin.Context) time.Duration { panic("no") }))
	for _, way := range []struct {
		name  string
		mount func(s *site, page gin.HandlerFunc)
		fails bool
	}{
		{"outside", func(s *site, page gin.HandlerFunc) { s.GET("/page", recovery, cached, page) }, true},
		{"inside", func(s *site, page gin.HandlerFunc) { s.GET("/page", cached, recovery, page) }, true},
		{"between two", func(s *site, page gin.HandlerFunc) { s.GET("/page", cached, recovery, cached, page) }, true},
		{"between two, of which the inner one has a ttl", func(s *site, page gin.HandlerFunc) {
			s.GET("/page", cached, recovery, cachette.Cached(time.Minute), page)
		}, false},
	} {
		for kind, page := range map[string]gin.HandlerFunc{
			"text":   text("page"),
			"stream": func(c *gin.Context) { c.Writer.Flush(); c.String(http.StatusOK, "page") },
			"a header at once": func(c *gin.Context) {
				c.Status(http.StatusOK)
				c.Writer.WriteHeaderNow()
				c.String(http.StatusOK, "page")
			},
		} {
			t.Run(way.name+"/"+kind, func(t *testing.T) {
				s := newSite(t)
				way.mount(s, page)
				for i := range 2 {
					a := s.get("/page")
					if way.fails && (a.status != http.StatusInternalServerError || a.body != "recovered" || a.hit()) {
						t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
					}
					if !way.fails && (a.body != "page" || a.hit() != (i > 0)) {
						t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
					}
				}
			})
		}
	}
}

// A time to live that cannot be meant is told once a route.
func TestTTLFuncWithoutAUnitIsTold(t *testing.T) {
	log := new(journal)
	s := newSite(t, log.in)
	for _, path := range []string{"/one/:id", "/two"} {
		s.GET(path, cachette.Cached(0, cachette.WithTTLFunc(always(60))), text("page"))
	}
	for range 3 {
		for _, target := range []string{"/one/1", "/one/2", "/two"} {
			s.get(target)
		}
	}
	for what, want := range map[string]int{"WithTTLFunc": 2, "returned=60ns": 2, "60*time.Second": 2, "route=/one/:id": 1, "route=/two": 1} {
		if n := strings.Count(log.String(), what); n != want {
			t.Errorf("the log has %q %d times, want %d:\n%s", what, n, want, log)
		}
	}
}

// Behind a 304 the function sees the header of what is stored (RFC 9111 §4.3.4). What it changes in that, in place, changes nothing of it.
func TestTTLFuncChangesNothingStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		var kinds []string
		s.GET("/", cachette.Cached(0, cachette.WithTTLFunc(func(c *gin.Context) time.Duration {
			for _, values := range c.Writer.Header() {
				for i := range values {
					kinds = append(kinds, values[i])
					values[i] = "changed"
				}
			}
			return time.Minute
		})), func(c *gin.Context) {
			c.Header("ETag", `"1"`)
			if c.GetHeader("If-None-Match") != "" {
				c.Status(http.StatusNotModified)
				return
			}
			c.Header("X-Kind", "long")
			c.String(http.StatusOK, "page")
		})
		s.get("/")
		first := s.get("/").header
		for range 2 {
			time.Sleep(2 * time.Minute)
			s.get("/")
			a := s.get("/")
			if a.header.Get("X-Kind") != first.Get("X-Kind") || a.header.Get("ETag") != first.Get("ETag") || !a.hit() {
				t.Errorf("a hit has %q, before it had %q", a.header, first)
			}
		}
		if len(kinds) == 0 {
			t.Error("the function was not asked")
		}
	})
}
