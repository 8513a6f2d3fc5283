package purge

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// Purges of prefixes, and of everything, are rare, and no mark can be read for them: of prefixes there are too many, and that of
// everything would be one key that every hit reads. They stand in a log of their own, an entry carries its position in it, and is
// valid if no record behind that covers its path. Each process keeps a view of the log, and looks at most once in an interval
// whether it has changed. So a purge holds everywhere when an interval is over, and it returns then.
//
// Whether the log has changed tells a pulse, a mark that the purge deletes once its record is in the log: it is read with a hit's
// own marks when the interval is over. A view is made by adding the pulse first and reading the log then. As long as that pulse
// is there, no purge has been carried out whose record the view does not have.
//
// In a store of several servers there is one such log, and one pulse, in each partition (see target.Partition), so that an entry is judged by what is
// on its own server, and a purge holds for the pages of each server that has taken it. An entry of two paths, one rewritten to the other,
// is in the partition of the first, by which its key has its tag: a purge of either prefix is in all of them.
//
// A log, and not a record that is compared and swapped, since stores have logs for tags anyway, and since it tells each entry
// exactly which purges came after it, as far as it reaches back.
const (
	keepPrefixes = 256  // records that the log holds
	maxRecords   = 1024 // records that a view keeps
	maxPlaces    = 256  // positions that a view knows
)

// pulseLife is how long a pulse lives. Then the log is looked at anyway, since a record may have come without a purge that deleted the
// pulse behind it, from a process that ended half way or a command that was repeated: some would know of it and others not, and what these keep would be worth nothing to those. Without a log the pulse is the
// position itself, and lives as long as one would.
const pulseLife = 10 * time.Minute

// lost stands for the number of a position that the log does not reach back to, or that another log had.
const lost = -1

// partition is a part of the pages, those whose paths have one tag, or all pages where there is one server. It has all that they stand on: the
// marks of their paths, a mark of each namespace, tag, group and identity, and the logs. The one exception is a page that was rewritten from
// one path to another, which stands on the marks of both.
type partition struct {
	s                *Shared
	number           int
	base             string // what keys begin with: those of the marks, and of what follows
	tags, log, pulse string // the keys of the log of tags, of that of prefixes, and of the pulse
	view             atomic.Pointer[view]
	noted            atomic.Pointer[noted] // where the log of tags was
}

// view is what a process knows of the log of a partition. It is never changed.
type view struct {
	at      time.Time // when the last look at it began
	pulse   string
	end     Position
	records []record
	places  map[Position]int // how many of records come before a position
}

// fresh returns the view, or nil where it is too old for what began at a moment.
func (p *partition) fresh(began time.Time) *view {
	if v := p.view.Load(); v != nil && began.Sub(v.at) < p.s.Every {
		return v
	}
	return nil
}

// renew notes that the pulse had a word after a moment: then the view was good at that moment.
func (p *partition) renew(word string, began time.Time) {
	for {
		v := p.view.Load()
		if v == nil || word == "" || v.pulse != word || !began.After(v.at) {
			return
		}
		next := *v
		next.at = began
		if p.view.CompareAndSwap(v, &next) {
			return
		}
	}
}

// ensure returns a view that is new enough for what began at a moment, and looks at the log if need be.
func (p *partition) ensure(ctx context.Context, began time.Time) (*view, error) {
	for range attempts {
		if v := p.fresh(began); v != nil {
			return v, nil
		}
		if err := p.refresh(ctx); err != nil {
			return nil, err
		}
	}
	return nil, errUnsettled
}

// refresh makes a new view: the pulse first, for a purge whose record the log does not have yet will delete it. A full store takes no
// pulse: then the view has none, and is good until the next look at the log.
func (p *partition) refresh(ctx context.Context) error {
	old, now := p.view.Load(), p.s.Now()
	life := pulseLife
	if p.s.Log == nil {
		life = LogLife
	}
	next := &view{at: now}
	words, err := p.s.Marks.Add(ctx, life, p.s.maker(now.Add(life)), p.pulse)
	switch {
	case err == nil:
		next.pulse = words[0]
	case p.s.Log == nil || old == nil || old.end == "":
		return err
	}
	if p.s.Log == nil { // nothing tells what was purged, so all was
		if next.end = Position(next.pulse); old != nil && old.end == next.end {
			next.places = old.places
		}
	} else if err := p.read(ctx, old, next); err != nil {
		return err
	}
	next.places = clone(next.places, next.end, len(next.records))
	p.view.CompareAndSwap(old, next) // or another request was faster, and its view is looked at
	return nil
}

// read gives a view what the log has, beyond what the one before it knows.
func (p *partition) read(ctx context.Context, old, next *view) error {
	if next.pulse != "" {
		end, err := p.s.Log.End(ctx, p.log, LogLife) // also keeps the log alive
		if err != nil {
			return err
		}
		if old == nil || old.end == "" {
			next.end = end
			return nil
		}
		if old.end == end {
			next.end, next.records, next.places = end, old.records, old.places
			return nil
		}
	}
	records, end, complete, err := p.s.Log.Since(ctx, p.log, old.end)
	if err != nil {
		return err
	}
	if !complete {
		next.end, err = p.s.Log.End(ctx, p.log, LogLife)
		return err
	}
	next.end = end
	if len(old.records)+len(records) <= maxRecords {
		next.places, next.records = old.places, slices.Clip(old.records)
		for _, text := range records {
			next.records = append(next.records, decodeRecord(text))
		}
	}
	return nil
}

// resolve finds out what the log has behind a position that the view does not know: that of an entry of another process. There
// are few of them, since all entries between two purges have the same.
func (p *partition) resolve(ctx context.Context, at Position) error {
	v := p.view.Load()
	if v == nil {
		return nil
	}
	next := *v
	number := lost
	if p.s.Log != nil {
		records, end, complete, err := p.s.Log.Since(ctx, p.log, at)
		switch {
		case err != nil:
			return err
		case !complete:
			// It is another log, perhaps. As long as the pulse of the old one is there, processes that look at the pulse alone go on with
			// positions of the old one, and what they keep is worth nothing to the others: so all look anew, once a position.
			if err := p.s.Marks.Delete(ctx, p.pulse); err != nil {
				return err
			}
		case end != v.end:
			return p.refresh(ctx)
		case len(records) <= len(v.records):
			number = len(v.records) - len(records)
		default: // the log tells more than the view knows
			more := len(records) - len(v.records)
			next.records, next.places = nil, make(map[Position]int)
			for _, text := range records {
				next.records = append(next.records, decodeRecord(text))
			}
			for place, number := range v.places {
				if number != lost {
					number += more
				}
				next.places[place] = number
			}
			number = 0
		}
	}
	next.places = clone(next.places, next.end, len(next.records))
	next.places[at] = number
	p.view.CompareAndSwap(v, &next)
	return nil
}

// Outdate has this process look at the logs before it uses its views again, and ends what is near it.
func (s *Shared) Outdate() {
	for i := range s.parts {
		s.parts[i].outdate()
	}
	if s.tier != nil { // behind: what is read from then on is judged by what the logs have by then
		s.tier.local.purge(Scope{Kind: All}, nil)
	}
}

// outdate has this process look at the logs before it uses its view again, or takes where the log of tags was for where it is. No look that began
// before brings the view back: there is another view then than that look will find, even where there was none.
func (p *partition) outdate() {
	p.noted.Store(nil)
	for {
		v := p.view.Load()
		next := view{}
		if v != nil {
			next = *v
			next.at, next.pulse = time.Time{}, ""
		}
		if p.view.CompareAndSwap(v, &next) {
			return
		}
	}
}

// clone returns places with one more. Too many are forgotten: what is needed is found again.
func clone(places map[Position]int, end Position, number int) map[Position]int {
	if len(places) >= maxPlaces {
		places = nil
	}
	places = maps.Clone(places)
	if places == nil {
		places = make(map[Position]int)
	}
	places[end] = number
	return places
}

// left tells what the purges of prefixes leave of an entry from a position. ok is false where that is not known.
func (v *view) left(basis *Basis, at Position) (state State, ok bool) {
	if at == v.end {
		return Valid, true
	}
	number, ok := v.places[at]
	if !ok || number == lost {
		return Gone, ok
	}
	state = Valid
	for _, r := range v.records[number:] {
		if !basis.covered(r) {
			continue
		}
		if !r.soft {
			return Gone, true
		}
		state = Stale
	}
	return state, true
}

// covered tells whether a record concerns what the basis is of.
func (b *Basis) covered(r record) bool {
	if r.prefix == "" {
		return true
	}
	for i := range b.Marks {
		if scope := &b.Marks[i].Scope; scope.Kind == Path && r.covers(scope.Name) {
			return true
		}
	}
	return false
}
