package purge_test

import (
	"slices"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
)

// act adds an actor of a process that is the one with a number when the actor begins.
func (f *fleet) act(name string, number, page int, body func(q *process, page int)) {
	f.w.Go(name, func() {
		q := f.procs[number]
		q.actors = append(q.actors, f.w.Running())
		body(q, page)
	})
}

// someScopes are what a purge names: often what a page stands on.
func (f *fleet) someScopes(page int) []purge.Scope {
	p := &f.plan
	if p.prefixes && f.chance(60) {
		scope := []purge.Scope{{Kind: purge.All}, {Kind: purge.Prefix, Name: "/a/"}, {Kind: purge.Prefix, Name: "/a/1"}}[f.rng.IntN(3)]
		scope.Soft = f.chance(30)
		return []purge.Scope{scope}
	}
	scopes := []purge.Scope{p.focus}
	if !f.chance(70) {
		from := append(slices.Clone(p.known[page]), p.tags...)
		scopes[0] = from[f.rng.IntN(len(from))]
	}
	if f.chance(30) {
		scopes = append(scopes, p.known[page][f.rng.IntN(len(p.known[page]))])
	}
	if p.soft && f.chance(60) {
		for i := range scopes {
			scopes[i].Soft = true
		}
	}
	return scopes
}

// lookUp reads the marks of scopes and what is stored for a page, each in a step of its own or both in one. It is nil if the store failed.
func (f *fleet) lookUp(q *process, page int, scopes []purge.Scope) (look *purge.Look, e *entry) {
	look = q.p.Look(scopes...)
	keys := look.Keys()
	if f.chance(50) {
		e = *f.at(q, page)
	}
	words, err := q.marks.Words(ctx, keys...)
	if e == nil {
		e = *f.at(q, page)
	}
	if err != nil || f.w.Stopped() {
		return nil, e
	}
	look.Read(words)
	return look, e
}

// state asks what is left of an entry, by what was read if that is enough.
func state(q *process, look *purge.Look, e *entry) (purge.State, error) {
	if look != nil {
		if state, ok := q.p.Judge(look, &e.basis); ok {
			return state, nil
		}
	}
	return q.p.State(ctx, look, &e.basis)
}

// hit asks for a page that is stored.
func (f *fleet) hit(q *process, page int, wait bool) {
	if wait {
		f.w.Until(func() bool { return *f.at(q, page) != nil })
	}
	began, beganAt := f.w.Step, f.w.Clock
	look, e := f.lookUp(q, page, f.plan.known[page])
	if e == nil || f.w.Stopped() {
		return
	}
	if f.chance(30) {
		f.w.Yield()
	}
	state, err := state(q, look, e)
	if f.w.Stopped() {
		return
	}
	f.w.Say("hit by %s: %s %v", e.by, names[state], err)
	f.served(q, e, began, beganAt, state, "a hit")
	f.spared(q, e, began, state, err)
}

// queued asks for a page whose write waits in its process.
func (f *fleet) queued(q *process, page int) {
	f.w.Until(func() bool { return q.queue[page] != nil || q.fills == 0 })
	e := q.queue[page]
	if e == nil {
		return
	}
	began, beganAt := f.w.Step, f.w.Clock
	left, err := purge.Valid, error(nil)
	if !f.mistake.user.servesQueueUnasked {
		left, err = q.p.State(ctx, nil, &e.basis)
	}
	if f.w.Stopped() {
		return
	}
	f.w.Say("queued by %s: %s %v", e.by, names[left], err)
	f.served(q, e, began, beganAt, left, "the queue")
	f.spared(q, e, began, left, err)
}

// follow waits for a flight.
func (f *fleet) follow(q *process, page int) {
	began, beganAt := f.w.Step, f.w.Clock
	look, _ := f.lookUp(q, page, f.plan.known[page])
	if look != nil && f.chance(50) {
		if q.p.NotePosition(ctx, look) != nil {
			return
		}
	}
	f.w.Until(func() bool { return q.flight[page] != nil || q.fills == 0 })
	fl := q.flight[page]
	if fl == nil || f.w.Stopped() {
		return
	}
	left, err := purge.Valid, error(nil)
	if !f.mistake.user.followsUnasked {
		left, err = q.p.Follow(ctx, look, &fl.ticket, fl.late)
	}
	if f.w.Stopped() {
		return
	}
	f.w.Say("follows %s: %s %v", fl.entry.by, names[left], err)
	f.served(q, fl.entry, began, beganAt, left, "a follower")
}

// hear has a near tier look at the log.
func (f *fleet) hear(q *process) {
	if q.tier == nil || q.looks || f.w.Stopped() {
		return
	}
	q.looks = true
	began, at := f.w.Step, f.w.Clock
	err := q.tier.Look(ctx)
	q.looks = false
	if !f.w.Stopped() && err == nil {
		f.w.Say("has heard")
		q.heard, q.at = began, at
	}
}

// keepNear keeps an entry near its process, and asks for it.
func (f *fleet) keepNear(q *process, page int) {
	if q.tier == nil {
		return
	}
	defer func() { q.tries++ }()
	for i := 0; i < 4 && !q.tier.Answers(f.w.Clock); i++ {
		f.hear(q)
		_ = f.w.Wait(ctx, time.Duration(f.rng.Int64N(int64(2*every))))
	}
	f.w.Until(func() bool { return *f.at(q, page) != nil })
	began := q.tier.Begin(f.w.Clock)
	e := *f.at(q, page)
	if e == nil || f.w.Stopped() {
		return
	}
	if left, err := q.p.State(ctx, nil, &e.basis); err != nil || left != purge.Valid || f.w.Stopped() {
		return
	}
	if f.mistake.user.marksBeforePlace {
		began = q.tier.Begin(f.w.Clock)
	}
	basis, ok := q.tier.Keep(began, &e.basis, pathOf(page))
	if !ok {
		return
	}
	f.w.Say("keeps that by %s near", e.by)
	q.near[page] = &nearEntry{e, basis}
	for range 4 {
		f.w.Yield()
		if f.chance(60) {
			f.hear(q)
		}
		f.askNear(q, page)
		if f.plan.close {
			_ = f.w.Wait(ctx, time.Duration(f.rng.Int64N(int64(every))))
		}
	}
}

// askNear asks for what is kept near.
func (f *fleet) askNear(q *process, page int) {
	n := q.near[page]
	if n == nil || f.w.Stopped() || !q.tier.Answers(f.w.Clock) {
		return
	}
	left := q.tier.Left(&n.basis)
	f.w.Say("near by %s: %s", n.entry.by, names[left])
	f.servedNear(q, n.entry, f.w.Step, f.w.Clock, left)
}

// purge changes what scopes are of, and purges them.
func (f *fleet) purge(q *process, scopes []purge.Scope) {
	c := &change{scopes: scopes, at: f.w.Step, by: q}
	f.changes = append(f.changes, c)
	f.w.Say("changes what %s is of", show(scopes[0]))
	f.w.Yield()
	if f.w.Stopped() {
		return
	}
	f.returned(c, q.p.Purge(ctx, scopes...))
}

func (f *fleet) returned(c *change, err error) {
	if f.w.Stopped() {
		return
	}
	f.w.Say("the purge of %s returns %v", show(c.scopes[0]), err)
	if err == nil {
		c.done, c.doneAt = f.w.Step, f.w.Clock
	} else {
		c.failed = f.w.Step
	}
}

// pay carries out what a process owes, when it owes something.
func (f *fleet) pay(q *process, _ int) {
	for range 2 {
		f.w.Until(func() bool { return q.p.Owed() > 0 })
		began := f.w.Step
		err := q.p.Pay(ctx)
		if f.w.Stopped() {
			return
		}
		f.w.Say("pays: %v", err)
		if err != nil {
			continue
		}
		all := slices.ContainsFunc(f.changes, func(c *change) bool { // a debt of everything takes the place of the others
			return c.by == q && c.failed > 0 && c.scopes[0] == purge.Scope{Kind: purge.All}
		})
		for _, c := range f.changes {
			if c.by == q && c.failed > 0 && c.failed < began && c.paid == 0 {
				c.paid, c.paidAt, c.slow = f.w.Step, f.w.Clock, all || slices.ContainsFunc(c.scopes, rare)
			}
		}
	}
}
