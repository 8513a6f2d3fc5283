// Dataframe charts a pandas DataFrame that Python has put, and puts one for Python to read. With nothing installed Go does
// both, in memory:
//
//	go run ./example/dataframe
//
// With Python, the frame goes through Redis, and fastapi-cachette puts and fetches it (put.py):
//
//	docker compose up -d --wait redis
//	python3 -m venv build/python
//	build/python/bin/pip install 'fastapi-cachette==0.1.4' 'pydantic<2' redis pandas pyarrow uvicorn
//	build/python/bin/python example/dataframe/put.py
//
// and in another terminal:
//
//	CACHETTE_URL=redis://localhost:6379 go run ./example/dataframe
//
// It prints what to try with a browser and curl. ADDR chooses another address than 127.0.0.1:8080.
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
	"strings"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	_ "github.com/gin-cachette/cachette/drivers/redis"    // links the backend
	_ "github.com/gin-cachette/cachette/encoders/feather" // links the codec
)

const (
	key   = "weather"        // what Python calls the frame
	keep  = time.Hour        // how long a frame that Go puts is there
	fresh = 10 * time.Second // how long a chart is served before the frame is looked at again
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.Default()
	cache, shared, err := open(r)
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()

	address := cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	tell(baseOf(address, listener), shared)
	serve(&http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}, listener)
}

// open installs the cache and registers the routes. shared tells whether Python can reach what is in the cache; if it
// cannot, open puts a frame, as nothing else will.
func open(r *gin.Engine) (cache *cachette.Cache, shared bool, err error) {
	cfg, err := config()
	if err != nil {
		return nil, false, err
	}
	cache, err = cachette.Install(r, func() (cachette.Config, error) { return cfg, nil })
	if err != nil {
		return nil, false, err
	}
	routes(r)
	if shared = cfg.PlainKeys; !shared {
		err = cache.Put(context.Background(), key, sample(), keep)
	}
	return cache, shared, err
}

// config is the environment's, with the codec for frames and, in Redis, keys as Python writes them: without a prefix.
func config() (cachette.Config, error) {
	cfg, err := cachette.FromEnv()
	cfg.Codec = "feather"
	cfg.PlainKeys = cfg.Backend == "redis" || strings.HasPrefix(cfg.URL, "redis")
	return cfg, err
}

// routes registers a page with the chart, the chart, the frame in numbers, and what puts a frame.
func routes(r *gin.Engine) {
	r.GET("/", func(c *gin.Context) { c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(page)) })
	r.GET("/chart.svg", cachette.Cached(fresh), func(c *gin.Context) {
		if rows, _, ok := fetch(c); ok {
			c.Data(http.StatusOK, "image/svg+xml", draw(timesOf(rows), linesOf(rows)))
		}
	})
	r.GET("/table", func(c *gin.Context) {
		if rows, ttl, ok := fetch(c); ok {
			c.IndentedJSON(http.StatusOK, tableOf(rows, ttl))
		}
	})
	r.POST("/frame", put)
}

// fetch fetches the frame, and for how long it is still there. Where there is none it answers the request itself.
func fetch(c *gin.Context) (rows []reading, ttl time.Duration, ok bool) {
	rows, ttl, err := cachette.FetchWithTTL[[]reading](c, cachette.Get(c), key)
	switch {
	case errors.Is(err, cachette.ErrMiss):
		c.String(http.StatusNotFound, "there is no frame: put one with curl -X POST http://%s/frame, or from Python with put.py\n",
			c.Request.Host)
	case err != nil:
		c.String(http.StatusInternalServerError, "%v\n", err)
	}
	return rows, ttl, err == nil
}

// put puts a frame from Go, and forgets the chart of the one before. A frame that Python puts shows when the chart is no
// longer fresh.
func put(c *gin.Context) {
	cache := cachette.Get(c)
	err := cache.Put(c, key, sample(), keep)
	if err == nil {
		err = cache.PurgePath(c, "/chart.svg")
	}
	if err != nil {
		c.String(http.StatusInternalServerError, "%v\n", err)
		return
	}
	c.String(http.StatusOK, "put\n")
}

// page shows the chart.
const page = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Three sensors</title>
<style>
body { font-family: system-ui, sans-serif; max-width: 54rem; margin: 2rem auto; padding: 0 1rem }
img { width: 100% }
</style>
<h1>Three sensors</h1>
<img src="/chart.svg" alt="There is no frame to chart: put one with POST /frame.">
<p><a href="/table">The same in numbers</a></p>
</html>
`

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
func tell(base string, shared bool) {
	if shared {
		fmt.Printf(`The frame is in Redis, for Python and Go. In another terminal, try:

  Python puts a frame (put.py has to run), which is in the chart 10 s later at the latest
    curl -s -X POST http://127.0.0.1:8000/frame

  Go puts one, and Python tells what it reads
    curl -s -X POST %[1]s/frame
    curl -s http://127.0.0.1:8000/frame

`, base)
	} else {
		fmt.Print("The frame is in memory, made by Go. main.go tells how to have Python make it.\n\n")
	}
	fmt.Printf(`  the chart: open %[1]s in a browser

  a miss, then a hit for 10 s: look at Cache-Status
    curl -sD - -o chart.svg %[1]s/chart.svg

  the frame in numbers
    curl -s %[1]s/table

  a new frame, and a new chart
    curl -s -X POST %[1]s/frame

`, base)
}
