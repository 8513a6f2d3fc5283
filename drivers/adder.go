package drivers

import (
	"context"
	"time"
)

// Adder is a driver that adds a value where there is none, and tells which one is there: what the marks of purges stand on.
type Adder interface {
	// Add makes sure that each of keys has a value, and returns the values in the order of keys. Each value that is
	// returned was stored under its key at some moment after Add was called; another may have removed it since. The
	// same key may stand there twice.
	//
	// A key that has a live value keeps it. One that is absent or has expired gets what word returns. Of several that add
	// under one key at once, one adds, and all return its value.
	//
	// At least half of ttl then remains of each value's life. Where less was left, the life is lengthened to ttl, and never
	// is one made shorter. A life is lengthened only by what cannot bring back a value that was removed meanwhile: by
	// setting the expiry alone, or by a write that the store carries out only if nothing has changed since the value was
	// read.
	//
	// A value is sent at most once: word is called anew for each attempt to write, those included that the client of a
	// store makes by itself. So the repetition of a command whose answer was lost cannot bring back a value that was
	// removed in between, as long as word never returns the same twice. word may be called by several goroutines, after
	// Add has returned too, and more often than something is written. The driver may keep the slices that it returns.
	//
	// What lies under a key and is no value stays, and is an error that matches [ErrAnswered], or it is replaced.
	//
	// A ttl of zero or less is an error, and then nothing is written. A store that is full is one too, for keys that
	// have no value. A value that is larger than the store takes matches [ErrTooLarge]. What is there stays in each case.
	// When an error ends Add, some of the keys may have got values.
	Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error)
}
