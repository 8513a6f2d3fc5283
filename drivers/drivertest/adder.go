package drivertest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// words makes words, none of them twice.
type words struct{ made atomic.Int64 }

func (w *words) word() []byte { return fmt.Append(nil, "word ", w.made.Add(1)) }

// adding is an Adder in a test.
type adding struct {
	drivers.Driver
	drivers.Adder
	words words
}

func (a *adding) add(t *testing.T, ttl time.Duration, keys ...string) []string {
	t.Helper()
	got, err := a.Add(t.Context(), ttl, a.words.word, keys...)
	if err != nil || len(got) != len(keys) {
		t.Fatalf("Add(%s) = %d values, %v, want %d", show(keys...), len(got), err, len(keys))
	}
	values := make([]string, len(got))
	for i, value := range got {
		if value == nil {
			t.Errorf("Add: the value of %s is nil", show(keys[i]))
		}
		values[i] = string(value)
	}
	return values
}

func testAdder(t *testing.T, h Harness, d drivers.Driver) {
	adder, ok := d.(drivers.Adder)
	if !ok {
		t.Skip("not a drivers.Adder")
	}
	a := &adding{Driver: d, Adder: adder}
	t.Run("None", func(t *testing.T) { a.add(t, long) })
	t.Run("Absent", func(t *testing.T) {
		wantValue(t, d, "absent", a.add(t, long, "absent")[0])
	})
	t.Run("Keeps", func(t *testing.T) {
		set(t, d, "kept", "value", long)
		if got := a.add(t, long, "kept")[0]; got != "value" {
			t.Errorf("Add returned %s, want what was there", show(got))
		}
		wantValue(t, d, "kept", "value")
	})
	t.Run("Empty", func(t *testing.T) {
		set(t, d, "empty", "", long)
		if got := a.add(t, long, "empty")[0]; got != "" {
			t.Errorf("Add returned %s, want the value of no bytes that was there", show(got))
		}
		got, err := a.Add(t.Context(), long, func() []byte { return []byte{} }, "empty word")
		if err != nil || len(got) != 1 || got[0] == nil || len(got[0]) != 0 {
			t.Errorf("Add of a word of no bytes = %q, %v", got, err)
		}
		wantValue(t, d, "empty word", "")
	})
	t.Run("InTheirOrder", func(t *testing.T) { a.inTheirOrder(t) })
	t.Run("Many", func(t *testing.T) { a.many(t) })
	t.Run("NotPositiveTTL", func(t *testing.T) {
		for _, ttl := range []time.Duration{0, -time.Second} {
			if _, err := a.Add(t.Context(), ttl, a.words.word, "refused"); err == nil {
				t.Errorf("Add with a ttl of %v: no error", ttl)
			}
			wantMiss(t, d, "refused")
		}
	})
	t.Run("TooLarge", func(t *testing.T) { a.tooLarge(t) })
	t.Run("Owned", func(t *testing.T) {
		set(t, d, "owned", "value", long)
		got, err := a.Add(t.Context(), long, a.words.word, "owned", "owned")
		if err != nil {
			t.Fatal(err)
		}
		copy(got[0], "XXXXX")
		if string(got[1]) != "value" {
			t.Errorf("two values share their bytes: changing one made the other %q", got[1])
		}
		wantValue(t, d, "owned", "value")
	})
	t.Run("Life", func(t *testing.T) { a.life(t, h) })
	t.Run("Expired", func(t *testing.T) { a.expired(t, h) })
	t.Run("AtOnce", func(t *testing.T) { a.atOnce(t, h) })
	t.Run("Removed", func(t *testing.T) { a.removed(t, h) })
	t.Run("WritesNothingBack", func(t *testing.T) { a.writesNothingBack(t, h) })
}

func (a *adding) inTheirOrder(t *testing.T) {
	set(t, a, "two", "2", long)
	set(t, a, "one", "1", long)
	keys := []string{"two", "none", "one", "odd \x00\r\n key", "two", strings.Repeat("k", 300)}
	got := a.add(t, long, keys...)
	if got[0] != "2" || got[2] != "1" || got[4] != "2" {
		t.Errorf("Add(%s) = %q, want the values of those that were there in their places", show(keys...), got)
	}
	for _, i := range []int{1, 3, 5} {
		if !strings.HasPrefix(got[i], "word ") {
			t.Errorf("value %d of %q is no new word", i, got)
		}
	}
	for i, key := range keys {
		wantValue(t, a, key, got[i])
	}
	if again := a.add(t, long, keys...); !slices.Equal(again, got) {
		t.Errorf("Add again = %q, want %q", again, got)
	}
}

func (a *adding) many(t *testing.T) {
	var keys []string // more than the 100 or so that stores take in one request
	for i := range 250 {
		keys = append(keys, fmt.Sprintf("many:%d", i))
	}
	got := a.add(t, long, keys...)
	seen := make(map[string]bool)
	for i, word := range got {
		if seen[word] {
			t.Fatalf("%s is the word of two keys", show(word))
		}
		seen[word] = true
		if i%50 == 0 || i == len(got)-1 {
			wantValue(t, a, keys[i], word)
		}
	}
	if again := a.add(t, long, keys...); !slices.Equal(again, got) {
		t.Error("Add again returned other values")
	}
	wantDeleted(t, a, len(keys), keys...) // a store that looks at all it has, for each operation, would be slow from here on
	same := []string{"same", "same", "same"}
	if got := a.add(t, long, same...); got[0] != got[1] || got[1] != got[2] {
		t.Errorf("Add(%s) = %q, want one word", show(same...), got)
	}
}

func (a *adding) tooLarge(t *testing.T) {
	limited, ok := a.Driver.(drivers.Limited)
	if !ok || limited.MaxValue("large") > 32<<20 {
		t.Skip("there is no limit, or it is too much to try")
	}
	large := bytes.Repeat([]byte("v"), limited.MaxValue("large")+1)
	if _, err := a.Add(t.Context(), long, func() []byte { return large }, "large"); !errors.Is(err, drivers.ErrTooLarge) {
		t.Errorf("Add of one byte more than MaxValue: %v, want ErrTooLarge", err)
	}
	wantMiss(t, a, "large")
}

// life looks at how long values live that were added, or found.
func (a *adding) life(t *testing.T, h Harness) {
	tolerance := max(time.Second, h.Resolution)
	for name, test := range map[string]struct {
		before, ttl     time.Duration // before is 0 for a key that is absent
		atLeast, atMost time.Duration
	}{
		"Added":       {0, time.Hour, time.Hour, time.Hour},
		"AddedFor45d": {0, 45 * 24 * time.Hour, 45 * 24 * time.Hour, 45 * 24 * time.Hour},
		"Lengthened":  {time.Minute, time.Hour, time.Hour, time.Hour},
		"Long":        {40 * time.Minute, time.Hour, 40 * time.Minute, time.Hour},
		"Longer":      {time.Hour, 10 * time.Minute, time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			key := "life:" + name
			before := time.Now()
			if test.before > 0 {
				set(t, a, key, "value", test.before)
			}
			value := a.add(t, test.ttl, key)[0]
			after := time.Now()
			item, err := a.Get(t.Context(), key)
			if err != nil || string(item.Value) != value {
				t.Fatalf("Get = %s, %v, want %s", show(string(item.Value)), err, show(value))
			}
			earliest, latest := before.Add(test.atLeast-tolerance), after.Add(test.atMost+tolerance)
			if item.ExpiresAt.Before(earliest) || item.ExpiresAt.After(latest) {
				t.Errorf("ExpiresAt is %v from now, want %v to %v", time.Until(item.ExpiresAt), test.atLeast, test.atMost)
			}
		})
	}
}

func (a *adding) expired(t *testing.T, h Harness) {
	const short = 200 * time.Millisecond
	before := time.Now()
	word := a.add(t, short, "added")[0]
	added := entry{"added", word, short, before, time.Now()}
	lengthened := a.lengthen(t, "lengthened", short)
	last := write(t, a, "expired", "value", time.Millisecond)
	added.watch(t, h, a)
	time.Sleep(max(time.Until(last.gone(h)), time.Until(lengthened.gone(h))))
	for _, key := range []string{"expired", "added"} {
		got := a.add(t, long, key)[0]
		if got == "value" || got == word {
			t.Errorf("Add(%q) returned %s, which had expired", key, show(got))
		}
		wantValue(t, a, key, got)
	}
	wantValue(t, a, "lengthened", "value")
}

// lengthen writes a value that has little time left, and adds to it. It does so again, with more, where a busy machine has let it expire in
// between.
func (a *adding) lengthen(t *testing.T, key string, ttl time.Duration) entry {
	t.Helper()
	for ; ; ttl *= 2 {
		e := write(t, a, key, "value", ttl)
		got := a.add(t, long, key)[0]
		if time.Since(e.before) >= ttl-early {
			continue
		}
		if got != e.value {
			t.Fatalf("Add(%q) returned %s, want what was there", key, show(got))
		}
		return e
	}
}

// atOnce has many add under the same keys.
func (a *adding) atOnce(t *testing.T, h Harness) {
	const goroutines = 32
	for round := range h.rounds() {
		keys := []string{fmt.Sprint("once:", round, ":1"), fmt.Sprint("once:", round, ":2")}
		got := make([][][]byte, goroutines)
		errs := make([]error, goroutines)
		together(goroutines, func(g int) { got[g], errs[g] = a.Add(t.Context(), long, a.words.word, keys...) })
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("Add: %v", err)
		}
		for g := range got {
			if !slices.EqualFunc(got[g], got[0], bytes.Equal) {
				t.Fatalf("of two that added at once, one was told %q and the other %q", got[0], got[g])
			}
		}
		wantValue(t, a, keys[0], string(got[0][0]))
		wantValue(t, a, keys[1], string(got[0][1]))
	}
}

// removed has values removed while others add: no word comes back that was removed before an Add began.
func (a *adding) removed(t *testing.T, h Harness) {
	const goroutines = 8
	var mu sync.Mutex
	gone := make(map[string]bool)
	rounds := 8 * h.rounds()
	together(goroutines, func(g int) {
		for range rounds {
			mu.Lock()
			before := make(map[string]bool, len(gone))
			for word := range gone {
				before[word] = true
			}
			mu.Unlock()
			got, err := a.Add(t.Context(), long, a.words.word, "removed")
			if err != nil || len(got) != 1 || !strings.HasPrefix(string(got[0]), "word ") {
				t.Errorf("Add = %q, %v, want a word", got, err)
				return
			}
			if before[string(got[0])] {
				t.Errorf("Add returned %s, which had been removed before", show(string(got[0])))
				return
			}
			if g > 1 {
				continue
			}
			if _, err := a.Delete(t.Context(), "removed"); err != nil {
				t.Errorf("Delete: %v", err)
				return
			}
			mu.Lock()
			gone[string(got[0])] = true
			mu.Unlock()
		}
	})
}

// writesNothingBack has values removed whose lives are lengthened at the same time.
func (a *adding) writesNothingBack(t *testing.T, h Harness) {
	for round := range 5 * h.rounds() {
		key := fmt.Sprint("back:", round)
		set(t, a, key, "value", time.Minute)
		var added, deleted error
		together(2, func(g int) {
			if g == round%2 {
				_, added = a.Add(t.Context(), long, a.words.word, key)
			} else {
				_, deleted = a.Delete(t.Context(), key)
			}
		})
		if err := errors.Join(added, deleted); err != nil {
			t.Fatal(err)
		}
		if item, err := a.Get(t.Context(), key); err == nil && string(item.Value) == "value" {
			t.Fatal("a value that was removed is there again: lengthening its life has written it back")
		}
	}
}
