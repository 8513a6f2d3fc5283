package purge

import (
	"context"
	"time"
)

// Marks is what the shared protocol asks of a store. A store may fail and lose anything at any time: that costs misses. A command
// whose caller has given up may still be carried out, and may be repeated, as long as no word is ever sent twice.
type Marks interface {
	// Words returns the words of marks, in the order of keys; empty for one that is not there.
	Words(ctx context.Context, keys ...string) ([]string, error)

	// Add makes sure that each of keys has a word, and returns the words in the order of keys: each was there at a moment
	// after Add was called. A mark that is there keeps its word, and at least half of ttl remains of its life, which is lengthened
	// without writing the word: a word that is written back could bring to life what was purged in between. For each attempt
	// to write, word makes a new one, for the same reason.
	Add(ctx context.Context, ttl time.Duration, word func() string, keys ...string) ([]string, error)

	// Delete deletes marks and logs. A full store still does.
	Delete(ctx context.Context, keys ...string) error
}

// Position is a place in a log, opaque and comparable. It is empty for no place.
type Position string

// Log is a bounded log in the store. Without it, tags must be known before a fill, and a purge of a prefix is one of everything.
type Log interface {
	// Append adds records to the end of the log under key, which holds at least the last keep records and lives for ttl.
	// A record that is appended twice is harmless.
	Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...string) error

	// Purge appends records, if any, to a log as Append does, and deletes keys, which are in the log's partition. When it has returned nil, each
	// key was deleted at a moment at which every Since saw the records. With an error any of it may have been done or not, and in any order.
	Purge(ctx context.Context, log string, keep int, ttl time.Duration, records []string, keys ...string) error

	// End returns the position behind the last record. A log that is not there is begun anew, with positions that are none of
	// the old one's. Its life is lengthened to ttl.
	End(ctx context.Context, key string, ttl time.Duration) (Position, error)

	// Since returns the records behind a position, in order, and the position behind them. complete is false where the log
	// cannot tell: it was lost, is another one, or does not reach back any more.
	Since(ctx context.Context, key string, from Position) (records []string, end Position, complete bool, err error)
}
