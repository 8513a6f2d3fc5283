package purge_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/purge/sim"
)

// slow is a store whose answers to a look take a while, and are errors then.
type slow struct {
	purge.Marks
	w    *sim.World
	take time.Duration // of an answer that is an error; zero for one that is none
}

func (s *slow) Words(c context.Context, keys ...string) ([]string, error) {
	if s.take > 0 {
		s.w.Clock = s.w.Clock.Add(s.take)
		return nil, errors.New("too late")
	}
	return s.Marks.Words(c, keys...)
}

// A near tier answers for as long as looks succeed, with some time between them; for its bound while they fail; and not where its process stood still,
// be it between two looks or while one was under way.
func TestTierAnswers(t *testing.T) {
	const soon, bound = 3 * time.Second, 10 * time.Second
	w := &sim.World{}
	w.Reset()
	store := &slow{Marks: &w.Store, w: w}
	tier := onWorld(w, func(o *purge.Options) { o.Marks = store }).NewTier(soon, bound)
	after := func(d time.Duration) time.Time { w.Clock = w.Clock.Add(d); return w.Clock }
	answers := func(when string, want bool) {
		t.Helper()
		if got := tier.Answers(w.Clock); got != want {
			t.Errorf("%s it answers: %v, want %v", when, got, want)
		}
	}
	answers("before it has looked", false)
	must(t, tier.Look(ctx))
	answers("before all know of it", false)
	after(1100 * time.Millisecond)
	must(t, tier.Look(ctx))
	answers("when it has looked", true)
	after(soon - 1)
	answers("until its look is old", true)
	after(1)
	answers("when its look is old", false)
	must(t, tier.Look(ctx))
	store.take = time.Second / 2
	for range 12 {
		if tier.Look(ctx) == nil {
			t.Fatal("a look that fails succeeds")
		}
		answers("while looks fail", true)
		after(time.Second / 4)
	}
	after(time.Second)
	answers("at its bound", false)
	store.take = 0
	must(t, tier.Look(ctx))
	store.take = soon
	if tier.Look(ctx) == nil {
		t.Fatal("a look that fails succeeds")
	}
	answers("when it stood still while it looked", false)
}
