package drivers

import (
	"context"
	"time"
)

// BatchSetter is a driver that stores several values at once. Without it cachette stores them one after the other.
type BatchSetter interface {
	// SetValues stores each of values under the key at its place for ttl, as Set does, in as few round trips as the store allows. No key
	// stands there twice. It is not one change: others may see some of the values before the rest is stored.
	//
	// It returns nil if all were stored, and otherwise the error of each key in the order of keys, which is nil for those that were. What
	// keeps one key from being stored, as a value that is larger than the store takes, keeps no other from it.
	SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error
}

// Inserter is a driver that stores a value only where there is none. Without it [errors.ErrUnsupported] is what a program is told
// that asks for that: to look first, and to store then, would let two callers do it.
type Inserter interface {
	// Insert stores value under key for ttl, as Set does, if there is no live value, and tells whether it has. Of several that insert
	// under one key at once, in whatever processes, one is told so. A value that has expired is none, even where the store has it still.
	// One that is there stays as it is, and its life is not lengthened.
	//
	// It writes once: what was sent and not answered is not sent again, and is an error, behind which the value may be there or
	// not. Nor is a caller told that another value is there where that may be its own.
	//
	// A ttl of zero or less is an error, a value that is larger than the store takes matches [ErrTooLarge], and what is there stays in
	// each case. What lies under the key and is no value stays and counts as one, or is an error that matches [ErrAnswered], or is replaced.
	Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error)
}
