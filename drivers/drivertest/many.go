package drivertest

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// setting is a BatchSetter in a test.
type setting struct {
	drivers.Driver
	drivers.BatchSetter
}

// set stores values under the keys at their places, and wants an error for those that want says, by their keys.
func (s setting) set(t *testing.T, ttl time.Duration, keys, values []string, want func(key string, err error) bool) {
	t.Helper()
	data := make([][]byte, len(values))
	for i, value := range values {
		data[i] = []byte(value)
	}
	errs := s.SetValues(t.Context(), ttl, keys, data)
	if errs != nil && len(errs) != len(keys) {
		t.Fatalf("SetValues(%s) = %d errors, want one for each of %d keys, or nil", show(keys...), len(errs), len(keys))
	}
	for i, key := range keys {
		var err error
		if errs != nil {
			err = errs[i]
		}
		if !want(key, err) {
			t.Errorf("SetValues: the error of %s is %v", show(key), err)
		}
	}
}

// fine wants no error.
func fine(_ string, err error) bool { return err == nil }

func testBatchSetter(t *testing.T, h Harness, d drivers.Driver) {
	setter, ok := d.(drivers.BatchSetter)
	if !ok {
		t.Skip("not a drivers.BatchSetter")
	}
	s := setting{d, setter}
	t.Run("None", func(t *testing.T) { s.set(t, long, nil, nil, fine) })
	t.Run("InTheirOrder", func(t *testing.T) {
		set(t, d, "replaced", "old", long)
		keys, values := []string{"two", "replaced", "empty", "odd \x00\r\n key", strings.Repeat("k", 300)}, []string{"2", "new", "", "odd", "long"}
		s.set(t, long, keys, values, fine)
		for i, key := range keys {
			wantValue(t, d, key, values[i])
		}
	})
	t.Run("Nil", func(t *testing.T) {
		if errs := s.SetValues(t.Context(), long, []string{"nil"}, [][]byte{nil}); errs != nil && errs[0] != nil {
			t.Fatalf("SetValues: %v", errs[0])
		}
		wantValue(t, d, "nil", "")
	})
	t.Run("Many", func(t *testing.T) { s.many(t) })
	t.Run("Large", func(t *testing.T) {
		// Together more than a store takes in one request, where it has a limit of some values.
		keys, value := []string{"large:1", "large:2", "small"}, strings.Repeat("v", h.MaxValue)
		s.set(t, long, keys, []string{value, value, "small"}, fine)
		wantValue(t, d, "large:1", value)
		wantValue(t, d, "large:2", value)
		wantValue(t, d, "small", "small")
	})
	t.Run("TooLarge", func(t *testing.T) { s.tooLarge(t) })
	t.Run("NotPositiveTTL", func(t *testing.T) {
		set(t, d, "kept", "value", long)
		for _, ttl := range []time.Duration{0, -time.Second} {
			s.set(t, ttl, []string{"kept", "refused"}, []string{"other", "other"}, func(_ string, err error) bool { return err != nil })
		}
		wantValue(t, d, "kept", "value")
		wantMiss(t, d, "refused")
	})
	t.Run("Given", func(t *testing.T) {
		value := []byte("as it was")
		if errs := s.SetValues(t.Context(), long, []string{"given"}, [][]byte{value}); errs != nil && errs[0] != nil {
			t.Fatalf("SetValues: %v", errs[0])
		}
		copy(value, "CHANGED")
		wantValue(t, d, "given", "as it was")
	})
	t.Run("Expiry", func(t *testing.T) {
		const ttl = 200 * time.Millisecond
		before := time.Now()
		s.set(t, ttl, []string{"brief:1", "brief:2"}, []string{"value", "value"}, fine)
		after := time.Now()
		for _, key := range []string{"brief:1", "brief:2"} {
			entry{key, "value", ttl, before, after}.watch(t, h, d)
		}
	})
}

func (s setting) many(t *testing.T) {
	var keys, values []string // more than the 100 or so that stores take in one request
	for i := range 250 {
		keys, values = append(keys, fmt.Sprintf("many:%d", i)), append(values, fmt.Sprint(i))
	}
	for range 2 { // what is there is replaced as well
		s.set(t, long, keys, values, fine)
	}
	for i, key := range keys {
		if i%50 == 0 || i == len(keys)-1 {
			wantValue(t, s, key, values[i])
		}
	}
	wantDeleted(t, s, len(keys), keys...)
}

// tooLarge has one value that is too large among others.
func (s setting) tooLarge(t *testing.T) {
	limited, ok := s.Driver.(drivers.Limited)
	if !ok || limited.MaxValue("too large") > 32<<20 {
		t.Skip("there is no limit, or it is too much to try")
	}
	set(t, s, "too large", "old", long)
	keys, values := []string{"before", "too large", "behind"}, []string{"1", strings.Repeat("v", limited.MaxValue("too large")+1), "2"}
	s.set(t, long, keys, values, func(key string, err error) bool {
		return errors.Is(err, drivers.ErrTooLarge) == (key == "too large") && (err != nil) == (key == "too large")
	})
	wantValue(t, s, "before", "1")
	wantValue(t, s, "behind", "2")
	wantMiss(t, s, "too large") // a reader must not be given what its writer has tried to replace
}

// inserting is an Inserter in a test.
type inserting struct {
	drivers.Driver
	drivers.Inserter
}

func (i inserting) want(t *testing.T, key, value string, ttl time.Duration, want bool) {
	t.Helper()
	if got, err := i.Insert(t.Context(), key, []byte(value), ttl); got != want || err != nil {
		t.Errorf("Insert(%s, %s, %v) = %t, %v, want %t", show(key), show(value), ttl, got, err, want)
	}
}

func testInserter(t *testing.T, h Harness, d drivers.Driver) {
	inserter, ok := d.(drivers.Inserter)
	if !ok {
		t.Skip("not a drivers.Inserter")
	}
	i := inserting{d, inserter}
	t.Run("Absent", func(t *testing.T) {
		for _, key := range []string{"absent", "odd \x00\r\n key", strings.Repeat("k", 300), ""} {
			i.want(t, key, "value", long, true)
			wantValue(t, d, key, "value")
		}
	})
	t.Run("Present", func(t *testing.T) {
		for _, value := range []string{"value", "other", ""} {
			set(t, d, "present", value, long)
			i.want(t, "present", "other", long, false)
			wantValue(t, d, "present", value)
		}
	})
	t.Run("Empty", func(t *testing.T) {
		i.want(t, "empty", "", long, true)
		i.want(t, "empty", "", long, false)
		wantValue(t, d, "empty", "")
	})
	t.Run("Removed", func(t *testing.T) {
		i.want(t, "removed", "first", long, true)
		wantDeleted(t, d, 1, "removed")
		i.want(t, "removed", "second", long, true)
		wantValue(t, d, "removed", "second")
	})
	t.Run("Life", func(t *testing.T) {
		set(t, d, "life", "value", time.Minute)
		i.want(t, "life", "other", long, false)
		item, err := d.Get(t.Context(), "life")
		if err != nil || time.Until(item.ExpiresAt) > 2*time.Minute {
			t.Errorf("Get = %v, %v, want a life that is as long as before", time.Until(item.ExpiresAt), err)
		}
		i.want(t, "life of its own", "value", long, true)
		if item, err = d.Get(t.Context(), "life of its own"); err != nil || time.Until(item.ExpiresAt) < long/2 {
			t.Errorf("Get = %v, %v, want a life of %v", time.Until(item.ExpiresAt), err, long)
		}
	})
	t.Run("NotPositiveTTL", func(t *testing.T) {
		for _, ttl := range []time.Duration{0, -time.Second} {
			if inserted, err := i.Insert(t.Context(), "refused", []byte("value"), ttl); inserted || err == nil {
				t.Errorf("Insert with a ttl of %v = %t, %v, want an error", ttl, inserted, err)
			}
			wantMiss(t, d, "refused")
		}
	})
	t.Run("TooLarge", func(t *testing.T) { i.tooLarge(t) })
	t.Run("Given", func(t *testing.T) {
		value := []byte("as it was")
		if inserted, err := i.Insert(t.Context(), "given", value, long); !inserted || err != nil {
			t.Fatalf("Insert = %t, %v", inserted, err)
		}
		copy(value, "CHANGED")
		wantValue(t, d, "given", "as it was")
	})
	t.Run("Expired", func(t *testing.T) {
		const ttl = 200 * time.Millisecond
		last := write(t, d, "set", "old", ttl)
		before := time.Now()
		i.want(t, "inserted", "old", ttl, true)
		own := entry{"inserted", "old", ttl, before, time.Now()}
		own.watch(t, h, d)
		time.Sleep(time.Until(last.gone(h)))
		for _, key := range []string{"set", "inserted"} {
			i.want(t, key, "new", long, true)
			wantValue(t, d, key, "new")
			i.want(t, key, "newer", long, false)
		}
	})
	t.Run("AtOnce", func(t *testing.T) { i.atOnce(t, h, false) })
	t.Run("ExpiredAtOnce", func(t *testing.T) { i.atOnce(t, h, true) })
}

func (i inserting) tooLarge(t *testing.T) {
	limited, ok := i.Driver.(drivers.Limited)
	if !ok || limited.MaxValue("large") > 32<<20 {
		t.Skip("there is no limit, or it is too much to try")
	}
	for _, key := range []string{"large", "kept"} {
		if key == "kept" {
			set(t, i, key, "value", long)
		}
		inserted, err := i.Insert(t.Context(), key, make([]byte, limited.MaxValue(key)+1), long)
		if inserted || key == "large" && !errors.Is(err, drivers.ErrTooLarge) {
			t.Errorf("Insert of one byte more than MaxValue = %t, %v, want ErrTooLarge", inserted, err)
		}
	}
	wantMiss(t, i, "large")
	wantValue(t, i, "kept", "value")
}

// atOnce has many insert under one key, where nothing is, or something that has expired: one is told that it has, and its value is there.
func (i inserting) atOnce(t *testing.T, h Harness, expired bool) {
	const goroutines = 32
	rounds := h.rounds()
	key := func(round int) string { return fmt.Sprint("once:", expired, ":", round) }
	if expired {
		rounds = min(rounds, 8)
		var last entry
		for round := range rounds {
			last = write(t, i, key(round), "old", time.Millisecond)
		}
		time.Sleep(time.Until(last.gone(h)))
	}
	for round := range rounds {
		var inserted atomic.Int64
		var winner atomic.Value
		errs := make([]error, goroutines)
		together(goroutines, func(g int) {
			value := fmt.Sprint("of ", g)
			ok, err := i.Insert(t.Context(), key(round), []byte(value), long)
			if errs[g] = err; ok {
				inserted.Add(1)
				winner.Store(value)
			}
		})
		if err := errors.Join(errs...); err != nil || inserted.Load() != 1 {
			t.Fatalf("Insert: %d of %d were told that they have, %v, want one", inserted.Load(), goroutines, err)
		}
		wantValue(t, i, key(round), winner.Load().(string))
	}
}
