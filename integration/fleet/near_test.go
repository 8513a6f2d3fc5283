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
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/integration/servers"
	"github.com/gin-cachette/cachette/internal/testservers"
)

var defaults = flag.Bool("near", false, "TestNear leaves the times of near tiers as they are by default, and takes longer")

// nearTimes are what near tiers are told, and how long each phase takes.
type nearTimes struct {
	poll, stale, timeout time.Duration
	rounds               int           // of a phase
	longest              time.Duration // a phase: it ends behind that, however many rounds it has had
	stops, away          time.Duration // for how long a process stands still, and the store is away
}

// soon is the bound for a process that stood still: when its last look is older than this, it asks the store.
func (n nearTimes) soon() time.Duration { return 2*n.poll + n.timeout }

var (
	nearShort = nearTimes{50 * time.Millisecond, 1500 * time.Millisecond, 300 * time.Millisecond, 6, time.Minute, time.Second, time.Second}
	nearLong  = nearTimes{time.Second, 10 * time.Second, 500 * time.Millisecond, 100, 3 * time.Minute, 5 * time.Second, time.Minute}
)

const (
	purger   = 0 // the process that purges
	victim   = 1 // the one that suffers
	askEvery = time.Millisecond
)

// overAfter is for how long, behind the return of a store, what was purged meanwhile may be shown. Stand-ins for stores that share a busy
// machine with everything else take longer to carry it out, so a second is asked for in the long form alone.
func overAfter() time.Duration {
	if *defaults {
		return time.Second
	}
	return 5 * time.Second
}

// shelf is the database: a version of each page, whose tag has the page's name.
type shelf struct {
	mu       sync.Mutex
	versions map[string]int
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tag := r.FormValue("tag")
	if tag == "" {
		var host string
		_, _ = fmt.Sscan(r.FormValue("page"), &host, &tag)
	}
	_ = json.NewEncoder(w).Encode(content{Versions: map[string]int{tag: s.versions[tag]}, Tags: []string{tag}})
}

func (s *shelf) change(path string) (version int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions[path]++
	return s.versions[path]
}

// A nearFleet is several processes with near tiers, each of which reaches the store through a proxy of its own.
type nearFleet struct {
	nearTimes
	t         *testing.T
	rate      int // of purges a second, in a burst
	shelf     *shelf
	addresses [members]string
	processes [members]*servers.Process
	proxies   [members]*proxy.Proxy
	client    *http.Client
	next      int
	owed      int // rounds whose purge the store did not take in time, as a busy machine's may not
}

func newNearFleet(t *testing.T, k kind, times nearTimes) *nearFleet {
	t.Helper()
	f := &nearFleet{nearTimes: times, t: t, rate: 1000, shelf: &shelf{versions: make(map[string]int)}, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	if k.steps < 8000 { // it stands in for another: with more, it takes none at all in time
		f.rate = 10
	}
	s := newStore(t, k)
	database := httptest.NewServer(f.shelf)
	t.Cleanup(database.Close)
	t.Cleanup(f.client.CloseIdleConnections)
	for i := range members {
		port, err := testservers.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		f.addresses[i] = fmt.Sprintf("127.0.0.1:%d", port)
		f.proxies[i] = proxy.New(t, fmt.Sprintf("127.0.0.1:%d", s.port))
		var through int
		if _, err := fmt.Sscanf(f.proxies[i].Addr(), "127.0.0.1:%d", &through); err != nil {
			t.Fatal(err)
		}
		ready := func(ctx context.Context) error {
			_, _, err := f.send(ctx, i, http.MethodGet, "/admin/near", nil)
			return err
		}
		f.processes[i], err = servers.Start(t.Context(), fmt.Sprintf("process %d", i), ready, "env",
			addressVariable+"="+f.addresses[i], databaseVariable+"="+database.URL, ttlVariable+"=1h",
			"CACHETTE_URL="+fmt.Sprintf(s.url, through), "CACHETTE_OPERATION_TIMEOUT="+times.timeout.String(), "CACHETTE_NEAR=16MiB",
			"CACHETTE_NEAR_POLL="+times.poll.String(), "CACHETTE_NEAR_STALENESS="+times.stale.String(), os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.processes[i].Kill() })
	}
	return f
}

func (f *nearFleet) send(ctx context.Context, process int, method, path string, body []byte) (response *http.Response, text []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+f.addresses[process]+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Host = "shop.example" // of all of them
	request.Header.Set("Content-Type", "application/json")
	if response, err = f.client.Do(request); err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	return response, text, err
}

// version asks a process for a page. No request may fail, whatever the store does.
func (f *nearFleet) version(process int, path string) (version int, status string) {
	response, text, err := f.send(f.t.Context(), process, http.MethodGet, path, nil)
	if err != nil {
		f.t.Errorf("process %d, %s: %v", process, path, err)
		return 0, ""
	}
	var versions map[string]int
	if response.StatusCode == http.StatusOK {
		err = json.Unmarshal(text, &versions)
	}
	version, there := versions[path]
	if err != nil || !there {
		f.t.Errorf("process %d, %s: %s %q %v", process, path, response.Status, text, err)
	}
	return version, response.Header.Get("Cache-Status")
}

// nearHits returns how many requests near copies of a process have answered.
func (f *nearFleet) nearHits(process int) (n int) {
	_, text, err := f.send(f.t.Context(), process, http.MethodGet, "/admin/near", nil)
	if _, failed := fmt.Sscan(string(text), &n); err != nil || failed != nil {
		f.t.Errorf("%q: %v, %v", text, err, failed)
	}
	return n
}

// purge has a process purge a page by its path, or by its tag, and tells whether the store took it.
func (f *nearFleet) purge(kind, name string) (done bool) {
	response, text, err := f.send(f.t.Context(), purger, http.MethodPost, "/admin/purge", fmt.Appendf(nil, `{%q:[%q]}`, kind, name))
	switch {
	case err != nil:
		f.t.Errorf("purge of %s: %v", name, err)
		return false
	case response.StatusCode != http.StatusOK && response.StatusCode != http.StatusAccepted:
		f.t.Errorf("purge of %s: %s %q", name, response.Status, text)
	}
	return response.StatusCode == http.StatusOK
}

// warm has a process answer a page from near it, and tells whether it does within a time.
func (f *nearFleet) warm(process int, path string, within time.Duration) bool {
	before := f.nearHits(process)
	for end := time.Now().Add(within); time.Now().Before(end) && !f.t.Failed(); time.Sleep(askEvery) {
		if f.version(process, path); f.nearHits(process) > before {
			return true
		}
	}
	return false
}

// surely is how long a process may take until near copies answer again, whatever was done to it.
const surely = 10 * time.Second

// round changes a page and purges it. It returns for how long, behind that, the other processes went on to show it as it was, which is at most
// the bound, beside what their last request took.
func (f *nearFleet) round() (late []time.Duration) {
	f.next++
	folder, kind := [...]string{"a", "v"}[f.next%2], [...]string{"tags", "paths"}[f.next/2%2]
	if folder == "v" {
		kind = "tags" // since what it is made of is a value
	}
	path := fmt.Sprintf("/%s/%d", folder, f.next%8)
	for process := range members {
		f.warm(process, path, 5*f.poll)
	}
	version := f.shelf.change(path)
	if !f.purge(kind, path) {
		f.owed++
		return nil
	}
	returned := time.Now()
	late = make([]time.Duration, members-1)
	var asking sync.WaitGroup
	for i := range late {
		asking.Go(func() { late[i] = f.outlast(victim+i, path, version, returned, f.stale) })
	}
	asking.Wait()
	return late
}

// outlast asks a process for a page until it shows a version.
func (f *nearFleet) outlast(process int, path string, version int, since time.Time, bound time.Duration) (late time.Duration) {
	for {
		began := time.Now()
		shown, status := f.version(process, path)
		if shown >= version || f.t.Failed() {
			return late
		}
		late = time.Since(since)
		if over := began.Sub(since); over > bound {
			f.t.Errorf("process %d shows version %d of %s, not %d, to a request %v behind a purge of it, more than %v (%s)", process, shown, path, version, over, bound, status)
			return late
		}
		time.Sleep(askEvery)
	}
}

// phase does some rounds, beside something that goes on all the time, and logs for how long old pages were shown.
func (f *nearFleet) phase(name string, rounds int, beside func(ctx context.Context), round func() []time.Duration) {
	ctx, end := context.WithCancel(f.t.Context())
	var running sync.WaitGroup
	if beside != nil {
		running.Go(func() { beside(ctx) })
	}
	var late []time.Duration
	before, owed := f.nearHits(victim), f.owed
	for began := time.Now(); rounds > 0 && time.Since(began) < f.longest && !f.t.Failed(); rounds-- {
		late = append(late, round()...)
	}
	end()
	running.Wait()
	if len(late) == 0 {
		f.t.Logf("%s: the store took none of %d purges in time", name, f.owed-owed)
		return
	}
	slices.Sort(late)
	tell := func(p int) time.Duration {
		return late[min(len(late)*p/100, len(late)-1)].Round(100 * time.Microsecond)
	}
	f.t.Logf("%s: shown for 50 %% %v, 99 %% %v, at most %v, by %d looks of processes; %d near hits of one, %d purges owed",
		name, tell(50), tell(99), tell(100), len(late), f.nearHits(victim)-before, f.owed-owed)
}

// purging purges tags of other pages, as many a second as the store is to take, a thousand but for one that stands in for another.
func (f *nearFleet) purging(ctx context.Context) {
	const workers = 16
	var n atomic.Int64
	began := time.Now()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				number := n.Add(1)
				time.Sleep(time.Until(began.Add(time.Duration(number) * time.Second / time.Duration(f.rate))))
				f.purge("tags", fmt.Sprint("other", number%5000))
			}
		})
	}
	all.Wait()
	f.t.Logf("%.0f purges a second", float64(n.Load())/time.Since(began).Seconds())
}

// cutting cuts the connections of one process, or has them go silent, again and again.
func (f *nearFleet) cutting(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		if time.Sleep(100 * time.Millisecond); i%5 == 4 {
			f.proxies[victim].Lose()
		} else {
			f.proxies[victim].Cut()
		}
	}
}

// silent drops all that one process says to the store, or is told, until it has shown what was purged.
func (f *nearFleet) silent() []time.Duration {
	return f.suffer(f.stale, f.proxies[victim].Hang, func() {}, f.proxies[victim].Resume)
}

// stalled has one process stand still, while a page that it has near is purged.
func (f *nearFleet) stalled() []time.Duration {
	signal := func(s syscall.Signal) {
		if err := f.processes[victim].Signal(s); err != nil {
			f.t.Error(err)
		}
	}
	return f.suffer(f.soon(), func() { signal(syscall.SIGSTOP) }, func() {
		time.Sleep(f.stops)
		signal(syscall.SIGCONT)
	}, func() {})
}

// suffer does something to one process while a page that it has near is purged, and asks it for that page then.
func (f *nearFleet) suffer(bound time.Duration, before, then, after func()) []time.Duration {
	f.next++
	path := fmt.Sprintf("/a/%d", f.next%8)
	if !f.warm(victim, path, surely) {
		f.t.Errorf("process %d answers nothing from near it after %v", victim, surely)
	}
	before()
	defer after()
	version := f.shelf.change(path)
	done, returned := f.purge("tags", path), time.Now()
	if then(); !done {
		f.owed++
		return nil
	}
	return []time.Duration{f.outlast(victim, path, version, returned, bound)}
}

// leave takes the store away from all processes, which are asked 200 times a second, while one purges.
func (f *nearFleet) leave() {
	ctx, end := context.WithCancel(f.t.Context())
	var asked atomic.Int64
	var clients sync.WaitGroup
	const each = 10 // clients of a process
	for i := range members * each {
		clients.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				f.version(i%members, fmt.Sprintf("/a/%d", n%4*2))
				asked.Add(1)
				time.Sleep(members * each * time.Second / 200)
			}
		})
	}
	for _, p := range f.proxies {
		p.Die()
	}
	purges, changed := 0, make(map[string]int)
	for gone := time.Now().Add(f.away); time.Now().Before(gone) && !f.t.Failed(); purges++ {
		path := fmt.Sprintf("/a/%d", purges%4*2)
		version := f.shelf.change(path)
		changed[path] = version
		if f.purge("tags", path) {
			f.t.Error("a store that is away took a purge")
		}
		if shown, _ := f.version(purger, path); shown < version {
			f.t.Errorf("the process that owes a purge of %s shows version %d, not %d", path, shown, version)
		}
		time.Sleep(f.away / 20)
	}
	for _, p := range f.proxies {
		p.Revive(f.t)
	}
	back, longest := time.Now(), time.Duration(0)
	var asking sync.WaitGroup
	var mu sync.Mutex
	for path, version := range changed {
		for process := range members {
			asking.Go(func() {
				// A page that shows its new version may be one that its handler has just made, with the store still away, so it is asked for on.
				for time.Since(back) < 2*time.Second && !f.t.Failed() {
					late := f.outlast(process, path, version, back, overAfter())
					mu.Lock()
					longest = max(longest, late)
					mu.Unlock()
					time.Sleep(10 * askEvery)
				}
			})
		}
	}
	asking.Wait()
	end()
	clients.Wait()
	f.t.Logf("away for %v: %d requests, %d purges, shown for at most %v behind its return", f.away, asked.Load(), purges, longest.Round(time.Millisecond))
}

// TestNear: what was purged in one process is not shown by near tiers of others for longer than documented, whatever happens to them, and no
// request fails.
func TestNear(t *testing.T) {
	times := nearShort
	if *defaults {
		times = nearLong
	}
	for _, k := range kinds {
		t.Run(k.backend, func(t *testing.T) {
			f := newNearFleet(t, k, times)
			time.Sleep(1500 * time.Millisecond) // until all processes know of near tiers
			f.phase("quiet", f.rounds, nil, f.round)
			for process := range members {
				if n := f.nearHits(process); n < f.rounds && !t.Failed() {
					t.Errorf("process %d has answered %d requests from near it: that proves little", process, n)
				}
			}
			f.phase("many purges", f.rounds, f.purging, f.round)
			f.phase("connections cut", f.rounds, f.cutting, f.round)
			f.phase("all dropped", 1, nil, f.silent)
			f.phase("stopped", 1+f.rounds/50, nil, f.stalled)
			f.leave()
		})
	}
}
