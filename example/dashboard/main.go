// Dashboard serves a shop of which clients, made in this process, ask for pages, and the dashboard that shows what its cache does about it.
//
//	go run ./example/dashboard
//
// It prints where to look. ADDR chooses another address than 127.0.0.1:8080, on this machine alone. -rate is how many requests a second there are about;
// -remote keeps the pages in a store that takes a millisecond, and that fails for ten seconds of each two minutes.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
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
	"github.com/gin-cachette/cachette/dashboard"
)

func main() {
	rate := flag.Int("rate", 150, "about how many requests a second there are; at most 1000")
	remote := flag.Bool("remote", false, "keep pages in a store that takes a millisecond, and fails for ten seconds of each two minutes")
	flag.Parse()
	address := cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")
	if host, _, err := net.SplitHostPort(address); err != nil || !local(host) {
		log.Fatalf("ADDR is %q; the dashboard of this example has no password, so give an address of this machine alone, as 127.0.0.1:8080", address)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	cache, err := cachette.Install(engine, func() (cachette.Config, error) { return configured(*remote) })
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	shop := newShop(engine)
	// A program of yours has its authentication on this group: gin.BasicAuth, a session, whatever lets nobody else in. Here only this machine comes
	// to it, so it says by which names: a page whose name was made to lead here is none of them.
	dashboard.Mount(engine.Group("/admin/cache"), cache, dashboard.WithPurges(), dashboard.WithKeys(), dashboard.WithHosts("localhost"))

	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("The dashboard is at http://%s/admin/cache/, and the shop at http://%[1]s/\n", listener.Addr())
	go shop.visit(ctx, listener.Addr().String(), min(*rate, 1000))
	server := &http.Server{Handler: engine, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// local tells whether nobody but this machine comes to a host.
func local(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// configured returns what the environment says, in a little memory, so that the cache has to choose what it keeps.
func configured(remote bool) (cachette.Config, error) {
	cfg, err := cachette.FromEnv()
	if err != nil {
		return cfg, err
	}
	if cfg.MemoryLimit == 0 {
		cfg.MemoryLimit = 4 << 20
	}
	if cfg.Audit == 0 {
		cfg.Audit = 0.02
	}
	if remote {
		cfg.Driver, err = newRemote()
	}
	return cfg, err
}
