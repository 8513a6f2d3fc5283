package fleet_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/integration/servers"
	"github.com/gin-cachette/cachette/internal/testservers"
)

var (
	rounds = flag.Int("rounds", 0, "how many times TestLeases has a page missed by all clients; 0 for a few")
	deaths = flag.Int("deaths", 0, "how many times it kills the process that makes the page; 0 for a few")
)

const (
	herd    = 1000                   // clients that miss a page together
	making  = 100 * time.Millisecond // how long its handler takes
	briefly = time.Second            // a lease that a process does not outlive
	roundOf = time.Hour              // a page's time to live: each round has a page of its own
)

// kitchen is the database of these processes: it counts who reads what.
type kitchen struct {
	mu   sync.Mutex
	runs map[string][]string // of a page: the processes whose handlers run
}

func (k *kitchen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("leased")
	k.mu.Lock()
	k.runs[name] = append(k.runs[name], r.FormValue("by"))
	k.mu.Unlock()
	_ = json.NewEncoder(w).Encode(content{Rest: making})
}

func (k *kitchen) ran(name string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.runs[name])
}

// A crew is several processes with one store, whose clients miss pages together.
type crew struct {
	t         *testing.T
	store     *store
	kitchen   *kitchen
	url       string // of the kitchen
	addresses [members]string
	processes [members]*servers.Process
	client    *http.Client
}

func newCrew(t *testing.T, k kind) *crew {
	t.Helper()
	c := &crew{t: t, store: newStore(t, k), kitchen: &kitchen{runs: make(map[string][]string)}, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: herd}}}
	database := httptest.NewServer(c.kitchen)
	t.Cleanup(database.Close)
	t.Cleanup(c.client.CloseIdleConnections)
	c.url = database.URL
	for i := range c.addresses {
		port, err := testservers.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		c.addresses[i] = fmt.Sprintf("127.0.0.1:%d", port)
		c.start(i)
		t.Cleanup(func() { _ = c.processes[i].Kill() })
	}
	return c
}

func (c *crew) start(i int) {
	c.t.Helper()
	ready := func(ctx context.Context) error {
		_, _, err := c.get(ctx, i, "/admin/owed")
		return err
	}
	process, err := servers.Start(c.t.Context(), fmt.Sprintf("process %d", i), ready, "env",
		addressVariable+"="+c.addresses[i], databaseVariable+"="+c.url, ttlVariable+"="+roundOf.String(),
		"CACHETTE_URL="+c.store.where(), "CACHETTE_OPERATION_TIMEOUT="+patient.String(), os.Args[0])
	if err != nil {
		c.t.Fatal(err)
	}
	c.processes[i] = process
}

// get asks a process for a path, and returns what it showed, and how long that took.
func (c *crew) get(ctx context.Context, process int, path string) (body string, took time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.addresses[process]+path, nil)
	if err != nil {
		return "", 0, err
	}
	request.Host = "shop.example" // of all of them
	began := time.Now()
	response, err := c.client.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	return string(text), time.Since(began), err
}

// rush has n clients ask for a path at once, spread over some processes, and returns how long each took, the fastest first.
func (c *crew) rush(n int, path string, processes ...int) []time.Duration {
	took := make([]time.Duration, n)
	var clients sync.WaitGroup
	for i := range n {
		clients.Go(func() {
			var err error
			if _, took[i], err = c.get(c.t.Context(), processes[i%len(processes)], path); err != nil {
				c.t.Error(err)
			}
		})
	}
	clients.Wait()
	slices.Sort(took)
	return took
}

var all = []int{0, 1, 2, 3}

// TestLeases: of a thousand clients of four processes that miss a page together, one has its handler run; and where the process that runs it is
// killed, the others go on when its lease is over.
func TestLeases(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.backend, func(t *testing.T) {
			c := newCrew(t, k)
			t.Run("rounds", func(t *testing.T) { c.fillOnce(t, max(*rounds, 3)) })
			t.Run("deaths", func(t *testing.T) { c.survive(t, max(*deaths, 2)) })
		})
	}
}

// fillOnce counts the rounds in which more than one handler ran, of which one in a thousand is none too many.
func (c *crew) fillOnce(t *testing.T, rounds int) {
	c.rush(herd, "/bare/warm", all...)
	c.rush(herd, "/leased/warm", all...)
	stays := c.store.keys(t)
	several := 0
	var waited, bare []time.Duration
	for round := range rounds {
		path := fmt.Sprintf("/leased/%d", round)
		waited = append(waited, c.rush(herd, path, all...)...)
		if ran := c.kitchen.ran(path); len(ran) != 1 {
			several++
			t.Logf("round %d: the handler ran in %v", round, ran)
		}
		c.store.removeAllBut(t, stays)
		if round%(rounds/20+1) == 0 { // beside the others: what else the machine does changes
			bare = append(bare, c.rush(herd, "/bare/"+fmt.Sprint(round), all...)...)
		}
	}
	t.Logf("%d rounds of %d clients: more than one run in %d; 99 %% of clients in %v, of a bare handler in %v",
		rounds, herd, several, percentile(waited, 99), percentile(bare, 99))
	if several > rounds/1000 {
		t.Errorf("more than one handler ran in %d rounds of %d", several, rounds)
	}
}

func percentile(took []time.Duration, p int) time.Duration {
	slices.Sort(took)
	return took[len(took)*p/100].Round(time.Millisecond)
}

// survive kills the process that runs the handler, at any moment.
func (c *crew) survive(t *testing.T, deaths int) {
	c.rush(30, "/briefly/warm", all...)
	stays, longest := c.store.keys(t), time.Duration(0)
	for death := range deaths {
		c.store.removeAllBut(t, stays)
		path, victim := fmt.Sprintf("/briefly/%d", death), death%members
		others := slices.DeleteFunc(slices.Clone(all), func(i int) bool { return i == victim })
		var clients sync.WaitGroup
		clients.Go(func() { _, _, _ = c.get(t.Context(), victim, path) }) // which is broken off
		for len(c.kitchen.ran(path)) == 0 {
			time.Sleep(time.Millisecond)
		}
		var took []time.Duration
		clients.Go(func() { took = c.rush(30, path, others...) })
		time.Sleep(rand.N(making))
		if err := c.processes[victim].Kill(); err != nil {
			t.Fatal(err)
		}
		clients.Wait()
		longest = max(longest, took[len(took)-1])
		if ran := c.kitchen.ran(path); len(ran) > 1+len(others) {
			t.Errorf("death %d: the handler ran in %v", death, ran)
		}
		c.start(victim)
	}
	t.Logf("%d deaths: a client waited for %v at most, with a lease of %v and a handler of %v", deaths, longest.Round(time.Millisecond), briefly, making)
}
