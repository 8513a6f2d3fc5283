package redis

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// routes finds the lane of a key. There is one for each master of a cluster, so that one which does not answer holds up the
// keys of no other.
type routes struct {
	client  redis.UniversalClient
	watch   *watch
	direct  bool                 // callers may send by themselves, as the client keeps their deadlines
	cluster *redis.ClusterClient // nil without a cluster
	known   atomic.Bool          // the client knows where the keys of the cluster are

	mu     sync.RWMutex
	lanes  map[string]*lane // by the address of the master
	closed bool
}

func newRoutes(client redis.UniversalClient) *routes {
	r := &routes{client: client, watch: watchOver(client), lanes: make(map[string]*lane)}
	switch client := client.(type) {
	case *redis.Client:
		r.direct = client.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		r.cluster = client
	}
	return r
}

// server returns the address of the server of a cluster that keeps key; empty where that is not known, or no cluster.
func (r *routes) server(key string) string {
	// The client asks the cluster where its keys are when it is first used, which may take time.
	if r.cluster == nil || !r.known.Load() {
		return ""
	}
	master, err := r.cluster.MasterForKey(context.Background(), key)
	if err != nil {
		return ""
	}
	return master.Options().Addr
}

// of returns the lane of key.
func (r *routes) of(key string) *lane {
	address := r.server(key)
	r.mu.RLock()
	l := r.lanes[address]
	r.mu.RUnlock()
	if l == nil {
		l = r.open(address)
	}
	return l
}

func (r *routes) open(address string) *lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lanes[address]
	if l == nil {
		// Each lane sends through the client of the whole cluster, which follows the keys that have moved.
		l = &lane{client: r.client, server: address, watch: r.watch, direct: r.direct, closed: r.closed}
		if r.cluster != nil && address == "" {
			l.sent = func() { r.learn(context.Background()) }
		}
		r.lanes[address] = l
	}
	return l
}

// learn notes that the client knows the cluster, if it does, or finds out until ctx ends.
func (r *routes) learn(ctx context.Context) {
	if r.known.Load() {
		return
	}
	if _, err := r.cluster.MasterForKey(ctx, ""); err == nil {
		r.known.Store(true)
	}
}

func (r *routes) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.watch.close()
	for _, l := range r.lanes {
		l.close()
	}
}
