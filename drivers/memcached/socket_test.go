package memcached_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/memcached"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// newSocket returns a path for a socket, in a folder of its own: one of t.TempDir may be too long.
func newSocket(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "cachette")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return filepath.Join(folder, "a memcached.sock")
}

// TestSocket reaches the single server by a socket, whose path is the setting, one of two, in a URL, or in a client of the
// program's own.
func TestSocket(t *testing.T) {
	t.Parallel()
	host := testservers.Find(t, testservers.Memcached)
	path := newSocket(t)
	r := newRelayAt(t, "unix", path, host, nil)
	other := newSocket(t)
	newRelayAt(t, "unix", other, host, nil)
	escaped := (&url.URL{Path: path}).EscapedPath()
	for name, d := range map[string]*memcached.Driver{
		"Path":   open(t, settingsFor(path)),
		"OfTwo":  open(t, settingsFor(path+","+other)),
		"URL":    open(t, settingsFor("memcached://"+escaped)),
		"Client": newDriver(t, path),
	} {
		t.Run(name, func(t *testing.T) {
			before := r.dials.Load()
			key := "test-socket-" + name
			if err := d.Set(t.Context(), key, []byte("value"), time.Minute); err != nil {
				t.Fatal(err)
			}
			if item, err := d.Get(t.Context(), key); err != nil || string(item.Value) != "value" {
				t.Errorf("Get = %q, %v", item.Value, err)
			}
			if n, err := d.Clear(t.Context(), key); n != 1 || err != nil {
				t.Errorf("Clear = %d, %v, want 1", n, err)
			}
			if name == "Client" && r.dials.Load() == before {
				t.Error("it has not dialled the socket")
			}
		})
	}
	if r.dials.Load() == 0 {
		t.Error("nothing has dialled the socket")
	}
}

func newDriver(t *testing.T, server string) *memcached.Driver {
	t.Helper()
	client := memcache.New(server)
	client.Timeout = 20 * time.Second
	d, err := memcached.New(client, memcached.Options{Selector: serversOf(t, server)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestRefusedAtSocket gives a server that asks for a password a wrong one, and none, by its socket.
func TestRefusedAtSocket(t *testing.T) {
	u, err := url.Parse(testservers.Find(t, testservers.MemcachedSocket))
	if err != nil {
		t.Fatal("the URL of the server with a socket cannot be read")
	}
	wrong := *u
	wrong.User = url.UserPassword(u.User.Username(), "hunter2")
	refuse(t, wrong.String(), "the server refuses the user or the password", "hunter2")
	refuse(t, u.Path, "the server requires a user and a password")
}

// TestSilentSocket opens what nothing listens on: one line in the log, and it works once something does.
func TestSilentSocket(t *testing.T) {
	host, path := testservers.Find(t, testservers.Memcached), newSocket(t)
	d, log, err := tryOpen(t, path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(log, "level=WARN") != 1 || strings.Count(log, "\n") != 1 || !strings.Contains(log, "MemcachedHost (CACHETTE_MEMCACHED_HOST)") {
		t.Errorf("logged: %s", log)
	}
	newRelayAt(t, "unix", path, host, nil)
	if err := d.(drivers.Pinger).Ping(t.Context()); err != nil {
		t.Errorf("Ping when the server is there: %v", err)
	}
}
