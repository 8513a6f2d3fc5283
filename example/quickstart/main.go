// Quickstart serves a page whose handler takes 200 ms, cached for a minute.
//
//	go run ./example/quickstart
//
// It prints what to try with curl. ADDR chooses another address than 127.0.0.1:8080.
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
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.Default()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	routes(r)

	address := cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	tell(baseOf(address, listener))
	serve(&http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}, listener)
}

// routes registers the page, and what changes it.
func routes(r *gin.Engine) {
	// The page is cached for GET, and answers HEAD as well.
	page := []gin.HandlerFunc{cachette.Cached(time.Minute), slowPage}
	r.GET("/page", page...)
	r.HEAD("/page", page...)
	// A successful POST to the page's own path makes what is cached of it out of date.
	r.POST("/page", func(c *gin.Context) { c.String(http.StatusOK, "changed\n") })
	// A purge by hand, from anywhere in the program.
	r.POST("/purge", func(c *gin.Context) {
		if err := cachette.Get(c).PurgePath(c, "/page"); err != nil {
			c.String(http.StatusInternalServerError, "%v\n", err)
			return
		}
		c.String(http.StatusOK, "purged\n")
	})
}

// slowPage is a handler that takes its time.
func slowPage(c *gin.Context) {
	time.Sleep(200 * time.Millisecond)
	c.String(http.StatusOK, "made at %s\n", time.Now().Format("15:04:05.000"))
}

// baseOf returns the URL of what listens on an address, with the host as it was given.
func baseOf(address string, listener net.Listener) string {
	host, _, _ := net.SplitHostPort(address) // it was good enough to listen on
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return "http://" + net.JoinHostPort(cmp.Or(host, "localhost"), port)
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
func tell(base string) {
	fmt.Printf(`The page takes 200 ms to make and is cached for 60 s. In another terminal, try:

  a miss, then a hit: look at Cache-Status and Age, and at the time
    curl -si -w 'took %%{time_total} s\n' %[1]s/page

  304 Not Modified, with the ETag that the hit had
    curl -si %[1]s/page -H "If-None-Match: $(curl -si %[1]s/page | tr -d '\r' | sed -n 's/^Etag: //p')"

  a client that insists on a new page
    curl -si %[1]s/page -H 'Cache-Control: no-cache'

  the header alone
    curl -sI %[1]s/page

  the first four bytes
    curl -si %[1]s/page -H 'Range: bytes=0-3'

  a purge, by hand; a POST to the page itself does the same
    curl -si -X POST %[1]s/purge
    curl -si -X POST %[1]s/page

`, base)
}
