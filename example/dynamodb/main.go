// Dynamodb keeps a page and a value in a table of DynamoDB, which it creates if it is absent.
//
//	docker compose up -d --wait dynamodb
//	CACHETTE_DYNAMODB_URL=http://localhost:8000 go run ./example/dynamodb
//
// That is the URL of DynamoDB Local, and the one that is taken if none of CACHETTE_DYNAMODB_URL, CACHETTE_REGION and CACHETTE_URL is set.
// On AWS give a region, and credentials in the way of the AWS SDK:
//
//	CACHETTE_REGION=eu-central-1 AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… go run ./example/dynamodb
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
	_ "github.com/gin-cachette/cachette/drivers/dynamodb" // links the backend
)

// localURL is where DynamoDB Local listens.
const localURL = "http://localhost:8000"

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.Default()
	cache, err := cachette.Install(r, config)
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

// config is the environment's, with DynamoDB as the backend.
func config() (cachette.Config, error) {
	cfg, err := cachette.FromEnv()
	cfg.Backend = "dynamodb"
	if cfg.URL == "" && cfg.Region == "" && cfg.DynamoDBURL == "" {
		cfg.DynamoDBURL = localURL
	}
	return cfg, err
}

// routes registers the page, and a greeting that can be put and fetched.
func routes(r *gin.Engine) {
	r.GET("/page", cachette.Cached(10*time.Second), func(c *gin.Context) {
		time.Sleep(200 * time.Millisecond)
		c.String(http.StatusOK, "made at %s\n", time.Now().Format("15:04:05.000"))
	})
	r.PUT("/greeting/:text", func(c *gin.Context) {
		if err := cachette.Get(c).Put(c, "greeting", c.Param("text"), time.Minute); err != nil {
			c.String(http.StatusInternalServerError, "%v\n", err)
			return
		}
		c.String(http.StatusOK, "put\n")
	})
	r.GET("/greeting", func(c *gin.Context) {
		greeting, left, err := cachette.FetchWithTTL[string](c, cachette.Get(c), "greeting")
		switch {
		case errors.Is(err, cachette.ErrMiss):
			c.String(http.StatusNotFound, "there is no greeting\n")
		case err != nil:
			c.String(http.StatusInternalServerError, "%v\n", err)
		default:
			c.String(http.StatusOK, "%s, for another %v\n", greeting, left.Round(time.Second))
		}
	})
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
	fmt.Printf(`The cache is in a table of DynamoDB, and outlives this program. In another terminal, try:

  a miss, then a hit for 10 s: look at Cache-Status and Age
    curl -si %[1]s/page

  a value, put for a minute
    curl -s -X PUT %[1]s/greeting/hello

  and fetched
    curl -s %[1]s/greeting

`, base)
}
