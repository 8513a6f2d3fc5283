package purge

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

// Tier is what a tier near this process knows of purges. A generation of each scope that near entries stand on ends with the news of a purge,
// as in [Local], so that a hit asks no store. It is to Look at the log again and again.
//
// An entry is kept with the generations of its scopes. What was purged while it was read stands in a ring, by which Keep refuses it: Begin
// comes before the marks are read, and a purge deletes them before it is in the log.
type Tier struct {
	shared *Shared
	soon   time.Duration // for how long a look is good while looks succeed
	bound  time.Duration // for how long it is where they fail
	local  Local
	OnNews func(texts []string, complete bool) // is told what it hears, and whether that is all; nil for nothing. It is set before the first Look

	mu          sync.Mutex // held while it looks
	at          Position   // in the log
	word        string     // of the mark that tells of near tiers; empty for none yet
	lengthened  time.Time  // when its life was last
	known       time.Time  // when all processes know of the mark
	arrangement string

	last    atomic.Pointer[looked] // the last look that was good; nil for none
	failing atomic.Bool            // a look since has failed
}

// looked is when a look began, by both clocks: one stands still while the machine sleeps.
type looked struct {
	at   time.Time
	wall int64
}

// NewTier returns what a near tier of this process knows of purges. Its looks are good for soon, and, where the store does not answer those that
// follow, for bound. There is at most one in a Shared, and it is made before anything is asked of that.
func (s *Shared) NewTier(soon, bound time.Duration) *Tier {
	s.tier = &Tier{shared: s, soon: min(soon, bound), bound: bound}
	s.tier.local.prefixes.Store(&prefixes{})
	return s.tier
}

// Log returns the key of the log that it looks at, and where it has got to; empty where it has no place in it.
func (t *Tier) Log() (key string, at Position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.shared.nearLog, t.at
}

// Answers tells whether near entries may be served to a request that came at a moment: no purge that had returned by then has been so for
// longer than its looks are good.
func (t *Tier) Answers(now time.Time) bool {
	last := t.last.Load()
	if last == nil {
		return false
	}
	age := max(now.Sub(last.at), time.Duration(now.UnixNano()-last.wall))
	return age < t.soon || age < t.bound && t.failing.Load()
}

// Look hears what was purged since the last look. With an error it has heard nothing, and what is near is good for a while yet.
func (t *Tier) Look(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	began := t.shared.Now()
	err := t.look(ctx)
	t.failing.Store(err != nil && t.shared.Now().Sub(began) < t.soon) // in one that took longer this process stood still, and perhaps not the store
	if err == nil && t.word != "" && !began.Before(t.known) {
		t.last.Store(&looked{began, began.UnixNano()})
	}
	return err
}

func (t *Tier) look(ctx context.Context) error {
	s := t.shared
	arrangement, err := s.arrangement(ctx)
	if err != nil {
		return err
	}
	if arrangement != t.arrangement {
		t.forget()
		t.arrangement = arrangement
	}
	if err := t.announce(ctx); err != nil {
		return err
	}
	if t.at != "" {
		records, to, complete, err := s.Log.Since(ctx, s.nearLog, t.at)
		if err != nil {
			return err
		}
		if complete {
			texts := NewsIn(records)
			t.hear(texts)
			t.tell(texts, true)
			t.at = to
			return nil
		}
	}
	to, err := s.Log.End(ctx, s.nearLog, LogLife)
	if err != nil {
		return err
	}
	t.hear([]string{everything}) // what was purged before that place is not known
	t.tell(nil, false)
	t.at = to
	return nil
}

func (t *Tier) tell(texts []string, complete bool) {
	if t.OnNews != nil {
		t.OnNews(texts, complete)
	}
}

// announce makes sure that the mark is there that tells of near tiers, and begins anew where it was lost: purges may not have been told since.
func (t *Tier) announce(ctx context.Context) error {
	s := t.shared
	words, err := s.Marks.Words(ctx, s.nearMark)
	if err != nil {
		return err
	}
	now := s.Now()
	if len(words) != 1 || words[0] == "" || now.Sub(t.lengthened) > nearLife/4 || now.Before(t.lengthened) {
		words, err = s.Marks.Add(ctx, nearLife, s.maker(now.Add(nearLife)), s.nearMark)
		if err != nil {
			return err
		}
		if len(words) != 1 {
			return tooFew(words, []string{s.nearMark})
		}
		t.lengthened = now
	}
	if words[0] != t.word {
		t.forget()
		t.word, t.known = words[0], s.Now().Add(s.Every+s.Every/16)
	}
	return nil
}

// forget has the tier begin anew: nothing that it has is of use.
func (t *Tier) forget() {
	t.last.Store(nil)
	t.at, t.word, t.known = "", "", time.Time{}
	t.hear([]string{everything})
}

// hear ends the generations of what was purged, which was noted in the ring before: see Keep.
func (t *Tier) hear(texts []string) {
	for _, text := range texts {
		if text == everything {
			t.shared.Outdate()
			continue
		}
		hash := id([]byte(text[:len(id{})])).hash()
		t.local.tags.add(hash)
		if shard := t.local.gens.of(hash); text[len(id{}):] == softly {
			shard.age(hash)
		} else {
			shard.end(hash, nil)
		}
	}
}

// hash returns the hash by which a Tier knows a scope: by its digest, which is all that the log has of it.
func (i id) hash() uint64 { return binary.LittleEndian.Uint64(i[:]) }

// Reading is a reading of the store of which something may be kept near.
type Reading struct {
	heard   uint64 // how many purges had been heard of
	records uint64 // see Basis
	good    bool
}

// Begin is called before anything of an entry is read.
func (t *Tier) Begin(now time.Time) Reading {
	return Reading{heard: t.local.tags.last.Load(), records: t.local.prefixes.Load().last + 1, good: t.Answers(now)}
}

// Keep returns what a near copy of an entry stands on, which was found valid behind the beginning of a reading. It is false where something
// of it was purged meanwhile, or that cannot be told.
func (t *Tier) Keep(r Reading, basis *Basis, key string) (near Basis, ok bool) {
	near = Basis{Marks: basis.Marks, Place: basis.Place, records: r.records}
	hashes := make([]uint64, 0, len(basis.Marks)+1)
	stand := func(scope Scope) {
		hash := scope.id().hash()
		hashes = append(hashes, hash)
		near.add(t.local.gens.of(hash).current(hash))
	}
	for i := range basis.Marks {
		stand(basis.Marks[i].Scope)
	}
	stand(storedUnder(key))
	return near, r.good && !t.local.tags.purged(r.heard, hashes)
}

// Purges are those by which near entries are judged. It is for that alone.
func (t *Tier) Purges() *Local { return &t.local }

// Replaced ends what is near of a key, under which this process stores something else.
func (t *Tier) Replaced(key string) { t.hear([]string{storedUnder(key).id().logged(false)}) }
