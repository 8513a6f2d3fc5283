package fleet_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

var (
	errRefused = errors.New("the store refuses")
	errFull    = errors.New("the store is full")
	errGone    = errors.New("the process is gone")
)

// fate is what becomes of a command that a store was sent.
type fate byte

// The fates.
const (
	fine    fate = iota
	refused      // it is not carried out
	lost         // it is carried out, and the one that sent it is told that it is not
	late         // the one that sent it gives up, and it is carried out behind that
)

// command waits for its turn.
type command struct {
	who, what string
	number    int // among those of who
	do        func() error
	answer    chan error
}

// actor is the key, in a context, of what a command is of.
type actor struct{}

func whoOf(ctx context.Context) string {
	who, _ := ctx.Value(actor{}).(string)
	return who
}

// stepped is what several processes share: a store whose commands are carried out one at a time, when a schedule says so.
type stepped struct {
	mu      sync.Mutex
	waiting []*command
	numbers map[string]int
	free    bool // commands are carried out at once

	items map[string]drivers.Item
	logs  map[string]*steppedLog
	begun int // logs, ever

	full    bool // takes nothing new
	clears  bool // can clear
	mistake storeMistake
	again   []func() // what a mistake is to repeat
}

// storeMistake is one that a store, its driver or its client may make, for the schedules to find.
type storeMistake byte

// The mistakes.
const (
	none          storeMistake = iota
	deletesNot                 // it says that it has deleted, and has not
	repeatsWord                // a word is sent once more, long after the first time
	forgetsRecord              // a log leaves out what it does not tell
	readsOld                   // what is read may be what was there before
	marksAsWere                // marks that are read alone, as for an entry that waits for the store, are those that were there once
)

// isMark tells whether a key is one of the records of purges.
func isMark(key string) bool {
	rest, ours := strings.CutPrefix(key, "cachette:~r:")
	return ours && strings.ContainsRune("mdl", rune(rest[0]))
}

type steppedLog struct {
	number  int
	records [][]byte
}

func newStepped() *stepped {
	return &stepped{items: make(map[string]drivers.Item), logs: make(map[string]*steppedLog), numbers: make(map[string]int), clears: true}
}

// step waits for its turn, and for what becomes of the command then.
func (s *stepped) step(ctx context.Context, what string, do func() error) error {
	s.mu.Lock()
	if s.free {
		defer s.mu.Unlock()
		return do()
	}
	who := whoOf(ctx)
	s.numbers[who]++
	c := &command{who: who, what: what, number: s.numbers[who], do: do, answer: make(chan error, 1)}
	s.waiting = append(s.waiting, c)
	s.mu.Unlock()
	select {
	case err := <-c.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turns returns the commands that wait, in an order that does not depend on how they came.
func (s *stepped) turns() []*command {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(s.waiting, func(a, b *command) int {
		return cmp.Or(cmp.Compare(a.who, b.who), cmp.Compare(a.what, b.what), cmp.Compare(a.number, b.number)) // one who asks may ask for two things at once
	})
	return slices.Clone(s.waiting)
}

// take carries out a command.
func (s *stepped) take(c *command, f fate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f == late { // its turn comes once more, without one that waits for it
		if c.answer != nil {
			c.answer <- errRefused
			c.answer = nil
		}
		return
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(other *command) bool { return other == c })
	err := errRefused
	if f != refused {
		err = c.do()
	}
	if f == lost {
		err = errRefused
	}
	if c.answer != nil {
		c.answer <- err
	}
}

// release has all that waits, and all that comes, carried out at once.
func (s *stepped) release() {
	s.mu.Lock()
	s.free = true
	s.mu.Unlock()
	for _, c := range s.turns() {
		s.take(c, fine)
	}
}

// lose loses one of the keys, by its number among them.
func (s *stepped) lose(number int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Sorted(maps.Keys(s.items))
	all = append(all, slices.Sorted(maps.Keys(s.logs))...)
	if len(all) == 0 {
		return ""
	}
	key := all[number%len(all)]
	delete(s.items, key)
	delete(s.logs, key)
	return key
}

func (s *stepped) live(key string) (drivers.Item, bool) {
	item, ok := s.items[key]
	return item, ok && time.Now().Before(item.ExpiresAt)
}

// process is a connection of one process to the store.
type process struct {
	*stepped
	name string
	mu   sync.Mutex
	dead bool
	old  map[string][]byte // with readsOld and marksAsWere: what it has read
}

func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

// do sends a command, if the process still lives.
func (p *process) do(ctx context.Context, what string, do func() error) error {
	if whoOf(ctx) == "" {
		ctx = context.WithValue(ctx, actor{}, p.name+" by itself: "+what) // of these several may wait at once
	}
	gone := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.dead
	}
	if gone() {
		return errGone
	}
	err := p.step(ctx, what, do)
	if gone() {
		return errGone
	}
	return err
}

func (p *process) Get(ctx context.Context, key string) (drivers.Item, error) {
	var item drivers.Item
	err := p.do(ctx, "get "+key, func() error {
		found, ok := p.live(key)
		if !ok {
			return drivers.ErrMiss
		}
		item = drivers.Item{Value: bytes.Clone(found.Value), ExpiresAt: found.ExpiresAt}
		return nil
	})
	if err != nil { // what has come of it may come later
		return drivers.Item{}, err
	}
	return item, nil
}

func (p *process) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	var values [][]byte
	err := p.do(ctx, "get "+strings.Join(keys, " "), func() error {
		values = make([][]byte, len(keys))
		for i, key := range keys {
			if item, ok := p.live(key); ok {
				values[i] = bytes.Clone(item.Value)
			}
			if p.mistake == marksAsWere && values[i] != nil {
				p.old[key] = bytes.Clone(values[i])
			}
			if p.mistake == marksAsWere && isMark(keys[0]) {
				values[i] = bytes.Clone(p.old[key])
			}
			if p.mistake == readsOld {
				if old := p.old[key]; old != nil {
					values[i] = bytes.Clone(old)
				}
				p.old[key] = bytes.Clone(values[i])
			}
		}
		return nil
	})
	if err != nil { // what has come of it may come later
		return nil, err
	}
	return values, nil
}

func (p *process) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	value = bytes.Clone(value)
	return p.do(ctx, "set "+key, func() error {
		if p.full {
			return errFull
		}
		p.items[key] = drivers.Item{Value: value, ExpiresAt: time.Now().Add(ttl)}
		return nil
	})
}

func (p *process) Delete(ctx context.Context, keys ...string) (int, error) {
	keys = slices.Clone(keys)
	n := 0
	err := p.do(ctx, "delete "+strings.Join(keys, " "), func() error {
		n = p.remove(keys)
		return nil
	})
	if err != nil { // what has come of it may come later
		return 0, err
	}
	return n, nil
}

func (p *process) remove(keys []string) (n int) {
	for _, key := range keys {
		if _, ok := p.live(key); ok {
			n++
		}
		if p.mistake == deletesNot {
			continue
		}
		delete(p.items, key)
		delete(p.logs, key)
	}
	return n
}

func (p *process) Clear(ctx context.Context, prefix string) (int, error) {
	n := 0
	err := p.do(ctx, "clear "+prefix, func() error {
		if !p.clears {
			return fmt.Errorf("it lists no keys: %w", errors.ErrUnsupported)
		}
		maps.DeleteFunc(p.items, func(key string, _ drivers.Item) bool { n++; return strings.HasPrefix(key, prefix) })
		maps.DeleteFunc(p.logs, func(key string, _ *steppedLog) bool { return strings.HasPrefix(key, prefix) })
		return nil
	})
	if err != nil { // what has come of it may come later
		return 0, err
	}
	return n, nil
}

func (p *process) Close() error { return nil }

func (p *process) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	keys = slices.Clone(keys)
	var values [][]byte
	err := p.do(ctx, "add "+strings.Join(keys, " "), func() error {
		values = make([][]byte, len(keys))
		for i, key := range keys {
			item, ok := p.live(key)
			switch {
			case !ok && p.full:
				return errFull
			case !ok:
				item = drivers.Item{Value: word(), ExpiresAt: time.Now().Add(ttl)}
				if p.mistake == repeatsWord {
					p.again = append(p.again, func() { p.items[key] = item })
				}
			}
			p.items[key], values[i] = item, bytes.Clone(item.Value)
			if p.mistake == marksAsWere {
				p.old[key] = bytes.Clone(item.Value)
			}
		}
		return nil
	})
	if err != nil { // what has come of it may come later
		return nil, err
	}
	return values, nil
}

// log returns a log, and begins it if need be.
func (p *process) log(key string) *steppedLog {
	if p.logs[key] == nil {
		p.begun++
		p.logs[key] = &steppedLog{number: p.begun}
	}
	return p.logs[key]
}

func (l *steppedLog) end() drivers.Position {
	return drivers.Position(fmt.Sprintf("%d %d", l.number, len(l.records)))
}

func (p *process) Append(ctx context.Context, key string, _ int, _ time.Duration, records ...[]byte) error {
	records = slices.Clone(records)
	return p.do(ctx, "append "+key, func() error {
		return p.append(key, records)
	})
}

func (p *process) append(key string, records [][]byte) error {
	if p.full {
		return errFull
	}
	l := p.log(key)
	l.records = append(l.records, records...)
	return nil
}

// Purge implements [drivers.Purger]. A full store deletes all the same.
func (p *process) Purge(ctx context.Context, key string, _ int, _ time.Duration, records [][]byte, keys ...string) error {
	records, keys = slices.Clone(records), slices.Clone(keys)
	return p.do(ctx, "purge "+key+" "+strings.Join(keys, " "), func() error {
		err := p.append(key, records)
		p.remove(keys)
		return err
	})
}

func (p *process) End(ctx context.Context, key string, _ time.Duration) (drivers.Position, error) {
	var end drivers.Position
	err := p.do(ctx, "end "+key, func() error {
		if p.full && p.logs[key] == nil {
			return errFull
		}
		end = p.log(key).end()
		return nil
	})
	if err != nil {
		return "", err
	}
	return end, nil
}

func (p *process) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	var records [][]byte
	var end drivers.Position
	complete := false
	err := p.do(ctx, "since "+key, func() error {
		var number, behind int
		_, scanned := fmt.Sscanf(string(from), "%d %d", &number, &behind)
		l := p.logs[key]
		switch {
		case scanned == nil && l != nil && l.number == number && p.mistake != forgetsRecord:
			records, end, complete = slices.Clone(l.records[behind:]), l.end(), true
		case p.mistake == forgetsRecord && l != nil:
			end, complete = l.end(), true
		}
		return nil
	})
	if err != nil {
		return nil, "", false, err
	}
	return records, end, complete, nil
}

// Insert implements drivers.Inserter.
func (p *process) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (inserted bool, err error) {
	value = bytes.Clone(value)
	err = p.do(ctx, "insert "+key, func() error {
		if _, ok := p.live(key); ok {
			return nil
		}
		if p.full {
			return errFull
		}
		p.items[key], inserted = drivers.Item{Value: value, ExpiresAt: time.Now().Add(ttl)}, true
		return nil
	})
	return inserted && err == nil, err
}
