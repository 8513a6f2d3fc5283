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

	servers int    // how many the store has
	lists   bool   // each process has a list of its own of them
	salt    uint64 // by which keys are spread
	alone   bool   // it is of partitions alone, or of lists
	few     bool   // and of no more than a fill that takes long, a purge meanwhile, and hits
	later   bool   // it is of a fill, a purge by another process, and a fill that comes later
	apart   bool   // the store has no command for a purge: see sim.Client
	full    bool   // it is of a fill, and of a purge of its tag that may find the store full
	close   bool   // it is of near tiers, and of what they are told
	untold  int    // of a hundred times, how often an arrangement cannot be told

	together int // the place of a fill among those that begin together; -1 where each begins alone
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

func (f *fleet) makePlan(seed uint64) {
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
	if p.servers = 1; f.chance(30) {
		p.servers, p.salt = 2+f.rng.IntN(servers-1), f.rng.Uint64()
		if p.lists = f.chance(40); p.lists {
			p.untold = []int{0, 10, 40}[f.rng.IntN(3)]
		}
	}
	if f.chance(10) { // of debts alone
		*p = plan{processes: 1, servers: 1, purgesFail: true, faults: 50, fault: sim.Refused, steps: 5, keep: 8}
		for page := range p.known {
			p.known[page] = allKnown[page][:1]
		}
	}
	switch k := f.rng.IntN(100); {
	case k < 5: // of partitions alone
		*p = plan{processes: 2, servers: 2, prefixes: true, salt: f.rng.Uint64(), steps: 2, keep: 8, known: p.known, alone: true}
	case k < 15: // of lists of servers alone
		*p = plan{processes: 2, servers: 2, lists: true, salt: f.rng.Uint64(), steps: 3, keep: 8, untold: 10 * f.rng.IntN(3), known: p.known, alone: true, few: k >= 12}
	case k < 20: // of marks that several partitions have, and what is owed to some of them
		*p = plan{processes: 2, servers: 2, salt: f.rng.Uint64(), steps: 3, keep: 8, tags: allTags[:1+f.rng.IntN(2)], known: p.known, alone: f.chance(50)}
	case k < 22: // of a position that may have been noted for an earlier fill
		*p = plan{processes: 2, servers: 1, steps: 2, keep: 8, tags: allTags[:1], known: p.known, later: true}
	case k < 24: // of a log that gets no record
		*p = plan{processes: 1, servers: 1, steps: 5, keep: 8, tags: allTags[:1], full: true}
		p.known[0] = allKnown[0][:1]
	case k < 26: // of processes that look at the log of prefixes at different times
		*p = plan{processes: 2, servers: 1, prefixes: true, steps: 2, keep: 8, known: p.known, alone: true}
	}
	if k := f.rng.IntN(100); k < 15 { // of a near tier
		*p = plan{processes: 2, servers: 1, steps: 2, keep: 8, tags: allTags[:f.rng.IntN(2)], known: p.known, near: true, close: true,
			prefixes: f.chance(30), soft: f.chance(20)}
		if f.chance(20) {
			p.servers, p.salt = 2, f.rng.Uint64()
		}
		if f.chance(20) {
			p.purgesFail, p.faults = true, 40
		}
	}
	p.apart = f.chance(30)
	if p.together = -1; seed%5 == 0 { // and not by chance, so that the schedules of others stay what they were
		p.together = int(seed / 5 % 2)
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
	if !p.prefixes && !p.lists {
		tick = int64(time.Millisecond)
	}
	if p.alone {
		tick = int64(300 * time.Millisecond)
	}
	w.Tick = func() time.Duration { return time.Duration(f.rng.Int64N(tick)) }
	w.Sticky = []int{0, 60, 85}[f.rng.IntN(3)]
	if p.steps > 0 {
		w.Pause = func() bool { return f.rng.IntN(10) < p.steps }
	}
	if p.soft {
		w.Turn = func() bool { return f.chance(50) }
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
	if p.few {
		f.act("fill", 0, 0, f.fill)
		f.act("purge", 1, 0, func(q *process, _ int) {
			f.w.Until(func() bool { return f.slow })
			f.purge(q, []purge.Scope{p.focus})
		})
		f.act("hit", 0, 0, func(q *process, page int) { f.hit(q, page, true) })
		return
	}
	if p.full {
		f.act("fill", 0, 0, f.fill)
		f.act("purge", 0, 0, func(q *process, _ int) {
			f.w.Until(func() bool { return f.slow })
			f.w.Full = f.chance(70)
			f.w.Events = append(f.w.Events, func() { f.w.Say("not full"); f.w.Full = false })
			f.purge(q, p.tags)
		})
		f.act("hit", 0, 0, func(q *process, page int) { f.hit(q, page, true) })
		return
	}
	if p.later {
		f.act("fill", 0, 0, func(q *process, page int) {
			f.fill(q, page)
			f.purge(f.procs[1], []purge.Scope{p.focus})
			_ = f.w.Wait(ctx, time.Duration(f.rng.Int64N(int64(2*every))))
			f.fill(q, page)
		})
		f.act("hit", 1, 0, func(q *process, page int) { f.hit(q, page, true) })
		return
	}
	if p.close {
		f.nearActors()
		return
	}
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
	if p.faults > 0 || p.sharded() {
		for q := range p.processes {
			f.act("payer", q, 0, f.pay)
		}
		f.act("debtor's hit", some(), page(), func(q *process, page int) {
			f.w.Until(func() bool { return q.p.Owed() > 0 })
			f.hit(q, page, true)
		})
	}
	f.addEvents()
	if p.sharded() {
		f.addServersEvents()
	}
}

// nearActors are those of a plan that is of near tiers: what is kept near is asked for while it is purged, and perhaps filled anew, and what near
// tiers are known by gets lost.
func (f *fleet) nearActors() {
	f.act("fill", f.rng.IntN(2), 0, f.fill)
	for range 1 + f.rng.IntN(2) {
		f.act("near", 0, 0, f.keepNear)
	}
	for range 1 + f.rng.IntN(3) {
		scopes := f.someScopes(0)
		f.act("purge", f.rng.IntN(2), 0, func(q *process, page int) {
			switch f.rng.IntN(4) {
			case 0:
				f.w.Until(func() bool { return *f.at(q, page) != nil })
			case 1:
				f.w.Until(func() bool { return f.procs[0].near[page] != nil || f.procs[0].tries > 0 })
			}
			f.purge(q, scopes)
		})
	}
	if f.chance(30) {
		f.act("fill", f.rng.IntN(2), 0, f.fill)
	}
	if f.plan.faults > 0 {
		f.act("payer", 0, 0, f.pay)
		f.act("payer", 1, 0, f.pay)
	}
	if f.chance(30) {
		f.w.Events = append(f.w.Events, func() { f.w.Lose(f.place(purge.NearMark(f.plan.sharded()))) })
	}
	if f.chance(20) {
		f.w.Events = append(f.w.Events, func() { f.w.Lose(f.place(purge.NearLog(f.plan.sharded()))) })
	}
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
	key := f.key(scopes[f.rng.IntN(len(scopes))], 0)
	if f.plan.near && f.chance(30) {
		key = purge.NearMark(f.plan.sharded())
	} else if f.chance(10) {
		key = purge.PulseKey(pathOf(0), f.plan.sharded())
	} else if f.plan.soft && f.chance(50) {
		key = purge.HardKeyOf(scopes[f.rng.IntN(len(scopes))], pathOf(0), f.plan.sharded())
	}
	f.lost[key] = true
	f.w.Lose(f.place(key))
}

func (f *fleet) loseOf(lose func(key string)) {
	if f.plan.prefixes && f.chance(50) {
		lose(f.place(purge.PrefixLog(pathOf(0), f.plan.sharded())))
		return
	}
	if f.plan.near && f.chance(50) {
		lose(f.place(purge.NearLog(f.plan.sharded())))
		return
	}
	lose(f.place(purge.TagLog(pathOf(0), f.plan.sharded())))
}

// restart kills a process: what it owes is forgotten, and what it had in memory.
func (f *fleet) restart(number int) {
	f.w.Say("process %d is restarted", number)
	for _, a := range f.procs[number].actors {
		a.Stop()
	}
	f.procs[number] = f.newProcess(number)
}
