// Package stores tests the drivers on servers that die, stall, come late, come back, or hand over to others: servers of the
// test's own.
package stores_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/integration/servers"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// build is where `make test` keeps what takes long to build.
const build = "../../build"

// A server is a test's own, which it may end and start again on the same port.
type server struct {
	port    int
	process *servers.Process
}

// newServer returns a server that is not started, or skips the test where it is not installed.
func newServer(t *testing.T, missing error) *server {
	t.Helper()
	wantInstalled(t, missing)
	port, err := testservers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{port: port}
	t.Cleanup(func() { s.kill(t) })
	return s
}

// wantInstalled skips the test if something is missing, or fails it where all is to be there.
func wantInstalled(t *testing.T, missing error) {
	t.Helper()
	switch {
	case missing == nil:
	case os.Getenv("CACHETTE_TEST_REQUIRED") != "":
		t.Fatal(missing)
	default:
		t.Skip(missing)
	}
}

// run starts the server with one of the functions of the package servers.
func (s *server) run(t *testing.T, start func(ctx context.Context, port int) (*servers.Process, error)) {
	t.Helper()
	process, err := start(t.Context(), s.port)
	if err != nil {
		t.Fatal(err)
	}
	s.process = process
}

func (s *server) kill(t *testing.T) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.process.Kill(); err != nil {
		t.Errorf("kill the server: %v", err)
	}
	s.process = nil
}

// open opens a driver by its name, as a program does.
func open(ctx context.Context, t testing.TB, name string, settings drivers.Settings) drivers.Driver {
	t.Helper()
	backend, ok := drivers.Lookup(name)
	if !ok {
		t.Fatalf("%s is not registered", name)
	}
	if settings.Logger == nil {
		settings.Logger = slog.New(slog.DiscardHandler)
	}
	d, err := backend.Open(ctx, settings)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, d)
	return d
}

func closeAfter(t testing.TB, d drivers.Driver) {
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// trySet tries an operation as long as one may take, as requests do.
func trySet(t *testing.T, d drivers.Driver) error {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	return d.Set(ctx, "key", []byte("value"), time.Hour)
}

// await waits until the driver has found its server, and has made what it lacks.
func await(t *testing.T, d drivers.Driver) {
	t.Helper()
	var err error
	for range 100 {
		if err = trySet(t, d); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("the driver has not found its server again: %v", err)
	}
	item, err := d.Get(t.Context(), "key")
	if err != nil || string(item.Value) != "value" {
		t.Errorf("Get = %q, %v, want value", item.Value, err)
	}
}
