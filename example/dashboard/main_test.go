package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Clients come, and the cache answers some of them, whichever store it has.
func TestShop(t *testing.T) {
	for _, remote := range []bool{false, true} {
		gin.SetMode(gin.TestMode)
		engine := gin.New()
		cache, err := cachette.Install(engine, func() (cachette.Config, error) { return configured(remote) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cache.Close() })
		shop := newShop(engine)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		go shop.visit(ctx, "shop.example", 100)
		for ctx.Err() == nil {
			if routes := cache.Stats().Routes; routes["/products/:id"].Hits > 0 && routes["/"].Hits > 0 && routes["/account"].Refused["private"] > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if ctx.Err() != nil {
			t.Errorf("remote %t: %+v", remote, cache.Stats().Routes)
		}
	}
}

// The example has no password, so it is for this machine alone.
func TestLocal(t *testing.T) {
	for host, want := range map[string]bool{"127.0.0.1": true, "::1": true, "localhost": true, "": false, "0.0.0.0": false, "192.0.2.1": false, "shop.example": false} {
		if got := local(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}

func TestChanges(t *testing.T) {
	engine := gin.New()
	cache, err := cachette.Install(engine, func() (cachette.Config, error) { return configured(false) })
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	shop := newShop(engine)
	for range 2 {
		shop.ask(t.Context(), http.MethodGet, "http://shop.example/products/1/reviews")
	}
	shop.ask(t.Context(), http.MethodPut, "http://shop.example/products/1")
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://shop.example/products/1/reviews", nil))
	if got := cache.Stats().Routes["/products/:id/reviews"]; got.Hits != 1 || got.Misses != 2 {
		t.Errorf("%+v", got.Outcomes)
	}
}
