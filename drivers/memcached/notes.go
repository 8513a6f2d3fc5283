package memcached

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/bradfitz/gomemcache/memcache"
)

// notes are where the arrangement is noted.
type notes interface {
	// servers returns the names of the servers in their order, and a digest of how keys are spread over them.
	servers() (names []string, digest string, err error)

	// read returns the note of a server, empty for none.
	read(ctx context.Context, server string) (string, error)

	// write writes a note in the place of another, empty for none, and reports whether that was there.
	write(ctx context.Context, server string, old, text string) (bool, error)
}

// noteName is the name of the item that is a server's note. No key has it, so that Clear leaves it.
const noteName = keyMark + "arrangement"

// samples is how many keys the digest says the servers of.
const samples = 256

// serverNotes are the notes on the servers of a driver. They have connections of their own, on which a server may take longer to answer than an
// operation may.
type serverNotes struct {
	d *Driver

	mu   sync.Mutex
	byID map[serverID]*server
}

func newServerNotes(d *Driver) *serverNotes {
	return &serverNotes{d: d, byID: make(map[serverID]*server)}
}

// servers makes the digest of what the selector does, whichever way it does it. A single server gets all keys by any name.
func (n *serverNotes) servers() (names []string, digest string, err error) {
	all, err := n.d.all()
	if err != nil {
		return nil, "", err
	}
	for _, s := range all {
		names = append(names, idOf(s.addr).String())
	}
	slices.Sort(names)
	if len(names) == 1 {
		return names, "one-server", nil
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q\n", names)
	for i := range samples {
		addr, err := n.d.selector.PickServer(fmt.Sprint("sample ", i))
		if err != nil {
			return nil, "", err
		}
		fmt.Fprintf(sum, "%q\n", idOf(addr))
	}
	return names, base64.RawURLEncoding.EncodeToString(sum.Sum(nil)), nil
}

func (n *serverNotes) server(name string) (*server, error) {
	all, err := n.d.all()
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if id := idOf(s.addr); id.String() == name {
			return n.own(id, s), nil
		}
	}
	return nil, fmt.Errorf("the selector no longer has the server: %w", memcache.ErrNoServers)
}

// own returns a server beside one of the driver's.
func (n *serverNotes) own(id serverID, of *server) *server {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.byID[id]
	if s == nil {
		s = &server{addr: of.addr, dial: of.dial, most: 2, timeout: noteTime, dialing: noteTime}
		n.byID[id] = s
	}
	return s
}

func (n *serverNotes) read(ctx context.Context, name string) (text string, err error) {
	s, err := n.server(name)
	if err != nil {
		return "", err
	}
	err = s.use(ctx, func(l *link) error {
		text, _, err = l.note()
		return err
	})
	return text, err
}

// write reads once more before it writes, on the same connection: versions are of one life of a server.
func (n *serverNotes) write(ctx context.Context, name string, old, text string) (written bool, err error) {
	s, err := n.server(name)
	if err != nil {
		return false, err
	}
	err = s.use(ctx, func(l *link) error {
		written = false
		there, version, err := l.note()
		if err != nil || there != old {
			return err
		}
		l.writeNote(version, text)
		if err := l.flush(); err != nil {
			return err
		}
		written, err = l.readStored()
		return err
	})
	return written, err
}

// note returns the note of the server, and its version, 0 for none.
func (l *link) note() (string, uint64, error) {
	l.send("gets " + noteName)
	if err := l.flush(); err != nil {
		return "", 0, err
	}
	there, err := l.readLook(false)
	if there == nil || err != nil {
		return "", 0, err
	}
	if there.cas == 0 {
		return "", 0, errNoVersions
	}
	return string(there.value), there.cas, nil
}

// writeNote writes a note that the server keeps for as long as it can.
func (l *link) writeNote(version uint64, text string) {
	if version == 0 {
		l.sendWrite(fmt.Sprintf("add %s 0 0 %d", noteName, len(text)), []byte(text))
	} else {
		l.sendWrite(fmt.Sprintf("cas %s 0 0 %d %d", noteName, len(text), version), []byte(text))
	}
}

// idOf returns an address as a value, which can be compared.
func idOf(addr net.Addr) serverID { return serverID{addr.Network(), addr.String()} }

// String returns what names the server to people. A path cannot be taken for a host and port.
func (id serverID) String() string { return strings.TrimSpace(id.host) }
