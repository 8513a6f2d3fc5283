package stores_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

func init() { gin.SetMode(gin.TestMode) }

// A site is a gin engine with a cache on it.
type site struct {
	*gin.Engine
	cache *cachette.Cache
}

func newSite(t *testing.T, cfg cachette.Config) *site {
	t.Helper()
	s := &site{Engine: gin.New()}
	var err error
	s.cache, err = cachette.Install(s.Engine, func() (cachette.Config, error) { return cfg, nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cache.Close() }) // its server may be gone
	return s
}

// patient is an operation timeout that a busy machine does not come near.
const patient = 20 * time.Second

// ask sends a request through the engine, and tells whether the answer is a hit.
func (s *site) ask(method, path, want string) (hit bool, err error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	if w.Code != http.StatusOK || w.Body.String() != want {
		return false, fmt.Errorf("%s %s: %d %.100q", method, path, w.Code, w.Body)
	}
	return strings.HasPrefix(w.Header().Get("Cache-Status"), "cachette; hit"), nil
}

// isHit tells whether a page that shows "page" is a hit, once what the cache has to store is stored.
func (s *site) isHit(t *testing.T, path string) bool {
	t.Helper()
	hit, err := s.ask(http.MethodGet, path, "page")
	if err == nil {
		err = s.cache.Settle(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return hit
}

// text returns a handler that answers with a body.
func text(body string) gin.HandlerFunc {
	return func(c *gin.Context) { c.String(http.StatusOK, body) }
}
