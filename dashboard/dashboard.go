// Package dashboard is a page that shows what a cache does: for a person who asks at night whether it works.
//
//	admin := engine.Group("/admin/cache", authenticated)
//	dashboard.Mount(admin, cache)
//
// It has no authentication of its own, and is nowhere by itself: the program mounts it on a group behind its own. The browser asks no other host for
// anything. docs/dashboard.md says what there is on it.
package dashboard

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/serve"
	"github.com/gin-cachette/cachette/invalidation"
)

//go:embed page
var embedded embed.FS

// Option changes what [Mount] does.
type Option func(*dashboard)

// WithContext ends the samples for the charts when ctx does. Without it they end when the cache is closed.
func WithContext(ctx context.Context) Option {
	return func(d *dashboard) { d.ctx = ctx }
}

// WithPurges lets whoever may open the page purge by it: paths, prefixes, tags, namespaces, and what else a [cachette.Purge] names. Without it the page
// only shows.
func WithPurges() Option {
	return func(d *dashboard) { d.purges = true }
}

// WithKeys shows the keys of what is the last to be removed from memory. They hold paths and queries, and so whatever these give away.
func WithKeys() Option {
	return func(d *dashboard) { d.keys = true }
}

// WithHosts has the page answer requests for these hosts alone, beside those for an IP address or localhost: names without a port, as "ops.example". It is for
// a page that a network guards and no authentication does: a page of another origin whose name is made to lead here (DNS rebinding) is of the same
// origin as this one to a browser in that network, and might read it, and purge. It panics where there is no name, or one is not a host's.
func WithHosts(hosts ...string) Option {
	names := make(map[string]bool, len(hosts))
	for _, host := range hosts {
		name := hostOf(host)
		if name == "" || strings.ContainsAny(host, ":/@* ") {
			panic(fmt.Errorf("%w: dashboard.WithHosts: %q is no name of a host; give one without a scheme or a port, as \"ops.example\"", cachette.ErrInvalid, host))
		}
		names[name] = true
	}
	if len(names) == 0 {
		panic(fmt.Errorf("%w: dashboard.WithHosts: there is no host; give those by which the page is opened, as \"ops.example\"", cachette.ErrInvalid))
	}
	return func(d *dashboard) { d.hosts = names }
}

// dashboard is one page, of one cache.
type dashboard struct {
	cache   *cachette.Cache
	ctx     context.Context
	purges  bool
	keys    bool
	hosts   map[string]bool // nil for all
	history *history
	token   string // which only this page knows
	process process
}

// Mount puts the page on a group: at its path with a slash at the end, /admin/cache/, and what belongs to it beneath. The group is the program's, with
// its authentication, and is made for this alone, since its path is the page's.
//
// From here on, until the cache is closed, one goroutine reads [cachette.Cache.Stats] each two seconds, and keeps what it read for 15 minutes, so that a
// chart shows what was before somebody looked. That takes some 100 kB.
//
// The page is neither cached nor counted, also where a Cached stands around it. It panics where group or cache is nil, or an option is.
func Mount(group gin.IRouter, cache *cachette.Cache, opts ...Option) {
	if group == nil || cache == nil {
		panic(fmt.Errorf("%w: dashboard.Mount: group or cache is nil; give a group with your authentication, and what Install returned", cachette.ErrInvalid))
	}
	d := &dashboard{cache: cache, ctx: context.Background(), history: new(history), token: random(), process: thisProcess()}
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Errorf("%w: dashboard.Mount: an option is nil; give one that a function such as WithContext has made", cachette.ErrInvalid))
		}
		opt(d)
	}
	routes := group.Group("", aside, protected, d.forHost)
	if !strings.HasSuffix(routes.BasePath(), "/") {
		routes.GET("", toSlash)
	}
	for name, content := range files() {
		routes.GET("/"+strings.TrimPrefix(name, "index.html"), func(c *gin.Context) { c.Data(http.StatusOK, kinds[path.Ext(name)], content) })
	}
	routes.GET("/state", d.answerState)
	routes.Any("/explain", d.asked, d.explain)
	if d.purges {
		routes.Any("/purge", d.asked, invalidation.Handler(cache))
	}
	go d.sample()
}

// files returns the files of the page by their names.
func files() map[string][]byte {
	all := make(map[string][]byte)
	page, _ := fs.Sub(embedded, "page")
	err := fs.WalkDir(page, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all[name], err = fs.ReadFile(page, name)
		}
		return err
	})
	if err != nil { // they are in the program
		panic(err)
	}
	return all
}

// kinds are the media types of the page's files, which do not depend on what the system has.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
	"":      "text/plain; charset=utf-8", // a licence
}

// toSlash has the browser ask for the page with a slash at the end, to which what belongs to the page is relative. So is the way there, since a proxy may
// have taken a part of the path away.
func toSlash(c *gin.Context) {
	asked := c.Request.URL.EscapedPath()
	c.Header("Location", "./"+asked[strings.LastIndexByte(asked, '/')+1:]+"/")
	c.Status(http.StatusPermanentRedirect)
}

// aside keeps the page out of the cache and of its figures, and from invalidating anything.
func aside(c *gin.Context) {
	cachette.NoStore(c)
	serve.Uncounted(c)
	cachette.InvalidateOn("none")(c)
}
