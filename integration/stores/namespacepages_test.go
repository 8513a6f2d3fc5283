package stores_test

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/gin-cachette/cachette"
)

// With one server of several gone, the pages of a namespace that are on the others are hits as before. Clearing it ends those at once, in all
// processes, and is owed to the lost one: this process serves none of what it has, and no other does when it is back and that is paid.
func TestNamespaceWithoutOneServer(t *testing.T) {
	eachEnd(t, func(t *testing.T, on *spread, lost int, signal syscall.Signal) {
		const namespaces = 10
		s := newSpreadPages(t, on, namespaces)
		other := newSite(t, cachette.Config{Driver: open(t.Context(), t, s.backend, s.fleet.settings), OperationTimeout: s.fleet.settings.OperationTimeout})
		s.serve(other)
		s.lose(t, lost, signal)
		s.wantShare(t, lost)
		var missed []string
		for i := range several { // also in the other process, once some requests have waited for the lost server
			hit, err := other.ask(http.MethodGet, s.page(i), "0")
			if err != nil {
				t.Fatal(err)
			}
			if on := s.serverOfPage(i); !hit && on != lost && i >= several/2 {
				missed = append(missed, s.page(i))
			}
		}
		if len(missed) > several/100 {
			t.Errorf("another process, without server %d: %q are no hits", lost, missed)
		}

		s.version.Add(1)
		for space := range namespaces {
			if err := s.cache.ClearNamespace(t.Context(), namespace(space)); err == nil || !strings.Contains(err.Error(), "owed") {
				t.Errorf("clearing namespace %d without server %d: %v, want an error that it is owed", space, lost, err)
			}
		}
		want := fmt.Sprint(s.version.Load())
		for i := range several {
			if _, err := other.ask(http.MethodGet, s.page(i), want); err != nil {
				t.Errorf("another process, behind the clearing: %v", err)
			}
		}
		s.pages(t)
		if err := s.cache.Settle(t.Context()); err != nil {
			t.Error(err)
		}
		s.wantShare(t, lost)
		if signal == syscall.SIGSTOP {
			s.wantPaid(t, lost)
		}
	})
}
