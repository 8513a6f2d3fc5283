package fleet_test

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Before the host and path of a page, what the data of a value is called, and a page that is made of that value.
const (
	ofValue = "value "
	ofMade  = "made of "
	tag     = "t "
)

// lingers lets a value be served when its time is over.
var lingers = []cachette.ValueOption{cachette.WithStaleIfError(time.Minute), cachette.WithStaleWhileRevalidate(time.Second)}

// read returns the versions of the data of values, and the tag of each.
func (f *fleet) read(ctx context.Context, names ...string) map[string]int {
	_ = f.store.step(ctx, "the load reads", func() error { return nil })
	versions := make(map[string]int)
	f.mu.Lock()
	for _, name := range names {
		versions[name] = f.data[ofValue+name]
	}
	f.mu.Unlock()
	_ = f.store.step(ctx, "the load answers", func() error { return nil })
	return versions
}

// remember returns the version of a value.
func (f *fleet) remember(ctx context.Context, n *node, name string) (int, error) {
	return cachette.Remember(ctx, n.cache, "n:"+name, fleetTTL, func(ctx context.Context) (int, error) {
		version := f.read(ctx, name)[name]
		cachette.TagValue(ctx, tag+name)
		return version, nil
	}, lingers...)
}

// value asks for a value, and looks how old it is.
func (f *fleet) value(ctx context.Context, n *node, name string) {
	floor := f.floor(n, ofValue+name)
	if version, err := f.remember(ctx, n, name); err == nil {
		f.check(ctx, n, ofValue+name, version, floor)
	}
}

// values asks for all values at once.
func (f *fleet) values(ctx context.Context, n *node) {
	var names []string
	floors := make(map[string]int)
	for _, host := range fleetHosts {
		for _, path := range fleetPages {
			names = append(names, host+path)
			floors[host+path] = f.floor(n, ofValue+host+path)
		}
	}
	load := func(ctx context.Context, missing []string) (map[string]int, error) {
		versions := f.read(ctx, missing...)
		for _, name := range missing {
			cachette.TagValueOf(ctx, "n:"+name, tag+name)
		}
		return versions, nil
	}
	versions, err := cachette.RememberMany(ctx, n.cache, names, func(name string) string { return "n:" + name }, fleetTTL, load, lingers...)
	if err != nil {
		return
	}
	for name, version := range versions {
		f.check(ctx, n, "of many: "+ofValue+name, version, floors[name])
	}
}

// makeOf answers with a page that is made of a value.
func (f *fleet) makeOf(c *gin.Context, n *node) {
	ctx := c.Request.Context()
	_ = f.store.step(ctx, "the maker begins", func() error { return nil })
	version, err := f.remember(c, n, c.Request.Host+"/"+c.Param("page"))
	_ = f.store.step(ctx, "the maker answers", func() error { return nil })
	if err != nil {
		c.Status(http.StatusInternalServerError)
		return
	}
	c.String(http.StatusOK, strconv.Itoa(version))
}
