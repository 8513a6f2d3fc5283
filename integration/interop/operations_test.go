package interop_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// openCache returns the cache of a gin engine.
func openCache(config cachette.Config) (*cachette.Cache, error) {
	return cachette.Install(gin.New(), func() (cachette.Config, error) { return config, nil })
}

// An operation is what the two services do to each other's values.
type operation struct {
	name  string
	codec string // empty for each
	holes []hole
	try   func(*pair, context.Context, testCase) error
}

var operations = []operation{
	{name: "Go sees the time to live that Python gave", try: (*pair).goSeesTTL},
	{name: "Python sees the time to live that Go gave", try: (*pair).pythonSeesTTL, holes: []hole{
		{backend: "redis", shows: "TypeError: .* list|'list'|Input must be bytes", reason: "fastapi-cachette's `fetch_with_ttl` fails on redis: it gives the pair that Redis answers to the codec."},
		{backend: "memcached", shows: "1h0m0s are left", reason: "fastapi-cachette's `fetch_with_ttl` says 3600 on memcached whatever the value's time is."},
	}},
	{name: "what Python clears (`clear(key=…)`) is a miss for Go", try: (*pair).pythonClears},
	{name: "what Go deletes (`Delete`) is a miss for Python", try: (*pair).goDeletes},
	{name: "what Python clears by namespace (`clear(namespace=…)`) is a miss for Go", try: (*pair).pythonClearsNamespace, holes: []hole{
		{backend: "memcached", shows: "NotImplementedError", reason: noNamespaces},
		{backend: "mongodb", shows: "NotImplementedError", reason: noNamespaces},
		{backend: "dynamodb", shows: "NotImplementedError", reason: noNamespaces},
	}},
	{name: "what Go clears by namespace (`ClearNamespace`) is a miss for Python", try: (*pair).goClearsNamespace},
	{name: "what has expired is a miss for both (with json)", codec: "json", try: (*pair).expires},
}

const noNamespaces = "fastapi-cachette's `clear(namespace=…)` is not implemented on this backend: it raises NotImplementedError."

const operationsSection = "operations"

func (p *pair) operations(t *testing.T) {
	c := cases(p.codec)[0]
	for _, o := range operations {
		if o.codec != "" && o.codec != p.codec {
			continue
		}
		t.Run(o.name, func(t *testing.T) {
			p.judge(t, operationsSection, o.name, "", o.holes, o.try(p, t.Context(), c))
		})
	}
}

func (p *pair) goSeesTTL(ctx context.Context, c testCase) error {
	key, before := p.key(), time.Now()
	defer p.remove(ctx, key)
	if err := p.python.put(ctx, key, c.name, ttl); err != nil {
		return err
	}
	left, err := p.goes.FetchWithTTL(ctx, key, c.destination())
	if err != nil {
		return err
	}
	return agrees(left, before)
}

func (p *pair) pythonSeesTTL(ctx context.Context, c testCase) error {
	key, before := p.key(), time.Now()
	defer p.remove(ctx, key)
	if err := p.goes.Put(ctx, key, c.put, ttl); err != nil {
		return err
	}
	left, err := p.python.ttl(ctx, key)
	if err != nil {
		return err
	}
	return agrees(left, before)
}

// agrees returns nil if left is what remains of the time to live, of which no more than what has passed since then is
// gone.
func agrees(left time.Duration, since time.Time) error {
	if left > ttl+maxSlip || left < ttl-time.Since(since)-maxSlip {
		return fmt.Errorf("%v are left of %v, %v after it was put", left, ttl, time.Since(since))
	}
	return nil
}

func (p *pair) pythonClears(ctx context.Context, c testCase) error {
	key := p.key()
	if err := p.goes.Put(ctx, key, c.put, ttl); err != nil {
		return err
	}
	if n, err := p.python.clear(ctx, key); n != 1 || err != nil {
		return fmt.Errorf("python clears %d, %w", n, err)
	}
	return p.goMisses(ctx, key, c)
}

func (p *pair) goDeletes(ctx context.Context, c testCase) error {
	key := p.key()
	if err := p.python.put(ctx, key, c.name, ttl); err != nil {
		return err
	}
	if n, err := p.goes.Delete(ctx, key); n != 1 || err != nil {
		return fmt.Errorf("go deletes %d, %w", n, err)
	}
	return p.pythonMisses(ctx, key, c)
}

func (p *pair) pythonClearsNamespace(ctx context.Context, c testCase) error {
	namespace, inside, outside := p.namespace()
	defer p.remove(ctx, outside)
	defer p.remove(ctx, inside)
	for _, key := range []string{inside, outside} {
		if err := p.goes.Put(ctx, key, c.put, ttl); err != nil {
			return err
		}
	}
	if err := p.python.clearNamespace(ctx, namespace); err != nil {
		return err
	}
	return errors.Join(p.goMisses(ctx, inside, c), p.goes.Fetch(ctx, outside, c.destination()))
}

func (p *pair) goClearsNamespace(ctx context.Context, c testCase) error {
	namespace, inside, outside := p.namespace()
	defer p.remove(ctx, outside)
	for _, key := range []string{inside, outside} {
		if err := p.python.put(ctx, key, c.name, ttl); err != nil {
			return err
		}
	}
	if n, err := p.goes.ClearNamespaceCount(ctx, namespace); n != 1 || err != nil {
		return fmt.Errorf("go clears %d, %w", n, err)
	}
	return errors.Join(p.pythonMisses(ctx, inside, c), p.python.fetch(ctx, outside, c.name))
}

// namespace returns one that was never used, a key in it, and one in another that begins the same way.
func (p *pair) namespace() (namespace, inside, outside string) {
	namespace = p.key()
	return namespace, namespace + ":in", namespace + "x:out"
}

func (p *pair) expires(ctx context.Context, c testCase) error {
	mine, theirs := p.key(), p.key()
	if err := p.goes.Put(ctx, mine, c.put, time.Second); err != nil {
		return err
	}
	if err := p.python.put(ctx, theirs, c.name, time.Second); err != nil {
		return err
	}
	time.Sleep(2100 * time.Millisecond) // Python serves a value of dynamodb during the second in which it ends
	return errors.Join(p.pythonMisses(ctx, mine, c), p.goMisses(ctx, theirs, c))
}

func (p *pair) goMisses(ctx context.Context, key string, c testCase) error {
	if err := p.goes.Fetch(ctx, key, c.destination()); !errors.Is(err, cachette.ErrMiss) {
		return fmt.Errorf("go should miss: %v", err)
	}
	return nil
}

func (p *pair) pythonMisses(ctx context.Context, key string, c testCase) error {
	if err := p.python.fetch(ctx, key, c.name); !errors.Is(err, errPythonMiss) {
		return fmt.Errorf("python should miss: %v", err)
	}
	return nil
}
