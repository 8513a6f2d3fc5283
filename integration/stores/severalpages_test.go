package stores_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/target"
)

// A spreadPages is a spread with a page under each number.
type spreadPages struct {
	*spread
	version    atomic.Int64 // of all pages
	namespaces int          // that the pages are in, by turns; none of them in any for 0
}

func newSpreadPages(t *testing.T, on *spread, namespaces int) *spreadPages {
	t.Helper()
	s := &spreadPages{spread: on, namespaces: namespaces}
	s.serve(s.site)
	s.pages(t)
	if err := s.cache.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// serve gives a site the pages.
func (s *spreadPages) serve(on *site) {
	handler := func(c *gin.Context) { c.String(http.StatusOK, "%d", s.version.Load()) }
	on.GET("/pages/:n", cachette.Cached(time.Hour), handler)
	for space := range s.namespaces {
		on.GET(fmt.Sprintf("/space/%d/:n", space), cachette.Cached(time.Hour, cachette.WithNamespace(namespace(space))), handler)
	}
}

func namespace(space int) string { return fmt.Sprint("space-", space) }

// page returns the path of a page.
func (s *spreadPages) page(i int) string {
	if s.namespaces > 0 {
		return fmt.Sprintf("/space/%d/%d", i%s.namespaces, i)
	}
	return fmt.Sprint("/pages/", i)
}

// pages asks for each page, and returns which are hits.
func (s *spreadPages) pages(t *testing.T) (hits [several]bool) {
	t.Helper()
	want := fmt.Sprint(s.version.Load())
	for i := range several {
		hit, err := s.ask(http.MethodGet, s.page(i), want)
		if err != nil {
			t.Fatal(err)
		}
		hits[i] = hit
	}
	return hits
}

// serverOfPage returns the number of the server that keeps a page and its marks.
func (s *spreadPages) serverOfPage(i int) int {
	return s.serverOf(target.Tag(target.Partition(s.page(i))))
}

// apart asks for each page, and returns how many are hits: an error unless those of the servers that are there are, and no others. One in a
// hundred may be none: the request that waits for the look at how keys are spread, once a second, waits for the lost server, too.
func (s *spreadPages) apart(t *testing.T, lost int) (hits int, err error) {
	t.Helper()
	var wrong, missed []string
	for i, hit := range s.pages(t) {
		if hit {
			hits++
		}
		switch on := s.serverOfPage(i); {
		case hit && on == lost:
			wrong = append(wrong, s.page(i))
		case !hit && on != lost:
			missed = append(missed, s.page(i))
		}
	}
	if len(wrong) > 0 || len(missed) > several/100 {
		err = fmt.Errorf("without server %d: of its pages %q are hits, and of the others %q are none", lost, wrong, missed)
	}
	return hits, err
}

// With one server of several gone, the pages of the others are hits as before, and their purges are carried out. Those of the lost one are
// owed, so that this process serves none of what was purged, and carried out when it is back, so that no other does.
func TestPagesWithoutOneServer(t *testing.T) {
	eachEnd(t, func(t *testing.T, on *spread, lost int, signal syscall.Signal) {
		s := newSpreadPages(t, on, 0)
		s.lose(t, lost, signal)
		s.wantShare(t, lost)
		s.version.Add(1)
		for i := range several {
			err := s.cache.PurgePath(t.Context(), s.page(i))
			on := s.serverOfPage(i)
			owed := on == lost || s.serverOf(target.Tag(0)) == lost // which has what tells near tiers: other processes may have one
			if (err != nil) != owed || err != nil && !strings.Contains(err.Error(), "owed") {
				t.Errorf("the purge of page %d, on server %d without %d: %v", i, on, lost, err)
			}
		}
		for i, hit := range s.pages(t) {
			if hit {
				t.Errorf("page %d is a hit, and was purged", i)
			}
		}
		if err := s.cache.Settle(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := s.apart(t, lost); err != nil {
			t.Errorf("behind the purges: %v", err)
		}
		s.wantFlushed(t, lost)
		if signal == syscall.SIGSTOP {
			s.wantPaid(t, lost)
		}
	})
}

// wantShare asks for the pages a few times: those of the servers that are there are hits, and so many that it is worth it.
func (s *spreadPages) wantShare(t *testing.T, lost int) {
	t.Helper()
	hits := 0
	const rounds = 3
	for range rounds {
		n, err := s.apart(t, lost)
		if err != nil {
			t.Error(err)
		}
		hits += n
	}
	if share := float64(hits) / several / rounds; share < s.least {
		t.Errorf("%.0f %% are hits", 100*share)
	}
}

// wantFlushed flushes: the pages of the servers that answer are gone, and stored anew.
func (s *spreadPages) wantFlushed(t *testing.T, lost int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	s.version.Add(1)
	if err := s.cache.Flush(ctx); err == nil || !strings.Contains(err.Error(), "owed") {
		t.Errorf("a flush without server %d: %v, want an error that it is owed", lost, err)
	}
	stored := func(context.Context) error {
		_, err := s.apart(t, lost)
		return err
	}
	eventually(t, stored) // where a server hangs the flush has no time left for the others, and owes them, too
	for range 3 {
		if err := stored(t.Context()); err != nil {
			t.Errorf("behind a flush: %v", err)
		}
	}
}

// wantPaid brings a server back that was stopped, waits until all pages are hits again, and looks whether another process has what is new.
func (s *spreadPages) wantPaid(t *testing.T, lost int) {
	t.Helper()
	s.fleet.signal(t, lost, syscall.SIGCONT)
	eventually(t, func(context.Context) error {
		missed := 0
		for _, hit := range s.pages(t) {
			if !hit {
				missed++
			}
		}
		if missed > 0 {
			return fmt.Errorf("%d pages are no hits, though all servers are back", missed)
		}
		return nil
	})
	other := newSite(t, cachette.Config{Driver: open(t.Context(), t, s.backend, s.fleet.settings), OperationTimeout: patient})
	s.serve(other)
	for i := range several {
		if _, err := other.ask(http.MethodGet, s.page(i), fmt.Sprint(s.version.Load())); err != nil {
			t.Errorf("another process: %v", err)
		}
	}
}
