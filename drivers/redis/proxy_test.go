package redis_test

import (
	"io"
	"net"
	"sync"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// proxy stands between a client and a server. It counts connections, and can stall them.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	dials int
	gate  chan struct{}   // new connections pass bytes on once it is closed
	gates []chan struct{} // of the connections that are there
	conns []net.Conn
	lost  func() // called instead of passing on the next answer; nil for none
}

func newProxy(t testing.TB) *proxy {
	t.Helper()
	options, err := goredis.ParseURL(testservers.Find(t, testservers.Redis))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: options.Addr, gate: make(chan struct{})}
	close(p.gate)
	go p.accept()
	t.Cleanup(p.close)
	return p
}

// through makes a client go through the proxy.
func (p *proxy) through(o *goredis.Options) { o.Addr = p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		down, err := p.listener.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", p.server)
		if err != nil {
			down.Close()
			continue
		}
		p.mu.Lock()
		p.dials++
		c := &proxied{proxy: p, gate: p.gate}
		p.conns = append(p.conns, down, up)
		p.gates = append(p.gates, nil)
		c.place = len(p.gates) - 1
		p.mu.Unlock()
		go func() { c.pass(up, down); up.Close() }()
		go func() { c.pass(answers{down, p}, up); down.Close() }()
	}
}

// proxied is a connection through a proxy.
type proxied struct {
	proxy *proxy
	place int
	gate  chan struct{} // from when it was made
}

// pass passes bytes on while the connection's gate is open.
func (c *proxied) pass(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		<-c.gate
		if gate := c.stalled(); gate != nil {
			<-gate
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (c *proxied) stalled() chan struct{} {
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	return c.proxy.gates[c.place]
}

// answers are what a server says to a client.
type answers struct {
	net.Conn
	proxy *proxy
}

func (a answers) Write(answer []byte) (int, error) {
	a.proxy.mu.Lock()
	lost := a.proxy.lost
	a.proxy.lost = nil
	a.proxy.mu.Unlock()
	if lost != nil {
		lost()
		return 0, io.ErrClosedPipe
	}
	return a.Conn.Write(answer)
}

// lose drops the next answer with its connection, once the server has done what was asked, and calls lost.
func (p *proxy) lose(lost func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = lost
}

// stall makes the connections that are there swallow what they are given, until the function that it returns is called. If
// all is set, so do those that are made from now on.
func (p *proxy) stall(all bool) (resume func()) {
	gate := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.gates {
		p.gates[i] = gate
	}
	if all {
		p.gate = gate
	}
	return sync.OnceFunc(func() {
		close(gate)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.gate = make(chan struct{})
		close(p.gate)
	})
}

func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}
