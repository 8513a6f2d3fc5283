package memcached_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers/memcached"
)

// A lister is a server that lets no client at its entries while its crawler waits for the reader of its list, as memcached does.
type lister struct {
	mu      sync.Mutex // held while the list is written
	entries map[string]bool
	lists   int
}

// newLister starts a server with entries, and opens a driver on it.
func newLister(t *testing.T, names []string) (*lister, *memcached.Driver) {
	t.Helper()
	c := &lister{entries: make(map[string]bool)}
	for _, name := range names {
		c.entries[name] = true
	}
	path := newSocket(t) // whose buffers are small
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go c.serve(conn)
		}
	}()
	settings := settingsFor(path)
	settings.OperationTimeout = 2 * time.Second
	return c, open(t, settings)
}

func (c *lister) serve(conn net.Conn) {
	defer conn.Close()
	in, out := bufio.NewReader(conn), bufio.NewWriter(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		c.answer(out, strings.Fields(line))
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}

func (c *lister) answer(out *bufio.Writer, words []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch words[0] {
	case "mn":
		io.WriteString(out, "MN\r\n")
	case "version":
		io.WriteString(out, "VERSION 1.6.0\r\n")
	case "mg":
		io.WriteString(out, "HD f0\r\n")
	case "md":
		if !c.entries[words[1]] {
			io.WriteString(out, "NF\r\n")
			return
		}
		delete(c.entries, words[1])
		io.WriteString(out, "HD\r\n")
	case "lru_crawler":
		c.lists++
		for name := range c.entries {
			if _, err := fmt.Fprintf(out, "key=%s exp=-1 la=1 cas=1 fetch=no cls=1 size=66\n", name); err != nil {
				return // the reader has seen enough
			}
		}
		io.WriteString(out, "END\r\n")
		out.Flush()
	default:
		io.WriteString(out, "ERROR\r\n")
	}
}

// TestClearReadsTheListFirst: a client that removes entries before the list is read to its end waits for the server, which waits for
// the reader of the list.
func TestClearReadsTheListFirst(t *testing.T) {
	names := make([]string, 20_000)
	for i := range names {
		names[i] = fmt.Sprintf("key:%d", i)
	}
	server, d := newLister(t, append(names, "other"))
	if n, err := d.Clear(t.Context(), "key:"); n != len(names) || err != nil {
		t.Errorf("Clear = %d, %v, want %d", n, err, len(names))
	}
	if len(server.entries) != 1 || server.lists != 1 {
		t.Errorf("%d entries are left after %d lists, want 1 after 1", len(server.entries), server.lists)
	}
}

// TestClearOfManyNames reads several lists where the names would take up much memory.
func TestClearOfManyNames(t *testing.T) {
	t.Parallel()
	names := make([]string, 150_000) // of 240 bytes
	for i := range names {
		names[i] = fmt.Sprintf("key:%s%06d", strings.Repeat("k", 230), i)
	}
	server, d := newLister(t, append(names, "other"))
	if n, err := d.Clear(t.Context(), "key:"); n != len(names) || err != nil {
		t.Errorf("Clear = %d, %v, want %d", n, err, len(names))
	}
	if len(server.entries) != 1 || server.lists != 2 {
		t.Errorf("%d entries are left after %d lists, want 1 after 2", len(server.entries), server.lists)
	}
}
