package mongodb

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers/internal/undelivered"
)

// Dialer makes connections that do not outlive a network which has lost them without a word: where a request is given up that a server has
// been silent to, the connections to it that were idle since before are closed, as they are most probably lost too. Otherwise
// each of them would cost a request its time.
//
// A [Driver] that is opened by name has one. Give one to a client that you make yourself, by its option SetDialer. What the client is asked
// by others than a Driver then fails once, at once, for each connection that was closed, with an error that wraps
// [context.DeadlineExceeded]. The zero value is ready to use. A Dialer is safe for concurrent use, by several clients too.
type Dialer struct {
	// Dialer makes the connections.
	Dialer net.Dialer

	// Patience is how long a server has to be silent at least. A request that is given up sooner says nothing about it. Zero means
	// 150 ms.
	Patience time.Duration

	mu    sync.Mutex
	conns map[string]map[*conn]struct{} // by the address of the server
}

const (
	defaultPatience = 150 * time.Millisecond

	// firstAnswer is how long a server may take to answer for the first time on a new connection.
	firstAnswer = time.Second
)

// DialContext makes a connection.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	made, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: made, dialer: d, server: network + " " + address, made: time.Now()}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns == nil {
		d.conns = make(map[string]map[*conn]struct{})
	}
	if d.conns[c.server] == nil {
		d.conns[c.server] = make(map[*conn]struct{})
	}
	d.conns[c.server][c] = struct{}{}
	return c, nil
}

func (d *Dialer) forget(c *conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns[c.server], c)
	if len(d.conns[c.server]) == 0 {
		delete(d.conns, c.server)
	}
}

// drop closes the connections to a server that were idle since before a moment.
func (d *Dialer) drop(server string, moment time.Time) {
	d.mu.Lock()
	var idle []*conn
	for c := range d.conns[server] {
		if c.drop(moment) {
			idle = append(idle, c)
		}
	}
	d.mu.Unlock()
	for _, c := range idle {
		_ = c.Close()
	}
}

// conn is a connection of a Dialer.
type conn struct {
	net.Conn
	dialer *Dialer
	server string

	made         time.Time
	mu           sync.Mutex
	asked, heard time.Time // when something was last sent, and when something last came
	dropped      bool
}

// drop tells whether the connection is to be closed. One whose first answer is waited for is in the way of others, as few are made at a
// time.
func (c *conn) drop(moment time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	idle := !c.asked.After(c.heard)
	c.dropped = c.made.Before(moment) && c.heard.Before(moment) && (idle || c.heard.IsZero() && c.asked.Before(moment))
	return c.dropped
}

// Write sends data, unless the connection has been dropped, or closed by the server: then nothing of it is sent.
func (c *conn) Write(data []byte) (int, error) {
	c.mu.Lock()
	if idle := !c.asked.After(c.heard); c.dropped || idle && hungUp(c.Conn) {
		c.mu.Unlock()
		return 0, errDropped{}
	}
	c.asked = time.Now()
	c.mu.Unlock()
	return c.Conn.Write(data)
}

// SetReadDeadline bounds how long the first answer is waited for, so that a connection which was made while the server was silent is not in
// the way of others when it is back: few are made at a time.
func (c *conn) SetReadDeadline(deadline time.Time) error {
	c.mu.Lock()
	latest := time.Now().Add(firstAnswer)
	if c.heard.IsZero() && (deadline.IsZero() || deadline.After(latest)) {
		deadline = latest
	}
	c.mu.Unlock()
	return c.Conn.SetReadDeadline(deadline)
}

// SetWriteDeadline is what the client does before it writes. It keeps a connection on which that fails, and uses it again, but not
// one on which Write does.
func (c *conn) SetWriteDeadline(deadline time.Time) error {
	if err := c.Conn.SetWriteDeadline(deadline); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (c *conn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	c.mu.Lock()
	if n > 0 {
		c.heard = time.Now()
	}
	asked, silent := c.asked, c.asked.After(c.heard)
	c.mu.Unlock()
	patience := cmp.Or(c.dialer.Patience, defaultPatience)
	if silent && errors.Is(err, os.ErrDeadlineExceeded) && time.Since(asked) >= patience {
		c.dialer.drop(c.server, asked)
	}
	return n, err
}

// Close drops what was not delivered, where an answer is still to come: its caller has been told by now that it has failed.
func (c *conn) Close() error {
	c.dialer.forget(c)
	c.mu.Lock()
	waits := c.asked.After(c.heard)
	c.mu.Unlock()
	if waits {
		undelivered.Drop(c.Conn)
	}
	return c.Conn.Close()
}

// errDropped says that a request was not sent, as its connection was closed while it was idle.
//
// It passes for a time-out, which the client takes as the trouble of one connection: after another error it holds the server
// for unknown, and asks nothing of it for up to a second.
type errDropped struct{}

func (errDropped) Error() string {
	return "the connection had been closed: nothing was sent"
}

func (errDropped) Is(target error) bool { return target == context.DeadlineExceeded }
