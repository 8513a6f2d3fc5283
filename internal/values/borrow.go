package values

import (
	"context"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/internal/argument"
)

// Borrower is what values are made into: a response, or another value.
type Borrower interface {
	// Borrow notes that a value has gone into it: its tags, and until when what is made of it can be fresh; the zero time for no matter how long.
	Borrow(tags []string, until time.Time)
}

// BorrowerKey is the key, in a context, of the Borrower that is being made.
type BorrowerKey struct{}

// BorrowerOf returns what a context is there to make, or nil.
func BorrowerOf(ctx context.Context) Borrower {
	borrower, _ := ctx.Value(BorrowerKey{}).(Borrower)
	return borrower
}

// Tag tags the value that a context is there to load. It does nothing in other contexts.
func Tag(ctx context.Context, tags []string) {
	if in, ok := BorrowerOf(ctx).(*making); ok {
		in.tags.Add(tags...)
	}
}

// making is a value that is being loaded.
type making struct {
	name  string
	outer Borrower // what its first caller makes of it; nil for nothing
	tags  argument.Tags
	Ends
}

// within tells whether a value of a name is being loaded for the borrower, or for what that is there for.
func within(borrower Borrower, name string) bool {
	in, ok := borrower.(*making)
	return ok && (in.name == name || within(in.outer, name))
}

// Borrow implements [Borrower].
func (m *making) Borrow(tags []string, until time.Time) {
	m.tags.Add(tags...)
	m.By(until)
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
