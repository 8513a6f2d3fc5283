// Package fleet has tests of several processes that share a store, each a process of its own that can be killed.
package fleet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/integration/servers"
	"github.com/gin-cachette/cachette/internal/testservers"
)

var (
	steps = flag.Int("steps", 0, "how many steps TestFleet takes on each store; 0 for as many as each is to take")
	long  = flag.Bool("long", false, "TestFleet takes more of them")
	seed  = flag.Uint64("seed", uint64(time.Now().UnixNano()), "the seed of their lots")
)

const (
	members = 4
	clients = 8
	patient = 10 * time.Second // an operation timeout that a busy machine does not come near
)

// A fleet is several processes with one store.
type fleet struct {
	*model
	t        *testing.T
	store    *store
	database string
	ttl      time.Duration
	members  []*member
	pages    []page
	done     atomic.Int64 // steps

	killed, restarted, evicted time.Time // a process, the store, and marks, for the last time

	hits, stale, misses, purges, owed, kills, restarts, losses atomic.Int64
}

// A member is one process of a fleet.
type member struct {
	number  int
	address string

	settling sync.Mutex // held while it is asked what it owes

	mu      sync.Mutex
	process *servers.Process
	owed    []change // purges that it owes the store: it must not show older versions itself
}

func newFleet(t *testing.T, k kind, ttl time.Duration, seed uint64) *fleet {
	t.Helper()
	f := &fleet{model: newModel(seed), t: t, store: newStore(t, k), ttl: ttl, pages: allPages()}
	database := httptest.NewServer(f.model)
	t.Cleanup(database.Close)
	f.database = database.URL
	for i := range members {
		port, err := testservers.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		m := &member{number: i, address: fmt.Sprintf("127.0.0.1:%d", port)}
		f.start(m)
		if t.Failed() {
			t.FailNow()
		}
		t.Cleanup(func() { _ = m.process.Kill() })
		f.members = append(f.members, m)
	}
	for _, p := range f.pages {
		f.tag(p)
	}
	return f
}

// start starts the process of a member.
func (f *fleet) start(m *member) {
	ready := func(ctx context.Context) error {
		_, _, err := f.send(ctx, m, http.MethodGet, page{path: "/admin/owed"}, nil)
		return err
	}
	process, err := servers.Start(f.t.Context(), fmt.Sprintf("process %d", m.number), ready, "env",
		addressVariable+"="+m.address, databaseVariable+"="+f.database, ttlVariable+"="+f.ttl.String(),
		"CACHETTE_URL="+f.store.where(), "CACHETTE_OPERATION_TIMEOUT="+patient.String(), "CACHETTE_KEEP_STALE=1s", os.Args[0])
	if err != nil {
		f.t.Error(err)
		return
	}
	m.process = process
}

// send sends a request for a page to a member.
func (f *fleet) send(ctx context.Context, m *member, method string, p page, body []byte) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+m.address+p.path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Host = p.host
	request.Header.Set("X-User", p.user)
	request.Header.Set("X-Tenant", p.tenant)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response, text, err
}

func (f *fleet) anyPage() page      { return f.pages[f.n(len(f.pages))] }
func (f *fleet) anyMember() *member { return f.members[f.n(len(f.members))] }

// tag has a page have other tags from now on.
func (f *fleet) tag(p page) {
	tags := make([]string, f.n(4))
	for i := range tags {
		tags[i] = fmt.Sprintf("tag%d", f.n(60))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(tags)
	f.tags[p] = slices.Compact(tags)
}

// ask asks a member for a page, and checks what it shows.
func (f *fleet) ask(m *member, p page) {
	m.mu.Lock()
	least, fresh := f.require(m.owed)
	m.mu.Unlock()
	began := time.Now()
	response, text, err := f.send(f.t.Context(), m, http.MethodGet, p, nil)
	if err != nil {
		return // it was killed
	}
	status := response.Header.Get("Cache-Status")
	if response.StatusCode != http.StatusOK {
		f.t.Errorf("%v: %d %q", p, response.StatusCode, text)
		return
	}
	var versions map[string]int
	if err := json.Unmarshal(text, &versions); err != nil {
		f.t.Errorf("%v: %q: %v", p, text, err)
		return
	}
	for _, part := range p.parts() {
		if _, there := versions[part]; !there {
			f.t.Errorf("%v: the answer is of another page: %q (%s)", p, text, status)
		}
	}
	hit, stale := strings.HasPrefix(status, "cachette; hit"), strings.HasPrefix(status, "cachette; hit; ttl=-") || strings.HasPrefix(status, "cachette; hit; ttl=0")
	for part, version := range versions {
		if version < least[part] || !stale && version < fresh[part] {
			f.t.Errorf("step %d: process %d shows %v as it was before a purge of %q that had returned: version %d, not %d, or %d as fresh (%s)",
				f.done.Load(), m.number, p, part, version, least[part], fresh[part], status)
		}
	}
	if stale {
		f.stale.Add(1)
		return
	}
	if hit {
		f.hits.Add(1)
	} else {
		f.misses.Add(1)
	}
	if f.leaves(status) {
		time.Sleep(100 * time.Millisecond) // or most steps would be taken while it does
		return
	}
	if missed := f.ttl >= time.Hour && f.met(p, m.number, began, versions, hit); missed {
		f.t.Errorf("step %d: process %d does not have %v, of which nothing was purged or lost since it was a hit (%s)", f.done.Load(), m.number, p, status)
	}
}

// leaves tells whether a process has not asked the store, since it leaves it alone for some seconds when it was away, as others do not any more.
func (f *fleet) leaves(status string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(status, "detail=store-unavailable") && time.Since(f.restarted) < patient
}

// someParts draws what a purge is to name: rarely what takes much with it.
func (f *fleet) someParts() (parts []string) {
	count := 1
	if f.n(5) == 0 {
		count += f.n(4)
	}
	for range count {
		p := f.anyPage()
		all := append(p.parts()[1:], p.named([]string{fmt.Sprintf("tag%d", f.n(60))})...)
		part := all[f.n(len(all))]
		if rare := strings.HasPrefix(part, "prefixes") || strings.HasPrefix(part, "namespaces"); rare && f.n(10) > 0 {
			continue
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		parts = append(parts, f.anyPage().parts()[1])
	}
	if f.n(300) == 0 {
		parts = append(parts, everything)
	}
	slices.Sort(parts)
	return slices.Compact(parts)
}

// purge changes some parts, and has a member purge them.
func (f *fleet) purge(m *member) {
	f.purges.Add(1)
	parts := f.someParts()
	body := map[string]any{"soft": f.n(3) == 0}
	for _, part := range parts {
		field, name, named := strings.Cut(part, " ")
		if !named {
			body[field] = true
			continue
		}
		names, _ := body[field].([]string)
		body[field] = append(names, name)
	}
	text, err := json.Marshal(body)
	if err != nil {
		f.t.Error(err)
		return
	}
	f.carryOut(m, http.MethodPost, page{path: "/admin/purge"}, text, parts, body["soft"] == true)
}

// write changes a URL by a request with an unsafe method to a member.
func (f *fleet) write(m *member) {
	p := f.anyPage()
	f.carryOut(m, http.MethodPut, p, nil, p.parts()[2:3], false)
	f.settle(m)
}

// carryOut changes parts, and sends a member a request that purges them.
func (f *fleet) carryOut(m *member, method string, p page, body []byte, parts []string, soft bool) {
	m.mu.Lock()
	process := m.process
	m.mu.Unlock()
	changed := f.change(parts, soft)
	response, text, err := f.send(f.t.Context(), m, method, p, body)
	owed := false
	switch {
	case err != nil: // it was killed, and may have carried it out or not
	case response.StatusCode == http.StatusAccepted:
		owed = true
		f.owed.Add(1)
	case method == http.MethodPut && response.StatusCode == http.StatusNoContent:
		owed = true // perhaps: nobody is told, and the next look at what is owed shows it
	case response.StatusCode != http.StatusOK:
		f.t.Errorf("%s %v %s: %d %s", method, p, body, response.StatusCode, text)
	}
	if owed {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.process == process {
			m.owed = append(m.owed, changed)
			return // until it is paid
		}
	}
	f.purged(changed, err == nil && !owed)
}

// settle asks a member whether it still owes anything.
func (f *fleet) settle(m *member) {
	m.settling.Lock()
	defer m.settling.Unlock()
	m.mu.Lock()
	process, owed := m.process, m.owed
	m.mu.Unlock()
	if len(owed) == 0 {
		return
	}
	_, text, err := f.send(f.t.Context(), m, http.MethodGet, page{path: "/admin/owed"}, nil)
	if slices.ContainsFunc(owed, change.slow) {
		time.Sleep(settled + settled/16) // until all processes have looked at the log
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && string(text) == "0" && m.process == process { // else it was killed meanwhile, with what it owed
		f.forget(m, len(owed), true)
	}
}

// forget takes off the first purges that a member owes.
func (f *fleet) forget(m *member, n int, done bool) {
	for _, changed := range m.owed[:n] {
		f.purged(changed, done)
	}
	m.owed = m.owed[n:]
}

// kill kills a member, with what it owes, and starts it again.
func (f *fleet) kill(m *member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f.kills.Add(1)
	if err := m.process.Kill(); err != nil {
		f.t.Error(err)
	}
	f.forget(m, len(m.owed), false)
	f.start(m)
	f.lose()
}

// restart kills the store, and starts it again.
func (f *fleet) restart() {
	f.restarts.Add(1)
	f.lose()
	if err := f.store.process.Kill(); err != nil {
		f.t.Error(err)
	}
	time.Sleep(time.Duration(f.n(1000)) * time.Millisecond)
	f.store.begin()
	f.lose()
}

// step does one thing: by its number, something is lost.
func (f *fleet) step(number int64) {
	m := f.anyMember()
	switch number % 2000 {
	case 400, 1400:
		if f.mayLose(&f.evicted, 4*time.Second) {
			f.loseMarks()
		}
		return
	case 600, 1600:
		if f.mayLose(&f.killed, 4*time.Second) {
			f.kill(m)
		}
		return
	case 800:
		if f.mayLose(&f.restarted, 15*time.Second) { // it takes seconds until a process tries a store again that was away
			f.restart()
		}
		return
	}
	f.usual(m)
}

// usual does what happens all the time, by its lot.
func (f *fleet) usual(m *member) {
	switch lot := f.n(1000); {
	case lot < 20:
		f.purge(m)
	case lot < 28:
		f.write(m)
	case lot < 33:
		f.tag(f.anyPage())
	case lot < 43:
		f.settle(m)
	default:
		f.ask(m, f.anyPage())
	}
}

// mayLose tells whether something was lost long enough ago to be lost again, and notes that it is.
func (f *fleet) mayLose(last *time.Time, rest time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(*last) < rest {
		return false
	}
	*last = time.Now()
	return true
}

// loseMarks has the store lose some marks.
func (f *fleet) loseMarks() {
	f.lose()
	if n, err := f.store.loseMarks(f.t.Context()); err == nil && n > 0 {
		f.losses.Add(1)
	}
	f.lose()
}

// run has the clients take steps until there were so many.
func (f *fleet) run(all int64) {
	var running sync.WaitGroup
	for range clients {
		running.Go(func() {
			for number := f.done.Add(1); number <= all && !f.t.Failed(); number = f.done.Add(1) {
				f.step(number)
			}
		})
	}
	running.Wait()
}

// TestFleet has four processes share a store, and clients ask them for pages, change what these show, and purge that in each way, while
// processes and the store are killed and marks are lost. What was purged is never shown again, by any process, and what was not is
// still there.
func TestFleet(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.backend, func(t *testing.T) {
			f := newFleet(t, k, time.Hour, *seed)
			all := k.steps
			if *long {
				all = k.many
			}
			if *steps > 0 {
				all = *steps
			}
			proves := func() bool {
				return f.hits.Load() >= int64(all)/8 && f.stale.Load() > 0 && f.purges.Load() > 0 && f.kills.Load() > 0 && f.restarts.Load() > 0 &&
					f.losses.Load() > 0 && f.watched >= all/500
			}
			f.run(int64(all))
			for range 2 { // of few steps, chance leaves something out
				if !proves() {
					f.run(f.done.Load() + int64(all)/2)
				}
			}
			t.Logf("seed %d: %d hits, %d stale ones, %d misses, %d purges (%d owed), %d processes and %d stores killed, marks lost %d times; %d hits were told beforehand",
				*seed, f.hits.Load(), f.stale.Load(), f.misses.Load(), f.purges.Load(), f.owed.Load(), f.kills.Load(), f.restarts.Load(), f.losses.Load(), f.watched)
			if !proves() {
				t.Error("that proves little")
			}
		})
	}
}
