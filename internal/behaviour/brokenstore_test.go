package behaviour_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// hangs waits until the operation is given up.
func hangs(ctx context.Context, _ call) error {
	<-ctx.Done()
	return ctx.Err()
}

// on returns a fault that hits operations of one kind only.
func only(op string, fault func(context.Context, call) error) func(context.Context, call) error {
	return func(ctx context.Context, c call) error {
		if c.op != op {
			return nil
		}
		return fault(ctx, c)
	}
}

// A store that fails or hangs, at any operation, changes nothing that a client gets, and holds no request for longer than
// the operation timeout.
func TestBrokenStore(t *testing.T) {
	fails := func(context.Context, call) error { return errors.New("dial tcp 10.0.0.1:6379: connection refused") }
	for _, row := range []struct {
		name  string
		fault func(context.Context, call) error
		half  bool // as many operations of a kind work as do not: it is asked again and again
	}{
		{name: "fails", fault: fails},
		{name: "hangs", fault: hangs},
		{name: "fails to read", fault: only("get", fails)},
		{name: "hangs on reading", fault: only("get", hangs)},
		{name: "fails to write", fault: only("set", fails)},
		{name: "hangs on writing", fault: only("set", hangs)},
		{name: "hangs on writing responses", fault: func(ctx context.Context, c call) error {
			if c.op == "set" && isResponse(c.key) {
				return hangs(ctx, c)
			}
			return nil
		}},
		{name: "hangs on reading marks", half: true, fault: func(ctx context.Context, c call) error {
			if c.op == "get" && isMark(c.key) {
				return hangs(ctx, c)
			}
			return nil
		}},
		{name: "fails with what looks like a client that left", fault: func(context.Context, call) error { return context.Canceled }},
	} {
		for _, warm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/warm: %v", row.name, warm), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					const limit = 300 * time.Millisecond
					store := newShelf()
					s := newSite(t, store.on, func(cfg *cachette.Config) { cfg.OperationTimeout = limit })
					handler, runs := counted(func(c *gin.Context) {
						c.Header("Vary", "X-Kind")
						c.Header("X-One", "1")
						c.String(http.StatusOK, "page of kind %s", c.GetHeader("X-Kind"))
					})
					s.GET("/", cachette.Cached(time.Minute), handler)
					s.POST("/", text("posted"))
					if warm {
						s.get("/", "X-Kind: a")
						s.get("/", "X-Kind: a")
					}
					store.breakdown(row.fault)
					slow := 0
					for i := range 20 {
						kind := string(rune('a' + i%2))
						began := time.Now()
						a := s.get("/", "X-Kind: "+kind)
						if a.status != http.StatusOK || a.body != "page of kind "+kind || a.header.Get("X-One") != "1" {
							t.Errorf("GET %d: %d %q %v", i, a.status, a.body, a.header)
						}
						took := time.Since(began)
						if took > limit {
							t.Errorf("GET %d took %v, over the operation timeout of %v", i, took, limit)
						}
						if took > 0 {
							slow++
						}
					}
					if slow > 6 && !row.half {
						t.Errorf("%d of 20 requests had to wait for a store that is dead", slow)
					}
					for range 3 {
						began := time.Now()
						if a := s.do(http.MethodPost, "/"); a.status != http.StatusOK || a.body != "posted" {
							t.Errorf("POST: %d %q", a.status, a.body)
						}
						if took := time.Since(began); took > limit { // it invalidates before its response and behind its handler
							t.Errorf("POST took %v", took)
						}
					}
					if runs.Load() < 19 && !warm {
						t.Errorf("the handler ran %d times", runs.Load())
					}
					store.breakdown(nil)
					time.Sleep(2 * time.Second) // the store is tried again
					s.get("/", "X-Kind: a")
					s.get("/", "X-Kind: a")
					if a := s.get("/", "X-Kind: a"); !a.hit() {
						t.Errorf("once the store is back: %s", a.cacheStatus())
					}
				})
			})
		}
	}
}

// A store that is dead is not asked on every request, and is found again once it is back.
func TestDeadStoreIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, log := newShelf(), new(journal)
		s := newSite(t, store.on, log.in)
		s.GET("/", cachette.Cached(time.Hour), text("page"))
		s.get("/")
		store.asked()
		store.breakdown(func(context.Context, call) error { return errors.New("no") })
		for range 1000 {
			s.get("/")
		}
		if n := store.asked(); n > 5 {
			t.Errorf("it was asked %d times for 1000 requests", n)
		}
		for range 10 {
			time.Sleep(time.Second)
			for range 100 {
				s.get("/")
			}
		}
		if n := store.asked(); n == 0 || n > 20 {
			t.Errorf("it was asked %d times in ten seconds", n)
		}
		store.breakdown(nil)
		time.Sleep(time.Second)
		s.get("/")
		if a := s.get("/"); !a.hit() {
			t.Errorf("once it is back: %s", a.cacheStatus())
		}
		for _, what := range []string{"does not answer", "answers again"} {
			if n := strings.Count(log.String(), what); n != 1 {
				t.Errorf("the log says %d times %q", n, what)
			}
		}
	})
}

// Clients that leave, and requests that have no time left, say nothing of the store.
func TestClientsDoNotBreakTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, log := newShelf(), new(journal)
		s := newSite(t, store.on, log.in)
		s.GET("/", cachette.Cached(time.Hour), text("page"))
		s.get("/")
		store.breakdown(func(ctx context.Context, _ call) error { // answers, but not at once
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(50 * time.Millisecond):
				return nil
			}
		})
		for range 10 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			await(t, "a request out of time", s.asking(ctx, "/"))
			cancel()
			ctx, cancel = context.WithCancel(t.Context())
			left := s.asking(ctx, "/")
			synctest.Wait()
			cancel()
			await(t, "a request whose client left", left)
		}
		if a := s.get("/"); !a.hit() {
			t.Errorf("%s; the log: %s", a.cacheStatus(), log)
		}
	})
}

// Whatever bytes are under a response's key, a client gets a whole response, and the bytes are mended.
func TestForeignBytes(t *testing.T) {
	const body = "the whole of the page"
	for _, row := range []struct {
		name    string
		rewrite func(value []byte) []byte
	}{
		{"nothing", func([]byte) []byte { return nil }},
		{"a value of somebody else's", func([]byte) []byte { return []byte("hello") }},
		{"JSON", func([]byte) []byte { return []byte(`{"status":200}`) }},
		{"another version", func(v []byte) []byte { v[3]++; return v }},
		{"cut off in its head", func(v []byte) []byte { return v[:3] }},
		{"cut off in its metadata", func(v []byte) []byte { return v[:20] }},
		{"cut off in its body", func(v []byte) []byte { return v[:len(v)-5] }},
		{"without its body", func(v []byte) []byte { return v[:len(v)-len(body)] }},
		{"with more than its body", func(v []byte) []byte { return append(v, "<script>"...) }},
		{"a length that is too long", func(v []byte) []byte {
			return slices.Concat(v[:4], bytes.Repeat([]byte{0xff}, 9), []byte{1}, v[5:])
		}},
		{"zeroes", func(v []byte) []byte { return make([]byte, len(v)) }},
		{"zeroes behind the head", func(v []byte) []byte { clear(v[6:]); return v }},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := newShelf()
			s := newSite(t, store.on)
			s.GET("/", cachette.Cached(time.Hour), text(body))
			s.get("/")
			if a := s.get("/"); !a.hit() {
				t.Fatal(a.cacheStatus())
			}
			store.change(isResponse, row.rewrite)
			if a := s.get("/"); a.status != http.StatusOK || a.body != body || a.hit() {
				t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
			}
			if a := s.get("/"); !a.hit() || a.body != body {
				t.Errorf("afterwards: %q (%s)", a.body, a.cacheStatus())
			}
		})
	}
}

// A response that stands under another's key, as a clash of hashed keys would put it, is not given out: the whole key is
// kept with it.
func TestForeignKey(t *testing.T) {
	for _, vary := range []string{"", "X-Kind"} {
		t.Run("Vary: "+vary, func(t *testing.T) {
			store := newShelf()
			s := newSite(t, store.on)
			s.GET("/:user", cachette.Cached(time.Hour), func(c *gin.Context) {
				if vary != "" {
					c.Header("Vary", vary)
				}
				c.String(http.StatusOK, "for %s, %s", c.Param("user"), c.GetHeader("X-Kind"))
			})
			for _, user := range []string{"alice", "bob"} {
				for _, kind := range []string{"a", "b"} {
					s.get("/"+user, "X-Kind: "+kind)
				}
			}
			all := store.keys(isResponse)
			var mu sync.Mutex
			items := make(map[string][]byte)
			for _, key := range all {
				item, err := store.Get(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				items[key] = item.Value
			}
			for shift := 1; shift < len(all); shift++ { // each value under each of the other keys
				mu.Lock()
				for i, key := range all {
					if err := store.Set(t.Context(), key, items[all[(i+shift)%len(all)]], time.Hour); err != nil {
						t.Fatal(err)
					}
				}
				mu.Unlock()
				for _, user := range []string{"alice", "bob"} {
					for _, kind := range []string{"a", "b"} {
						if a := s.get("/"+user, "X-Kind: "+kind); a.body != "for "+user+", "+kind && vary != "" ||
							!strings.HasPrefix(a.body, "for "+user) {
							t.Errorf("%s, %s got %q (%s)", user, kind, a.body, a.cacheStatus())
						}
					}
				}
			}
		})
	}
}

// A store may lose what it likes, marks too: that costs the handler some work, and brings nothing back that was purged.
func TestLostMarks(t *testing.T) {
	store := newShelf()
	s := newSite(t, store.on)
	version := 0
	s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, "version %d", version) })
	s.get("/")
	store.remove(isMark)
	if a := s.get("/"); a.hit() {
		t.Errorf("without its mark: %s", a.cacheStatus())
	}
	if a := s.get("/"); !a.hit() {
		t.Errorf("with a new mark: %s", a.cacheStatus())
	}
	old := make(map[string][]byte)
	for _, key := range store.keys(isResponse) {
		item, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		old[key] = item.Value
	}
	version = 1
	if err := s.cache.PurgePath(t.Context(), "/"); err != nil {
		t.Fatal(err)
	}
	store.remove(isMark)
	for key, value := range old { // a replica that lags behind brings it back
		if err := store.Set(t.Context(), key, value, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if a := s.get("/"); a.body != "version 1" {
			t.Errorf("behind the purge: %q (%s)", a.body, a.cacheStatus())
		}
	}
}

// The main behaviours hold on a store of bytes that loses a key now and then, whoever asks.
func TestForgetfulStore(t *testing.T) {
	store := newShelf()
	s := newSite(t, store.on)
	s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) {
		c.Header("Vary", "X-User")
		c.String(http.StatusOK, "for %s", c.GetHeader("X-User"))
	})
	var wg sync.WaitGroup
	for worker := range 4 {
		user := fmt.Sprintf("user %d", worker)
		wg.Go(func() {
			for i := range 100 {
				if a := s.get("/", "X-User: "+user); a.body != "for "+user {
					t.Errorf("%s got %q (%s)", user, a.body, a.cacheStatus())
				}
				if i%10 == worker {
					store.remove(func(key string) bool { return len(key)%4 == i/10%4 })
				}
			}
		})
	}
	wg.Wait()
}
