package sim

import (
	"context"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
)

// Client is what a process has of a store: it knows which server keeps what. A command about keys of several servers is one to each of
// them, of which some may fail. It implements purge.Marks and purge.Log.
type Client struct {
	Store *Store

	// Server returns the number of the server of a key; nil where there is one server.
	Server func(key string) int

	// Place returns the key as it stands on a server; nil where processes agree on which server that is, so that it is the key.
	Place func(key string, server int) string

	// Apart has Purge append and delete by two commands, as it is done for a driver that has none for both.
	Apart bool
}

// part is what a command has to do with one server.
type part struct {
	server int
	keys   []string // as they stand there
	of     []int    // their numbers in the command
}

// parts returns the parts of a command.
func (c Client) parts(keys []string) (parts []part) {
next:
	for i, key := range keys {
		server, key := c.at(key)
		for k := range parts {
			if p := &parts[k]; p.server == server {
				p.keys, p.of = append(p.keys, key), append(p.of, i)
				continue next
			}
		}
		parts = append(parts, part{server, []string{key}, []int{i}})
	}
	return parts
}

func (c Client) at(key string) (server int, place string) {
	if c.Server != nil {
		server = c.Server(key)
	}
	if c.Place != nil {
		key = c.Place(key, server)
	}
	return server, key
}

// Words implements purge.Marks.
func (c Client) Words(_ context.Context, keys ...string) ([]string, error) {
	return c.several(keys, c.Store.words)
}

// Add implements purge.Marks.
func (c Client) Add(_ context.Context, _ time.Duration, word func() string, keys ...string) ([]string, error) {
	return c.several(keys, func(server int, keys []string) ([]string, error) { return c.Store.add(server, word, keys) })
}

// Delete implements purge.Marks.
func (c Client) Delete(_ context.Context, keys ...string) error {
	_, err := c.several(keys, func(server int, keys []string) ([]string, error) {
		return make([]string, len(keys)), c.Store.delete(server, keys)
	})
	return err
}

// several sends a command to each server, and puts together what they say.
func (c Client) several(keys []string, command func(server int, keys []string) ([]string, error)) (all []string, err error) {
	if c.Server == nil && c.Place == nil && len(keys) > 0 {
		return command(0, keys)
	}
	all = make([]string, len(keys))
	for _, p := range c.parts(keys) {
		words, failed := command(p.server, p.keys)
		if failed != nil {
			err = failed
			continue
		}
		for i, word := range words {
			all[p.of[i]] = word
		}
	}
	return all, err
}

// Append implements purge.Log.
func (c Client) Append(_ context.Context, key string, keep int, _ time.Duration, records ...string) error {
	server, key := c.at(key)
	return c.Store.append(server, key, keep, records)
}

// Purge implements purge.Log.
func (c Client) Purge(ctx context.Context, log string, keep int, ttl time.Duration, records []string, keys ...string) error {
	if c.Apart {
		if err := c.Append(ctx, log, keep, ttl, records...); err != nil {
			return err
		}
		return c.Delete(ctx, keys...)
	}
	server, log := c.at(log)
	return c.Store.purge(server, log, keep, records, c.placed(keys))
}

// placed returns keys as they stand on their servers.
func (c Client) placed(keys []string) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		_, list[i] = c.at(key)
	}
	return list
}

// End implements purge.Log.
func (c Client) End(_ context.Context, key string, _ time.Duration) (purge.Position, error) {
	return c.Store.endOf(c.at(key))
}

// Since implements purge.Log.
func (c Client) Since(_ context.Context, key string, from purge.Position) ([]string, purge.Position, bool, error) {
	server, key := c.at(key)
	return c.Store.recordsSince(server, key, from)
}

// client is the client of a store of one server.
func (s *Store) client() Client { return Client{Store: s} }

// Words implements purge.Marks.
func (s *Store) Words(ctx context.Context, keys ...string) ([]string, error) {
	return s.client().Words(ctx, keys...)
}

// Add implements purge.Marks.
func (s *Store) Add(ctx context.Context, ttl time.Duration, word func() string, keys ...string) ([]string, error) {
	return s.client().Add(ctx, ttl, word, keys...)
}

// Delete implements purge.Marks.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	return s.client().Delete(ctx, keys...)
}

// Append implements purge.Log.
func (s *Store) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...string) error {
	return s.client().Append(ctx, key, keep, ttl, records...)
}

// Purge implements purge.Log.
func (s *Store) Purge(ctx context.Context, log string, keep int, ttl time.Duration, records []string, keys ...string) error {
	return s.client().Purge(ctx, log, keep, ttl, records, keys...)
}

// End implements purge.Log.
func (s *Store) End(ctx context.Context, key string, ttl time.Duration) (purge.Position, error) {
	return s.client().End(ctx, key, ttl)
}

// Since implements purge.Log.
func (s *Store) Since(ctx context.Context, key string, from purge.Position) ([]string, purge.Position, bool, error) {
	return s.client().Since(ctx, key, from)
}
