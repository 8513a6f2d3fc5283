package purge_test

import (
	"fmt"
	"testing"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/purge/sim"
)

// small is a scenario that is small enough for all its interleavings: one page, whose data is changed before each purge.
type small struct {
	w                  *sim.World
	here, there        *purge.Shared
	version, floor     int   // of the data, and what is served as valid must not be older
	hard               int   // and what is served at all
	stored             *kept // the last entry that was kept
	bad                string
	deletes            bool // purges delete marks: what the control leaves out
	choices, n, chosen []int
}

type kept struct {
	version int
	basis   purge.Basis
}

// choose goes through all choices, the last one first: see next.
func (s *small) choose(n int) int {
	i := len(s.chosen)
	if i == len(s.choices) {
		s.choices, s.n = append(s.choices, 0), append(s.n, n)
	}
	s.chosen = append(s.chosen, s.choices[i])
	return s.choices[i]
}

// next prepares the choices of the run behind this one, and tells whether there is one.
func (s *small) next() bool {
	for i := len(s.choices) - 1; i >= 0; i-- {
		if s.choices[i]+1 < s.n[i] {
			s.choices[i]++
			s.choices, s.n = s.choices[:i+1], s.n[:i+1]
			return true
		}
	}
	return false
}

// fill reads the data, and names tags behind that. What it asks of the store takes a step each.
func (s *small) fill(p *purge.Shared, known, late []purge.Scope) {
	t, err := p.Begin(ctx, nil, purge.Fill{Known: known, Late: len(late) > 0})
	if err != nil {
		return
	}
	s.w.Yield()
	version := s.version
	if ok, err := p.Name(ctx, &t, late, 0); ok && err == nil {
		s.stored = &kept{version, t.Basis}
	}
}

// purge changes the data, and purges a scope.
func (s *small) purge(p *purge.Shared, scope purge.Scope) {
	s.version++
	of := s.version
	err := error(nil)
	if s.deletes {
		err = p.Purge(ctx, scope)
	}
	if err == nil {
		s.floor = max(s.floor, of)
	}
	if err == nil && !scope.Soft {
		s.hard = max(s.hard, of)
	}
}

// own changes the data, answers with it, and purges the path for all but its own answer.
func (s *small) own(p *purge.Shared) {
	t, err := p.Begin(ctx, nil, purge.Fill{Known: []purge.Scope{path}, Own: true})
	if err != nil {
		return
	}
	s.version++
	of := s.version
	s.w.Yield()
	version := s.version // that it answers with
	if s.deletes {
		err = p.PurgeBy(ctx, &t, path)
	}
	if err == nil {
		s.floor, s.hard = max(s.floor, of), max(s.hard, of)
		s.stored = &kept{version, t.Basis}
	}
}

// hit asks a process for what is stored.
func (s *small) hit(p *purge.Shared) {
	floor, hard, e := s.floor, s.hard, s.stored
	if e == nil {
		return
	}
	left, err := p.State(ctx, nil, &e.basis)
	if err == nil && (left == purge.Valid && e.version < floor || left == purge.Stale && e.version < hard) {
		s.bad = fmt.Sprintf("version %d is %s behind a purge of what was before %d, and a hard one of what was before %d", e.version, names[left], floor, hard)
	}
}

// explore goes through all interleavings of a scenario, and returns how many there are, and what was wrong in one.
func explore(control bool, set func(s *small)) (runs int, bad string) {
	s := &small{w: &sim.World{}, deletes: !control}
	defer s.w.Close()
	for {
		runs++
		s.w.Reset()
		*s = small{w: s.w, deletes: s.deletes, choices: s.choices, n: s.n, chosen: s.chosen[:0]}
		process := func() *purge.Shared {
			return purge.NewShared(purge.Options{Marks: &s.w.Store, Log: &s.w.Store, Now: s.w.Now, Wait: s.w.Wait, Beside: inTurn})
		}
		s.here, s.there = process(), process()
		for _, p := range []*purge.Shared{s.here, s.there} { // both have looked at the log of prefixes
			if _, err := p.Begin(ctx, nil, purge.Fill{}); err != nil {
				return runs, err.Error()
			}
		}
		set(s)
		s.w.Choose, s.w.Every = s.choose, func() string { return s.bad }
		if bad = s.w.Run(); bad == "" {
			s.w.Every = nil
			s.hit(s.here)
			s.hit(s.there)
			bad = s.bad
		}
		if bad != "" || !s.next() {
			return runs, bad
		}
	}
}

// TestEveryInterleaving goes through all the interleavings of small scenarios of two processes, of which what purges delete and log,
// and what fills add, read and look at, are steps. Without its purges each of them is found wrong, but for one.
func TestEveryInterleaving(t *testing.T) {
	known, tags := []purge.Scope{path}, []purge.Scope{tag}
	for _, test := range []struct {
		name string
		set  func(s *small)
	}{
		{"a path", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, nil) })
			s.w.Go("purge", func() { s.purge(s.here, path) })
			s.w.Go("hit", func() { s.hit(s.there) })
		}},
		{"a path, its mark lost", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, nil) })
			s.w.Go("fill", func() { s.fill(s.there, known, nil) })
			s.w.Go("purge", func() { s.purge(s.here, path) })
			s.w.Events = append(s.w.Events, func() { s.w.Lose(purge.KeyOf(path, "", false)) })
		}},
		{"two purges of a path", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, nil) })
			s.w.Go("purge", func() { s.purge(s.here, path) })
			s.w.Go("purge", func() { s.purge(s.there, path) })
			s.w.Go("hit", func() { s.hit(s.there) })
		}},
		{"a path, softly", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, nil) })
			s.w.Go("purge", func() { s.purge(s.here, path.Softly()) })
			s.w.Go("hit", func() { s.hit(s.there) })
		}},
		{"a path, softly and hard", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, nil) })
			s.w.Go("softly", func() { s.purge(s.there, path.Softly()) })
			s.w.Go("hard", func() { s.purge(s.here, path) })
			s.w.Go("hit", func() { s.hit(s.there) })
		}},
		{"a path, softly and hard, the hard mark lost", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, nil) })
			s.w.Go("fill", func() { s.fill(s.there, known, nil) })
			s.w.Go("softly and hard", func() { s.purge(s.there, path.Softly()); s.purge(s.there, path) })
			s.w.Events = append(s.w.Events, func() { s.w.Lose(purge.HardKeyOf(path, "", false)) })
		}},
		{"a path, each key of a command a step", func(s *small) {
			s.w.Pause = func() bool { return true }
			s.w.Turn = func() bool { return s.choose(2) == 1 }
			s.w.Go("fill", func() { s.fill(s.here, known, nil) })
			s.w.Go("hard", func() { s.purge(s.there, path) })
		}},
		{"a tag, softly and hard", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, nil, tags) })
			s.w.Go("purge", func() { s.purge(s.here, tag.Softly()) })
			s.w.Go("purge", func() { s.purge(s.there, tag) })
		}},
		{"a tag", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, tags) })
			s.w.Go("purge", func() { s.purge(s.there, tag) })
			s.w.Go("hit", func() { s.hit(s.there) })
		}},
		{"a tag, its mark lost", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, nil, tags) })
			s.w.Go("add", func() { _, _ = s.w.Store.Add(ctx, 1, func() string { return "other" }, purge.KeyOf(tag, "", false)) })
			s.w.Go("purge", func() { s.purge(s.there, tag) })
			s.w.Events = append(s.w.Events, func() { s.w.Lose(purge.KeyOf(tag, "", false)) })
		}},
		{"a tag, the log lost", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, nil, tags) })
			s.w.Go("purge", func() { s.purge(s.there, tag) })
			s.w.Events = append(s.w.Events, func() { s.w.Lose(purge.TagLog("", false)) }, func() { s.w.Lose(purge.KeyOf(tag, "", false)) })
		}},
		{"two purges of a tag", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, nil, tags) })
			s.w.Go("purge", func() { s.purge(s.here, tag) })
			s.w.Go("purge", func() { s.purge(s.there, tag) })
		}},
		{"a tag, a path", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, tags) })
			s.w.Go("purge", func() { s.purge(s.here, tag) })
			s.w.Go("purge", func() { s.purge(s.there, path) })
		}},
		{"a tag, the store full at any time", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, tags) })
			s.w.Go("purge", func() { s.purge(s.there, tag) })
			s.w.Events = append(s.w.Events, func() { s.w.Full = true }, func() { s.w.Full = false })
		}},
		{"everything", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, nil) })
			s.w.Go("purge", func() { s.purge(s.there, all) })
			s.w.Go("hit", func() { s.hit(s.here) })
		}},
		{"everything, the pulse lost", func(s *small) {
			s.w.Go("fill", func() { s.fill(s.here, known, nil) })
			s.w.Go("purge", func() { s.purge(s.there, prefix) })
			s.w.Events = append(s.w.Events, func() { s.w.Lose(purge.PulseKey("", false)) }, func() { s.w.Lose(purge.PrefixLog("", false)) })
		}},
		{"a response of its own", func(s *small) {
			s.w.Go("own", func() { s.own(s.here) })
			s.w.Go("purge", func() { s.purge(s.there, path) })
			s.w.Go("hit", func() { s.hit(s.there) })
		}},
		{"two responses of their own", func(s *small) {
			s.w.Go("own", func() { s.own(s.here) })
			s.w.Go("own", func() { s.own(s.there) })
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			runs, bad := explore(false, test.set)
			if bad != "" {
				t.Errorf("interleaving %d: %s", runs, bad)
			}
			t.Logf("%d interleavings", runs)
			if _, bad := explore(true, test.set); bad == "" && test.name != "two responses of their own" { // one begins, and the other is no more

				t.Error("without its purges nothing is wrong")
			}
		})
	}
}
