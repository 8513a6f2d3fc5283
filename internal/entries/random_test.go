package entries

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever comes together, at whatever moment, on a store that is slow, fails and comes back: what was removed or purged is not found again,
// here or by another process, and in the end nothing waits, takes room or is owed. So it is where the store has two servers, of which one fails,
// and where it comes to be told otherwise how keys are spread over them.
func TestRandomOperations(t *testing.T) {
	for seed := range uint64(75) {
		synctest.Test(t, func(t *testing.T) {
			s, f := open(t, false)
			var spread *spread
			switch seed % 3 {
			case 1:
				d := newAble(t)
				s, f = on(t, d), d.flaky
			case 2:
				spread = newSpread(t)
				s, f = on(t, spread), spread.flaky
			}
			r := &randomly{Rand: rand.New(rand.NewPCG(seed, 0)), t: t, s: s, f: f, d: spread, other: another(t, s), since: map[string][]string{}}
			r.s.queue.limit = 4 << 10
			for i := range 100 {
				r.step(i)
				r.look(fmt.Sprint("seed ", seed, ", step ", i))
			}
			f.breakdown(nil)
			r.rearrange("in the end")
			time.Sleep(time.Minute)
			settle(t, s)
			synctest.Wait()
			r.look(fmt.Sprint("seed ", seed, ", in the end"))
			if n, bytes := s.queue.number.Load(), s.queue.bytes.Load(); n != 0 || bytes != 0 || s.owes() {
				t.Errorf("seed %d: %d wait, which take %d bytes; something is owed: %t", seed, n, bytes, s.owes())
			}
			for i := range s.queue.lines {
				if l := &s.queue.lines[i]; l.running || len(l.waiting)+len(l.latest) > 0 {
					t.Errorf("seed %d: line %d: %+v", seed, i, l)
				}
			}
			for path, bodies := range r.since {
				if got := found(t, r.other, path, nil); got != "" && !slices.Contains(bodies, got) {
					t.Errorf("seed %d: another process finds %q under %s, want one of %q", seed, got, path, bodies)
				}
			}
		})
	}
}

// randomly does this and that with responses.
type randomly struct {
	*rand.Rand
	t     *testing.T
	s     *Store
	f     *flaky
	d     *spread // of two servers; nil for one
	other *Store
	since map[string][]string // the bodies that were put since the last removal or purge, by path
}

var randomPaths = []string{"/a", "/b", "/c"}

func (r *randomly) step(i int) {
	ctx, path := r.t.Context(), randomPaths[r.IntN(len(randomPaths))]
	switch r.IntN(12) {
	case 0, 1, 2, 3:
		body := fmt.Sprint(i, string(make([]byte, r.IntN(1000))))
		var vary []string
		if path == "/c" {
			vary = []string{"X-A"}
		}
		if _, err := put(r.t, r.s, path, body, vary...); err == nil {
			r.since[path] = append(r.since[path], body)
		}
	case 4, 5, 6:
		if e := r.s.Get(ctx, at(path, ""), time.Now()).Entry; e != nil {
			r.s.Remove(ctx, e.Key)
			r.since[path] = nil
		}
	case 7:
		_ = r.s.PurgePath(ctx, path)
		r.since[path] = nil
	case 8:
		if r.IntN(4) == 0 {
			_ = r.s.Flush(ctx)
			clear(r.since)
		}
	case 9, 10:
		time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
	case 11:
		r.weather()
		if word := r.IntN(4); word < 2 {
			r.rearrange(fmt.Sprint(word))
		} else if word == 2 && r.d != nil {
			r.d.word.Store(nil)
		}
	}
}

// rearrange has the keys of several servers be spread in another way, as far as the word for that tells.
func (r *randomly) rearrange(word string) {
	if r.d != nil {
		r.d.arrange(word)
	}
}

// weather makes the store slow, or fail.
func (r *randomly) weather() {
	slow, failing := time.Duration(r.IntN(300))*time.Millisecond, []string{"", "", "set", "delete", "get", "clear"}[r.IntN(6)]
	server := []string{"first", "second"}[r.IntN(2)]
	r.f.breakdown(func(ctx context.Context, op, key string) error {
		if r.d != nil && r.d.ServerOf(key) != server {
			return nil
		}
		if op != "get" {
			time.Sleep(slow)
		}
		if op == failing {
			return errors.New("no")
		}
		return nil
	})
}

// look looks whether all that is found was put since it was last removed.
func (r *randomly) look(when string) {
	for _, path := range randomPaths {
		if got := found(r.t, r.s, path, nil); got != "" && !slices.Contains(r.since[path], got) {
			r.t.Errorf("%s: %q is found under %s, want one of %d", when, got[:3], path, len(r.since[path]))
		}
	}
}
