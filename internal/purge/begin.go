package purge

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Begin takes the ticket of a fill: the position in the log and the words, side by side. A scope is judged by one of them alone, and both are from before
// the fill.
func (s *Shared) Begin(ctx context.Context, l *Look, f Fill) (Ticket, error) {
	b, err := s.prepare(ctx, l, f)
	if err != nil {
		return Ticket{}, err
	}
	add := func() error { return s.add(ctx, &b.ticket, b.marks, b.missing, lifeFor(f.TTL)) }
	if b.located(f) {
		err = add()
	} else {
		var added, located error
		s.Beside(2, func(i int) {
			if i == 0 {
				added = add()
			} else {
				located = b.locate(ctx)
			}
		})
		err = cmp.Or(added, located)
	}
	if err != nil {
		return Ticket{}, err
	}
	return b.ended(), nil
}

// beginning is a fill that begins.
type beginning struct {
	ticket  Ticket
	marks   []Mark // of what is known, and then of what is guessed
	known   int
	missing []int // the numbers of those whose words are to be taken from the store
	own     []Mark
}

// prepare does what a fill begins with, but for the words that are to be taken from the store.
func (s *Shared) prepare(ctx context.Context, l *Look, f Fill) (*beginning, error) {
	b := &beginning{ticket: Ticket{own: f.Own, plain: f.Plain}}
	t := &b.ticket
	scopes := make([]Scope, 0, len(f.Known)+len(f.Guessed))
	for _, scope := range f.Known {
		if !scope.Kind.rare() && find(scopes, scope) < 0 {
			scopes = append(scopes, scope)
		}
	}
	part := s.partOf(scopes)
	t.part = part
	if l == nil || l.part != part {
		l = s.lookIn(part)
	}
	if s.debts.left(part.number, each(scopes)) < Valid {
		return nil, ErrOwed
	}
	if err := l.arrange(ctx); err != nil {
		return nil, err
	}
	v, err := part.ensure(ctx, l.began) // older than the handler's data: the purges of a second more count
	if err != nil {
		return nil, err
	}
	t.Basis.Place = l.place(v.end)
	if b.own, err = s.claim(ctx, t, scopes); err != nil {
		return nil, err
	}
	b.known = len(scopes)
	for _, guess := range f.Guessed {
		if find(scopes, guess) < 0 {
			scopes = append(scopes, guess)
		}
	}
	b.marks, b.missing = s.take(t, l, scopes, f.TTL)
	return b, nil
}

// located tells whether a fill has its position in the log of tags, if it is to have one: that which was read last is good for a while.
func (b *beginning) located(f Fill) bool {
	part := b.ticket.part
	if !f.Late || part.s.Log == nil {
		return true
	}
	b.ticket.log = part.lastPosition()
	return b.ticket.log != ""
}

// locate reads the position of a fill.
func (b *beginning) locate(ctx context.Context) (err error) {
	b.ticket.log, err = b.ticket.part.position(ctx)
	return err
}

// ended returns the ticket of a fill that has all its words.
func (b *beginning) ended() Ticket {
	b.ticket.Basis.Marks, b.ticket.guessed = append(b.marks[:b.known:b.known], b.own...), b.marks[b.known:]
	return b.ticket
}

// claim gives a fill with Own marks beside those of its paths: a purge by another request deletes both, and its own purge the path's
// alone. They are this fill's only if it has added them itself. Otherwise another such fill is under way, whose own purge
// would not be seen: then the purge of this one is like any other, and deletes both.
func (s *Shared) claim(ctx context.Context, t *Ticket, scopes []Scope) (own []Mark, err error) {
	if !t.own {
		return nil, nil
	}
	var keys []string
	for _, scope := range scopes {
		if beside, ok := scope.own(); ok {
			base := s.at(&beside, t.part).base
			own, keys = append(own, Mark{Scope: beside}), append(keys, beside.id().key(base), beside.id().hardKey(base))
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	if err := s.Marks.Delete(ctx, keys...); err != nil {
		return nil, err
	}
	var mu sync.Mutex // of made, for the store may ask for words in parallel, and behind the call
	made := make(map[string]bool)
	until := s.Now().Add(2 * usualLife)
	words, err := s.Marks.Add(ctx, 2*usualLife, func() string {
		word := newWord(until, s.Random)
		mu.Lock()
		defer mu.Unlock()
		made[word] = true
		return word
	}, keys...)
	if err != nil {
		return nil, err
	}
	mu.Lock()
	defer mu.Unlock()
	if len(words) != len(keys) {
		return nil, tooFew(words, keys)
	}
	for i := range own {
		own[i].Word, own[i].Hard = words[2*i], words[2*i+1]
		t.own = t.own && made[words[2*i]] && made[words[2*i+1]]
	}
	t.live(until)
	return own, nil
}

// take returns the words of scopes: those that the look has read, if they live long enough and this process knows which words the hard marks
// had with them. Of the others it returns the numbers.
func (s *Shared) take(t *Ticket, l *Look, scopes []Scope, ttl time.Duration) (marks []Mark, missing []int) {
	need := s.Now().Add(lifeFor(ttl))
	marks = make([]Mark, len(scopes))
	good := l.paid == s.debts.paid.Load()
	for i, scope := range scopes {
		marks[i].Scope = scope
		word, _ := l.word(i, scope)
		hard, until := s.lives.of(scope.id().in(s.at(&scope, t.part)), word)
		if good && word != "" && (hard != "" || t.plain) && !until.Before(need) {
			marks[i].Word, marks[i].Hard = word, hard
			t.live(until)
		} else {
			missing = append(missing, i)
		}
	}
	return marks, missing
}

// add gives marks, by their numbers, the words that the store has or gets, and has them live for twice a life. Those of the hard marks come
// with them.
func (s *Shared) add(ctx context.Context, t *Ticket, marks []Mark, numbers []int, life time.Duration) error {
	if len(numbers) == 0 {
		return nil
	}
	ids, keys := s.wanted(t, marks, numbers)
	now := s.Now()
	words, err := s.Marks.Add(ctx, 2*life, s.maker(now.Add(2*life)), keys...)
	if err != nil {
		return err
	}
	if len(words) != len(keys) {
		return tooFew(words, keys)
	}
	return s.give(t, marks, numbers, ids, words, now.Add(life))
}

// wanted returns the marks of a fill whose words are to be taken, by their numbers, and the keys of these words.
func (s *Shared) wanted(t *Ticket, marks []Mark, numbers []int) (ids []markID, keys []string) {
	ids, keys = make([]markID, len(numbers)), make([]string, 0, 2*len(numbers))
	for k, i := range numbers {
		part := s.at(&marks[i].Scope, t.part)
		ids[k] = marks[i].Scope.id().in(part)
		if keys = append(keys, ids[k].key(part.base)); !t.plain {
			keys = append(keys, ids[k].hardKey(part.base))
		}
	}
	return ids, keys
}

// give gives the marks that were wanted the words of their keys, which live until a moment at least.
func (s *Shared) give(t *Ticket, marks []Mark, numbers []int, ids []markID, words []string, until time.Time) error {
	if slices.Contains(words, "") {
		return fmt.Errorf("purge: the store has added a mark without a word")
	}
	for k, i := range numbers {
		word, hard := words[k], ""
		if !t.plain {
			word, hard = words[2*k], words[2*k+1]
		}
		marks[i].Word, marks[i].Hard = word, hard
		s.lives.note(ids[k], lengthened{until, word, hard})
	}
	t.live(until)
	return nil
}

func tooFew(words, keys []string) error {
	return fmt.Errorf("purge: the store returned %d words for %d marks", len(words), len(keys))
}

// live notes until when a mark of the ticket lives.
func (t *Ticket) live(until time.Time) {
	if t.until.IsZero() || until.Before(t.until) {
		t.until = until
	}
}

// lifeFor returns how long marks have to live for what is kept for ttl.
func lifeFor(ttl time.Duration) time.Duration {
	if ttl <= 0 {
		ttl = usualLife
	}
	return min(ttl, longestLife) + leastLife
}

// Name adds scopes to a ticket: the words of the marks first, then the log. A purge whose record the log did not have yet will
// delete the word that was taken; one whose record it has may have done so before. What was guessed needs no log.
func (s *Shared) Name(ctx context.Context, t *Ticket, late []Scope, ttl time.Duration) (bool, error) {
	if s.debts.left(t.part.number, each(late)) < Valid {
		return false, ErrOwed
	}
	marks := t.Basis.Marks[:len(t.Basis.Marks):len(t.Basis.Marks)]
	named := len(marks)
	for _, scope := range late {
		if i := find(marksOf(t.guessed), scope); i >= 0 && !on(marks, scope) {
			marks = append(marks, t.guessed[i])
		}
	}
	fresh := len(marks)
	for _, scope := range late {
		if !scope.Kind.rare() && !on(marks, scope) {
			marks = append(marks, Mark{Scope: scope})
		}
	}
	if len(marks) > fresh && t.log == "" {
		return false, nil
	}
	kept, err := s.lengthen(ctx, t, marks, fresh, ttl)
	if !kept || err != nil {
		return false, err
	}
	if purged, err := s.purgedSince(ctx, t, marks[fresh:]); purged || err != nil {
		return false, err
	}
	if len(marks) > named {
		t.Basis.Marks = marks
	}
	return true, nil
}

// lengthen takes the words of new marks, and has those before live for ttl too, if they may not. One that has another word by then was
// purged or lost. What a hard mark has by then is not for those before: it may have been purged since the data was read.
func (s *Shared) lengthen(ctx context.Context, t *Ticket, marks []Mark, fresh int, ttl time.Duration) (kept bool, err error) {
	var numbers []int
	from := fresh
	if ttl > 0 && t.until.Before(s.Now().Add(min(ttl, longestLife))) {
		from, t.until = 0, time.Time{}
	}
	for i := from; i < len(marks); i++ {
		numbers = append(numbers, i)
	}
	now := append([]Mark(nil), marks...)
	if err := s.add(ctx, t, now, numbers, lifeFor(ttl)); err != nil {
		return false, err
	}
	for i := range fresh {
		if now[i].Word != marks[i].Word {
			return false, nil
		}
	}
	copy(marks[fresh:], now[fresh:])
	return true, nil
}

// purgedSince tells whether one of marks was purged since the fill of a ticket began, by the log of tags, or that cannot be told.
func (s *Shared) purgedSince(ctx context.Context, t *Ticket, marks []Mark) (bool, error) {
	if len(marks) == 0 {
		return false, nil
	}
	if t.log == "" || s.Log == nil {
		return true, nil
	}
	records, _, complete, err := s.Log.Since(ctx, t.part.tags, t.log)
	if err != nil || !complete {
		t.part.noted.Store(nil) // the next fill is to have one that the log goes back to
		return true, err
	}
	for i := range marks {
		named := marks[i].Scope.id()
		hard, soft := named.logged(false), named.logged(true)
		for purged := range purgesIn(records) {
			if purged == hard || purged == soft {
				return true, nil
			}
		}
	}
	return false, nil
}

// NotePosition has a look note where the log of tags is, in its partition.
func (s *Shared) NotePosition(ctx context.Context, l *Look) (err error) {
	if s.Log != nil {
		l.tags, err = s.Log.End(ctx, l.part.tags, LogLife)
	}
	return err
}

// Follow tells what is left of a response whose fill has the ticket. The words of the fill must be those that the look has read: then
// the fill, for all that this request can know, began behind the purges that had returned when the request began. What the response
// stands on beside that has no word yet, so the log tells.
func (s *Shared) Follow(ctx context.Context, l *Look, t *Ticket, late []Scope) (State, error) {
	state, err := s.State(ctx, l, &t.Basis)
	if state == Gone || err != nil {
		return Gone, err
	}
	var unnamed []Mark
	for _, scope := range late {
		if !scope.Kind.rare() && !t.Basis.on(scope) {
			unnamed = append(unnamed, Mark{Scope: scope})
		}
	}
	if s.debts.left(t.part.number, each(late)) < Valid {
		return Gone, nil
	}
	if l != nil && l.part == t.part && l.tags != "" && l.tags == t.log && l.paid == s.debts.paid.Load() {
		return state, nil // nothing was purged between the beginning of the fill and that of this request
	}
	if purged, err := s.purgedSince(ctx, t, unnamed); purged || err != nil {
		return Gone, err
	}
	return state, nil
}

// each is the sequence of scopes.
func each(scopes []Scope) func(yield func(Scope) bool) {
	return func(yield func(Scope) bool) {
		for _, s := range scopes {
			if !yield(s) {
				return
			}
		}
	}
}

func find(scopes []Scope, scope Scope) int {
	for i := range scopes {
		if scopes[i] == scope {
			return i
		}
	}
	return -1
}

func marksOf(marks []Mark) []Scope { return (&Basis{Marks: marks}).list() }

func on(marks []Mark, scope Scope) bool { return (&Basis{Marks: marks}).on(scope) }
