// Package inmemory keeps a cache in the memory of this process, within a bound in bytes.
//
// It is the backend of a program that runs as one process, and of tests. What it holds is lost when the process ends,
// and is not shared with other processes. When the bound is reached it evicts the entries that are the least likely to
// be asked for again (W-TinyLFU), so an entry may vanish before its time to live ends.
//
// Importing the package registers it as "inmemory".
package inmemory

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/gin-cachette/cachette/drivers"
)

func init() {
	drivers.Register("inmemory", drivers.Backend{Open: open, Check: check, Schemes: []string{"memory"}})
}

func open(_ context.Context, settings drivers.Settings) (drivers.Driver, error) {
	d, err := New(Options{MemoryLimit: settings.MemoryLimit})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// check refuses a URL that says more than its scheme: there is no place to name.
func check(settings drivers.Settings) []drivers.Problem {
	if url := settings.URL; url != "" && strings.TrimRight(url, "/") != "memory:" {
		return []drivers.Problem{{Setting: "URL", Text: "nothing may follow the scheme, for the store is this process: give memory:"}}
	}
	return nil
}

// DefaultMemoryLimit is the bound, in bytes, of a driver whose options give none: 64 MiB.
const DefaultMemoryLimit int64 = 64 << 20

// Options configures a [Driver]. Its zero value is ready to use.
type Options struct {
	// MemoryLimit is how many bytes of heap the driver may hold: keys, values, and what it needs to find and to order
	// them. 0 means DefaultMemoryLimit. It is meant for limits of a mebibyte and more: an empty driver takes some
	// tens of kilobytes, which grow with the number of processors.
	//
	// Under a burst of writes the heap may exceed the limit by a few hundredths, and by the values that are being
	// written at that moment.
	MemoryLimit int64

	// Clock tells the time, for tests. nil means time.Now. Under a clock of a test's own nothing is removed in the
	// background, so that it alone decides what [Driver.Sweep] finds.
	Clock func() time.Time
}

// Driver is a [drivers.Driver] that keeps its entries in memory. It is a [drivers.Objects], a [drivers.Limited], a
// [drivers.Adder], a [drivers.Inserter], a [drivers.Log], a [drivers.Sweeper], a [drivers.Measured] and a [drivers.Pinger] too. Create it with [New].
type Driver struct {
	clock func() time.Time // nil for the real one
	start time.Time        // times are kept as durations since then, which no change of the wall clock moves
	limit int64

	store atomic.Pointer[store] // nil once closed

	_ [64]byte // a hit reads what is above, and a write changes what is below: they share no cache line

	budget    budget
	reaper    reaper
	evictions atomic.Uint64
}

// store is otter's cache. An entry in it is never changed, only replaced, so readers need no lock. It lies in otter's own node as a rule.
type store = otter.Cache[string, entry]

type entry struct {
	value    any           // a byteString, or the object of a caller
	deadline time.Duration // since Driver.start; from then on the entry is invisible
	weight   uint32        // in bytes
}

// byteString is a value given to Set. It is a type of our own, so that no object of a caller is taken for one.
type byteString string

func (e *entry) live(now time.Duration) bool {
	return now < e.deadline
}

// New returns an empty driver. A negative MemoryLimit is an error.
func New(options Options) (*Driver, error) {
	if options.MemoryLimit < 0 {
		return nil, fmt.Errorf("inmemory: the memory limit is %d bytes: it may not be negative", options.MemoryLimit)
	}
	d := &Driver{clock: options.Clock, limit: options.MemoryLimit}
	if d.limit == 0 {
		d.limit = DefaultMemoryLimit
	}
	if d.start = time.Now(); d.clock != nil {
		d.start = d.clock()
	}
	d.budget.init(d.limit)

	cache, err := otter.New(&otter.Options[string, entry]{
		MaximumWeight:    uint64(d.budget.forEntries()),
		Weigher:          func(_ string, e entry) uint32 { return e.weight },
		ExpiryCalculator: otter.ExpiryWritingFunc(timeLeft),
		Clock:            &d.reaper,
		OnAtomicDeletion: func(e otter.DeletionEvent[string, entry]) {
			if e.Cause == otter.CauseOverflow {
				d.evictions.Add(1)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("inmemory: %w", err)
	}
	d.store.Store(cache)
	if options.Clock == nil {
		d.reaper.start(func() { d.reap(cache) })
	}
	return d, nil
}

// now is the time since the driver's start.
func (d *Driver) now() time.Duration {
	if d.clock == nil {
		return time.Since(d.start) // which reads the monotonic clock alone
	}
	return d.clock().Sub(d.start)
}

// begin returns the store, or the reason why an operation must not go on.
func (d *Driver) begin(ctx context.Context) (*store, error) {
	cache := d.store.Load()
	if cache == nil {
		return nil, drivers.ErrClosed
	}
	return cache, ctx.Err()
}

// Usage implements [drivers.Measured]. It is zero once the driver is closed.
func (d *Driver) Usage() drivers.Usage {
	cache := d.store.Load()
	if cache == nil {
		return drivers.Usage{}
	}
	cache.CleanUp() // what was written lately is else not weighed yet
	return drivers.Usage{Entries: cache.EstimatedSize(), Bytes: int64(cache.WeightedSize()), Limit: d.limit, Evictions: d.evictions.Load()}
}

// Hottest implements [drivers.Measured].
func (d *Driver) Hottest(n int) (hottest []drivers.Held) {
	cache := d.store.Load()
	if cache == nil || n <= 0 {
		return nil
	}
	now := d.now()
	for e := range cache.Hottest() {
		if !e.Value.live(now) {
			continue
		}
		if hottest = append(hottest, drivers.Held{Key: e.Key, Bytes: int64(e.Weight)}); len(hottest) == n {
			break
		}
	}
	return hottest
}

// Get returns a copy of the value stored under key. It is [drivers.ErrMiss] when key is absent, has expired, or holds
// an object.
func (d *Driver) Get(ctx context.Context, key string) (drivers.Item, error) {
	cache, err := d.begin(ctx)
	if err != nil {
		return drivers.Item{}, err
	}
	e, ok := cache.GetIfPresent(key)
	if !ok || !e.live(d.now()) {
		return drivers.Item{}, drivers.ErrMiss
	}
	value, ok := e.value.(byteString)
	if !ok {
		return drivers.Item{}, drivers.ErrMiss
	}
	return drivers.Item{Value: []byte(value), ExpiresAt: d.start.Add(e.deadline)}, nil
}

// Set stores a copy of value under key for ttl. An entry that alone exceeds the memory limit, or that takes 4 GiB or
// more, is an error that names its size and the limit; then what was stored under key is gone, as a reader must not be
// given a value that its writer has tried to replace.
func (d *Driver) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	cache, err := d.begin(ctx)
	if err != nil {
		return err
	}
	if ttl <= 0 {
		return fmt.Errorf("inmemory: the time to live is %v: it must be positive", ttl)
	}
	// The copy is made only if it may be kept, and weighed as the allocator rounded it up.
	if int64(len(value)) <= d.budget.room(key) {
		var copied strings.Builder
		copied.Write(value)
		d.put(cache, strings.Clone(key), byteString(copied.String()), copied.Cap(), ttl)
		return nil
	}
	cache.Invalidate(key)
	return fmt.Errorf("inmemory: %w: a value of %d bytes under a key of %d bytes does not fit into the memory limit of %d bytes",
		drivers.ErrTooLarge, len(value), len(key), d.limit)
}

// MaxValue returns the size, in bytes, of the largest value that Set takes under key, and of the largest object that
// PutObject does; less than zero when there is none. It shrinks a little as the number of entries grows.
func (d *Driver) MaxValue(key string) int {
	return int(d.budget.room(key))
}

// put stores value, which there is room for and which takes size bytes, under a key that is no slice of something larger.
func (d *Driver) put(cache *store, key string, value any, size int, ttl time.Duration) {
	weight := d.budget.weigh(rounded(len(key)), size)
	cache.Set(key, entry{value: value, deadline: after(d.now(), ttl), weight: weight})
	d.budget.spend(cache, weight)
}

// rounded returns no less than what the allocator makes of so many bytes of a key: its sizes are multiples of 16 at first, and
// then an eighth apart at most.
func rounded(size int) int {
	if size <= 256 {
		return (size + 15) &^ 15
	}
	return size + size/8
}

// after returns the time that is so long after another.
func after(now, ttl time.Duration) time.Duration {
	if ttl > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + ttl
}

// Delete removes keys and returns how many of them were live.
func (d *Driver) Delete(ctx context.Context, keys ...string) (int, error) {
	cache, err := d.begin(ctx)
	if err != nil {
		return 0, err
	}
	live := 0
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return live, err
		}
		if d.remove(cache, key) {
			live++
		}
	}
	return live, nil
}

// remove removes key and reports whether it was live. Of several at once one is told that it was.
func (d *Driver) remove(cache *store, key string) bool {
	e, ok := cache.Invalidate(key)
	return ok && e.live(d.now())
}

// Clear removes every key that begins with prefix and returns how many of them were live. It looks at every key, and
// holds up no other operation meanwhile. A key that is written while Clear runs may survive it. When ctx ends before
// Clear does, it returns how many it had removed by then, and the error.
func (d *Driver) Clear(ctx context.Context, prefix string) (int, error) {
	cache, err := d.begin(ctx)
	if err != nil {
		return 0, err
	}
	live := 0
	for key := range cache.Keys() {
		if err := ctx.Err(); err != nil {
			return live, err
		}
		if strings.HasPrefix(key, prefix) && d.remove(cache, key) {
			live++
		}
	}
	return live, nil
}

// Sweep removes the entries that have expired and returns how many they were. Those that the driver has removed by
// itself before, a minute after their end or when memory grew short, are not among them.
func (d *Driver) Sweep(ctx context.Context) (int, error) {
	cache, err := d.begin(ctx)
	if err != nil {
		return 0, err
	}
	swept := 0
	now := d.now()
	for key, expired := range cache.All() {
		if err := ctx.Err(); err != nil {
			return swept, err
		}
		if expired.live(now) {
			continue
		}
		cache.ComputeIfPresent(key, func(current entry) (entry, otter.ComputeOp) {
			if current.live(now) { // it has been replaced meanwhile
				return entry{}, otter.CancelOp
			}
			swept++
			return entry{}, otter.InvalidateOp
		})
	}
	return swept, nil
}

// Ping returns nil until the driver is closed.
func (d *Driver) Ping(ctx context.Context) error {
	_, err := d.begin(ctx)
	return err
}

// Close drops all entries and stops what runs in the background. It is safe to call at any time, and again.
func (d *Driver) Close() error {
	cache := d.store.Swap(nil)
	if cache == nil {
		return nil
	}
	d.reaper.stop()
	cache.StopAllGoroutines()
	return nil
}
