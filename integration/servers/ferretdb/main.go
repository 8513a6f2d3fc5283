// Command ferretdb is a server that speaks MongoDB's protocol, for tests where no MongoDB is to be had. It keeps its data
// in a folder that exists, until it is ended:
//
//	ferretdb -listen 127.0.0.1:27017 -data /some/folder
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:27017", "the address to listen on")
	data := flag.String("data", "", "the folder for the data")
	flag.Parse()
	if err := run(*listen, *data); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

func run(listen, data string) error {
	if info, err := os.Stat(data); err != nil || !info.IsDir() {
		return fmt.Errorf("-data %q is no folder: give one that exists", data)
	}
	debug.SetGCPercent(400) // it goes through all documents of a collection for each command, and had spent a fifth of its time on garbage
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// What was written survives the end of the program, as tests want, without waiting for the disk.
	sqlite := "file:" + filepath.ToSlash(data) + "/?_pragma=synchronous(off)"
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: listen},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Handler:   "sqlite",
		SQLiteURL: sqlite,
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}
