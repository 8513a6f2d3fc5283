package cachette_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
)

// shelf is a store of bytes alone, as those that live in other processes are, and can be made to fail.
type shelf struct {
	mu    sync.Mutex
	items map[string]drivers.Item
	calls []call
	// fault, if any, is asked before each operation: an error ends it, and it may wait.
	fault func(ctx context.Context, c call) error
	// linger, if any, is called with what a Get is about to return.
	linger func(c call)
}

// call is an operation that a shelf was asked for.
type call struct{ op, key string }

var _ drivers.Driver = (*shelf)(nil)

func newShelf() *shelf { return &shelf{items: make(map[string]drivers.Item)} }

// breakdown makes all that follows go through fault; nil ends that.
func (s *shelf) breakdown(fault func(ctx context.Context, c call) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// delay makes each Get go through linger before it returns; nil ends that.
func (s *shelf) delay(linger func(c call)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.linger = linger
}

func (s *shelf) begin(ctx context.Context, c call) error {
	s.mu.Lock()
	s.calls = append(s.calls, c)
	fault := s.fault
	s.mu.Unlock()
	if fault != nil {
		if err := fault(ctx, c); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *shelf) Get(ctx context.Context, key string) (drivers.Item, error) {
	if err := s.begin(ctx, call{"get", key}); err != nil {
		return drivers.Item{}, err
	}
	return s.peek(key)
}

// peek reads without having been asked.
func (s *shelf) peek(key string) (drivers.Item, error) {
	s.mu.Lock()
	item, ok := s.items[key]
	linger := s.linger
	s.mu.Unlock()
	if linger != nil {
		linger(call{"get", key})
	}
	if !ok || !time.Now().Before(item.ExpiresAt) {
		return drivers.Item{}, drivers.ErrMiss
	}
	item.Value = bytes.Clone(item.Value)
	return item, nil
}

func (s *shelf) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := s.begin(ctx, call{"set", key}); err != nil {
		return err
	}
	if ttl <= 0 {
		return errors.New("the ttl is not positive")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[key] = drivers.Item{Value: bytes.Clone(value), ExpiresAt: time.Now().Add(ttl)}
	return nil
}

func (s *shelf) Delete(ctx context.Context, keys ...string) (int, error) {
	if err := s.begin(ctx, call{"delete", strings.Join(keys, " ")}); err != nil {
		return 0, err
	}
	return s.remove(func(key string) bool { return slices.Contains(keys, key) }), nil
}

func (s *shelf) Clear(ctx context.Context, prefix string) (int, error) {
	if err := s.begin(ctx, call{"clear", prefix}); err != nil {
		return 0, err
	}
	return s.remove(func(key string) bool { return strings.HasPrefix(key, prefix) }), nil
}

func (s *shelf) Close() error { return nil }

// remove removes the keys for which which holds, and returns how many there were.
func (s *shelf) remove(which func(key string) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key := range s.items {
		if which(key) {
			delete(s.items, key)
			n++
		}
	}
	return n
}

// keys returns the keys for which which holds, sorted.
func (s *shelf) keys(which func(key string) bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for key := range s.items {
		if which(key) {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	return found
}

// change rewrites the values of the keys for which which holds.
func (s *shelf) change(which func(key string) bool, rewrite func(value []byte) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, item := range s.items {
		if which(key) {
			item.Value = rewrite(bytes.Clone(item.Value))
			s.items[key] = item
		}
	}
}

// asked returns how many operations there were since the last time.
func (s *shelf) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.calls)
	s.calls = nil
	return n
}

// isMark tells whether a key is that of the record of purges, isResponse whether it is that of a response.
func isMark(key string) bool     { return strings.HasPrefix(key, "cachette:~r:m") }
func isResponse(key string) bool { return strings.Contains(key, "~r:") && !isMark(key) }

// on returns what makes a site keep its data on the shelf.
func (s *shelf) on(cfg *cachette.Config) { cfg.Driver = s }

// eachStore runs a test on a store that keeps live objects, on one that keeps bytes, and on one that reads several keys at
// once. store gives a site one of its own.
func eachStore(t *testing.T, test func(t *testing.T, store func(*cachette.Config))) {
	t.Helper()
	t.Run("objects", func(t *testing.T) { test(t, func(*cachette.Config) {}) })
	t.Run("bytes", func(t *testing.T) { test(t, func(cfg *cachette.Config) { cfg.Driver = newShelf() }) })
	t.Run("batch", func(t *testing.T) { test(t, func(cfg *cachette.Config) { cfg.Driver = crate{newShelf()} }) })
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
