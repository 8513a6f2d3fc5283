package cachettetest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/cachettetest"
	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
)

// TestStoreIsADriver: the store keeps to the contract of drivers.
func TestStoreIsADriver(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{New: func(testing.TB) drivers.Driver { return cachettetest.NewStore().Driver() }})
}

// TestStoreFails: each operation is noted, also one that is made to fail; what a test itself does is neither.
func TestStoreFails(t *testing.T) {
	away := errors.New("away")
	store := cachettetest.NewStore()
	driver := store.Driver()
	store.Place("placed", drivers.Item{Value: []byte("value"), ExpiresAt: time.Now().Add(time.Hour)})
	store.Fail(func(_ context.Context, o cachettetest.Operation) error {
		if o.Name == "get" {
			return away
		}
		return nil
	})
	if _, err := driver.Get(t.Context(), "placed"); err != away {
		t.Errorf("Get: %v", err)
	}
	if item, err := store.Peek("placed"); err != nil || string(item.Value) != "value" {
		t.Errorf("Peek: %q, %v", item.Value, err)
	}
	if err := driver.Set(t.Context(), "set", nil, time.Hour); err != nil {
		t.Error(err)
	}
	if n, err := driver.Delete(t.Context(), "set", "absent"); n != 1 || err != nil {
		t.Errorf("Delete: %d, %v", n, err)
	}
	want := []cachettetest.Operation{{Name: "get", Key: "placed"}, {Name: "set", Key: "set"}, {Name: "delete", Key: "set absent"}}
	if got := store.Operations(); !slices.Equal(got, want) {
		t.Errorf("the operations are %v, want %v", got, want)
	}
	store.Fail(nil)
	if _, err := driver.Get(t.Context(), "placed"); err != nil {
		t.Errorf("Get, once it is back: %v", err)
	}
	if n := store.Evict(func(string) bool { return true }); n != 1 || len(store.Keys()) > 0 {
		t.Errorf("%d were evicted, and %q are there", n, store.Keys())
	}
}

// TestStoreIsLate: a store that is late has its time pass, and gives up when its caller does.
func TestStoreIsLate(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		store := cachettetest.NewStore()
		driver := store.Driver()
		store.Delay(time.Second)
		begin := time.Now()
		if err := driver.Set(t.Context(), "key", nil, time.Hour); err != nil || time.Since(begin) != time.Second {
			t.Errorf("Set: %v, behind %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		begin = time.Now()
		if _, err := driver.Get(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Millisecond {
			t.Errorf("Get: %v, behind %v", err, time.Since(begin))
		}
		store.Delay(0)
		begin = time.Now()
		if _, err := driver.Get(t.Context(), "key"); err != nil || time.Since(begin) != 0 {
			t.Errorf("Get, once it is quick: %v, behind %v", err, time.Since(begin))
		}
	})
}

// TestStoreLoses: what is lost was acknowledged, and is not there; nor is what it was to replace.
func TestStoreLoses(t *testing.T) {
	store := cachettetest.NewStore()
	driver := store.Driver()
	for _, key := range []string{"a", "b"} {
		if err := driver.Set(t.Context(), key, []byte("old"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	store.Lose(func(key string) bool { return key != "b" })
	for _, key := range []string{"a", "b"} {
		if err := driver.Set(t.Context(), key, []byte("new"), time.Hour); err != nil {
			t.Error(err)
		}
	}
	if added, err := driver.(drivers.Inserter).Insert(t.Context(), "c", nil, time.Hour); !added || err != nil {
		t.Errorf("Insert: %t, %v", added, err)
	}
	if keys := store.Keys(); !slices.Equal(keys, []string{"b"}) {
		t.Errorf("it has %q", keys)
	}
	store.Lose(nil)
	if err := driver.Set(t.Context(), "a", nil, time.Hour); err != nil || len(store.Keys()) != 2 {
		t.Errorf("%v, and it has %q", err, store.Keys())
	}
}
