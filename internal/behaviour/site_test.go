package behaviour_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

func init() { gin.SetMode(gin.TestMode) }

// site is a gin engine with a cache on it.
type site struct {
	*gin.Engine
	t      testing.TB
	cache  *cachette.Cache
	tested *cachettetest.Engine // for its assertions
}

// newSite returns an engine with a cache; configure, if any, changes the zero Config.
func newSite(t testing.TB, configure ...func(*cachette.Config)) *site {
	t.Helper()
	e := cachettetest.New(t, configure...)
	return &site{Engine: e.Engine, t: t, cache: e.Cache, tested: e}
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

// cacheStatus returns the last member of Cache-Status: the one that this cache added.
func (a answer) cacheStatus() string { return a.header.Get("Cache-Status") }

// hit tells whether the answer came out of the cache.
func (a answer) hit() bool { return strings.HasPrefix(a.cacheStatus(), "cachette; hit") }

// do sends a request through the engine. fields are lines such as "Range: bytes=0-1".
func (s *site) do(method, target string, fields ...string) answer {
	s.t.Helper()
	a := cachettetest.Do(s.t, s.Engine, method, target, fields...)
	s.settle()
	return answer{status: a.Status, header: a.Header, body: a.Body}
}

// settle waits until the store has what waits for it: for what looks into the store, or is another process. A cache that is closed, as
// one of a test that is over, has nothing that waits.
func (s *site) settle() {
	if s.cache != nil {
		_ = s.cache.Settle(s.t.Context())
	}
}

// get sends a GET through the engine.
func (s *site) get(target string, fields ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, target, fields...)
}

// counted returns a handler that counts its runs, and the count.
func counted(handler gin.HandlerFunc) (gin.HandlerFunc, *atomic.Int64) {
	var runs atomic.Int64
	return func(c *gin.Context) {
		runs.Add(1)
		handler(c)
	}, &runs
}

// text returns a handler that answers 200 with a body and header fields such as "Cache-Control: max-age=5".
func text(body string, fields ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		addFields(c, fields)
		c.String(http.StatusOK, "%s", body)
	}
}

// addFields adds fields such as "X-One: 1" to a response.
func addFields(c *gin.Context, fields []string) {
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ":")
		c.Writer.Header().Add(name, strings.TrimSpace(value))
	}
}
