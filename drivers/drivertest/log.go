package drivertest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// keep is how many records the logs of the tests hold that are not about it.
const keep = 10_000

// logging is a Log in a test.
type logging struct {
	drivers.Driver
	drivers.Log
}

func (l logging) append(t *testing.T, key string, keep int, records ...string) {
	t.Helper()
	given := make([][]byte, len(records))
	for i, record := range records {
		given[i] = []byte(record)
	}
	if err := l.Append(t.Context(), key, keep, long, given...); err != nil {
		t.Fatalf("Append(%s, %s): %v", show(key), show(records...), err)
	}
}

func (l logging) end(t *testing.T, key string) drivers.Position {
	t.Helper()
	position, err := l.End(t.Context(), key, long)
	if err != nil || position == "" {
		t.Fatalf("End(%s) = %q, %v, want a position", show(key), position, err)
	}
	return position
}

// wantSince checks what is behind a position, and returns the position behind that.
func (l logging) wantSince(t *testing.T, key string, from drivers.Position, want ...string) drivers.Position {
	t.Helper()
	records, end, complete, err := l.Since(t.Context(), key, from)
	if err != nil || !complete || end == "" {
		t.Fatalf("Since(%s, %q) = %d records, %q, %t, %v, want %s", show(key), from, len(records), end, complete, err, show(want...))
	}
	if !slices.EqualFunc(records, want, func(got []byte, want string) bool { return string(got) == want }) {
		t.Errorf("Since(%s) = %q, want %s", show(key), records, show(want...))
	}
	return end
}

func (l logging) wantIncomplete(t *testing.T, key string, from drivers.Position) {
	t.Helper()
	records, end, complete, err := l.Since(t.Context(), key, from)
	if err != nil || complete || len(records) > 0 || end != "" {
		t.Errorf("Since(%s, %q) = %q, %q, %t, %v, want it to be incomplete", show(key), from, records, end, complete, err)
	}
}

func testLog(t *testing.T, h Harness, d drivers.Driver) {
	log, ok := d.(drivers.Log)
	if !ok {
		t.Skip("not a drivers.Log")
	}
	l := logging{d, log}
	t.Run("End", func(t *testing.T) {
		first := l.end(t, "begun")
		if again := l.end(t, "begun"); again != first {
			t.Errorf("End = %q, and then %q, with nothing appended", first, again)
		}
		if end := l.wantSince(t, "begun", first); end != first {
			t.Errorf("Since %q ends at %q, with nothing appended", first, end)
		}
	})
	t.Run("Append", func(t *testing.T) { l.inOrder(t) })
	t.Run("Unknown", func(t *testing.T) { l.unknown(t) })
	t.Run("Removed", func(t *testing.T) { l.removed(t) })
	t.Run("Bounded", func(t *testing.T) { l.bounded(t) })
	t.Run("Large", func(t *testing.T) { l.large(t) })
	t.Run("NoRoom", func(t *testing.T) { l.noRoom(t) })
	t.Run("Refused", func(t *testing.T) {
		for _, bad := range []struct {
			keep int
			ttl  time.Duration
		}{{0, long}, {-1, long}, {1, 0}, {1, -time.Second}} {
			if err := l.Append(t.Context(), "refused", bad.keep, bad.ttl, []byte("record")); err == nil {
				t.Errorf("Append with keep %d and a ttl of %v: no error", bad.keep, bad.ttl)
			}
		}
		if _, err := l.End(t.Context(), "refused", 0); err == nil {
			t.Error("End with a ttl of 0: no error")
		}
		wantDeleted(t, d, 0, "refused")
	})
	t.Run("Owned", func(t *testing.T) {
		start, given := l.end(t, "owned"), []byte("record")
		if err := l.Append(t.Context(), "owned", keep, long, given); err != nil {
			t.Fatal(err)
		}
		copy(given, "XXXXXX")
		l.wantSince(t, "owned", start, "record")
		records, _, _, err := l.Since(t.Context(), "owned", start)
		if err != nil {
			t.Fatal(err)
		}
		copy(records[0], "XXXXXX")
		l.wantSince(t, "owned", start, "record")
	})
	t.Run("Expiry", func(t *testing.T) { l.expiry(t, h) })
	t.Run("BegunAtOnce", func(t *testing.T) { l.begunAtOnce(t, h) })
	t.Run("Concurrent", func(t *testing.T) { l.concurrent(t, h) })
}

func (l logging) inOrder(t *testing.T) {
	start := l.end(t, "log")
	l.append(t, "log", keep, "one")
	one := l.end(t, "log")
	if one == start {
		t.Error("an Append has not moved the end")
	}
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	l.append(t, "log", keep, "two", "", string(everyByte), "two")
	l.append(t, "log", keep)
	all := []string{"one", "two", "", string(everyByte), "two"}
	end := l.wantSince(t, "log", start, all...)
	l.wantSince(t, "log", one, all[1:]...)
	l.wantSince(t, "log", end)
	if got := l.end(t, "log"); got != end {
		t.Errorf("End = %q, and Since ends at %q", got, end)
	}
	l.append(t, "log", keep, "three")
	l.wantSince(t, "log", end, "three")

	l.append(t, "odd \x00\r\n log", keep, "begins it") // no End before
	end = l.end(t, "odd \x00\r\n log")
	l.append(t, "odd \x00\r\n log", keep, "more")
	l.wantSince(t, "odd \x00\r\n log", end, "more")
}

func (l logging) unknown(t *testing.T) {
	other := l.end(t, "other log")
	l.wantIncomplete(t, "no log", other)
	l.wantIncomplete(t, "no log", "")
	wantDeleted(t, l, 0, "no log") // Since has not begun it
	l.append(t, "a log", keep, "record", "record")
	for _, from := range []drivers.Position{other, "", "0", "no position", "1-1", "AAAAAAAAAAAAAAAAAAAAAA", drivers.Position(strings.Repeat("long", 300))} {
		l.wantIncomplete(t, "a log", from)
	}
}

func (l logging) removed(t *testing.T) {
	for name, remove := range map[string]func(t *testing.T, key string){
		"Delete": func(t *testing.T, key string) { wantDeleted(t, l, 1, key) },
		"Clear": func(t *testing.T, key string) {
			if n, err := l.Clear(t.Context(), key[:len(key)-1]); n == 0 || err != nil {
				t.Errorf("Clear = %d, %v, want what the log consists of", n, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			key := "removed:" + name
			start := l.end(t, key)
			l.append(t, key, keep, "1", "2")
			middle := l.end(t, key)
			l.append(t, key, keep, "3", "4")
			remove(t, key)
			wantDeleted(t, l, 0, key)
			l.wantIncomplete(t, key, start)
			l.wantIncomplete(t, key, middle)
			again := l.end(t, key)
			if again == start || again == middle {
				t.Errorf("a log that was begun anew has the position %q of the old one", again)
			}
			l.append(t, key, keep, "1", "2")
			l.append(t, key, keep, "3", "4")
			l.wantIncomplete(t, key, start)
			l.wantIncomplete(t, key, middle)
			l.wantSince(t, key, again, "1", "2", "3", "4")
		})
	}
}

func (l logging) bounded(t *testing.T) {
	const few = 10
	var positions []drivers.Position
	var all []string
	positions = append(positions, l.end(t, "bounded"))
	for i := range 8 {
		var some []string
		for k := range 25 {
			some = append(some, fmt.Sprintf("%d.%d", i, k))
		}
		l.append(t, "bounded", few, some...)
		all, positions = append(all, some...), append(positions, l.end(t, "bounded"))
	}
	l.wantIncomplete(t, "bounded", positions[0])
	l.wantIncomplete(t, "bounded", positions[1])
	end := positions[len(positions)-1]
	for i := range few {
		l.append(t, "bounded", few, fmt.Sprint("last.", i))
		all = append(all, fmt.Sprint("last.", i))
	}
	l.wantSince(t, "bounded", end, all[len(all)-few:]...)

	// More at once than are kept: all of them, or none.
	start := l.end(t, "at once")
	l.append(t, "at once", 2, "1", "2", "3", "4", "5")
	if records, _, complete, err := l.Since(t.Context(), "at once", start); err != nil || complete && len(records) != 5 {
		t.Errorf("Since = %q, %t, %v, want all 5, or incomplete", records, complete, err)
	}
}

// large appends more than some stores hold under a key.
func (l logging) large(t *testing.T) {
	record := strings.Repeat("r", 100<<10)
	start := l.end(t, "large")
	for range 15 {
		before := l.end(t, "large")
		l.append(t, "large", 12, record)
		l.wantSince(t, "large", before, record)
	}
	l.wantIncomplete(t, "no large", start)
	if _, err := l.Clear(t.Context(), "large"); err != nil { // a store that looks at all it has, for each operation, would be slow from here on
		t.Error(err)
	}
}

// noRoom tries a key that leaves no room for anything under it.
func (l logging) noRoom(t *testing.T) {
	limited, ok := l.Driver.(drivers.Limited)
	if !ok || limited.MaxValue("k") > 32<<20 {
		t.Skip("there is no limit, or it is too much to try")
	}
	key := strings.Repeat("k", limited.MaxValue("")+1)
	if limited.MaxValue(key) >= 0 {
		t.Skip("a key takes no room of its value's")
	}
	if _, err := l.End(t.Context(), key, long); !errors.Is(err, drivers.ErrTooLarge) {
		t.Errorf("End(%s), for which there is no room: %v, want ErrTooLarge", show(key), err)
	}
	if err := l.Append(t.Context(), key, keep, long, []byte("record")); !errors.Is(err, drivers.ErrTooLarge) {
		t.Errorf("Append(%s), for which there is no room: %v, want ErrTooLarge", show(key), err)
	}
}

// expiry tries it with a life in which the store does several operations: a busy one wants a longer one.
func (l logging) expiry(t *testing.T, h Harness) {
	short := 500 * time.Millisecond
	for !l.expiresIn(t, h, short) {
		if short *= 2; short > 10*time.Second {
			t.Fatal("the store does not do ten operations within ten seconds")
		}
	}
}

// expiresIn returns false where the store was too slow for that.
func (l logging) expiresIn(t *testing.T, h Harness, short time.Duration) bool {
	t.Helper()
	name := func(key string) string { return key + " " + short.String() }
	began := time.Now()
	brief := func(key string) drivers.Position {
		t.Helper()
		if err := l.Append(t.Context(), key, keep, short, []byte("record")); err != nil {
			t.Fatal(err)
		}
		position, err := l.End(t.Context(), key, short)
		if err != nil {
			t.Fatal(err)
		}
		return position
	}
	appended, extended := name("appended"), name("extended")
	gone, briefly := name("gone"), name("begun briefly")
	first, end, last := brief(appended), brief(extended), brief(gone)
	begun, err := l.End(t.Context(), briefly, short)
	if err != nil {
		t.Fatal(err)
	}
	l.append(t, appended, keep, "more")
	l.end(t, extended)
	after := time.Now()
	if after.Sub(began) >= short {
		return false
	}
	first = l.wantSince(t, appended, first, "more")
	time.Sleep(time.Until(after.Add(short + h.Resolution)))
	l.wantSince(t, appended, first)
	l.wantSince(t, extended, end)
	l.wantIncomplete(t, gone, last)
	l.wantIncomplete(t, briefly, begun)
	if again := l.end(t, gone); again == last {
		t.Error("a log that had expired was not begun anew")
	}
	l.wantIncomplete(t, gone, last)
	wantDeleted(t, l, 0, briefly)
	l.append(t, briefly, keep, "again")
	l.wantIncomplete(t, briefly, begun)
	return true
}

// begunAtOnce has many begin the same log: they begin one.
func (l logging) begunAtOnce(t *testing.T, h Harness) {
	const goroutines = 8
	for round := range h.rounds() {
		key := fmt.Sprint("at once:", round)
		positions, errs := make([]drivers.Position, goroutines), make([]error, goroutines)
		together(goroutines, func(g int) {
			if g%2 == 1 && round%2 == 1 {
				errs[g] = l.Append(t.Context(), key, keep, long, fmt.Append(nil, g))
			}
			if errs[g] == nil {
				positions[g], errs[g] = l.End(t.Context(), key, long)
			}
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		for _, position := range positions {
			if _, _, complete, err := l.Since(t.Context(), key, position); !complete || err != nil {
				t.Fatalf("Since(End) = complete %t, %v: two have begun two logs", complete, err)
			}
		}
	}
}

// concurrent has writers append while readers follow: each sees what was appended behind its position, all of it, in the
// order in which the others see it.
func (l logging) concurrent(t *testing.T, h Harness) {
	const writers, readers = 4, 4
	rounds := 5 * h.rounds()
	l.end(t, "followed")
	finished := make(chan struct{})
	seen := make([][]string, readers)
	ends := make([]drivers.Position, readers)
	var reading sync.WaitGroup
	for r := range readers {
		reading.Go(func() {
			at, err := l.End(t.Context(), "followed", long)
			if err != nil {
				t.Errorf("End: %v", err)
				return
			}
			for last := false; !last; {
				select {
				case <-finished:
					last = true
				default:
				}
				records, end, complete, err := l.Since(t.Context(), "followed", at)
				if err != nil || !complete {
					t.Errorf("Since = complete %t, %v", complete, err)
					return
				}
				for _, record := range records {
					seen[r] = append(seen[r], string(record))
				}
				at, ends[r] = end, end
			}
		})
	}
	together(writers, func(w int) {
		for i := range rounds {
			before, err := l.End(t.Context(), "followed", long)
			record := fmt.Append(nil, w, ".", i)
			if err == nil {
				err = l.Append(t.Context(), "followed", keep, long, record)
			}
			if err != nil {
				t.Errorf("Append: %v", err)
				return
			}
			records, _, complete, err := l.Since(t.Context(), "followed", before)
			if err != nil || !complete || !slices.ContainsFunc(records, func(r []byte) bool { return bytes.Equal(r, record) }) {
				t.Errorf("Since = %d records, complete %t, %v, without %s, which was appended", len(records), complete, err, record)
				return
			}
		}
	})
	close(finished)
	reading.Wait()
	wantSame(t, seen, ends)
}

// wantSame wants readers to have seen the same records, from some moment on and to the same end.
func wantSame(t *testing.T, seen [][]string, ends []drivers.Position) {
	t.Helper()
	for r := range seen {
		shorter, longer := seen[r], seen[0]
		if len(shorter) > len(longer) {
			shorter, longer = longer, shorter
		}
		if !slices.Equal(shorter, longer[len(longer)-len(shorter):]) || ends[r] != ends[0] {
			t.Errorf("two readers saw %d and %d records, in different orders or to different ends", len(seen[0]), len(seen[r]))
		}
	}
}
