// Fleet is three replicas of a shop that share a Redis, with clients that ask them, and a page that shows where each answer came from.
//
//	./example/fleet/run.sh
//
// starts them all, with a Redis where CACHETTE_URL names none, and prints the page's address; docker compose -f example/fleet/docker-compose.yml up
// does so in containers. Kill a replica, change a price, purge everything, and look.
package main

import (
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	address := flag.String("address", "127.0.0.1:8080", "where to listen")
	name := flag.String("replica", "", "be a replica of this name, and not the front")
	database := flag.String("database", "http://127.0.0.1:8080/database", "where a replica reads prices: at the front")
	replicas := flag.String("replicas", "http://127.0.0.1:8081,http://127.0.0.1:8082,http://127.0.0.1:8083", "whom the front asks")
	flag.Parse()

	var handler http.Handler
	if *name != "" {
		engine, cache, err := newReplica(*name, *database)
		if err != nil {
			log.Fatal(err)
		}
		defer cache.Close()
		handler = engine
	} else {
		f := newFront(strings.Split(*replicas, ","))
		go f.load()
		handler = f.routes()
		log.Printf("look at http://%s/", *address)
	}
	serve(&http.Server{Addr: *address, Handler: handler, ReadHeaderTimeout: 5 * time.Second})
}

// serve serves until the program is interrupted.
func serve(server *http.Server) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
