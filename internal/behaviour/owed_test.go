package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What the store did not take is owed, and carried out once the store is back: also where this process is asked for nothing
// any more, so that other processes do not go on with what was removed (the documentation of PurgePath, ClearNamespace, Flush and
// Delete).

// refusing is a store that answers and takes nothing, as a replica does that takes no writes.
func refusing(_ context.Context, c call) error {
	if c.op == "get" {
		return nil
	}
	return errors.New("READONLY you can't write against a replica")
}

// service is a process whose page is in a namespace.
func service(t *testing.T, store *shelf, version *int) *site {
	t.Helper()
	s := newSite(t, store.on, func(cfg *cachette.Config) { cfg.OperationTimeout = 300 * time.Millisecond })
	s.GET("/page", cachette.Cached(time.Hour, cachette.WithNamespace("n")), func(c *gin.Context) {
		c.String(http.StatusOK, "version %d", *version)
	})
	s.POST("/page", text("posted"))
	return s
}

// owings are what can be owed of a page, and of the value n:a.
var owings = []struct {
	name          string
	do            func(s *site) error
	page, value   bool // it removes them
	toldOtherwise bool // it is no method that returns an error
}{
	{name: "PurgePath", do: func(s *site) error { return s.cache.PurgePath(s.t.Context(), "/page") }, page: true},
	{name: "a write", do: func(s *site) error { s.do(http.MethodPost, "/page"); return nil }, page: true, toldOtherwise: true},
	{name: "ClearNamespace", do: func(s *site) error { return s.cache.ClearNamespace(s.t.Context(), "n") }, page: true, value: true},
	{name: "Flush", do: func(s *site) error {
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
		defer cancel()
		return s.cache.Flush(ctx)
	}, page: true, value: true},
	{name: "Delete", do: func(s *site) error { _, err := s.cache.Delete(s.t.Context(), "n:a"); return err }, value: true},
}

func TestOwedIsPaidUnasked(t *testing.T) {
	for _, owing := range owings {
		for name, fault := range map[string]func(context.Context, call) error{
			"fails": func(context.Context, call) error { return errors.New("connection refused") }, "takes no writes": refusing,
		} {
			for _, ending := range []string{"by itself", "by Close"} {
				t.Run(owing.name+"/"+name+"/"+ending, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						store, version := newShelf(), 1
						worker, replica := service(t, store, &version), service(t, store, &version)
						if err := worker.cache.Put(t.Context(), "n:a", "old", time.Hour); err != nil {
							t.Fatal(err)
						}
						replica.get("/page")
						version = 2
						store.breakdown(fault)
						if err := owing.do(worker); !owing.toldOtherwise && (err == nil || !strings.Contains(err.Error(), "owed")) {
							t.Errorf("the error %v does not say that it is owed", err)
						}
						time.Sleep(20 * time.Second) // long enough for whatever grows
						if n := worker.cache.Stats().Owed; n == 0 {
							t.Error("Stats say that nothing is owed")
						}
						store.breakdown(nil)
						if ending == "by Close" {
							if err := worker.cache.Close(); err != nil {
								t.Error(err)
							}
						} else {
							time.Sleep(10 * time.Second)
						}
						if n := worker.cache.Stats().Owed; n != 0 {
							t.Errorf("Stats say that %d removals are still owed", n)
						}
						time.Sleep(2 * time.Second) // the other process tries the store again, too
						if a := replica.get("/page"); owing.page != (a.body == "version 2") {
							t.Errorf("elsewhere: %q (%s)", a.body, a.cacheStatus())
						}
						var value string
						if err := replica.cache.Fetch(t.Context(), "n:a", &value); owing.value != errors.Is(err, cachette.ErrMiss) {
							t.Errorf("elsewhere the value is %q (%v)", value, err)
						}
						if replica.get("/page"); !replica.get("/page").hit() {
							t.Error("nothing is kept behind it")
						}
						store.asked()
						time.Sleep(time.Minute)
						if n := store.asked(); n > 0 {
							t.Errorf("the store was asked %d times once nothing was owed", n)
						}
					})
				})
			}
		}
	}
}

// What is owed of values hides them in this process: neither is an old value fetched, nor one that another process has put
// meanwhile, which a late removal takes along. What is put in place of a deleted value pays for it.
func TestOwedValues(t *testing.T) {
	for _, owing := range owings {
		if !owing.value {
			continue
		}
		t.Run(owing.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, version := newShelf(), 1
				s := service(t, store, &version)
				for _, key := range []string{"n:a", "n:b", "other"} {
					if err := s.cache.Put(t.Context(), key, "old", time.Hour); err != nil {
						t.Fatal(err)
					}
				}
				hidden := func(key string) bool {
					var value string
					return errors.Is(s.cache.Fetch(t.Context(), key, &value), cachette.ErrMiss)
				}
				want := map[string]bool{"n:a": true, "n:b": owing.name != "Delete", "other": owing.name == "Flush"}
				store.breakdown(func(_ context.Context, c call) error { // a set works
					if c.op == "delete" || c.op == "clear" {
						return errors.New("no")
					}
					return nil
				})
				if err := owing.do(s); err == nil {
					t.Fatal("no error")
				}
				for key, gone := range want {
					if hidden(key) != gone {
						t.Errorf("%s is hidden: %t", key, !gone)
					}
				}
				if err := s.cache.Put(t.Context(), "n:a", "new", time.Hour); err != nil {
					t.Fatal(err)
				}
				if got := hidden("n:a"); got != (owing.name != "Delete") {
					t.Errorf("what is put in its place is hidden: %t", got)
				}
				store.breakdown(nil)
				time.Sleep(10 * time.Second)
				if got := hidden("n:a"); got != (owing.name != "Delete") {
					t.Errorf("afterwards it is gone: %t", got)
				}
				if err := s.cache.Put(t.Context(), "n:a", "newer", time.Hour); err != nil || hidden("n:a") {
					t.Errorf("what is put once nothing is owed: %v", err)
				}
			})
		})
	}
}

// A store that never can clear, as a memcached that lists no keys, hides no values for ever: the error says what it is, and
// values stay.
func TestUnsupportedClearIsNotOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, version := newShelf(), 1
		s := service(t, store, &version)
		if err := s.cache.Put(t.Context(), "n:a", "old", time.Hour); err != nil {
			t.Fatal(err)
		}
		store.breakdown(func(_ context.Context, c call) error {
			if c.op == "clear" {
				return fmt.Errorf("the server does not list its keys: %w", errors.ErrUnsupported)
			}
			return nil
		})
		s.get("/page")
		version = 2
		if err := s.cache.Flush(t.Context()); !errors.Is(err, errors.ErrUnsupported) || strings.Contains(err.Error(), "owed") {
			t.Errorf("the error: %v", err)
		}
		var value string
		if err := s.cache.Fetch(t.Context(), "n:a", &value); err != nil {
			t.Errorf("the value: %v", err)
		}
		if a := s.get("/page"); a.body != "version 2" {
			t.Errorf("the page: %q (%s)", a.body, a.cacheStatus())
		}
	})
}

// However much is owed, it takes a bounded amount of memory: from there on the whole cache is owed.
func TestTooMuchIsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, version := newShelf(), 1
		s := service(t, store, &version)
		if err := s.cache.Put(t.Context(), "other", "old", time.Hour); err != nil {
			t.Fatal(err)
		}
		replica := service(t, store, &version)
		replica.get("/page")
		version = 2
		store.breakdown(refusing)
		for i := range 20_000 {
			if _, err := s.cache.Delete(t.Context(), fmt.Sprintf("key %d", i)); err == nil {
				t.Fatal("no error")
			}
		}
		var value string
		if err := s.cache.Fetch(t.Context(), "other", &value); !errors.Is(err, cachette.ErrMiss) {
			t.Errorf("a value of the cache that is owed: %q, %v", value, err)
		}
		store.breakdown(nil)
		time.Sleep(time.Minute)
		if a := replica.get("/page"); a.body != "version 2" {
			t.Errorf("elsewhere: %q (%s)", a.body, a.cacheStatus())
		}
		if err := s.cache.Put(t.Context(), "other", "new", time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := s.cache.Fetch(t.Context(), "other", &value); err != nil || value != "new" {
			t.Errorf("afterwards: %q, %v", value, err)
		}
	})
}

// What is owed is tried at a pace that suits a store in trouble, and a store that hangs does not keep the cache from closing.
func TestOwedIsTriedNowAndThen(t *testing.T) {
	for name, fault := range map[string]func(context.Context, call) error{
		"fails": func(context.Context, call) error { return errors.New("no") }, "hangs": hangs,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, version := newShelf(), 1
				s := service(t, store, &version)
				store.breakdown(fault)
				_ = s.cache.PurgePath(t.Context(), "/page")
				time.Sleep(20 * time.Second)
				store.asked()
				time.Sleep(time.Minute)
				if n := store.asked(); n < 40 || n > 125 {
					t.Errorf("the store was asked %d times in a minute", n)
				}
				began := time.Now()
				if err := s.cache.Close(); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > 300*time.Millisecond {
					t.Errorf("Close took %v, which is more than the operation timeout", took)
				}
				store.asked()
				time.Sleep(time.Minute)
				if n := store.asked(); n > 0 {
					t.Errorf("the store was asked %d times behind Close", n)
				}
			})
		})
	}
}

// Where other programs may have keys among those of the cache, it is never cleared as a whole: what is too much to be owed is
// not owed, and its error does not say that it is.
func TestTooMuchIsOwedAmongForeignKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newShelf()
		s := newSite(t, store.on, func(cfg *cachette.Config) { cfg.PlainKeys = true })
		if err := s.cache.Put(t.Context(), "other", "theirs", time.Hour); err != nil {
			t.Fatal(err)
		}
		store.breakdown(refusing)
		owed, lost := 0, 0
		for i := range 20_000 {
			_, err := s.cache.Delete(t.Context(), fmt.Sprintf("key %d", i))
			switch {
			case err == nil:
				t.Fatal("no error")
			case strings.Contains(err.Error(), "owed"):
				owed++
			default:
				lost++
			}
		}
		if owed < 5_000 || lost < 5_000 {
			t.Errorf("%d are owed and %d are not", owed, lost)
		}
		store.breakdown(nil)
		time.Sleep(time.Minute)
		var value string
		if err := s.cache.Fetch(t.Context(), "other", &value); err != nil || value != "theirs" {
			t.Errorf("afterwards: %q, %v", value, err)
		}
	})
}

// What is owed once more, behind what was paid, is paid as well, also while requests come that owe and pay.
func TestOwedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, version := newShelf(), 1
		worker, replica := service(t, store, &version), service(t, store, &version)
		for range 5 {
			replica.get("/page")
			version++
			store.breakdown(refusing)
			for range 3 {
				worker.do(http.MethodPost, "/page")
				worker.get("/page")
			}
			store.breakdown(nil)
			time.Sleep(10 * time.Second)
			if a, want := replica.get("/page"), fmt.Sprintf("version %d", version); a.body != want {
				t.Errorf("elsewhere: %q, want %q (%s)", a.body, want, a.cacheStatus())
			}
		}
	})
}
