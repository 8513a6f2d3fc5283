package cachettetest_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// mount registers the routes under test.
func mount(r *gin.Engine, list gin.HandlerFunc) {
	r.GET("/products", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour)), list)
	r.POST("/products", func(c *gin.Context) { c.Status(http.StatusCreated) })
}

// TestProducts: the second client is served from the cache, and what a write has changed is made anew.
func TestProducts(t *testing.T) {
	e := cachettetest.New(t)
	mount(e.Engine, func(c *gin.Context) { c.String(http.StatusOK, "chair") })

	if a := e.Get("/products"); a.Hit() || a.Status != http.StatusOK {
		t.Errorf("the first: %d, %s", a.Status, a.CacheStatus())
	}
	if a := e.Get("/products"); !a.Hit() || a.Body != "chair" {
		t.Errorf("the second: %q, %s", a.Body, a.CacheStatus())
	}
	e.Do(http.MethodPost, "/products")
	if a := e.Get("/products"); a.Hit() {
		t.Errorf("after a write: %s", a.CacheStatus())
	}
}

// TestProductsInTime: behind its minute the page stands in for a handler that fails, for an hour and no longer.
func TestProductsInTime(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		status := http.StatusOK
		e := cachettetest.New(t)
		mount(e.Engine, func(c *gin.Context) { c.String(status, "chair") })

		e.Get("/products")
		status = http.StatusInternalServerError
		cachettetest.Pass(2 * time.Minute)
		if a := e.Get("/products"); a.Status != http.StatusOK {
			t.Errorf("stale: %d, %s", a.Status, a.CacheStatus())
		}
		cachettetest.Pass(time.Hour)
		if a := e.Get("/products"); a.Status != http.StatusInternalServerError {
			t.Errorf("too stale: %d, %s", a.Status, a.CacheStatus())
		}
	})
}

// TestProductsWithoutStore: a store that fails costs runs of the handler, and no client an answer.
func TestProductsWithoutStore(t *testing.T) {
	store := cachettetest.NewStore()
	e := cachettetest.New(t, store.Use)
	mount(e.Engine, func(c *gin.Context) { c.String(http.StatusOK, "chair") })

	store.Fail(func(context.Context, cachettetest.Operation) error { return errors.New("the store is away") })
	if a := e.Get("/products"); a.Status != http.StatusOK || a.Body != "chair" {
		t.Errorf("%d, %q", a.Status, a.Body)
	}
	if len(store.Operations()) == 0 {
		t.Error("the store was not asked")
	}
}

// The code of docs/testing.md is the one above.
func TestPageCompiles(t *testing.T) {
	source, err := os.ReadFile("doc_test.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(source), "\n)\n\n")
	code, _, _ = strings.Cut(code, "// The code of docs/testing.md")
	for function := range strings.SplitSeq(code, "\n}\n") {
		if function = strings.TrimSpace(function); function != "" && !strings.Contains(string(page), function+"\n}\n") {
			t.Errorf("docs/testing.md does not have\n%s\n}", function)
		}
	}
}
