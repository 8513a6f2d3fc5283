package identity_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
)

var (
	requests = flag.Int("requests", 100_000, "how many requests TestIdentity sends")
	seed     = flag.Uint64("seed", 0, "what the requests of TestIdentity are chosen by; 0 for another one each time")
)

const (
	users         = 50
	burst         = 4   // how many requests of each user go for about the same page as those of the others
	turns         = 100 // how many bursts there are between those of two layouts
	ttlEverywhere = time.Minute
)

// zeroTime is no Last-Modified.
var zeroTime time.Time

// Nobody gets what was made for another, and nothing that was purged, whatever is asked for, how, and when (RFC 9111 §3.5,
// §4, §4.1, §4.4, §5.2.2.7). Users who are chosen at random ask for pages that say whom they are for, of which target and of which
// data, and all that comes is measured by what HTTP and the route allow to be given to the one who asked. A seed leads to the
// same requests; how they meet is the scheduler's choice.
func TestIdentity(t *testing.T) {
	chosen := *seed
	if chosen == 0 {
		chosen = rand.Uint64()
	}
	t.Logf("to repeat: go test ./internal/behaviour/identity -run '^TestIdentity$' -requests %d -seed %d", *requests, chosen)
	seen := new(tally)
	objects := func() []cachette.Config { return []cachette.Config{{MemoryLimit: 1 << 20}} }
	bytes := func() []cachette.Config { return []cachette.Config{{Driver: newShelf(1<<20, 70)}} }
	shared := func() []cachette.Config {
		store := crate{newShelf(1<<20, 0)}
		return []cachette.Config{{Driver: store}, {Driver: store}}
	}
	layouts := []struct {
		name       string
		stores     func() []cachette.Config // one for each engine
		everywhere bool                     // there is a Cached around all routes
	}{
		{"objects", objects, false}, {"objects, engine", objects, true},
		{"bytes", bytes, false}, {"bytes, engine", bytes, true},
		{"two processes", shared, false}, {"two processes, engine", shared, true},
	}
	for i, layout := range layouts {
		t.Run(layout.name, func(t *testing.T) {
			d := &drive{t: t, seed: chosen + uint64(i)*turns, data: new(scopes), rules: rules(), seen: seen}
			stores := layout.stores()
			d.faulty = len(stores) == 1 && stores[0].Driver != nil
			for _, store := range stores {
				store.OperationTimeout = time.Minute // this machine may be busy
				d.sites = append(d.sites, newSite(t, store, d.data, layout.everywhere))
			}
			d.run(*requests / len(layouts))
		})
	}
	seen.report(t)
}

// drive has users ask the sites of one layout.
type drive struct {
	t      *testing.T
	seed   uint64
	sites  []*site
	data   *scopes
	rules  []*rule
	faulty bool // the store fails now and then
	seen   *tally

	failures atomic.Int64
	stolen   [64]atomic.Pointer[loot]
}

// loot is the entity tag of a page that somebody got.
type loot struct {
	tag string
	of  *ask
}

const maxFailures = 5

// run sends requests, about so many.
func (d *drive) run(total int) {
	client := transport()
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	for i := range users {
		wg.Go(func() {
			u := &person{drive: d, name: nameOf(i), random: rand.New(rand.NewPCG(d.seed, uint64(i))), client: client,
				tags: make(map[string]string)}
			for n := range (total + users - 1) / users {
				if d.failures.Load() >= maxFailures {
					return
				}
				u.step(n)
			}
		})
	}
	wg.Wait()
}

// fail reports an answer that is wrong.
func (d *drive) fail(a *ask, got *answer, err error) {
	if d.failures.Add(1) <= maxFailures {
		d.t.Errorf("request %s: %v\n  asked: %s\n  got: %s", a.run, err, a, got)
	}
}

// nameOf returns the name of a user.
func nameOf(i int) string { return fmt.Sprintf("u%02d", i) }

// person is one of the users. It does one thing after the other.
type person struct {
	*drive
	name   string
	random *rand.Rand
	client http.RoundTripper
	tags   map[string]string // the entity tags that it has got, by target
}

// one tells whether something happens that happens once in n times.
func (u *person) one(n int) bool { return u.random.IntN(n) == 0 }

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// step does one thing.
func (u *person) step(n int) {
	s, a := pick(u.random, u.sites), u.ask(n)
	switch {
	case u.one(70), a.rule.breaks && u.one(6):
		u.purge(s, a)
	case u.one(300):
		u.refresh(s, a)
	default:
		u.get(s, a)
	}
}

// get sends a request, and looks at what comes.
func (u *person) get(s *site, a *ask) {
	a.since, a.now = u.data.floors(a.host, a.path, a.came), u.data.read(a.host, a.path, a.came)
	got := a.send(s, u.client)
	if failed, ok := u.data.failed.LoadAndDelete(a.run); ok {
		a.failed = failed.(versions)
	}
	text, err := a.judge(got)
	if err != nil {
		u.fail(a, got, err)
		return
	}
	u.seen.note(a, got)
	u.notePurges(a, got)
	if tag := got.header.Get("Etag"); text != "" && tag != "" {
		u.tags[a.host+a.url] = tag
		u.stolen[u.random.IntN(len(u.stolen))].Store(&loot{tag, a})
	}
}

// notePurges notes what an unsafe request has invalidated: its own target and another one (RFC 9111 §4.4). Where the store fails,
// the process that has answered remembers it.
func (u *person) notePurges(a *ask, got *answer) {
	if a.method == http.MethodGet || a.method == http.MethodHead || got.status/100 != 2 {
		return
	}
	var version int64
	if n, _ := fmt.Sscan(got.header.Get("X-Changed"), &version); n == 1 {
		u.data.on(a.host, pathOf(a.came)).purged(version)
	}
	if n, _ := fmt.Sscan(got.header.Get("X-Changed-Other"), &version); n == 1 {
		u.data.on(a.host, pathOf(a.fields.Get("X-Other"))).purged(version)
	}
}

// purge changes data and takes back what is stored of it.
func (u *person) purge(s *site, a *ask) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if u.one(4) {
		cancel() // the change is there all the same
	}
	switch {
	case u.one(4):
		name := pick(u.random, namespaces[:])
		u.change(u.data.namespace(name), false, func() error {
			return s.cache.ClearNamespace(ctx, name)
		})
	case u.one(20):
		u.change(u.data.all(), true, func() error { return s.cache.Flush(ctx) })
	default:
		path, _, _ := strings.Cut(pick(u.random, []string{a.url, a.page}), "?")
		u.change(u.data.path(pathOf(path)), false, func() error { return s.cache.PurgePath(ctx, path) })
	}
}

// change changes what is in a scope, and purges it. Where the store has failed, all but a flush hold in this process.
func (u *person) change(of *scope, flush bool, purge func() error) {
	version := of.change()
	err := purge()
	switch {
	case err == nil, u.faulty && !flush:
		of.purged(version)
	case !u.faulty:
		u.t.Errorf("a purge: %v", err)
	}
	u.seen.add("purges")
}

// refresh has a page made anew for nobody in particular.
func (u *person) refresh(s *site, a *ask) {
	_ = s.cache.Refresh(context.Background(), a.scheme+"://"+a.host+a.url) // many are of pages that are not stored
	u.seen.add("refreshes")
}

// tally counts what has happened, so that a test which sees nothing of a kind does not pass for one that has.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (t *tally) add(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = make(map[string]int)
	}
	t.counts[what]++
}

// note counts what an answer is.
func (t *tally) note(a *ask, got *answer) {
	t.add("requests")
	t.add(fmt.Sprintf("status %d", got.status))
	status := got.cacheStatus()
	for what, marker := range map[string]string{
		"stored": "; stored", "collapsed": "; collapsed", "stale": "; ttl=-", "hits": "cachette; hit", "stale on error": "fwd-status=50",
		"confirmed": "fwd-status=304", "bypass": "fwd=bypass",
	} {
		if strings.Contains(status, marker) {
			t.add(what)
		}
	}
	if got.hit() && a.socket {
		t.add("hits over sockets")
	}
	if got.hit() && len(a.demands().identities) > 0 {
		t.add("hits of identities")
	}
	if got.err != nil {
		t.add("broken off")
	}
}

// expected are the things that happen in any run that is large enough.
var expected = []string{
	"requests", "hits", "stored", "collapsed", "stale", "stale on error", "confirmed", "bypass", "purges", "refreshes", "broken off",
	"hits over sockets", "hits of identities", "status 200", "status 204", "status 206", "status 304", "status 403", "status 404",
	"status 416", "status 500", "status 503", "status 504",
}

const enough = 50_000

// report logs what has happened, and complains of what has not.
func (t *tally) report(tb testing.TB) {
	for _, what := range slices.Sorted(maps.Keys(t.counts)) {
		tb.Logf("%8d %s", t.counts[what], what)
	}
	for _, what := range expected {
		if t.counts[what] == 0 && t.counts["requests"] >= enough {
			tb.Errorf("nothing happened of this kind: %s", what)
		}
	}
}
