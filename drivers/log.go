package drivers

import (
	"context"
	"time"
)

// Position is a place in a log: behind one of its records. It is opaque, can be compared, and may be sent to other
// processes. It is empty for no place.
type Position string

// Log is a driver that keeps bounded logs of records in its store, each under a key of its own: what is told of the last
// purges.
//
// A log is removed by [Driver.Delete], by which it counts as one key, and by [Driver.Clear] of a prefix of its key, by which it
// may count as several. Its key, and those that begin with it and a slash, have no other use: what Get and Set do under them
// is not defined. What lies there and is no log makes an error that matches [ErrAnswered], or counts as none. A store may lose a log at any time. One that is begun anew under
// the same key is another log: no position of the old one is one of the new one.
//
// Records are any bytes, including none. Each is kept with a random word, and a position names the word of the record
// before it, so that no record is taken for another whatever the store counts by.
type Log interface {
	// Append adds records to the end of the log under key, in their order, and begins the log if it is not there. Once
	// it has returned, every Since that begins sees them. The log then holds the last keep records at least, and not
	// many times more, and at least half of ttl remains of its life. All callers of one log give the same keep and ttl.
	//
	// A store that bounds the size of what lies under a key may hold fewer. Records that it cannot hold at all are an
	// error that matches [ErrTooLarge], and so is a store that is full an error: then the log may stay as it was, so that
	// a caller that must be heard deletes it. A keep or a ttl of zero or less is an error.
	//
	// A record may be appended twice, where the answer to the first attempt was lost, and those of a call that has failed
	// may have been appended all the same.
	Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error

	// End returns the position behind the last record of the log under key. A log that is not there is begun, so that
	// there is a position. At least half of ttl remains of the log's life. A ttl of zero or less is an error, and so is a log
	// for which the store has no room: that matches [ErrTooLarge].
	End(ctx context.Context, key string, ttl time.Duration) (Position, error)

	// Since returns the records that were appended behind from, in the one order that all readers see them in, and the
	// position behind them. complete is false where the log cannot tell: it was lost, it is another one, it does not
	// reach back to from, or from is no position of it. Then records and end are empty. Since begins no log.
	Since(ctx context.Context, key string, from Position) (records [][]byte, end Position, complete bool, err error)
}

// Waiter is a [Log] that tells at once when records come. Without it cachette looks from time to time.
type Waiter interface {
	// Wait returns nil once there may be records behind from in the log under key, or from may be no position of that log any more: its caller
	// asks [Log.Since] then. It may return nil though neither is so, but not again and again at once. What it does not notice at once it may
	// notice later, or never: a log that was lost and begun anew, or a server of which another takes the place. So a caller looks from
	// time to time all the same, only less often.
	//
	// It returns an error that wraps ctx.Err(), promptly, once ctx is done, [ErrClosed], promptly, once the driver is closed, and another error where
	// the store does not answer, or does not let the driver wait; a later call works once the store does. A store that has gone silent may be found out
	// after some seconds. A caller pauses after an error.
	//
	// It takes as long as nothing comes, and may hold a connection of its own meanwhile, but none that other operations need. Several
	// logs may be waited for at once; a program has one caller for each of a few logs.
	Wait(ctx context.Context, key string, from Position) error
}

// Purger is a [Log] that carries out a purge in fewer round trips than [Log.Append] and [Driver.Delete] take one after the other; in one, if the
// store can. Without it cachette calls these two.
type Purger interface {
	// Purge appends records to the log under key as Append does, and deletes keys as Delete does, without counting them. Of a driver that is
	// [Sharded] all keys have the tag of the log's. No records, or no keys, are no error.
	//
	// The records come first: when it has returned nil, there was a moment from which on every Since that began saw the records, and
	// behind which each of keys was deleted. A driver that has deleted and finds that the records came later, or in another log,
	// deletes once more.
	//
	// With an error any of it may have been done: a store that is full takes no records and deletes all the same.
	Purge(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error
}
