package cachettetest_test

import (
	"context"
	"errors"
	"io"
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

	e.Miss("/products")
	if a := e.Hit("/products"); a.Body != "chair" {
		t.Errorf("the second is given %q", a.Body)
	}
	e.Do(http.MethodPost, "/products")
	e.Miss("/products")
}

// TestSearch: what was asked before is not searched for again, and another question is.
func TestSearch(t *testing.T) {
	e := cachettetest.New(t)
	e.Handle("QUERY", "/products", cachette.Cached(time.Minute), func(c *gin.Context) {
		asked, _ := io.ReadAll(c.Request.Body)
		c.String(http.StatusOK, "found by %s", asked)
	})

	for i, asked := range []string{"price < 9", "price < 10", "price < 9"} {
		a := e.Send("QUERY", "/products", asked, "Content-Type: text/plain")
		if again := i == 2; a.Hit() != again || a.Body != "found by "+asked {
			t.Errorf("%s is answered with %q: %s", asked, a.Body, a.CacheStatus())
		}
	}
}

// TestProductsInTime: behind its minute the page stands in for a handler that fails, for an hour and no longer.
func TestProductsInTime(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		status := http.StatusOK
		e := cachettetest.New(t)
		mount(e.Engine, func(c *gin.Context) { c.String(status, "chair") })

		e.Miss("/products")
		cachettetest.Pass(59 * time.Second)
		e.Age(59*time.Second, "/products")
		status = http.StatusInternalServerError
		cachettetest.Pass(time.Minute)
		e.Stale("/products")
		cachettetest.Pass(time.Hour)
		if a := e.Miss("/products"); a.Status != http.StatusInternalServerError {
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

// TestOrders: nobody is given the orders of another, however they ask, and the catalogue is one for all.
func TestOrders(t *testing.T) {
	user := func(c *gin.Context) string { return c.GetHeader("X-User") } // as the guard before the cache has it
	page := func(c *gin.Context) { c.String(http.StatusOK, "the orders of %s", user(c)) }
	e := cachettetest.New(t)
	e.GET("/orders", cachette.Cached(time.Minute, cachette.WithIdentity(user)), page)
	e.GET("/catalogue", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, "chair, table") })

	ann, bob := cachettetest.As("ann", "X-User: ann"), cachettetest.As("bob", "X-User: bob", "Cookie: theme=dark")
	e.NeverShared("/orders", ann, bob)
	e.SharedBetween("/catalogue", ann, bob)
}

// TestProductsInAStoreThatIsFull: what the store takes and does not keep is made anew.
func TestProductsInAStoreThatIsFull(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		store := cachettetest.NewStore()
		e := cachettetest.New(t, store.Use)
		mount(e.Engine, func(c *gin.Context) { c.String(http.StatusOK, "chair") })

		store.Lose(func(key string) bool { return strings.HasSuffix(key, "/products") })
		store.Delay(10 * time.Millisecond)
		e.Miss("/products")
		e.Miss("/products")
		store.Lose(nil)
		e.Miss("/products")
		e.Hit("/products")
	})
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
