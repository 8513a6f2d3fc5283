package cachettetest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
)

// Store keeps bytes in memory, without a bound, notes what it is asked for, and can be made to fail, to be late and to lose what it has.
type Store struct {
	mu         sync.Mutex
	items      map[string]drivers.Item
	operations []Operation
	fault      func(ctx context.Context, operation Operation) error
	delay      time.Duration
	loses      func(key string) bool
}

// Operation is what a store was asked for.
type Operation struct {
	Name string // get, set, insert, delete or clear
	Key  string // of delete all keys, separated by a blank; of clear the prefix
}

// NewStore returns an empty store.
func NewStore() *Store { return &Store{items: make(map[string]drivers.Item)} }

// Use has a cache keep its data in the store: it is for [New].
func (s *Store) Use(cfg *cachette.Config) { cfg.Driver = s.Driver() }

// Fail has fault asked before each operation: an error ends the operation, and fault may wait, for ctx say, as a store that
// hangs does. nil ends that.
func (s *Store) Fail(fault func(ctx context.Context, operation Operation) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// Delay has each operation take that much longer, or as long as its ctx has; 0 ends that. In a [Bubble] it takes none.
func (s *Store) Delay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// Lose has the store lose what is written from now on under keys for which which holds: it says that it has it, as a store does that is full, or
// whose replica takes over before it has heard. nil ends that. What is there already [Store.Evict] takes away.
func (s *Store) Lose(which func(key string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loses = which
}

// lost tells whether what is written under a key is lost.
func (s *Store) lost(key string) bool {
	s.mu.Lock()
	loses := s.loses
	s.mu.Unlock()
	return loses != nil && loses(key)
}

// Operations returns what the store was asked for since the last time.
func (s *Store) Operations() []Operation {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.operations
	s.operations = nil
	return all
}

// Keys returns the keys of the store, sorted, those of what has expired included.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.items))
}

// Peek returns what is stored under key, or [drivers.ErrMiss]. It is no operation: it does not fail otherwise, and is not noted.
func (s *Store) Peek(key string) (drivers.Item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	item, ok := s.items[key]
	if !ok || !time.Now().Before(item.ExpiresAt) {
		return drivers.Item{}, drivers.ErrMiss
	}
	item.Value = bytes.Clone(item.Value)
	return item, nil
}

// Place puts an item under key, such as one that was damaged. It is no operation, as Peek is none.
func (s *Store) Place(key string, item drivers.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	item.Value = bytes.Clone(item.Value)
	s.items[key] = item
}

// placeAbsent puts an item under key unless there is a live one, and tells whether it has.
func (s *Store) placeAbsent(key string, item drivers.Item) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.items[key]; ok && time.Now().Before(old.ExpiresAt) {
		return false
	}
	item.Value = bytes.Clone(item.Value)
	s.items[key] = item
	return true
}

// Begin notes an operation, and returns the error that it is to fail with: for a driver of the test's own around the store.
func (s *Store) Begin(ctx context.Context, operation Operation) error {
	s.mu.Lock()
	s.operations = append(s.operations, operation)
	fault, delay := s.fault, s.delay
	s.mu.Unlock()
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fault != nil {
		if err := fault(ctx, operation); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Driver returns a driver that keeps its entries in the store. Each has an end of its own, so that caches can share a store.
func (s *Store) Driver() drivers.Driver { return &driver{store: s} }

// driver is one cache's way to a store.
type driver struct {
	store  *Store
	closed atomic.Bool
}

func (d *driver) begin(ctx context.Context, name, key string) error {
	if d.closed.Load() {
		return drivers.ErrClosed
	}
	return d.store.Begin(ctx, Operation{name, key})
}

func (d *driver) Get(ctx context.Context, key string) (drivers.Item, error) {
	if err := d.begin(ctx, "get", key); err != nil {
		return drivers.Item{}, err
	}
	return d.store.Peek(key)
}

func (d *driver) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := d.begin(ctx, "set", key); err != nil {
		return err
	}
	if ttl <= 0 {
		return errors.New("cachettetest: set: the time to live is not positive")
	}
	if d.store.lost(key) {
		d.store.Evict(func(other string) bool { return other == key })
		return nil
	}
	d.store.Place(key, drivers.Item{Value: value, ExpiresAt: time.Now().Add(ttl)})
	return nil
}

// Insert implements [drivers.Inserter].
func (d *driver) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if err := d.begin(ctx, "insert", key); err != nil {
		return false, err
	}
	if ttl <= 0 {
		return false, errors.New("cachettetest: insert: the time to live is not positive")
	}
	added := d.store.placeAbsent(key, drivers.Item{Value: value, ExpiresAt: time.Now().Add(ttl)})
	if added && d.store.lost(key) {
		d.store.Evict(func(other string) bool { return other == key })
	}
	return added, nil
}

func (d *driver) Delete(ctx context.Context, keys ...string) (int, error) {
	if err := d.begin(ctx, "delete", strings.Join(keys, " ")); err != nil {
		return 0, err
	}
	return d.store.Evict(func(key string) bool { return slices.Contains(keys, key) }), nil
}

func (d *driver) Clear(ctx context.Context, prefix string) (int, error) {
	if err := d.begin(ctx, "clear", prefix); err != nil {
		return 0, err
	}
	return d.store.Evict(func(key string) bool { return strings.HasPrefix(key, prefix) }), nil
}

func (d *driver) Close() error {
	d.closed.Store(true)
	return nil
}

// Evict removes the keys for which which holds, as a full store does, and returns how many of them were live. It is no operation.
func (s *Store) Evict(which func(key string) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, live := time.Now(), 0
	maps.DeleteFunc(s.items, func(key string, item drivers.Item) bool {
		if which(key) && now.Before(item.ExpiresAt) {
			live++
		}
		return which(key)
	})
	return live
}
