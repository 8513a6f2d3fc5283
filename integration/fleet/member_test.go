package fleet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	_ "github.com/gin-cachette/cachette/drivers/all"
	"github.com/gin-cachette/cachette/invalidation"
)

// The variables that make a process of this test's program a member of a fleet.
const (
	addressVariable  = "FLEET_ADDRESS"  // where it listens
	databaseVariable = "FLEET_DATABASE" // where it reads what pages show
	ttlVariable      = "FLEET_TTL"      // of its pages
)

func TestMain(m *testing.M) {
	if address := os.Getenv(addressVariable); address != "" {
		serveMember(address)
		return
	}
	os.Exit(m.Run())
}

// A content is what a page shows: the versions of all that it is made of, when its handler has read them.
type content struct {
	Versions map[string]int
	Tags     []string      `json:",omitempty"` // those of Versions that its handler names, once it has read them
	Rest     time.Duration // how long the handler takes behind that
}

// serveMember runs one process of a fleet.
func serveMember(address string) {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	cache, err := cachette.Install(r, func() (cachette.Config, error) {
		cfg, err := cachette.FromEnv()
		cfg.Codec = "json"
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		return cfg, err
	})
	if err != nil {
		log.Fatal(err)
	}
	ttl, err := time.ParseDuration(os.Getenv(ttlVariable))
	if err != nil {
		log.Fatal(err)
	}
	header := func(name string) func(*gin.Context) string {
		return func(c *gin.Context) string { return c.GetHeader(name) }
	}
	stale := cachette.WithStaleWhileRevalidate(ttl)
	for path, options := range map[string][]cachette.Option{
		"/a/:page": {cachette.WithNamespace("alpha")}, "/b/:page": {cachette.WithNamespace("beta"), stale},
		"/me/:page": {cachette.WithIdentity(header("X-User")), stale}, "/t/:page": {cachette.WithKeyPart(header("X-Tenant"))},
		"/v/:page": nil,
	} {
		r.GET(path, cachette.Cached(ttl, options...), func(c *gin.Context) { show(c, cache, ttl) })
		r.PUT(path, func(c *gin.Context) { c.Status(http.StatusNoContent) })
	}
	for path, handlers := range map[string]gin.HandlersChain{
		"/leased/:page": {cachette.Cached(ttl, cachette.WithLease(20*time.Second))}, "/briefly/:page": {cachette.Cached(ttl, cachette.WithLease(briefly))},
		"/bare/:page": nil,
	} {
		r.GET(path, append(handlers, func(c *gin.Context) { makeSlowly(c, address) })...)
	}
	go endWith(os.Getppid())
	r.POST("/admin/purge", invalidation.Handler(cache))
	r.GET("/admin/owed", func(c *gin.Context) { c.String(http.StatusOK, "%d", cache.Stats().Owed) })
	r.GET("/admin/near", func(c *gin.Context) { c.String(http.StatusOK, "%d", cache.Stats().NearHits) })
	log.Fatal(http.ListenAndServe(address, r))
}

// endWith ends the process with the one that has started it, which may have been killed.
func endWith(parent int) {
	for os.Getppid() == parent {
		time.Sleep(time.Second)
	}
	os.Exit(1)
}

// show is the handler of all pages. Those in /v/ are made of values, one for each tag, and name no tag themselves; those in /t/ name groups.
func show(c *gin.Context, cache *cachette.Cache, ttl time.Duration) {
	page := page{c.Request.Host, c.Request.URL.Path, c.GetHeader("X-User"), c.GetHeader("X-Tenant")}
	read, err := readDatabase(c, "page", page.String())
	composed := strings.HasPrefix(page.path, "/v/")
	if err == nil && composed {
		err = compose(c, cache, ttl, read)
	}
	if err != nil {
		c.String(http.StatusInternalServerError, "%v", err)
		return
	}
	time.Sleep(read.Rest)
	switch {
	case composed:
	case page.grouped() && len(read.Tags) > 0:
		c.Header("Cache-Groups", `"`+strings.Join(read.Tags, `", "`)+`"`)
	default:
		cachette.Tag(c, read.Tags...)
	}
	c.JSON(http.StatusOK, read.Versions)
}

// makeSlowly is the handler of pages that several processes miss together. It takes as long where it is counted: the kitchen is a process that is busy
// with a thousand clients just then, and may take longer than the rest.
func makeSlowly(c *gin.Context, by string) {
	began := time.Now()
	if strings.HasPrefix(c.Request.URL.Path, "/bare") {
		time.Sleep(making)
	} else if read, err := readDatabase(c, "by="+url.QueryEscape(by)+"&leased", c.Request.URL.Path); err != nil {
		c.String(http.StatusInternalServerError, "%v", err)
		return
	} else {
		time.Sleep(read.Rest - time.Since(began))
	}
	c.String(http.StatusOK, "made by %s", by)
}

// compose has a page show the versions of its tags as values have them.
func compose(c *gin.Context, cache *cachette.Cache, ttl time.Duration, read content) error {
	for _, tag := range read.Tags {
		versions, err := cachette.Remember(c, cache, "versions:"+tag, ttl, func(ctx context.Context) (map[string]int, error) {
			read, err := readDatabase(ctx, "tag", tag)
			time.Sleep(read.Rest)
			return read.Versions, err
		}, cachette.WithTags(tag))
		if err != nil {
			return err
		}
		maps.Copy(read.Versions, versions)
	}
	return nil
}

// readDatabase asks the database what a page shows now, or what a tag is on.
func readDatabase(ctx context.Context, what, name string) (read content, err error) {
	where := os.Getenv(databaseVariable) + "?" + what + "=" + url.QueryEscape(name)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return read, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return read, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return read, fmt.Errorf("the database: %s", response.Status)
	}
	return read, json.NewDecoder(response.Body).Decode(&read)
}
