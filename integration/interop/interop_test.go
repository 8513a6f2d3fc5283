// Package interop proves that a gin service with cachette and a FastAPI service with fastapi-cachette share one cache: on
// every backend and with every codec that both have, in both directions. `make interop` runs it. What it saw is the matrix
// in docs/python.md; -write writes it there.
package interop_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	_ "github.com/gin-cachette/cachette/drivers/all"
	_ "github.com/gin-cachette/cachette/encoders/all"
	"github.com/gin-cachette/cachette/internal/testservers"
)

const (
	region  = "eu-central-1"
	ttl     = 100 * time.Second
	maxSlip = time.Second // by which the two may differ about the time that is left: Python counts whole seconds
)

var backends = []string{"redis", "memcached", "mongodb", "dynamodb"}

// found are the servers that whoever runs the tests has started.
var found = map[string]string{"redis": testservers.Redis, "mongodb": testservers.MongoDB, "dynamodb": testservers.DynamoDB}

var errPythonMiss = errors.New("python has a miss")

// A pair is the caches of the two services, on one backend and with one codec.
type pair struct {
	backend, codec string
	goes           *cachette.Cache
	python         pythonCache
	seen           *matrix
	keys           int
}

func TestOneCache(t *testing.T) {
	interpreter := testservers.Python(t)
	gin.SetMode(gin.TestMode) // no lines about the engines
	where := make(stores)
	for backend, server := range found {
		where[backend] = os.Getenv(testservers.Variable(server))
	}
	where["memcached"] = startMemcached(t)
	python := startService(t, interpreter, where)
	seen := newMatrix()
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) {
			if server := found[backend]; server != "" {
				testservers.Find(t, server)
			}
			for _, codec := range codecs {
				t.Run(codec, func(t *testing.T) {
					p := &pair{backend: backend, codec: codec, seen: seen, python: pythonCache{python, "/" + backend + "/" + codec}}
					p.open(t, where)
					p.values(t)
					p.operations(t)
				})
			}
		})
	}
	seen.settle(t)
}

func (p *pair) open(t *testing.T, where stores) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	config := cachette.Config{Backend: p.backend, Codec: p.codec, PlainKeys: true, OperationTimeout: 10 * time.Second}
	switch p.backend {
	case "redis":
		config.RedisURL = where["redis"]
	case "memcached":
		config.MemcachedHost = where["memcached"]
	case "mongodb":
		config.MongoDBURL, config.DatabaseName, config.TableName = where["mongodb"], database, table
	case "dynamodb":
		config.DynamoDBURL, config.Region, config.TableName = where["dynamodb"], region, table
	}
	cache, err := openCache(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
	})
	p.goes = cache
}

// key returns a key that was never used.
func (p *pair) key() string {
	p.keys++
	return fmt.Sprintf("interop:%s:%s:%d:%d", p.backend, p.codec, os.Getpid(), p.keys)
}

func (p *pair) values(t *testing.T) {
	for _, c := range cases(p.codec) {
		t.Run(c.name, func(t *testing.T) {
			for d, try := range map[direction]func(context.Context, testCase) error{fromPython: p.toGo, fromGo: p.toPython} {
				p.judge(t, p.codec, c.name, d, c.holes, try(t.Context(), c))
			}
		})
	}
}

// judge notes how a try has ended, and fails the test where it should have ended otherwise.
func (p *pair) judge(t *testing.T, section, name string, d direction, holes []hole, err error) {
	t.Helper()
	var reason, shows string
	for _, h := range holes {
		if h.covers(p.backend, d) {
			reason, shows = h.reason, h.shows
		}
	}
	switch {
	case reason == "" && err != nil:
		t.Errorf("%s: %v", d, err)
		reason = failure
	case reason != "" && err == nil:
		t.Errorf("%s: this works, though it is said not to: %s", d, reason)
		reason = failure
	case err != nil && !regexp.MustCompile(shows).MatchString(err.Error()):
		t.Errorf("%s: %v, which does not show %q", d, err, reason)
		reason = failure
	}
	p.seen.note(section, name, p.backend, d, reason)
}

// toGo lets Python put and Go fetch.
func (p *pair) toGo(ctx context.Context, c testCase) error {
	key := p.key()
	defer p.remove(ctx, key)
	if err := p.python.put(ctx, key, c.name, ttl); err != nil {
		return err
	}
	destinations := []any{c.destination()}
	if p.codec == "msgpack" || p.codec == "pickle" { // their data alone tells the type
		destinations = append(destinations, new(any))
	}
	for _, dst := range destinations {
		if err := p.goes.Fetch(ctx, key, dst); err != nil {
			return err
		}
		if got := reflect.ValueOf(dst).Elem().Interface(); !same(got, c.wanted()) {
			return fmt.Errorf("go fetches %T %.200v, want %T %.200v", got, fmt.Sprint(got), c.wanted(), fmt.Sprint(c.wanted()))
		}
	}
	return nil
}

// toPython lets Go put and Python fetch.
func (p *pair) toPython(ctx context.Context, c testCase) error {
	key := p.key()
	defer p.remove(ctx, key)
	if err := p.goes.Put(ctx, key, c.put, ttl); err != nil {
		return err
	}
	return p.python.fetch(ctx, key, c.name)
}

// remove makes room: a store that has no index of the keys takes longer for each value that it holds.
func (p *pair) remove(ctx context.Context, key string) { _, _ = p.goes.Delete(ctx, key) }
