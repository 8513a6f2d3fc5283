// Varnish serves the pages of a shop behind a Varnish, which hears of every purge.
//
//	varnishd -F -a 127.0.0.1:6081 -f $PWD/example/varnish/default.vcl &
//	go run ./example/varnish
//
// It prints what to try with curl. ADDR chooses another address than 127.0.0.1:8080, which default.vcl has too, and VARNISH another URL
// of Varnish than http://127.0.0.1:6081.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/invalidation"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.Default()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	front := newVarnish(cmp.Or(os.Getenv("VARNISH"), "http://127.0.0.1:6081"))
	cache.OnPurge(front.purged)
	routes(r, cache)

	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"))
	if err != nil {
		log.Fatal(err)
	}
	tell(front.url)
	serve(&http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}, listener)
}

// routes registers a page for each product, what changes it, and what purges pages by hand: in a program of yours behind authentication.
func routes(r *gin.Engine, cache *cachette.Cache) {
	r.Use(named)
	var price atomic.Int64
	r.GET("/products/:id", cachette.Cached(time.Minute), func(c *gin.Context) {
		now := price.Load()
		time.Sleep(200 * time.Millisecond)
		c.Header("Cache-Control", "s-maxage=60")
		c.String(http.StatusOK, "product %s costs %d\n", c.Param("id"), now)
	})
	r.PUT("/products/:id", func(c *gin.Context) { c.String(http.StatusOK, "the price is %d\n", price.Add(1)) })
	r.POST("/admin/invalidate", invalidation.Handler(cache))
}

// serve serves until the program is interrupted.
func serve(server *http.Server, listener net.Listener) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// tell prints what to try.
func tell(front string) {
	fmt.Printf(`Varnish answers before the program does. In another terminal, try:

  a miss of both, 200 ms, and a hit of Varnish: X-Varnish has two numbers
    curl -si %[1]s/products/7
    curl -si %[1]s/products/7

  a change, and the new page at once
    curl -s -X PUT %[1]s/products/7
    curl -s %[1]s/products/7

  a purge by hand of all products
    curl -s -H 'Content-Type: application/json' -d '{"prefixes": ["/products/"]}' %[1]s/admin/invalidate

`, front)
}
