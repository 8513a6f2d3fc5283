package mongodb

import (
	"context"
	"errors"
	"strings"
	"sync"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/address"
)

// heartbeat is what the client tells of its servers, which it watches.
type heartbeat struct {
	mu     sync.Mutex
	err    error           // why a server was last found not to answer
	heard  string          // a server that answers
	set    string          // and the replica set that it is in
	wanted string          // the replica set that the URL names
	failed func()          // what is to be told of it
	silent map[string]bool // whether a server that the URL names has not answered yet
	none   chan struct{}   // closed when none of them has
}

func newHeartbeat() *heartbeat { return &heartbeat{none: make(chan struct{})} }

// expect says which servers there are, of which replica set if the URL names one, and what is to be told when one does not answer.
func (h *heartbeat) expect(hosts []string, set *string, failed func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if set != nil {
		h.wanted = *set
	}
	h.failed, h.silent = failed, make(map[string]bool)
	for _, host := range hosts {
		h.silent[string(address.Address(host).Canonicalize())] = false
	}
}

func (h *heartbeat) note(e *event.ServerHeartbeatFailedEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	// A connection that Close has ended is of no interest.
	if !errors.Is(e.Failure, context.Canceled) {
		h.err = e.Failure
		host, _, _ := strings.Cut(e.ConnectionID, "[")
		h.count(host)
	}
	if h.failed != nil {
		h.failed()
	}
}

// answered notes that a server answers.
func (h *heartbeat) answered(e *event.ServerHeartbeatSucceededEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard, h.set = e.Reply.Addr.String(), e.Reply.SetName
}

// misfit says why a server is not used that answers; it is empty where its replica set is not why.
func (h *heartbeat) misfit() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.heard == "" || h.wanted == "" || h.set == h.wanted:
		return ""
	case h.set == "":
		return "the server answers, but is in no replica set, and the option replicaSet names one"
	}
	return "the server answers, but is in another replica set than the option replicaSet names"
}

func (h *heartbeat) count(host string) {
	if silent, named := h.silent[host]; !named || silent {
		return
	}
	h.silent[host] = true
	for _, silent := range h.silent {
		if !silent {
			return
		}
	}
	close(h.none)
}

func (h *heartbeat) get() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}
