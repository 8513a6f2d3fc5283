package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// eachUser runs a test for pages and for values of four processes, of which each has a lease of five seconds.
func eachUser(t *testing.T, made func(ctx context.Context, n int64) (string, error), test func(t *testing.T, p *processes), opts ...cachette.SharedOption) {
	depot := func(c *cachette.Config) { c.Driver = newDepot() }
	setUp{number: 4, store: depot, made: made, options: append(opts, cachette.WithLease(5*time.Second))}.each(t, test)
}

// purge removes what is asked for, everywhere.
func (p *processes) purge(t *testing.T) {
	t.Helper()
	c := p.sites[0].cache
	if _, err := c.Delete(t.Context(), "n:k"); err != nil {
		t.Fatal(err)
	}
	if err := c.PurgePath(t.Context(), "/page"); err != nil {
		t.Fatal(err)
	}
}

// Of a thousand clients of four processes that miss something together one has it made, and the others have it at once when it is there.
func TestLeaseFillsOnce(t *testing.T) {
	eachUser(t, secondOf, func(t *testing.T, p *processes) {
		for round := range int64(3) {
			began := time.Now()
			var clients sync.WaitGroup
			for i := range 1000 {
				clients.Go(func() {
					if got, want := p.ask(t.Context(), i), fmt.Sprint("run ", round+1); got != want {
						t.Errorf("got %q, want %q", got, want)
					}
				})
			}
			clients.Wait()
			if took := time.Since(began); took < time.Second || took > time.Second+25*time.Millisecond {
				t.Errorf("it took %v, want a second, and a look at the store", took)
			}
			if round == 1 {
				p.purge(t)
			} else {
				time.Sleep(time.Minute)
			}
		}
	})
}

// Where the store tells nothing, those that wait look after 2 ms, and then at pauses that grow with the time that they have waited, to 20 ms.
func TestLeaseIsLookedAt(t *testing.T) {
	for works, latest := range map[time.Duration]time.Duration{
		1500 * time.Microsecond: 2 * time.Millisecond, 3 * time.Millisecond: 2 * time.Millisecond, 81 * time.Millisecond: 11 * time.Millisecond,
		1507 * time.Millisecond: 20 * time.Millisecond, 3333 * time.Millisecond: 20 * time.Millisecond,
	} {
		t.Run(works.String(), func(t *testing.T) {
			eachUser(t, func(context.Context, int64) (string, error) { time.Sleep(works); return "made", nil }, func(t *testing.T, p *processes) {
				first := later(func() string { return p.ask(t.Context(), 0) })
				synctest.Wait()
				p.store.asked()
				began := time.Now()
				p.ask(t.Context(), 1)
				if took := time.Since(began); took > works+latest || p.runs.Load() != 1 {
					t.Errorf("it has waited for %v, %v behind what took %v; %d runs", took, took-works, works, p.runs.Load())
				}
				if n, most := p.store.asked(), int(works/(15*time.Millisecond))+30; n > most {
					t.Errorf("the store was asked %d times, want %d at most", n, most)
				}
				<-first
			})
		})
	}
}

// What may not be shared, and what could not be made, frees those that wait, in every process.
func TestLeaseOfWhatIsNotShared(t *testing.T) {
	fail := func(context.Context, int64) (string, error) { time.Sleep(time.Second); return "", errors.New("broken") }
	eachUser(t, fail, func(t *testing.T, p *processes) {
		began := time.Now()
		var clients sync.WaitGroup
		for i := range p.sites {
			clients.Go(func() {
				if got := p.ask(t.Context(), i); got != "broken" {
					t.Errorf("got %q", got)
				}
			})
		}
		clients.Wait()
		if took := time.Since(began); took > 2*time.Second+50*time.Millisecond {
			t.Errorf("it took %v, want the time of two runs: that of the first, and that of all others", took)
		}
	})
}

// That is so as soon as it is known, and not only when the handler has returned.
func TestLeaseIsFreedAtOnce(t *testing.T) {
	for name, answer := range map[string]gin.HandlerFunc{
		"private":   text("page", "Cache-Control: private"),
		"no-store":  text("page", "Cache-Control: no-store"),
		"a cookie":  text("page", "Set-Cookie: a=b"),
		"Vary: *":   text("page", "Vary: *"),
		"an error":  func(c *gin.Context) { c.String(http.StatusInternalServerError, "broken") },
		"not found": func(c *gin.Context) { c.Header("Cache-Control", "no-store"); c.String(http.StatusNotFound, "none") },
		"bad tags":  func(c *gin.Context) { cachette.Tag(c, "a\nb"); c.String(http.StatusOK, "page") },
		"a panic":   func(*gin.Context) { panic(http.ErrAbortHandler) },
		"cut short": func(c *gin.Context) { c.Header("Content-Length", "100"); c.String(http.StatusOK, "half") },
		"too large": func(c *gin.Context) { c.String(http.StatusOK, strings.Repeat("x", 2000)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newDepot()
				var runs atomic.Int64
				for range 4 {
					s := newSite(t, func(c *cachette.Config) { c.Driver, c.Lease, c.BodyLimit = store, time.Minute, 1000 })
					s.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.Abort() }))
					s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
						runs.Add(1)
						time.Sleep(time.Second)
						answer(c)
						if name != "cut short" { // which is known at the end
							time.Sleep(time.Minute)
						}
					})
					go s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
					synctest.Wait()
				}
				time.Sleep(time.Second + 50*time.Millisecond)
				if n := runs.Load(); n != 4 {
					t.Errorf("%d handlers run, 50 ms behind the answer of the first, want 4", n)
				}
				time.Sleep(5 * time.Minute)
			})
		})
	}
}

// It frees all clients of all processes, and not one of each, also those that come within the next moment.
func TestLeaseFreesAllClients(t *testing.T) {
	for name, field := range map[string][2]string{
		"private":  {"Cache-Control", "private"},
		"no-store": {"Cache-Control", "no-store"},
		"a cookie": {"Set-Cookie", "a=b"},
		"Vary: *":  {"Vary", "*"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newDepot()
				var runs atomic.Int64
				var sites []*site
				for range 4 {
					s := newSite(t, func(c *cachette.Config) { c.Driver, c.Lease = store, time.Minute })
					s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
						runs.Add(1)
						time.Sleep(time.Second)
						c.Header(field[0], field[1])
						c.String(http.StatusOK, "page")
						time.Sleep(10 * time.Second)
					})
					sites = append(sites, s)
				}
				ask := func() {
					for i := range 20 {
						go sites[i%4].ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
					}
				}
				ask()
				time.Sleep(time.Second + 50*time.Millisecond)
				if n := runs.Load(); n != 20 {
					t.Errorf("%d handlers run, 50 ms behind the answer of the first, want 20", n)
				}
				ask()
				time.Sleep(50 * time.Millisecond)
				if n := runs.Load(); n != 40 {
					t.Errorf("%d handlers run, for as many clients as have come a moment later, want 40", n)
				}
				time.Sleep(5 * time.Minute)
			})
		})
	}
}

// A process that has the lease and does not come to an end holds up the others for the lease, whenever they come, and what they then make is there for all.
func TestLeaseOfADeadProcess(t *testing.T) {
	for _, late := range []time.Duration{0, 3 * time.Second} {
		t.Run(late.String(), func(t *testing.T) {
			hangs := func(ctx context.Context, n int64) (string, error) {
				if n == 1 {
					time.Sleep(time.Hour)
				}
				return secondOf(ctx, n)
			}
			eachUser(t, hangs, func(t *testing.T, p *processes) {
				ctx, leave := context.WithCancel(t.Context())
				first := later(func() string { return p.ask(ctx, 0) })
				synctest.Wait()
				began := time.Now()
				time.Sleep(late)
				var clients sync.WaitGroup
				for i := range p.sites {
					if i > 0 {
						clients.Go(func() {
							if got := p.ask(t.Context(), i); got == "run 1" || late > 0 && got != "run 2" {
								t.Errorf("got %q", got)
							}
						})
					}
				}
				clients.Wait()
				if took := time.Since(began); took < 6*time.Second || took > 6*time.Second+50*time.Millisecond {
					t.Errorf("it took %v, want the five seconds of the lease, and the run", took)
				}
				leave()
				<-first
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// Who waits has its own run when it has waited for as long as a lease lives, also for one process after the other.
func TestLeasesOneAfterTheOther(t *testing.T) {
	hang := func(ctx context.Context, n int64) (string, error) {
		if n <= 2 {
			time.Sleep(time.Hour)
		}
		return secondOf(ctx, n)
	}
	eachUser(t, hang, func(t *testing.T, p *processes) {
		ctx, leave := context.WithCancel(t.Context())
		first := later(func() string { return p.ask(ctx, 0) })
		time.Sleep(3 * time.Second)
		began := time.Now()
		answers := together(2, func(i int) string { return p.ask(ctx, i+1) })
		if got := <-answers; got != "run 3" {
			t.Errorf("got %q", got)
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("it took %v, want the five seconds of the lease at most, and the run", took)
		}
		leave()
		<-first
		<-answers
		time.Sleep(2 * time.Hour)
	})
}

// What was purged while it was made is not for those who ask behind the purge: one of them has it made anew, for all.
func TestLeaseAndPurges(t *testing.T) {
	eachUser(t, secondOf, func(t *testing.T, p *processes) {
		first := later(func() string { return p.ask(t.Context(), 0) })
		time.Sleep(500 * time.Millisecond)
		p.purge(t)
		var clients sync.WaitGroup
		for i := range 100 {
			clients.Go(func() {
				if got := p.ask(t.Context(), i); got == "run 1" {
					t.Errorf("got %q, which was purged", got)
				}
			})
		}
		clients.Wait()
		<-first
		if n := p.runs.Load(); n > 4 {
			t.Errorf("%d runs, want one for the first, and one or a few for those behind the purge", n)
		}
	})
}

// Something that is stale is refreshed by one process, and all give it out meanwhile.
func TestLeaseOfARefresh(t *testing.T) {
	eachUser(t, secondOf, func(t *testing.T, p *processes) {
		p.ask(t.Context(), 0)
		p.sites[0].settle()
		time.Sleep(time.Minute)
		for i := range 100 {
			if got := p.ask(t.Context(), i); got != "run 1" {
				t.Errorf("got %q, want what is stale", got)
			}
		}
		time.Sleep(2 * time.Second)
		for i := range 100 {
			if got := p.ask(t.Context(), i); got != "run 2" {
				t.Errorf("then %q, want what the refresh has made", got)
			}
		}
		if n := p.runs.Load(); n != 2 {
			t.Errorf("%d runs, want 2", n)
		}
	}, cachette.WithStaleWhileRevalidate(time.Hour))
}

// A client that leaves while it waits for another process leaves that to those of its own process that wait, too.
func TestLeaseOutlivesItsClient(t *testing.T) {
	eachUser(t, secondOf, func(t *testing.T, p *processes) {
		first := later(func() string { return p.ask(t.Context(), 0) })
		synctest.Wait()
		ctx, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer leave()
		var away time.Duration
		began := time.Now()
		left := later(func() string { defer func() { away = time.Since(began) }(); return p.ask(ctx, 1) })
		synctest.Wait()
		if got := p.ask(t.Context(), 1); got != "run 1" || p.runs.Load() != 1 {
			t.Errorf("got %q, of %d runs", got, p.runs.Load())
		}
		<-first
		if <-left; away != 100*time.Millisecond {
			t.Errorf("the client that left was let go after %v", away)
		}
	})
}

// A process whose look-up was slow, and that gets the lease behind the one that has filled meanwhile, finds what that has left.
func TestLeaseLooksAgain(t *testing.T) {
	eachUser(t, func(_ context.Context, n int64) (string, error) { return fmt.Sprint("run ", n), nil }, func(t *testing.T, p *processes) {
		var slowed atomic.Bool
		p.store.delay(func(c call) {
			if isResponse(c.key) && slowed.CompareAndSwap(false, true) {
				time.Sleep(200 * time.Millisecond)
			}
		})
		slow := later(func() string { return p.ask(t.Context(), 0) })
		time.Sleep(100 * time.Millisecond)
		for _, got := range []string{p.ask(t.Context(), 1), <-slow} {
			if got != "run 1" {
				t.Errorf("got %q", got)
			}
		}
		p.purge(t)
		p.want(t, 1, "run 2", 50*time.Millisecond) // the lease is not left behind
	})
}

// Between the look of a process at what another one has left and the answer to that, all is purged, and another client comes: it does not get what was
// read before. So it is where there was nothing, and where clients wait for a refresh.
func TestLeaseLooksAgainBesideAPurge(t *testing.T) {
	for name, options := range map[string][]cachette.SharedOption{"missing": nil, "stale": {cachette.WithPatience(3 * time.Second)}} {
		t.Run(name, func(t *testing.T) {
			eachUser(t, secondOf, func(t *testing.T, p *processes) {
				made := "run 1"
				if options != nil {
					made = "run 2"
					p.want(t, 0, "run 1", time.Second)
					time.Sleep(time.Minute)
				}
				first := later(func() string { return p.ask(t.Context(), 0) })
				time.Sleep(500 * time.Millisecond)
				second := later(func() string { return p.ask(t.Context(), 1) })
				synctest.Wait()
				var late <-chan string
				p.store.delaySeveral(func(keys []string) { // the look behind that which has shown that something is stored
					if _, err := p.store.store.Peek(keys[0]); err == nil && isResponse(keys[0]) && !isLease(keys[0]) {
						p.store.delaySeveral(nil)
						p.purge(t)
						late = later(func() string { return p.ask(t.Context(), 1) })
						time.Sleep(50 * time.Millisecond)
					}
				})
				if got := <-second; got != made {
					t.Errorf("got %q, want what was there when it was looked for", got)
				}
				if got := <-late; got == made {
					t.Errorf("got %q, which was purged before it was asked for", got)
				}
				<-first
			}, options...)
		})
	}
}

// What the store does not take frees all processes at once.
func TestLeaseOfWhatIsNotStored(t *testing.T) {
	eachUser(t, secondOf, func(t *testing.T, p *processes) {
		p.store.breakdown(func(_ context.Context, c call) error {
			if c.op == "set" && isResponse(c.key) && !isLease(c.key) {
				return errors.New("full")
			}
			return nil
		})
		began := time.Now()
		answers := together(len(p.sites), func(i int) string { return p.ask(t.Context(), i) })
		for range p.sites {
			await(t, "an answer", answers)
		}
		if took := time.Since(began); took > 2*time.Second+50*time.Millisecond {
			t.Errorf("it took %v, want the time of two runs: that of the first, and that of all others", took)
		}
	})
}

// Other processes have what a fill has left when it is there, whenever the store takes back the lease.
func TestLeaseThatEndsLate(t *testing.T) {
	eachUser(t, secondOf, func(t *testing.T, p *processes) {
		p.store.breakdown(func(_ context.Context, c call) error {
			if c.op == "delete" {
				time.Sleep(2 * time.Second)
			}
			return nil
		})
		began := time.Now()
		answers := together(len(p.sites), func(i int) string { return p.ask(t.Context(), i) })
		for range p.sites {
			if got := await(t, "an answer", answers); got != "run 1" {
				t.Errorf("got %q", got)
			}
		}
		if took := time.Since(began); took > time.Second+25*time.Millisecond {
			t.Errorf("it took %v, want a second, and a look at the store", took)
		}
		time.Sleep(time.Minute)
	})
}

// isLease tells whether a key, or the first of some, is that of a lease.
func isLease(key string) bool { return strings.Contains(key, "#l") || strings.Contains(key, ":vl@") }

// A process that has not got the lease, and then finds none, as it has ended in between, gets what the fill has left.
func TestLeaseThatHasJustEnded(t *testing.T) {
	eachUser(t, secondOf, func(t *testing.T, p *processes) {
		first := later(func() string { return p.ask(t.Context(), 0) })
		time.Sleep(900 * time.Millisecond)
		var slowed atomic.Bool
		p.store.breakdown(func(_ context.Context, c call) error {
			if c.op == "get" && isLease(c.key) && slowed.CompareAndSwap(false, true) {
				time.Sleep(150 * time.Millisecond) // less than an operation may take
			}
			return nil
		})
		for _, got := range []string{p.ask(t.Context(), 1), <-first} {
			if got != "run 1" {
				t.Errorf("got %q", got)
			}
		}
		if !slowed.Load() {
			t.Error("the lease was not looked at")
		}
	})
}

// behindInsert is a depot that has something happen when it has inserted, before its caller hears of it.
type behindInsert struct {
	depot
	then func()
}

func (d behindInsert) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	inserted, err := d.depot.Insert(ctx, key, value, ttl)
	d.then()
	return inserted, err
}

// The lease that is there when its client has just left holds up nobody, in its own process and in others.
func TestLeaseOfAClientThatHasJustLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		store := behindInsert{newDepot(), leave}
		var sites []*site
		for range 2 {
			s := newSite(t, func(c *cachette.Config) { c.Driver, c.Lease = store, time.Minute })
			s.GET("/page", cachette.Cached(time.Hour), text("page"))
			sites = append(sites, s)
		}
		began := time.Now()
		left := sites[0].asking(ctx, "/page")
		<-left
		for _, s := range sites {
			if a := s.get("/page"); a.body != "page" {
				t.Errorf("%d %q", a.status, a.body)
			}
		}
		if took := time.Since(began); took > 50*time.Millisecond {
			t.Errorf("others have waited for %v", took)
		}
	})
}

// A request that asks for the handler waits for no lease, and has nobody wait for one.
func TestReloadsHaveNoLease(t *testing.T) {
	for name, first := range map[string][]string{"beside a lease": nil, "before it": {"Cache-Control", "no-cache"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newDepot()
				var sites []*site
				for range 2 {
					s := newSite(t, func(c *cachette.Config) { c.Driver, c.Lease = store, time.Minute })
					s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) {
						time.Sleep(time.Second)
						c.String(http.StatusOK, "page")
					})
					sites = append(sites, s)
				}
				began := time.Now()
				earlier := later(func() answer { return sites[0].served(t.Context(), http.MethodGet, "/page", first...) })
				time.Sleep(500 * time.Millisecond)
				second := []string{"Cache-Control", "no-cache"}
				if first != nil {
					second = nil
				}
				a := sites[1].served(t.Context(), http.MethodGet, "/page", second...)
				if took := time.Since(began); a.body != "page" || took != 1500*time.Millisecond {
					t.Errorf("%q after %v, want the time of its own handler: 1.5s", a.body, took)
				}
				<-earlier
			})
		})
	}
}

// Variants of a page are made side by side, each once, as soon as it is known by what they differ.
func TestLeaseOfVariants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		var sites []*site
		var runs atomic.Int64
		for range 3 {
			s := newSite(t, func(c *cachette.Config) { c.Driver, c.Lease = store, 5*time.Second })
			s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
				runs.Add(1)
				time.Sleep(time.Second)
				c.Header("Vary", "Accept-Language")
				c.String(http.StatusOK, c.GetHeader("Accept-Language"))
			})
			sites = append(sites, s)
		}
		for _, s := range sites { // all get to know it
			s.get("/", "Accept-Language: en")
		}
		time.Sleep(time.Minute)
		runs.Store(0)
		began := time.Now()
		var clients sync.WaitGroup
		for _, language := range []string{"en", "fr", "de"} {
			for _, s := range sites {
				clients.Go(func() {
					if a := s.get("/", "Accept-Language: "+language); a.body != language {
						t.Errorf("got %q, want %q", a.body, language)
					}
				})
			}
		}
		clients.Wait()
		if n, took := runs.Load(), time.Since(began); n != 3 || took > time.Second+50*time.Millisecond {
			t.Errorf("%d runs in %v, want one of each of three variants, in the time of one", n, took)
		}
	})
}

// A lease leaves nothing in the store, and a store that fails costs nobody more than runs.
func TestLeaseWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, func(c *cachette.Config) { c.Driver, c.Lease = store, 5*time.Second })
		handler, runs := counted(text("page"))
		s.GET("/", cachette.Cached(time.Minute), handler)
		s.get("/")
		synctest.Wait()
		if keys := store.keys(isLease); len(keys) != 0 {
			t.Errorf("the store has %q", keys)
		}
		store.breakdown(func(_ context.Context, c call) error {
			if isLease(c.key) {
				return errors.New("no leases")
			}
			return nil
		})
		began := time.Now()
		for i := range 20 {
			if a := s.get(fmt.Sprint("/?", i)); a.status != http.StatusOK || a.hit() {
				t.Errorf("%d, %s", a.status, a.cacheStatus())
			}
		}
		if got, took := runs.Load(), time.Since(began); got != 21 || took > 0 {
			t.Errorf("%d runs, and %v, want 21 without a wait for leases", got, took)
		}
	})
}
