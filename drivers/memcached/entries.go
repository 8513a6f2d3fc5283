package memcached

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
)

// Get returns what is stored under key, or [drivers.ErrMiss].
func (d *Driver) Get(ctx context.Context, key string) (drivers.Item, error) {
	if err := d.begin(ctx); err != nil {
		return drivers.Item{}, err
	}
	n := nameOf(key)
	s, err := d.serverOf(n)
	if err != nil {
		return drivers.Item{}, d.failed(ctx, "get", err)
	}
	var data []byte
	var flags uint32
	err = s.use(ctx, func(l *link) (err error) {
		data, flags, err = l.get(n.text)
		return err
	})
	switch {
	case err == memcache.ErrCacheMiss:
		return drivers.Item{}, drivers.ErrMiss
	case err != nil:
		return drivers.Item{}, d.failed(ctx, "get", err)
	}
	now := time.Now()
	end, ours := decodeExpiry(flags, now)
	switch {
	case !ours:
		return d.getForeign(ctx, s, key, n)
	case !now.Before(end):
		return drivers.Item{}, drivers.ErrMiss
	}
	return itemOf(key, n, data, end)
}

// getForeign returns what another program has stored under key. It reads the value again, for what the server says of
// the time that is left must be true of that value.
func (d *Driver) getForeign(ctx context.Context, s *server, key string, n name) (drivers.Item, error) {
	var entries []*found
	err := s.use(ctx, func(l *link) error {
		var err error
		entries, err = l.look([]string{n.text}, true)
		return err
	})
	if err != nil {
		return drivers.Item{}, d.failed(ctx, "get", err)
	}
	now := time.Now()
	entry := entries[0]
	if entry == nil || !entry.live(now) {
		return drivers.Item{}, drivers.ErrMiss
	}
	return itemOf(key, n, entry.value, entry.expiresAt(now))
}

// itemOf returns the item that data holds, unless it is another key's.
func itemOf(key string, n name, data []byte, end time.Time) (drivers.Item, error) {
	value, ok := valueOf(key, n, data)
	if !ok {
		return drivers.Item{}, drivers.ErrMiss
	}
	return drivers.Item{Value: value, ExpiresAt: end}, nil
}

// valueOf returns the value in data, which is stored under n.
func valueOf(key string, n name, data []byte) ([]byte, bool) {
	if !n.hashed {
		return data, true
	}
	stored, value, ok := splitFront(data)
	return value, ok && string(stored) == key
}

// GetValues returns the values stored under keys, in one request to each server.
func (d *Driver) GetValues(ctx context.Context, keys ...string) ([][]byte, error) {
	if err := d.begin(ctx); err != nil {
		return nil, err
	}
	values := make([][]byte, len(keys))
	if len(keys) == 0 {
		return values, nil
	}
	names := make([]name, len(keys))
	for i, key := range keys {
		names[i] = nameOf(key)
	}
	items, err := d.items(ctx, names)
	if err != nil {
		return nil, d.failed(ctx, "get values", err)
	}
	now := time.Now()
	given := make(map[string]bool, len(items))
	for i, key := range keys {
		item, there := items[names[i].text]
		if !there {
			continue
		}
		if end, ours := decodeExpiry(item.flags, now); ours && !now.Before(end) {
			continue
		}
		value, ok := valueOf(key, names[i], item.value)
		if !ok {
			continue
		}
		if given[names[i].text] { // the same key again: no two callers' slices share their bytes
			value = append([]byte{}, value...)
		}
		given[names[i].text] = true
		values[i] = value
	}
	return values, nil
}

// items returns what is under names, from all servers at once.
func (d *Driver) items(ctx context.Context, names []name) (map[string]found, error) {
	servers, wanted, err := d.byServer(names)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	items := make(map[string]found, len(names))
	_, err = onEach(servers, func(s *server) (int, error) {
		texts := slices.Compact(slices.Sorted(slices.Values(wanted[s])))
		return 0, s.use(ctx, func(l *link) error {
			return l.getAll(texts, func(name string, flags uint32, value []byte) {
				mu.Lock()
				defer mu.Unlock()
				items[name] = found{flags: flags, value: value}
			})
		})
	})
	return items, err
}

// byServer returns the servers that keep entries of these names, and which of them each keeps.
func (d *Driver) byServer(names []name) ([]*server, map[*server][]string, error) {
	var servers []*server
	kept := make(map[*server][]string)
	for _, n := range names {
		s, err := d.serverOf(n)
		if err != nil {
			return nil, nil, err
		}
		if kept[s] == nil {
			servers = append(servers, s)
		}
		kept[s] = append(kept[s], n.text)
	}
	return servers, kept, nil
}

// Set stores value under key for ttl. What is larger than [Driver.MaxValue] is an error that matches
// [drivers.ErrTooLarge]; nothing is sent of it then, and what was stored under key is removed.
func (d *Driver) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	if ttl <= 0 {
		return fmt.Errorf("memcached: set: the time to live is %v: it must be positive", ttl)
	}
	now := time.Now()
	n := nameOf(key)
	s, err := d.serverOf(n)
	if err != nil {
		return d.failed(ctx, "set", err)
	}
	if len(n.text)+len(key)+len(value) > smallItem {
		if s.mayLearn() {
			if err := s.learn(ctx); err != nil {
				return d.failed(ctx, "set", err)
			}
		}
		if most := s.maxValue(key, n); len(value) > most {
			return d.tooLarge(ctx, s, n, len(value), most)
		}
	}
	data := dataOf(key, n, value)
	err = s.use(ctx, func(l *link) error { return l.set(n, data, d.flagsFor(now, ttl, nil), ttl, now) })
	if errors.Is(err, drivers.ErrTooLarge) { // the server takes less than it did when it was asked
		return d.tooLarge(ctx, s, n, len(value), -1)
	}
	return d.failed(ctx, "set", err)
}

// tooLarge removes what is under the name of an entry that is too large. most is the size that would not be, or -1.
func (d *Driver) tooLarge(ctx context.Context, s *server, n name, size, most int) error {
	limit := ""
	if most >= 0 {
		limit = fmt.Sprintf(", of which the server takes %d at most", most)
	}
	err := fmt.Errorf("memcached: set: %w: a value of %d bytes%s", drivers.ErrTooLarge, size, limit)
	if _, removal := s.remove(ctx, []string{n.text}); removal != nil {
		return errors.Join(err, d.failed(ctx, "remove what it was to replace", removal))
	}
	return err
}

// Delete removes keys and returns how many of them were live: on all servers at once, and in batches, not one by one.
func (d *Driver) Delete(ctx context.Context, keys ...string) (int, error) {
	if err := d.begin(ctx); err != nil {
		return 0, err
	}
	names := make([]name, len(keys))
	for i, key := range keys {
		names[i] = nameOf(key)
	}
	servers, kept, err := d.byServer(names)
	if err != nil {
		return 0, d.failed(ctx, "delete", err)
	}
	live, err := onEach(servers, func(s *server) (int, error) { return s.remove(ctx, kept[s]) })
	return live, d.failed(ctx, "delete", err)
}
