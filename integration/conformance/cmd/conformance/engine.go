package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/integration/conformance/gateway"
	"github.com/gin-cachette/cachette/integration/servers"
	"github.com/gin-cachette/cachette/internal/testservers"

	_ "github.com/gin-cachette/cachette/drivers/all"
)

// noBackend stands for no cache at all, which shows what the suite makes of the gateway alone.
const noBackend = "none"

// remote are the backends that have a server, and the variable that tells the cache where it is.
var remote = map[string]struct{ server, variable string }{
	"redis":     {testservers.Redis, "CACHETTE_REDIS_URL"},
	"memcached": {testservers.Memcached, "CACHETTE_MEMCACHED_HOST"},
	"mongodb":   {testservers.MongoDB, "CACHETTE_MONGODB_URL"},
	"dynamodb":  {testservers.DynamoDB, "CACHETTE_DYNAMODB_URL"},
}

// patience is the operation timeout of the cache. The suite asks a hundred things at a time, of servers that share the
// machine with it, and is about what the cache answers, not about how soon.
const patience = time.Minute

// startBackend starts the server of a backend, if it has one and none is running, and sets the environment of the cache.
func startBackend(ctx context.Context, backend, build string) (stop func() error, err error) {
	environment := map[string]string{
		"CACHETTE_BACKEND": backend, "CACHETTE_OPERATION_TIMEOUT": patience.String(), "CACHETTE_KEY_PREFIX": "conformance:",
	}
	stop = func() error { return nil }
	if r, ok := remote[backend]; ok {
		if err := servers.Install(ctx, os.Stderr); err != nil {
			return nil, err
		}
		set, err := servers.StartAll(ctx, servers.Options{Build: build, Only: []string{r.server}, Log: os.Stderr})
		if err != nil {
			return nil, err
		}
		where := set.Where(r.server)
		if where == "" {
			return nil, errors.Join(fmt.Errorf("the server of backend %s is not installed", backend), set.Stop())
		}
		environment[r.variable], stop = where, set.Stop
	}
	for variable, value := range environment {
		if err := os.Setenv(variable, value); err != nil {
			return nil, errors.Join(err, stop())
		}
	}
	return stop, nil
}

// lots is how many tests run at a time on a backend that does not keep up with a hundred. The server that stands in for
// MongoDB reads through all that it holds for each key.
var lots = map[string]int{"mongodb": 20}

// served is an engine that runs.
type served struct {
	addr  string
	cache *cachette.Cache // nil for none
	stop  func()
}

// flush empties the cache.
func (s served) flush() error {
	if s.cache == nil {
		return nil
	}
	return s.cache.Flush(context.Background())
}

// serveEngine starts a gin engine that forwards every request to upstream through the cache.
func serveEngine(ctx context.Context, backend, build, upstream string) (s served, err error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	closeCache := func() {}
	if backend != noBackend {
		stopBackend, err := startBackend(ctx, backend, build)
		if err != nil {
			return s, err
		}
		cache, err := cachette.Install(engine, cachette.FromEnv)
		if err != nil {
			return s, errors.Join(err, stopBackend())
		}
		s.cache = cache
		closeCache = func() {
			stats := cache.Stats()
			err := errors.Join(cache.Flush(context.Background()), cache.Close(), stopBackend())
			if stats.StoreFailures > 0 || err != nil {
				fmt.Fprintf(os.Stderr, "conformance: the store failed %d operations; at the end: %v\n", stats.StoreFailures, err)
			}
		}
		engine.Use(cachette.Cached(0, cachette.WithHeuristicFreshness(), cachette.WithSetCookie(), cachette.WithStaleIfError(time.Hour),
			cachette.WithUnrankedLanguages()))
	}
	// On NoRoute and not on a route, since gin's router refuses methods such as M-SEARCH.
	engine.NoRoute(gateway.Forward(upstream))

	listener, err := listen()
	if err != nil {
		closeCache()
		return s, err
	}
	server := &http.Server{Handler: engine}
	go server.Serve(listener)
	s.addr = listener.Addr().String()
	s.stop = func() {
		server.Shutdown(context.Background())
		closeCache()
	}
	return s, nil
}
