package memcached

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// A caller that gives up leaves a connection on which an answer is still to come. It is read in the background and thrown away, so
// that the next caller need not dial: until the timeout is over that the caller itself could have waited for, and for patience at most. Then
// the connection is closed, and what the system has not sent yet of a write is dropped.
const patience = time.Second

// A server that has said nothing for this long may be one that nothing gets through to any more on connections that are there. Those
// that have been idle for longer say no more of that, and are closed before each takes a caller its time.
func (s *server) suspicious() time.Duration { return min(s.timeout, patience) / 3 }

// leave ends what a caller has begun on a link that has given up, or that nothing came on in time.
func (s *server) leave(l *link) {
	now := time.Now()
	if now.Sub(l.began) >= s.suspicious() {
		s.dropOlder(l.began)
	}
	if l.done() {
		s.put(l)
		return
	}
	until := l.began.Add(min(s.timeout, patience))
	if l.lines().Writer.Buffered() > 0 || !now.Before(until) || s.late.Load() >= int64(s.most) {
		l.close()
		return
	}
	s.late.Add(1)
	go func() {
		defer s.late.Add(-1)
		l.conn.SetDeadline(until)
		if err := l.readRest(); err != nil {
			l.close()
			if isTimeout(err) {
				s.dropOlder(l.began)
			}
			return
		}
		s.put(l)
	}()
}

// dropOlder closes the links that have been idle since before a moment.
func (s *server) dropOlder(moment time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.idle[:0]
	for _, l := range s.idle {
		if l.idleSince.Before(moment) {
			l.close()
		} else {
			kept = append(kept, l)
		}
	}
	clear(s.idle[len(kept):])
	s.idle = kept
}

// isTimeout tells whether an exchange has ended since its time was over.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// done tells whether all that was asked is answered.
func (l *link) done() bool {
	return l.owed == 0 && l.rest == 0 && (l.buffers == nil || l.buffers.Reader.Buffered() == 0 && l.buffers.Writer.Buffered() == 0)
}

// readRest reads what is left of the answers to what was asked.
func (l *link) readRest() error {
	for l.rest > 0 || l.owed > 0 {
		if l.rest > 0 {
			n, err := l.lines().Discard(l.rest)
			l.rest -= n
			if err != nil {
				return err
			}
			continue
		}
		line, err := l.slice()
		if err != nil {
			return err
		}
		fields := bytes.Fields(line)
		switch {
		case bytes.HasPrefix(line, []byte("VALUE ")) && len(fields) >= 4:
			l.rest, err = sizeOf(fields[3])
		case bytes.HasPrefix(line, []byte("VA ")) && len(fields) >= 2:
			l.rest, err = sizeOf(fields[1])
		case len(fields) == 0 || !lateAnswers[string(fields[0])]:
			err = &answerError{string(line)}
		}
		if err != nil {
			return err
		}
	}
	if n := l.lines().Reader.Buffered(); n > 0 {
		return fmt.Errorf("%d bytes more than was asked for", n)
	}
	return nil
}

// sizeOf returns how many bytes come with a value of so many.
func sizeOf(text []byte) (int, error) {
	n, err := strconv.ParseUint(string(text), 10, 31)
	return int(n) + len("\r\n"), err
}

// lateAnswers are how the lines begin behind which a server is ready for the next command.
var lateAnswers = map[string]bool{
	"END": true, "EN": true, "HD": true, "MN": true, "VERSION": true, "STAT": true, "NF": true,
	"STORED": true, "NOT_STORED": true, "EXISTS": true, "NOT_FOUND": true, "DELETED": true,
}
