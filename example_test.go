package cachette_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// visit sends a GET through an engine and prints what came of it.
func visit(engine *gin.Engine, target string) {
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	fmt.Printf("%d %s [%s]\n", w.Code, w.Body, w.Header().Get("Cache-Status"))
}

func ExampleInstall() {
	r := gin.New()
	cache, err := cachette.Install(r, func() (cachette.Config, error) {
		return cachette.Config{TTL: 90 * time.Second, Codec: "json"}, nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()

	// A second cache on one engine is a mistake.
	_, err = cachette.Install(r, cachette.FromEnv)
	fmt.Println(errors.Is(err, cachette.ErrInstalled))
	// Output: true
}

func ExampleInstall_mistakes() {
	_, err := cachette.Install(gin.New(), func() (cachette.Config, error) {
		return cachette.Config{TTL: 2 * time.Hour, MemoryLimit: -1}, nil
	})
	var mistake *cachette.ConfigError
	fmt.Println(errors.As(err, &mistake), mistake.Field, mistake.Variable)
	// Output: true TTL CACHETTE_TTL
}

func ExampleCached() {
	r := gin.New()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()

	r.GET("/products", cachette.Cached(time.Minute), func(c *gin.Context) {
		c.String(http.StatusOK, "apples, pears")
	})
	visit(r, "/products")
	visit(r, "/products")
	// Output:
	// 200 apples, pears [cachette; fwd=uri-miss; stored]
	// 200 apples, pears [cachette; hit; ttl=60]
}

// A response that is for one user is cached for that user, if the route says who it is.
func ExampleWithIdentity() {
	r := gin.New()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()

	user := func(c *gin.Context) string { return c.GetString("user") }
	login := func(c *gin.Context) { c.Set("user", c.Query("as")) } // stands for one that verifies a session
	r.GET("/me", login, cachette.Cached(time.Minute, cachette.WithPathKey(), cachette.WithIdentity(user)),
		func(c *gin.Context) {
			c.Header("Cache-Control", "private")
			c.String(http.StatusOK, "hello, %s", user(c))
		})
	visit(r, "/me?as=ann")
	visit(r, "/me?as=bob")
	visit(r, "/me?as=ann")
	// Output:
	// 200 hello, ann [cachette; fwd=uri-miss; stored]
	// 200 hello, bob [cachette; fwd=uri-miss; stored]
	// 200 hello, ann [cachette; hit; ttl=60]
}

func ExampleGet() {
	r := gin.New()
	cache, err := cachette.Install(r, func() (cachette.Config, error) { return cachette.Config{Codec: "json"}, nil })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()

	type basket struct{ Apples, Pears int }
	r.GET("/basket", func(c *gin.Context) {
		b, err := cachette.Fetch[basket](c, cachette.Get(c), "basket")
		if errors.Is(err, cachette.ErrMiss) {
			b = basket{Apples: 3, Pears: 4}
			err = cachette.Get(c).Put(c, "basket", b, time.Hour)
		}
		if err != nil {
			c.String(http.StatusInternalServerError, "%v", err)
			return
		}
		c.String(http.StatusOK, "%d apples, %d pears", b.Apples, b.Pears)
	})
	visit(r, "/basket")
	// Output: 200 3 apples, 4 pears []
}

func ExampleCache_PurgePath() {
	r := gin.New()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()

	version := 1
	r.GET("/news", cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, "news %d", version) })
	visit(r, "/news")
	version = 2
	visit(r, "/news")
	if err := cache.PurgePath(context.Background(), "/news"); err != nil {
		fmt.Println(err)
	}
	visit(r, "/news")
	// Output:
	// 200 news 1 [cachette; fwd=uri-miss; stored]
	// 200 news 1 [cachette; hit; ttl=60]
	// 200 news 2 [cachette; fwd=uri-miss; stored]
}

// A handler that knows better than its route keeps one response from being cached.
func ExampleNoStore() {
	r := gin.New()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()

	r.GET("/price", cachette.Cached(time.Minute), func(c *gin.Context) {
		cachette.NoStore(c) // the exchange is closed, say
		c.String(http.StatusOK, "as of yesterday: 7")
	})
	visit(r, "/price")
	visit(r, "/price")
	// Output:
	// 200 as of yesterday: 7 [cachette; fwd=uri-miss; detail=no-store]
	// 200 as of yesterday: 7 [cachette; fwd=uri-miss; detail=no-store]
}

// A search is sent by POST, and changes nothing.
func ExampleInvalidateOn() {
	r := gin.New()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()

	r.GET("/products", cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, "all products") })
	r.POST("/products", cachette.InvalidateOn("none"), func(c *gin.Context) { c.String(http.StatusOK, "those that were found") })
	visit(r, "/products")
	r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/products", strings.NewReader("name=tea")))
	visit(r, "/products")
	// Output:
	// 200 all products [cachette; fwd=uri-miss; stored]
	// 200 all products [cachette; hit; ttl=60]
}

// A page that just changed is there, made anew, before the next client asks for it.
func ExampleCache_Refresh() {
	r := gin.New()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()

	version := 1
	r.GET("/news", cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, "news %d", version) })
	visit(r, "/news")
	version = 2
	if err := cache.Refresh(context.Background(), "http://example.com/news"); err != nil {
		fmt.Println(err)
	}
	visit(r, "/news")
	// Output:
	// 200 news 1 [cachette; fwd=uri-miss; stored]
	// 200 news 2 [cachette; hit; ttl=60]
}

// A session that middleware renews with each response keeps no page from being cached that does not depend on it.
func ExampleWithForeignCookies() {
	r := gin.New()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cache.Close()

	renew := func(c *gin.Context) { c.SetCookie("session", "renewed", 3600, "/", "", true, true) }
	r.GET("/news", renew, cachette.Cached(time.Minute, cachette.WithForeignCookies("session")), func(c *gin.Context) {
		c.String(http.StatusOK, "news")
	})
	visit(r, "/news")
	visit(r, "/news")
	// Output:
	// 200 news [cachette; fwd=uri-miss; stored]
	// 200 news [cachette; hit; ttl=60]
}
