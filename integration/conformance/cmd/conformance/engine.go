package main

import (
	"context"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/integration/conformance/gateway"
)

// noBackend stands for no cache at all, which shows what the suite makes of the gateway alone.
const noBackend = "none"

// serveEngine starts a gin engine that forwards every request to upstream through the cache, and returns its address.
func serveEngine(backend, upstream string) (addr string, stop func(), err error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	closeCache := func() {}
	if backend != noBackend {
		if err := os.Setenv("CACHETTE_BACKEND", backend); err != nil {
			return "", nil, err
		}
		cache, err := cachette.Install(engine, cachette.FromEnv)
		if err != nil {
			return "", nil, err
		}
		closeCache = func() { cache.Close() }
		engine.Use(cachette.Cached(0, cachette.WithHeuristicFreshness(), cachette.WithSetCookie()))
	}
	// On NoRoute and not on a route, since gin's router refuses methods such as M-SEARCH.
	engine.NoRoute(gateway.Forward(upstream))

	listener, err := listen()
	if err != nil {
		closeCache()
		return "", nil, err
	}
	server := &http.Server{Handler: engine}
	go server.Serve(listener)
	return listener.Addr().String(), func() {
		server.Shutdown(context.Background())
		closeCache()
	}, nil
}
