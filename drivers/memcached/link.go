package memcached

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/undelivered"
)

// A link is a connection to a server. One caller has it at a time, so that the end of that caller's context can end what
// goes on.
type link struct {
	server *server
	conn   net.Conn

	caller   context.Context // of the caller, which may give up
	latest   time.Time       // when it does at the latest; zero for never
	deadline time.Time       // that the connection has, unless the caller has given up
	giveUp   func()          // ends what goes on
	stop     func() bool     // keeps giveUp from being called; nil where it is never called
	gaveUp   chan struct{}   // has one in it once giveUp is done

	began     time.Time // when it was given to the caller
	idleSince time.Time // when the last caller was done with it
	writes    bool      // the caller has sent what changes the store

	buffers *bufio.ReadWriter // nil until it is needed
	owed    int               // commands to which the answer is not complete
	rest    int               // bytes of a value that are still to come
	part    []byte            // the beginning of a line whose rest is still to come
}

func newLink(s *server, conn net.Conn) *link {
	l := &link{server: s, conn: conn, caller: context.Background(), gaveUp: make(chan struct{}, 1)}
	l.giveUp = func() {
		conn.SetDeadline(gone)
		l.gaveUp <- struct{}{}
	}
	return l
}

// close closes the connection. What was sent and has not arrived yet is to arrive no more if it changes the store: its caller is told
// that it failed, and may have seen to something else by then.
func (l *link) close() {
	if l.writes && l.owed > 0 {
		undelivered.Drop(l.conn)
	}
	l.conn.Close()
}

// gone is a moment in the past.
var gone = time.Unix(1, 0)

// begin gives the link to a caller, until end.
func (l *link) begin(ctx context.Context) {
	l.caller = drivers.Caller(ctx) // the connection's own deadline sees to the rest
	l.latest, _ = ctx.Deadline()
	l.began, l.writes, l.stop = time.Now(), false, nil
	l.setDeadline(l.began.Add(l.server.timeout))
	if l.caller.Done() != nil {
		l.stop = context.AfterFunc(l.caller, l.giveUp)
	}
}

// end takes the link from its caller.
func (l *link) end() {
	if l.stop != nil && !l.stop() {
		<-l.gaveUp // so that it does not end what the next caller does
	}
}

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

// lines returns the buffers.
func (l *link) lines() *bufio.ReadWriter {
	if l.buffers == nil {
		l.buffers = bufio.NewReadWriter(bufio.NewReader(l.conn), bufio.NewWriter(l.conn))
	}
	return l.buffers
}

// send adds a command to what flush sends. An error comes back from there.
func (l *link) send(parts ...string) {
	out := l.lines()
	for _, part := range parts {
		out.WriteString(part)
	}
	out.WriteString("\r\n")
	l.owed++
}

// sendWrite does what send does with a command that changes the store. data is what the command stores, nil for none.
func (l *link) sendWrite(command string, data []byte) {
	l.writes = true
	l.send(command)
	if data != nil {
		l.lines().Write(data)
		l.lines().WriteString("\r\n")
	}
}

// flush sends what was added.
func (l *link) flush() error { return l.lines().Flush() }

// flushAll sends what was added: values, with other commands behind some of them. Where the connection has TLS, a small command follows in a record of
// its own, whose answer is one line; nudged tells so. A server that has read the end of a value from the middle of the last record waits for the
// network, and looks at the rest of that record only when more comes.
func (l *link) flushAll() (nudged bool, err error) {
	if err := l.flush(); err != nil || !isTLS(l.conn) {
		return false, err
	}
	l.send("mn")
	return true, l.flush()
}

// readNudge reads the answer to what flushAll has sent by itself.
func (l *link) readNudge(nudged bool) error {
	if !nudged {
		return nil
	}
	_, err := l.line()
	return err
}

func isTLS(conn net.Conn) bool {
	for {
		switch c := conn.(type) {
		case *tls.Conn:
			return true
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return false
		}
	}
}

// slice reads a line, without its end. It is good until the next read.
func (l *link) slice() ([]byte, error) {
	line, err := l.lines().ReadSlice('\n')
	if err != nil || len(l.part) > 0 {
		l.part = append(l.part, line...)
		if err != nil {
			return nil, err
		}
		line, l.part = l.part, nil
	}
	line = bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'})
	if !isBegun(line) {
		l.owed--
	}
	return line, nil
}

// isBegun tells whether a line is one behind which the answer goes on with more lines. The value behind VA is counted by rest.
func isBegun(line []byte) bool {
	return bytes.HasPrefix(line, []byte("VALUE ")) || bytes.HasPrefix(line, []byte("STAT ")) || bytes.HasPrefix(line, []byte("key="))
}

// line does what slice does, for a line that is kept, and however long it is.
func (l *link) line() (string, error) {
	line, err := l.slice()
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.slice()
	}
	return string(line), err
}

// ask sends a command and reads one line.
func (l *link) ask(command string) (string, error) {
	l.send(command)
	if err := l.flush(); err != nil {
		return "", err
	}
	return l.line()
}

// readData reads a value of so many bytes, and the end of its line.
func (l *link) readData(size int) ([]byte, error) {
	data := make([]byte, size+len("\r\n"))
	n, err := io.ReadFull(l.lines(), data)
	l.rest = len(data) - n
	return data[:size:size], err
}
