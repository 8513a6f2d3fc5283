package behaviour_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What takes something out of the cache is carried out for a caller that has left, since the change that it follows is there; it
// holds the caller up no longer than the operation timeout; and what the store did not take is owed to it (the documentation of
// Cache). A write invalidates the URI that the client asked for, and no other mount's (RFC 9111 §4.4, RFC 9110 §7.1).

// removals take out of a cache what a memory put there.
var removals = []struct {
	name  string
	do    func(ctx context.Context, c *cachette.Cache) error
	page  bool // the page goes
	value bool // the value goes
}{
	{"PurgePath", func(ctx context.Context, c *cachette.Cache) error { return c.PurgePath(ctx, "/page") }, true, false},
	{"PurgePrefix", func(ctx context.Context, c *cachette.Cache) error { return c.PurgePrefix(ctx, "/pa") }, true, false},
	{"ClearNamespace", func(ctx context.Context, c *cachette.Cache) error { return c.ClearNamespace(ctx, "n") }, true, true},
	{"Flush", func(ctx context.Context, c *cachette.Cache) error { return c.Flush(ctx) }, true, true},
	{"Delete", func(ctx context.Context, c *cachette.Cache) error { _, err := c.Delete(ctx, "n:value"); return err }, false, true},
}

// memory is a store that two sites share, with the first version of a page in a namespace, and a value in it.
type memory struct {
	*shelf
	here, there *site
	version     int // of the page that handlers make
}

func newMemory(t testing.TB, configure ...func(*cachette.Config)) *memory {
	m := &memory{shelf: newShelf(), version: 1}
	page := func(c *gin.Context) { c.String(http.StatusOK, "version %d", m.version) }
	for _, s := range []**site{&m.here, &m.there} {
		*s = newSite(t, append(configure, m.on)...)
		(*s).GET("/page", cachette.Cached(time.Hour, cachette.WithNamespace("n")), page)
	}
	m.here.get("/page")
	if err := m.here.cache.Put(t.Context(), "n:value", "value", time.Hour); err != nil {
		t.Fatal(err)
	}
	m.version = 2
	return m
}

// expect holds whether what was stored is gone, for both sites.
func (m *memory) expect(t testing.TB, page, value bool) {
	t.Helper()
	for name, s := range map[string]*site{"here": m.here, "there": m.there} {
		if a := s.get("/page"); (a.body == "version 2") != page {
			t.Errorf("%s: the page: %q (%s)", name, a.body, a.cacheStatus())
		}
		var got string
		if err := s.cache.Fetch(t.Context(), "n:value", &got); errors.Is(err, cachette.ErrMiss) != value {
			t.Errorf("%s: the value: %q, %v", name, got, err)
		}
	}
}

func TestRemovalsForACallerThatLeft(t *testing.T) {
	for _, removal := range removals {
		for _, caller := range []struct {
			name string
			ctx  func(t *testing.T, store *shelf) context.Context
		}{
			{"left before", func(t *testing.T, _ *shelf) context.Context {
				ctx, leave := context.WithCancel(t.Context())
				leave()
				return ctx
			}},
			{"out of time before", func(t *testing.T, _ *shelf) context.Context {
				ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
				t.Cleanup(cancel)
				return ctx
			}},
			{"leaves during the first operation of the store", func(t *testing.T, store *shelf) context.Context {
				ctx, leave := context.WithCancel(t.Context())
				store.breakdown(func(context.Context, call) error { leave(); return nil })
				return ctx
			}},
			{"leaves during a slow one", func(t *testing.T, store *shelf) context.Context {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				t.Cleanup(cancel)
				store.breakdown(func(ctx context.Context, _ call) error {
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(100 * time.Millisecond):
						return nil
					}
				})
				return ctx
			}},
			{"a request whose client has left", func(t *testing.T, _ *shelf) context.Context {
				ctx, leave := context.WithCancel(t.Context())
				leave()
				c := gin.CreateTestContextOnly(httptest.NewRecorder(), gin.New())
				c.Request = httptest.NewRequest(http.MethodPut, "/", nil).WithContext(ctx)
				return c
			}},
		} {
			t.Run(removal.name+"/"+caller.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newMemory(t)
					ctx := caller.ctx(t, m.shelf)
					if err := removal.do(ctx, m.here.cache); err != nil {
						t.Error(err)
					}
					m.breakdown(nil)
					m.expect(t, removal.page, removal.value)
				})
			})
		}
	}
}

// A store that hangs holds a caller up for the operation timeout at most. Flush and ClearNamespace have as long as their context;
// one that has ended gives them the operation timeout.
func TestRemovalsOnAStoreThatHangs(t *testing.T) {
	const limit = 300 * time.Millisecond
	for _, removal := range removals {
		t.Run(removal.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(t, func(cfg *cachette.Config) { cfg.OperationTimeout = limit })
				m.breakdown(hangs)
				ctx, leave := context.WithCancel(t.Context())
				leave()
				began := time.Now()
				err := removal.do(ctx, m.here.cache)
				if took := time.Since(began); took > limit {
					t.Errorf("it took %v, over the operation timeout of %v", took, limit)
				}
				var op *cachette.OpError
				if !errors.As(err, &op) {
					t.Errorf("the error is %v", err)
				}
				synctest.Wait()
			})
		})
	}
}

// No caller waits for what others are writing to the store, and what was on its way there when the page was taken back is not
// served once it has arrived.
func TestRemovalsDoNotWaitForWrites(t *testing.T) {
	for _, removal := range removals {
		t.Run(removal.name, func(t *testing.T) {
			m := newMemory(t)
			m.here.get("/page?new") // has its mark, so that what is written next is a response
			gate, arrived := make(chan struct{}), make(chan struct{}, 10)
			m.breakdown(func(_ context.Context, c call) error {
				if c.op == "set" && isResponse(c.key) {
					arrived <- struct{}{}
					<-gate
				}
				return nil
			})
			m.version = 1
			fill := m.here.asking(t.Context(), "/page?x=1")
			await(t, "the write of a response", arrived)
			m.version = 2
			removed := later(func() error { return removal.do(t.Context(), m.here.cache) })
			if err := await(t, removal.name, removed); err != nil {
				t.Error(err)
			}
			close(gate)
			await(t, "the fill", fill)
			m.here.settle()
			m.breakdown(nil)
			for name, s := range map[string]*site{"here": m.here, "there": m.there} {
				if a := s.get("/page?x=1"); (a.body == "version 2") != removal.page {
					t.Errorf("%s: %q (%s)", name, a.body, a.cacheStatus())
				}
			}
		})
	}
}

// What the store did not take is owed: nothing of it is served here, and nowhere any more once the store is back and this process
// has come to it.
func TestPurgeIsOwed(t *testing.T) {
	refuses := func(message string) func(context.Context, call) error {
		return func(_ context.Context, c call) error {
			if c.op == "get" {
				return nil
			}
			return errors.New(message)
		}
	}
	for _, removal := range removals[:4] {
		for name, fault := range map[string]func(context.Context, call) error{
			"fails":           func(context.Context, call) error { return errors.New("connection refused") },
			"hangs":           hangs,
			"takes no writes": refuses("READONLY you can't write against a replica"),
			"is full":         refuses("OOM command not allowed"),
		} {
			t.Run(removal.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newMemory(t)
					m.breakdown(fault)
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					if err := removal.do(ctx, m.here.cache); err == nil {
						t.Error("no error")
					}
					for range 3 {
						if a := m.here.get("/page"); a.body != "version 2" {
							t.Errorf("while it is owed: %q (%s)", a.body, a.cacheStatus())
						}
					}
					m.breakdown(nil)
					time.Sleep(5 * time.Second) // the store is tried again
					m.here.get("/page")
					m.expect(t, true, removal.value)
					if a := m.here.get("/page"); !a.hit() {
						t.Errorf("afterwards: %s", a.cacheStatus())
					}
				})
			})
		}
	}
}

// A purge names a page by the path that clients ask for and by the one that its route sees; a write names the first alone.
func TestPurgesAtMounts(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(t *testing.T, mux http.Handler, s *site)
		gone string // of a and b
	}{
		{"PUT at a mount", func(t *testing.T, mux http.Handler, _ *site) { send(t, mux, http.MethodPut, "/b/doc") }, "b"},
		{"PUT at the other", func(t *testing.T, mux http.Handler, _ *site) { send(t, mux, http.MethodPut, "/a/doc?x=1") }, "a"},
		{"PUT that fails", func(t *testing.T, mux http.Handler, _ *site) { send(t, mux, http.MethodPut, "/a/fails") }, ""},
		{"a Location at the mount", func(t *testing.T, mux http.Handler, _ *site) { send(t, mux, http.MethodPost, "/a/new?at=/a/doc") }, "a"},
		{"a relative Location", func(t *testing.T, mux http.Handler, _ *site) { send(t, mux, http.MethodPost, "/a/new?at=doc") }, "a"},
		{"a Location without the mount", func(t *testing.T, mux http.Handler, _ *site) { send(t, mux, http.MethodPost, "/a/new?at=/doc") }, "ab"},
		{"a Location on another host", func(t *testing.T, mux http.Handler, _ *site) {
			send(t, mux, http.MethodPost, "/a/new?at=https://other.example/a/doc")
		}, ""},
		{"PurgePath of a mount's", func(t *testing.T, _ http.Handler, s *site) { purgePath(t, s, "/a/doc") }, "a"},
		{"PurgePath of the route's", func(t *testing.T, _ http.Handler, s *site) { purgePath(t, s, "/doc") }, "ab"},
		{"PurgePath of neither", func(t *testing.T, _ http.Handler, s *site) { purgePath(t, s, "/a/docs") }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/doc", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, "at %s", c.Request.RequestURI) })
				s.PUT("/doc", func(c *gin.Context) { c.Status(http.StatusNoContent) })
				s.PUT("/fails", status(http.StatusConflict))
				s.POST("/new", func(c *gin.Context) {
					c.Header("Location", c.Query("at"))
					c.Status(http.StatusCreated)
				})
				mux := http.NewServeMux()
				for _, mount := range []string{"/a", "/b"} {
					mux.Handle(mount+"/", http.StripPrefix(mount, s))
				}
				for range 2 {
					for _, mount := range []string{"/a", "/b"} {
						if a := send(t, mux, http.MethodGet, mount+"/doc"); a.body != "at "+mount+"/doc" {
							t.Errorf("%s has %q", mount, a.body)
						}
					}
				}
				row.do(t, mux, s)
				for _, mount := range []string{"a", "b"} {
					if a := send(t, mux, http.MethodGet, "/"+mount+"/doc"); a.hit() == strings.Contains(row.gone, mount) {
						t.Errorf("behind it, /%s: %s", mount, a.cacheStatus())
					}
				}
			})
		})
	}
}

func purgePath(t testing.TB, s *site, path string) {
	t.Helper()
	if err := s.cache.PurgePath(t.Context(), path); err != nil {
		t.Error(err)
	}
}

// send sends a request through a handler around an engine.
func send(t testing.TB, h http.Handler, method, target string, fields ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ":")
		r.Header.Add(name, strings.TrimSpace(value))
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{status: w.Code, header: w.Result().Header, body: w.Body.String()}
}
