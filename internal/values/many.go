package values

import (
	"context"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// LoadMany makes the bytes of several values, by their places among the names that were asked for: it puts each that there is, or the error of that
// one alone. Its own error is that of all.
type LoadMany = func(ctx context.Context, missing []int, put func(place int, data []byte, err error)) error

// many is what one caller wants of several values.
type many struct {
	s     *Store
	ctx   context.Context
	use   *Use
	load  LoadMany
	outer Borrower

	tasks  []*task
	unkept []bool // by place: what is made under the name cannot be kept

	// What has become of each, by its place. left counts those of which nothing has yet.
	made []*made
	errs []error
	done []bool
	left int
	ends map[int]func() // the notes that a load waits for it

	events chan happened
	gone   chan struct{} // closed when the caller goes
}

// happened is what the caller hears of: a load that it has begun has ended, or a flight that it has waited for.
type happened struct {
	loaded []*lead

	place  int
	seat   *flight.Seat
	found  entries.Found
	result *made
	ending flight.Ending
}

// RememberMany gives take each of the values of some names, as Remember does, and returns what has become of each: nil, [ErrNotFound] or an error. All are
// looked up together; those that others are loading are waited for, and load is called once for all others. No name stands there twice.
//
// Nothing is waited for while a load is owed: a caller that leads a flight loads at once, so that two who want the same values in another
// order never wait for each other.
func (s *Store) RememberMany(ctx context.Context, borrower Borrower, names []string, use *Use, load LoadMany, take func(place int, data []byte) error) []error {
	r := s.newMany(ctx, borrower, names, use, load, take)
	all := r.begin()
	for _, place := range all {
		var err error
		if r.tasks[place].of, err = s.targets.Target(names[place]); err != nil {
			s.refuse(err)
			r.unkept[place] = true
		}
		of := &r.tasks[place].of
		of.Tags, of.Plain, of.Usual = use.Tags, !use.lingers(), use.TTL+max(use.StaleWhileRevalidate, use.StaleIfError)
	}
	r.run(all)
	if borrower != nil && !use.Independent {
		for _, m := range r.made {
			borrower.Borrow(m.loan(use))
		}
	}
	return r.errs
}

// AloneMany does what RememberMany does where nothing is kept.
func (s *Store) AloneMany(ctx context.Context, borrower Borrower, names []string, use *Use, load LoadMany, take func(place int, data []byte) error) []error {
	r := s.newMany(ctx, borrower, names, use, load, take)
	for i := range r.unkept {
		r.unkept[i] = true
	}
	r.run(r.begin())
	return r.errs
}

func (s *Store) newMany(ctx context.Context, borrower Borrower, names []string, use *Use, load LoadMany, take func(place int, data []byte) error) *many {
	n := len(names)
	r := &many{s: s, ctx: ctx, use: use, load: load, outer: borrower, tasks: make([]*task, n), unkept: make([]bool, n), made: make([]*made, n),
		errs: make([]error, n), done: make([]bool, n), left: n, ends: make(map[int]func()), events: make(chan happened), gone: make(chan struct{})}
	for i, name := range names {
		r.tasks[i] = &task{name: name, within: s.within(borrower, name), use: use, take: func(data []byte) error { return take(i, data) }}
	}
	return r
}

// begin returns the places of all but those whose load asks for itself.
func (r *many) begin() (places []int) {
	for i, k := range r.tasks {
		if err := r.s.asksForItself(k); err != nil {
			r.settle(i, nil, err)
		} else {
			places = append(places, i)
		}
	}
	return places
}

// settle notes what has become of a value.
func (r *many) settle(place int, m *made, err error) {
	err = m.outcome(err)
	r.made[place], r.errs[place], r.done[place] = m, err, true
	r.left--
	if end := r.ends[place]; end != nil {
		delete(r.ends, place)
		end()
	}
}

// notes notes that the load within which a value is asked for waits for it. It settles one that would wait for itself, and then returns false.
func (r *many) notes(place int) bool {
	if r.ends[place] != nil {
		return true
	}
	end, err := r.s.wait(r.tasks[place])
	if err != nil {
		r.settle(place, nil, err)
		return false
	}
	r.ends[place] = end
	return true
}

// run asks for values, until all are there or the caller leaves.
func (r *many) run(places []int) {
	defer close(r.gone)
	defer func() { // of what is not settled, since the driver has panicked
		for _, end := range r.ends {
			end()
		}
	}()
	r.ask(places)
	for r.left > 0 {
		var next round
		select {
		case e := <-r.events:
			next.hear(r, &e)
		case <-r.ctx.Done():
			r.leave()
			return
		}
		for more := true; more; { // what else has happened goes into the same load
			select {
			case e := <-r.events:
				next.hear(r, &e)
			default:
				more = false
			}
		}
		r.lead(next.leads, true)
		r.ask(next.again)
	}
}

// round is what is to be done next.
type round struct {
	leads []*lead // whose flights have come to this caller
	again []int   // to be looked up anew
}

// hear takes what has happened.
func (n *round) hear(r *many, e *happened) {
	for _, l := range e.loaded {
		m, err := taken(l.m, l.take)
		r.settle(l.place, m, err)
	}
	if e.loaded != nil {
		return
	}
	k, m := r.tasks[e.place], e.result
	switch {
	case e.ending == flight.Left:
		r.settle(e.place, nil, context.Cause(r.ctx))
	case e.ending == flight.Leads:
		n.leads = append(n.leads, r.newLead(e.place, e.seat, e.found))
	case m == nil || m.err == nil && !r.s.entries.Current(r.ctx, m.entry, &e.found):
		n.again = append(n.again, e.place) // it was purged since this caller has asked
	default:
		m, err := taken(m, k.take)
		if err != nil && m.err == nil && (m.of == nil || m.of.kind != k.use.Type) {
			n.again = append(n.again, e.place) // it is of another type, and loads its own
			return
		}
		r.settle(e.place, m, err)
	}
}

// leave gives up what nothing has become of yet. What has been begun goes on.
func (r *many) leave() {
	for place, done := range r.done {
		if !done {
			r.settle(place, r.made[place], context.Cause(r.ctx))
		}
	}
}

// ask looks values up, joins the flights of those that are not there, and has those loaded whose flights it leads.
func (r *many) ask(places []int) {
	if len(places) == 0 {
		return
	}
	ended := r.s.flights.Ended()
	var leads []*lead
	for _, l := range r.lookUp(r.leadsOf(places)) {
		if !r.notes(l.place) {
			continue
		}
		first := true
		if l.keeps {
			l.seat, first = r.s.flights.Join(l.of.Key, nil)
		}
		if first {
			leads = append(leads, l)
		} else {
			go r.follow(l)
		}
	}
	r.lead(leads, r.s.flights.Ended() != ended) // another one may have left some in between
}

// follow waits for a flight, and tells how it has ended.
func (r *many) follow(l *lead) {
	result, ending := l.seat.Wait(r.ctx)
	m, _ := result.(*made)
	select {
	case r.events <- happened{place: l.place, seat: l.seat, found: l.found, result: m, ending: ending}:
	case <-r.gone:
		if ending == flight.Leads {
			l.seat.Pass()
		}
	}
}

// lead has values loaded whose flights this caller leads, beside it, after another look where they may be there by now.
func (r *many) lead(leads []*lead, look bool) {
	var begun []*lead
	defer func(all []*lead) { // of those that are there by now, of a caller that has left, and where the decoding of what is there panics
		for _, l := range all {
			if !slices.Contains(begun, l) {
				l.seat.Pass()
			}
		}
	}(leads)
	if look {
		leads = r.lookUp(leads)
	}
	if len(leads) == 0 {
		return
	}
	if r.ctx.Err() != nil {
		for _, l := range leads {
			r.settle(l.place, nil, context.Cause(r.ctx))
		}
		return
	}
	begun = leads
	in := r.s.begunMany(leads, r.use, r.outer)
	for _, l := range leads {
		r.made[l.place] = &made{of: in, err: errEnded} // for a caller that leaves
	}
	go func() {
		defer func() { // also when the load ends its goroutine
			select {
			case r.events <- happened{loaded: leads}:
			case <-r.gone:
			}
		}()
		r.s.fillMany(context.WithoutCancel(r.ctx), in, leads, r.use, r.load)
	}()
}

func (r *many) newLead(place int, seat *flight.Seat, found entries.Found) *lead {
	return &lead{task: r.tasks[place], place: place, seat: seat, found: found, keeps: !r.unkept[place]}
}

func (r *many) leadsOf(places []int) (leads []*lead) {
	for _, place := range places {
		leads = append(leads, r.newLead(place, nil, entries.Found{}))
	}
	return leads
}

// lookUp looks values up, settles those that can be given out, and returns the others. Those that are stale are loaded anew.
func (r *many) lookUp(leads []*lead) (missing []*lead) {
	var kept []*lead
	var of []*target.Target
	for _, l := range leads {
		if l.keeps {
			kept, of = append(kept, l), append(of, &l.of)
		} else {
			missing = append(missing, l)
		}
	}
	now := time.Now()
	var stale []*lead
	for i, found := range r.s.entries.GetMany(r.ctx, of, now, r.outer == nil) {
		l := kept[i]
		l.found = found
		e := r.s.usable(&l.found, l.take)
		how := rfc9111.Serve
		if e != nil {
			how = e.Meta.Judge(&rfc9111.RequestDirectives{}, now)
		}
		l.keeps = entries.Keeps(r.ctx)
		switch {
		case e == nil || how != rfc9111.Serve && how != rfc9111.ServeAndRefresh:
			missing = append(missing, l)
			continue
		case how == rfc9111.ServeAndRefresh:
			stale = append(stale, r.newLead(l.place, nil, l.found))
		}
		r.settle(l.place, &made{entry: e}, nil)
	}
	r.s.refreshMany(r, stale)
	return missing
}
