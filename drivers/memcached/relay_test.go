package memcached_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// A relay stands between a client and a server, and does to their connections what networks and other servers do.
type relay struct {
	host     string // where it listens
	target   string
	listener net.Listener

	// answer, if set, answers lines of the client itself; false leaves them to the server.
	answer func(line string) (string, bool)

	stalled atomic.Bool            // swallow what comes
	lost    atomic.Pointer[func()] // called once instead of passing on the next answer; then its connection is cut
	dials   atomic.Int64           // connections that were made

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newRelay(t testing.TB, target string, answer func(line string) (string, bool)) *relay {
	t.Helper()
	return newRelayAt(t, "tcp", "127.0.0.1:0", target, answer)
}

// newRelayAt listens at an address.
func newRelayAt(t testing.TB, network, address, target string, answer func(line string) (string, bool)) *relay {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{host: listener.Addr().String(), target: target, answer: answer, conns: make(map[net.Conn]bool)}
	r.start(listener)
	t.Cleanup(r.stop)
	return r
}

func (r *relay) start(listener net.Listener) {
	r.listener = listener
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			r.dials.Add(1)
			go r.serve(client)
		}
	}()
}

// stop closes the relay and all connections, as a server that dies does.
func (r *relay) stop() {
	r.listener.Close()
	r.cut()
}

// restart listens again.
func (r *relay) restart(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", r.host)
	if err != nil {
		t.Fatal(err)
	}
	r.start(listener)
}

// cut closes all connections.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		conn.Close()
	}
}

// open is how many connections there are.
func (r *relay) open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.conns)
}

func (r *relay) serve(client net.Conn) {
	r.mu.Lock()
	r.conns[client] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.conns, client)
		r.mu.Unlock()
		client.Close()
	}()
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer client.Close()
		r.copy(answers{client, r}, server)
	}()
	if r.answer == nil {
		r.copy(server, client)
		return
	}
	lines := bufio.NewReader(client)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if answer, ok := r.answer(strings.TrimSuffix(line, "\r\n")); ok {
			fmt.Fprintf(client, "%s\r\n", answer)
		} else if _, err := io.WriteString(server, line); err != nil {
			return
		}
	}
}

// answers are what a server says to a client.
type answers struct {
	net.Conn
	relay *relay
}

func (a answers) Write(answer []byte) (int, error) {
	if lost := a.relay.lost.Swap(nil); lost != nil {
		(*lost)()
		return 0, io.ErrClosedPipe
	}
	return a.Conn.Write(answer)
}

func (r *relay) copy(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if r.stalled.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// relayed opens a driver that reaches the single server through a relay.
func relayed(t testing.TB, answer func(line string) (string, bool)) (*relay, confined) {
	t.Helper()
	direct := openConfined(t, testservers.Find(t, testservers.Memcached))
	r := newRelay(t, direct.host(t), answer)
	return r, confined{open(t, settingsFor(r.host)), direct.prefix}
}

// host is where the single server is.
func (confined) host(t testing.TB) string { return testservers.Find(t, testservers.Memcached) }

// withoutMeta answers as a server before Memcached 1.6 does.
func withoutMeta(line string) (string, bool) {
	switch {
	case line == "mn", strings.HasPrefix(line, "mg "), strings.HasPrefix(line, "md "):
		return "ERROR", true
	case line == "lru_crawler metadump hash":
		return "BADCLASS invalid class id", true
	}
	return "", false
}
