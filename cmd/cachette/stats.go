package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/target"
)

const (
	statsHelp = `Does what ping does, tells how many entries there are, and what the store can do of what the library makes use of. How many requests
were hits, each process counts for itself: Cache.Stats has it.

Entries are counted by a look at the keys of the store, on Redis, Memcached and MongoDB, of all services that have the key prefix; no
value is read. Where a server has more keys than -keys says, those that were seen are counted, and the rest is not. On DynamoDB it is
the number of items in the table that DynamoDB counts every six hours: to look at the keys costs as much there as to read the pages.
`
	listTimeout = 30 * time.Second
)

// stats returns the command of that name.
func (c *command) stats() func(ctx context.Context, args []string) error {
	most := c.flags.Int("keys", 100_000, "look at so many keys of each server at most; 0: count no entries")
	return func(ctx context.Context, args []string) error {
		r, err := c.pinged(ctx, args)
		if err != nil {
			return err
		}
		defer r.close()
		if *most > 0 {
			if err := c.tellEntries(ctx, r, *most); err != nil {
				return err
			}
		}
		label := "it"
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
			does := ability.less
			if ability.can {
				does = ability.yes
			}
			c.line(label, "%s", does)
			label = ""
		}
		if r.store.Sharded() {
			return c.servers(ctx, r)
		}
		return nil
	}
}

// tellEntries tells how many entries the store has, as far as it can tell at a bounded cost.
func (c *command) tellEntries(ctx context.Context, r *reader, most int) error {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	n, known, err := r.store.Entries(ctx)
	if known && err == nil {
		c.line("entries", "%d in the table, whatever they are, by the count that DynamoDB makes every six hours", n)
	}
	if !known {
		var keys []string
		var all bool
		if keys, all, err = r.store.Keys(ctx, r.cfg.KeyPrefix, most); err == nil {
			c.tellKeys(r.cfg.KeyPrefix, keys, all, most)
		}
	}
	if errors.Is(err, errors.ErrUnsupported) {
		c.line("entries", "not counted: %s", harmless(r.fail("keys", "", err).Error()))
		return nil
	}
	return r.fail("keys", "", err)
}

// tellKeys tells how many of keys are of each kind.
func (c *command) tellKeys(prefix string, keys []string, all bool, most int) {
	var of [target.Other + 1]int
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		of[target.KindOf(prefix, key)]++
	}
	about := ""
	if !all {
		about = "at least "
	}
	c.line("entries", "%s%s, %s, %s, and %s", about, counted(of[target.Page], "page", "pages"), counted(of[target.Remembered], "value of Remember", "values of Remember"),
		counted(of[target.Plain], "value of Put", "values of Put"), counted(of[target.Other], "mark of purges", "marks of purges"))
	if all {
		c.line("", "counted by a look at each key, of all services")
	} else {
		c.line("", "counted by a look at %d keys of each server; there are more, at which -keys N looks", most)
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
