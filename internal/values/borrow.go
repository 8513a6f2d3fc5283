package values

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/internal/argument"
)

// Borrower is what values are made into: a response, or another value.
type Borrower interface {
	// Borrow notes that a value has gone into it, or that one could not be made.
	Borrow(Loan)
	// For returns what it is made for; nil for nothing.
	For() Borrower
}

// Loan is what goes with a value into what is made of it.
type Loan struct {
	Tags  []string
	Wrong error     // why its tags are not all that it has: what is made of it cannot be kept; or nil
	Until time.Time // until when what is made of it can be fresh; zero for no matter how long
}

// BorrowerKey is the key, in a context, of the Borrower that is being made.
type BorrowerKey struct{}

// BorrowerOf returns what a context is there to make, or nil.
func BorrowerOf(ctx context.Context) Borrower {
	borrower, _ := ctx.Value(BorrowerKey{}).(Borrower)
	return borrower
}

// loads is how many loads are under way, so that what is no part of one need not look for it.
var loads atomic.Int64

// LoadOf returns the value that a context is there to load; nil for none.
func LoadOf(ctx context.Context) Borrower {
	if loads.Load() == 0 {
		return nil
	}
	if in, ok := BorrowerOf(ctx).(*making); ok {
		return in
	}
	return nil
}

// Tag tags the value that a context is there to load. It does nothing in other contexts.
func Tag(ctx context.Context, tags []string) {
	if in, ok := BorrowerOf(ctx).(*making); ok {
		in.tags.Add(tags...)
	}
}

// TagOf tags one of the values that a context is there to load, by its name. It does nothing in other contexts, and for other names.
func TagOf(ctx context.Context, name string, tags []string) {
	in, _ := BorrowerOf(ctx).(*making)
	if in != nil && in.name != name {
		in = in.each[name]
	}
	if in != nil {
		in.tags.Add(tags...)
	}
}

// making is a value that is being loaded.
type making struct {
	store *Store
	name  string
	kind  reflect.Type
	outer Borrower           // what its first caller makes of it; nil for nothing
	each  map[string]*making // of a load of several values, whose own name is a word: that of each
	tags  argument.Tags
	Ends
}

// is tells whether a load is there for the value of a name.
func (m *making) is(s *Store, name string) bool { return m != nil && m.store == s && m.name == name }

func (m *making) loading() loading { return loading{m.store, m.name} }

// within returns what is being loaded for the borrower, or for what that is made for, such as a page that a load asks for: the load of a name of this
// store, if there is one, else the inmost, of whatever store; nil for none.
func (s *Store) within(borrower Borrower, name string) (inmost *making) {
	for ; borrower != nil && loads.Load() > 0; borrower = borrower.For() {
		switch in, ok := borrower.(*making); {
		case !ok:
		case in.is(s, name):
			return in
		case in.store == s && in.each[name] != nil:
			return in.each[name]
		case inmost == nil:
			inmost = in
		}
	}
	return inmost
}

// shown returns its name, or one of several.
func (m *making) shown() string {
	for name := range m.each {
		return name
	}
	return m.name
}

// LoanOf returns what goes with what has some tags into what is made of it.
func LoanOf(tags *argument.Tags, until time.Time) Loan {
	return Loan{Tags: tags.All(), Wrong: tags.Problem(), Until: until}
}

// Borrow implements [Borrower].
func (m *making) Borrow(loan Loan) { loan.To(&m.tags, &m.Ends) }

// For implements [Borrower].
func (m *making) For() Borrower { return m.outer }

// To adds what goes with a value to what is known of what is made of it.
func (l *Loan) To(tags *argument.Tags, ends *Ends) {
	if tags.Add(l.Tags...); l.Wrong != nil {
		tags.Fail(l.Wrong)
	}
	ends.By(l.Until)
}

// Ends is when what is being made is stale at the latest. It may be told by several goroutines.
type Ends struct {
	mu    sync.Mutex
	until time.Time // zero for no matter when
}

// By has it end by a moment, unless that is zero.
func (e *Ends) By(until time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !until.IsZero() && (e.until.IsZero() || until.Before(e.until)) {
		e.until = until
	}
}

// At returns when it ends at the latest; zero for no matter when.
func (e *Ends) At() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.until
}

// Cap returns a lifetime that begins at a moment, cut to what there is until the end.
func (e *Ends) Cap(lifetime time.Duration, from time.Time) time.Duration {
	until := e.At()
	if until.IsZero() {
		return lifetime
	}
	return max(0, min(lifetime, until.Sub(from)))
}
