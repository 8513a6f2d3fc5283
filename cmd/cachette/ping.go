package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/target"
)

const (
	pingHelp = `Asks the store a few times whether it answers, within CACHETTE_OPERATION_TIMEOUT. The first time has the connection in it.
`
	statsHelp = `Does what ping does, and tells what the store can do of what the library makes use of. How many requests were hits, each process
counts for itself: Cache.Stats has it.
`
	pings = 5
)

// ping returns the command of that name.
func (c *command) ping() func(ctx context.Context, args []string) error {
	return func(ctx context.Context, args []string) error {
		r, err := c.pinged(ctx, args)
		if err == nil {
			r.close()
		}
		return err
	}
}

// pinged tells whether the store answers, and leaves it open if it does.
func (c *command) pinged(ctx context.Context, args []string) (*reader, error) {
	if len(args) > 0 {
		return nil, usage("no arguments are expected; " + quoted(args[0]) + " is one")
	}
	cfg, err := c.configured("")
	if err != nil {
		return nil, err
	}
	c.tellStore(cfg)
	begin := time.Now()
	r, err := open(cfg)
	if err != nil {
		return nil, err
	}
	var first, least time.Duration
	for i := range pings {
		if err := r.store.Ping(ctx, target.Value(cfg.KeyPrefix, "cachette-ping")); err != nil {
			r.close()
			return nil, r.fail("ping", "", err)
		}
		switch took := time.Since(begin); {
		case i == 0:
			first = took
		case i == 1 || took < least:
			least = took
		}
		begin = time.Now()
	}
	c.line("answers", "in %s, %s with the connection", briefly(least), briefly(first))
	return r, nil
}

// stats returns the command of that name.
func (c *command) stats() func(ctx context.Context, args []string) error {
	return func(ctx context.Context, args []string) error {
		r, err := c.pinged(ctx, args)
		if err != nil {
			return err
		}
		defer r.close()
		for _, ability := range []struct {
			can       bool
			yes, less string
		}{
			{r.store.Batches(), "reads several keys in one round trip", "reads one key at a time"},
			{r.store.Adds(), "adds marks where there are none, in one step", "adds marks by a look and a write"},
			{r.store.Logs(), "has a log of purges", "has no log of purges: a purge of a prefix removes all, and tags that a handler says late keep a page from being stored"},
			{r.store.Waits(), "tells processes of purges at once", "is asked for purges by near tiers at a pace of their own"},
			{r.store.Sharded(), "has several servers", "is one server"},
		} {
			if ability.can {
				c.line("", "%s", ability.yes)
			} else {
				c.line("", "%s", ability.less)
			}
		}
		if r.store.Sharded() {
			return c.servers(ctx, r)
		}
		return nil
	}
}

// servers tells of each server that keeps keys of pages whether it answers. The error is that of the first one that does not.
func (c *command) servers(ctx context.Context, r *reader) (failed error) {
	asked := make(map[string]bool)
	for partition := range target.Partitions {
		key := target.Marks(r.cfg.KeyPrefix) + target.Tag(partition) + "cachette-ping"
		name := r.store.ServerOf(key)
		if asked[name] {
			continue
		}
		asked[name] = true
		begin := time.Now()
		if _, err := r.store.Get(ctx, key); err != nil && !errors.Is(err, drivers.ErrMiss) {
			err = r.fail("get", "", err)
			c.line("", "server %s: %s", visible(name), harmless(err.Error()))
			failed = cmp.Or(failed, err)
			continue
		}
		c.line("", "server %s: answers in %s", visible(name), briefly(time.Since(begin)))
	}
	return failed
}
