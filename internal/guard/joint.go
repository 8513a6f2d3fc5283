package guard

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// relief is for how long those that want to read something wait for a reading of the same that has begun before them: then another one begins beside it,
// so that a store that is slow, or far away, answers as soon as it can. It is four times as long for each more that is under way: a store that is slow
// since it has much to do is not to get more to do for that.
const (
	relief = 2 * time.Millisecond
	longer = 4
)

// reliefOf returns for how long a reading waits for those under way.
func reliefOf(under int) time.Duration {
	d := relief
	for range min(under, 5) - 1 {
		d *= longer
	}
	return d
}

// joints join readings of the same keys that come at the same time, as those for one page do that many ask for: while one is under way, all that come
// are one reading, which begins when that one ends. Nothing that is read was asked for before the caller came, so a purge that was carried out by then
// shows in it.
type joints [32]jointShard

type jointShard struct {
	mu   sync.Mutex
	keys map[string]*joint
}

// of returns the shard of a key.
func (j *joints) of(key string) *jointShard { return &j[maphash.String(jointSeed, key)%uint64(len(j))] }

// joint is what is being read, by the first of the keys.
type joint struct {
	under int      // readings under way
	next  *reading // the one that waits for these; nil for none
}

// reading is one that several callers wait for.
type reading struct {
	keys   []string
	relief *time.Timer
	done   chan struct{}
	values [][]byte
	err    error
}

var jointSeed = maphash.MakeSeed()

// GetTogether does what GetValues does. What it returns others may have, too, and must not be changed.
func (s *Store) GetTogether(ctx context.Context, keys ...string) ([][]byte, error) {
	if s.insistent {
		return s.GetValues(ctx, keys...)
	}
	shard := s.joints.of(keys[0])
	shard.mu.Lock()
	j := shard.keys[keys[0]]
	switch {
	case j == nil:
		if shard.keys == nil {
			shard.keys = make(map[string]*joint)
		}
		j = &joint{under: 1}
		shard.keys[keys[0]] = j
		shard.mu.Unlock()
		defer s.readingEnds(keys[0], j)
		return s.GetValues(ctx, keys...)
	case j.next == nil:
		r := &reading{keys: keys, done: make(chan struct{})}
		j.next, r.relief = r, time.AfterFunc(reliefOf(j.under), func() { s.relieve(j, r) })
	case !slices.Equal(j.next.keys, keys):
		j.under++
		shard.mu.Unlock()
		defer s.readingEnds(keys[0], j)
		return s.GetValues(ctx, keys...)
	}
	r := j.next
	shard.mu.Unlock()
	select {
	case <-r.done:
		return r.values, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readingEnds has the reading that waits for one under way begin.
func (s *Store) readingEnds(key string, j *joint) {
	shard := s.joints.of(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if j.under--; j.next != nil {
		s.beginNext(j)
	} else if j.under == 0 {
		delete(shard.keys, key)
	}
}

// relieve has a reading begin that has waited for long enough.
func (s *Store) relieve(j *joint, r *reading) {
	shard := s.joints.of(r.keys[0])
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if j.next == r {
		s.beginNext(j)
	}
}

// beginNext has the reading begin that waits. Its shard is locked.
func (s *Store) beginNext(j *joint) {
	r := j.next
	r.relief.Stop()
	j.next = nil
	j.under++
	go func() {
		r.err = errPanicked // unless it returns
		defer func() {
			_ = recover() // which its callers are told
			close(r.done)
			s.readingEnds(r.keys[0], j)
		}()
		r.values, r.err = s.GetValues(context.Background(), r.keys...)
	}()
}
