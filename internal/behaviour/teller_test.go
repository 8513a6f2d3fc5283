package behaviour_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
)

// teller is a depot that tells when records come into a log.
type teller struct {
	depot
	came *news
}

// news is when a record came last.
type news struct {
	mu   sync.Mutex
	next chan struct{} // closed when one comes
}

var _ drivers.Waiter = teller{}

func newTeller() teller { return teller{newDepot(), &news{next: make(chan struct{})}} }

func (d teller) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	err := d.depot.Append(ctx, key, keep, ttl, records...)
	d.came.mu.Lock()
	defer d.came.mu.Unlock()
	close(d.came.next)
	d.came.next = make(chan struct{})
	return err
}

func (d teller) Wait(ctx context.Context, key string, from drivers.Position) error {
	for {
		d.came.mu.Lock()
		next := d.came.next
		d.came.mu.Unlock()
		d.mu.Lock()
		at := d.log(key).end()
		d.mu.Unlock()
		if at != from {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Where the store tells of records, those that wait for a lease of another process are told at once of its end, look for what it has left, and hardly at the
// lease; also where the process has a near tier, and where the log was lost meanwhile.
func TestLeaseEndsAreTold(t *testing.T) {
	for _, near := range []int64{0, 1 << 20} {
		t.Run(fmt.Sprint("near ", near), func(t *testing.T) {
			store := setUp{
				number: 2, made: secondOf, store: func(c *cachette.Config) { c.Driver = newTeller() },
				configure: func(c *cachette.Config) { c.Near = near },
				options:   []cachette.SharedOption{cachette.WithLease(5 * time.Second)},
			}
			store.each(t, func(t *testing.T, p *processes) {
				time.Sleep(5 * time.Second) // until a near tier knows where the log is
				for round := range int64(3) {
					p.store.asked()
					leads := make(chan struct{})
					go func() { defer close(leads); p.ask(t.Context(), 0) }()
					time.Sleep(100 * time.Millisecond)
					began := time.Now()
					if got, want := p.ask(t.Context(), 1), fmt.Sprint("run ", round+1); got != want {
						t.Errorf("got %q, want %q", got, want)
					}
					if took := time.Since(began); took != 900*time.Millisecond {
						t.Errorf("round %d: it waited for %v, want 900ms", round, took)
					}
					<-leads
					looks, behind := 0, 0
					for _, o := range p.store.store.Operations() {
						switch lease := isLease(o.Key); {
						case lease && o.Name == "delete":
							behind = looks
						case lease && o.Name == "get":
							looks++
						}
					}
					if looks == 0 || looks > 10 || looks > behind {
						t.Errorf("round %d: the lease was looked at %d times, %d of them before it ended", round, looks, behind)
					}
					time.Sleep(2 * time.Minute)
				}
			})
		})
	}
}

// A purge in one process ends what is near another one at once, where the store tells.
func TestNearIsTold(t *testing.T) {
	set := setUp{
		number: 2, made: func(_ context.Context, n int64) (string, error) { return fmt.Sprint("run ", n), nil },
		store:     func(c *cachette.Config) { c.Driver = newTeller() },
		configure: func(c *cachette.Config) { c.Near = 1 << 20 },
	}
	set.each(t, func(t *testing.T, p *processes) {
		time.Sleep(5500 * time.Millisecond) // between two looks
		for round := range int64(3) {
			for range 4 {
				p.ask(t.Context(), 1)
			}
			p.settle()
			p.store.asked()
			if got := p.ask(t.Context(), 1); got != fmt.Sprint("run ", round+1) || p.store.asked() > 0 {
				t.Errorf("round %d: it is not near: %q", round, got)
			}
			p.purge(t) // by another process
			time.Sleep(time.Millisecond)
			p.want(t, 1, fmt.Sprint("run ", round+2), 0)
		}
	})
}

// lingering is a teller that ends what is broken off a while later, as a driver does that waits for its connection.
type lingering struct {
	teller
	while    time.Duration
	underWay *atomic.Int64
}

func (d lingering) Wait(ctx context.Context, key string, from drivers.Position) error {
	d.underWay.Add(1)
	defer d.underWay.Add(-1)
	defer time.Sleep(d.while)
	return d.teller.Wait(ctx, key, from)
}

// A cache that is closed asks its store for no news any more, and has nothing under way there, unless the driver takes too long to end that.
func TestCloseEndsWhatWaitsForNews(t *testing.T) {
	for name, row := range map[string]struct {
		near  int64
		while time.Duration
	}{"a near tier": {1 << 20, 50 * time.Millisecond}, "a lease": {0, 50 * time.Millisecond}, "a driver that goes on": {1 << 20, time.Minute}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := lingering{newTeller(), row.while, new(atomic.Int64)}
				s := newSite(t, func(c *cachette.Config) { c.Driver, c.Near, c.Lease = store, row.near, time.Minute })
				other := newSite(t, func(c *cachette.Config) { c.Driver, c.Lease = store.teller, time.Minute })
				for _, s := range []*site{s, other} {
					s.GET("/page", cachette.Cached(time.Minute), func(c *gin.Context) {
						time.Sleep(time.Second)
						c.String(http.StatusOK, "page")
					})
				}
				leads := other.asking(t.Context(), "/page")
				time.Sleep(500 * time.Millisecond)
				if a := s.get("/page"); a.body != "page" { // it has waited for the lease
					t.Errorf("%d %q", a.status, a.body)
				}
				<-leads
				time.Sleep(5 * time.Second) // until a near tier knows where the log is, and before the reader of leases ends by itself
				if store.underWay.Load() == 0 {
					t.Fatal("nothing waits for news")
				}
				began := time.Now()
				if err := s.cache.Close(); err != nil {
					t.Error(err)
				}
				if n := store.underWay.Load(); (n > 0) != (row.while == time.Minute) {
					t.Errorf("%d calls are under way behind Close", n)
				}
				if took := time.Since(began); took > 3*time.Second {
					t.Errorf("Close took %v", took)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}
