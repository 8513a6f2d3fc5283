// Background answers a request at once, and puts a value when the response has gone.
//
//	go run ./example/background
//
// It prints what to try with curl. ADDR chooses another address than 127.0.0.1:8080.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// longest is how long a report may take: without a deadline one that hangs would hang for ever, as no client waits for it.
const longest = 30 * time.Second

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.Default()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	work := &reports{make: slowReport}
	defer work.running.Wait() // before the cache is closed
	routes(r, work)

	address := cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	tell(baseOf(address, listener))
	serve(&http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}, listener)
}

// reports makes reports in the background.
type reports struct {
	make    func(ctx context.Context, name string) (string, error)
	running sync.WaitGroup
}

// routes registers what starts a report, and what fetches it.
func routes(r *gin.Engine, work *reports) {
	r.POST("/reports/:name", work.start)
	r.GET("/reports/:name", fetch)
}

// start answers at once. What the goroutine needs is taken from c here, before it begins: gin gives c to another request as
// soon as this handler has returned, and the request's context ends then.
func (w *reports) start(c *gin.Context) {
	cache := cachette.Get(c)
	name := c.Param("name")
	ctx := context.WithoutCancel(c.Request.Context()) // its values stay, its end does not

	w.running.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, longest)
		defer cancel()
		report, err := w.make(ctx, name)
		if err == nil {
			err = cache.Put(ctx, "report:"+name, report, time.Minute)
		}
		if err != nil {
			log.Printf("report %q: %v", name, err)
		}
	})
	c.String(http.StatusAccepted, "started\n")
}

// fetch answers with the report, once it is there.
func fetch(c *gin.Context) {
	report, err := cachette.Fetch[string](c, cachette.Get(c), "report:"+c.Param("name"))
	switch {
	case errors.Is(err, cachette.ErrMiss):
		c.String(http.StatusNotFound, "not yet\n")
	case err != nil:
		c.String(http.StatusInternalServerError, "%v\n", err)
	default:
		c.String(http.StatusOK, "%s\n", report)
	}
}

// slowReport takes its time.
func slowReport(ctx context.Context, name string) (string, error) {
	select {
	case <-time.After(2 * time.Second):
		return fmt.Sprintf("%s, made at %s", name, time.Now().Format("15:04:05")), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
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
	fmt.Printf(`A report takes 2 s to make, after the response that says that it was started. In another terminal, try:

  it is started, and not there yet
    curl -s -X POST %[1]s/reports/sales
    curl -s %[1]s/reports/sales

  2 s later it is, for a minute
    curl -s %[1]s/reports/sales

`, base)
}
