package purge

import (
	"context"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/internal/target"
)

// What the simulator needs for the mistakes that it must find.

// TagLog is the log of tags of the partition of a path, PrefixLog that of prefixes, and PulseKey the pulse.
func TagLog(path string, sharded bool) string    { return of(path, sharded) + "lt" }
func PrefixLog(path string, sharded bool) string { return of(path, sharded) + "lx" }
func PulseKey(path string, sharded bool) string  { return of(path, sharded) + "le" }

func of(path string, sharded bool) string {
	if sharded {
		return target.Marks("") + target.Tag(target.Partition(path))
	}
	return target.Marks("")
}

// NearLog is what near tiers follow, and NearMark what tells of them.
func NearLog(sharded bool) string  { return ofFirst(sharded) + "ln" }
func NearMark(sharded bool) string { return ofFirst(sharded) + "la" }

func ofFirst(sharded bool) string {
	if sharded {
		return target.Marks("") + target.Tag(0)
	}
	return target.Marks("")
}

// IsNear tells whether a key is one of the two.
func IsNear(key string) bool { return strings.HasSuffix(key, "ln") || strings.HasSuffix(key, "la") }

// KeyOf is the key of the mark that a page stands on for a scope. path is the page's.
func KeyOf(s Scope, path string, sharded bool) string {
	if s.onPath() {
		path = s.Name
	}
	return s.id().key(of(path, sharded))
}

// HardKeyOf is that of the hard mark.
func HardKeyOf(s Scope, path string, sharded bool) string {
	if s.onPath() {
		path = s.Name
	}
	return s.id().hardKey(of(path, sharded))
}

// ForgetOwed forgets what is owed.
func (s *Shared) ForgetOwed() {
	s.debts.mu.Lock()
	defer s.debts.mu.Unlock()
	s.debts.marks, s.debts.records = nil, nil
	s.debts.count.Store(0)
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

// TagLog is the log of tags of a ticket's partition, and KeysOf are the keys of marks there.
func (t *Ticket) TagLog() string { return t.part.tags }
func (t *Ticket) KeysOf(scopes []Scope) []string {
	keys := make([]string, len(scopes))
	for i, scope := range scopes {
		keys[i] = scope.id().key(t.part.s.at(&scope, t.part).base)
	}
	return keys
}

// HardKeysOf are the keys of the hard marks.
func (t *Ticket) HardKeysOf(scopes []Scope) []string {
	keys := make([]string, len(scopes))
	for i, scope := range scopes {
		keys[i] = scope.id().hardKey(t.part.s.at(&scope, t.part).base)
	}
	return keys
}

// Guess has a ticket take marks for ones that were read before the handler ran.
func (t *Ticket) Guess(marks ...Mark) { t.guessed = append(t.guessed, marks...) }

// WordsOf returns the words that a look has read, empty where there is none.
func (l *Look) WordsOf(scopes []Scope) []Mark {
	marks := make([]Mark, len(scopes))
	for i, scope := range scopes {
		word, _ := l.word(i, scope)
		marks[i] = Mark{Scope: scope, Word: word}
	}
	return marks
}

// AppendTo carries out the first part of a purge.
func (s *Shared) AppendTo(ctx context.Context, scopes ...Scope) error {
	b := s.bill(scopes...)
	for _, u := range s.units(&b) {
		if err := s.append(ctx, u.part.tags, s.Keep, recordsOf(u.logged(true))); err != nil {
			return err
		}
		if err := s.append(ctx, u.part.log, keepPrefixes, u.encoded()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Shared) DeleteOf(ctx context.Context, scopes ...Scope) error {
	b := s.bill(scopes...)
	for _, u := range s.units(&b) {
		if err := s.delete(ctx, []unit{u}, []int{0}); err != nil {
			return err
		}
	}
	return nil
}

// PurgeWithoutOwn forgets the marks beside those of paths.
func (s *Shared) PurgeWithoutOwn(ctx context.Context, scopes ...Scope) error {
	b := s.bill(scopes...).withoutOwn()
	return s.purge(ctx, &b)
}

func (b bill) withoutOwn() bill {
	for i := range b.marks {
		b.marks[i].spared = true
	}
	return b
}

// SettleFirst takes off what is owed, and carries it out then.
func (s *Shared) SettleFirst(ctx context.Context) error {
	b, number := s.debts.all()
	s.debts.settle(&b, number)
	_, err := s.carry(ctx, &b)
	return err
}

// PayHalf carries out what is owed for one mark of each scope.
func (s *Shared) PayHalf(ctx context.Context) error {
	b, number := s.debts.all()
	half := bill{records: b.records}
	for _, one := range b.marks {
		if one.late || len(half.marks) == 0 {
			half.marks = append(half.marks, one)
		}
	}
	half = half.withoutOwn()
	if _, err := s.carry(ctx, &half); err != nil {
		return err
	}
	s.debts.settle(&b, number)
	return nil
}

// LogHas tells whether the records of a log have a scope's purge.
func LogHas(records []string, s Scope) bool {
	return slices.Contains(slices.Collect(purgesIn(records)), s.id().logged(s.Soft))
}

// PurgeByUnasked does what PurgeBy does, and does not look whether the marks beside are still the ticket's.
func (s *Shared) PurgeByUnasked(ctx context.Context, t *Ticket, scopes ...Scope) error {
	b := s.bill(scopes...).withoutOwn()
	if err := s.purge(ctx, &b); err != nil || !t.own {
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
	if v := l.part.view.Load(); v != nil && l.pulse >= 0 && l.pulse < len(l.words) {
		next := *v
		next.at = l.began
		l.part.view.Store(&next)
	}
}

// PurgeBut leaves the record of a purge out of the partition of a path.
func (s *Shared) PurgeBut(ctx context.Context, path string, scopes ...Scope) error {
	b := s.bill(scopes...)
	for i := range b.records {
		b.records[i].parts &^= s.bit(path)
	}
	return s.purge(ctx, &b)
}

// PurgeBesides leaves the mark of a scope that has one in each partition out of that of a path, and the record of a late one.
func (s *Shared) PurgeBesides(ctx context.Context, path string, scopes ...Scope) error {
	b := s.bill(scopes...)
	for i := range b.marks {
		if !b.marks[i].path {
			b.marks[i].parts &^= s.bit(path)
		}
	}
	return s.purge(ctx, &b)
}

// bit is that of the partition of a path, and of none where there is one server.
func (s *Shared) bit(path string) uint64 {
	if s.Sharded {
		return 1 << target.Partition(path)
	}
	return 0
}

// PurgeSome is done when a part of the store has taken it.
func (s *Shared) PurgeSome(ctx context.Context, scopes ...Scope) error {
	b := s.bill(scopes...)
	failed, err := s.carry(ctx, &b)
	if err != nil && failed == b.parts() {
		s.debts.owe(&b)
		return err
	}
	return s.Wait(ctx, s.Every+s.Every/16)
}

// PaySettlingAll takes off all debts when a part of the store has taken them, or those of records or of marks alone.
func (s *Shared) PaySettlingAll(ctx context.Context, records, marks bool) error {
	b, number := s.debts.all()
	failed, err := s.carry(ctx, &b)
	if err != nil && failed == b.parts() {
		return err
	}
	settled := b.within(^failed)
	if records {
		settled.records = b.records
	}
	if marks {
		settled.marks = b.marks
	}
	s.debts.settle(&settled, number)
	return nil
}

// JudgeElsewhere judges an entry of one path by the debts of the partition of another.
func (s *Shared) JudgeElsewhere(l *Look, b *Basis, path, other string) (State, bool) {
	mine := s.swap(path, other)
	defer s.swapBack(mine)
	return s.Judge(l, b)
}

// StateElsewhere does the same.
func (s *Shared) StateElsewhere(ctx context.Context, l *Look, b *Basis, path, other string) (State, error) {
	mine := s.swap(path, other)
	defer s.swapBack(mine)
	return s.State(ctx, l, b)
}

func (s *Shared) swap(path, other string) int {
	if !s.Sharded {
		return 0
	}
	p := &s.parts[target.Partition(path)]
	p.number = target.Partition(other)
	return target.Partition(path)
}

func (s *Shared) swapBack(number int) { s.parts[number].number = number }

// Rearrange gives a ticket the arrangement as it is now.
func (s *Shared) Rearrange(ctx context.Context, t *Ticket) error {
	l := s.Look()
	if err := l.arrange(ctx); err != nil || s.Arrangement == nil {
		return err
	}
	_, at, _ := strings.Cut(string(t.Basis.Place), behindArrangement)
	t.Basis.Place = l.place(Position(at))
	return nil
}

// PurgeUnarranged purges, and does not ask for the arrangement.
func (s *Shared) PurgeUnarranged(ctx context.Context, scopes ...Scope) error {
	b := s.bill(scopes...)
	if failed, err := s.carry(ctx, &b); err != nil {
		owed := b.within(failed)
		s.debts.owe(&owed)
		return err
	}
	if len(b.records) == 0 {
		return nil
	}
	return s.Wait(ctx, s.Every+s.Every/16)
}

// PurgeOwingSoftly owes what the store does not take as if it were a soft purge.
func (s *Shared) PurgeOwingSoftly(ctx context.Context, scopes ...Scope) error {
	b := s.bill(scopes...)
	err := s.purge(ctx, &b)
	if err != nil && s.debts.count.Load() > 0 {
		owed, number := s.debts.all()
		s.debts.settle(&owed, number)
		soft := owed.softly()
		s.debts.owe(&soft)
	}
	return err
}

func (b bill) softly() bill {
	soft := bill{records: b.records}
	for _, one := range b.marks {
		one.soft = true
		soft.marks = append(soft.marks, one)
	}
	return soft
}

// PaySoftly carries out what is owed as if all of it were soft purges.
func (s *Shared) PaySoftly(ctx context.Context) error {
	b, number := s.debts.all()
	soft := b.softly()
	if _, err := s.carry(ctx, &soft); err != nil {
		return err
	}
	s.debts.settle(&b, number)
	return nil
}

// LookOf begins a look-up of what an entry stands on.
func (s *Shared) LookOf(b *Basis) *Look { return s.lookIn(s.partOfBasis(b)) }

// ShareHard has a look know the words of hard marks that others have read, and others those that it has.
func (l *Look) ShareHard(known *[]Mark) {
	for _, m := range *known {
		if _, read := l.hard(m.Scope); !read {
			l.hards = append(l.hards, m)
		}
	}
	*known = append([]Mark(nil), l.hards...)
}

// AnyHard returns a basis whose words of hard marks are those that a look has read.
func (l *Look) AnyHard(b *Basis) *Basis {
	any := *b
	any.Marks = append([]Mark(nil), b.Marks...)
	for i := range any.Marks {
		if word, read := l.hard(any.Marks[i].Scope); read {
			any.Marks[i].Hard = word
		}
	}
	return &any
}
