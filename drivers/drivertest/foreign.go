package drivertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// testForeign has operations meet what is not theirs under a key. It may stand in the way of that key, and tells nothing of the store.
func testForeign(t *testing.T, h Harness, d drivers.Driver) {
	set(t, d, "good", "value", long)
	forms := map[string]func(t testing.TB, d drivers.Driver, key string){
		"Value": func(t testing.TB, d drivers.Driver, key string) {
			if err := d.Set(t.Context(), key, []byte("value"), long); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, put := range h.Foreign {
		forms[name] = put
	}
	for name, put := range forms {
		t.Run(name, func(t *testing.T) {
			for _, op := range operations(d, "foreign:"+name+":") {
				for _, key := range []string{"key", "log"} {
					put(t, d, "foreign:"+name+":"+key)
				}
				t.Run(op.name, func(t *testing.T) { wantAnswer(t, op) })
			}
			wantUsable(t, d, name, put)
			wantValue(t, d, "good", "value")
		})
	}
}

// wantAnswer calls an operation, which has to end by what the store answers.
func wantAnswer(t *testing.T, op operation) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := op.call(ctx); err != nil && !errors.Is(err, drivers.ErrMiss) && !errors.Is(err, drivers.ErrAnswered) {
		t.Errorf("%s of what is no value, or no log: %v, want no error, or ErrMiss, or one that matches ErrAnswered", op.name, err)
	}
}

// wantUsable has a key be as any other once what lay there was replaced or removed.
func wantUsable(t *testing.T, d drivers.Driver, form string, put func(t testing.TB, d drivers.Driver, key string)) {
	key := func(what string) string { return fmt.Sprintf("foreign:%s:%s", form, what) }
	t.Run("Replaced", func(t *testing.T) {
		put(t, d, key("replaced"))
		set(t, d, key("replaced"), "new value", long)
		wantValue(t, d, key("replaced"), "new value")
	})
	t.Run("ReplacedBeside", func(t *testing.T) {
		setter, ok := d.(drivers.BatchSetter)
		if !ok {
			t.Skip("not a drivers.BatchSetter")
		}
		put(t, d, key("replaced"))
		setting{d, setter}.set(t, long, []string{key("replaced"), "good"}, []string{"new value", "value"}, fine)
		wantValue(t, d, key("replaced"), "new value")
	})
	t.Run("Beside", func(t *testing.T) {
		batch, ok := d.(drivers.Batch)
		if !ok {
			t.Skip("not a drivers.Batch")
		}
		put(t, d, key("beside"))
		values, err := batch.GetValues(t.Context(), key("beside"), "good")
		if err != nil || len(values) != 2 || string(values[1]) != "value" {
			t.Errorf("GetValues of a good key beside it: %q, %v, want its value", values, err)
		}
	})
	t.Run("Removed", func(t *testing.T) {
		for _, what := range []string{"removed", "removed log"} {
			put(t, d, key(what))
			if _, err := d.Delete(t.Context(), key(what)); err != nil {
				t.Errorf("Delete: %v", err)
			}
			wantMiss(t, d, key(what))
		}
		if inserter, ok := d.(drivers.Inserter); ok {
			if inserted, err := inserter.Insert(t.Context(), key("removed"), []byte("value"), long); !inserted || err != nil {
				t.Errorf("Insert = %t, %v, want true", inserted, err)
			}
			wantDeleted(t, d, 1, key("removed"))
		}
		if adder, ok := d.(drivers.Adder); ok {
			values, err := adder.Add(t.Context(), long, func() []byte { return []byte("word") }, key("removed"))
			if err != nil || string(values[0]) != "word" {
				t.Errorf("Add: %q, %v, want the word", values, err)
			}
		}
		if log, ok := d.(drivers.Log); ok {
			if end, err := log.End(t.Context(), key("removed log"), long); err != nil || end == "" {
				t.Errorf("End: %q, %v, want a position", end, err)
			}
		}
	})
}
