package entries

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/target"
)

// ErrPurged says that a response is not kept since what it stands on was purged while its handler ran, or that cannot be told.
var ErrPurged = errors.New("cachette: what it stands on was purged while its handler ran, or the store does not tell")

// usualFills is how many fills note where the log of tags is, before any has named a tag: a program without tags has no use for it.
const usualFills = 64

// Tag returns the scope of a tag: each service that shares a store has tags of its own.
func (s *Store) Tag(tag string) purge.Scope {
	return purge.Scope{Kind: purge.Tag, Host: s.service, Name: tag}
}

// Tags returns the scopes of tags.
func (s *Store) Tags(tags []string) (scopes []purge.Scope) {
	for _, tag := range tags {
		scopes = append(scopes, s.Tag(tag))
	}
	return scopes
}

// TagsOf returns the tags that an entry stands on.
func TagsOf(e *response.Entry) (tags []string) {
	for _, scope := range e.Basis.Late() {
		if scope.Kind == purge.Tag {
			tags = append(tags, scope.Name)
		}
	}
	return tags
}

// Logs tells whether the store can tell what was purged while a handler ran.
func (s *Store) Logs() bool { return s.local != nil || s.far.Logs() }

// mayTag tells whether a fill that begins may have tags that are named late.
func (s *Store) mayTag() bool { return s.tagged.Load() || s.fills.Add(1) <= usualFills }

// guess returns the tags that what a fill makes may stand on: those that its route has said beforehand, and those of the responses before.
func (s *Store) guess(found *Found, of *target.Target) []purge.Scope {
	guess := append(s.Tags(of.Tags), found.tags...)
	if found.Entry != nil {
		guess = append(guess, found.Entry.Basis.Late()...)
	}
	return guess
}

// Name adds to the ticket of a fill the tags and groups that have become known since it began, before its response is given to anybody but its own client. The error
// matches [ErrPurged] where it is not to be kept. What the fill or the response before it was known to have costs nothing; what is new is asked of the
// store.
func (s *Store) Name(ctx context.Context, of *target.Target, t *Ticket, late []purge.Scope, e *response.Entry, now time.Time) error {
	if len(late) == 0 || t.err != nil {
		return nil
	}
	s.tagged.Store(true)
	if t.bare == nil {
		bare := t.Basis
		t.bare = &bare
	}
	var kept bool
	var err error
	if s.local != nil {
		kept, err = s.local.Name(ctx, &t.Ticket, late, 0)
	} else {
		if len(e.Meta.Vary) > 0 && s.guesses.variant(of.Key, of.Header) == "" {
			s.guesses.note(of.Key, &response.Variants{Fields: e.Meta.Vary})
		}
		s.standing.note(s.pageOf(of), late) // also when it is not kept: then the next fill knows them before
		step, cancel := s.far.Step(context.WithoutCancel(ctx))
		defer cancel()
		kept, err = s.shared.Name(step, &t.Ticket, late, s.retention(e, now))
	}
	if err == nil && !kept {
		return ErrPurged
	}
	return err
}

// pageOf returns the key by which the tags of what answers a request are remembered: variants have tags of their own.
func (s *Store) pageOf(of *target.Target) string {
	if variant := s.guesses.variant(of.Key, of.Header); variant != "" {
		return variant
	}
	return of.Key
}

const (
	standingSets  = 256
	standingWays  = 4
	mostStanding  = 40      // tags of a page that are remembered
	standingNames = 2 << 10 // how long they may be together, in bytes
)

// standing remembers on what tags pages stood last, so that a look-up reads their marks together with the page, and a fill takes them before its
// handler runs. A guess that is wrong costs nothing but what was read of it. All of them take five mebibytes at most.
type standing [standingSets]struct {
	ways [standingWays]atomic.Pointer[standsOn]
	next atomic.Uint32 // the one that makes room
}

// standsOn are the tags of a page.
type standsOn struct {
	key  string
	tags []purge.Scope
}

// find returns where the tags of a page are remembered, or can be, and what is there.
func (m *standing) find(key string) (way *atomic.Pointer[standsOn], there *standsOn) {
	set := &m[maphash.String(guessSeed, key)%standingSets]
	for i := range set.ways {
		if known := set.ways[i].Load(); known != nil && known.key == key {
			return &set.ways[i], known
		} else if known == nil && way == nil {
			way = &set.ways[i]
		}
	}
	if way == nil {
		way = &set.ways[set.next.Load()%standingWays]
	}
	return way, nil
}

// of returns the tags of a page, as far as they are remembered.
func (m *standing) of(key string) []purge.Scope {
	if _, known := m.find(key); known != nil {
		return known.tags
	}
	return nil
}

// note remembers the tags of a page.
func (m *standing) note(key string, tags []purge.Scope) {
	way, known := m.find(key)
	switch {
	case known != nil && slices.Equal(known.tags, tags):
		return
	case len(tags) == 0:
		if known != nil {
			way.CompareAndSwap(known, nil)
		}
		return
	}
	size := 0
	for _, tag := range tags {
		size += len(tag.Name)
	}
	if len(key) > longestKey || len(tags) > mostStanding || size > standingNames {
		return
	}
	if known == nil {
		m[maphash.String(guessSeed, key)%standingSets].next.Add(1)
	}
	way.Store(&standsOn{strings.Clone(key), tags})
}
