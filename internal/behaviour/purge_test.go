package behaviour_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// purgeKind is a way to take back what is stored for /page, which is in namespace n.
type purgeKind struct {
	name string
	do   func(t testing.TB, s *site)
}

var purges = []purgeKind{
	{"PurgePath", func(t testing.TB, s *site) {
		if err := s.cache.PurgePath(t.Context(), "/page"); err != nil {
			t.Error(err)
		}
	}},
	{"PurgePrefix", func(t testing.TB, s *site) {
		if err := s.cache.PurgePrefix(t.Context(), "/pa"); err != nil {
			t.Error(err)
		}
	}},
	{"ClearNamespace", func(t testing.TB, s *site) {
		if err := s.cache.ClearNamespace(t.Context(), "n"); err != nil {
			t.Error(err)
		}
	}},
	{"Flush", func(t testing.TB, s *site) {
		if err := s.cache.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	}},
	{"POST", func(t testing.TB, s *site) {
		if a := s.do(http.MethodPost, "/page"); a.status != http.StatusOK {
			t.Errorf("POST: %d", a.status)
		}
	}},
	{"Location of a POST", func(t testing.TB, s *site) { s.do(http.MethodPost, "/elsewhere") }},
}

// versioned mounts /page, which tells the version of the data that it read when it began, and what changes it.
func versioned(s *site, gate <-chan struct{}, arrived chan<- int64, options ...cachette.Option) (version *atomic.Int64) {
	version = new(atomic.Int64)
	s.GET("/page", cachette.Cached(time.Hour, append(options, cachette.WithNamespace("n"))...), func(c *gin.Context) {
		read := version.Load()
		if gate != nil {
			arrived <- read
			<-gate
		}
		c.String(http.StatusOK, "version %d", read)
	})
	s.POST("/page", text("changed"))
	s.POST("/elsewhere", func(c *gin.Context) {
		c.Header("Location", "/page")
		c.Status(http.StatusCreated)
	})
	return version
}

// A purge takes back what is stored, of every query and variant.
func TestPurge(t *testing.T) {
	for _, purge := range purges {
		t.Run(purge.name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				version := versioned(s, nil, nil)
				s.GET("/other", cachette.Cached(time.Hour), text("other"))
				targets, others := []string{"/page", "/page?q=1"}, []string{"/other"}
				// What a write invalidates is of its host (RFC 9111 §4.4).
				if elsewhere := "http://other.example/page"; strings.Contains(purge.name, "POST") {
					others = append(others, elsewhere)
				} else {
					targets = append(targets, elsewhere)
				}
				for range 2 {
					for _, target := range slices.Concat(targets, others) {
						s.get(target)
					}
				}
				version.Add(1)
				purge.do(t, s)
				for _, target := range targets {
					if a := s.get(target); a.hit() || a.body != "version 1" {
						t.Errorf("%s behind the purge: %q (%s)", target, a.body, a.cacheStatus())
					}
					if a := s.get(target); !a.hit() || a.body != "version 1" {
						t.Errorf("%s again: %q (%s)", target, a.body, a.cacheStatus())
					}
				}
				for _, target := range others {
					all := purge.name == "Flush" || purge.name == "PurgePrefix" && !logs(store)
					if a := s.get(target); a.hit() == all {
						t.Errorf("%s: %s", target, a.cacheStatus())
					}
				}
			})
		})
	}
}

// A response whose handler began before a purge is never served behind it: not once it is stored, and not to
// requests that came behind the purge and waited for it.
func TestPurgeDuringFill(t *testing.T) {
	for _, purge := range purges {
		t.Run(purge.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					gate, arrived := make(chan struct{}), make(chan int64, 100)
					version := versioned(s, gate, arrived)
					before := later(func() answer { return s.get("/page") })
					await(t, "the fill", arrived)
					version.Add(1)
					purge.do(t, s)
					behind := together(10, func(int) answer { return s.get("/page") })
					synctest.Wait() // they wait for the fill that began before the purge, or are in a handler of their own
					close(gate)
					if a := await(t, "the fill's answer", before); a.body != "version 0" {
						t.Errorf("the request from before the purge got %q", a.body)
					}
					for range 10 {
						if a := await(t, "an answer", behind); a.body != "version 1" {
							t.Errorf("the request from behind the purge got %q (%s)", a.body, a.cacheStatus())
						}
					}
					for range 2 {
						if a := s.get("/page"); a.body != "version 1" {
							t.Errorf("behind the fill: %q (%s)", a.body, a.cacheStatus())
						}
					}
				})
			})
		})
	}
}

// The same holds where the fill validates what is stored, refreshes it in the background, or makes a variant.
func TestPurgeDuringOtherFills(t *testing.T) {
	for _, row := range []struct {
		name    string
		options []cachette.Option
		header  func(c *gin.Context, version int64)
		second  string // a field of the request that fills during the purge
		pause   time.Duration
	}{
		{name: "validation", second: "Cache-Control: no-cache", header: func(c *gin.Context, _ int64) {
			c.Header("ETag", `"same"`)
		}},
		{name: "another variant", second: "X-Kind: b", header: func(c *gin.Context, _ int64) { c.Header("Vary", "X-Kind") }},
		{name: "background refresh", options: []cachette.Option{cachette.WithStaleWhileRevalidate(time.Hour)},
			second: "X-Kind: b", pause: 90 * time.Minute, header: func(*gin.Context, int64) {}},
	} {
		for _, purge := range purges {
			t.Run(row.name+"/"+purge.name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					synctest.Test(t, func(t *testing.T) {
						s := newSite(t, store)
						var version atomic.Int64
						hold := false
						gate, arrived := make(chan struct{}), make(chan struct{}, 100)
						s.GET("/page", cachette.Cached(time.Hour, append(row.options, cachette.WithNamespace("n"))...),
							func(c *gin.Context) {
								read := version.Load()
								if hold {
									arrived <- struct{}{}
									<-gate
								}
								row.header(c, read)
								if c.GetHeader("If-None-Match") == `"same"` && read == 0 {
									c.Status(http.StatusNotModified)
									return
								}
								c.String(http.StatusOK, "version %d", read)
							})
						s.POST("/page", text("changed"))
						s.POST("/elsewhere", text("changed", "Location: /page"))
						s.get("/page", "X-Kind: a")
						time.Sleep(row.pause)
						hold = true
						before := later(func() answer { return s.get("/page", row.second) })
						await(t, "the fill", arrived)
						version.Add(1)
						purge.do(t, s)
						close(gate)
						await(t, "the fill's answer", before)
						synctest.Wait()
						for _, kind := range []string{"a", "b", "a", "b"} {
							if a := s.get("/page", "X-Kind: "+kind); a.body != "version 1" {
								t.Errorf("kind %s behind the purge: %q (%s)", kind, a.body, a.cacheStatus())
							}
						}
					})
				})
			})
		}
	}
}

// Purges that come while others read and write, in any order: what is asked for behind a purge is never older than it.
func TestPurgesTogether(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		version := versioned(s, nil, nil)
		var purged atomic.Int64 // the version that was there at the last purge
		done := make(chan struct{})
		readers := together(4, func(int) string {
			for {
				select {
				case <-done:
					return ""
				default:
				}
				oldest, got := purged.Load(), int64(-1)
				a := s.get("/page")
				if _, err := fmt.Sscanf(a.body, "version %d", &got); err != nil || got < oldest {
					return fmt.Sprintf("behind the purge of version %d: %q (%s)", oldest, a.body, a.cacheStatus())
				}
			}
		})
		quick := slices.DeleteFunc(slices.Clone(purges), func(p purgeKind) bool { return p.name == "PurgePrefix" }) // which takes a second
		for i := range length(50, 200) {
			now := version.Add(1)
			quick[i%len(quick)].do(t, s)
			purged.Store(now)
			for range 3 {
				if a := s.get("/page"); a.body != fmt.Sprintf("version %d", now) {
					t.Errorf("behind the purge of version %d: %q (%s)", now, a.body, a.cacheStatus())
				}
			}
		}
		close(done)
		for range 4 {
			if problem := await(t, "a reader", readers); problem != "" {
				t.Error(problem)
			}
		}
	})
}

// A purge in one process holds in all that share its store, for what is stored there and for what they are filling, but
// that ClearNamespace knows only of the fills in its own process.
func TestPurgeReachesOthers(t *testing.T) {
	for _, purge := range purges {
		for _, during := range []bool{false, purge.name != "ClearNamespace"} {
			t.Run(fmt.Sprintf("%s/during a fill: %v", purge.name, during), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := newShelf()
					here, there := newSite(t, store.on), newSite(t, store.on)
					gate, arrived := make(chan struct{}), make(chan int64, 100)
					version := versioned(here, gate, arrived)
					versioned(there, nil, nil)
					fill := later(func() answer { return here.get("/page") })
					await(t, "the fill", arrived)
					if !during {
						close(gate)
						await(t, "the fill's answer", fill)
					}
					version.Add(1)
					purge.do(t, there)
					if during {
						behind := later(func() answer { return here.get("/page") })
						synctest.Wait()
						close(gate)
						await(t, "the fill's answer", fill)
						if a := await(t, "the answer", behind); a.body != "version 1" {
							t.Errorf("the one that waited got %q (%s)", a.body, a.cacheStatus())
						}
					}
					for range 2 {
						if a := here.get("/page"); a.body != "version 1" {
							t.Errorf("behind the purge: %q (%s)", a.body, a.cacheStatus())
						}
					}
				})
			})
		}
	}
}

// A flush leaves alone what the cache has not written.
func TestFlushKeepsOthers(t *testing.T) {
	store := newShelf()
	s := newSite(t, store.on)
	s.GET("/", cachette.Cached(time.Hour), text("page"))
	foreign := []string{"", "cachette", "cachett", "other:cachette:x", "Cachette:x"}
	for _, key := range foreign {
		if err := store.Set(t.Context(), key, []byte("theirs"), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.cache.Put(t.Context(), "value", "mine", 0); err != nil {
		t.Fatal(err)
	}
	s.get("/")
	if err := s.cache.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(foreign)
	if left := store.keys(func(string) bool { return true }); !slices.Equal(left, foreign) {
		t.Errorf("left are %q, want %q", left, foreign)
	}
}

// What is stored right behind a flush stays.
func TestFlushTakesNothingLater(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store)
			s.GET("/:page", cachette.Cached(time.Hour), text("page"))
			s.get("/before")
			if err := s.cache.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.get("/behind")
			time.Sleep(10 * time.Second)
			s.get("/later")
			for path, want := range map[string]bool{"/before": false, "/behind": true} {
				if a := s.get(path); a.hit() != want {
					t.Errorf("%s: %s", path, a.cacheStatus())
				}
			}
		})
	})
}

// What a namespace holds goes with it, values and responses, and nothing of a namespace whose name only begins like it.
func TestNamespaceOfResponses(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		for _, namespace := range []string{"a", "ab", "a:b", "b"} {
			s.GET("/"+namespace, cachette.Cached(time.Hour, cachette.WithNamespace(namespace)), text(namespace))
			s.get("/" + namespace)
			if err := s.cache.Put(t.Context(), namespace+":value", namespace, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		s.GET("/none", cachette.Cached(time.Hour), text("none"))
		s.get("/none")
		n, err := s.cache.ClearNamespaceCount(t.Context(), "a")
		if err != nil || n < 2 {
			t.Errorf("%d removed, %v", n, err)
		}
		for _, namespace := range []string{"a", "ab", "b", "none"} {
			if a := s.get("/" + namespace); a.hit() == (namespace == "a") {
				t.Errorf("the page in %s: %s", namespace, a.cacheStatus())
			}
		}
		for _, namespace := range []string{"ab", "b"} {
			var value string
			if err := s.cache.Fetch(t.Context(), namespace+":value", &value); err != nil || value != namespace {
				t.Errorf("the value in %s: %q, %v", namespace, value, err)
			}
		}
	})
}
