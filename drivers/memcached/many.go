package memcached

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

var (
	_ drivers.BatchSetter = (*Driver)(nil)
	_ drivers.Inserter    = (*Driver)(nil)
)

// batchBytes bounds the values that are sent before the answers to them are read.
const batchBytes = 1 << 20

// SetValues stores values, on all servers at once: in one round trip for 200 of them, or for a mebibyte.
func (d *Driver) SetValues(ctx context.Context, ttl time.Duration, keys []string, values [][]byte) []error {
	err := d.begin(ctx)
	if err == nil {
		if err = logrecord.CheckTTL(ttl); err != nil {
			err = fmt.Errorf("memcached: set values: %w", err)
		}
	}
	if err != nil {
		return slices.Repeat([]error{err}, len(keys))
	}
	errs := make([]error, len(keys))
	var servers []*server
	kept := make(map[*server][]*putting)
	for i, key := range keys {
		p := &putting{key: key, name: nameOf(key), value: values[i], err: &errs[i]}
		s, err := d.serverOf(p.name)
		if err != nil {
			errs[i] = d.failed(ctx, "set values", err)
			continue
		}
		if kept[s] == nil {
			servers = append(servers, s)
		}
		kept[s] = append(kept[s], p)
	}
	_, _ = onEach(servers, func(s *server) (int, error) {
		d.setAll(ctx, s, ttl, kept[s])
		return 0, nil
	})
	return errs
}

// putting is a value that is to be stored.
type putting struct {
	key   string
	name  name
	value []byte
	err   *error // what becomes of it
}

// setAll stores values on one server, and notes what has become of each.
func (d *Driver) setAll(ctx context.Context, s *server, ttl time.Duration, all []*putting) {
	for len(all) > 0 {
		n, size := 0, 0
		for n < len(all) && n < batch && (n == 0 || size+len(all[n].value) <= batchBytes) {
			size += len(all[n].value)
			n++
		}
		some := slices.DeleteFunc(all[:n:n], func(p *putting) bool {
			*p.err = d.checkSize(ctx, s, p)
			return *p.err != nil
		})
		if err := d.setSome(ctx, s, ttl, some); err != nil {
			for _, p := range some {
				*p.err = d.failed(ctx, "set values", err)
			}
		}
		all = all[n:]
	}
}

// checkSize refuses a value that is larger than the server takes, as Set does.
func (d *Driver) checkSize(ctx context.Context, s *server, p *putting) error {
	if len(p.name.text)+len(p.key)+len(p.value) <= smallItem {
		return nil
	}
	if s.mayLearn() {
		if err := s.learn(ctx); err != nil {
			return d.failed(ctx, "set values", err)
		}
	}
	if most := s.maxValue(p.key, p.name); len(p.value) > most {
		return d.tooLarge(ctx, s, p.name, len(p.value), most)
	}
	return nil
}

// setSome stores values in one round trip. What the server refuses of them is noted; the error is that of all.
func (d *Driver) setSome(ctx context.Context, s *server, ttl time.Duration, all []*putting) error {
	if len(all) == 0 {
		return nil
	}
	refused := make([]error, len(all))
	err := s.use(ctx, func(l *link) error {
		now := time.Now()
		for _, p := range all {
			data := dataOf(p.key, p.name, p.value)
			l.sendWrite(fmt.Sprintf("set %s %d %d %d", p.name.text, d.flagsFor(now, ttl, nil), exptime(now, ttl), len(data)), data)
		}
		nudged, err := l.flushAll()
		if err != nil {
			return err
		}
		for i := range all {
			stored, err := l.readStored()
			if err == nil && !stored {
				err = errNotStored
			}
			var answer *answerError
			if err != nil && err != errNotStored && !errors.As(err, &answer) {
				return err // not the server's
			}
			refused[i] = err
		}
		return l.readNudge(nudged)
	})
	if err != nil {
		return err
	}
	for i, p := range all {
		if errors.Is(refused[i], drivers.ErrTooLarge) { // the server takes less than it did when it was asked
			*p.err = d.tooLarge(ctx, s, p.name, len(p.value), -1)
		} else {
			*p.err = d.failed(ctx, "set values", refused[i])
		}
	}
	return nil
}

// errUntold says that the answer to what inserts a value was lost.
var errUntold = errors.New("the connection was cut, so it is not known whether the value that is there is this one")

// Insert stores value under key for ttl unless there is a live value: in one round trip, and in another where one is there that has ended. It wants
// versions of entries, as Add does.
func (d *Driver) Insert(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if err := d.begin(ctx); err != nil {
		return false, err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return false, fmt.Errorf("memcached: insert: %w", err)
	}
	a := &adding{key: key, name: nameOf(key)}
	s, err := d.serverOf(a.name)
	if err != nil {
		return false, d.failed(ctx, "insert", err)
	}
	sent := 0
	err = s.use(ctx, func(l *link) error { // which does it again where the link turns out to be dead
		sent++
		return d.addAll(ctx, l, ttl, func() []byte { return value }, []*adding{a})
	})
	if err == nil && !a.added && sent > 1 && bytes.Equal(a.value, value) {
		err = errUntold
	}
	return a.added && err == nil, d.failed(ctx, "insert", err)
}
