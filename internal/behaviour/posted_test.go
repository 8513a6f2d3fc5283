package behaviour_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A response to a POST that may answer later requests (RFC 9110 §9.3.3) is outdated by a purge of another while its handler
// ran, as that of any other fill is, in whatever process. Only its own invalidation (RFC 9111 §4.4) leaves it.
func TestPurgeDuringPost(t *testing.T) {
	for _, purge := range purges {
		t.Run(purge.name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				purgeDuringPost(t, s, func() { purge.do(t, s) })
			})
			t.Run("in another process", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := newShelf()
					here, there := newSite(t, store.on), newSite(t, store.on)
					posting(there, nil, nil, new(atomic.Int64))
					purgeDuringPost(t, here, func() { purge.do(t, there) })
				})
			})
		})
	}
}

// posting mounts a page that answers GET and POST with the version that was there when its handler began. One that is to wait
// does so behind that.
func posting(s *site, arrived chan<- struct{}, gate <-chan struct{}, version *atomic.Int64) {
	s.Match([]string{http.MethodGet, http.MethodPost}, "/page", cachette.Cached(time.Hour, cachette.WithNamespace("n")),
		func(c *gin.Context) {
			read := version.Load()
			if c.GetHeader("X-Wait") != "" {
				arrived <- struct{}{}
				<-gate
			}
			c.Header("Content-Location", c.Request.RequestURI)
			c.Header("Cache-Control", "max-age=60")
			c.String(http.StatusOK, "version %d", read)
		})
	s.POST("/elsewhere", text("changed", "Location: /page"))
}

func purgeDuringPost(t *testing.T, s *site, purge func()) {
	t.Helper()
	var version atomic.Int64
	arrived, gate := make(chan struct{}), make(chan struct{})
	posting(s, arrived, gate, &version)
	s.get("/page") // from then on it is known how a GET is looked up
	post := later(func() answer { return s.do(http.MethodPost, "/page", "X-Wait: 1") })
	await(t, "the POST", arrived)
	version.Add(1)
	purge()
	close(gate)
	await(t, "its answer", post)
	for range 2 {
		if a := s.get("/page"); a.body != "version 1" {
			t.Errorf("behind the purge: %q (%s)", a.body, a.cacheStatus())
		}
	}
}

// A POST that came by way of HandleContext invalidates once more behind the rewriting handler, and its response is kept once more
// then. Those that are given what was kept first see none of that.
func TestPostKeptTwice(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		posting(s, nil, nil, new(atomic.Int64))
		s.POST("/rewritten/*rest", func(c *gin.Context) {
			c.Request.URL.Path = c.Param("rest")
			s.HandleContext(c)
		})
		s.GET("/rewritten/*rest", func(c *gin.Context) {
			c.Request.URL.Path = c.Param("rest")
			s.HandleContext(c)
		})
		done := make(chan struct{})
		readers := together(4, func(int) string {
			for {
				select {
				case <-done:
					return ""
				default:
				}
				if a := s.get("/rewritten/page"); a.body != "version 0" || len(a.header["Date"]) > 1 {
					return a.body
				}
			}
		})
		for range length(60, 300) {
			s.do(http.MethodPost, "/rewritten/page")
		}
		close(done)
		for range 4 {
			if wrong := await(t, "a reader", readers); wrong != "" {
				t.Errorf("a client got %q", wrong)
			}
		}
	})
}

// What a POST leaves for later GETs (RFC 9110 §9.3.3) is kept only where a GET of the same URI is looked up by the same Cached
// and by no other: what another one would add to the key, or keep away from it, is not in that of the POST.
func TestPostIsKeptAsItsGetIs(t *testing.T) {
	page := func(c *gin.Context) {
		c.Header("Content-Location", c.Request.RequestURI)
		c.Header("Cache-Control", "max-age=60")
		c.String(http.StatusOK, "%s for %s", c.Request.Method, userOf(c))
	}
	plain := func() gin.HandlerFunc { return cachette.Cached(time.Hour) }
	byUser := func() gin.HandlerFunc { return cachette.Cached(time.Hour, cachette.WithKeyPart(userOf)) }
	inGroup := func(options ...cachette.Option) func(s *site) {
		return func(s *site) {
			group := s.Group("/", plain())
			group.POST("/page", page)
			group.GET("/page", loggerOf, cachette.Cached(time.Hour, options...), page)
		}
	}
	for _, row := range []struct {
		name  string
		mount func(s *site)
		first []string // GETs before the POST, besides that of the page
		alone bool     // no GET before the POST
		kept  bool
	}{
		{name: "one Cached for both", kept: true, mount: func(s *site) {
			s.Match([]string{http.MethodGet, http.MethodPost}, "/page", plain(), page)
		}},
		{name: "one of the group", kept: true, mount: func(s *site) {
			group := s.Group("/", plain())
			group.GET("/page", page)
			group.POST("/page", loggerOf, page)
		}},
		{name: "one of the engine, and a pattern", kept: true, mount: func(s *site) {
			s.Use(plain())
			s.GET("/:id", page)
			s.POST("/:id", page)
			s.GET("/other", page)
		}},
		{name: "no route", kept: true, alone: true, mount: func(s *site) { s.Use(plain()); s.NoRoute(page) }},
		{name: "a GET that is not known yet", alone: true, mount: func(s *site) {
			s.Match([]string{http.MethodGet, http.MethodPost}, "/page", plain(), page)
		}},
		{name: "a Cached for each", mount: func(s *site) {
			s.GET("/page", plain(), page)
			s.POST("/page", plain(), page)
		}},
		{name: "a part inside", mount: inGroup(cachette.WithKeyPart(userOf))},
		{name: "an identity inside", mount: inGroup(cachette.WithIdentity(userOf))},
		{name: "a field inside", mount: inGroup(cachette.WithVary("X-User"))},
		{name: "a skip inside", mount: inGroup(cachette.WithSkip(func(*gin.Context) bool { return true }))},
		{name: "a namespace inside", mount: inGroup(cachette.WithNamespace("n"))},
		{name: "a part inside of another handler", mount: func(s *site) {
			group := s.Group("/", plain())
			group.POST("/page", page)
			group.GET("/page", around(loggerOf, byUser()), page)
		}},
		{name: "a part behind HandleContext", mount: func(s *site) {
			group := s.Group("/", plain())
			group.POST("/page", page)
			group.GET("/page", lead(s, "/inner"))
			s.GET("/inner", byUser(), page)
		}},
		{name: "a part on a route with another pattern", first: []string{"/other"}, mount: func(s *site) {
			group := s.Group("/", plain())
			group.POST("/:id", page)
			group.GET("/:id", page)
			group.GET("/page", loggerOf, byUser(), page)
		}},
		{name: "a part on a route that takes all below", first: []string{"/x/page"}, mount: func(s *site) {
			s.Use(plain())
			s.GET("/*path", loggerOf, byUser(), page)
			s.NoRoute(page)
		}},
		{name: "a part where there is no route", mount: func(s *site) {
			s.HandleMethodNotAllowed = true
			s.Use(plain())
			s.POST("/page", page)
			s.NoMethod(loggerOf, byUser(), page)
		}},
		{name: "a part where the method has none", mount: func(s *site) {
			s.HandleMethodNotAllowed = true
			s.Use(plain())
			s.GET("/page", loggerOf, byUser(), page)
			s.NoMethod(page)
			s.NoRoute(page)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				row.mount(s)
				for _, first := range row.first {
					s.get(first, "X-User: ann")
				}
				if !row.alone {
					s.get("/page", "X-User: ann")
				}
				post := s.do(http.MethodPost, "/page", "X-User: ann")
				if said := strings.Contains(post.cacheStatus(), "; stored"); said != row.kept {
					t.Errorf("the POST says %q", post.cacheStatus())
				}
				a := s.get("/page", "X-User: bob")
				if kept := a.body == "POST for ann"; kept != row.kept || kept != a.hit() {
					t.Errorf("the GET behind it is given %q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}

// Where a route inside of another makes the pages, a POST that goes past it leaves nothing, whichever of the two came first.
func TestPostBeforeItsGet(t *testing.T) {
	s := newSite(t)
	page := func(c *gin.Context) {
		c.Header("Content-Location", c.Request.RequestURI)
		c.Header("Cache-Control", "max-age=60")
		c.String(http.StatusOK, "for %s", userOf(c))
	}
	group := s.Group("/", cachette.Cached(time.Hour))
	group.POST("/page", page)
	group.GET("/page", cachette.Cached(time.Hour, cachette.WithIdentity(userOf)), page)
	for round := range 3 {
		s.do(http.MethodPost, "/page", "X-User: ann")
		if a := s.get("/page", "X-User: bob"); a.body != "for bob" {
			t.Errorf("round %d: bob is given %q (%s)", round, a.body, a.cacheStatus())
		}
	}
}

// What a handler does with the header behind a large answer to POST that answers later GETs is nobody else's: that answer goes out beside it.
func TestPostedWhileItGoesOut(t *testing.T) {
	s := newSite(t)
	s.Match([]string{http.MethodGet, http.MethodPost}, "/page", cachette.Cached(time.Hour), func(c *gin.Context) {
		c.Header("Cache-Control", "max-age=60")
		c.Header("Content-Location", "/page")
		for range 64 {
			_, _ = c.Writer.Write(make([]byte, 4096))
			c.Header("X-Late", "edited")
			for _, values := range c.Writer.Header() {
				values[0] = "edited"
			}
		}
	})
	server := httptest.NewServer(s)
	defer server.Close()
	for range 20 {
		s.get("/page")
		response, err := server.Client().Post(server.URL+"/page", "text/plain", nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, response.Body); n != 64*4096 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		_ = response.Body.Close()
	}
}
