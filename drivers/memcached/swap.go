package memcached

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// What is written here, but by set, is written on a condition: the server stores it only if nothing is
// there (add), or what is there is the version that was read (cas). A new version of an entry never has the number of an
// older one, so that no write that comes late, or again, brings back what was removed or replaced meanwhile.

// errNoVersions says what a server must have.
var errNoVersions = fmt.Errorf("the server has no versions of its entries (CAS): start it without -C: %w", errors.ErrUnsupported)

// errNotStored says that a server has answered so to what it is to store whatever is there.
var errNotStored = errors.New("the server has not stored the value")

// writeVersioned asks for an entry with its version.
func (l *link) writeVersioned(meta bool, n name) {
	if meta {
		l.send("mg " + n.text + " f t v c")
	} else {
		l.send("gets " + n.text)
	}
}

// writeStored stores data under n for ttl. old is the entry that it replaces, nil for none.
func (l *link) writeStored(n name, data []byte, flags uint32, ttl time.Duration, now time.Time, old *found) {
	if old == nil {
		l.sendWrite(fmt.Sprintf("add %s %d %d %d", n.text, flags, exptime(now, ttl), len(data)), data)
	} else {
		l.sendWrite(fmt.Sprintf("cas %s %d %d %d %d", n.text, flags, exptime(now, ttl), len(data), old.cas), data)
	}
}

// set stores data under n for ttl, whatever is there.
func (l *link) set(n name, data []byte, flags uint32, ttl time.Duration, now time.Time) error {
	l.sendWrite(fmt.Sprintf("set %s %d %d %d", n.text, flags, exptime(now, ttl), len(data)), data)
	if err := l.flush(); err != nil {
		return err
	}
	stored, err := l.readStored()
	if err == nil && !stored {
		err = errNotStored
	}
	return err
}

// readStored reads whether the server has stored it.
func (l *link) readStored() (bool, error) {
	answer, err := l.line()
	switch {
	case err != nil:
		return false, err
	case answer == "STORED":
		return true, nil
	case answer == "NOT_STORED", answer == "EXISTS", answer == "NOT_FOUND":
		return false, nil
	case strings.Contains(answer, "too large"):
		l.server.settings.itemSize.Store(0) // it takes less than it did when it was asked
		return false, fmt.Errorf("%w: %w", drivers.ErrTooLarge, &answerError{answer})
	}
	return false, firstError(refusedAnswer(answer), &answerError{answer})
}

// isFull tells whether a server refuses a write because it has no room.
func isFull(err error) bool {
	var answer *answerError
	return errors.As(err, &answer) && strings.HasPrefix(answer.line, "SERVER_ERROR out of memory")
}

// flagsFor returns the flags of an entry that is written now for ttl. Those of another program stay as they are.
func (d *Driver) flagsFor(now time.Time, ttl time.Duration, old *found) uint32 {
	if old != nil && old.live(now) {
		if _, ours := decodeExpiry(old.flags, now); !ours {
			return old.flags
		}
	}
	if d.noFlags {
		return 0
	}
	return encodeExpiry(now, ttl)
}

// dataOf returns what lies in the store for a value.
func dataOf(key string, n name, value []byte) []byte {
	if n.hashed {
		return append(front(key), value...)
	}
	if value == nil {
		return []byte{}
	}
	return value
}
