package purge

import (
	"context"
	"slices"
)

// Place is where the logs were when the marks of an entry were good. A tier near the process notes it first, then reads the marks, and
// keeps the entry if they are good. It follows the logs from there. Both logs are written only by a Shared with Near.
//
// There is one of each, also in a store of several servers, where fills ask a log of tags in their own partition. So a near tier needs the
// servers of both. A purge that one of those does not take is carried out in each partition all the same, and owed there until near tiers
// can be told.
type Place struct{ Tags, Paths Position }

// Place returns where the logs are.
func (s *Shared) Place(ctx context.Context) (p Place, err error) {
	if s.Log == nil {
		return p, nil
	}
	if p.Tags, err = s.Log.End(ctx, s.tagLog, logLife); err == nil {
		p.Paths, err = s.Log.End(ctx, s.pathLog, logLife)
	}
	return p, err
}

// tellNear notes in the logs of near tiers what was purged of some units of a lot: tags and groups, and what is known before a fill.
func (s *Shared) tellNear(ctx context.Context, lot []unit, some []int) error {
	var late, early []string
	for _, i := range some {
		late, early = append(late, lot[i].logged(true)...), append(early, lot[i].logged(false)...)
	}
	if err := s.append(ctx, s.tagLog, s.Keep, recordsOf(distinctTexts(late))); err != nil {
		return err
	}
	return s.append(ctx, s.pathLog, s.Keep, recordsOf(distinctTexts(early)))
}

// distinctTexts returns each of texts once: a scope has as many marks as there are partitions.
func distinctTexts(texts []string) []string {
	slices.Sort(texts)
	return slices.Compact(texts)
}

// Heard is what was purged behind a place.
type Heard struct {
	To       Place // where the logs are now
	Complete bool  // false where the logs do not tell: then each entry is worth as much as its marks
	purged   map[string]struct{}
}

// Heard returns what was purged behind a place.
func (s *Shared) Heard(ctx context.Context, from Place) (Heard, error) {
	h := Heard{purged: make(map[string]struct{})}
	if s.Log == nil {
		return h, nil
	}
	for _, log := range []struct {
		key  string
		from Position
		to   *Position
	}{{s.tagLog, from.Tags, &h.To.Tags}, {s.pathLog, from.Paths, &h.To.Paths}} {
		records, to, complete, err := s.Log.Since(ctx, log.key, log.from)
		if err != nil || !complete {
			return Heard{}, err
		}
		for text := range purgesIn(records) {
			h.purged[text] = struct{}{}
		}
		*log.to = to
	}
	h.Complete = true
	return h, nil
}

// Left tells what is left of an entry, by the logs.
func (h *Heard) Left(basis *Basis) State {
	if !h.Complete {
		return Gone
	}
	left := Valid
	for i := range basis.Marks {
		named := basis.Marks[i].Scope.id()
		if _, purged := h.purged[named.logged(false)]; purged {
			return Gone
		}
		if _, purged := h.purged[named.logged(true)]; purged {
			left = Stale
		}
	}
	return left
}

// Standing tells what the purges that have no record in the two logs leave of an entry: those that are owed, and those of prefixes.
// It is asked before Heard, so that what is paid in between is heard.
func (s *Shared) Standing(ctx context.Context, basis *Basis) (State, error) {
	part := s.partOfBasis(basis)
	l := s.lookIn(part)
	for range attempts {
		if err := l.arrange(ctx); err != nil {
			return Gone, err
		}
		at, same, _ := l.position(basis.Place)
		if !same {
			return Gone, nil
		}
		owed := s.debts.left(part.number, basis.scopes)
		v, err := part.ensure(ctx, l.began)
		if err != nil {
			return Gone, err
		}
		state, known := v.left(basis, at)
		if known && l.paid == s.debts.paid.Load() {
			return min(owed, state), nil
		}
		if l.paid != s.debts.paid.Load() {
			l = s.lookIn(part)
		} else if err := part.resolve(ctx, at); err != nil {
			return Gone, err
		}
	}
	return Gone, errUnsettled
}
