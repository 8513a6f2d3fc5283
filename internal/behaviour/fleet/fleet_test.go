// Package fleet_test holds what several processes do together on one store, under every fate of its commands.
package fleet_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	_ "github.com/gin-cachette/cachette/encoders/json"
)

func init() { gin.SetMode(gin.TestMode) }

var (
	fleets    = flag.Int("fleets", 1_200, "how many schedules of whole caches TestFleet runs")
	firstSeed = flag.Uint64("fleet", 0, "the first one, to run one again")
)

// TestFleet runs several processes' caches over one store, each of whose commands is carried out, refused, lost or held back as a seed
// says, among requests, values, pages made of values, writes, purges of each kind, losses, and processes that end, with leases, near tiers and patience or
// without. What is asked of a cache once a purge has returned, it answers with nothing older than the data that the purge was for: in every process, or,
// where the store did not take the purge, in the one that owes it. A process with a near tier may be as late as its documented bound.
func TestFleet(t *testing.T) {
	for n := range uint64(*fleets) {
		one := *firstSeed + n
		if bad := runFleet(t, one, none); bad != "" {
			t.Fatalf("schedule %d (-fleet %d -fleets 1): %s", one, one, bad)
		}
	}
}

// TestFleetFindsMistakes holds that the schedules find mistakes of a store.
func TestFleetFindsMistakes(t *testing.T) {
	for name, mistake := range map[string]storeMistake{
		"deletes nothing": deletesNot, "repeats a word": repeatsWord, "forgets records": forgetsRecord, "reads what was": readsOld,
		"compares a queued write with marks that are gone": marksAsWere,
	} {
		t.Run(name, func(t *testing.T) {
			for one := range uint64(5_000) {
				if bad := runFleet(t, one, mistake); bad != "" {
					t.Logf("found in schedule %d: %s", one, bad)
					return
				}
			}
			t.Error("it is not found")
		})
	}
}

// runFleet runs one schedule, and returns what was wrong in it.
func runFleet(t *testing.T, seed uint64, mistake storeMistake) (bad string) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{t: t, rng: rand.New(rand.NewPCG(seed, 0)), store: newStepped(), data: make(map[string]int), floors: make(map[string]int)}
		f.store.mistake = mistake
		bad = f.run()
	})
	return bad
}

const (
	fleetSize   = 2
	fleetTTL    = 5 * time.Second
	fleetLimit  = 300 * time.Millisecond // the operation timeout
	fleetActors = 30
	fleetNear   = 2 * time.Second // how late a near tier may be
)

var (
	fleetPages = []string{"/a", "/b"}
	fleetHosts = []string{"h", "i"}
)

// fleet is the processes of one schedule.
type fleet struct {
	t     *testing.T
	rng   *rand.Rand // of the schedule's goroutine alone
	store *stepped
	nodes [fleetSize]*node
	all   []*node

	near, lease, patience bool

	mu     sync.Mutex
	data   map[string]int // the version of the data, by host and path; that of values behind ofValue
	floors map[string]int // the oldest that may be served of it everywhere, also as ofMade
	purged []purged       // by purges that have returned, and are not owed
	bad    string
}

// purged is what a purge was for, and when it had returned.
type purged struct {
	at       time.Time
	versions map[string]int
}

// node is a process.
type node struct {
	*process
	engine *gin.Engine
	cache  *cachette.Cache
	near   bool           // it has a near tier
	floors map[string]int // what may be served here, behind its own purges, owed ones too
	owed   atomic.Int64   // how often the log said so
}

func (f *fleet) chance(percent int) bool { return f.rng.IntN(100) < percent }

func (f *fleet) run() string {
	f.store.clears = f.chance(70)
	f.near, f.lease, f.patience = f.chance(60), f.chance(60), f.chance(30)
	for i := range f.nodes {
		f.boot(i)
	}
	troubled, hurried, left := f.chance(60), f.chance(50), fleetActors
	var running sync.WaitGroup
	for idle := 0; idle < 400; {
		synctest.Wait()
		turns := f.store.turns()
		switch {
		case left > 0 && (hurried && len(turns) == 0 || f.chance(25)):
			f.begin(fleetActors-left, &running)
			left--
		case len(turns) > 0 && f.chance(97):
			f.store.take(turns[f.rng.IntN(len(turns))], f.fate(troubled))
		case left == 0 && len(turns) == 0 && idle > 20:
			idle = 400
		default:
			idle++
			time.Sleep([]time.Duration{time.Millisecond, 50 * time.Millisecond, fleetLimit, time.Second}[f.rng.IntN(4)])
		}
		if troubled {
			f.trouble()
		}
	}
	f.store.release()
	running.Wait()
	for _, n := range f.all {
		_ = n.cache.Close()
	}
	return f.bad
}

// fate decides what becomes of a command.
func (f *fleet) fate(troubled bool) fate {
	if !troubled || f.chance(85) {
		return fine
	}
	return []fate{refused, lost, late}[f.rng.IntN(3)]
}

// trouble has something happen by itself, now and then.
func (f *fleet) trouble() {
	switch n := f.rng.IntN(200); {
	case n < 6:
		f.store.lose(f.rng.IntN(1000))
	case n < 8:
		f.store.mu.Lock()
		f.store.full = !f.store.full
		f.store.mu.Unlock()
	case n == 8:
		i := f.rng.IntN(fleetSize)
		f.nodes[i].kill()
		f.boot(i)
	}
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	if len(f.store.again) > 0 && f.chance(30) {
		i := f.rng.IntN(len(f.store.again))
		f.store.again[i]()
		f.store.again = slices.Delete(f.store.again, i, i+1)
	}
}

// boot starts a process.
func (f *fleet) boot(i int) {
	n := &node{process: &process{stepped: f.store, name: "process " + strconv.Itoa(len(f.all)), old: make(map[string][]byte)},
		engine: gin.New(), floors: make(map[string]int)}
	cache, err := cachette.Install(n.engine, func() (cachette.Config, error) {
		cfg := cachette.Config{Driver: n.process, OperationTimeout: fleetLimit, Service: "fleet", KeepStale: time.Minute, Logger: slog.New(owedHandler{n}), Codec: "json"}
		if n.near = f.near && (i == 0 || f.chance(30)); n.near {
			cfg.Near, cfg.NearPoll, cfg.NearStaleness = 1<<20, fleetNear/4, fleetNear
		}
		if f.lease {
			cfg.Lease = 3 * time.Second
		}
		return cfg, nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	n.cache = cache
	options := []cachette.Option{cachette.WithNamespace("n")}
	if f.patience {
		options = append(options, cachette.WithPatience(100*time.Millisecond))
	}
	n.engine.GET("/:page", cachette.Cached(fleetTTL, options...), f.page)
	n.engine.GET("/made/:page", cachette.Cached(fleetTTL, options...), func(c *gin.Context) { f.makeOf(c, n) })
	n.engine.POST("/:page", f.write)
	f.nodes[i] = n
	f.all = append(f.all, n)
}

// owedHandler counts what the log has of purges that are owed.
type owedHandler struct{ n *node }

func (o owedHandler) Enabled(context.Context, slog.Level) bool { return true }
func (o owedHandler) WithAttrs([]slog.Attr) slog.Handler       { return o }
func (o owedHandler) WithGroup(string) slog.Handler            { return o }
func (o owedHandler) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "still owed") {
		o.n.owed.Add(1)
	}
	return nil
}

// of returns what the data of a page is called.
func of(r *http.Request) string { return r.Host + r.URL.Path }

// page reads the data, and answers with its version, or with an error, or that it is unchanged.
func (f *fleet) page(c *gin.Context) {
	ctx := c.Request.Context()
	_ = f.store.step(ctx, "the handler reads", func() error { return nil })
	f.mu.Lock()
	version := strconv.Itoa(f.data[of(c.Request)])
	f.mu.Unlock()
	_ = f.store.step(ctx, "the handler answers", func() error { return nil })
	cachette.Tag(c, tag+of(c.Request))
	c.Header("Cache-Control", "stale-if-error=60, stale-while-revalidate=1")
	c.Header("Etag", `"`+version+`"`)
	switch {
	case c.GetHeader("X-Fail") != "":
		c.Status(http.StatusInternalServerError)
	case c.GetHeader("If-None-Match") == `"`+version+`"`:
		c.Status(http.StatusNotModified)
	default:
		c.String(http.StatusOK, version)
	}
}

// write changes the data.
func (f *fleet) write(c *gin.Context) {
	f.change(of(c.Request))
	c.Status(http.StatusNoContent)
}

// change changes the data of pages, and returns the versions that they then have.
func (f *fleet) change(pages ...string) map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	versions := make(map[string]int)
	for _, page := range pages {
		if !strings.HasPrefix(page, ofMade) {
			f.data[page]++
		}
	}
	for _, page := range pages {
		if name, made := strings.CutPrefix(page, ofMade); made {
			versions[page] = f.data[ofValue+name]
		} else {
			versions[page] = f.data[page]
		}
	}
	return versions
}

// begin begins what one actor does.
func (f *fleet) begin(number int, running *sync.WaitGroup) {
	n, host, path := f.nodes[f.rng.IntN(fleetSize)], fleetHosts[f.rng.IntN(2)], fleetPages[f.rng.IntN(2)]
	if f.chance(60) {
		host, path = "h", "/a"
	}
	kind, fails := f.rng.IntN(100), f.chance(15)
	if !f.store.clears && f.chance(15) {
		kind = 99 // such a flush is the one that goes by the log
	}
	ctx := context.WithValue(context.Background(), actor{}, fmt.Sprintf("actor %02d", number))
	running.Go(func() {
		switch {
		case kind < 25:
			f.get(ctx, n, host, path, host+path, fails)
		case kind < 45:
			f.value(ctx, n, host+path)
		case kind < 52:
			f.values(ctx, n)
		case kind < 65:
			f.get(ctx, n, host, "/made"+path, ofMade+host+path, false)
		case kind < 68:
			f.post(ctx, n, host, path)
		case kind < 75:
			f.purge(n, []string{"h" + path, "i" + path}, func() error { return n.cache.PurgePath(ctx, path) })
		case kind < 80:
			f.purge(n, []string{ofValue + host + path}, func() error { _, err := n.cache.Delete(ctx, "n:"+host+path); return err })
		case kind < 90:
			f.purge(n, []string{host + path, ofValue + host + path, ofMade + host + path}, func() error { return n.cache.Invalidate(ctx, tag+host+path) })
		case kind < 92:
			_ = n.cache.Purge(ctx, cachette.Purge{Tags: []string{tag + host + path}, Soft: true})
		case kind < 96:
			f.purge(n, everyPage(), func() error { return n.cache.ClearNamespace(ctx, "n") })
		default:
			f.purge(n, everyPage(), func() error { return n.cache.Flush(ctx) })
		}
	})
}

func everyPage() (all []string) {
	for _, host := range fleetHosts {
		for _, path := range fleetPages {
			all = append(all, host+path, ofValue+host+path, ofMade+host+path)
		}
	}
	return all
}

// get asks for a page, and looks how old it is by what its data is called.
func (f *fleet) get(ctx context.Context, n *node, host, path, what string, fails bool) {
	floor := f.floor(n, what)
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	r.Host = host
	if fails {
		r.Header.Set("X-Fail", "1")
	}
	w := httptest.NewRecorder()
	n.engine.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return
	}
	version, err := strconv.Atoi(w.Body.String())
	if err != nil {
		version = -1
	}
	f.check(ctx, n, fmt.Sprintf("%s (%q, %s)", what, w.Body, w.Header().Get("Cache-Status")), version, floor)
}

// check notes where a version may not be served.
func (f *fleet) check(ctx context.Context, n *node, what string, version, floor int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if version < floor && f.bad == "" {
		f.bad = fmt.Sprintf("%v: %s of %s is of version %d, and that before %d was purged when it was asked for", ctx.Value(actor{}), what, n.name, version, floor)
	}
}

// floor returns the oldest version that a process may serve to those that ask now.
func (f *fleet) floor(n *node, what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	floor := n.floors[what]
	if !n.near {
		return max(floor, f.floors[what])
	}
	for _, p := range f.purged {
		if time.Since(p.at) >= fleetNear {
			floor = max(floor, p.versions[what])
		}
	}
	return floor
}

// post changes a page by a request.
func (f *fleet) post(ctx context.Context, n *node, host, path string) {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, nil)
	r.Host = host
	owed := n.owed.Load()
	f.mu.Lock()
	before := f.data[host+path]
	f.mu.Unlock()
	n.engine.ServeHTTP(httptest.NewRecorder(), r)
	f.returned(n, n.owed.Load() > owed, map[string]int{host + path: before + 1})
}

// purge changes pages, and purges them.
func (f *fleet) purge(n *node, pages []string, purge func() error) {
	versions := f.change(pages...)
	err := purge()
	f.returned(n, err != nil && !errors.Is(err, errors.ErrUnsupported) || err != nil && strings.Contains(err.Error(), "owed"), versions)
}

// returned notes what may not be served any more once a purge has returned.
func (f *fleet) returned(n *node, owed bool, versions map[string]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	raise(n.floors, versions)
	if !owed {
		raise(f.floors, versions)
		f.purged = append(f.purged, purged{time.Now(), versions})
	}
}

func raise(floors, to map[string]int) {
	for page, version := range to {
		floors[page] = max(floors[page], version)
	}
}
