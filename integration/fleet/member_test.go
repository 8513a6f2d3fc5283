package fleet_test

import (
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
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
	} {
		r.GET(path, cachette.Cached(ttl, options...), show)
		r.PUT(path, func(c *gin.Context) { c.Status(http.StatusNoContent) })
	}
	go endWith(os.Getppid())
	r.POST("/admin/purge", invalidation.Handler(cache))
	r.GET("/admin/owed", func(c *gin.Context) { c.String(http.StatusOK, "%d", cache.Stats().Owed) })
	log.Fatal(http.ListenAndServe(address, r))
}

// endWith ends the process with the one that has started it, which may have been killed.
func endWith(parent int) {
	for os.Getppid() == parent {
		time.Sleep(time.Second)
	}
	os.Exit(1)
}

// show is the handler of all pages.
func show(c *gin.Context) {
	page := page{c.Request.Host, c.Request.URL.Path, c.GetHeader("X-User"), c.GetHeader("X-Tenant")}
	read, err := page.read(c)
	if err != nil {
		c.String(http.StatusInternalServerError, "%v", err)
		return
	}
	time.Sleep(read.Rest)
	cachette.Tag(c, read.Tags...)
	c.JSON(http.StatusOK, read.Versions)
}

// read asks the database what a page shows now.
func (p page) read(c *gin.Context) (read content, err error) {
	where := os.Getenv(databaseVariable) + "?page=" + url.QueryEscape(p.String())
	request, err := http.NewRequestWithContext(c, http.MethodGet, where, nil)
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
