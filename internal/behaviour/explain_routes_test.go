package behaviour_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// ranges are routes whose handlers answer with parts, or take no notice of Range, or validate.
func ranges(s *site, runs *int) {
	s.GET("/parts/:n", cachette.Cached(time.Minute), func(c *gin.Context) {
		*runs++
		if at := c.GetHeader("Range"); at == "bytes=0-4" {
			c.Header("Content-Range", "bytes 0-4/10")
			c.Header("ETag", `"v"`)
			c.Header("Cache-Control", "max-age=5")
			c.String(http.StatusPartialContent, "01234")
			return
		}
		c.Header("Accept-Ranges", "bytes")
		c.Header("Cache-Control", "no-store")
		c.String(http.StatusOK, "0123456789")
	})
	s.GET("/whole/:n", cachette.Cached(time.Minute), func(c *gin.Context) {
		*runs++
		c.String(http.StatusOK, "0123456789")
	})
	validated := func(c *gin.Context) {
		*runs++
		c.Header("ETag", `"v"`)
		c.Header("Cache-Control", "max-age=3")
		if c.GetHeader("If-None-Match") != "" {
			c.Status(http.StatusNotModified)
			return
		}
		c.String(http.StatusOK, "0123456789")
	}
	s.GET("/validated/:n", cachette.Cached(time.Minute), validated)
	s.HEAD("/validated/:n", cachette.Cached(time.Minute), validated)
}

// What is told is what becomes of requests for ranges, of which a part is stored, and of what is validated.
func TestExplainAgreesWithRanges(t *testing.T) {
	paths := []string{"/parts/1", "/parts/1", "/whole/1", "/validated/1"}
	fields := []string{"", "Range: bytes=0-4", "Range: bytes=0-4", "Range: bytes=1-2", "Range: bytes=6-8", "Cache-Control: only-if-cached", "If-None-Match: \"v\""}
	agreesAtRandom(t, ranges, []string{http.MethodGet, http.MethodGet, http.MethodHead}, paths, []string{""}, fields)
}

// agreesAtRandom asks what would become of random requests, and holds that to what then does, on each kind of store. Asking runs no handler.
func agreesAtRandom(t *testing.T, mount func(*site, *int), methods, paths, queries, fields []string) {
	for name, store := range storesOfEvents {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(name, "/", seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					random, runs := rand.New(rand.NewPCG(seed, 1)), 0
					s := newSite(t, store)
					mount(s, &runs)
					one := func(list []string) string { return list[random.IntN(len(list))] }
					for range 300 {
						method, target := one(methods), one(paths)+one(queries)
						var with []string
						for range random.IntN(3) {
							if field := one(fields); field != "" {
								with = append(with, field)
							}
						}
						synctest.Wait() // for refreshes
						before := runs
						x := explained(t, s, method, target, with...)
						synctest.Wait()
						if runs != before {
							t.Fatalf("asking about %s %s %q has run %d handlers", method, target, with, runs-before)
						}
						if purged := strings.Contains(x.Rule, "purged"); purged && x.Outcome != "miss" && x.Outcome != "bypass" {
							t.Errorf("%s %s %q: told\n%s", method, target, with, x)
						}
						agrees(t, x, s.do(method, target, with...), fmt.Sprintf("%s %s %q", method, target, with))
						time.Sleep(time.Duration(random.IntN(3)) * time.Second)
						if random.IntN(20) == 0 {
							_ = s.cache.PurgePath(t.Context(), one(paths))
						}
					}
				})
			})
		}
	}
}

// On a route with a dry run a stored response answers nobody, and an explanation says so.
func TestExplainAgreesWithDryRuns(t *testing.T) {
	agreesAtRandom(t, func(s *site, runs *int) {
		s.GET("/:n", cachette.Cached(3*time.Second, cachette.WithDryRun()), func(c *gin.Context) {
			*runs++
			c.String(http.StatusOK, "page")
		})
	}, []string{http.MethodGet}, []string{"/1", "/2"}, []string{""}, []string{"", "Cache-Control: no-cache", "Cache-Control: max-stale", "Cache-Control: only-if-cached"})
}

// Asking keeps nothing near the process: what is near is what clients ask for.
func TestExplainKeepsNothingNear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, storesOfEvents["near"])
		s.GET("/:n", cachette.Cached(time.Minute), text("page"))
		time.Sleep(3 * time.Second) // by then the near tier answers
		s.get("/1")
		for range 5 {
			if x := explained(t, s, http.MethodGet, "/1"); x.Outcome != "hit" || x.Stored.Tier != "store" {
				t.Fatalf("told %v", x)
			}
			synctest.Wait()
		}
		if near := s.cache.Stats().Near; near.Entries != 0 {
			t.Errorf("asking has kept %+v", near)
		}
		s.get("/1")
		if x := explained(t, s, http.MethodGet, "/1"); x.Stored.Tier != "near" {
			t.Errorf("what a client has asked for twice is not near: %v", x)
		}
	})
}

// What stands before Cached runs, and may panic: that is the caller's to know, and no fault of the cache.
func TestExplainSaysThatAGuardPanics(t *testing.T) {
	for _, why := range []any{"hunter2", http.ErrAbortHandler} {
		s := newSite(t)
		s.GET("/", func(*gin.Context) { panic(why) }, cachette.Cached(time.Minute), text("page"))
		x, err := s.cache.Explain(t.Context(), httptest.NewRequest(http.MethodGet, "/", nil))
		if err == nil || x != nil {
			t.Errorf("%v: %v, %v", why, x, err)
		}
	}
}

// What was planted in fields, cookies, identities and key parts is in no explanation, and what is in the URL or in the error of a store is in none that
// a response has.
func TestExplanationsHaveNoSecrets(t *testing.T) {
	const secret = "hunter2"
	fields := []string{"Authorization: Bearer hunter2", "Cookie: session=hunter2", "X-User: hunter2", "X-Field: hunter2"}
	for name, store := range storesOfEvents {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, store)
			all := func(*gin.Context) bool { return true }
			user := func(c *gin.Context) string { return c.GetHeader("X-User") }
			for path, option := range map[string]cachette.Option{
				"/identity": cachette.WithIdentity(user), "/part": cachette.WithKeyPart(user), "/cookie": cachette.WithCookie("session"), "/vary": cachette.WithVary("X-Field"),
				"/skip": cachette.WithSkip(all), "/none": cachette.WithPathKey(),
			} {
				s.GET(path, cachette.Cached(time.Minute, option, cachette.WithDebug(all), cachette.WithTagsFrom(func(c *gin.Context) []string { return []string{"tag"} })),
					text("hunter2", "Vary: X-User", "X-Answer: hunter2", "Set-Cookie: a=hunter2"))
				for range 3 {
					x := explained(t, s, http.MethodGet, path, fields...)
					value, err := json.Marshal(x)
					if told := x.String() + string(value); err != nil || strings.Contains(told, secret) {
						t.Errorf("%s: %v: %s", path, err, told)
					}
					a := s.get(path+"?token=hunter2", fields...)
					if field := a.header.Get("Cachette-Debug"); field == "" || strings.Contains(field, secret) || len(field) > 4096 {
						t.Errorf("%s: Cachette-Debug: %s", path, field)
					}
				}
			}
		})
	}
	t.Run("failing", func(t *testing.T) {
		shelf := newShelf()
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = shelf })
		s.GET("/", cachette.Cached(time.Minute, cachette.WithDebug(func(*gin.Context) bool { return true })), text("page"))
		shelf.breakdown(func(context.Context, call) error { return errors.New("redis://user:hunter2@host: no answer") })
		a := s.get("/")
		if field := a.header.Get("Cachette-Debug"); field == "" || strings.Contains(field, secret) {
			t.Errorf("Cachette-Debug: %s", field)
		}
	})
}

// A request about which is asked may outlast the answer, behind a handler that times the engine out. With the race detector.
func TestExplainBehindATimeout(t *testing.T) {
	s := newSite(t)
	s.GET("/slow", func(*gin.Context) { time.Sleep(20 * time.Millisecond) }, cachette.Cached(time.Minute), text("page"))
	server := httptest.NewServer(http.TimeoutHandler(s.Engine, time.Millisecond, "late"))
	defer server.Close()
	for range 5 {
		answer, err := http.Get(server.URL + "/slow") // by which the handler around the engine is known
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		time.Sleep(50 * time.Millisecond)
		r, _ := http.NewRequest(http.MethodGet, server.URL+"/slow", nil)
		if x, err := s.cache.Explain(t.Context(), r); err != nil || x.Outcome == "" && x.Status != http.StatusServiceUnavailable {
			t.Errorf("%v, %v", x, err)
		}
	}
	time.Sleep(50 * time.Millisecond) // the last one still runs
}
