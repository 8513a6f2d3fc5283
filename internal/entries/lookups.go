package entries

import (
	"context"
	"time"

	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// atOnce is how many targets are looked up in one round trip, with what they stand on.
const atOnce = 500

// GetMany does what Get does for several targets that do not vary, in their order: in one round trip for 500 of them where the driver reads several
// keys at once, and in one more for the marks of tags that this process did not know of.
// near tells whether what is near the process will do: not for what goes into something else, see [Store.GetLive].
func (s *Store) GetMany(ctx context.Context, of []*target.Target, now time.Time, near bool) []Found {
	found := make([]Found, 0, len(of))
	if s.local != nil || !s.far.Batches() {
		for _, one := range of {
			found = append(found, s.Get(ctx, one, now))
		}
		return found
	}
	found = found[:len(of)]
	var far []*target.Target
	var places []int
	for i, one := range of {
		if near {
			if live, ok := s.GetLive([]byte(one.Key), one.Header, now); ok && live.Entry != nil && live.Entry.Meta.Fresh(now) > 0 {
				live.Key = one.Key
				found[i] = live
				continue
			}
		}
		far, places = append(far, one), append(places, i)
	}
	for len(far) > 0 {
		n := min(len(far), atOnce)
		for i, one := range s.getSeveral(ctx, far[:n], now) {
			found[places[i]] = one
		}
		far, places = far[n:], places[n:]
	}
	return found
}

func (s *Store) getSeveral(ctx context.Context, of []*target.Target, now time.Time) []Found {
	ctx, cancel := s.far.Step(ctx)
	defer cancel()
	found, near := make([]Found, len(of)), s.near.begin(now)
	r := reading{s: s, places: make(map[string]int)}
	waits := make([]bool, len(of))
	for i, one := range of {
		f := &found[i]
		*f = Found{Key: one.Key, Why: rfc9111.ForwardURIMiss, tags: s.standing.of(one.Key)}
		f.look = s.shared.Look(append(scopesOf(nil, one), f.tags...)...)
		if f.Entry, _, waits[i] = s.waiting(one.Key); !waits[i] {
			r.want(one.Key)
		}
		r.want(f.look.Keys()...)
	}
	r.read(ctx)
	for i := range found {
		f := &found[i]
		value, err := r.value(f.Key)
		if f.Err = r.give(f.look); f.Err == nil && !waits[i] {
			if f.Err = err; err == nil {
				f.Entry, _ = s.memo.decode(f.Key, value)
			}
		}
	}
	s.readTags(ctx, found)
	for i := range found {
		s.judge(ctx, &found[i], now)
		s.near.offer(near, found[i].Entry, nil, now)
	}
	return found
}

// readTags reads the marks of the entries that were found and that their looks have not read: of tags that were not known before.
func (s *Store) readTags(ctx context.Context, found []Found) {
	r := reading{s: s, places: make(map[string]int)}
	for i := range found {
		if f := &found[i]; f.Entry != nil && f.Err == nil {
			for _, mark := range f.Entry.Basis.Marks {
				f.look.Want(mark.Scope)
			}
			r.want(f.look.Keys()...)
		}
	}
	if r.read(ctx); len(r.keys) == 0 {
		return
	}
	for i := range found {
		if f := &found[i]; f.Entry != nil && f.Err == nil {
			f.Err = r.give(f.look)
		}
	}
}

// judge leaves of what was found what purges have left.
func (s *Store) judge(ctx context.Context, f *Found, now time.Time) {
	entry := f.Entry
	if f.Entry = nil; entry == nil || f.Err != nil {
		return
	}
	if entry, f.Err = s.valid(ctx, f.look, entry, now); entry != nil && f.Err == nil {
		f.Entry, f.Why = entry, ""
		if !entry.Basis.LateAre(f.tags) {
			s.standing.note(f.Key, entry.Basis.Late())
		}
	}
}

// reading is a round trip for several keys, each once.
type reading struct {
	s      *Store
	keys   []string
	places map[string]int
	values [][]byte
	err    error
}

func (r *reading) want(keys ...string) {
	for _, key := range keys {
		if _, wanted := r.places[key]; !wanted {
			r.places[key] = len(r.keys)
			r.keys = append(r.keys, key)
		}
	}
}

func (r *reading) read(ctx context.Context) {
	if len(r.keys) > 0 {
		r.values, r.err = r.s.far.GetValues(ctx, r.keys...)
	}
}

// value returns what is under a key, or the error of the server that keeps it.
func (r *reading) value(key string) ([]byte, error) {
	place, wanted := r.places[key]
	if !wanted {
		return nil, nil
	}
	if err := guard.ErrorOf(r.err, place); err != nil || len(r.values) != len(r.keys) {
		return nil, err
	}
	return r.values[place], nil
}

// give gives a look the words that it waits for.
func (r *reading) give(look *purge.Look) error {
	keys := look.Keys()
	words := make([][]byte, len(keys))
	for i, key := range keys {
		var err error
		if words[i], err = r.value(key); err != nil {
			return err
		}
	}
	look.Read(texts(words))
	return nil
}
