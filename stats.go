package cachette

import (
	"iter"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/guard"
)

// Stats are numbers that a [Cache] has counted since it was installed.
type Stats struct {
	// Stored is how many responses were stored, that is, taken by the store; those that were stored again count again.
	Stored uint64

	// TooLarge is how many responses were served and not stored because they are larger than the BodyLimit, or than the store takes.
	TooLarge uint64

	// Dropped is how many responses were served and not stored because the store did not take them, or not as fast as they came: those
	// that wait for it took up a quarter of the MemoryLimit, or four BodyLimits if that is more, or were 4,096; or it failed, or did not
	// answer, when it was their turn. It is 0 where responses are kept in memory.
	Dropped uint64

	// Untagged is how many responses were served, and values of [Remember] given out, and not stored because their tags could not be kept: one is
	// wrong, there are too many (see [Tag], and for keys of values docs/values.md), or something that was tagged so was purged while the handler ran, or the store did not tell whether it was.
	Untagged uint64

	// Uncaptured is how many responses were served and not stored because too much was being captured at the time: the bodies that
	// handlers were writing took up a quarter of the MemoryLimit, or four BodyLimits if that is more; or these and the bodies that
	// clients had not read yet took up three times as much; or those of both whose clients no write deadline can cut off, half as much.
	Uncaptured uint64

	// CutOff is how many clients were cut off because they had not read what they had asked for, and such bodies took up more than a
	// quarter of the MemoryLimit, or four BodyLimits if that is more. None is cut off before it was waited for, ten seconds long; or one
	// second, where such bodies took up twice as much and it took less than 64 KiB a second.
	CutOff uint64

	// StoreFailures is how many reads, writes and removals the store failed, or did not carry out in time. What was not tried does not count.
	StoreFailures uint64

	// Owed is how many removals are owed to the store now, as [ErrOwed] says: purges, keys and clearings. Where there are too many they are one, of
	// everything.
	Owed int

	// NearHits is how many requests were answered by near copies, which ask the store nothing: see [Config]. They are hits of their routes, too.
	NearHits uint64

	// Memory is what the store holds, where it is in this process, Near what the near copies take, and Forms what the forms in content codings take in front of a
	// store outside of it: in memory they are a part of what the store holds. Each is zero where there is none.
	Memory, Near, Forms MemoryStats

	// Waiting is how many writes of responses wait for a store outside of the process, or are under way, and WaitingBytes what they take in memory.
	Waiting, WaitingBytes int64

	Codings map[string]CodingStats // the forms in content codings (see [WithCompression]), by the coding, as "br"; empty where none is linked
	Store   StoreStats             // what became of the operations on the store

	// Routes is what became of the requests of each route with a Cached, by its pattern, as "/products/:id"; "" is that of no route.
	Routes map[string]RouteStats
}

// MemoryStats are what is held in the memory of this process.
type MemoryStats struct {
	Entries   int    // how many, those that have expired and are not removed yet included
	Bytes     int64  // that they take
	Limit     int64  // how many bytes they may take
	Evictions uint64 // how many entries were removed to make room for others
}

// CodingStats are the forms of stored responses in one content coding.
type CodingStats struct {
	Made           uint64 // how many were made in this process
	Content, Bytes uint64 // of how many bytes these were made, and how many they have
	Found          uint64 // how many were found in the store, where another process had made them
	Served         uint64 // how many requests were answered in one: with it, parts of it, or 304
}

// RouteStats are what became of the requests of a route, and of its handlers.
type RouteStats struct {
	Outcomes

	// Refused is for how many responses each reason was why they were not stored, and Bypasses for how many requests why nothing was looked up for
	// them: the words are those of the detail in Cache-Status (docs/cache-status.md).
	Refused, Bypasses map[string]uint64

	// Fills are how long the handlers ran to make what might be stored, in refreshes in the background, too, of which there were Refreshes.
	Fills     Durations
	Refreshes uint64

	// Saved is what the handlers had taken to make the responses that were served in place of running them: each hit adds what its response took.
	Saved time.Duration
}

// Outcomes are how many requests came out in each way. A request of which the client has left before is in none; one that goes on to
// another Cached is counted there; and what the cache does by itself, as a refresh in the background, is not counted.
type Outcomes struct {
	Hits          uint64 // answered by a fresh stored response
	StaleHits     uint64 // by a stale one, as it or the client allows
	Collapsed     uint64 // by the answer to another request, for which they have waited
	Validated     uint64 // by a stored response of which the handler said that it is still good
	StaleOnError  uint64 // by one in place of a handler that failed
	Misses        uint64 // by the handler
	Bypassed      uint64 // by the handler, and nothing was looked up
	Unsatisfiable uint64 // with 504, since they asked for what is stored alone, and nothing suitable was
}

// All goes through the numbers with the names that [RequestEvent] has for them: hit, stale, collapsed, validated, stale-on-error, miss, bypass and
// unsatisfiable.
func (o Outcomes) All() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for i, n := range [...]uint64{o.Hits, o.StaleHits, o.Collapsed, o.Validated, o.StaleOnError, o.Misses, o.Bypassed, o.Unsatisfiable} {
			if !yield(event.Outcome(i+1).String(), n) {
				return
			}
		}
	}
}

// HeldEntry is something that is held in the memory of this process.
type HeldEntry struct {
	Key   string // as it is kept under: see [WithCacheStatusKey]; of a value, with the prefix of the Config
	Bytes int64  // that it takes
}

// Hottest returns at most n of the entries that are the last to be removed from the memory of this process to make room for others, those first: of the
// store, where it is in memory, and else of the near copies. It is for a person who asks what is in there. Keys hold paths and
// queries, and whatever these give away.
func (c *Cache) Hottest(n int) (hottest []HeldEntry) {
	for _, of := range c.responses.Hottest(n) {
		hottest = append(hottest, HeldEntry(of))
	}
	return hottest
}

// Durations are how long several things took, of which there were Count, and which took Sum together.
type Durations struct {
	Count uint64
	Sum   time.Duration

	// Buckets is how many took at most as long as each bound of [DurationBounds], and longer than the one before; the last is of those above them all.
	Buckets [len(event.Bounds) + 1]uint64
}

// DurationBounds returns the bounds of the Buckets of [Durations], from 100 µs to 10 s.
func DurationBounds() []time.Duration { return slices.Clone(event.Bounds[:]) }

func durations(buckets event.Buckets, sum time.Duration) Durations {
	d := Durations{Sum: sum, Buckets: buckets}
	for _, n := range buckets {
		d.Count += n
	}
	return d
}

// StoreStats are the operations on the store by their kinds, those on values, on responses and on the marks of purges. In memory, where
// responses are not read as bytes, they are those on values. What a driver cannot do and others stand in for counts as these.
type StoreStats struct {
	Reads     OperationStats // of one key, of several at once, or of the log of purges
	Writes    OperationStats
	Adds      OperationStats // of marks where there are none
	Appends   OperationStats // to the log of purges, with the removal of marks where one operation does both; a look at its end, too, which begins it
	Removals  OperationStats // of keys by their names
	Clearings OperationStats // of all that begins with a prefix
	Sweeps    OperationStats // of what has expired
	Pings     OperationStats

	// Servers is, where the store has several, what is done with the operations on the keys of each, by its name: one that does not answer
	// is left alone by itself. It has those that keys were for in the last hour or two.
	Servers map[string]ServerStats
}

// All goes through the kinds with the names that [OperationEvent] has for them: read, write, add, append, removal, clearing, sweep and ping.
func (s *StoreStats) All() iter.Seq2[string, *OperationStats] {
	return func(yield func(string, *OperationStats) bool) {
		for i, o := range [...]*OperationStats{&s.Reads, &s.Writes, &s.Adds, &s.Appends, &s.Removals, &s.Clearings, &s.Sweeps, &s.Pings} {
			if !yield(event.Kind(i).String(), o) {
				return
			}
		}
	}
}

// ServerStats are the States of one server's operations: see [OperationStats]. Writes stands for Adds and Appends, too.
type ServerStats struct{ Reads, Writes, Removals string }

// OperationStats are the operations of one kind. Each is in one of the first nine numbers.
type OperationStats struct {
	Done        uint64 // it was carried out
	Missed      uint64 // reads that found nothing under any of their keys
	TooLarge    uint64 // the store does not take so much
	TimedOut    uint64 // there was no answer in time
	Failed      uint64 // the store, or the way to it, gave an error
	Refused     uint64 // the store was not asked, since it had been failing
	Canceled    uint64 // the caller left, or its own time was over
	Closed      uint64 // it came behind Close
	Unsupported uint64 // the store can never do it

	Bytes uint64    // of the values that were read or written
	Took  Durations // how long they took; none in memory, where none waits, and none of those that were refused

	// State is "closed" where operations go to the store; "open" while they are refused, since three in a row have failed; and "trying" while
	// one tries whether it is back. Reads and Removals each have their own, and Writes, Adds and Appends one; the others are never refused.
	// Of several servers it is that of the one that is worst off.
	State   string
	RetryAt time.Time // from when on the next operation tries; zero while State is closed
}

// All goes through the numbers with the names that [OperationEvent] has for them: done, missed, too-large, timed-out, failed, refused, canceled,
// closed and unsupported.
func (o *OperationStats) All() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for i, n := range [...]uint64{o.Done, o.Missed, o.TooLarge, o.TimedOut, o.Failed, o.Refused, o.Canceled, o.Closed, o.Unsupported} {
			if !yield(event.Result(i).String(), n) {
				return
			}
		}
	}
}

func operationStats(c guard.Counts) OperationStats {
	return OperationStats{
		Done: c.Done, Missed: c.Missed, TooLarge: c.TooLarge, TimedOut: c.TimedOut, Failed: c.Failed, Refused: c.Refused, Canceled: c.Canceled,
		Closed: c.Closed, Unsupported: c.Unsupported, Bytes: c.Bytes, Took: durations(c.Buckets, c.Took), State: c.State, RetryAt: c.RetryAt,
	}
}

// Stats returns what the cache has counted so far. It works after Close, too.
func (c *Cache) Stats() Stats {
	counts := c.server.Counts()
	routes := make(map[string]RouteStats)
	for pattern, r := range c.server.Routes() {
		buckets, sum := r.Fills.Read()
		routes[pattern] = RouteStats{
			Outcomes: Outcomes(r.Outcomes), Refused: r.Refused, Bypasses: r.Bypasses, Fills: durations(buckets, sum), Refreshes: r.Renewals, Saved: r.Saved,
		}
	}
	codings := make(map[string]CodingStats)
	for name, counted := range c.responses.FormCounts() {
		codings[name] = CodingStats(counted)
	}
	servers := make(map[string]ServerStats)
	for name, states := range c.store.Servers() {
		servers[name] = ServerStats(states)
	}
	of := func(kind event.Kind) OperationStats { return operationStats(c.store.Counts(kind)) }
	waiting, bytes := c.responses.Waiting()
	return Stats{
		Stored: counts.Stored.Load(), TooLarge: counts.TooLarge.Load(), Dropped: counts.Dropped.Load(), Untagged: counts.Untagged.Load(), Uncaptured: counts.Uncaptured.Load(),
		CutOff: c.server.CutOff(), StoreFailures: c.store.Failures(), Owed: c.responses.Owed(), Routes: routes, NearHits: c.server.NearHits(),
		Memory: MemoryStats(c.store.Usage()), Near: MemoryStats(c.responses.NearUsage()), Forms: MemoryStats(c.responses.FormUsage()),
		Waiting: waiting, WaitingBytes: bytes, Codings: codings,
		Store: StoreStats{
			Reads: of(event.Read), Writes: of(event.Write), Adds: of(event.Add), Appends: of(event.Append), Removals: of(event.Removal),
			Clearings: of(event.Clearing), Sweeps: of(event.Sweep), Pings: of(event.Ping), Servers: servers,
		},
	}
}
