package drivertest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/drivers"
)

func testLister(t *testing.T, h Harness, d drivers.Driver) {
	lister, ok := d.(drivers.Lister)
	if !ok {
		t.Skip("not a drivers.Lister")
	}
	const prefix = "listed*:"
	want := []string{prefix, prefix + "odd \x00\r\n key", prefix + "\xff", prefix + strings.Repeat("long", 100)}
	for i := range min(h.Keys, 2500) { // more than a store gives out in a step
		want = append(want, fmt.Sprint(prefix, i))
	}
	setAll(t, d, want)
	set(t, d, "listed", "of another", long)
	set(t, d, "listed and:", "of another", long)
	set(t, d, prefix+"removed", "value", long)
	wantDeleted(t, d, 1, prefix+"removed")

	t.Run("All", func(t *testing.T) { wantListed(t, lister, prefix, want) })
	t.Run("None", func(t *testing.T) { wantListed(t, lister, "absent:", nil) })
	t.Run("Bounded", func(t *testing.T) {
		most := len(want) / 20 // of a server, of which there may be several
		keys, all, err := lister.Keys(t.Context(), prefix, most)
		if all || err != nil || len(keys) > len(want)/2 {
			t.Errorf("Keys that looks at %d of %d = %d, %t, %v", most, len(want), len(keys), all, err)
		}
	})
}

// setAll stores a value under each key, together where the store can do that.
func setAll(t *testing.T, d drivers.Driver, keys []string) {
	t.Helper()
	setter, ok := d.(drivers.BatchSetter)
	if !ok {
		for _, key := range keys {
			set(t, d, key, "value", long)
		}
		return
	}
	for some := range slices.Chunk(keys, 500) {
		values := make([][]byte, len(some))
		for i := range values {
			values[i] = []byte("value")
		}
		if err := errors.Join(setter.SetValues(t.Context(), long, some, values)...); err != nil {
			t.Fatal(err)
		}
	}
}

// wantListed fails unless these are the keys that begin with prefix. A long one may be told by its beginning.
func wantListed(t *testing.T, lister drivers.Lister, prefix string, want []string) {
	t.Helper()
	keys, all, err := lister.Keys(t.Context(), prefix, 1_000_000)
	if !all || err != nil {
		t.Errorf("Keys: all: %t, %v", all, err)
	}
	left := slices.Clone(want)
	slices.Sort(left)
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		at := slices.IndexFunc(left, func(wanted string) bool {
			return wanted == key || len(wanted) > 200 && strings.HasPrefix(key, prefix) && strings.HasPrefix(wanted, key)
		})
		if at < 0 {
			t.Errorf("Keys has %q", key)
			continue
		}
		left = slices.Delete(left, at, at+1)
	}
	if len(left) > 0 {
		t.Errorf("Keys has not %.3q, and %d in all", left, len(left))
	}
}

func testCounted(t *testing.T, _ Harness, d drivers.Driver) {
	counted, ok := d.(drivers.Counted)
	if !ok {
		t.Skip("not a drivers.Counted")
	}
	set(t, d, "counted", "value", long)
	if n, err := counted.Entries(t.Context()); n < 0 || err != nil {
		t.Errorf("Entries = %d, %v", n, err)
	}
}
