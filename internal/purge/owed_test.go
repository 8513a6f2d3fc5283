package purge_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/purge/sim"
)

// TestOwedIsBounded holds that of what is owed each scope counts alone up to a number, that everything is owed beyond it, and that
// all of it is paid.
func TestOwedIsBounded(t *testing.T) {
	few := func(n int, of func(i int) purge.Scope) []purge.Scope {
		list := make([]purge.Scope, n)
		for i := range list {
			list[i] = of(i)
		}
		return list
	}
	paths := func(i int) purge.Scope { return of("/x" + strconv.Itoa(i)) }
	hosts := func(i int) purge.Scope { return purge.OfHostPath("h"+strconv.Itoa(i), "/x") }
	tags := func(i int) purge.Scope { return purge.Scope{Kind: purge.Tag, Name: strconv.Itoa(i)} }
	prefixes := func(i int) purge.Scope { return purge.Scope{Kind: purge.Prefix, Name: "/x" + strconv.Itoa(i)} }
	for _, test := range []struct {
		name   string
		purged []purge.Scope
		owed   int         // how many purges
		left   purge.State // of what none of them is of
	}{
		{"as many paths as count", few(10_000, paths), 10_000, purge.Valid},
		{"one more", few(10_001, paths), 1, purge.Gone},
		{"the same, twice", append(few(6_000, paths), few(6_000, paths)...), 6_000, purge.Valid},
		{"paths on hosts", few(10_001, hosts), 1, purge.Gone},
		{"tags", few(10_001, tags), 1, purge.Gone},
		{"as many prefixes as count", few(64, prefixes), 64, purge.Valid},
		{"one prefix more", few(65, prefixes), 1, purge.Gone},
		{"everything", []purge.Scope{all}, 1, purge.Gone},
		{"everything softly", []purge.Scope{all.Softly()}, 1, purge.Stale},
		{"paths softly, one more than count", few(10_001, func(i int) purge.Scope { return paths(i).Softly() }), 1, purge.Stale},
		{"and one of them hard", append(few(10_000, func(i int) purge.Scope { return paths(i).Softly() }), paths(10_000)), 1, purge.Gone},
		{"paths, softly and hard", append(few(100, func(i int) purge.Scope { return paths(i).Softly() }), few(100, paths)...), 200, purge.Valid},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &sim.World{}
			w.Reset()
			p := purge.NewShared(purge.Options{Marks: &w.Store, Log: &w.Store, Now: w.Now})
			other := begin(t, p, []purge.Scope{path, host})
			down := true
			w.Down = func() bool { return down }
			if err := p.Purge(ctx, test.purged...); !errors.Is(err, purge.ErrOwed) {
				t.Fatalf("the error is %v", err)
			}
			if n := p.Owed(); n != test.owed {
				t.Errorf("%d are owed, want %d", n, test.owed)
			}
			if err := p.Pay(ctx); err == nil || p.Owed() != test.owed {
				t.Errorf("a store that is down has taken something: %v, %d are owed", err, p.Owed())
			}
			down = false
			left(t, p, "of something else", &other.Basis, test.left)
			known := test.purged[:1]
			if known[0].Kind == purge.Prefix {
				known = []purge.Scope{of(known[0].Name)}
			}
			if _, err := p.Begin(ctx, nil, purge.Fill{Known: known}); test.owed > 1 && !errors.Is(err, purge.ErrOwed) {
				t.Errorf("a fill of what is owed begins: %v", err)
			}
			must(t, p.Pay(ctx))
			if n := p.Owed(); n != 0 {
				t.Errorf("%d are still owed", n)
			}
			fill := begin(t, p, []purge.Scope{path, host})
			keep(t, p, &fill, nil, true)
			left(t, p, "of what is filled then", &fill.Basis, purge.Valid)
		})
	}
}

// TestOwedReachesFillsUnderWay holds that a purge which was owed outdates, once it is paid, the fills of other processes that began
// before it: of a tag that a fill names behind its handler only the log tells.
func TestOwedReachesFillsUnderWay(t *testing.T) {
	for name, scope := range map[string]purge.Scope{
		"a tag": tag, "a tag softly": tag.Softly(), "a group": group, "a path": path, "a path on a host": host,
	} {
		t.Run(name, func(t *testing.T) {
			w := &sim.World{}
			w.Reset()
			process := func() *purge.Shared {
				return purge.NewShared(purge.Options{Marks: &w.Store, Log: &w.Store, Now: w.Now})
			}
			one, other := process(), process()
			fill := begin(t, other, []purge.Scope{path, host})
			down := true
			w.Down = func() bool { return down }
			if err := one.Purge(ctx, scope); !errors.Is(err, purge.ErrOwed) {
				t.Fatalf("the error is %v", err)
			}
			down = false
			must(t, one.Pay(ctx))
			kept, err := other.Name(ctx, &fill, []purge.Scope{tag, tag.Softly(), group}, time.Minute)
			must(t, err)
			state, err := other.State(ctx, nil, &fill.Basis)
			must(t, err)
			if kept && state == purge.Valid {
				t.Error("it is kept, and valid")
			}
		})
	}
}

// TestOwedSoftly holds that what is owed softly is stale, that a hard debt beside it counts, in whichever order they came, and that each is paid
// as what it is.
func TestOwedSoftly(t *testing.T) {
	for _, scope := range []purge.Scope{path, space, tag, prefix, all} {
		for _, test := range []struct {
			name string
			soft []bool
			want purge.State
		}{
			{"softly", []bool{true}, purge.Stale}, {"hard, then softly", []bool{false, true}, purge.Gone},
			{"softly, then hard", []bool{true, false}, purge.Gone},
		} {
			t.Run(string(scope.Kind)+" "+test.name, func(t *testing.T) {
				w := &sim.World{}
				w.Reset()
				here, there := onWorld(w), onWorld(w)
				known := []purge.Scope{path, host, space, tag}
				entry := begin(t, here, known)
				down := true
				w.Down = func() bool { return down }
				for _, soft := range test.soft {
					scope.Soft = soft
					if err := here.Purge(ctx, scope); !errors.Is(err, purge.ErrOwed) {
						t.Fatalf("the error is %v", err)
					}
				}
				down = false
				left(t, here, "while it is owed", &entry.Basis, test.want)
				must(t, here.Pay(ctx))
				w.Clock = w.Clock.Add(2 * time.Second)
				for name, p := range map[string]*purge.Shared{"here": here, "elsewhere": there} {
					left(t, p, name+", once it is paid", &entry.Basis, test.want)
				}
				fill := begin(t, here, known)
				left(t, here, "of what is filled then", &fill.Basis, purge.Valid)
				if here.Owed() != 0 {
					t.Errorf("%d are still owed", here.Owed())
				}
			})
		}
	}
}
