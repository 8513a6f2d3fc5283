package behaviour_test

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
	"github.com/gin-cachette/cachette/drivers"
)

// shelf is a store of bytes alone, as those that live in other processes are, and can be made to fail.
type shelf struct {
	store  *cachettetest.Store
	driver drivers.Driver // of the store

	mu sync.Mutex
	// linger, if any, is called with what a Get is about to return.
	linger func(c call)
	// behind, if any, is called when several keys have been read, before the caller hears of it.
	behind func(keys []string)
}

// call is an operation that a shelf was asked for.
type call struct{ op, key string }

var _ drivers.Driver = (*shelf)(nil)

func newShelf() *shelf {
	store := cachettetest.NewStore()
	return &shelf{store: store, driver: store.Driver()}
}

// breakdown makes all that follows go through fault; nil ends that.
func (s *shelf) breakdown(fault func(ctx context.Context, c call) error) {
	if fault == nil {
		s.store.Fail(nil)
		return
	}
	s.store.Fail(func(ctx context.Context, o cachettetest.Operation) error { return fault(ctx, call{o.Name, o.Key}) })
}

// delay makes each Get go through linger before it returns; nil ends that.
func (s *shelf) delay(linger func(c call)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.linger = linger
}

// delaySeveral makes each reading of several keys go through behind before it returns; nil ends that.
func (s *shelf) delaySeveral(behind func(keys []string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = behind
}

func (s *shelf) begin(ctx context.Context, c call) error {
	return s.store.Begin(ctx, cachettetest.Operation{Name: c.op, Key: c.key})
}

func (s *shelf) Get(ctx context.Context, key string) (drivers.Item, error) {
	if err := s.begin(ctx, call{"get", key}); err != nil {
		return drivers.Item{}, err
	}
	return s.peek(key)
}

// peek reads without having been asked.
func (s *shelf) peek(key string) (drivers.Item, error) {
	item, err := s.store.Peek(key)
	s.mu.Lock()
	linger := s.linger
	s.mu.Unlock()
	if linger != nil {
		linger(call{"get", key})
	}
	return item, err
}

func (s *shelf) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.driver.Set(ctx, key, value, ttl)
}

func (s *shelf) Delete(ctx context.Context, keys ...string) (int, error) {
	return s.driver.Delete(ctx, keys...)
}

func (s *shelf) Clear(ctx context.Context, prefix string) (int, error) {
	return s.driver.Clear(ctx, prefix)
}

func (s *shelf) Close() error { return nil }

// remove removes the keys for which which holds, and returns how many there were.
func (s *shelf) remove(which func(key string) bool) int { return s.store.Evict(which) }

// keys returns the keys for which which holds, sorted.
func (s *shelf) keys(which func(key string) bool) []string {
	return slices.DeleteFunc(s.store.Keys(), func(key string) bool { return !which(key) })
}

// change rewrites the values of the keys for which which holds.
func (s *shelf) change(which func(key string) bool, rewrite func(value []byte) []byte) {
	for _, key := range s.keys(which) {
		if item, err := s.store.Peek(key); err == nil {
			item.Value = rewrite(item.Value)
			s.store.Place(key, item)
		}
	}
}

// asked returns how many operations there were since the last time.
func (s *shelf) asked() int { return len(s.store.Operations()) }

// isMark tells whether a key is one of the records of purges, isResponse whether it is that of a response.
func isMark(key string) bool {
	rest, ok := strings.CutPrefix(key, "cachette:~r:")
	return ok && strings.ContainsRune("mdl", rune(rest[0]))
}
func isResponse(key string) bool { return strings.Contains(key, "~r:") && !isMark(key) }

// on returns what makes a site keep its data on the shelf.
func (s *shelf) on(cfg *cachette.Config) { cfg.Driver = s }

// storeKind is a kind of store. use gives a site one of its own.
type storeKind struct {
	name string
	use  func(*cachette.Config)
}

func (s storeKind) String() string { return s.name }

// stores keep live objects, bytes, bytes of which several keys are read at once, and bytes to which values are added and logs kept, too.
var stores = []storeKind{
	{"objects", func(*cachette.Config) {}},
	{"bytes", func(cfg *cachette.Config) { cfg.Driver = newShelf() }},
	{"batch", func(cfg *cachette.Config) { cfg.Driver = crate{newShelf()} }},
	{"logs", func(cfg *cachette.Config) { cfg.Driver = newDepot() }},
}

// eachStore runs a test on each kind of store.
func eachStore(t *testing.T, test func(t *testing.T, store func(*cachette.Config))) {
	t.Helper()
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) { test(t, kind.use) })
	}
}

// eachStoreInBubble does what eachStore does, in bubble time.
func eachStoreInBubble(t *testing.T, test func(t *testing.T, store func(*cachette.Config))) {
	t.Helper()
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) { test(t, store) })
	})
}

// logs tells whether a store keeps logs, as every store of the project does. Of one that does not a purge of a prefix purges all.
func logs(store func(*cachette.Config)) bool {
	var cfg cachette.Config
	store(&cfg)
	_, ok := cfg.Driver.(drivers.Log)
	return ok || cfg.Driver == nil
}

// journal is a log that a test can read.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// in returns what makes a site log everything to the journal.
func (j *journal) in(cfg *cachette.Config) {
	cfg.Logger = slog.New(slog.NewTextHandler(io.Writer(j), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// patience bounds each wait of a test for what must happen.
const patience = 30 * time.Second

// await returns what comes out of a channel. In a synctest bubble its time is the bubble's own.
func await[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case value := <-ch:
		return value
	case <-timeout.C:
		t.Fatalf("%s: nothing came in %v", what, patience)
		panic("unreachable")
	}
}

// later runs something beside the test and returns where its outcome will be.
func later[T any](do func() T) <-chan T {
	ch := make(chan T, 1)
	go func() { ch <- do() }()
	return ch
}
