package behaviour_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A guard may take Authorization off the request, so that no handler passes it on. The request had it all the same: what answers
// it is for its client alone, unless the response says otherwise (RFC 9111 §3.5) or the key has an identity.
func TestGuardThatTakesAuthorizationOff(t *testing.T) {
	user := func(c *gin.Context) string { return c.GetString("user") }
	guard := func(c *gin.Context) {
		name, _, ok := c.Request.BasicAuth()
		if !ok {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Request.Header.Del("Authorization")
		c.Set("user", name)
	}
	const ann, bob = "Authorization: Basic YW5uOng=", "Authorization: Basic Ym9iOng="
	for _, row := range []struct {
		name     string
		handlers []gin.HandlerFunc
		fields   []string
		bob      string
		hit      bool // what ann has asked for once is a hit when she asks again
	}{
		{"plain", []gin.HandlerFunc{cachette.Cached(time.Minute)}, nil, "page of bob", false},
		{"a part", []gin.HandlerFunc{cachette.Cached(time.Minute, cachette.WithKeyPart(func(*gin.Context) string { return "x" }))}, nil, "page of bob", false},
		{"two", []gin.HandlerFunc{cachette.Cached(time.Minute), cachette.Cached(time.Minute)}, nil, "page of bob", false},
		{"one between", []gin.HandlerFunc{cachette.Cached(time.Minute), func(*gin.Context) {}, cachette.Cached(time.Minute)}, nil, "page of bob", false},
		{"identity", []gin.HandlerFunc{cachette.Cached(time.Minute, cachette.WithIdentity(user))}, nil, "page of bob", true},
		{"public", []gin.HandlerFunc{cachette.Cached(time.Minute)}, []string{"Cache-Control: public"}, "page of ann", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler := func(c *gin.Context) {
					c.Header("Content-Location", "/page")
					text("page of "+user(c), append(row.fields, "Cache-Control: max-age=60")...)(c)
				}
				chain := append(append([]gin.HandlerFunc{guard}, row.handlers...), handler)
				s.GET("/page", chain...)
				s.POST("/page", chain...)
				s.get("/page", ann)
				if a := s.get("/page", ann); a.hit() != row.hit || a.body != "page of ann" {
					t.Errorf("ann, again: %q (%s)", a.body, a.cacheStatus())
				}
				if a := s.get("/page", bob); a.body != row.bob {
					t.Errorf("bob: %q (%s)", a.body, a.cacheStatus())
				}
				s.do(http.MethodPost, "/page", ann)
				if a := s.get("/page", bob); a.body != row.bob {
					t.Errorf("bob, behind a POST of ann: %q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}
