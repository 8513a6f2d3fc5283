package memcached

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/bounded"
)

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// openConns are the connections that a driver has dialled, so that Close can close those in use too.
type openConns struct {
	mu     sync.Mutex
	all    map[*openConn]struct{}
	closed bool
}

type openConn struct {
	net.Conn
	of *openConns
}

// NetConn returns the connection beneath, as one of TLS does.
func (c *openConn) NetConn() net.Conn { return c.Conn }

// Close closes the connection, and forgets it.
func (c *openConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.all, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// add takes a connection; once closed it closes it.
func (o *openConns) add(conn net.Conn) (net.Conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		conn.Close()
		return nil, drivers.ErrClosed
	}
	if o.all == nil {
		o.all = make(map[*openConn]struct{})
	}
	open := &openConn{conn, o}
	o.all[open] = struct{}{}
	return open, nil
}

// close closes all, those that are added later too.
func (o *openConns) close() {
	o.mu.Lock()
	all := o.all
	o.all, o.closed = nil, true
	o.mu.Unlock()
	for conn := range all {
		conn.Conn.Close()
	}
}

// dialer returns dial with its connections kept in o. It does not wait for a dial, which may not heed ctx, once ctx is done.
func (o *openConns) dialer(dial dialFunc) dialFunc {
	type outcome struct {
		conn net.Conn
		err  error
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		done := make(chan outcome, 1)
		go func() {
			conn, err := dial(ctx, network, address)
			done <- outcome{conn, err}
		}()
		select {
		case dialled := <-done:
			if dialled.err != nil {
				return nil, dialled.err
			}
			return o.add(dialled.conn)
		case <-ctx.Done():
			go func() {
				if late := <-done; late.err == nil {
					late.conn.Close()
				}
			}()
			return nil, ctx.Err()
		}
	}
}

// A server is one of them, and the driver's connections to it.
type server struct {
	addr net.Addr
	dial dialFunc

	most    int           // idle connections
	timeout time.Duration // of an exchange
	dialing time.Duration // of a dial

	mu   sync.Mutex
	idle []*link      // the one that was used last is the last
	late atomic.Int64 // links on which an answer is awaited that no caller waits for any more

	meta     atomic.Int32 // whether the server has meta commands: 0 as long as none was asked
	settings settings
}

// open dials.
func (s *server) open(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, s.dialing)
	defer cancel()
	conn, err := s.dial(ctx, s.addr.Network(), s.addr.String())
	if err != nil {
		return nil, err
	}
	return newLink(s, conn), nil
}

// take returns an idle link, or nil.
func (s *server) take() *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	l := s.idle[n-1]
	s.idle = s.idle[:n-1]
	return l
}

// put keeps an idle link, if there is room.
func (s *server) put(l *link) {
	l.idleSince = time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) < s.most {
		s.idle = append(s.idle, l)
	} else {
		l.close()
	}
}

// drop closes the idle links.
func (s *server) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.idle {
		l.close()
	}
	s.idle = nil
}

// use has exchange done on a link, until ctx is done or the server says nothing for as long as its timeout. A link that
// has been idle may have been closed by the server meanwhile: then it is done again, on a new one, while the caller still waits.
func (s *server) use(ctx context.Context, exchange func(*link) error) error {
	if l := s.take(); l != nil {
		err := s.useLink(ctx, l, exchange)
		if !isBroken(err) || bounded.Err(ctx) != nil {
			return err
		}
		s.drop() // they are as old
	}
	l, err := s.open(ctx)
	if err != nil {
		return err
	}
	return s.useLink(ctx, l, exchange)
}

func (s *server) useLink(ctx context.Context, l *link, exchange func(*link) error) error {
	l.begin(ctx)
	err := exchange(l)
	l.end()
	switch {
	case (err == nil || err == memcache.ErrCacheMiss) && l.done(): // a miss is an answer
		s.put(l)
	case isTimeout(err) || err == ctx.Err():
		s.leave(l)
	default:
		s.meta.Store(metaUnknown) // another server may stand there by now
		l.close()
	}
	return err
}

// isBroken reports whether err says that a connection is no longer one: not that it takes long, nor that it could not
// be made.
func isBroken(err error) bool {
	if err == nil || err == memcache.ErrCacheMiss {
		return false
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "read" || op.Op == "write") && !op.Timeout()
}

// An answer that is none to what was asked.
type answerError struct{ line string }

// heard says of what kind an answer is that was not expected.
func (e *answerError) heard() string {
	for _, own := range []string{"ERROR", "CLIENT_ERROR", "SERVER_ERROR", "BUSY"} {
		if strings.HasPrefix(e.line, own) {
			return "a server answers with an error"
		}
	}
	return "a server answers, but not as Memcached does"
}

func (e *answerError) Error() string { return fmt.Sprintf("the server answers %q", e.line) }
