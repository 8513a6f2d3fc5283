package purge_test

import (
	"context"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/purge/sim"
)

// TestFullStore holds that a store which takes nothing new goes on giving out what it has, also once the pulse is lost, and
// that purges of each kind hold in it all the same.
func TestFullStore(t *testing.T) {
	for _, test := range []struct {
		name   string
		purged []purge.Scope
		want   purge.State
	}{
		{"nothing", nil, purge.Valid},
		{"the path", []purge.Scope{path}, purge.Gone},
		{"another path", []purge.Scope{of("/b")}, purge.Valid},
		{"its prefix", []purge.Scope{prefix}, purge.Gone},
		{"everything", []purge.Scope{all}, purge.Gone},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &sim.World{}
			w.Reset()
			process := func() *purge.Shared {
				return purge.NewShared(purge.Options{Marks: &w.Store, Log: &w.Store, Now: w.Now, Beside: inTurn,
					Wait: func(_ context.Context, d time.Duration) error { w.Clock = w.Clock.Add(d); return nil }})
			}
			here, there := process(), process()
			entry := begin(t, here, []purge.Scope{path, host})
			left(t, there, "elsewhere, at first", &entry.Basis, purge.Valid)
			w.Full = true
			w.Lose(purge.PulseKey("", false))
			w.Clock = w.Clock.Add(time.Minute)
			left(t, there, "once the pulse is lost", &entry.Basis, purge.Valid)
			must(t, here.Purge(ctx, test.purged...))
			for name, p := range map[string]*purge.Shared{"here": here, "elsewhere": there} {
				if got, err := p.State(ctx, nil, &entry.Basis); got != test.want || err != nil && got == purge.Valid {
					t.Errorf("%s it is %s (%v)", name, names[got], err)
				}
			}
		})
	}
}
