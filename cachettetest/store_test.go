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
