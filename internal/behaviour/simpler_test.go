package behaviour_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// seesQuery is a handler that answers with all that it can see of the query, by every way that gin and net/http have.
func seesQuery(c *gin.Context) {
	var form struct {
		X []string `form:"x"`
		A []string `form:"a"`
	}
	err := c.ShouldBind(&form)
	x, has := c.GetQueryArray("x")
	c.String(http.StatusOK, "%s | %s | %v | %v %t %v | %v | %v %v | %q %q %v", c.Request.RequestURI, c.Request.URL.RawQuery, c.Request.URL.Query(),
		x, has, c.QueryMap("x"), c.QueryArray("a"), form, err, c.Request.FormValue("x"), c.Request.Form["x"], c.Request.Form["a"])
}

// asked is a middleware that asks for parameters, of which gin and net/http then remember all.
func asked(c *gin.Context) {
	_ = c.Query("x")
	_ = c.Request.FormValue("x")
	before := c.Request.URL.RawQuery
	c.Next()
	values, _ := url.ParseQuery(before)
	if c.Request.URL.RawQuery != before || fmt.Sprint(c.QueryArray("x")) != fmt.Sprint(values["x"]) || fmt.Sprint(c.Request.Form) != fmt.Sprint(values) {
		panic("the middleware outside does not see the query as it came any more")
	}
}

// Handlers see of the query what is in the key, and nothing else: what is ignored gets into no page.
func TestSimplerQueries(t *testing.T) {
	ignored, sorted := cachette.WithIgnoredQueryParams("x", "y_*"), cachette.WithSortedQuery()
	for _, row := range []struct {
		name       string
		options    []cachette.Option
		one, other string
		same       bool
	}{
		{"ignored: two values", []cachette.Option{ignored}, "/p?x=1&a=1", "/p?a=1&x=2", true},
		{"ignored: and none", []cachette.Option{ignored}, "/p?x=1", "/p", true},
		{"ignored: an empty query", []cachette.Option{ignored}, "/p?x=1", "/p?", false},
		{"ignored: by a beginning", []cachette.Option{ignored}, "/p?a=1&y_1=1", "/p?y_2=2&a=1", true},
		{"ignored: escaped", []cachette.Option{ignored}, "/p?a=1&%78=1", "/p?a=1", true},
		{"ignored: a map", []cachette.Option{ignored}, "/p?a=1&x[b]=1", "/p?a=1", true},
		{"ignored: another", []cachette.Option{ignored}, "/p?a=1&x=1", "/p?a=2&x=1", false},
		{"ignored: another case", []cachette.Option{ignored}, "/p?X=1", "/p?X=2", false},
		{"ignored: order of others", []cachette.Option{ignored}, "/p?a=1&b=2&x=1", "/p?b=2&a=1", false},
		{"ignored: what cannot be read", []cachette.Option{ignored}, "/p?x=%zz", "/p", false},
		{"ignored: a semicolon", []cachette.Option{ignored}, "/p?x=1;a=1", "/p?x=2;a=1", false},
		{"ignored: in two options", []cachette.Option{ignored, cachette.WithIgnoredQueryParams("z")}, "/p?x=1&z=1", "/p?z=2", true},
		{"tracking", []cachette.Option{cachette.WithoutTrackingParams()}, "/p?utm_source=a&a=1&fbclid=b", "/p?a=1&gclid=c&utm_x=", true},
		{"tracking: others", []cachette.Option{cachette.WithoutTrackingParams()}, "/p?ref=a", "/p?ref=b", false},
		{"sorted: names", []cachette.Option{sorted}, "/p?b=2&a=1", "/p?a=1&b=2", true},
		{"sorted: values", []cachette.Option{sorted}, "/p?a=2&a=1", "/p?a=1&a=2", false},
		{"sorted: among values", []cachette.Option{sorted}, "/p?a=2&b=0&a=1", "/p?a=2&a=1&b=0", true},
		{"sorted: a plus and a space", []cachette.Option{sorted}, "/p?a=+", "/p?a=%20", false},
		{"sorted and ignored", []cachette.Option{sorted, ignored}, "/p?b=2&x=1&a=1", "/p?a=1&b=2", true},
	} {
		for way, outside := range map[string][]gin.HandlerFunc{"at once": nil, "behind a middleware": {asked}} {
			t.Run(row.name+"/"+way, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					s.Use(outside...)
					s.GET("/p", cachette.Cached(time.Minute, row.options...), seesQuery)
					made := s.ask("h", row.one)
					if a := s.ask("h", row.other); a.hit() != row.same {
						t.Errorf("%s, then %s: %s", row.one, row.other, a.cacheStatus())
					} else if row.same && a.body != made.body {
						t.Errorf("%q, then %q", made.body, a.body)
					}
					fresh := newSite(t, store) // where the other one came first
					fresh.GET("/p", cachette.Cached(time.Minute, row.options...), seesQuery)
					if a := fresh.ask("i", row.other); row.same != (a.body == made.body) {
						t.Errorf("the handlers see\n%s of %s, and\n%s of %s", made.body, row.one, a.body, row.other)
					}
				})
			})
		}
	}
}

// What is ignored is not seen either where the request comes to the handlers by another way than a GET of a route.
func TestSimplerQueriesOnOtherWays(t *testing.T) {
	option := cachette.WithIgnoredQueryParams("x")
	for _, row := range []struct {
		name  string
		build func(s *site) http.Handler
	}{
		{"a mount", func(s *site) http.Handler {
			s.GET("/p", cachette.Cached(time.Minute, option), seesQuery)
			return http.StripPrefix("/shop", s)
		}},
		{"HandleContext inside", func(s *site) http.Handler {
			s.GET("/shop/p", cachette.Cached(time.Minute, option), func(c *gin.Context) {
				c.Request.URL.Path = "/inner"
				s.HandleContext(c)
			})
			s.GET("/inner", cachette.Cached(time.Minute), seesQuery)
			return s
		}},
		{"HandleContext outside", func(s *site) http.Handler {
			s.GET("/shop/p", func(c *gin.Context) {
				c.Request.URL.Path = "/inner"
				s.HandleContext(c)
			})
			s.GET("/inner", cachette.Cached(time.Minute, option), seesQuery)
			return s
		}},
		{"a Cached inside", func(s *site) http.Handler {
			s.Group("/shop", cachette.Cached(0, option)).GET("/p", cachette.Cached(time.Minute), seesQuery)
			return s
		}},
		{"a Cached around", func(s *site) http.Handler {
			s.Group("/shop", cachette.Cached(time.Minute)).GET("/p", cachette.Cached(time.Minute, option), seesQuery)
			return s
		}},
		{"a Cached inside that keys by parameters", func(s *site) http.Handler {
			s.Group("/shop", cachette.Cached(0, option)).GET("/p", cachette.Cached(time.Minute, cachette.WithQueryParams("x", "a")), seesQuery)
			return s
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				h := row.build(s)
				for i, line := range []string{"/shop/p?x=secret&a=1", "/shop/p?a=1", "/shop/p?a=1&x=2"} {
					a := ask(t, h, line, "h")
					if s.settle(); a.hit() != (i > 0) || a.status != http.StatusOK || strings.Contains(a.body, "secret") {
						t.Errorf("%s: %d %q (%s)", line, a.status, a.body, a.cacheStatus())
					}
				}
			})
		})
	}
}

// A refresh in the background, a HEAD and a validation leave it out, too.
func TestSimplerQueriesAreRefreshed(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/p", cachette.Cached(time.Second, cachette.WithIgnoredQueryParams("x"), cachette.WithStaleWhileRevalidate(time.Hour)), seesQuery)
		first := s.get("/p?a=1")
		time.Sleep(2 * time.Second)
		s.get("/p?x=secret&a=1") // has it refreshed
		synctest.Wait()
		s.settle()
		if a := s.get("/p?a=1"); !strings.Contains(a.cacheStatus(), "hit; ttl=1") || a.body != first.body {
			t.Errorf("%q, then %q (%s)", first.body, a.body, a.cacheStatus())
		}
	})
}

// The handlers of a write see the whole query, so what they answer is no page for those that ask for less of it.
func TestWritesSeeIgnoredParameters(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.Use(cachette.Cached(time.Minute, cachette.WithIgnoredQueryParams("x")))
		handler := func(c *gin.Context) {
			c.Header("Content-Location", c.Request.URL.RequestURI())
			c.Header("Cache-Control", "max-age=60")
			c.String(http.StatusOK, "x=%s", c.Query("x"))
		}
		s.GET("/p", handler)
		s.POST("/p", handler)
		s.get("/p?b=1") // the route is known
		for _, row := range []struct {
			query, body string
			kept        bool
		}{{"?a=1&x=secret", "x=secret", false}, {"?a=2", "x=", true}} {
			if a := s.do(http.MethodPost, "/p"+row.query); a.body != row.body {
				t.Errorf("POST %s: %q", row.query, a.body)
			}
			if a := s.get("/p" + row.query); a.hit() != row.kept || a.body != "x=" {
				t.Errorf("behind it: %q (%s)", a.body, a.cacheStatus())
			}
		}
	})
}

// A redirect to the URL that was asked for, less what is ignored, is not kept: whoever follows it would be given it again.
func TestSimplerRedirectToItself(t *testing.T) {
	s := newSite(t)
	s.GET("/p", cachette.Cached(time.Minute, cachette.WithIgnoredQueryParams("x")), func(c *gin.Context) {
		if c.GetHeader("X-Proto") == "" {
			c.Redirect(http.StatusMovedPermanently, "https://example.com"+c.Request.RequestURI)
			return
		}
		c.String(http.StatusOK, "page")
	})
	s.get("/p?a=1&x=1")
	if a := s.get("/p?a=1", "X-Proto: https"); a.body != "page" {
		t.Errorf("%d %s (%s)", a.status, a.header.Get("Location"), a.cacheStatus())
	}
}

// A log in which three of ten URLs carry tracking parameters, in any place, is answered by as many hits as the log without.
func TestTrackedLogHitsAsTheCleanOne(t *testing.T) {
	const requests = 5000
	random := rand.New(rand.NewPCG(1, 2))
	pages := rand.NewZipf(random, 1.1, 1, 999)
	var clean, tracked []string
	for range requests {
		page := pages.Uint64()
		params := []string{fmt.Sprintf("page=%d", page%7), "sort=price"}[:page%3]
		line := func() string {
			if len(params) == 0 {
				return fmt.Sprintf("/products/%d", page)
			}
			return fmt.Sprintf("/products/%d?%s", page, strings.Join(params, "&"))
		}
		clean = append(clean, line())
		if random.Float64() < 0.3 {
			for _, name := range []string{"utm_source", "utm_medium", "utm_campaign", "gclid", "fbclid", "mc_eid"}[random.IntN(5):] {
				at := random.IntN(len(params) + 1)
				params = append(params[:at:at], append([]string{fmt.Sprintf("%s=%d", name, random.IntN(1000))}, params[at:]...)...)
			}
		}
		tracked = append(tracked, line())
	}
	replay := func(log []string, options ...cachette.Option) (hits int) {
		s := newSite(t)
		s.GET("/products/:id", cachette.Cached(time.Hour, options...), text("page"))
		for _, line := range log {
			if s.get(line).hit() {
				hits++
			}
		}
		return hits
	}
	want := replay(clean)
	if got := replay(tracked, cachette.WithoutTrackingParams()); got != want {
		t.Errorf("%d of %d requests are hits, want %d", got, requests, want)
	}
	if without := replay(tracked); without >= want {
		t.Errorf("without the option %d are: the log shows nothing", without)
	} else {
		t.Logf("hits of %d requests: %d of the clean log, %d of the tracked one without the option", requests, want, without)
	}
}
