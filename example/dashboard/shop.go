package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// shop is an application: pages that take a while to make, and a database that fails at times.
type shop struct {
	engine *gin.Engine
	fails  atomic.Bool // the database
}

// newShop puts the routes of a shop on an engine.
func newShop(engine *gin.Engine) *shop {
	s := &shop{engine: engine}
	product := cachette.WithTagsFrom(func(c *gin.Context) []string { return []string{"product:" + c.Param("id")} })
	stale := cachette.WithStaleWhileRevalidate(30 * time.Second)
	onError := cachette.WithStaleIfError(5 * time.Minute)

	engine.GET("/", cachette.Cached(10*time.Second, stale, onError), s.page(60*time.Millisecond, 12_000))
	engine.GET("/products", cachette.Cached(20*time.Second, cachette.WithQueryParams("page"), cachette.WithTags("products"), onError), s.page(90*time.Millisecond, 20_000))
	engine.GET("/products/:id", cachette.Cached(time.Minute, product, onError), s.page(25*time.Millisecond, 6_000))
	engine.GET("/products/:id/reviews", cachette.Cached(15*time.Second, product, stale), s.page(40*time.Millisecond, 9_000))
	engine.GET("/search", cachette.Cached(30*time.Second, cachette.WithQueryParams("q")), s.page(120*time.Millisecond, 14_000))
	engine.Handle("QUERY", "/search", cachette.Cached(30*time.Second), s.page(120*time.Millisecond, 14_000))
	engine.GET("/blog/:slug", cachette.Cached(5*time.Minute, cachette.WithNamespace("blog")), s.page(15*time.Millisecond, 18_000))
	engine.GET("/prices.json", cachette.Cached(2*time.Second), s.page(8*time.Millisecond, 2_000))
	// These two are not shared, since they say so: the dashboard tells why.
	engine.GET("/account", cachette.Cached(time.Minute), s.page(20*time.Millisecond, 3_000, "Cache-Control", "private"))
	engine.GET("/basket", cachette.Cached(time.Minute), s.page(12*time.Millisecond, 2_000, "Set-Cookie", "basket=1; Path=/; HttpOnly"))
	// This one greets by a cookie, and is shared with everybody: the audits find out.
	engine.GET("/greeting", cachette.Cached(5*time.Second), func(c *gin.Context) {
		name, _ := c.Cookie("name")
		c.String(http.StatusOK, "Hello, %s!\n", name)
	})
	// What is changed is gone from the cache: the page by its path, and what is tagged with it.
	engine.PUT("/products/:id", cachette.InvalidatesFrom(func(c *gin.Context) []string {
		return []string{"product:" + c.Param("id"), "products"}
	}), func(c *gin.Context) { c.Status(http.StatusNoContent) })
	return s
}

// page is a handler that takes about as long as is said, at times much longer, and answers with about as many bytes, and a header field.
func (s *shop) page(takes time.Duration, bytes int, field ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		wait := takes/2 + time.Duration(rand.ExpFloat64()*float64(takes)/2)
		select {
		case <-time.After(min(wait, time.Second)):
		case <-c.Request.Context().Done():
			return
		}
		if s.fails.Load() {
			c.String(http.StatusServiceUnavailable, "the database does not answer\n")
			return
		}
		if len(field) > 0 {
			c.Header(field[0], field[1])
		}
		line := fmt.Sprintf("%s, made at %s\n", c.FullPath(), time.Now().Format(time.RFC3339Nano))
		c.String(http.StatusOK, strings.Repeat(line, 1+bytes/len(line)))
	}
}
