package behaviour_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A route of a group that was made before Install invalidates nothing, and nothing of the cache runs when it is asked. The log
// names such routes as soon as a route is asked that is cached, but for those that Install was told of.
func TestEarlierGroupsAreTold(t *testing.T) {
	cached := func(s *site) { s.GET("/page/:id", cachette.Cached(time.Minute), handlerOf) }
	for _, row := range []struct {
		name   string
		before func(e *gin.Engine) (later func())
		after  func(s *site)
		want   []string
	}{
		{"none", func(*gin.Engine) func() { return func() {} }, func(s *site) { s.POST("/page/:id", handlerOf) }, nil},
		{"a POST", func(e *gin.Engine) func() {
			group := e.Group("/page")
			return func() { group.POST("/:id", handlerOf) }
		}, func(*site) {}, []string{"POST /page/:id"}},
		{"several", func(e *gin.Engine) func() {
			group := e.Group("/page", guardOf)
			return func() {
				group.PUT("/:id", handlerOf)
				group.DELETE("/:id", handlerOf)
				group.POST("/:id/part", handlerOf)
			}
		}, func(s *site) { s.POST("/page/:id", handlerOf) }, []string{"DELETE /page/:id", "POST /page/:id/part", "PUT /page/:id"}},
		{"safe methods", func(e *gin.Engine) func() {
			group := e.Group("/group")
			return func() { group.GET("/:id", handlerOf); group.OPTIONS("/:id", handlerOf) }
		}, func(*site) {}, nil},
		{"EarlierRoutes", func(e *gin.Engine) func() { e.POST("/page/:id", handlerOf); return func() {} }, func(*site) {}, nil},
		{"EarlierRoutes, and a later one", func(e *gin.Engine) func() {
			group := e.Group("/page")
			group.POST("/:id", handlerOf)
			return func() { group.PUT("/:id", handlerOf) }
		}, func(*site) {}, []string{"PUT /page/:id"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := new(journal)
			var later func()
			s := newSiteOn(t, func(e *gin.Engine) { later = row.before(e) }, log.in, func(c *cachette.Config) { c.EarlierRoutes = true })
			later()
			cached(s)
			row.after(s)
			for range 2 {
				s.do(http.MethodPost, "/page/1")
				s.get("/page/1")
			}
			var lines []string
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, "invalidate nothing") {
					lines = append(lines, line)
				}
			}
			if len(lines) != min(1, len(row.want)) {
				t.Fatalf("%d lines, want %d:\n%s", len(lines), min(1, len(row.want)), log)
			}
			if len(lines) == 1 && !strings.Contains(lines[0], `routes="[`+strings.Join(row.want, " ")+`]"`) {
				t.Errorf("the line %s does not name %q alone", lines[0], row.want)
			}
		})
	}
}
