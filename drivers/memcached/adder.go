package memcached

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
	"github.com/gin-cachette/cachette/drivers/internal/marked"
	"github.com/gin-cachette/cachette/internal/bounded"
)

var (
	_ drivers.Adder = (*Driver)(nil)
	_ drivers.Log   = (*Driver)(nil)
)

// adding is a key that is to have a value.
type adding struct {
	key   string
	name  name
	least time.Duration // that is to be left of the life of a value that is there, or it is lengthened

	value []byte // nil as long as there is none
	added bool   // value was not there
	word  []byte // what was sent last
	old   *found // what is to be replaced by a longer life, or by a word where it has ended
}

// Add makes sure that keys have values, all servers at once: in one round trip for 64 keys, and another where a life is
// lengthened. The end of an entry being a part of it (see the package comment), that is a write, of the version that was read
// or not at all. It wants a server with such versions (CAS), which is one that was started without -C.
func (d *Driver) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	if err := d.begin(ctx); err != nil {
		return nil, err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return nil, fmt.Errorf("memcached: add: %w", err)
	}
	all := make([]adding, len(keys))
	var servers []*server
	kept := make(map[*server][]*adding)
	for i, key := range keys {
		all[i] = adding{key: key, name: nameOf(key), least: ttl / 2}
		s, err := d.serverOf(all[i].name)
		if err != nil {
			return nil, d.failed(ctx, "add", err)
		}
		if kept[s] == nil {
			servers = append(servers, s)
		}
		kept[s] = append(kept[s], &all[i])
	}
	_, err := onEach(servers, func(s *server) (int, error) {
		for some := range slices.Chunk(kept[s], batchAdds) {
			if err := s.use(ctx, func(l *link) error { return d.addAll(ctx, l, ttl, word, some) }); err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	if err != nil {
		return nil, d.failed(ctx, "add", err)
	}
	values := make([][]byte, len(keys))
	for i := range all {
		values[i] = all[i].value
	}
	return values, nil
}

// addAll adds until each has a value. It may be done again from its beginning, on another link: whatever it has sent is not
// sent again.
func (d *Driver) addAll(ctx context.Context, l *link, ttl time.Duration, word func() []byte, left []*adding) error {
	meta, err := l.hasMeta()
	if err != nil {
		return err
	}
	left = slices.Clone(left)
	for len(left) > 0 {
		if err := bounded.Err(ctx); err != nil {
			return err
		}
		l.extend(l.server.timeout)
		if err := d.addOnce(l, meta, ttl, word, left); err != nil {
			return err
		}
		if err := d.replaceOld(l, ttl, word, left); err != nil {
			return err
		}
		left = slices.DeleteFunc(left, func(a *adding) bool { return a.value != nil })
	}
	return nil
}

// addOnce adds a word under each name, and reads what is there.
func (d *Driver) addOnce(l *link, meta bool, ttl time.Duration, word func() []byte, all []*adding) error {
	now := time.Now()
	for _, a := range all {
		if err := a.renew(l, word); err != nil {
			return err
		}
		l.writeStored(a.name, dataOf(a.key, a.name, a.word), d.flagsFor(now, ttl, nil), ttl, now, nil)
		l.writeVersioned(meta, a.name)
	}
	nudged, err := l.flushAll()
	if err != nil {
		return err
	}
	for _, a := range all {
		added, refusal := l.readStored()
		if refusal != nil && !isFull(refusal) {
			return refusal
		}
		there, err := l.readLook(meta)
		if err != nil {
			return err
		}
		a.old = nil
		switch {
		case added:
			a.value, a.added = a.word, true
		case there != nil:
			err = a.found(there, time.Now())
		}
		if err == nil && a.value == nil {
			err = refusal // a full server still tells what it has
		}
		if err != nil {
			return err
		}
	}
	return l.readNudge(nudged)
}

// renew makes a word that was not sent yet.
func (a *adding) renew(l *link, word func() []byte) error {
	a.word = append([]byte{}, word()...)
	if most := l.server.maxValue(a.key, a.name); len(a.word) > most {
		return fmt.Errorf("%w: a value of %d bytes, of which the server takes %d at most", drivers.ErrTooLarge, len(a.word), most)
	}
	return nil
}

// found takes what is there for the value, if it lives, and decides whether it is to be replaced.
func (a *adding) found(there *found, now time.Time) error {
	if !there.live(now) {
		a.old = there
	} else {
		value, ok := valueOf(a.key, a.name, there.value)
		if !ok {
			return marked.Error{Err: errors.New("the entry is another key's"), Kind: drivers.ErrAnswered}
		}
		if there.expiresAt(now).Sub(now) >= a.least {
			a.value = value
			return nil
		}
		a.old = there
	}
	if there.cas == 0 {
		return errNoVersions
	}
	return nil
}

// replaceOld writes what has to be replaced. What another has changed meanwhile stays, and has no value yet.
func (d *Driver) replaceOld(l *link, ttl time.Duration, word func() []byte, all []*adding) error {
	var some []*adding
	now := time.Now()
	for _, a := range all {
		if a.old == nil {
			continue
		}
		data := a.old.value
		if a.old.live(now) {
			a.word, _ = valueOf(a.key, a.name, data)
		} else {
			if err := a.renew(l, word); err != nil {
				return err
			}
			data = dataOf(a.key, a.name, a.word)
		}
		some = append(some, a)
		l.writeStored(a.name, data, d.flagsFor(now, ttl, a.old), ttl, now, a.old)
	}
	if len(some) == 0 {
		return nil
	}
	nudged, err := l.flushAll()
	if err != nil {
		return err
	}
	for _, a := range some {
		stored, err := l.readStored()
		if err != nil {
			return err
		}
		if stored {
			a.value, a.added = a.word, !a.old.live(now)
		}
	}
	return l.readNudge(nudged)
}
