package logrecord_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

// table is a store that several processes share. Before each of their commands, other processes may do something.
type table struct {
	mu                 sync.Mutex
	items              map[string]row
	before             func(ctx context.Context, command string) // nil for nothing
	remove             func(ctx context.Context, keys []string)  // is told what is removed
	logrecord.Numbered                                           // one that remembers nothing, for looking
}

type row struct {
	value []byte
	last  int64
}

func (s *table) begin(ctx context.Context, command string) {
	if s.before != nil && ctx.Value(inner{}) == nil {
		s.before(ctx, command)
	}
}

// inner is the key of a context of what is done before a command.
type inner struct{}

func within(ctx context.Context) context.Context { return context.WithValue(ctx, inner{}, true) }

func (s *table) Add(ctx context.Context, _ time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	s.begin(ctx, "add")
	s.mu.Lock()
	defer s.mu.Unlock()
	values := make([][]byte, len(keys))
	for i, key := range keys {
		if _, there := s.items[key]; !there {
			s.items[key] = row{value: word()}
		}
		values[i] = s.items[key].value
	}
	return values, nil
}

func (s *table) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	s.begin(ctx, "get")
	s.mu.Lock()
	defer s.mu.Unlock()
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = s.items[key].value
	}
	return values, nil
}

func (s *table) Remove(ctx context.Context, keys ...string) error {
	s.begin(ctx, "remove")
	s.mu.Lock()
	for _, key := range keys {
		delete(s.items, key)
	}
	s.mu.Unlock()
	if s.remove != nil {
		s.remove(ctx, keys)
	}
	return nil
}

func (s *table) Head(ctx context.Context, key string) ([]byte, int64, time.Duration, error) {
	s.begin(ctx, "head")
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[key].value, s.items[key].last, time.Hour, nil
}

func (s *table) Raise(ctx context.Context, key string, record []byte, last int64, _ time.Duration) (bool, error) {
	s.begin(ctx, "raise")
	s.mu.Lock()
	defer s.mu.Unlock()
	item, there := s.items[key]
	if !there || !bytes.Equal(item.value, record) || item.last >= last {
		return false, nil
	}
	item.last = last
	s.items[key] = item
	return true, nil
}

// told tells whether what is behind each of some positions has a record, or cannot be told.
func (s *table) told(t *testing.T, positions []drivers.Position, record string) bool {
	for _, from := range positions {
		records, _, complete, err := s.Since(within(t.Context()), "log", from)
		if err != nil {
			t.Error(err)
		}
		if complete && !slices.ContainsFunc(records, func(r []byte) bool { return string(r) == record }) {
			return false
		}
	}
	return true
}

// TestPurgesOfSeveralProcesses has three processes, each of which remembers its own head, purge, look at the end, and lose the log, also between the
// commands of another's purge. When a purge deletes its mark for the last time, the log tells of it behind each position that was there before.
func TestPurgesOfSeveralProcesses(t *testing.T) {
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := &table{items: make(map[string]row)}
		s.Numbered = logrecord.Numbered{Store: s, Heads: new(logrecord.Heads)}
		var processes [3]logrecord.Numbered
		for i := range processes {
			processes[i] = logrecord.Numbered{Store: s, Heads: new(logrecord.Heads)}
		}
		var positions []drivers.Position
		var turn sync.Mutex // of what is done before commands, of which a purge sends two at once
		records := 0
		purge := func(ctx context.Context, some int) {
			records++
			record := "record " + strconv.Itoa(records)
			if err := processes[some].Purge(ctx, "log", 3, time.Hour, [][]byte{[]byte(record)}, record); err != nil {
				t.Fatal(err)
			}
		}
		idle := rng.IntN(2) // whether the first process does nothing for long, so that what it remembers is old
		any := func() int { return idle + rng.IntN(len(processes)-idle) }
		other := func(ctx context.Context) {
			switch k := rng.IntN(10); {
			case k < 5:
				purge(ctx, any())
			case k < 9:
				end, err := processes[any()].End(ctx, "log", time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				if positions = append(positions, end); len(positions) > 5 {
					positions = positions[1:]
				}
			case rng.IntN(5) == 0:
				_ = s.Remove(ctx, "log")
			}
		}
		purge(within(t.Context()), 0)
		for range rng.IntN(80) {
			other(within(t.Context()))
		}
		s.before = func(ctx context.Context, _ string) {
			turn.Lock()
			defer turn.Unlock()
			for rng.IntN(3) == 0 {
				other(within(ctx))
			}
		}
		before, deleted, told := slices.Clone(positions), 0, false
		s.remove = func(ctx context.Context, keys []string) {
			if ctx.Value(inner{}) == nil && strings.HasPrefix(keys[0], "record") {
				deleted++
				told = s.told(t, before, keys[0])
			}
		}
		purge(t.Context(), 0)
		if deleted == 0 || !told {
			t.Fatalf("seed %d: the mark was deleted %d times, and the last time the log did not tell of the purge", seed, deleted)
		}
	}
}
