package entries

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

const timeout = 500 * time.Millisecond

// flaky is a driver of bytes alone whose operations can be made to fail.
type flaky struct {
	drivers.Driver // hides that the one in memory keeps objects

	mu sync.Mutex
	// fault is asked before each operation, "get", "set", "delete" or "clear".
	fault func(ctx context.Context, op, key string) error
	ttls  map[string]time.Duration
}

func (f *flaky) breakdown(fault func(ctx context.Context, op, key string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func (f *flaky) begin(ctx context.Context, op, key string) error {
	f.mu.Lock()
	fault := f.fault
	f.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(ctx, op, key)
}

func (f *flaky) Get(ctx context.Context, key string) (drivers.Item, error) {
	if err := f.begin(ctx, "get", key); err != nil {
		return drivers.Item{}, err
	}
	return f.Driver.Get(ctx, key)
}

func (f *flaky) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := f.begin(ctx, "set", key); err != nil {
		return err
	}
	f.mu.Lock()
	f.ttls[key] = ttl
	f.mu.Unlock()
	return f.Driver.Set(ctx, key, value, ttl)
}

func (f *flaky) Delete(ctx context.Context, keys ...string) (int, error) {
	if err := f.begin(ctx, "delete", strings.Join(keys, " ")); err != nil {
		return 0, err
	}
	return f.Driver.Delete(ctx, keys...)
}

func (f *flaky) Clear(ctx context.Context, prefix string) (int, error) {
	if err := f.begin(ctx, "clear", prefix); err != nil {
		return 0, err
	}
	return f.Driver.Clear(ctx, prefix)
}

// open returns responses in a store that keeps objects, or in a flaky one of bytes.
func open(t *testing.T, objects bool) (*Store, *flaky) {
	t.Helper()
	memory, f := newFlaky(t)
	if objects {
		return on(t, memory), f
	}
	return on(t, f), f
}

func newFlaky(t *testing.T) (*inmemory.Driver, *flaky) {
	t.Helper()
	memory, err := inmemory.New(inmemory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = memory.Close() })
	return memory, &flaky{Driver: memory, ttls: make(map[string]time.Duration)}
}

// on returns responses in a driver.
func on(t *testing.T, driver drivers.Driver) *Store {
	log := slog.New(slog.DiscardHandler)
	s := New(Options{Store: guard.New(driver, timeout, log), Prefix: "p:", KeepStale: time.Hour, Log: log, Waiting: 1 << 20})
	t.Cleanup(s.Close)
	return s
}

// another returns the responses of another process on the same store.
func another(t *testing.T, s *Store) *Store {
	other := New(Options{Store: s.far, Prefix: "p:", KeepStale: time.Hour, Log: s.log, Waiting: 1 << 20})
	t.Cleanup(other.Close)
	return other
}

// able is a driver of bytes that can do what those of real stores can. It counts how often it is asked for values.
type able struct {
	*flaky
	drivers.Adder
	drivers.Log
	batches atomic.Int64
}

func newAble(t *testing.T) *able {
	t.Helper()
	memory, f := newFlaky(t)
	return &able{flaky: f, Adder: memory, Log: memory}
}

func (a *able) Get(ctx context.Context, key string) (drivers.Item, error) {
	a.batches.Add(1)
	return a.flaky.Get(ctx, key)
}

// GetValues implements [drivers.Batch].
func (a *able) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	a.batches.Add(1)
	values := make([][]byte, len(keys))
	for i, key := range keys {
		item, err := a.flaky.Get(ctx, key)
		switch {
		case err == nil:
			values[i] = item.Value
		case !errors.Is(err, drivers.ErrMiss):
			return nil, err
		}
	}
	return values, nil
}

// both runs a test on a store of objects, on one of bytes, on one for which all waits, and on one of bytes that can do more.
func both(t *testing.T, test func(t *testing.T, s *Store)) {
	t.Helper()
	for name, objects := range map[string]bool{"objects": true, "bytes": false} {
		t.Run(name, func(t *testing.T) {
			s, _ := open(t, objects)
			test(t, s)
		})
	}
	t.Run("waiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, _ := open(t, false)
			hold(t, s)
			test(t, s)
		})
	})
	t.Run("logs", func(t *testing.T) {
		test(t, on(t, newAble(t)))
	})
}

// hold has all writes of responses wait, until what it returns is called.
func hold(t *testing.T, s *Store) (release func()) {
	release = sync.OnceFunc(func() {
		for i := range s.queue.lines {
			l := &s.queue.lines[i]
			l.mu.Lock()
			l.running = len(l.waiting) > 0
			if l.running {
				go s.queue.run(l)
			}
			l.mu.Unlock()
		}
	})
	for i := range s.queue.lines {
		l := &s.queue.lines[i]
		l.mu.Lock()
		for l.running { // one that is about to end
			l.mu.Unlock()
			runtime.Gosched()
			l.mu.Lock()
		}
		l.running = true // by a goroutine that there is not
		l.mu.Unlock()
	}
	t.Cleanup(release)
	return release
}

// settle waits until what waits for the store is stored.
func settle(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// entry returns a response that is fresh for an hour and varies by fields.
func entry(body string, vary ...string) *response.Entry {
	return response.New(&response.Draft{Status: http.StatusOK, Body: []byte(body),
		Meta: rfc9111.Metadata{ResponseTime: time.Now(), Lifetime: time.Hour, Vary: vary}})
}

// at is the target of a path in a namespace, if that is not empty.
func at(path, namespace string) *target.Target {
	t := &target.Target{Key: "key " + path, Host: "h", Path: path}
	if namespace != "" {
		t.Namespaces = []string{namespace}
	}
	return t
}

// sent is a target as a request with a header has it.
func sent(t *target.Target, header http.Header) *target.Target {
	t.Header = header
	return t
}

// keep stores a response for path, in a namespace, as a fill does that begins and ends at once.
func keep(t *testing.T, s *Store, path, namespace, body string, request http.Header, vary ...string) {
	t.Helper()
	known := s.Get(t.Context(), sent(at(path, namespace), request), time.Now())
	ticket := s.Begin(t.Context(), &known, at(path, namespace))
	if kept, err := s.Put(sent(at(path, namespace), request), entry(body, vary...), &ticket, time.Now(), nil); !kept || err != nil {
		t.Fatalf("%s was not kept: %v", body, err)
	}
}

// found returns the body of what is found for path, or "".
func found(t *testing.T, s *Store, path string, request http.Header) string {
	t.Helper()
	return foundIn(t, s, path, "", request)
}

// foundIn does what found does for a route in a namespace.
func foundIn(t *testing.T, s *Store, path, namespace string, request http.Header) string {
	t.Helper()
	f := s.Get(t.Context(), sent(at(path, namespace), request), time.Now())
	if f.Entry == nil {
		return ""
	}
	return string(f.Entry.Body)
}

// PurgePath purges a path.
func (s *Store) PurgePath(ctx context.Context, path string) error {
	return s.Purge(ctx, nil, purge.Scope{Kind: purge.Path, Name: path})
}

// PurgeHostPath purges a path on one host.
func (s *Store) PurgeHostPath(ctx context.Context, host, path string) error {
	return s.Purge(ctx, nil, purge.OfHostPath(host, path))
}
