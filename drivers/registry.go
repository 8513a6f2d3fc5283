package drivers

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Settings is what a backend is given: the fields of a cachette Config that concern stores. Those of a place or a name are as
// they were set, and empty where they were not; the others have their defaults.
type Settings struct {
	// URL says where the store is, whichever backend it is of: its scheme is one of the backend's. What stands behind the scheme
	// is the backend's own business.
	URL string

	RedisURL      string // redis: a URL of a single server, of its socket, of sentinels, or of a cluster
	MemcachedHost string // memcached: hosts or a URL
	TableName     string // dynamodb: the table; mongodb: the collection
	Region        string // dynamodb: an AWS region
	DynamoDBURL   string // dynamodb: an endpoint, for a local server
	DatabaseName  string // mongodb: the database
	MongoDBURL    string // mongodb: a URL

	PlainKeys bool   // the store is shared with fastapi-cachette
	KeyPrefix string // what all keys of the cache begin with; empty with PlainKeys

	MemoryLimit      int64         // inmemory: the bound, in bytes, of keys, values and overhead
	OperationTimeout time.Duration // how long one operation may take
	Logger           *slog.Logger  // never nil for an Opener
}

// Backend is what the package of a store registers.
type Backend struct {
	// Open opens a driver. It is required.
	Open Opener

	// Check returns what is wrong with settings, as far as they tell themselves: it reads no file, and asks no server. Of a backend
	// that is linked and not the one in use, what it says of a setting that is not set does not count. nil stands for no
	// settings of its own.
	Check func(settings Settings) []Problem

	// Schemes are those of the URLs ([Settings.URL]) that name the backend, as redis and rediss, in lower case.
	Schemes []string
}

// Problem is what is wrong with one setting. It is shown to people: it holds no password, and nothing of a URL but its scheme.
type Problem struct {
	Setting string // the field of [Settings]
	Text    string // what is wrong, and what would be right
}

// Opener opens a driver from settings. It may dial; ctx bounds how long. A store that refuses (its credentials, the
// certificate, a name) is an error; one that does not answer is not, since it may come back: then the opener says so in
// the log, and what it had to prepare is done by the first operation that reaches the store.
type Opener func(ctx context.Context, settings Settings) (Driver, error)

var registry = struct {
	sync.RWMutex
	backends map[string]Backend
}{backends: make(map[string]Backend)}

// Register makes a backend available under name, as database/sql does: its package calls it from its init function, and a
// program links the backend by importing that package. It panics if name is empty, if the backend has no Open, or if the
// name, or one of the schemes, is taken.
func Register(name string, backend Backend) {
	registry.Lock()
	defer registry.Unlock()
	if name == "" {
		panic("cachette: drivers.Register: the name is empty")
	}
	if backend.Open == nil {
		panic(fmt.Sprintf("cachette: drivers.Register: the backend %q has no Open", name))
	}
	if _, taken := registry.backends[name]; taken {
		panic(fmt.Sprintf("cachette: drivers.Register: %q is registered already", name))
	}
	for other, registered := range registry.backends {
		for _, scheme := range backend.Schemes {
			if slices.Contains(registered.Schemes, scheme) {
				panic(fmt.Sprintf("cachette: drivers.Register: the scheme %q of %q is that of %q already", scheme, name, other))
			}
		}
	}
	backend.Schemes = slices.Clone(backend.Schemes)
	registry.backends[name] = backend
}

// Linked returns the names of the backends linked into this program, sorted.
func Linked() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.backends))
}

// Lookup returns the backend registered under name, and whether there is one.
func Lookup(name string) (Backend, bool) {
	registry.RLock()
	defer registry.RUnlock()
	backend, ok := registry.backends[name]
	return backend, ok
}
