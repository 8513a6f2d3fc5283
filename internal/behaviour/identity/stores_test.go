package identity_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// shelf is a store of bytes, as those that live in other processes are, with room for so many bytes: where there is none
// left, any of what it holds has to go. It fails now and then, a few times in a row.
type shelf struct {
	mu      sync.Mutex
	items   map[string]drivers.Item
	held    int
	room    int
	evicted int
	asked   int
	faulty  int // one in so many operations begins a row of failures; 0 for none
	failing int // how many are still to fail
}

func newShelf(room, faulty int) *shelf {
	return &shelf{items: make(map[string]drivers.Item), room: room, faulty: faulty}
}

var errShelf = errors.New("the shelf does not answer")

// begin begins an operation, which is not to be interrupted until end.
func (s *shelf) begin(ctx context.Context) error {
	s.mu.Lock()
	s.asked++
	if s.faulty > 0 && s.asked%s.faulty == 0 {
		s.failing = 2 // less than it takes to be left alone for a while
		if s.asked%(20*s.faulty) == 0 {
			s.failing = 10
		}
	}
	if s.failing > 0 {
		s.failing--
		return errShelf
	}
	return ctx.Err()
}

// end ends an operation. Others may go on before its caller does.
func (s *shelf) end() {
	yields := s.asked%8 == 0
	s.mu.Unlock()
	if yields {
		runtime.Gosched()
	}
}

func (s *shelf) Get(ctx context.Context, key string) (drivers.Item, error) {
	defer s.end()
	if err := s.begin(ctx); err != nil {
		return drivers.Item{}, err
	}
	return s.find(key)
}

func (s *shelf) find(key string) (drivers.Item, error) {
	item, ok := s.items[key]
	if !ok || !time.Now().Before(item.ExpiresAt) {
		return drivers.Item{}, drivers.ErrMiss
	}
	item.Value = bytes.Clone(item.Value)
	return item, nil
}

func (s *shelf) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	defer s.end()
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.remove(key)
	s.items[key] = drivers.Item{Value: bytes.Clone(value), ExpiresAt: time.Now().Add(ttl)}
	s.held += len(key) + len(value)
	for other := range s.items {
		if s.held <= s.room {
			break
		}
		if other != key {
			s.remove(other)
			s.evicted++
		}
	}
	return nil
}

// remove removes a key, and tells whether it was there.
func (s *shelf) remove(key string) bool {
	item, ok := s.items[key]
	if ok {
		s.held -= len(key) + len(item.Value)
		delete(s.items, key)
	}
	return ok
}

func (s *shelf) Delete(ctx context.Context, keys ...string) (int, error) {
	return s.removeAll(ctx, func(key string) bool { return slices.Contains(keys, key) })
}

func (s *shelf) Clear(ctx context.Context, prefix string) (int, error) {
	return s.removeAll(ctx, func(key string) bool { return strings.HasPrefix(key, prefix) })
}

func (s *shelf) removeAll(ctx context.Context, which func(key string) bool) (n int, err error) {
	defer s.end()
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	for key := range s.items {
		if which(key) && s.remove(key) {
			n++
		}
	}
	return n, nil
}

func (s *shelf) Close() error { return nil }

// crate is a shelf that reads several keys at once.
type crate struct{ *shelf }

func (s crate) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	defer s.end()
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		if item, err := s.find(key); err == nil {
			values[i] = append([]byte{}, item.Value...)
		}
	}
	return values, nil
}
