package memcached

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Keys implements [drivers.Lister], by the list that a server's crawler makes, for which it needs what [Driver.Clear] needs. Of servers before 1.6.9 a
// few may be missing that are asked for meanwhile.
func (d *Driver) Keys(ctx context.Context, prefix string, most int) (keys []string, all bool, err error) {
	if err := d.begin(ctx); err != nil {
		return nil, false, err
	}
	servers, err := d.all()
	if err != nil {
		return nil, false, d.failed(ctx, "keys", err)
	}
	var lock sync.Mutex
	all = true
	_, err = onEach(servers, func(s *server) (int, error) {
		some, whole, err := s.keys(ctx, prefix, most)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", s.addr, err)
		}
		lock.Lock()
		defer lock.Unlock()
		keys, all = append(keys, some...), all && whole
		return 0, nil
	})
	if err != nil {
		return nil, false, d.failed(ctx, "keys", err)
	}
	return keys, all, nil
}

// keys returns the keys, or their beginnings, that begin with prefix, of the most that it looks at.
func (s *server) keys(ctx context.Context, prefix string, most int) (keys []string, all bool, err error) {
	names, all, err := s.list(ctx, "hash", prefix, most)
	if errors.Is(err, errBadClass) {
		names, all, err = s.list(ctx, "all", prefix, most)
	}
	if err != nil {
		return nil, false, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return begins(name, prefix) != yes })
	for _, name := range names {
		origin, _ := originOf(name)
		keys = append(keys, origin.head)
	}
	return keys, all, nil
}
