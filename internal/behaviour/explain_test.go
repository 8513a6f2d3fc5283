package behaviour_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// explained returns what would become of a request, as a server has it.
func explained(t *testing.T, s *site, method, target string, fields ...string) *cachette.Explanation {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Add(name, value)
	}
	x, err := s.cache.Explain(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// mountExplained mounts routes of many kinds, whose handlers are counted.
func mountExplained(s *site, runs *int) {
	handler := func(c *gin.Context) {
		*runs++
		c.Header("ETag", `"v"`)
		c.Header("Cache-Control", c.Query("cc"))
		c.Header("Vary", c.Query("vary"))
		c.String(http.StatusOK, "page")
	}
	s.GET("/open/:n", func(c *gin.Context) { c.Set("before", true) }, cachette.Cached(time.Minute, cachette.WithTags("tag")), handler)
	s.HEAD("/open/:n", cachette.Cached(time.Minute, cachette.WithTags("tag")), handler)
	s.GET("/identity/:n", cachette.Cached(time.Minute, cachette.WithIdentity(func(c *gin.Context) string { return c.GetHeader("X-User") })), handler)
	s.GET("/deaf/:n", cachette.Cached(time.Minute, cachette.WithoutRequestDirectives()), handler)
	s.GET("/skip/:n", cachette.Cached(time.Minute, cachette.WithSkip(func(c *gin.Context) bool { return c.Query("skip") != "" })), handler)
	s.GET("/guarded/:n", func(c *gin.Context) {
		if c.GetHeader("Authorization") == "" {
			c.AbortWithStatus(http.StatusUnauthorized)
		}
	}, cachette.Cached(time.Minute), handler)
	s.GET("/none", handler)
}

// What is told of a request is what becomes of it then, whatever has come before: of random requests, on each kind of store. Asking changes
// nothing.
func TestExplainAgreesWithWhatHappens(t *testing.T) {
	paths := []string{"/open/1", "/open/2", "/identity/1", "/deaf/1", "/skip/1", "/guarded/1", "/none", "/unknown"}
	queries := []string{"", "?cc=max-age=5", "?cc=no-store", "?cc=private", "?cc=max-age=1,stale-while-revalidate=30", "?vary=X-A", "?skip=1", "?cc=no-cache"}
	fields := []string{"", "", "Cache-Control: no-cache", "Cache-Control: only-if-cached", "Cache-Control: max-stale", "Cache-Control: max-age=0", "Cache-Control: no-store",
		"Authorization: Basic eA==", "Upgrade: websocket", "X-A: 1", "X-A: 2", "X-User: me", "If-Match: \"v\""}
	for name, store := range storesOfEvents {
		for seed := range uint64(5) {
			t.Run(fmt.Sprint(name, "/", seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					random := rand.New(rand.NewPCG(seed, 0))
					runs := 0
					s := newSite(t, store)
					mountExplained(s, &runs)
					one := func(list []string) string { return list[random.IntN(len(list))] }
					for range 400 {
						method := one([]string{http.MethodGet, http.MethodGet, http.MethodGet, http.MethodHead})
						target := one(paths) + one(queries)
						var with []string
						for range random.IntN(3) {
							if field := one(fields); field == "Upgrade: websocket" {
								with = append(with, field, "Connection: Upgrade")
							} else if field != "" {
								with = append(with, field)
							}
						}
						before, stats := runs, s.cache.Stats()
						x := explained(t, s, method, target, with...)
						synctest.Wait()
						if after := s.cache.Stats(); runs != before || !reflect.DeepEqual(after.Routes, stats.Routes) || after.Stored != stats.Stored {
							t.Fatalf("asking about %s %s %q has changed something: %d runs, %+v", method, target, with, runs-before, after.Routes)
						}
						a := s.do(method, target, with...)
						agrees(t, x, a, fmt.Sprintf("%s %s %q", method, target, with))
						time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
						if random.IntN(20) == 0 {
							_ = s.cache.Invalidate(t.Context(), "tag")
						}
					}
				})
			})
		}
	}
}

// agrees holds an explanation to the answer that came then.
func agrees(t *testing.T, x *cachette.Explanation, a answer, what string) {
	t.Helper()
	status := a.header.Get("Cache-Status")
	fail := func() { t.Errorf("%s: %s\nand told was\n%s", what, status, x) }
	if x.Outcome == "" {
		if status != "" || x.Status != 0 && a.status != x.Status {
			fail()
		}
		return
	}
	parts := strings.Split(told(status), "; ")
	hit := len(parts) > 1 && parts[1] == "hit"
	wanted := "cachette"
	switch x.Outcome {
	case "hit", "stale":
		wanted += "; hit"
		if stale := strings.Contains(status, "ttl=-") || strings.Contains(status, "ttl=0"); stale != (x.Outcome == "stale") {
			fail()
		}
	case "unsatisfiable":
		wanted += "; detail=only-if-cached"
	default:
		wanted += "; fwd=" + x.Forward
	}
	if x.Bypass != "" {
		wanted += "; detail=" + x.Bypass
	}
	if said := told(status); said != wanted && !(x.Outcome == "miss" && !hit && strings.HasPrefix(said, wanted)) || hit != (len(x.Advice) == 0) && x.Outcome == "hit" || x.Rule == "" {
		fail()
	}
}

// What an explanation says of the rules: the section, the sums and what to do, for each outcome.
func TestExplanations(t *testing.T) {
	for name, store := range storesOfEvents {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runs := 0
				s := newSite(t, store)
				mountExplained(s, &runs)
				explains := func(target string, fields []string, wants ...string) {
					t.Helper()
					text := explained(t, s, http.MethodGet, target, fields...).String()
					for _, want := range wants {
						if !strings.Contains(text, want) {
							t.Errorf("%s %q: no %q in\n%s", target, fields, want, text)
						}
					}
				}
				explains("/open/1", nil, "outcome    miss", "nothing is stored under its key (RFC 9111 §4)", "a request for it is to be answered by the handler first", "/open/1")
				s.get("/open/1?cc=s-maxage=100,max-age=10")
				s.get("/open/1?cc=s-maxage=100,max-age=10")
				time.Sleep(30 * time.Second)
				explains("/open/1?cc=s-maxage=100,max-age=10", nil, "outcome    hit", "1m40s of lifetime (s-maxage of Cache-Control (RFC 9111 §5.2.2.10)) - 30s of age = 1m10s", `tags       ["tag"]`)
				explains("/open/1?cc=s-maxage=100,max-age=10", []string{"Cache-Control: no-cache"}, "RFC 9111 §5.2.1.4", "WithoutRequestDirectives", "is asked whether")
				explains("/open/1?cc=s-maxage=100,max-age=10", []string{"Cache-Control: max-age=5"}, "RFC 9111 §5.2.1.1")
				s.get("/open/2")
				explains("/open/2", []string{"Authorization: Basic eA=="}, "RFC 9111 §3.5", "WithIdentity")
				explains("/open/2", nil, "the route: its ttl")
				_ = s.cache.Invalidate(t.Context(), "tag")
				explains("/open/2", nil, "outcome    miss", "was purged")
				s.get("/open/3?vary=X-A", "X-A: 1")
				explains("/open/3?vary=X-A", []string{"X-A: 2"}, "varies by  X-A", "RFC 9111 §4.1")
				explains("/guarded/1", nil, "outcome    nothing: answered with 401", "come to no Cached")
				explains("/none", nil, "outcome    nothing\n", "its route has no Cached")
				explains("/skip/1?skip=1", nil, "outcome    bypass", "WithSkip")
				s.get("/open/4?cc=private")
				explains("/open/4?cc=private", nil, "a response of this route was not stored (1 so far, the last one ", "private")
				s.get("/open/5?cc=max-age=1,stale-while-revalidate=60")
				time.Sleep(10 * time.Second)
				explains("/open/5?cc=max-age=1,stale-while-revalidate=60", nil, "outcome    stale", "RFC 5861 §3", "stale-while-revalidate 1m0s")
				if refused := s.cache.Refusals(); len(refused) == 0 || refused[0].Reason != "private" || refused[0].Route != "/open/:n" || refused[0].Count != 1 {
					t.Errorf("refused: %+v", refused)
				}
			})
		})
	}
}

// Requests of http.NewRequest are taken as a client would send them; what nobody can ask for is an error.
func TestExplainTakesClientRequests(t *testing.T) {
	s := newSite(t)
	runs := 0
	mountExplained(s, &runs)
	s.get("/open/1")
	r, _ := http.NewRequest("", "http://example.com/open/1", nil)
	if x, err := s.cache.Explain(t.Context(), r); err != nil || x.Outcome != "hit" {
		t.Errorf("%v, %v", x, err)
	}
	for _, bad := range []*http.Request{nil, {}, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(t.Context())} {
		if bad != nil && bad.URL != nil {
			bad.RequestURI, bad.URL.Path, bad.URL.Host = "", "relative", ""
		}
		if x, err := s.cache.Explain(t.Context(), bad); err == nil {
			t.Errorf("%v", x)
		}
	}
	if x, err := s.cache.Explain(t.Context(), httptest.NewRequest(http.MethodPost, "/open/1", nil)); err != nil || x.Outcome != "bypass" || x.Forward != "method" || runs != 1 {
		t.Errorf("POST: %v, %v; %d runs", x, err, runs)
	}
}

// A response tells how it came about where the route's function says so, and never by what a client sends; it is in no stored response, and has
// nothing that the request has said.
func TestDebug(t *testing.T) {
	for name, store := range storesOfEvents {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := false
				s := newSite(t, store)
				s.GET("/:n", cachette.Cached(time.Minute, cachette.WithDebug(func(*gin.Context) bool { return asked }), cachette.WithVary("X-Secret")), text("page"))
				if a := s.get("/hunter2?key=hunter2", "X-Secret: hunter2", "Cachette-Debug: 1"); a.header.Get("Cachette-Debug") != "" {
					t.Errorf("a client has asked: %v", a.header)
				}
				for _, want := range []string{"hit", "hit", "miss"} {
					asked = true
					path := "/hunter2?key=hunter2"
					if want == "miss" {
						path = "/other/hunter2"[:6] + "?key=hunter2"
					}
					a := s.get(path, "X-Secret: hunter2", "Cookie: session=hunter2")
					field := a.header.Get("Cachette-Debug")
					var x cachette.Explanation
					if err := json.Unmarshal([]byte(field), &x); err != nil || x.Outcome != want || x.Rule == "" || strings.Contains(field, "hunter2") {
						t.Errorf("%s: %v: %s", want, err, field)
					}
					asked = false
					if a := s.get(path, "X-Secret: hunter2"); a.header.Get("Cachette-Debug") != "" {
						t.Errorf("it was stored: %v", a.header)
					}
				}
			})
		})
	}
}
