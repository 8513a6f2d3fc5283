package drivertest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// purging is a Purger in a test. Its keys have one tag.
type purging struct {
	logging
	drivers.Purger
	drivers.Adder
}

func testPurger(t *testing.T, h Harness, d drivers.Driver) {
	purger, ok := d.(drivers.Purger)
	if !ok {
		t.Skip("not a drivers.Purger")
	}
	log, isLog := d.(drivers.Log)
	adder, isAdder := d.(drivers.Adder)
	if !isLog || !isAdder {
		t.Fatal("a drivers.Purger that is no drivers.Log, or no drivers.Adder")
	}
	p := purging{logging{d, log}, purger, adder}
	t.Run("Does", func(t *testing.T) { p.does(t) })
	t.Run("Many", func(t *testing.T) { p.many(t) })
	t.Run("Begins", func(t *testing.T) { p.begins(t) })
	t.Run("BegunAnew", func(t *testing.T) { p.begunAnew(t) })
	t.Run("Bounded", func(t *testing.T) { p.bounded(t) })
	t.Run("Large", func(t *testing.T) { p.large(t) })
	t.Run("Expiry", func(t *testing.T) { p.expiry(t, h) })
	t.Run("Refused", func(t *testing.T) {
		for _, bad := range []struct {
			keep int
			ttl  time.Duration
		}{{0, long}, {-1, long}, {1, 0}, {1, -time.Second}} {
			if err := p.Purge(t.Context(), "{p}refused", bad.keep, bad.ttl, [][]byte{[]byte("record")}); err == nil {
				t.Errorf("Purge with keep %d and a ttl of %v: no error", bad.keep, bad.ttl)
			}
		}
		wantDeleted(t, d, 0, "{p}refused")
	})
	t.Run("Owned", func(t *testing.T) {
		start, given := p.end(t, "{p}owned"), []byte("record")
		if err := p.Purge(t.Context(), "{p}owned", keep, long, [][]byte{given}); err != nil {
			t.Fatal(err)
		}
		copy(given, "XXXXXX")
		p.wantSince(t, "{p}owned", start, "record")
	})
	t.Run("RecordsFirst", func(t *testing.T) { p.recordsFirst(t, h) })
}

func (p purging) purge(t *testing.T, key string, records []string, keys ...string) {
	t.Helper()
	given := make([][]byte, len(records))
	for i, record := range records {
		given[i] = []byte(record)
	}
	if err := p.Purge(t.Context(), key, keep, long, given, keys...); err != nil {
		t.Fatalf("Purge(%s, %s, %d keys): %v", show(key), show(records...), len(keys), err)
	}
}

func (p purging) does(t *testing.T) {
	log, one, two, other := "{p}log", "{p}one", "{p}two", "{p}other"
	for _, key := range []string{one, two, other} {
		set(t, p.Driver, key, "value", long)
	}
	start := p.end(t, log)
	p.purge(t, log, []string{"1", "", "3"}, one, "{p}absent", two, one)
	for _, key := range []string{one, two} {
		wantMiss(t, p.Driver, key)
	}
	wantValue(t, p.Driver, other, "value")
	at := p.wantSince(t, log, start, "1", "", "3")
	p.append(t, log, keep, "4")
	p.purge(t, log, []string{"5"})
	p.wantSince(t, log, at, "4", "5")
	p.purge(t, log, nil, other)
	wantMiss(t, p.Driver, other)
	p.wantSince(t, log, at, "4", "5")
	p.purge(t, log, nil)
	if got := p.end(t, log); got == start {
		t.Errorf("End = %q, as before the purges", got)
	}
}

// many has more keys and records than a store takes at once.
func (p purging) many(t *testing.T) {
	var keys, records []string
	for i := range 1100 {
		keys = append(keys, fmt.Sprint("{p}many ", i))
	}
	for i := range 40 {
		records = append(records, fmt.Sprint("record ", i))
	}
	there := []string{keys[0], keys[len(keys)/2], keys[len(keys)-1]}
	for _, key := range there {
		set(t, p.Driver, key, "value", long)
	}
	start := p.end(t, "{p}many")
	p.purge(t, "{p}many", records, keys...)
	p.wantSince(t, "{p}many", start, records...)
	for _, key := range there {
		wantMiss(t, p.Driver, key)
	}
}

// begins has a purge begin a log.
func (p purging) begins(t *testing.T) {
	log, mark := "{p}begins", "{p}begins mark"
	set(t, p.Driver, mark, "value", long)
	p.purge(t, log, []string{"first"}, mark)
	wantMiss(t, p.Driver, mark)
	at := p.end(t, log)
	p.purge(t, log, []string{"second"})
	p.wantSince(t, log, at, "second")
}

// begunAnew has a log removed and begun anew between two purges: what a driver remembers of the one is not of the other.
func (p purging) begunAnew(t *testing.T) {
	const log = "{p}begun anew"
	for round := range 3 {
		old := p.end(t, log)
		p.purge(t, log, []string{"before"})
		wantDeleted(t, p.Driver, 1, log)
		if round > 0 {
			p.purge(t, log, []string{"into none"})
			p.wantIncomplete(t, log, old)
		}
		anew := p.end(t, log)
		p.purge(t, log, []string{"behind"})
		p.wantSince(t, log, anew, "behind")
		p.wantIncomplete(t, log, old)
		wantDeleted(t, p.Driver, 1, log)
	}
}

func (p purging) bounded(t *testing.T) {
	const log, few = "{p}bounded", 10
	var all []string
	purge := func(n int) {
		for range n {
			all = append(all, fmt.Sprint("record ", len(all)))
			if err := p.Purge(t.Context(), log, few, long, [][]byte{[]byte(all[len(all)-1])}); err != nil {
				t.Fatal(err)
			}
		}
	}
	start := p.end(t, log)
	purge(200)
	p.wantIncomplete(t, log, start)
	at := p.end(t, log)
	purge(few)
	p.wantSince(t, log, at, all[len(all)-few:]...)
}

// large appends more than some stores hold under a key.
func (p purging) large(t *testing.T) {
	record := string(make([]byte, 100<<10))
	for range 15 {
		before := p.end(t, "{p}large")
		p.purge(t, "{p}large", []string{record})
		p.wantSince(t, "{p}large", before, record)
	}
	if _, err := p.Clear(t.Context(), "{p}large"); err != nil {
		t.Error(err)
	}
}

// expiry has a purge lengthen the life of a log that soon ends, and begin one anew that has ended.
func (p purging) expiry(t *testing.T, h Harness) {
	const log = "{p}expiry"
	for brief := 500 * time.Millisecond; ; brief *= 2 {
		if brief > 10*time.Second {
			t.Fatal("the store does not do three operations within ten seconds")
		}
		begun := time.Now()
		if err := p.Append(t.Context(), log, keep, brief, []byte("brief")); err != nil {
			t.Fatal(err)
		}
		p.purge(t, log, []string{"long"})
		if time.Since(begun) >= brief {
			continue // a busy store: the log may have ended before
		}
		at, err := p.End(t.Context(), log, brief) // behind a record that lives long: what was appended for a brief time need not be there later
		if err != nil {
			t.Fatal(err)
		}
		const other = "{p}expired"
		if err := p.Append(t.Context(), other, keep, brief, []byte("brief")); err != nil {
			t.Fatal(err)
		}
		old, err := p.End(t.Context(), other, brief)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(brief + h.Resolution)
		p.wantSince(t, log, at)
		p.purge(t, other, []string{"anew"})
		p.wantIncomplete(t, other, old)
		anew := p.end(t, other)
		p.purge(t, other, []string{"behind"})
		p.wantSince(t, other, anew, "behind")
		return
	}
}

// recordsFirst has fills race with purges, as cachette does it: a fill takes the position, then adds a mark, and then looks into the log. If its mark
// is there when the purge has returned, the log has told it of the purge. Several purges at once append to one log.
func (p purging) recordsFirst(t *testing.T, h Harness) {
	const log, pairs = "{p}first", 4
	ctx := t.Context()
	for round := range 5 * h.rounds() {
		errs := make([]error, 2*pairs)
		words, told := make([]string, pairs), make([]bool, pairs)
		mark := func(i int) string { return fmt.Sprint("{p}mark ", round, " ", i) }
		record := func(i int) string { return fmt.Sprint("purge ", round, " ", i) }
		var begun [pairs]drivers.Position
		for i := range pairs {
			begun[i] = p.end(t, log)
		}
		together(2*pairs, func(n int) {
			i := n / 2
			if n%2 == 1 {
				errs[n] = p.Purge(ctx, log, keep, long, [][]byte{[]byte(record(i))}, mark(i))
				return
			}
			for range round % 5 { // so that the two do not always meet in the same way
				_, _, _, _ = p.Since(ctx, log, begun[i])
			}
			added, err := p.Add(ctx, long, func() []byte { return fmt.Append(nil, "word ", i) }, mark(i))
			if err != nil {
				errs[n] = err
				return
			}
			records, _, complete, err := p.Since(ctx, log, begun[i])
			words[i], told[i], errs[n] = string(added[0]), !complete, err
			for _, r := range records {
				told[i] = told[i] || string(r) == record(i)
			}
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		for i := range pairs {
			item, err := p.Get(ctx, mark(i))
			if err == nil && string(item.Value) == words[i] && !told[i] {
				t.Fatalf("round %d: a mark that was added while it was purged is there, and the log did not tell of the purge", round)
			}
		}
	}
}
