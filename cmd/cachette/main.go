// Command cachette looks into the store of a cache, and purges it: for a person, and for scripts.
//
//	go run github.com/gin-cachette/cachette/cmd/cachette@latest -h
//
// It finds the store by the variables that the program itself has: CACHETTE_URL, CACHETTE_KEY_PREFIX, CACHETTE_SERVICE, … The file docs/cli.md has
// an example of each command.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/gin-gonic/gin"

	_ "github.com/gin-cachette/cachette/drivers/all"
	_ "github.com/gin-cachette/cachette/encoders/all"
)

func main() {
	gin.SetMode(gin.ReleaseMode) // there are no routes to tell of
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	c := command{
		environ: os.Environ(), in: os.Stdin, out: os.Stdout, err: os.Stderr,
		asks: isTerminal(os.Stdin), shown: isTerminal(os.Stdout),
	}
	code := c.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// isTerminal tells whether a file may be a terminal. It also holds for /dev/null, at whose end nothing was answered.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
