package purge

import (
	"context"
	"strings"
)

// Where a process is told over which servers keys are spread, the next one may be told otherwise: then it purges where this one does
// not look, and what was purged would be served when the list is again what it was. So the word for how keys are spread (see
// drivers.Arranged) stands in the Place of an entry, and an entry with another word is gone.
//
// A fill takes the word before its handler runs. A look-up takes it when it judges, and not before it began. A purge that has deleted
// its marks asks for the word, too: from then on no process goes on with that of another way to spread keys, whose entries it could not
// reach. Without an answer nothing is valid here, nothing is kept, and what was purged is owed.
//
// The word stands before the position, with a line break behind it. A word with one is that of no entry.
const behindArrangement = "\n"

// arrange has the look know the word for how keys are spread.
func (l *Look) arrange(ctx context.Context) error {
	if l.s.Arrangement == nil || l.arrangement != nil {
		return nil
	}
	word, err := l.s.Arrangement(ctx)
	if err == nil {
		l.arrangement = &word
	}
	return err
}

// arrangement returns the word for how keys are spread; nothing where the driver has none.
func (s *Shared) arrangement(ctx context.Context) (string, error) {
	if s.Arrangement == nil {
		return "", nil
	}
	return s.Arrangement(ctx)
}

// Arranged makes sure that no process goes on with entries that were made where keys were spread otherwise: for one that has removed all
// that it can reach. Without an error that holds when it returns.
func (s *Shared) Arranged(ctx context.Context) error {
	_, err := s.arrangement(ctx)
	return err
}

// place returns what an entry has of a position in a log.
func (l *Look) place(at Position) Position {
	if l.s.Arrangement == nil {
		return at
	}
	return Position(*l.arrangement+behindArrangement) + at
}

// position returns the position of an entry in the log, and whether it was made where keys were spread as they are now. known is false
// where the look does not know how they are.
func (l *Look) position(place Position) (at Position, same, known bool) {
	if l.s.Arrangement == nil {
		return place, true, true
	}
	if l.arrangement == nil {
		return "", false, false
	}
	word, end, found := strings.Cut(string(place), behindArrangement)
	return Position(end), found && word == *l.arrangement, true
}
