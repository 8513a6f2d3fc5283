package memcached

import (
	"bufio"
	"context"
	"net"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
)

// A link is a connection to a server. One caller has it at a time, so that the end of that caller's context can end what
// goes on: a memcache.Client, whose calls take no context, chooses among its connections by itself, and is given this one
// alone.
type link struct {
	server *server
	conn   net.Conn
	client *memcache.Client // what it reads and writes goes through the link

	caller   context.Context // of the caller, which may give up
	latest   time.Time       // when it does at the latest; zero for never
	deadline time.Time       // that the connection has, unless the caller has given up
	giveUp   func()          // ends what goes on

	buffers *bufio.ReadWriter // for what the client does not offer; nil until it is needed
}

func newLink(s *server, conn net.Conn) *link {
	l := &link{server: s, conn: conn, client: memcache.NewFromSelector(fixedServers{s.addr}), caller: context.Background()}
	l.giveUp = func() { conn.SetDeadline(gone) }
	l.client.DialContext = func(context.Context, string, string) (net.Conn, error) { return clientConn{conn, l}, nil }
	l.client.MaxIdleConns = 1
	l.client.Timeout = s.timeout
	return l
}

// clientConn is the connection as the client has it, which sets deadlines of its own.
type clientConn struct {
	net.Conn
	link *link
}

// SetDeadline sets the deadline. The client prolongs it before each step; it is left as it is while most of it is left.
func (c clientConn) SetDeadline(deadline time.Time) error {
	if c.link.inTime(deadline).Sub(c.link.deadline) > c.link.server.timeout/4 {
		c.link.setDeadline(deadline)
	}
	return nil
}

func (l *link) close() { l.conn.Close() }

// gone is a moment in the past.
var gone = time.Unix(1, 0)

// begin gives the link to a caller. The function returned ends that: it reports whether the link is fit for another.
func (l *link) begin(ctx context.Context) (stop func() bool) {
	l.caller = drivers.Caller(ctx) // the connection's own deadline sees to the rest
	l.latest, _ = ctx.Deadline()
	l.extend(l.server.timeout)
	if l.caller.Done() == nil {
		return fit
	}
	return context.AfterFunc(l.caller, l.giveUp)
}

func fit() bool { return true }

// inTime returns deadline, or when the caller gives up if that is sooner.
func (l *link) inTime(deadline time.Time) time.Time {
	if !l.latest.IsZero() && l.latest.Before(deadline) {
		return l.latest
	}
	return deadline
}

// extend gives what goes on another timeout.
func (l *link) extend(timeout time.Duration) { l.setDeadline(time.Now().Add(timeout)) }

func (l *link) setDeadline(deadline time.Time) {
	l.deadline = l.inTime(deadline)
	l.conn.SetDeadline(l.deadline)
	if l.caller.Err() != nil { // the deadline that its end has set may just have been replaced
		l.conn.SetDeadline(gone)
	}
}

// lines returns the buffers of what the driver itself reads and writes.
func (l *link) lines() *bufio.ReadWriter {
	if l.buffers == nil {
		l.buffers = bufio.NewReadWriter(bufio.NewReader(l.conn), bufio.NewWriter(l.conn))
	}
	return l.buffers
}

// send adds a command to what Flush sends. An error comes back from there.
func (l *link) send(command string) {
	out := l.lines()
	out.WriteString(command)
	out.WriteString("\r\n")
}

// flush sends what was added.
func (l *link) flush() error { return l.lines().Flush() }

// line reads a line, without its end.
func (l *link) line() (string, error) {
	text, err := l.lines().ReadString('\n')
	if err != nil {
		return "", err
	}
	text = text[:len(text)-1]
	if n := len(text); n > 0 && text[n-1] == '\r' {
		text = text[:n-1]
	}
	return text, nil
}

// ask sends a command and reads one line.
func (l *link) ask(command string) (string, error) {
	l.send(command)
	if err := l.flush(); err != nil {
		return "", err
	}
	return l.line()
}
