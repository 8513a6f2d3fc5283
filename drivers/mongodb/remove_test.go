package mongodb_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers/mongodb"
)

// Keys that are stored under names of their own are not taken for others, whose names lie among theirs.
func TestClearAmongNames(t *testing.T) {
	keys := []string{"\xf4x", "\xf4\x8f\xbfx", "\xffx", "\U0010ffffx", "\U0010fffex", "\xf3x", "\U0010ffff" + "f478"}
	for prefix, want := range map[string]int{"\xf4": 5, "\xf4\x8f": 4, "\U0010ffff": 2, "\U0010fffff4": 1, "\xff": 1, "": 7} {
		d := newDriver(t, fresh(t, connect(t)), mongodb.Options{})
		for _, key := range keys {
			set(t, d, key, key, time.Hour)
		}
		if n, err := d.Clear(t.Context(), prefix); n != want || err != nil {
			t.Errorf("Clear(%q) = %d, %v, want %d", prefix, n, err, want)
		}
		values, err := d.GetValues(t.Context(), keys...)
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for i, value := range values {
			if value != nil {
				left++
				if string(value) != keys[i] {
					t.Errorf("after Clear(%q): %q holds %q", prefix, keys[i], value)
				}
			}
		}
		if left != len(keys)-want {
			t.Errorf("Clear(%q) left %d keys, want %d", prefix, left, len(keys)-want)
		}
	}
}

// A key that is written anew while what had expired of it is removed stays.
func TestWrittenMeanwhile(t *testing.T) {
	for _, row := range []struct {
		name, after string // the command after which it is written
		remove      func(d *mongodb.Driver) (int, error)
	}{
		{"Delete", "delete", func(d *mongodb.Driver) (int, error) { return d.Delete(t.Context(), "k") }},
		{"Clear", "delete", func(d *mongodb.Driver) (int, error) { return d.Clear(t.Context(), "k") }},
		{"Sweep", "find", func(d *mongodb.Driver) (int, error) { return d.Sweep(t.Context()) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			collection := fresh(t, connect(t))
			clock := &at{1_900_000_000_000}
			writer := newDriver(t, collection, mongodb.Options{Clock: clock.now})
			var armed atomic.Bool
			watching := connect(t, options.Client().SetMonitor(&event.CommandMonitor{
				Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
					if e.CommandName == row.after && armed.Swap(false) {
						if err := writer.Set(context.Background(), "k", []byte("new"), time.Hour); err != nil {
							t.Error(err)
						}
					}
				},
			}))
			watched := watching.Database(collection.Database().Name()).Collection(collection.Name())
			d := newDriver(t, watched, mongodb.Options{Clock: clock.now})
			set(t, d, "k", "old", time.Second)
			clock.ms += 1000
			armed.Store(true)
			if n, err := row.remove(d); n != 0 || err != nil {
				t.Errorf("%d were removed, %v, want none", n, err)
			}
			if value, _ := get(t, d, "k"); value != "new" {
				t.Errorf("what was written meanwhile is %q", value)
			}
			if n, err := collection.CountDocuments(t.Context(), bson.D{}); n != 1 || err != nil {
				t.Errorf("%d documents are left, %v", n, err)
			}
		})
	}
}
