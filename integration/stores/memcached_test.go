package stores_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	_ "github.com/gin-cachette/cachette/drivers/memcached" // registers "memcached"
	"github.com/gin-cachette/cachette/integration/servers"
)

type memcachedServer struct{ *server }

func newMemcached(t *testing.T) memcachedServer {
	t.Helper()
	return memcachedServer{newServer(t, servers.HaveMemcached())}
}

func (s memcachedServer) host() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s memcachedServer) start(t *testing.T, args ...string) {
	t.Helper()
	s.run(t, func(ctx context.Context, port int) (*servers.Process, error) {
		return servers.MemcachedServer(ctx, port, args...)
	})
}

func openMemcached(t testing.TB, hosts string) drivers.Driver {
	t.Helper()
	return open(t.Context(), t, "memcached", drivers.Settings{MemcachedHost: hosts, OperationTimeout: 20 * time.Second})
}

func wantMemcachedWorks(t *testing.T, d drivers.Driver) {
	t.Helper()
	if err := d.Set(t.Context(), "key", []byte("value"), time.Minute); err != nil {
		t.Fatalf("Set: %v", err)
	}
	if item, err := d.Get(t.Context(), "key"); err != nil || string(item.Value) != "value" {
		t.Fatalf("Get = %q, %v", item.Value, err)
	}
	if err := d.(drivers.Pinger).Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}

// A driver that has a server to itself clears all of it.
func TestMemcachedConformance(t *testing.T) {
	t.Parallel()
	s := newMemcached(t)
	s.start(t)
	d := openMemcached(t, s.host())
	drivertest.Run(t, drivertest.Harness{
		New: func(t testing.TB) drivers.Driver {
			if _, err := d.Clear(t.Context(), ""); err != nil { // flush_all would take the note of how keys are spread, too
				t.Fatal(err)
			}
			return openMemcached(t, s.host())
		},
		MaxValue: d.(drivers.Limited).MaxValue("a key that is longer than those of the suite"),
		Keys:     1000,
	})
}

// The server comes up after the program, which works from then on.
func TestMemcachedComesUpLate(t *testing.T) {
	t.Parallel()
	s := newMemcached(t)
	d := openMemcached(t, s.host())
	var refused *net.OpError
	if _, err := d.Get(t.Context(), "key"); !errors.As(err, &refused) {
		t.Errorf("Get with no server: %v", err)
	}
	s.start(t)
	wantMemcachedWorks(t, d)
}

// The server dies, and comes back without what it held.
func TestMemcachedDiesAndComesBack(t *testing.T) {
	t.Parallel()
	s := newMemcached(t)
	s.start(t)
	d := openMemcached(t, s.host())
	for range 2 {
		wantMemcachedWorks(t, d)
		s.kill(t)
		if _, err := d.Get(t.Context(), "key"); err == nil || errors.Is(err, drivers.ErrMiss) {
			t.Errorf("Get with a dead server: %v", err)
		}
		s.start(t)
		if _, err := d.Get(t.Context(), "key"); !errors.Is(err, drivers.ErrMiss) {
			t.Errorf("Get when it is back: %v, want ErrMiss", err)
		}
	}
	wantMemcachedWorks(t, d)
}

// One of two servers dies: half of the keys go on, and the rest when it is back.
func TestMemcachedOneOfTwoDies(t *testing.T) {
	t.Parallel()
	living, dying := newMemcached(t), newMemcached(t)
	living.start(t)
	dying.start(t)
	d := openMemcached(t, living.host()+","+dying.host())
	const keys = 100
	write := func() (failed int) {
		for i := range keys {
			if err := d.Set(t.Context(), fmt.Sprint("key:", i), []byte("value"), time.Minute); err != nil {
				failed++
			}
		}
		return failed
	}
	if n := write(); n != 0 {
		t.Fatalf("%d of %d keys cannot be written with both servers", n, keys)
	}
	dying.kill(t)
	failed := write()
	if failed < keys/5 || failed > keys*4/5 {
		t.Errorf("%d of %d keys cannot be written with one of two servers", failed, keys)
	}
	if n, err := d.Clear(t.Context(), "key:"); n != keys-failed || err == nil || !strings.Contains(err.Error(), dying.host()) {
		t.Errorf("Clear = %d, %v; want %d and an error that names the dead server", n, err, keys-failed)
	}
	dying.start(t)
	if n := write(); n != 0 {
		t.Errorf("%d of %d keys cannot be written when it is back", n, keys)
	}
	if n, err := d.Clear(t.Context(), "key:"); n != keys || err != nil {
		t.Errorf("Clear = %d, %v, want %d", n, err, keys)
	}
}

// Servers that were started so that they do not list their keys: everything works but Clear, which says why.
func TestMemcachedWithoutList(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{"-X": "--disable-dumping", "-ono_lru_crawler": "no_lru_crawler"} {
		t.Run(arg, func(t *testing.T) {
			s := newMemcached(t)
			s.start(t, arg)
			var log lockedLog
			d := open(t.Context(), t, "memcached", drivers.Settings{
				MemcachedHost: s.host(), OperationTimeout: 20 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if log.count("level=WARN") != 1 || log.count("a server does not list its keys: Flush and ClearNamespace") != 1 || log.count("server="+s.host()) != 1 {
				t.Errorf("logged: %s", log.text.String())
			}
			wantMemcachedWorks(t, d)
			if n, err := d.Clear(t.Context(), ""); n != 0 || err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Clear = %d, %v; want an error that says %s", n, err, want)
			}
			if n, err := d.Delete(t.Context(), "key"); n != 1 || err != nil {
				t.Errorf("Delete = %d, %v, want 1", n, err)
			}
		})
	}
}

// Servers of other limits than 1 MiB, with and without CAS: what MaxValue says is taken, and one byte more is not.
func TestMemcachedLimits(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-I", "512k"}, {"-I", "4m", "-m", "128"}, {"-C"}, {"-I", "2m", "-C"}} {
		t.Run(strings.Join(args, ""), func(t *testing.T) {
			s := newMemcached(t)
			s.start(t, args...)
			d := openMemcached(t, s.host())
			client := memcache.New(s.host())
			client.Timeout = 20 * time.Second
			defer client.Close()
			for _, key := range []string{"k", strings.Repeat("k", 250)} {
				most := d.(drivers.Limited).MaxValue(key)
				if err := d.Set(t.Context(), key, make([]byte, most), time.Minute); err != nil {
					t.Errorf("Set of %d bytes, which MaxValue says: %v", most, err)
				}
				if err := d.Set(t.Context(), key, make([]byte, most+1), time.Minute); !errors.Is(err, drivers.ErrTooLarge) {
					t.Errorf("Set of %d bytes: %v, want ErrTooLarge", most+1, err)
				}
				if err := client.Set(&memcache.Item{Key: key, Value: make([]byte, most+1), Flags: 1 << 31}); err == nil {
					t.Errorf("the server takes %d bytes, and MaxValue says %d", most+1, most)
				}
			}
		})
	}
}

// The servers that tests are given start, and let the driver in.
func TestMemcachedServers(t *testing.T) {
	t.Parallel()
	newMemcached(t) // skips
	for name, start := range map[string]func(context.Context, string) (string, servers.Stop, error){
		"Memcached": servers.Memcached, "TLS": servers.MemcachedTLS, "Pair": servers.MemcachedPair,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where, stop, err := start(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := stop(); err != nil {
					t.Error(err)
				}
			}()
			wantMemcachedWorks(t, openMemcached(t, where))
		})
	}
}

// A server without versions of its items can keep no marks: that is told at the start.
func TestMemcachedWithoutVersions(t *testing.T) {
	t.Parallel()
	s := newMemcached(t)
	s.start(t, "-C")
	var log lockedLog
	d := open(t.Context(), t, "memcached", drivers.Settings{
		MemcachedHost: s.host(), OperationTimeout: 20 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	wantMemcachedWorks(t, d)
	if log.count("level=WARN") != 1 || log.count("no page is kept without them, and purges are errors; start it without -C") != 1 || log.count("MemcachedHost (CACHETTE_MEMCACHED_HOST)") != 1 {
		t.Errorf("logged: %s", log.text.String())
	}
}
