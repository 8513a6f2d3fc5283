package behaviour_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
)

// What a removal leaves of what was made before it.
const (
	gone = iota
	stale
	kept
)

// A removal removes the page, or the value, of processes, or something else.
type removal struct {
	name   string
	leaves int
	page   func(ctx context.Context, s *site) error // nil where it is none of pages
	value  func(ctx context.Context, s *site) error
	bare   int // what it leaves on a store without a log
}

// both returns a removal that is the same of pages and of values.
func both(name string, leaves, bare int, do func(ctx context.Context, s *site) error) removal {
	return removal{name, leaves, do, do, bare}
}

func purging(p cachette.Purge) func(ctx context.Context, s *site) error {
	return func(ctx context.Context, s *site) error { return s.cache.Purge(ctx, p) }
}

// ways are the removals that there are.
var ways = []removal{
	{"by its name", gone, func(ctx context.Context, s *site) error { return s.cache.PurgePath(ctx, "/page") },
		func(ctx context.Context, s *site) error { _, err := s.cache.Delete(ctx, "n:k"); return err }, gone},
	{"by another name", kept, func(ctx context.Context, s *site) error { return s.cache.PurgePath(ctx, "/page/k") },
		func(ctx context.Context, s *site) error { _, err := s.cache.Delete(ctx, "n:k:k"); return err }, kept},
	{"by its name, softly", stale, purging(cachette.Purge{Paths: []string{"/page"}, Soft: true}), nil, stale},
	{"by a prefix", gone, func(ctx context.Context, s *site) error { return s.cache.PurgePrefix(ctx, "/pa") }, nil, gone},
	{"by a write", gone, func(ctx context.Context, s *site) error { s.served(ctx, http.MethodPut, "/page"); return nil }, nil, gone},
	both("a tag", gone, gone, func(ctx context.Context, s *site) error { return s.cache.Invalidate(ctx, "tag") }),
	both("another tag", kept, kept, func(ctx context.Context, s *site) error { return s.cache.Invalidate(ctx, "n") }),
	both("a tag, softly", stale, stale, func(ctx context.Context, s *site) error { return s.cache.Expire(ctx, "tag") }),
	both("its namespace", gone, gone, func(ctx context.Context, s *site) error { return s.cache.PurgeNamespace(ctx, "n") }),
	both("its namespace, softly", stale, stale, purging(cachette.Purge{Namespaces: []string{"n"}, Soft: true})),
	both("its namespace, cleared", gone, gone, func(ctx context.Context, s *site) error { return s.cache.ClearNamespace(ctx, "n") }),
	both("another namespace", kept, kept, func(ctx context.Context, s *site) error { return s.cache.ClearNamespace(ctx, "tag") }),
	both("everything", gone, gone, purging(cachette.Purge{Everything: true})),
	both("everything, softly", stale, gone, purging(cachette.Purge{Everything: true, Soft: true})),
	both("everything, flushed", gone, gone, func(ctx context.Context, s *site) error { return s.cache.Flush(ctx) }),
}

// of returns what a removal does to what processes are asked for, and what it leaves of it. It is nil for nothing of theirs.
func (r *removal) of(t *testing.T, p *processes) (do func(process int) error, leaves int) {
	one := r.page
	if p.value {
		one = r.value
	}
	if one == nil {
		return nil, kept
	}
	leaves = r.leaves
	if !p.logs {
		leaves = r.bare
	}
	return func(process int) error {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // the clearing of a store has no other end
		defer cancel()
		return one(ctx, p.sites[process%len(p.sites)])
	}, leaves
}

// eachRemoval runs a test for each removal, of pages and of values, on each kind of store.
func (u setUp) eachRemoval(t *testing.T, test func(t *testing.T, p *processes, remove func(process int) error, leaves int)) {
	u.options = append(u.options, cachette.WithTags("tag"))
	for i := range ways {
		t.Run(ways[i].name, func(t *testing.T) {
			u.eachStore(t, func(t *testing.T, p *processes) {
				if do, leaves := ways[i].of(t, p); do != nil {
					test(t, p, do, leaves)
				}
			})
		})
	}
}

// What was removed is made anew, in each process; what was made stale is given out once more, while it is made anew; and all else is left.
func TestRemovals(t *testing.T) {
	window := []cachette.SharedOption{cachette.WithStaleWhileRevalidate(time.Hour)}
	setUp{number: 2, made: secondOf, options: window}.eachRemoval(t, func(t *testing.T, p *processes, remove func(int) error, leaves int) {
		p.want(t, 0, "run 1", time.Second)
		p.want(t, 1, "run 1", 0)
		if err := remove(1); err != nil {
			t.Fatal(err)
		}
		if leaves != gone {
			p.want(t, 0, "run 1", 0)
			time.Sleep(2 * time.Second)
			p.settle()
		}
		then := "run 2"
		if leaves == kept {
			then = "run 1"
		}
		p.want(t, 0, then, time.Second)
		p.want(t, 1, then, 0)
	})
}

// What was removed, or made stale, while it was being made is not given to those that ask behind that, and not kept as fresh; the first has what it has
// asked for.
func TestRemovalsWhileItIsMade(t *testing.T) {
	setUp{number: 2, made: secondOf}.eachRemoval(t, func(t *testing.T, p *processes, remove func(int) error, leaves int) {
		for range 2 { // the second time it is known what it stands on
			time.Sleep(2 * time.Minute)
			p.runs.Store(0)
			first := later(func() string { return p.ask(t.Context(), 0) })
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
			if err := remove(1); err != nil {
				t.Fatal(err)
			}
			answers := together(20, func(i int) string { return p.ask(t.Context(), i) })
			for range 20 {
				if got := await(t, "an answer", answers); got == "run 1" && leaves != kept || !strings.HasPrefix(got, "run ") {
					t.Errorf("behind it: %q", got)
				}
			}
			if got := await(t, "the first", first); got != "run 1" {
				t.Errorf("the first got %q", got)
			}
			p.settle()
			for i := range p.sites {
				if got := p.ask(t.Context(), i); got == "run 1" && leaves != kept {
					t.Errorf("at last %q", got)
				}
				p.settle()
			}
			if n := p.runs.Load(); n > 5 {
				t.Errorf("%d runs, want one for the first, and one or a few for those behind it", n)
			}
		}
	})
}

// What is removed while those that are patient wait is not given to them when their patience is over; what is made stale is.
func TestRemovalsDuringPatience(t *testing.T) {
	made := func(_ context.Context, n int64) (string, error) {
		if n > 1 {
			time.Sleep(4 * time.Second)
		}
		return fmt.Sprint("run ", n), nil
	}
	options := []cachette.SharedOption{cachette.WithPatience(2 * time.Second), cachette.WithStaleWhileRevalidate(time.Hour)}
	setUp{number: 2, made: made, options: options}.eachRemoval(t, func(t *testing.T, p *processes, remove func(int) error, leaves int) {
		p.want(t, 0, "run 1", 0)
		time.Sleep(2 * time.Minute)
		began := time.Now()
		answers := together(50, func(int) string { return p.ask(t.Context(), 0) })
		time.Sleep(100 * time.Millisecond)
		if err := remove(1); err != nil {
			t.Fatal(err)
		}
		for range 50 {
			got := await(t, "an answer", answers)
			if took := time.Since(began); leaves == gone && got != "run 3" || leaves != gone && (got != "run 1" || took != 2*time.Second) {
				t.Fatalf("%q after %v", got, took)
			}
		}
		for range 2 { // in memory, nothing is kept of what a soft purge has met: then the next one has it made
			time.Sleep(20 * time.Second)
			p.settle()
			p.ask(t.Context(), 1)
		}
		time.Sleep(20 * time.Second)
		if got := p.ask(t.Context(), 1); got == "run 1" || leaves == gone && got != "run 3" {
			t.Errorf("at last %q", got)
		}
		time.Sleep(20 * time.Second)
	})
}
