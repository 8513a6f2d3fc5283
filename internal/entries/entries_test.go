package entries

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/internal/target"
)

// What was stored is found by requests that it matches, until it is purged in whatever way.
func TestPutAndGet(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		for name, purge := range map[string]func() error{
			"path":      func() error { return s.PurgePath(t.Context(), "/a") },
			"namespace": func() error { _, err := s.ClearNamespace(t.Context(), "n"); return err },
			"all":       func() error { return s.Flush(t.Context()) },
		} {
			keep(t, s, "/a", "n", "body", nil)
			keep(t, s, "/b", "", "other", nil)
			if foundIn(t, s, "/a", "n", nil) != "body" || found(t, s, "/b", nil) != "other" {
				t.Errorf("%s: not found: %q, %q", name, foundIn(t, s, "/a", "n", nil), found(t, s, "/b", nil))
			}
			if err := purge(); err != nil {
				t.Error(err)
			}
			if body := foundIn(t, s, "/a", "n", nil); body != "" { // its key is not one that the driver clears by: the mark is to hold
				t.Errorf("%s: behind the purge: %q", name, body)
			}
			if body := found(t, s, "/b", nil); (body == "other") == (name == "all") {
				t.Errorf("%s: of another path: %q", name, body)
			}
		}
	})
}

// Variants of a key are told apart by all the fields that any of them varies by.
func TestVariants(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		request := func(a, b string) http.Header { return http.Header{"X-A": {a}, "X-B": {b}} }
		keep(t, s, "/", "", "a=1", request("1", "1"), "X-A")
		keep(t, s, "/", "", "a=2", request("2", "1"), "X-A")
		if found(t, s, "/", request("1", "9")) != "a=1" || found(t, s, "/", request("2", "9")) != "a=2" {
			t.Error("the variants by one field are not there")
		}
		keep(t, s, "/", "", "a=1, b=1", request("1", "1"), "X-B")
		if got := found(t, s, "/", request("1", "1")); got != "a=1, b=1" {
			t.Errorf("by both fields: %q", got)
		}
		for _, other := range []http.Header{request("2", "1"), request("1", "2"), nil} {
			if got := found(t, s, "/", other); got != "" {
				t.Errorf("%v: %q", other, got)
			}
		}
		f := s.Get(t.Context(), sent(at("/", ""), request("9", "9")), time.Now())
		if f.Why != "vary-miss" || f.Key == "key /" {
			t.Errorf("a miss of a variant: %+v", f)
		}
		keep(t, s, "/", "", "for all", nil)
		if got := found(t, s, "/", request("7", "7")); got != "for all" {
			t.Errorf("what does not vary: %q", got)
		}
	})
}

// A fill that began before a purge stores nothing behind it, and an entry that it made is not current.
func TestTicketOutdated(t *testing.T) {
	both(t, func(t *testing.T, s *Store) {
		for name, purge := range map[string]func() error{
			"path":      func() error { return s.PurgePath(t.Context(), "/a") },
			"namespace": func() error { _, err := s.ClearNamespace(t.Context(), "n"); return err },
			"all":       func() error { return s.Flush(t.Context()) },
		} {
			ticket := s.Begin(t.Context(), &Found{}, at("/a", "n"))
			before := entry("before")
			if kept, err := s.Put(at("/a", ""), before, &ticket, time.Now(), nil); !kept || err != nil {
				t.Fatal(name, kept, err)
			}
			if !s.Current(t.Context(), before, &Found{}) {
				t.Errorf("%s: not current before the purge", name)
			}
			if err := purge(); err != nil {
				t.Error(err)
			}
			if s.Current(t.Context(), before, &Found{}) {
				t.Errorf("%s: current behind the purge", name)
			}
			for _, vary := range [][]string{nil, {"X-A"}} {
				late := entry("late", vary...)
				// A store of bytes may keep it: it is none to find.
				if kept, err := s.Put(at("/a", ""), late, &ticket, time.Now(), nil); kept && s.Local() || err != nil {
					t.Errorf("%s: kept %v, %v", name, kept, err)
				}
				if s.Current(t.Context(), late, &Found{}) {
					t.Errorf("%s: the late one is current", name)
				}
				if got := foundIn(t, s, "/a", "n", nil); got != "" {
					t.Errorf("%s: found %q", name, got)
				}
			}
			if err := s.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// A purge waits for no write that is under way, and what lands in the store behind it is out of date.
func TestPurgeOvertakesWrites(t *testing.T) {
	s, f := open(t, false)
	ticket := s.Begin(t.Context(), &Found{}, at("/a", ""))
	began, goOn := make(chan struct{}), make(chan struct{})
	f.breakdown(func(_ context.Context, op, key string) error {
		if op == "set" && key == "key /a" {
			close(began)
			<-goOn
		}
		return nil
	})
	if _, err := s.Put(at("/a", ""), entry("body"), &ticket, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	<-began
	if err := s.PurgePath(t.Context(), "/a"); err != nil {
		t.Error(err)
	}
	if got := found(t, s, "/a", nil); got != "" {
		t.Errorf("behind the purge, while it is under way: %q", got)
	}
	close(goOn)
	settle(t, s)
	if got := found(t, s, "/a", nil); got != "" {
		t.Errorf("behind the purge: %q", got)
	}
}

// All that one step asks of a store takes the operation timeout at most, however slow each operation is.
func TestStepIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		request := http.Header{"X-A": {"1"}}
		keep(t, s, "/", "", "body", request, "X-A")
		ticket := s.Begin(t.Context(), &Found{}, at("/", ""))
		f.breakdown(func(ctx context.Context, _, _ string) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(timeout * 2 / 5):
				return nil
			}
		})
		for name, step := range map[string]func(){
			"get":     func() { s.Get(t.Context(), sent(at("/", ""), request), time.Now()) },
			"begin":   func() { s.Begin(t.Context(), &Found{}, at("/", "")) },
			"current": func() { s.Current(t.Context(), entry("x"), &Found{}) },
			"purge":   func() { _ = s.PurgePath(t.Context(), "/") },
			"remove":  func() { s.Remove(t.Context(), "key /") },
			"put": func() {
				_, _ = s.Put(sent(at("/", ""), request), entry("x", "X-B"), &ticket, time.Now(), nil)
			},
		} {
			began := time.Now()
			step()
			if took := time.Since(began); took > timeout {
				t.Errorf("%s took %v", name, took)
			}
		}
	})
}

// A driver is told to keep a response for as long as it may be of use, and no longer.
func TestTimeToLive(t *testing.T) {
	s, f := open(t, false)
	keep(t, s, "/", "", "body", nil)
	settle(t, s)
	if got := f.ttls["key /"]; got < time.Hour || got > 2*time.Hour { // and a little for clients that take stale ones
		t.Errorf("without a window: %v", got)
	}
	e := entry("body")
	e.Meta.StaleWhileRevalidate = 5 * time.Hour
	ticket := s.Begin(t.Context(), &Found{}, at("/window", ""))
	if _, err := s.Put(at("/window", ""), e, &ticket, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	settle(t, s)
	if got := f.ttls["key /window"]; got < 6*time.Hour-time.Minute || got > 6*time.Hour {
		t.Errorf("with a window: %v", got)
	}
	for key, ttl := range f.ttls {
		if (strings.Contains(key, "~r:m") || strings.Contains(key, "~r:d")) && ttl < 24*time.Hour {
			t.Errorf("the mark lives %v", ttl)
		}
	}
}

// Without an answer from the store nothing can be kept, and the fill is told so.
func TestNoTicket(t *testing.T) {
	s, f := open(t, false)
	f.breakdown(func(context.Context, string, string) error { return context.DeadlineExceeded })
	got := s.Get(t.Context(), at("/", ""), time.Now())
	if got.Err == nil || got.Entry != nil {
		t.Errorf("%+v", got)
	}
	for _, ticket := range []Ticket{s.Begin(t.Context(), &Found{}, at("/", "")), s.Begin(t.Context(), &got, at("/", ""))} {
		if ticket.Usable() {
			t.Error("the ticket is usable")
		}
		if kept, err := s.Put(at("/", ""), entry("x"), &ticket, time.Now(), nil); kept || err == nil {
			t.Errorf("kept %v, %v", kept, err)
		}
	}
}

// A purge by one process holds in another, whatever it is by, for what is stored and for fills under way there.
func TestPurgeInAnotherProcess(t *testing.T) {
	for name, purge := range map[string]func(s *Store) error{
		"path":      func(s *Store) error { return s.PurgePath(t.Context(), "/a") },
		"namespace": func(s *Store) error { _, err := s.ClearNamespace(t.Context(), "n"); return err },
		"all":       func(s *Store) error { return s.Flush(t.Context()) },
	} {
		for _, vary := range [][]string{nil, {"X-A"}} {
			here, _ := open(t, false)
			there := another(t, here)
			keep(t, here, "/a", "n", "old", nil, vary...)
			settle(t, here)
			if foundIn(t, there, "/a", "n", nil) != "old" {
				t.Fatalf("%s: the other process does not find what is stored", name)
			}
			ticket := here.Begin(t.Context(), &Found{}, at("/a", "n"))
			if err := purge(there); err != nil {
				t.Fatal(err)
			}
			for _, s := range []*Store{here, there} {
				if got := foundIn(t, s, "/a", "n", nil); got != "" {
					t.Errorf("%s: %q is found behind the purge", name, got)
				}
			}
			if _, err := here.Put(at("/a", ""), entry("late", vary...), &ticket, time.Now(), nil); err != nil {
				t.Error(err)
			}
			settle(t, here)
			for _, s := range []*Store{here, there} {
				if got := foundIn(t, s, "/a", "n", nil); got != "" {
					t.Errorf("%s: %q is found, of a fill that began before the purge", name, got)
				}
			}
		}
	}
}

// What is stored for a target is gone once either of its paths or any of its namespaces was purged, in this process or in
// another one, and by nothing else.
func TestEachScopeCounts(t *testing.T) {
	target := &target.Target{Key: "key", Host: "h", Path: "/a", Came: "/x/a", Namespaces: []string{"n", "o"}}
	for name, row := range map[string]struct {
		purge func(*Store) error
		holds bool
	}{
		"the path":                {func(s *Store) error { return s.PurgePath(t.Context(), "/a") }, false},
		"the path on its host":    {func(s *Store) error { return s.PurgeHostPath(t.Context(), "h", "/a") }, false},
		"as it came, on its host": {func(s *Store) error { return s.PurgeHostPath(t.Context(), "h", "/x/a") }, false},
		"on another host":         {func(s *Store) error { return s.PurgeHostPath(t.Context(), "i", "/a") }, true},
		"the path as it came":     {func(s *Store) error { return s.PurgePath(t.Context(), "/x/a") }, false},
		"the first namespace":     {func(s *Store) error { _, err := s.ClearNamespace(t.Context(), "n"); return err }, false},
		"the second namespace":    {func(s *Store) error { _, err := s.ClearNamespace(t.Context(), "o"); return err }, false},
		"another path":            {func(s *Store) error { return s.PurgePath(t.Context(), "/y/a") }, true},
		"another namespace":       {func(s *Store) error { _, err := s.ClearNamespace(t.Context(), "p"); return err }, true},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, s *Store) {
				purger := s
				if s.objects == nil { // another process
					purger = another(t, s)
				}
				ticket := s.Begin(t.Context(), &Found{}, target)
				if kept, err := s.Put(target, entry("body"), &ticket, time.Now(), nil); !kept || err != nil {
					t.Fatalf("it was not kept: %v", err)
				}
				if err := row.purge(purger); err != nil {
					t.Fatal(err)
				}
				if found := s.Get(t.Context(), target, time.Now()); (found.Entry != nil) != row.holds {
					t.Errorf("found: %t", found.Entry != nil)
				}
			})
		})
	}
}
