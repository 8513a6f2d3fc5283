package guard

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/internal/event"
)

// The addresses of a cluster's servers come and go.
const (
	mostServers = 1000      // that are remembered at once: beyond, all are forgotten, which costs a few failures of those that are dead
	forgetAfter = time.Hour // a server that no operation was for is forgotten then, or an hour later
)

// breakers are those of one server.
type breakers struct {
	server                  string  // its name; empty for a driver that has one server, and for keys whose server it does not know
	reads, writes, removals breaker // a store may answer some and not others: a full one still removes
	unavailable             error   // of what is refused
	used                    atomic.Bool
}

func newBreakers(server string, log *slog.Logger) *breakers {
	b := &breakers{server: server, unavailable: ErrUnavailable}
	if server != "" {
		b.unavailable = fmt.Errorf("%w: %s", ErrUnavailable, server)
		log = log.With("server", server)
	}
	b.reads.log, b.reads.what = log, "reads"
	b.writes.log, b.writes.what = log, "writes"
	b.removals.log, b.removals.what = log, "removals"
	return b
}

// of returns the breaker by which operations of a kind go; nil for one that is asked for whatever has been failing.
func (b *breakers) of(kind event.Kind) *breaker {
	switch kind {
	case event.Read:
		return &b.reads
	case event.Write, event.Add, event.Append:
		return &b.writes
	case event.Removal:
		return &b.removals
	default:
		return nil
	}
}

// named returns an error of the server, with its name.
func (b *breakers) named(err error) error {
	if b.server == "" {
		return err
	}
	return fmt.Errorf("%s: %w", b.server, err)
}

// servers are the breakers of a driver that has several servers, by their names.
type servers struct {
	log   *slog.Logger
	named atomic.Pointer[map[string]*breakers] // is replaced, never changed: an operation takes no lock

	mu   sync.Mutex // held while it is replaced
	aged time.Time  // when the unused were forgotten last
}

func newServers(log *slog.Logger) *servers {
	s := &servers{log: log, aged: time.Now()}
	s.named.Store(&map[string]*breakers{})
	return s
}

// of returns the breakers of a server.
func (s *servers) of(name string) *breakers {
	b := (*s.named.Load())[name]
	if b == nil {
		return s.add(name)
	}
	if !b.used.Load() {
		b.used.Store(true)
	}
	return b
}

func (s *servers) add(name string) *breakers {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := (*s.named.Load())[name]; b != nil {
		return b
	}
	named := s.kept(time.Now())
	if len(named) >= mostServers {
		clear(named)
	}
	b := newBreakers(name, s.log)
	b.used.Store(true)
	named[name] = b
	s.named.Store(&named)
	return b
}

// kept returns a copy without those that were not used for long. mu is held.
func (s *servers) kept(now time.Time) map[string]*breakers {
	named := make(map[string]*breakers)
	ages := now.Sub(s.aged) >= forgetAfter
	for name, b := range *s.named.Load() {
		if !ages || b.used.Swap(false) {
			named[name] = b
		}
	}
	if ages {
		s.aged = now
	}
	return named
}

// all returns those that are remembered.
func (s *servers) all() map[string]*breakers {
	s.mu.Lock()
	defer s.mu.Unlock()
	named := s.kept(time.Now())
	s.named.Store(&named)
	return named
}

// at returns the breakers of the server that keeps a key.
func (s *Store) at(key string) *breakers {
	if s.servers == nil {
		return s.alone
	}
	return s.atServer(key)
}

// atServer does what at does for a driver that has several.
func (s *Store) atServer(key string) *breakers {
	name := s.sharded.ServerOf(key)
	if name == "" {
		return s.alone
	}
	return s.servers.of(name)
}

// Sharded tells whether the keys of the store may be spread over several servers: see [drivers.Sharded].
func (s *Store) Sharded() bool { return s.sharded != nil }

// ServerOf returns the name of the server that keeps a key; empty where there is one server, or that is not known.
func (s *Store) ServerOf(key string) string { return s.at(key).server }

// ServerState is what the breakers of one server do with operations: see [Counts].
type ServerState struct{ Reads, Writes, Removals string }

// Servers returns what the breakers do, by the names of the servers that keys were for in the last hour or two; nil where there is one
// server.
func (s *Store) Servers() map[string]ServerState {
	if s.servers == nil {
		return nil
	}
	states := make(map[string]ServerState)
	for name, b := range s.servers.all() {
		var of ServerState
		of.Reads, _ = b.reads.state()
		of.Writes, _ = b.writes.state()
		of.Removals, _ = b.removals.state()
		states[name] = of
	}
	return states
}

// worst returns the state of the breaker of a kind of operations: of several servers that of the one that is worst off, and of those alike
// the one that is tried next.
func (s *Store) worst(kind event.Kind) (state string, retryAt time.Time) {
	b := s.alone.of(kind)
	if b == nil {
		return closed, time.Time{}
	}
	state, retryAt = b.state()
	if s.servers == nil {
		return state, retryAt
	}
	for _, of := range s.servers.all() {
		other, at := of.of(kind).state()
		if rank[other] > rank[state] || other == state && at.Before(retryAt) {
			state, retryAt = other, at
		}
	}
	return state, retryAt
}

// rank orders the states, the worst last.
var rank = map[string]int{closed: 0, trying: 1, open: 2}
