package behaviour_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A handler that panics leaves nothing behind, and Recovery writes what it writes without a cache: through its own writer,
// with its own request.
func TestPanics(t *testing.T) {
	for _, row := range []struct {
		name    string
		handler func(c *gin.Context)
		status  int
		body    string
	}{
		{"before the response", func(c *gin.Context) {
			c.Header("X-One", "1")
			c.Status(http.StatusAccepted)
			panic("no")
		}, http.StatusInternalServerError, "recovered"},
		{"behind the header", func(c *gin.Context) {
			c.Writer.WriteHeaderNow()
			panic("no")
		}, http.StatusOK, "recovered"},
		{"within the response", func(c *gin.Context) {
			c.String(http.StatusOK, "half a p, ")
			panic("no")
		}, http.StatusOK, "half a p, recovered"},
		{"within a response that declares freshness", func(c *gin.Context) {
			c.Header("Cache-Control", "public, max-age=60")
			c.String(http.StatusOK, "half a p, ")
			panic("no")
		}, http.StatusOK, "half a p, recovered"},
		{"as the response cannot be validated", func(c *gin.Context) {
			c.Header("ETag", `"v1"`)
			c.String(http.StatusOK, "half a p, ")
			panic("no")
		}, http.StatusOK, "half a p, recovered"},
	} {
		for _, place := range []string{"outside", "inside"} {
			t.Run(row.name+"/Recovery "+place, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					handler, runs := counted(row.handler)
					var writer gin.ResponseWriter
					var request *http.Request
					recovery := gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
						if place == "outside" && (c.Writer != writer || c.Request != request) {
							t.Error("Recovery has not the writer and request that were there before")
						}
						c.Status(http.StatusInternalServerError)
						_, _ = c.Writer.WriteString("recovered")
						c.Abort()
					})
					remember := func(c *gin.Context) { writer, request = c.Writer, c.Request }
					cached := cachette.Cached(time.Minute)
					if place == "outside" {
						s.GET("/", recovery, remember, cached, handler)
					} else {
						s.GET("/", cached, recovery, remember, handler)
					}
					for range 2 {
						a := s.get("/", `If-None-Match: "v0"`)
						if a.status != row.status || a.body != row.body || a.hit() {
							t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					}
					if runs.Load() != 2 {
						t.Errorf("the handler ran %d times", runs.Load())
					}
				})
			})
		}
	}
}

// A panic is an answer of the handler's only where Recovery stands after Cached: then a stale page stands in for its 500 (RFC 5861 §4).
// Elsewhere Recovery outside has to see the panic, and answers itself; the stale page stays stored.
func TestPanicAndStaleIfError(t *testing.T) {
	for _, row := range []struct {
		name            string
		outside, inside bool
		status          int
		body            string
	}{
		{"outside, as in gin.Default", true, false, http.StatusInternalServerError, ""},
		{"inside", false, true, http.StatusOK, "page"},
		{"on both sides", true, true, http.StatusOK, "page"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					panics := false
					var chain []gin.HandlerFunc
					if row.outside {
						chain = append(chain, gin.RecoveryWithWriter(io.Discard))
					}
					chain = append(chain, cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour)))
					if row.inside {
						chain = append(chain, gin.RecoveryWithWriter(io.Discard))
					}
					s.GET("/", append(chain, func(c *gin.Context) {
						if panics {
							panic("no")
						}
						c.String(http.StatusOK, "page")
					})...)
					s.get("/")
					time.Sleep(2 * time.Minute)
					panics = true
					for range 2 {
						if a := s.get("/"); a.status != row.status || a.body != row.body {
							t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					}
					if a := s.get("/", "Cache-Control: max-stale, only-if-cached"); a.body != "page" {
						t.Errorf("what is stored: %d %q (%s)", a.status, a.body, a.cacheStatus())
					}
				})
			})
		})
	}
}

// A panic that is not recovered from is net/http's to deal with: the connection breaks, and the next one finds all in order.
func TestPanicReachesServer(t *testing.T) {
	s := newSite(t)
	first := make(chan bool, 1)
	first <- true
	s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
		select {
		case <-first:
			c.String(http.StatusOK, "half a p")
			c.Writer.Flush()
			panic(http.ErrAbortHandler)
		default:
			c.String(http.StatusOK, "page")
		}
	})
	server := s.listen()
	if a, err := tryFetch(t.Context(), server, http.MethodGet, "/"); err == nil {
		t.Errorf("the broken response came as a whole one: %q", a.body)
	}
	if a := fetch(t, server, http.MethodGet, "/"); a.body != "page" || a.hit() {
		t.Errorf("afterwards: %q (%s)", a.body, a.cacheStatus())
	}
}

// A panic behind what stands in for a response, or confirms one, leaves what is stored as it was.
func TestPanicWhileValidating(t *testing.T) {
	s := newSite(t)
	s.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
		c.AbortWithStatus(http.StatusInternalServerError)
	}))
	fail := false
	s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
		if fail {
			c.Status(http.StatusNotModified)
			c.Writer.WriteHeaderNow()
			panic("no")
		}
		c.Header("ETag", `"v1"`)
		c.String(http.StatusOK, "page")
	})
	s.get("/")
	fail = true
	if a := s.get("/", "Cache-Control: no-cache"); a.status != http.StatusInternalServerError {
		t.Errorf("the panic: %d %q", a.status, a.body)
	}
	if a := s.get("/"); !a.hit() || a.body != "page" {
		t.Errorf("afterwards: %d %q (%s)", a.status, a.body, a.cacheStatus())
	}
}

// A panic in an unsafe request leaves its writer to Recovery, too, and invalidates nothing that it has not answered.
func TestPanicInUnsafeRequest(t *testing.T) {
	s := newSite(t)
	var writer gin.ResponseWriter
	recovery := gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
		if c.Writer != writer {
			t.Error("Recovery has not the writer that was there before")
		}
		c.AbortWithStatus(http.StatusInternalServerError)
	})
	cached := cachette.Cached(time.Minute)
	s.GET("/", cached, text("page"))
	s.POST("/", recovery, func(c *gin.Context) { writer = c.Writer }, cached, func(c *gin.Context) { panic("no") })
	s.get("/")
	if a := s.do(http.MethodPost, "/"); a.status != http.StatusInternalServerError {
		t.Errorf("the panic: %d", a.status)
	}
	if a := s.get("/"); !a.hit() {
		t.Errorf("afterwards: %s", a.cacheStatus())
	}
}

// What a panic says goes to no client.
func TestPanicIsNotShown(t *testing.T) {
	s := newSite(t)
	s.Use(gin.RecoveryWithWriter(io.Discard))
	s.GET("/", cachette.Cached(time.Minute), func(*gin.Context) { panic("secret") })
	a := s.get("/")
	if a.status != http.StatusInternalServerError || strings.Contains(a.body, "secret") || len(a.header["Cache-Status"]) > 0 {
		t.Errorf("%d %q %v", a.status, a.body, a.header)
	}
}
