package purge_test

import (
	"slices"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
)

// handler is what the handler of a fill does with its tags.
type handler struct {
	known, guessed, during, after []purge.Scope
}

// named are the tags that it names.
func (h *handler) named() []purge.Scope { return slices.Concat(h.guessed, h.during, h.after) }

// newHandler decides when tags become known: before the handler runs, as ones that the entry before had, before it reads its data, or after.
func (f *fleet) newHandler(page int) (h handler) {
	h.known = slices.Clone(f.plan.known[page])
	for _, tag := range f.plan.tags {
		switch k := f.rng.IntN(10); {
		case k < 1:
			h.known = append(h.known, tag)
		case k < 3:
			h.guessed = append(h.guessed, tag)
		case k < 4:
			h.during = append(h.during, tag)
		case k < 8:
			h.after = append(h.after, tag)
		}
	}
	return h
}

// fill fills a page.
func (f *fleet) fill(q *process, page int) {
	q.fills++
	defer func() { q.fills-- }()
	h := f.newHandler(page)
	e := &entry{page: page, by: f.w.Running().Name, began: f.w.Step, beganAt: f.w.Clock}
	var look *purge.Look
	var old *entry
	if f.chance(60) {
		if look, old = f.lookUp(q, page, h.known); f.w.Stopped() {
			return
		}
	}
	if old = f.toValidate(q, look, old); old != nil {
		h.guessed = union(h.guessed, old.tags)
	}
	late := len(h.during)+len(h.after) > 0 || f.chance(30)
	t, err := f.begin(q, page, look, purge.Fill{Known: h.known, Guessed: h.guessed, Late: late})
	f.w.Say("begins: %v %v, guessed %v", err, h.known, h.guessed)
	if err != nil || f.w.Stopped() {
		return
	}
	ok := f.name(q, &t, e, h.during)
	f.w.Yield()
	e.read = f.w.Step
	f.w.Say("reads")
	f.slow = true
	if f.plan.few {
		_ = f.w.Wait(ctx, 2*every)
	}
	if old != nil && f.chance(70) { // a 304: what is stored is as good as what would be read now, and so are its tags
		if f.mistake.user.forgetsOldTags {
			h.guessed, h.during = nil, nil
		}
		if f.mistake.user.keepsOldWords {
			t.Basis = old.basis
		}
		f.w.Say("304")
		e.about = union(e.about, old.tags)
	}
	e.tags = h.named()
	e.about = union(e.about, slices.Concat(h.known, e.tags))
	f.w.Yield()
	q.flight[page] = &flight{ticket: t, entry: e, late: e.tags}
	if f.mistake.user.queuesEarly {
		e.basis = t.Basis
		q.queue[page] = e
	}
	if ok && f.name(q, &t, e, e.tags) && !f.w.Stopped() {
		f.keep(q, e, &t)
	}
}

// begin begins a fill, in some schedules together with one of the other page.
func (f *fleet) begin(q *process, page int, look *purge.Look, fill purge.Fill) (purge.Ticket, error) {
	if f.plan.together < 0 {
		return q.p.Begin(ctx, look, fill)
	}
	looks, fills := make([]*purge.Look, 2), make([]purge.Fill, 2)
	own := f.plan.together
	looks[own], fills[own], fills[1-own] = look, fill, purge.Fill{Known: f.plan.known[1-page], Guessed: f.plan.tags, Late: true}
	tickets, errs := q.p.BeginMany(ctx, looks, fills)
	return tickets[own], errs[own]
}

// toValidate returns what a fill is to validate, if anything.
func (f *fleet) toValidate(q *process, look *purge.Look, old *entry) *entry {
	if look == nil || old == nil || !f.chance(50) {
		return nil
	}
	if left, err := state(q, look, old); err != nil || left == purge.Gone || f.w.Stopped() {
		return nil
	}
	return old
}

// name names tags.
func (f *fleet) name(q *process, t *purge.Ticket, e *entry, tags []purge.Scope) bool {
	var ttl time.Duration
	if f.chance(20) {
		ttl = time.Hour
	}
	kept, err := q.p.Name(ctx, t, tags, ttl)
	f.w.Say("names %v: %t %v", tags, kept, err)
	if !kept && err == nil && f.failures == 0 && !f.plan.noLog && !f.w.Stopped() {
		f.keptFor(e, t, tags)
	}
	return kept && err == nil
}

// keptFor checks the other side: a fill is kept if nothing concerned it.
func (f *fleet) keptFor(e *entry, t *purge.Ticket, tags []purge.Scope) {
	log := purge.TagLog(pathOf(e.page), f.plan.sharded())
	if f.plan.lists || f.broken[log] > 0 || f.appended[log] >= f.plan.keep || t.Position() == "" {
		return
	}
	for _, m := range t.Basis.Marks {
		if f.gone[f.key(m.Scope, e.page)] >= e.began {
			return
		}
	}
	for _, s := range tags {
		if f.gone[f.key(s, e.page)] >= e.began || f.purging(s, e.beganAt) {
			return
		}
	}
	f.fail("page %d by %s is not kept, and nothing that it stands on was purged or lost", e.page, e.by)
}

// purging tells whether a purge of a scope is under way, or may be behind the position of a fill that began at a moment: one that its process
// noted less than a second before.
func (f *fleet) purging(s purge.Scope, began time.Time) bool {
	return slices.ContainsFunc(f.changes, func(c *change) bool {
		named := slices.Contains(c.scopes, s) || slices.Contains(c.scopes, s.Softly())
		return named && (c.done == 0 || c.doneAt.Add(every).After(began))
	})
}

// keep queues an entry and writes it.
func (f *fleet) keep(q *process, e *entry, t *purge.Ticket) {
	e.basis, e.named = t.Basis, f.w.Step
	q.queue[e.page] = e
	_ = f.w.Do(q.server(e.page), func() error {
		f.w.Say("keeps page %d by %s: %v", e.page, e.by, e.basis.Marks)
		*f.at(q, e.page) = e
		return nil
	})
	if !f.w.Stopped() && q.queue[e.page] == e {
		q.queue[e.page] = nil
	}
}

// ownFill is an unsafe request that changes a page, purges it, and has a response of its own that is kept.
func (f *fleet) ownFill(q *process, page int) {
	q.fills++
	defer func() { q.fills-- }()
	known := f.plan.known[page]
	e := &entry{page: page, by: f.w.Running().Name, began: f.w.Step, beganAt: f.w.Clock, about: known}
	t, err := q.p.Begin(ctx, nil, purge.Fill{Known: known, Own: true})
	if err != nil || f.w.Stopped() {
		return
	}
	scopes := known[:1+f.rng.IntN(min(2, len(known)))]
	c := &change{scopes: scopes, at: f.w.Step, by: q}
	f.changes = append(f.changes, c)
	f.w.Say("changes page %d", page)
	f.w.Yield()
	e.read = f.w.Step
	f.w.Say("reads what it has changed")
	f.w.Yield()
	if f.w.Stopped() {
		return
	}
	f.returned(c, q.p.PurgeBy(ctx, &t, scopes...))
	if !f.w.Stopped() && f.name(q, &t, &entry{began: -1}, nil) {
		f.keep(q, e, &t)
	}
}

func union(a, b []purge.Scope) []purge.Scope {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a[:len(a):len(a)], s)
		}
	}
	return a
}
