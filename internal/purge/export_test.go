package purge

import (
	"context"

	"github.com/gin-cachette/cachette/internal/target"
)

// What the simulator needs for the mistakes that it must find.

func PrefixLog(prefix string) string { return target.Marks(prefix) + "lx" }
func TagLog(prefix string) string    { return target.Marks(prefix) + "lt" }
func PulseKey(prefix string) string  { return target.Marks(prefix) + "le" }

// ForgetOwed forgets what is owed.
func (s *Shared) ForgetOwed() {
	s.debts.mu.Lock()
	defer s.debts.mu.Unlock()
	s.debts.marks, s.debts.prefixes, s.debts.all = nil, nil, 0
	s.debts.recount()
}

// UnpaidSince has a look take it that nothing was paid since it began.
func (s *Shared) UnpaidSince(l *Look) {
	if l != nil {
		l.paid = s.debts.paid.Load()
	}
}

// Exclusive has a ticket take it that the marks beside those of its paths are its own.
func (t *Ticket) Exclusive() { t.own = true }

// Position is where a ticket's fill began in the log of tags.
func (t *Ticket) Position() Position     { return t.log }
func (t *Ticket) SetPosition(p Position) { t.log = p }

// Guess has a ticket take marks for ones that were read before the handler ran.
func (t *Ticket) Guess(marks ...Mark) { t.guessed = append(t.guessed, marks...) }

// WordsOf returns the words that a look has read, empty where there is none.
func (l *Look) WordsOf(scopes []Scope) []Mark {
	marks := make([]Mark, len(scopes))
	for i, scope := range scopes {
		word, _ := l.word(i, scope)
		marks[i] = Mark{scope, word}
	}
	return marks
}

// AppendTo carries out the first part of a purge.
func (s *Shared) AppendTo(ctx context.Context, scopes ...Scope) error {
	var b bill
	b.add(scopes...)
	if err := s.append(ctx, s.tagLog, s.Keep, texts(b.late)); err != nil {
		return err
	}
	return s.append(ctx, s.prefixLog, keepPrefixes, encoded(b.records))
}

func (s *Shared) DeleteOf(ctx context.Context, scopes ...Scope) error {
	var b bill
	b.add(scopes...)
	return s.delete(ctx, &b)
}

// PurgeWithoutOwn forgets the marks beside those of paths.
func (s *Shared) PurgeWithoutOwn(ctx context.Context, scopes ...Scope) error {
	var b bill
	b.add(scopes...)
	b.own = nil
	return s.purge(ctx, &b, scopes)
}

// SettleFirst takes off what is owed, and carries it out then.
func (s *Shared) SettleFirst(ctx context.Context) error {
	b, number := s.debts.due(payAtOnce)
	s.debts.settle(&b, number)
	return s.carry(ctx, &b)
}

// PayHalf carries out what is owed for one mark of each scope.
func (s *Shared) PayHalf(ctx context.Context) error {
	b, number := s.debts.due(payAtOnce)
	half := b
	if n := len(b.plain); n > 1 {
		half.plain = b.plain[:1]
	}
	half.own = nil
	if err := s.carry(ctx, &half); err != nil {
		return err
	}
	s.debts.settle(&b, number)
	return nil
}

// RecordOf is what a log has of a scope's purge.
func RecordOf(s Scope) string { i := s.id(); return string(i[:]) }

// PurgeByUnasked does what PurgeBy does, and does not look whether the marks beside are still the ticket's.
func (s *Shared) PurgeByUnasked(ctx context.Context, t *Ticket, scopes ...Scope) error {
	var b bill
	b.add(scopes...)
	b.own = nil
	if err := s.purge(ctx, &b, scopes); err != nil || !t.own {
		return err
	}
	marks := append([]Mark(nil), t.Basis.Marks...)
	var again []int
	for _, scope := range scopes {
		again = append(again, find(marksOf(marks), scope))
	}
	if err := s.add(ctx, t, marks, again, lifeFor(0)); err != nil {
		return s.Purge(ctx, scopes...)
	}
	t.Basis.Marks = marks
	return nil
}

// RenewAnyway has the view be good when a look has read a pulse, whatever it is.
func (s *Shared) RenewAnyway(l *Look) {
	if v := s.view.Load(); v != nil && l.pulse >= 0 && l.pulse < len(l.words) {
		next := *v
		next.at = l.began
		s.view.Store(&next)
	}
}
