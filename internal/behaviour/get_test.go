package behaviour_test

import (
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Get works wherever a context of a route with a cache is, also once a hit has ended the chain: in what gin's own handlers ask,
// as Skip of its logger, and from a copy.
func TestGetIsThereForAll(t *testing.T) {
	for name, mount := range map[string]func(ask gin.HandlerFunc) (before []gin.HandlerFunc){
		"the logger's Skip": func(ask gin.HandlerFunc) []gin.HandlerFunc {
			return []gin.HandlerFunc{gin.LoggerWithConfig(gin.LoggerConfig{Skip: func(c *gin.Context) bool { ask(c); return true }})}
		},
		"after Next": func(ask gin.HandlerFunc) []gin.HandlerFunc {
			return []gin.HandlerFunc{func(c *gin.Context) { c.Next(); ask(c) }}
		},
		"before Next": func(ask gin.HandlerFunc) []gin.HandlerFunc {
			return []gin.HandlerFunc{func(c *gin.Context) { ask(c); c.Next() }}
		},
		"of a copy": func(ask gin.HandlerFunc) []gin.HandlerFunc {
			return []gin.HandlerFunc{func(c *gin.Context) { c.Next(); ask(c.Copy()) }}
		},
		"behind what takes the keys away": func(ask gin.HandlerFunc) []gin.HandlerFunc {
			return []gin.HandlerFunc{func(c *gin.Context) { c.Next(); c.Keys = nil; ask(c) }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got *cachette.Cache
			var message error
			asked := 0
			ask := func(c *gin.Context) {
				asked++
				message = panicked(func() { got = cachette.Get(c) })
			}
			s := newSiteOn(t, func(e *gin.Engine) { e.Use(mount(ask)...) })
			s.GET("/page", cachette.Cached(time.Minute), handlerOf)
			for i := range 3 {
				got = nil
				a := s.get("/page")
				if message != nil || got != s.cache || a.hit() != (i > 0) || asked != i+1 {
					t.Errorf("request %d (%s): asked %d times, %v", i+1, a.cacheStatus(), asked, message)
				}
			}
		})
	}
}
