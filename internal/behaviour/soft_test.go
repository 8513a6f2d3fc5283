package behaviour_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// edited is a page that has versions, and may be broken.
type edited struct {
	version, runs, asked atomic.Int64 // asked counts the runs with a precondition
	broken               atomic.Bool
}

// handler returns one that answers with the version, and fields beside it. With validates it answers a precondition of its ETag with 304.
func (e *edited) handler(validates bool, fields ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		e.runs.Add(1)
		if c.GetHeader("If-None-Match")+c.GetHeader("If-Modified-Since") != "" {
			e.asked.Add(1)
		}
		if e.broken.Load() {
			c.String(http.StatusServiceUnavailable, "broken")
			return
		}
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			c.Header(name, value)
		}
		version := "v" + string(rune('0'+e.version.Load()))
		if validates {
			if c.Header("ETag", `"`+version+`"`); c.GetHeader("If-None-Match") == `"`+version+`"` {
				c.Status(http.StatusNotModified)
				return
			}
		}
		c.String(http.StatusOK, version)
	}
}

// What becomes of a page that was purged softly is what becomes of one whose lifetime has ended at that moment.
func TestSoftPurge(t *testing.T) {
	for _, row := range []struct {
		name      string
		validates bool
		fields    []string // of the page
		change    bool     // it is another one when it is asked for again
		fails     bool     // its handler does then
		ask       []string // of the request
		head      bool
		want      string // the body
		status    int
		says      string // Cache-Status
		asked     int64  // how many runs have a precondition
		behind    string // the body of a request behind that
		hit       bool   // and whether it is one
	}{
		// RFC 9111 §4.3: a stale response is validated.
		{"RFC 9111 §5.2.2.1, max-age, confirmed", true, nil, false, false, nil, false, "v1", 200, "fwd=stale; fwd-status=304; stored", 1, "v1", true},
		{"RFC 9111 §4.3.3, another one", true, nil, true, false, nil, false, "v2", 200, "fwd=stale; stored", 1, "v2", true},
		{"RFC 9111 §5.2.2.10, s-maxage", true, []string{"Cache-Control: s-maxage=60"}, false, false, nil, false, "v1", 200, "fwd=stale; fwd-status=304; stored", 1, "v1", true},
		{"RFC 9110 §8.8.2, Last-Modified alone", false, []string{"Last-Modified: Sat, 01 Jan 2000 00:00:00 GMT"}, true, false, nil, false, "v2", 200, "fwd=stale; stored", 1, "v2", true},
		{"RFC 9111 §5.2.2.4, no-cache", true, []string{"Cache-Control: no-cache, max-age=60"}, false, false, nil, false, "v1", 200, "fwd-status=304", 1, "v1", false},
		{"RFC 9111 §4.3, without a validator of its handler's", false, nil, true, false, nil, false, "v2", 200, "fwd=uri-miss; stored", 0, "v2", true},
		{"RFC 9110 §9.3.2, HEAD", true, nil, false, false, nil, true, "v1", 200, "fwd=stale", 0, "v1", true},
		{"RFC 9110 §14.2, a range of what is confirmed", true, nil, false, false, []string{"Range: bytes=1-1"}, false, "1", 206, "fwd=stale; fwd-status=304; stored", 1, "v1", true},
		{"RFC 9111 §5.2.1.7, only-if-cached", true, nil, true, false, []string{"Cache-Control: only-if-cached"}, false, "", 504, "detail=only-if-cached", 0, "v2", false},
		{"RFC 9111 §5.2.1.2, max-stale", true, nil, true, false, []string{"Cache-Control: max-stale=10"}, false, "v1", 200, "hit; ttl=0", 0, "v2", false},
		{"RFC 9111 §5.2.1.2, max-stale, must-revalidate", true, []string{"Cache-Control: max-age=60, must-revalidate"}, true, false, []string{"Cache-Control: max-stale"}, false, "v2", 200, "fwd=stale; stored", 1, "v2", true},
		// RFC 5861.
		{"RFC 5861 §3", false, []string{"Cache-Control: max-age=60, stale-while-revalidate=30"}, true, false, nil, false, "v1", 200, "hit; ttl=0", 0, "v2", true},
		{"RFC 5861 §3, RFC 9111 §5.2.2.2: must-revalidate", true, []string{"Cache-Control: max-age=60, stale-while-revalidate=30, must-revalidate"}, true, false, nil, false, "v2", 200, "fwd=stale; stored", 1, "v2", true},
		{"RFC 5861 §4", false, []string{"Cache-Control: max-age=60, stale-if-error=30"}, true, true, nil, false, "v1", 200, "fwd=stale; fwd-status=503", 0, "v1", false},
		{"RFC 5861 §4, without stale-if-error", true, nil, true, true, nil, false, "broken", 503, "fwd=stale", 1, "broken", false},
		{"RFC 5861 §4, RFC 9111 §5.2.2.2: must-revalidate", true, []string{"Cache-Control: max-age=60, stale-if-error=30, must-revalidate"}, true, true, nil, false, "broken", 503, "fwd=stale", 1, "broken", false},
		{"RFC 5861 §4, RFC 9111 §5.2.2.4: no-cache", true, []string{"Cache-Control: no-cache, max-age=60, stale-if-error=30"}, true, true, nil, false, "broken", 503, "fwd=stale", 1, "broken", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s, page := newSite(t, store), new(edited)
				page.version.Store(1)
				s.GET("/page", cachette.Cached(time.Minute), page.handler(row.validates, row.fields...))
				s.HEAD("/page", cachette.Cached(time.Minute), page.handler(false, append(row.fields, `ETag: "v1"`)...))
				s.get("/page")
				time.Sleep(10 * time.Second)
				page.asked.Store(0)
				if err := s.cache.Purge(t.Context(), cachette.Purge{Paths: []string{"/page"}, Soft: true}); err != nil {
					t.Fatal(err)
				}
				if row.change {
					page.version.Store(2)
				}
				page.broken.Store(row.fails)
				method := http.MethodGet
				if row.head {
					method = http.MethodHead
				}
				a := s.do(method, "/page", row.ask...)
				if a.status != row.status || a.body != row.want || !strings.Contains(a.cacheStatus(), row.says) || page.asked.Load() != row.asked {
					t.Errorf("%d %q (%s), and %d runs had a precondition; want %d %q (%s), %d", a.status, a.body, a.cacheStatus(), page.asked.Load(), row.status, row.want, row.says, row.asked)
				}
				synctest.Wait() // until it is refreshed
				if a := s.get("/page"); a.body != row.behind || a.hit() != row.hit {
					t.Errorf("behind that: %q (%s), want %q, a hit: %t", a.body, a.cacheStatus(), row.behind, row.hit)
				}
			})
		})
	}
}

// softly are purges of each kind, all of which name /n/page, and none /m/page but that of everything.
var softly = map[string]cachette.Purge{
	"a path": {Paths: []string{"/n/page"}}, "a URL": {URLs: []string{"http://example.com/n/page"}}, "a prefix": {Prefixes: []string{"/n/"}},
	"a namespace": {Namespaces: []string{"n"}}, "an identity": {Identities: []string{"alice"}}, "a part of the key": {KeyParts: []string{"acme"}},
	"everything": {Everything: true}, "a tag": {Tags: []string{"said"}}, "a tag that is named late": {Tags: []string{"late"}},
	"a group": {Groups: []string{"http://example.com#g"}},
}

func softPages(s *site, page *edited) {
	swr := "Cache-Control: max-age=60, stale-while-revalidate=30"
	said := func(what string) func(*gin.Context) string { return func(*gin.Context) string { return what } }
	late := func(c *gin.Context) { cachette.Tag(c, "late") }
	s.GET("/n/page", cachette.Cached(time.Minute, cachette.WithNamespace("n"), cachette.WithTags("said"), cachette.WithIdentity(said("alice")), cachette.WithKeyPart(said("acme"))),
		late, page.handler(true, swr, `Cache-Groups: "g"`))
	s.GET("/m/page", cachette.Cached(time.Minute, cachette.WithNamespace("m"), cachette.WithTags("other"), cachette.WithIdentity(said("bob")), cachette.WithKeyPart(said("other"))),
		page.handler(true, swr))
}

// A soft purge of each kind holds in each process that shares the store, for what it names and nothing else. A hard one behind it removes what it has
// left, and one before it is not softened by it. Values stay.
func TestSoftPurgeOfEachKind(t *testing.T) {
	for name, p := range softly {
		for _, soft := range [][]bool{{true}, {true, true}, {true, false}, {false, true}} {
			t.Run(name, func(t *testing.T) {
				eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
					var cfg cachette.Config
					store(&cfg)
					page := new(edited)
					page.version.Store(1)
					here := newSite(t, func(c *cachette.Config) { c.Driver = cfg.Driver })
					there := here
					if cfg.Driver != nil {
						there = newSite(t, func(c *cachette.Config) { c.Driver = cfg.Driver })
						softPages(there, page)
					}
					softPages(here, page)
					if err := here.cache.Put(t.Context(), "n:value", "value", time.Hour); err != nil {
						t.Fatal(err)
					}
					for range 3 { // a store without a log wants several, until the tags are known
						here.get("/n/page")
						here.get("/m/page")
						synctest.Wait()
					}
					page.version.Store(2)
					all := true
					for _, soft := range soft {
						p.Soft, all = soft, all && soft
						if err := here.cache.Purge(t.Context(), p); err != nil {
							t.Fatal(err)
						}
					}
					want, told := "v2", logs(store) || len(p.Prefixes) == 0 && !p.Everything // without a log, either removes everything
					if all && told {
						want = "v1"
					}
					a := there.get("/n/page")
					if a.body != want || want == "v1" && !strings.Contains(a.cacheStatus(), "hit; ttl=0") {
						t.Errorf("softly %v: %q (%s), want %s", soft, a.body, a.cacheStatus(), want)
					}
					synctest.Wait()
					if a := here.get("/n/page"); a.body != "v2" || !a.hit() && logs(store) { // else the tag that is named late is new to the other process
						t.Errorf("softly %v, refreshed: %q (%s)", soft, a.body, a.cacheStatus())
					}
					if a := here.get("/m/page"); (a.body != "v1" || !a.hit()) && told && !p.Everything {
						t.Errorf("softly %v, another page: %q (%s)", soft, a.body, a.cacheStatus())
					}
					var value string
					if err := here.cache.Fetch(t.Context(), "n:value", &value); (err == nil) != (all || len(p.Namespaces) == 0) || err != nil && !errors.Is(err, cachette.ErrMiss) {
						t.Errorf("softly %v, the value: %q, %v", soft, value, err)
					}
				})
			})
		}
	}
}

// A soft purge while the handler runs: what it makes is not fresh to a request that came behind the purge, and what is stored stands in for its
// error only as what is stale by then may (RFC 5861 §4).
func TestSoftPurgeDuringAFill(t *testing.T) {
	for _, test := range []struct {
		name   string
		fields []string
		fails  bool
		first  string // what the request gets that came before
		second string // and one behind
	}{
		{"a follower", nil, false, "v2", "v3"},
		{"a stand-in", []string{"Cache-Control: max-age=60, stale-if-error=30"}, true, "v1", "v1"},
		{"none that may stand in", []string{"Cache-Control: max-age=60", `ETag: "x"`}, true, "broken", "broken"},
		{"none that may stand in stale", []string{"Cache-Control: max-age=60, must-revalidate, stale-if-error=30", `ETag: "x"`}, true, "broken", "broken"},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s, page := newSite(t, store), new(edited)
				gate, held := make(chan struct{}), false
				s.GET("/page", cachette.Cached(time.Minute, cachette.WithTags("t")), func(c *gin.Context) {
					handler := page.handler(false, test.fields...)
					if !held {
						handler(c)
						return
					}
					if test.fails {
						<-gate
						handler(c)
						return
					}
					handler(c) // has read its data
					<-gate
				})
				page.version.Store(1)
				s.get("/page")
				synctest.Wait()
				page.version.Store(2)
				held = true
				page.broken.Store(test.fails)
				reload := "Cache-Control: min-fresh=3600"
				if !test.fails {
					time.Sleep(2 * time.Minute)
					reload = "X-None: 1"
				}
				first := together(1, func(int) answer { return s.get("/page", reload) })
				synctest.Wait()
				if err := s.cache.Expire(t.Context(), "t"); err != nil {
					t.Fatal(err)
				}
				page.version.Store(3)
				second := together(1, func(int) answer { return s.get("/page") })
				synctest.Wait()
				close(gate)
				if a := await(t, "the first", first); a.body != test.first {
					t.Errorf("the first: %q (%s), want %q", a.body, a.cacheStatus(), test.first)
				}
				if a := await(t, "the second", second); a.body != test.second {
					t.Errorf("the second: %q (%s), want %q", a.body, a.cacheStatus(), test.second)
				}
			})
		})
	}
}

// A route whose pages are of no use once they are stale takes no marks for soft purges. One that turns out to be of use is gone behind the first soft purge,
// and stale behind the next.
func TestSoftPurgeOfWhatIsOfUseAtLast(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s, useful := newSite(t, store), false
		s.GET("/page/:id", cachette.Cached(time.Hour), func(c *gin.Context) {
			if useful {
				c.Header("ETag", `"v1"`)
			}
			c.String(http.StatusOK, "page")
		})
		soft := cachette.Purge{Paths: []string{"/page/1"}, Soft: true}
		for _, want := range []string{"fwd=uri-miss", "fwd=uri-miss", "fwd=stale"} {
			s.get("/page/1")
			if a := s.get("/page/1"); !a.hit() {
				t.Fatal(a.cacheStatus())
			}
			if err := s.cache.Purge(t.Context(), soft); err != nil {
				t.Fatal(err)
			}
			a := s.get("/page/1")
			if useful && want == "fwd=uri-miss" && strings.Contains(a.cacheStatus(), "fwd=stale") {
				continue // in memory it is known at once
			}
			if !strings.Contains(a.cacheStatus(), want) {
				t.Errorf("%s, want %s", a.cacheStatus(), want)
			}
			useful = true
			if err := s.cache.PurgePath(t.Context(), "/page/1"); err != nil {
				t.Fatal(err)
			}
		}
	})
}
