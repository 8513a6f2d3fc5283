package memcached

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

var _ drivers.Purger = (*Driver)(nil)

// Append adds records to the log under key, in one round trip. Another two follow where there is no log yet, where its life is to be lengthened, and
// where it may hold twice as many records as are kept; and four on a server before Memcached 1.6. It holds as many of the last records as fit into an
// item of the server, a mebibyte unless it was started with another limit (-I). It wants a server that was started without -C.
func (d *Driver) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	return d.purge(ctx, "append", key, keep, ttl, records, nil)
}

// Purge does what Append does, and deletes keys in the same round trips, 200 in the first: a server carries out what comes over one connection in its
// order.
func (d *Driver) Purge(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
	return d.purge(ctx, "purge", key, keep, ttl, records, keys)
}

func (d *Driver) purge(ctx context.Context, operation, key string, keep int, ttl time.Duration, records [][]byte, keys []string) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	if err := logrecord.Check(keep, ttl); err != nil {
		return fmt.Errorf("memcached: %s: %w", operation, err)
	}
	p := purging{driver: d, key: key, name: nameOf(key), keep: keep, ttl: ttl, records: records}
	s, err := d.serverOf(p.name)
	if err != nil {
		return d.failed(ctx, operation, err)
	}
	var elsewhere []string
	for _, key := range keys {
		n := nameOf(key)
		if of, err := d.serverOf(n); err == nil && of == s {
			p.marks = append(p.marks, n.text)
		} else {
			elsewhere = append(elsewhere, key)
		}
	}
	if err := p.run(ctx, s); err != nil {
		return d.failed(ctx, operation, err)
	}
	if len(elsewhere) > 0 {
		_, err = d.Delete(ctx, elsewhere...)
	}
	return err
}

// purging is a purge: what goes into a log, and the names of what is deleted.
type purging struct {
	driver  *Driver
	key     string
	name    name
	keep    int
	ttl     time.Duration
	records [][]byte
	marks   []string // on the server of the log
}

// run appends, and deletes the first of the marks with that, and the others behind.
func (p *purging) run(ctx context.Context, s *server) error {
	first := p.marks[:min(len(p.marks), batch)]
	if len(p.records) == 0 {
		first = nil
	} else if appended, err := p.append(ctx, s, first); err != nil {
		return err
	} else if !appended {
		change := logrecord.Appending(p.records, p.keep)
		if _, err := p.driver.update(ctx, p.key, p.ttl, change, first); err != nil {
			return err
		}
		p.driver.grown.forget(p.name.text)
	}
	_, err := s.remove(ctx, p.marks[len(first):])
	return err
}

// append adds the records to the end of the log as it is, and deletes marks. It reports false where there is none to which they could be added.
func (p *purging) append(ctx context.Context, s *server, marks []string) (appended bool, err error) {
	var log *found
	err = s.use(ctx, func(l *link) error {
		meta, err := l.hasMeta()
		if err != nil || !meta {
			return err
		}
		data := logrecord.Encode(logrecord.PackAll(p.records)) // with words of their own, also if it is sent again
		l.sendWrite(fmt.Sprintf("append %s 0 0 %d", p.name.text, len(data)), data)
		appended, err = l.storedBefore(len(data), func() {
			l.send("mg " + p.name.text + " f t s")
			l.sendRemovals(meta, marks)
		})
		if err != nil && !errors.Is(err, drivers.ErrTooLarge) {
			return err
		}
		if log, err = l.readLook(meta); err != nil {
			return err
		}
		return l.readRemovals(marks)
	})
	if err != nil || !appended || log == nil { // where the log is gone again, so is all that was to be told of
		return appended, err
	}
	now := time.Now()
	if !log.live(now) { // readers do not see it
		return false, nil
	}
	if log.expiresAt(now).Sub(now) < p.ttl/2 || log.size > p.driver.grown.upTo(p.name.text, p.keep) {
		return true, p.tidy(ctx)
	}
	return true, nil
}

// tidy takes records off a log that has many more than are to be kept, and lengthens its life.
func (p *purging) tidy(ctx context.Context) error {
	records, err := p.driver.update(ctx, p.key, p.ttl, logrecord.Tidying(p.keep, p.ttl), nil)
	if err == nil {
		p.driver.grown.note(p.name.text, logrecord.MayGrowTo(records, p.keep))
	}
	return err
}

// sharedData is how many bytes of a value may have other commands behind them that are sent before it is answered. What is behind a value that does not
// come in one piece is lost on a server with TLS until more comes: it waits for the network, and has it already.
const sharedData = 512

// storedBefore sends a write, with the commands that behind adds, and reads whether it was stored. What behind adds is answered then.
func (l *link) storedBefore(size int, behind func()) (stored bool, err error) {
	if size <= sharedData {
		behind()
	}
	if err := l.flush(); err != nil {
		return false, err
	}
	stored, refusal := l.readStored()
	if size > sharedData && (refusal == nil || errors.Is(refusal, drivers.ErrTooLarge)) {
		behind()
		if err := l.flush(); err != nil {
			return false, err
		}
	}
	return stored, refusal
}

// sendRemovals adds commands that delete what is under names, and readRemovals reads the answers.
func (l *link) sendRemovals(meta bool, names []string) {
	for _, name := range names {
		if meta {
			l.sendWrite("md "+name, nil)
		} else {
			l.sendWrite("delete "+name, nil)
		}
	}
}

func (l *link) readRemovals(names []string) error {
	for range names {
		answer, err := l.line()
		if err != nil {
			return err
		}
		switch answer {
		case "HD", "DELETED", "NF", "NOT_FOUND":
		default:
			return &answerError{answer}
		}
	}
	return nil
}

// grown says up to which size the records of a log, by its name, need not be counted.
type grown struct {
	mu    sync.Mutex
	sizes map[string]int
}

const mostGrown = 1000 // names: beyond, all are forgotten, which costs a look at each log

func (g *grown) upTo(name string, keep int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if size, ok := g.sizes[name]; ok {
		return size
	}
	return logrecord.MayGrowTo(nil, keep)
}

func (g *grown) note(name string, size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sizes == nil || len(g.sizes) >= mostGrown {
		g.sizes = make(map[string]int)
	}
	g.sizes[name] = size
}

// forget is for a log that was begun.
func (g *grown) forget(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sizes, name)
}
