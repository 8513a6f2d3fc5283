package serve

import (
	"cmp"
	"context"
	"errors"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// keep stores the response that was captured and gives it to the requests that wait for it.
func (x *exchange) keep(bare bool) {
	x.draft.Meta.Took = x.took
	if x.made.Partial {
		x.keepPart()
		return
	}
	x.draft.Body, x.draft.Bare = x.recorder.Body(), bare
	e := response.New(&x.draft)
	x.page = e
	if x.verdict.fate == lent {
		x.lend(e)
		return
	}
	x.put(e)
}

// shared is what requests get that wait for a flight. To those that have looked before its run it is as what their own handlers would have made. For
// one that has looked later the store is asked whether something was purged before that. Of what it has not taken it cannot be asked, so that is only for
// requests that came before the run.
type shared struct {
	entry *response.Entry
	run   uint64   // of the handlers, or a look-up that stands for one
	lent  bool     // the store has not taken it
	tags  []string // of what is lent: it stands on nothing that would have them
}

// lend gives a response that the store does not take to the requests that wait for it.
func (x *exchange) lend(e *response.Entry) {
	e.Key, e.Variant = x.target.For(e.Declares()), rfc9111.VariantKey(e.Meta.Vary, x.request.Header)
	x.flight.Share(&shared{entry: e, run: x.serial, lent: true, tags: x.tags.All()})
}

// put stores an entry, or has it wait for the store, and gives it to the requests that wait for it. It tells whether it did. One that turns out to be
// too large, or to have had its time, ends what it would have replaced. A store that does not answer is not asked once more.
func (x *exchange) put(e *response.Entry) bool {
	e.Key = x.target.For(e.Declares())
	kept, err := x.putFor(&x.target, e)
	switch {
	case kept:
	case err == nil, errors.Is(err, drivers.ErrTooLarge):
		if x.answer.change(refusedTooLarge) == withdrawn {
			x.remove(x.concerned())
		}
	case x.verdict.fate == storable:
		x.lend(e)
	}
	x.flight.Share(&shared{entry: e, run: x.serial})
	x.flight = nil // what is left to do is for its own client alone
	return kept
}

// putFor stores an entry for a target, or has it wait for the store, and tells whether it did: not one that is older than what is stored
// by now, nor one of which the time is over, since its client took long.
func (x *exchange) putFor(t *target.Target, e *response.Entry) (kept bool, err error) {
	m := &e.Meta
	m.TakeEarly(x.s.clock.now().Sub(x.began), x.around.rt.Policy.EarlyRefresh)
	m.Lifetime = m.InitialAge + x.ends.Cap(m.Lifetime-m.InitialAge, m.ResponseTime) // of the values that it is made of
	e.Ends = !x.ends.At().IsZero()
	x.s.learn(x.c.FullPath(), e)
	if err := x.name(t, e); err != nil {
		return false, err
	}
	x.unlessLate(x.stampOf(e, rfc9111.VariantKey(e.Meta.Vary, x.request.Header)), func() {
		x.keepPromise()
		kept, err = x.s.entries.Put(t, e, &x.ticket, x.s.clock.now(), x.written())
	})
	switch {
	case kept:
		x.kept = true
		if t.Search.Path != "" {
			x.around.rt.declared(cmp.Or(target.VariationOf(e.Declares()), target.Undeclared))
			x.tellSearch(e.Declares())
		}
		x.lease = nil // which ends once the store has it
		if x.s.entries.Local() {
			x.s.counts.Stored.Add(1)
		}
		if x.mark != nil {
			x.mark.stored.Store(true)
		}
	case errors.Is(err, drivers.ErrTooLarge):
		x.verdict.refusal = refusedTooLarge
		x.s.counts.TooLarge.Add(1)
	case errors.Is(err, entries.ErrFull):
		x.s.counts.Dropped.Add(1)
	}
	if err != nil {
		x.s.log.Debug("cachette: a response was not stored", "error", err)
	}
	return kept, err
}

// learn notes whether the responses of a route are of use when they are stale: if not, purges that make them stale need no marks of their own.
func (s *Server) learn(pattern string, e *response.Entry) {
	if s.entries.Local() {
		return
	}
	if e.Lingers() {
		s.plain.Delete(pattern)
	} else if _, known := s.plain.Load(pattern); !known {
		s.plain.Store(pattern, true)
	}
}

// written returns what is told, where an entry waits for the store, what became of it. The exchange is over by then. It is nil for live
// objects, which do not wait.
func (x *exchange) written() func(error) {
	if x.s.entries.Local() {
		return nil
	}
	s, mark, lease, promised, until := x.s, x.mark, x.lease, "", x.made.ResponseTime.Add(rememberedFor)
	if x.promised {
		promised = x.promisedAs
	}
	return func(err error) {
		switch {
		case err == nil:
			s.counts.Stored.Add(1)
		case errors.Is(err, entries.ErrMoot):
		case errors.Is(err, drivers.ErrTooLarge):
			s.counts.TooLarge.Add(1)
			s.breakPromise(promised, until)
		default:
			s.counts.Dropped.Add(1)
		}
		lease.Written(err == nil || errors.Is(err, entries.ErrMoot))
		mark.settle(s, err)
		if err != nil && !errors.Is(err, entries.ErrMoot) {
			s.log.Debug("cachette: a response was not stored", "error", err)
		}
	}
}

// remove ends what is stored, whatever becomes of the client, unless what is stored by now is newer than the answer that ends it. Where that was found by
// what it declares of the query, there may be an older one of the URL's own: that is not to come back.
func (x *exchange) remove(e *response.Entry) {
	x.unlessLate(x.stampOf(e, e.Variant), func() {
		ctx := context.WithoutCancel(x.request.Context())
		x.s.entries.Remove(ctx, e.Key)
		if own := x.target.Under(nil); e.Asked == "" && own != e.Page() {
			x.s.entries.Remove(ctx, own)
		}
	})
}
