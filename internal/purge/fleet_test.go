package purge_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/purge/sim"
)

// protocol is what a process of the simulator asks. A mistake that it must find overrides a part.
type protocol interface {
	purge.Protocol
	BeginMany(context.Context, []*purge.Look, []purge.Fill) ([]purge.Ticket, []error)
	tier() nearTier
}

// nearTier is what a near tier of a process asks.
type nearTier interface {
	Look(context.Context) error
	Answers(time.Time) bool
	Begin(time.Time) purge.Reading
	Keep(purge.Reading, *purge.Basis, string) (purge.Basis, bool)
	Left(*purge.Basis) purge.State
}

// right is the protocol without a mistake.
type right struct{ *purge.Shared }

// nearBound is for how long a near tier answers without a look that succeeds, in the simulator's time: what it has heard is what counts.
const nearBound = 1000 * time.Hour

func (r right) tier() nearTier { return r.NewTier(nearBound, nearBound) }

// mistake is a protocol, a store or a user of it that is wrong.
type mistake struct {
	name   string
	store  sim.Mistakes
	shared func(f *fleet, o *purge.Options) protocol // nil for the right one
	user   user
}

// user is how a program that uses the protocol can be wrong.
type user struct {
	queuesEarly, servesQueueUnasked, marksBeforePlace, forgetsOldTags, keepsOldWords, followsUnasked bool
}

// page is what is stored under one key.
type entry struct {
	page    int
	read    int           // the step in which its data was read
	began   int           // the step in which its fill began
	named   int           // the step in which it was ready to be kept
	beganAt time.Time     //
	about   []purge.Scope // what it shows, hard
	tags    []purge.Scope // those of about that its handler named
	basis   purge.Basis
	by      string
}

// change is a change of data, and the purge behind it.
type change struct {
	scopes []purge.Scope
	at     int // the step in which the data changed
	by     *process
	done   int // the step in which the purge returned, or 0
	doneAt time.Time
	failed int // the step in which it returned that it is owed, or 0
	paid   int // the step in which what was owed was paid, or 0
	paidAt time.Time
	slow   bool // it was paid by a record, which other processes look at when their views are too old
}

type flight struct {
	ticket purge.Ticket
	entry  *entry
	late   []purge.Scope
}

type nearEntry struct {
	entry *entry
	basis purge.Basis
}

// process is one process of the fleet.
type process struct {
	number int
	p      protocol
	store  sim.Client
	marks  purge.Marks // of the store, as the protocol has them
	actors []*sim.Actor
	fills  int
	flight [pages]*flight
	queue  [pages]*entry
	near   [pages]*nearEntry
	tier   nearTier // nil for none
	looks  bool     // it looks at the log just now
	tries  int      // how often something was to be kept near, and has been asked for
	heard  int      // the step in which its last good look began, which was at
	at     time.Time
}

const (
	pages   = 2
	servers = 3
	every   = time.Second
)

// fleet is several processes, what they have stored, and what must hold.
type fleet struct {
	w       *sim.World
	rng     *rand.Rand
	mistake *mistake
	plan    plan
	procs   []*process
	stored  [servers][pages]*entry
	changes []*change
	bad     string
	words   uint64

	gone     map[string]int  // by the key of a mark: the last step in which it went
	appended map[string]int  // by the key of a log: how many records it was given
	lost     map[string]bool // the keys of marks that got lost
	broken   map[string]int  // by the key of a log: the last step in which it went
	moved    time.Time       // when a log of prefixes last changed
	known    sim.Arrangements
	failures int  // of commands
	slow     bool // a handler has read its data
}

func newFleet() *fleet { return &fleet{w: &sim.World{}} }

var ctx = context.Background()

// Run runs a schedule and returns what was violated.
func (f *fleet) run(seed uint64, m *mistake, tracing bool) string {
	f.w.Reset()
	pcg := rand.NewPCG(seed, 0)
	*f = fleet{w: f.w, rng: rand.New(pcg), mistake: m, procs: f.procs[:0], changes: f.changes[:0],
		lost: renewed(f.lost), gone: renewed(f.gone), appended: renewed(f.appended), broken: renewed(f.broken)}
	f.w.Tracing, f.w.Choose, f.w.Store.Mistakes = tracing, f.rng.IntN, m.store
	f.w.Step = 1
	f.w.Touch = f.touched
	f.makePlan(seed)
	for i := range f.plan.processes {
		f.procs = append(f.procs, f.newProcess(i))
	}
	f.populate()
	f.w.Every = func() string { return f.bad }
	if bad := f.w.Run(); bad != "" {
		return bad
	}
	return f.end()
}

func renewed[V any](m map[string]V) map[string]V {
	if m == nil {
		return make(map[string]V)
	}
	clear(m)
	return m
}

// end has all that is left be asked for by every process, on a store that works.
func (f *fleet) end() string {
	f.w.Fault, f.w.Down, f.w.Away, f.w.Pause, f.w.Full, f.w.Events, f.plan.untold = nil, nil, nil, nil, false, nil, 0
	f.w.Say("the end")
	for page := range pages {
		for _, q := range f.procs {
			f.w.Go("end", func() {
				f.hit(q, page, false)
				f.queued(q, page)
				f.hear(q)
				f.askNear(q, page)
			})
		}
	}
	return f.w.Run()
}

func (f *fleet) newProcess(number int) *process {
	q := &process{number: number, store: sim.Client{Store: &f.w.Store, Apart: f.plan.apart}}
	o := purge.Options{Beside: f.beside(q), Every: every, Keep: f.plan.keep, Now: f.w.Now, Wait: f.w.Wait, Random: f.random}
	if f.plan.sharded() {
		f.spread(q, &o)
	}
	o.Marks, o.Log = q.store, q.store
	if f.plan.noLog {
		o.Log = nil
	}
	if f.mistake.shared != nil {
		q.p = f.mistake.shared(f, &o)
	} else {
		q.p = right{purge.NewShared(o)}
	}
	if f.plan.near && !f.plan.noLog && (number == 0 || f.chance(50)) {
		q.tier = q.p.tier()
	}
	q.marks = o.Marks
	return q
}

// random makes words that tell when they were made.
func (f *fleet) random(b []byte) {
	f.words++
	binary.BigEndian.PutUint64(b, f.words)
}

// touched notes what happened to a mark or a log.
func (f *fleet) touched(key string, grown int) {
	kind := strings.TrimPrefix(key, "~r:")
	if f.plan.sharded() {
		kind = kind[strings.IndexByte(kind, '}')+1:]
	}
	if kind[0] == 'm' || kind[0] == 'd' {
		f.gone[key] = f.w.Step
		return
	}
	if (kind == "lx" || kind == "le") && !quiet(key) {
		f.moved = f.w.Clock
	}
	if f.appended[key] += grown; grown == 0 {
		f.broken[key] = f.w.Step
	}
}

// fail notes what was violated.
func (f *fleet) fail(format string, args ...any) {
	if f.bad == "" {
		f.bad = fmt.Sprintf("step %d: ", f.w.Step) + fmt.Sprintf(format, args...)
		f.w.Say("VIOLATED %s", f.bad)
	}
}

// concerns tells whether a purge of a scope concerns an entry.
func concerns(s purge.Scope, e *entry) bool {
	switch s.Kind {
	case purge.All:
		return true
	case purge.Prefix:
		return strings.HasPrefix(pathOf(e.page), s.Name)
	}
	s.Soft = false
	for _, about := range e.about {
		if about == s {
			return true
		}
	}
	return false
}

// served is told of each answer: nothing that a request is given may be from before a change whose purge had returned when the
// request began.
func (f *fleet) served(q *process, e *entry, began int, beganAt time.Time, state purge.State, where string) {
	f.servedOf(q, e, began, beganAt, state, where, func(*change) bool { return true })
}

func (f *fleet) servedOf(q *process, e *entry, began int, beganAt time.Time, state purge.State, where string, counts func(*change) bool) {
	for _, c := range f.changes {
		if c.at <= e.read || !c.heldFor(q, began, beganAt) || !counts(c) {
			continue
		}
		for _, s := range c.scopes {
			if concerns(s, e) && (state == purge.Valid || state == purge.Stale && !s.Soft) {
				f.fail("%s of process %d, asked in step %d: page %d by %s, read in step %d, is %s behind the purge of %s after step %d, which returned in step %d, %d (paid %d)",
					where, q.number, began, e.page, e.by, e.read, names[state], show(s), c.at, c.done, c.failed, c.paid)
			}
		}
	}
}

func rare(s purge.Scope) bool { return s.Kind == purge.All || s.Kind == purge.Prefix }

var names = map[purge.State]string{purge.Gone: "gone", purge.Stale: "stale", purge.Valid: "valid"}

func show(s purge.Scope) string {
	soft := ""
	if s.Soft {
		soft = "softly "
	}
	return soft + string(s.Kind) + " " + s.Name
}

// heldFor tells whether a purge must hold for a request.
func (c *change) heldFor(q *process, began int, beganAt time.Time) bool {
	switch {
	case c.done > 0 && c.done < began, c.failed > 0 && c.failed < began && c.by == q:
		return true
	case c.paid == 0 || c.paid >= began:
		return false
	}
	return !c.slow || beganAt.Sub(c.paidAt) >= 2*every
}

// servedNear is told of each answer of a near tier: what others had purged when it last looked, and what its process had when the request began.
func (f *fleet) servedNear(q *process, e *entry, began int, beganAt time.Time, state purge.State) {
	f.servedOf(q, e, q.heard, q.at, state, "the near tier", func(*change) bool { return true })
	f.servedOf(q, e, began, beganAt, state, "the near tier", func(c *change) bool { return c.by == q })
}

// spared checks the other side: what was not purged, and lost nothing that it stands on, is valid. What was purged softly is stale.
func (f *fleet) spared(q *process, e *entry, began int, state purge.State, err error) {
	if f.plan.lists { // they make each other's entries worth nothing
		return
	}
	log := purge.PrefixLog(pathOf(e.page), f.plan.sharded())
	if err != nil || began < e.named || state == purge.Valid || q.p.Owed() > 0 || f.broken[log] > 0 || f.moved.Add(2*every).After(e.beganAt) {
		return
	}
	records := 0
	for _, c := range f.changes {
		if c.done > 0 && rare(c.scopes[0]) {
			records++
		}
	}
	if f.appended[log] != records { // by a purge that ended half way, or twice: some look anew when the pulse expires
		return
	}
	for _, m := range e.basis.Marks {
		if f.gone[f.key(m.Scope, e.page)] < e.began {
			continue
		}
		if state == purge.Stale || f.hardGone(m.Scope, e.page) {
			return
		}
	}
	f.fail("process %d: page %d by %s is %s, and nothing that it stands on was purged or lost since step %d", q.number, e.page, e.by, names[state], e.began)
}

// hardGone tells whether the hard mark of a scope may ever have gone with good reason.
func (f *fleet) hardGone(s purge.Scope, page int) bool {
	return f.plan.own || f.lost[purge.HardKeyOf(s, pathOf(page), f.plan.sharded())] ||
		slices.ContainsFunc(f.changes, func(c *change) bool { return slices.Contains(c.scopes, s) })
}
