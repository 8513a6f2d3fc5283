package event

import "time"

// Operation is what became of one operation on a store.
type Operation struct {
	Kind   Kind
	Result Result
	Server string        // that keeps the keys, by its name; empty where there is one, or it is not known
	Keys   int           // how many it named; of a Clearing or Sweep how many entries it removed
	Bytes  int           // of the values or records that it has read or written; 0 where it came to nothing
	Took   time.Duration // 0 in memory, where nothing waits
}

// Kind is the kind of an operation.
type Kind uint8

// The kinds of operations.
const (
	Read     Kind = iota // values, or what a log tells, were asked for
	Write                // of values
	Add                  // of values where there are none: the marks of purges, and what a program adds
	Append               // to a log of purges, also with the removal of marks behind it, or a look at its end, which begins it
	Removal              // of keys by their names
	Clearing             // of all keys that begin with a prefix
	Sweep                // of what has expired
	Ping                 // a question whether the store answers
	Kinds
)

var kinds = [Kinds]string{"read", "write", "add", "append", "removal", "clearing", "sweep", "ping"}

// String returns the name of a kind.
func (k Kind) String() string { return kinds[k] }

// Result is how an operation ended.
type Result uint8

// The results of operations.
const (
	Done        Result = iota
	Missed             // a Read found nothing under any of its keys
	TooLarge           // for the store, which is well
	TimedOut           // the store did not answer within the operation timeout, or its client's
	Failed             // the store, or the way to it, gave an error, or the driver panicked
	Refused            // the store was not asked, since it had been failing
	Canceled           // the caller left, or had no time left
	Closed             // the store was closed before
	Unsupported        // the store can never do it
	Results
)

var results = [Results]string{"done", "missed", "too-large", "timed-out", "failed", "refused", "canceled", "closed", "unsupported"}

// String returns the name of a result.
func (r Result) String() string { return results[r] }
