package stores_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/integration/servers"
	"github.com/gin-cachette/cachette/internal/target"
)

// A fleet is a store of several servers, each of which can be made to die or to hang.
type fleet struct {
	settings drivers.Settings
	backend  string
	names    []string // of the servers, as drivers.Sharded has them
	signal   func(t *testing.T, server int, signal syscall.Signal)
	least    float64 // of the hits that there are with all servers, how many there are to be without one
}

// fleets are made anew for each test.
var fleets = map[string]func(t *testing.T) fleet{"two memcacheds": memcachedFleet, "a Redis Cluster of three": clusterFleet}

func memcachedFleet(t *testing.T) fleet {
	var all []memcachedServer
	var names []string
	for range 2 {
		s := newMemcached(t)
		s.start(t)
		all, names = append(all, s), append(names, s.host())
	}
	return fleet{
		settings: drivers.Settings{MemcachedHost: strings.Join(names, ",")}, backend: "memcached", names: names, least: 0.45,
		signal: func(t *testing.T, server int, signal syscall.Signal) { all[server].signal(t, signal) },
	}
}

// clusterFleet starts a cluster that goes on with the slots that it has, which redis-server does not unless it is told to.
func clusterFleet(t *testing.T) fleet {
	wantInstalled(t, servers.HaveRedis())
	c, err := servers.StartCluster(t.Context(), t.TempDir(), "--cluster-require-full-coverage", "no")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() }) // one was killed
	where, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	return fleet{
		settings: drivers.Settings{RedisURL: c.URL}, backend: "redis", names: strings.Split(where.Host, ","), least: 0.6,
		signal: func(t *testing.T, server int, signal syscall.Signal) {
			if err := c.Nodes[server].Signal(signal); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// A spread is a site on a fleet.
type spread struct {
	*site
	fleet
	driver drivers.Driver
}

const several = 300 // values

// newSpread returns a site whose driver knows where keys are, with a value under each number.
func newSpread(t *testing.T, f fleet) *spread {
	t.Helper()
	const timeout = 500 * time.Millisecond
	f.settings.OperationTimeout = timeout
	s := &spread{fleet: f, driver: open(t.Context(), t, f.backend, f.settings)}
	s.site = newSite(t, cachette.Config{Driver: s.driver, OperationTimeout: timeout, Logger: slog.New(slog.DiscardHandler)})
	eventually(t, func(ctx context.Context) error { // a cluster is known once it was asked
		if err := s.driver.Set(ctx, "first", nil, time.Minute); err != nil {
			return err
		}
		if s.serverOf("first") < 0 {
			return errors.New("it is not known where the keys are")
		}
		return nil
	})
	for i := range several {
		if err := s.cache.Put(t.Context(), fmt.Sprint(i), i, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// serverOf returns the number of the server that keeps a key, or -1.
func (s *spread) serverOf(key string) int {
	return slices.Index(s.names, s.driver.(drivers.Sharded).ServerOf(key))
}

// serverOfValue does so for a value.
func (s *spread) serverOfValue(i int) int {
	return s.serverOf(target.Value("cachette:", fmt.Sprint(i)))
}

// lose ends a server, or stops it until the test is over, and waits until that is so.
func (s *spread) lose(t *testing.T, server int, signal syscall.Signal) {
	t.Helper()
	s.fleet.signal(t, server, signal)
	t.Cleanup(func() { s.fleet.signal(t, server, syscall.SIGCONT) })
	i := 0
	for s.serverOfValue(i) != server {
		i++
	}
	for there := true; there; {
		there = bounded(t, func(ctx context.Context) error {
			_, err := s.driver.Get(ctx, target.Value("cachette:", fmt.Sprint(i)))
			return err
		}) == nil
	}
}

// ends are what happens to one server of several.
var ends = map[string]syscall.Signal{"dead": syscall.SIGKILL, "hung": syscall.SIGSTOP}

// eachEnd runs a test on each fleet, with each of its ends.
func eachEnd(t *testing.T, test func(t *testing.T, s *spread, lost int, signal syscall.Signal)) {
	for name, start := range fleets {
		for end, signal := range ends {
			t.Run(name+", of which one is "+end, func(t *testing.T) {
				t.Parallel() // with each other: they wait for the server that is lost
				s := newSpread(t, start(t))
				test(t, s, len(s.names)-1, signal)
			})
		}
	}
}

// With one server of several gone, the values of the others are found, put and deleted as before: three operations in a row wait for it,
// however many others succeed in between. What is to be deleted from it is owed, and the rest is not.
func TestValuesWithoutOneServer(t *testing.T) {
	eachEnd(t, func(t *testing.T, s *spread, lost int, signal syscall.Signal) {
		s.lose(t, lost, signal)
		waited, hits := 0, 0
		for i := range several {
			var value int
			err := s.cache.Fetch(t.Context(), fmt.Sprint(i), &value)
			if on := s.serverOfValue(i); (err != nil) != (on == lost) || err == nil && value != i {
				t.Errorf("%d, on server %d without %d: %d, %v", i, on, lost, value, err)
			}
			switch {
			case err == nil:
				hits++
			case !errors.Is(err, cachette.ErrUnavailable):
				waited++
			}
		}
		if waited > 4 { // the fourth, where the machine is so slow that it was time to try anew
			t.Errorf("%d waited for the server", waited)
		}
		if share := float64(hits) / several; share < s.least {
			t.Errorf("%.0f %% are hits", 100*share)
		}
		if states := s.cache.Stats().Store.Servers; states[s.names[lost]].Reads == "closed" || states[s.names[0]].Reads != "closed" {
			t.Errorf("the servers are %v", states)
		}
		s.wantDeletedApart(t, lost, signal)
	})
}

// wantDeletedApart deletes values of all servers at once, of which one is lost, and comes back if it was stopped.
func (s *spread) wantDeletedApart(t *testing.T, lost int, signal syscall.Signal) {
	t.Helper()
	const some = several / 3
	var names, owed []string
	for i := range some {
		names = append(names, fmt.Sprint(i))
		if s.serverOfValue(i) == lost {
			owed = append(owed, fmt.Sprint(i))
		}
	}
	n, err := s.cache.Delete(t.Context(), names...)
	var failed *cachette.OpError
	if n != some-len(owed) || !errors.As(err, &failed) || failed.Key != strings.Join(owed, ", ") || !strings.Contains(err.Error(), "owed") {
		t.Fatalf("%d were deleted, %v; want all but %q, which are owed", n, err, owed)
	}
	for i := range several {
		if on := s.serverOfValue(i); on != lost {
			if err := s.cache.Put(t.Context(), fmt.Sprint(i), i, time.Hour); err != nil {
				t.Errorf("a value on server %d without %d: %v", on, lost, err)
			}
		}
	}
	if signal != syscall.SIGSTOP {
		return
	}
	s.fleet.signal(t, lost, syscall.SIGCONT)
	for _, name := range owed {
		eventually(t, func(ctx context.Context) error {
			if _, err := s.driver.Get(ctx, target.Value("cachette:", name)); !errors.Is(err, drivers.ErrMiss) {
				return fmt.Errorf("%s, whose removal is owed: %w", name, err)
			}
			return nil
		})
	}
}
