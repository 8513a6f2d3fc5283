package redis

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers/internal/undelivered"
	"github.com/gin-cachette/cachette/internal/bounded"
)

const (
	// leastSilence is how long a connection that was asked something says nothing before those that were idle meanwhile are taken for
	// dead as well.
	leastSilence = 150 * time.Millisecond
	// A caller that sends by itself looks after each quickEnd whether it is to go on waiting. It does so for lateAnswer if no answer comes, and
	// for as long as an answer that has begun does not pause for longPause.
	lateAnswer = 50 * time.Millisecond
	longPause  = time.Second
)

// errAbandoned is what writing to a connection is answered that the watch has closed. Nothing was sent.
var errAbandoned = errors.New("the connection was idle while another fell silent, and was closed")

// watch keeps an eye on the connections of a client, whose pool closes none but the one that has failed. A network that loses connections
// without a word loses all of them, and each would cost a caller its operation timeout.
type watch struct {
	mu    sync.Mutex
	conns map[*conn]struct{}
	off   bool

	// The caller that sends by itself, of which there is one at a time; nil for none. Its connection is known by the deadline that
	// the client gives it.
	direct atomic.Pointer[hurried]
}

// watchOver watches the connections that the client makes from now on.
func watchOver(client redis.UniversalClient) *watch {
	w := &watch{conns: make(map[*conn]struct{})}
	switch client := client.(type) {
	case *redis.Client:
		client.AddHook(dialling{w, ""})
	case *redis.ClusterClient:
		client.OnNewNode(func(node *redis.Client) { node.AddHook(dialling{w, node.Options().Addr}) })
	}
	return w
}

// dialling is a hook that sees the connections to one server.
type dialling struct {
	watch  *watch
	server string // empty where there is one
}

func (d dialling) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := next(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return d.watch.add(conn, d.server), nil
	}
}

func (dialling) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (dialling) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (w *watch) add(inner net.Conn, server string) net.Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.off {
		return inner
	}
	c := &conn{Conn: inner, watch: w, server: server}
	c.heard.Store(now())
	w.conns[c] = struct{}{}
	if raw, ok := inner.(syscall.Conn); ok {
		return plainConn{c, raw}
	}
	return c
}

func (w *watch) forget(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
}

// close ends the watch. The connections stay as they are.
func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off = true
	clear(w.conns)
}

// gaveUp is told that a caller has waited for a server until its deadline. It closes the connections that were idle while another of them
// was asked, and has been silent since.
func (w *watch) gaveUp(server string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	since := now() - int64(leastSilence)
	first := int64(0)
	for c := range w.conns {
		if asked := c.asked.Load(); c.server == server && asked != 0 && asked <= since && (first == 0 || asked < first) {
			first = asked
		}
	}
	if first != 0 {
		w.abandon(server, first)
	}
}

// silent is told that a connection has said nothing since it was asked, in time for the one that asked; 0 where it has begun to answer.
func (w *watch) silent(server string, asked int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if asked != 0 && asked <= now()-int64(leastSilence) {
		w.abandon(server, asked)
	}
}

// abandon closes the idle connections that nothing has come on since a moment. w is locked.
func (w *watch) abandon(server string, since int64) {
	for c := range w.conns {
		if c.server == server && c.asked.Load() == 0 && c.heard.Load() < since {
			c.abandoned.Store(true)
			_ = c.Conn.Close()
			delete(w.conns, c)
		}
	}
}

var base = time.Now()

// now is a moment, in nanoseconds; never 0.
func now() int64 { return 1 + int64(time.Since(base)) }

// conn is a connection that is watched.
type conn struct {
	net.Conn
	watch     *watch
	server    string
	asked     atomic.Int64 // when something was sent that nothing has come for yet; 0 if nothing was
	heard     atomic.Int64 // when something came last
	abandoned atomic.Bool

	hurry *hurried // the caller that reads by itself, or nil; of the goroutine that has the connection
}

func (c *conn) Write(b []byte) (int, error) {
	if begins := c.asked.CompareAndSwap(0, now()); begins && c.abandoned.Load() {
		return 0, errAbandoned
	}
	return c.Conn.Write(b)
}

func (c *conn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if n > 0 {
			c.heard.Store(now())
			c.asked.Store(0)
			return n, err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if c.hurry == nil || !c.goesOn() {
			c.watch.silent(c.server, c.asked.Load())
			return n, err
		}
		if err := c.Conn.SetReadDeadline(time.Now().Add(quickEnd)); err != nil {
			return n, err
		}
	}
}

// goesOn tells whether the caller that reads by itself is to go on waiting.
func (c *conn) goesOn() bool {
	since, most := c.heard.Load(), longPause
	if asked := c.asked.Load(); asked != 0 {
		since, most = asked, lateAnswer
	}
	return bounded.Err(c.hurry.Context) == nil && now()-since < int64(most)
}

// SetWriteDeadline is called before something is sent.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if c.abandoned.Load() && c.asked.Load() == 0 {
		return errAbandoned
	}
	return c.Conn.SetWriteDeadline(t)
}

// SetReadDeadline is called before each answer is read, and to look for what has come before something is sent.
func (c *conn) SetReadDeadline(t time.Time) error {
	if c.abandoned.Load() && c.asked.Load() == 0 {
		return errAbandoned
	}
	c.hurry = nil
	if h := c.watch.direct.Load(); h != nil && h.deadline.Equal(t) {
		c.hurry = h
	}
	return c.Conn.SetReadDeadline(t)
}

// NetConn is how the client looks behind TLS.
func (c *conn) NetConn() net.Conn { return c.Conn }

// Close drops what was not delivered, where an answer is still to come: its caller has been told by now that it has failed.
func (c *conn) Close() error {
	c.watch.forget(c)
	if c.asked.Load() != 0 {
		undelivered.Drop(c.Conn)
	}
	return c.Conn.Close()
}

// plainConn is a connection that the client looks at for whether the other side has closed it, as it cannot where there is TLS.
type plainConn struct {
	*conn
	raw syscall.Conn
}

func (c plainConn) SyscallConn() (syscall.RawConn, error) { return c.raw.SyscallConn() }
