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

// Settings is what a driver opened by name is given: the fields of a cachette Config that concern stores, checked
// and with their defaults filled in.
type Settings struct {
	RedisURL      string // redis: a URL of a single server, of its socket, of sentinels, or of a cluster
	MemcachedHost string // memcached: hosts or a URL
	TableName     string // dynamodb: the table; mongodb: the collection
	Region        string // dynamodb: an AWS region
	DynamoDBURL   string // dynamodb: an endpoint, for a local server
	DatabaseName  string // mongodb: the database
	MongoDBURL    string // mongodb: a URL

	PlainKeys bool // the store is shared with fastapi-cachette

	MemoryLimit      int64         // inmemory: the bound, in bytes, of keys, values and overhead
	OperationTimeout time.Duration // how long one operation may take
	Logger           *slog.Logger  // never nil
}

// Opener opens a driver from settings. It may dial; ctx bounds how long. A store that refuses (its credentials, the
// certificate, a name) is an error; one that does not answer is not, since it may come back: then the opener says so in
// the log, and what it had to prepare is done by the first operation that reaches the store.
type Opener func(ctx context.Context, settings Settings) (Driver, error)

var registry = struct {
	sync.RWMutex
	openers map[string]Opener
}{openers: make(map[string]Opener)}

// Register makes a driver available under name, as database/sql does: a backend's package calls it from its init
// function, and a program links the backend by importing that package. It panics if name is empty, if open is nil,
// or if name is taken.
func Register(name string, open Opener) {
	registry.Lock()
	defer registry.Unlock()
	if name == "" {
		panic("cachette: drivers.Register: the name is empty")
	}
	if open == nil {
		panic(fmt.Sprintf("cachette: drivers.Register: the opener of %q is nil", name))
	}
	if _, taken := registry.openers[name]; taken {
		panic(fmt.Sprintf("cachette: drivers.Register: %q is registered already", name))
	}
	registry.openers[name] = open
}

// Linked returns the names of the drivers linked into this program, sorted.
func Linked() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.openers))
}

// Lookup returns the opener registered under name, and whether there is one.
func Lookup(name string) (Opener, bool) {
	registry.RLock()
	defer registry.RUnlock()
	open, ok := registry.openers[name]
	return open, ok
}
