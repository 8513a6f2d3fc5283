package purge_test

import (
	"slices"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/purge/sim"
)

// plan is what one schedule is made of.
type plan struct {
	processes                        int
	focus                            purge.Scope // what purges name most
	purgesFail                       bool        // and nothing else does
	soft, near, noLog, prefixes, own bool
	keep                             int
	faults                           int       // of a hundred commands
	fault                            sim.Fault // what becomes of them all; Fine for any
	steps                            int       // the tenth that answers in a step of its own
	tags                             []purge.Scope
	known                            [pages][]purge.Scope
}

func pathOf(page int) string { return [pages]string{"/a/1", "/a/2"}[page] }

var (
	allTags  = []purge.Scope{{Kind: purge.Tag, Name: "t"}, {Kind: purge.Tag, Name: "u"}, {Kind: purge.Group, Name: "g"}}
	allKnown = [pages][]purge.Scope{knownOf(0), knownOf(1)}
)

func knownOf(page int) []purge.Scope {
	return []purge.Scope{{Kind: purge.Path, Name: pathOf(page)}, purge.OfHostPath("h", pathOf(page)),
		{Kind: purge.Namespace, Name: "n"}, {Kind: purge.Identity, Name: "i"}}
}

func (f *fleet) chance(percent int) bool { return f.rng.IntN(100) < percent }

func (f *fleet) makePlan() {
	p := &f.plan
	p.processes = 1 + f.rng.IntN(2)
	p.soft, p.near, p.noLog = f.chance(20), f.chance(30), f.chance(4)
	p.prefixes, p.own = f.chance(15), f.chance(10)
	p.keep = []int{2, 8, 64}[f.rng.IntN(3)]
	p.faults = []int{0, 0, 2, 10, 40}[f.rng.IntN(5)]
	p.purgesFail = f.chance(60)
	if f.chance(40) {
		p.fault = sim.Fault(f.rng.IntN(5))
	}
	p.steps = f.rng.IntN(4)
	p.tags = allTags[:f.rng.IntN(len(allTags)+1)]
	for page := range p.known {
		p.known[page] = allKnown[page][:1+f.rng.IntN(len(allKnown[page]))]
	}
	if f.chance(10) { // of debts alone
		*p = plan{processes: 1, purgesFail: true, faults: 50, fault: sim.Refused, steps: 5, keep: 8}
		for page := range p.known {
			p.known[page] = allKnown[page][:1]
		}
	}
	from := p.known[0]
	if len(p.tags) > 0 && f.chance(60) {
		from = p.tags
	}
	p.focus = from[f.rng.IntN(len(from))]
	f.setUp()
}

// setUp has the world do what the plan says.
func (f *fleet) setUp() {
	w, p := f.w, &f.plan
	tick := int64([]time.Duration{time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond}[f.rng.IntN(3)])
	if !p.prefixes {
		tick = int64(time.Millisecond)
	}
	w.Tick = func() time.Duration { return time.Duration(f.rng.Int64N(tick)) }
	w.Sticky = []int{0, 60, 85}[f.rng.IntN(3)]
	if p.steps > 0 {
		w.Pause = func() bool { return f.rng.IntN(10) < p.steps }
	}
	if p.faults > 0 {
		w.Fault = func() sim.Fault {
			name := w.Running().Name
			if !f.chance(p.faults) || p.purgesFail && name != "purge" {
				return sim.Fine
			}
			f.failures++
			if p.fault != sim.Fine {
				return p.fault
			}
			return sim.Fault(1 + f.rng.IntN(4))
		}
	}
}

// populate adds the actors of a plan, and what happens by itself.
func (f *fleet) populate() {
	p := &f.plan
	some := func() int { return f.rng.IntN(p.processes) }
	page := func() int { return f.rng.IntN(10) / 8 } // one is asked for more often
	for range 1 + f.rng.IntN(3) {
		f.act("fill", some(), page(), f.fill)
	}
	for range 1 + f.rng.IntN(2) {
		scopes := f.someScopes(page())
		f.act("purge", some(), 0, func(q *process, _ int) { f.purge(q, scopes) })
	}
	if p.own {
		for range 1 + f.rng.IntN(2) {
			f.act("own", some(), page(), f.ownFill)
		}
	}
	if p.prefixes && f.chance(50) {
		f.act("hit", some(), page(), func(q *process, page int) { f.hit(q, page, true); f.hit(q, page, true) })
	}
	for range f.rng.IntN(3) {
		f.act("hit", some(), page(), func(q *process, page int) { f.hit(q, page, true) })
	}
	if f.chance(30) {
		f.act("queued", some(), page(), f.queued)
	}
	if f.chance(40) {
		f.act("follower", some(), page(), f.follow)
	}
	if p.near {
		f.act("near", some(), page(), f.keepNear)
	}
	if p.faults > 0 {
		for q := range p.processes {
			f.act("payer", q, 0, f.pay)
		}
		f.act("debtor's hit", some(), page(), func(q *process, page int) {
			f.w.Until(func() bool { return q.p.Owed() > 0 })
			f.hit(q, page, true)
		})
	}
	f.addEvents()
}

func (f *fleet) addEvents() {
	w := f.w
	if f.chance(20) {
		w.Events = append(w.Events, f.loseMark)
	}
	if f.chance(10) {
		w.Events = append(w.Events, func() { f.loseOf(w.Lose) })
	}
	if f.chance(10) {
		w.Events = append(w.Events, func() { f.loseOf(w.Trim) })
	}
	if f.chance(10) {
		w.Events = append(w.Events, func() { w.Say("full"); w.Full = true }, func() { w.Say("not full"); w.Full = false })
	}
	if f.chance(10) {
		down := -1
		w.Down = func() bool { return down >= 0 }
		w.Events = append(w.Events, func() { w.Say("down"); down = 0 }, func() { w.Say("up"); down = -1; w.Down = nil })
	}
	if f.chance(10) {
		w.Events = append(w.Events, func() { f.restart(f.rng.IntN(len(f.procs))) })
	}
}

// loseMark loses the mark of something that a page stands on, or the pulse.
func (f *fleet) loseMark() {
	scopes := append(slices.Clone(f.plan.known[0]), f.plan.tags...)
	key := scopes[f.rng.IntN(len(scopes))].Key("")
	if f.chance(10) {
		key = purge.PulseKey("")
	}
	f.w.Lose(key)
}

func (f *fleet) loseOf(lose func(key string)) {
	if f.plan.prefixes && f.chance(50) {
		lose(purge.PrefixLog(""))
		return
	}
	lose(purge.TagLog(""))
}

// restart kills a process: what it owes is forgotten, and what it had in memory.
func (f *fleet) restart(number int) {
	f.w.Say("process %d is restarted", number)
	for _, a := range f.procs[number].actors {
		a.Stop()
	}
	f.procs[number] = f.newProcess(number)
}

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

// both returns scopes with their soft ones, if there are soft purges.
func (f *fleet) both(scopes []purge.Scope) []purge.Scope {
	if !f.plan.soft {
		return slices.Clone(scopes)
	}
	list := make([]purge.Scope, 0, 2*len(scopes))
	for _, s := range scopes {
		list = append(list, s, s.Softly())
	}
	return list
}

// lookUp reads the marks of scopes and what is stored for a page, each in a step of its own or both in one. It is nil if the store failed.
func (f *fleet) lookUp(q *process, page int, scopes []purge.Scope) (look *purge.Look, e *entry) {
	look = q.p.Look(scopes...)
	keys := look.Keys()
	if f.chance(50) {
		e = f.stored[page]
	}
	words, err := f.w.Words(ctx, keys...)
	if e == nil {
		e = f.stored[page]
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
		f.w.Until(func() bool { return f.stored[page] != nil })
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

// keepNear keeps an entry near its process, and asks for it.
func (f *fleet) keepNear(q *process, page int) {
	f.w.Until(func() bool { return f.stored[page] != nil })
	var place purge.Place
	var err error
	if !f.mistake.user.marksBeforePlace {
		if place, err = q.p.Place(ctx); err != nil {
			return
		}
	}
	e := f.stored[page]
	if e == nil || f.w.Stopped() {
		return
	}
	if left, err := q.p.State(ctx, nil, &e.basis); err != nil || left != purge.Valid {
		return
	}
	if f.mistake.user.marksBeforePlace {
		if place, err = q.p.Place(ctx); err != nil {
			return
		}
	}
	q.near[page] = &nearEntry{e, place}
	for range 2 {
		f.w.Yield()
		f.askNear(q, page)
	}
}

// askNear asks for what is kept near.
func (f *fleet) askNear(q *process, page int) {
	n := q.near[page]
	if n == nil || f.w.Stopped() {
		return
	}
	began, beganAt := f.w.Step, f.w.Clock
	left, err := q.p.Standing(ctx, &n.entry.basis)
	if err != nil {
		return
	}
	if !f.mistake.user.deaf {
		heard, err := q.p.Heard(ctx, n.place)
		if err != nil {
			return
		}
		if !heard.Complete {
			q.near[page] = nil
		}
		left = min(left, heard.Left(&n.entry.basis))
	}
	if f.w.Stopped() {
		return
	}
	f.w.Say("near by %s: %s", n.entry.by, names[left])
	f.served(q, n.entry, began, beganAt, left, "the near tier")
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
		c.done = f.w.Step
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
