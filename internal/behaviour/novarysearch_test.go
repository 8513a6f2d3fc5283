package behaviour_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
)

// declaring returns a handler that answers with the query of its request, and declares in what others may differ.
func declaring(field string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if field != "" {
			c.Header("No-Vary-Search", field)
		}
		c.String(http.StatusOK, "%s", c.Request.URL.RawQuery)
	}
}

// The same response answers URLs whose queries are equivalent by what it declares (draft-ietf-httpbis-no-vary-search §5, §6), and no others.
// Another process that shares the store finds it there.
func TestNoVarySearch(t *testing.T) {
	for _, row := range []struct {
		section, field, one, other string
		same                       bool
	}{
		{"§5 params", `params=("x")`, "/p?a=1&x=1", "/p?a=1&x=2", true},
		{"§5 params: one without", `params=("x")`, "/p?a=1&x=1", "/p?a=1", true},
		{"§5 params: no query", `params=("x")`, "/p?x=1", "/p", true},
		{"§5 params: no query first", `params=("x")`, "/p", "/p?x=1", true},
		{"§5 params: an empty query", `params=("x")`, "/p?", "/p", true},
		{"§5 params: others count", `params=("x")`, "/p?a=1&x=1", "/p?a=2&x=1", false},
		{"§5 params: one more", `params=("x")`, "/p?x=1", "/p?a=&x=1", false},
		{"§5 except", `except=("a")`, "/p?a=1&x=1", "/p?y=1&a=1", true},
		{"§5 except: those count", `except=("a")`, "/p?a=1", "/p?a=2", false},
		{"§5 except none", `except=()`, "/p?a=1", "/p?b=2", true},
		{"§5 key-order", `key-order`, "/p?a=1&b=2", "/p?b=2&a=1", true},
		{"§5 key-order: of one name", `key-order`, "/p?a=1&a=2", "/p?a=2&a=1", false},
		{"§5 order counts", `params=("x")`, "/p?a=1&b=2", "/p?b=2&a=1", false},
		{"§5.1 spellings", `params=("x")`, "/p?%61=1", "/p?a=1", true},
		{"§4.2 what does not parse", `params="x"`, "/p?x=1", "/p?x=2", false},
		{"§4.2 the default", `params=()`, "/p?x=1", "/p?x=2", false},
		{"§3 nothing is declared", ``, "/p?x=1", "/p?x=2", false},
		{"§5 another path", `params=("x")`, "/p?x=1", "/p/?x=1", false},
		{"§5 a path that needs escapes", `params=("x")`, "/p/%C3%A9?x=1", "/p/%C3%A9?x=2", true},
	} {
		t.Run(row.section, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				var cfg cachette.Config
				store(&cfg)
				shared := func(c *cachette.Config) { c.Driver = cfg.Driver }
				build := func() *site {
					s := newSite(t, shared)
					s.RedirectTrailingSlash = false
					s.NoRoute(cachette.Cached(time.Minute), func(c *gin.Context) {
						declaring(row.field)(c)
						c.Status(http.StatusOK)
					})
					return s
				}
				s := build()
				made := s.get(row.one)
				again, other := s.get(row.one), s.get(row.other)
				if !strings.HasSuffix(made.cacheStatus(), "stored") || !again.hit() || other.hit() != row.same || other.hit() && other.body != made.body {
					t.Errorf("%q (%s), again %s, then %q (%s)", made.body, made.cacheStatus(), again.cacheStatus(), other.body, other.cacheStatus())
				}
				if cfg.Driver == nil {
					return
				}
				declares := !strings.HasPrefix(row.section, "§4.2") && row.field != "" || row.other == "/p"
				if third := strings.Replace(row.other, "?", "?&", 1); build().get(third).hit() != declares {
					t.Errorf("another process asks for %s, and gets a hit: %t", third, !declares)
				}
			})
		})
	}
}

// What is kept for several queries ends as what is kept for one does: by a purge of the path, a tag, or a write to any of its URLs (RFC 9111 §4.4).
func TestNoVarySearchAndPurges(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		handler, runs := counted(declaring(`params=("x")`))
		s.GET("/p", cachette.Cached(time.Minute, cachette.WithTags("t"), cachette.WithNamespace("n")), handler)
		s.POST("/p", func(c *gin.Context) {})
		for name, purge := range map[string]func() error{
			"path":      func() error { return s.cache.PurgePath(t.Context(), "/p") },
			"tag":       func() error { return s.cache.Invalidate(t.Context(), "t") },
			"namespace": func() error { return s.cache.ClearNamespace(t.Context(), "n") },
			"all":       func() error { return s.cache.Flush(t.Context()) },
			"a write": func() error {
				s.do(http.MethodPost, "/p?x=9")
				return nil
			},
		} {
			s.get("/p?x=1")
			before := runs.Load()
			if a := s.get("/p?x=2"); !a.hit() {
				t.Errorf("%s: before: %s", name, a.cacheStatus())
			}
			if err := purge(); err != nil {
				t.Error(err)
			}
			if a := s.get("/p?x=3"); a.hit() || a.body != "x=3" || runs.Load() != before+1 {
				t.Errorf("%s: behind the purge: %q (%s)", name, a.body, a.cacheStatus())
			}
		}
	})
}

// Requests for equivalent URLs that miss together share a fill once it is known what is declared, and none gets what does not declare that it
// may.
func TestNoVarySearchCollapses(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store)
			var field atomic.Value
			field.Store(`params=("x")`)
			handler, gate, _, runs := gated(func(c *gin.Context) {
				c.Header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
				declaring(field.Load().(string))(c)
			})
			s.GET("/p", cachette.Cached(time.Minute), handler)
			ask := func(path string, clients, want int) {
				t.Helper()
				before := runs.Load()
				answers := together(clients, func(i int) answer { return s.get(fmt.Sprintf("%sx=%d", path, i)) })
				synctest.Wait()
				if begun := runs.Load() - before; begun != 1 {
					t.Errorf("%s: %d runs have begun", path, begun)
				}
				for waits := true; waits; synctest.Wait() {
					select {
					case gate <- struct{}{}:
					default:
						waits = false
					}
				}
				bodies := make(map[string]bool)
				for range clients {
					bodies[await(t, "an answer", answers).body] = true
				}
				if ran := int(runs.Load() - before); ran != want || len(bodies) != want {
					t.Errorf("%s: %d runs, %d bodies, want %d of each", path, ran, len(bodies), want)
				}
			}
			ask("/p?a=1&", 1, 1)
			ask("/p?a=2&", 10, 1)
			time.Sleep(2 * time.Minute) // what is stale is kept, since it can be validated
			ask("/p?a=2&", 10, 1)
			field.Store("")
			ask("/p?a=3&", 10, 10)
		})
	})
}

// Of several responses that suit a request the most recent one answers it (RFC 9111 §4), whatever the older ones have declared.
func TestNoVarySearchThatChanges(t *testing.T) {
	for _, fields := range [][]string{
		{`params=("x")`, ``}, {``, `params=("x")`}, {`params=("x")`, `params=("x" "y")`}, {`except=()`, `key-order`}, {`key-order`, `except=()`, ``},
	} {
		t.Run(strings.Join(fields, " then "), func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					n := 0
					s.GET("/p", cachette.Cached(time.Minute), func(c *gin.Context) {
						declaring(fields[min(n/2, len(fields)-1)])(c)
						c.String(http.StatusOK, " %d", n)
						n++
					})
					last := ""
					for i := range 3 * len(fields) {
						a := s.get("/p?x=1&y=1", "Cache-Control: no-cache")
						if a.hit() || a.body == last {
							t.Errorf("%d: %q (%s)", i, a.body, a.cacheStatus())
						}
						time.Sleep(time.Second)
						if b := s.get("/p?x=1&y=1"); !b.hit() || b.body != a.body {
							t.Errorf("%d: %q (%s), behind %q", i, b.body, b.cacheStatus(), a.body)
						}
						last = a.body
					}
				})
			})
		})
	}
}

// A refresh and a validation keep what they make where the queries that it declares lead (RFC 9111 §4.3.4, RFC 5861 §3).
func TestNoVarySearchIsRefreshed(t *testing.T) {
	for _, row := range []struct {
		name   string
		option []cachette.Option
		etag   string
	}{
		{"stale-while-revalidate", []cachette.Option{cachette.WithStaleWhileRevalidate(time.Minute)}, ""},
		{"a validation", nil, `"v"`},
		{"a miss", nil, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(func(c *gin.Context) {
					if row.etag != "" {
						c.Header("ETag", row.etag)
						if c.GetHeader("If-None-Match") == row.etag {
							c.Header("No-Vary-Search", `params=("x")`)
							c.Status(http.StatusNotModified)
							return
						}
					}
					declaring(`params=("x")`)(c)
				})
				s.GET("/p", cachette.Cached(10*time.Second, row.option...), handler)
				s.get("/p?x=1")
				for i := range 3 {
					time.Sleep(11 * time.Second)
					s.get(fmt.Sprintf("/p?x=2%d", i))
					synctest.Wait()
					s.settle()
					if a := s.get(fmt.Sprintf("/p?x=3%d", i)); !a.hit() || int(runs.Load()) != i+2 {
						t.Errorf("%d: %q (%s), after %d runs", i, a.body, a.cacheStatus(), runs.Load())
					}
				}
			})
		})
	}
}

// What else the key has, and what else responses are told apart by, stays: variants, identities, contents, parts.
func TestNoVarySearchAmongOthers(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		vary := func(c *gin.Context) {
			c.Header("Vary", "X-Lang")
			declaring(`params=("x")`)(c)
			c.String(http.StatusOK, " in %s", c.GetHeader("X-Lang"))
		}
		s.GET("/vary", cachette.Cached(time.Minute), vary)
		s.HEAD("/vary", cachette.Cached(time.Minute), vary)
		s.GET("/keyed", cachette.Cached(time.Minute, cachette.WithVary("X-Lang")), vary)
		for _, path := range []string{"/vary", "/keyed"} {
			for _, lang := range []string{"de", "fr", "it"} {
				made, other := s.get(path+"?x=1", "X-Lang: "+lang), s.get(path+"?x=2", "X-Lang: "+lang)
				if made.hit() || !other.hit() || other.body != "x=1 in "+lang {
					t.Errorf("%s: %s: %q (%s), %q (%s)", path, lang, made.body, made.cacheStatus(), other.body, other.cacheStatus())
				}
			}
		}
		s.Handle("QUERY", "/content", cachette.Cached(time.Minute), declaring(`params=("x")`))
		s.send("QUERY", "/content?x=1", "a", "Content-Type: text/plain")
		if a := s.send("QUERY", "/content?x=2", "a", "Content-Type: text/plain"); !a.hit() {
			t.Errorf("a QUERY: %s", a.cacheStatus())
		}
		if a := s.send("QUERY", "/content?x=1", "b", "Content-Type: text/plain"); a.hit() {
			t.Errorf("a QUERY of other content: %s", a.cacheStatus())
		}
		if a := s.do(http.MethodHead, "/vary?x=5", "X-Lang: de"); !a.hit() {
			t.Errorf("a HEAD: %s", a.cacheStatus())
		}
		if a := s.get("/vary?x=6", "X-Lang: de", "Range: bytes=0-1"); !a.hit() || a.body != "x=" || a.status != http.StatusPartialContent {
			t.Errorf("a range: %d %q (%s)", a.status, a.body, a.cacheStatus())
		}
		s.GET("/listed", cachette.Cached(time.Minute, cachette.WithQueryParams("x")), declaring(`params=("x")`))
		s.get("/listed?x=1")
		if a := s.get("/listed?x=2"); a.hit() || a.body != "x=2" {
			t.Errorf("where the route says what counts: %q (%s)", a.body, a.cacheStatus())
		}
		s.GET("/part", cachette.Cached(time.Minute), func(c *gin.Context) {
			c.Header("No-Vary-Search", `params=("x")`)
			if c.GetHeader("Range") == "" {
				c.String(http.StatusOK, "whole")
				return
			}
			c.Header("Cache-Control", "max-age=60")
			c.Header("Content-Range", "bytes 0-2/10")
			c.String(http.StatusPartialContent, "%s", c.Query("x"))
		})
		s.get("/part?y=1")
		if a := s.get("/part?y=2&x=abc", "Range: bytes=0-2"); a.body != "abc" || !strings.HasSuffix(a.cacheStatus(), "; stored") {
			t.Errorf("a part: %q (%s)", a.body, a.cacheStatus())
		}
		if a := s.get("/part?y=2&x=def", "Range: bytes=0-2"); a.body != "def" {
			t.Errorf("a part of another URL: %q (%s)", a.body, a.cacheStatus())
		}
	})
}

// What was declared is known to other processes for as long as there is anything that has declared it, and costs them nothing once they have learnt it.
func TestNoVarySearchIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shelf := newShelf()
		build := func() *site {
			s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = crate{shelf} })
			s.GET("/p", cachette.Cached(time.Minute), declaring(`params=("x")`))
			return s
		}
		isRecord := func(key string) bool { return strings.HasSuffix(key, "%&") }
		a := build()
		a.get("/p?x=1")
		time.Sleep(20 * time.Second)
		if n := shelf.remove(isRecord); n != 1 {
			t.Errorf("%d records", n)
		}
		a.get("/p?x=1", "Cache-Control: no-cache")
		if n := shelf.remove(isRecord); n != 0 {
			t.Error("the second fill has written it again")
		}
		time.Sleep(2 * time.Minute) // now it would end before what the next fill makes
		a.get("/p?x=1", "Cache-Control: no-cache")
		time.Sleep(50 * time.Second)
		b := build()
		for i, want := range []bool{true, false, false} { // more than one look-up
			shelf.asked()
			if got := b.get(fmt.Sprintf("/p?x=2%d", i)); !got.hit() || (shelf.asked() > 1) != want {
				t.Errorf("another process: %d: %s", i, got.cacheStatus())
			}
		}
	})
}

// What was declared is known while it waits for a slow store, also where another page of the route has declared otherwise since.
func TestNoVarySearchOfASlowStore(t *testing.T) {
	for name, driver := range map[string]func(*shelf) drivers.Driver{
		"one key at a time": func(s *shelf) drivers.Driver { return s }, "several keys at once": func(s *shelf) drivers.Driver { return crate{s} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newShelf()
				s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = driver(store) })
				s.GET("/:path", cachette.Cached(time.Minute), func(c *gin.Context) { declaring(`params=("` + c.Param("path") + `")`)(c) })
				store.breakdown(slowly(time.Second))
				for i, target := range []string{"/a?a=1", "/b?b=1", "/a?a=2", "/b?b=2", "/b", "/a"} {
					if status := s.at(http.MethodGet, target).Header.Get("Cache-Status"); strings.HasPrefix(status, "cachette; hit") != (i > 1) {
						t.Errorf("%s: %s", target, status)
					}
				}
				s.settle()
			})
		})
	}
}

// A route that declares nothing pays for others in no look-up but the first.
func TestNoVarySearchCostsOthersNothing(t *testing.T) {
	shelf := newShelf()
	build := func() *site {
		s := newSite(t, func(cfg *cachette.Config) { cfg.Driver = crate{shelf} })
		s.GET("/:path", cachette.Cached(time.Minute), declaring(""))
		return s
	}
	var read int
	shelf.delaySeveral(func(keys []string) {
		if slices.ContainsFunc(keys, func(key string) bool { return strings.HasSuffix(key, "%&") }) {
			read++
		}
	})
	for i, s := range []*site{build(), build()} { // one that fills, and one that finds
		read = 0
		for _, target := range []string{"/a?x=1", "/a?x=1", "/a", "/b?x=2", "/b?x=2"} {
			s.get(target)
		}
		if read != 1 {
			t.Errorf("process %d has read what is declared %d times", i, read)
		}
	}
}

// One that does not parse is told of, once for a route.
func TestNoVarySearchThatDoesNotParse(t *testing.T) {
	log := new(journal)
	s := newSite(t, log.in)
	s.GET("/wrong", cachette.Cached(time.Minute), declaring(`params=(a)`))
	s.GET("/right", cachette.Cached(time.Minute), declaring(`params=("a")`))
	s.GET("/none", cachette.Cached(time.Minute), declaring(`params=()`))
	s.GET("/pathkey", cachette.Cached(time.Minute, cachette.WithPathKey()), declaring(`params=(a)`))
	for _, target := range []string{"/wrong?a=1", "/wrong?a=2", "/right", "/none", "/pathkey"} {
		s.get(target)
	}
	if said := log.String(); strings.Count(said, "No-Vary-Search") != 1 || !strings.Contains(said, "route=/wrong") {
		t.Errorf("the log has %s", said)
	}
}

// Behind a flush it is noted anew.
func TestNoVarySearchBehindAFlush(t *testing.T) {
	shelf := newShelf()
	build := func() *site {
		s := newSite(t, shelf.on)
		s.GET("/p", cachette.Cached(time.Minute), declaring(`params=("x")`))
		return s
	}
	s := build()
	for range 2 {
		s.get("/p?x=1")
		if a := build().get("/p?x=2"); !a.hit() {
			t.Errorf("another process: %s", a.cacheStatus())
		}
		if err := s.cache.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Nor does one answer a query that net/url, and so a handler, reads in another way than browsers do (draft-ietf-httpbis-no-vary-search §6): who asks for q=a;b, of
// which the handler sees no q, would else choose the page of all that ask for q=a%3Bb.
func TestNoVarySearchAsHandlersRead(t *testing.T) {
	pieces := []string{
		"q", "x", "1", "=", "&", "&q=", "&x=", ";", "%3B", "%zz", "%25zz", "%", "%25", "%F6", "%FE", "%EF%BF%BD", "%E2%82", "%FF%FF", "+", "%20", "%00", "[a]", "é", "%C3%A9",
	}
	reads := func(query string) string {
		values, err := url.ParseQuery(query)
		return fmt.Sprintf("%q %v", values["q"], err)
	}
	for _, field := range []string{`params=("x")`, `except=("q")`, `key-order`} {
		t.Run(field, func(t *testing.T) {
			s := newSite(t)
			s.GET("/p", cachette.Cached(time.Minute), func(c *gin.Context) {
				c.Header("No-Vary-Search", field)
				c.String(http.StatusOK, "%s", reads(c.Request.URL.RawQuery))
			})
			random := rand.New(rand.NewPCG(1, 2))
			for range 3000 {
				query := []string{"", "q=", "x="}[random.IntN(3)]
				for range random.IntN(4) {
					query += pieces[random.IntN(len(pieces))]
				}
				if random.IntN(20) == 0 {
					query += strings.Repeat("&x", 10_000) // more than net/url takes
				}
				if a := s.get("/p?" + query); a.body != reads(query) {
					t.Fatalf("%q is read as %s, and answered by %s (%s)", query, reads(query), a.body, a.cacheStatus())
				}
			}
		})
	}
}

// What is taken back by an answer that is not stored does not leave an older response for the same URL, which had declared nothing (RFC 9111 §4).
func TestNoVarySearchIsTakenBack(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		var run int
		s.GET("/p", cachette.Cached(time.Minute), func(c *gin.Context) {
			run++
			switch run {
			case 2:
				c.Header("No-Vary-Search", `params=("x")`)
			case 3:
				c.Header("Cache-Control", "no-store")
			}
			c.String(http.StatusOK, "%d", run)
		})
		for i, ask := range []struct{ target, field, want string }{
			{"/p?x=1", "X-Any: 1", "1"}, {"/p?x=2", "X-Any: 1", "2"}, {"/p?x=1", "X-Any: 1", "2"}, {"/p?x=1", "Cache-Control: no-cache", "3"}, {"/p?x=1", "X-Any: 1", "4"},
		} {
			if a := s.get(ask.target, ask.field); a.body != ask.want {
				t.Errorf("%d: %q (%s), want %q", i, a.body, a.cacheStatus(), ask.want)
			}
		}
	})
}

// An answer whose body is complete only later replaces none that was made behind it, also where nothing was known of what is declared when the two
// requests came (RFC 9111 §4).
func TestNoVarySearchOfAnOlderAnswer(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/p", cachette.Cached(time.Minute), func(c *gin.Context) {
			declaring(`params=("x")`)(c)
			if c.Query("x") == "1" {
				time.Sleep(5 * time.Second)
			}
			c.Status(http.StatusOK)
		})
		older := together(1, func(int) answer { return s.get("/p?x=1") })
		time.Sleep(time.Second)
		s.get("/p?x=2")
		await(t, "the older answer", older)
		if a := s.get("/p?x=3"); !a.hit() || a.body != "x=2" {
			t.Errorf("%q (%s)", a.body, a.cacheStatus())
		}
	})
}

// A variant is found at once where a page begins to declare, also if what tells the variants apart was to last for longer where it stood.
func TestNoVarySearchOfVariants(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/p", cachette.Cached(time.Hour), func(c *gin.Context) {
			c.Header("Vary", "X-Lang")
			if c.GetHeader("X-Lang") == "fr" {
				c.Header("No-Vary-Search", `params=("x")`)
				c.Header("Cache-Control", "max-age=60")
			}
			c.Status(http.StatusOK)
		})
		s.get("/p?x=1", "X-Lang: de")
		s.get("/p?x=1", "X-Lang: fr")
		for _, target := range []string{"/p?x=1", "/p?x=2"} {
			if a := s.get(target, "X-Lang: fr"); !a.hit() {
				t.Errorf("%s: %s", target, a.cacheStatus())
			}
		}
	})
}

// Whatever responses declare, and however that changes, none answers a URL whose query is not equivalent by what it declares itself.
func TestNoVarySearchOfRandomQueries(t *testing.T) {
	fields := []string{``, `params=("a")`, `params=("a" "b")`, `except=("c")`, `except=("a" "b"), key-order`, `key-order`, `except=()`, `params="a"`}
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		random := rand.New(rand.NewPCG(1, 2))
		s.GET("/:path", cachette.Cached(time.Minute), func(c *gin.Context) {
			field := fields[random.IntN(len(fields))]
			declaring(field)(c)
			c.String(http.StatusOK, "\n%s", field)
		})
		hits := 0
		for range 3000 {
			query := randomQuery(random)
			fields := []string{"X-Any: 1"}
			if random.IntN(10) == 0 {
				fields = append(fields, "Cache-Control: no-cache")
			}
			a := s.get(fmt.Sprintf("/%d?%s", random.IntN(3), query), fields...)
			made, field, _ := strings.Cut(a.body, "\n")
			if !equivalent(field, made, query) {
				t.Fatalf("%q, which was made for %q, answers %q (%s)", field, made, query, a.cacheStatus())
			}
			if a.hit() && made != query {
				hits++
			}
		}
		if hits == 0 {
			t.Error("there was no hit")
		}
	})
}

func randomQuery(random *rand.Rand) string {
	var parts []string
	for range random.IntN(4) {
		parts = append(parts, []string{"a", "b", "c", "%61", "", "a=", "c=+"}[random.IntN(7)]+[]string{"", "=1", "=2"}[random.IntN(3)])
	}
	return strings.Join(parts, "&")
}

// equivalent tells whether queries are by one of the fields of the test above, as one would tell by hand.
func equivalent(field, a, b string) bool {
	switch field {
	case ``, `params="a"`:
		return a == b
	case `except=()`:
		return true
	}
	counts := func(name string) bool {
		switch field {
		case `params=("a")`:
			return name != "a"
		case `params=("a" "b")`:
			return name != "a" && name != "b"
		case `except=("c")`:
			return name == "c"
		case `except=("a" "b"), key-order`:
			return name == "a" || name == "b"
		}
		return true
	}
	list := func(query string) (pairs []string) {
		for part := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(part, "=")
			name, _ = url.QueryUnescape(name)
			value, _ = url.QueryUnescape(value)
			if part != "" && counts(name) {
				pairs = append(pairs, name+"="+value)
			}
		}
		if strings.Contains(field, "key-order") {
			slices.SortStableFunc(pairs, func(a, b string) int { return strings.Compare(a[:strings.Index(a, "=")], b[:strings.Index(b, "=")]) })
		}
		return pairs
	}
	return slices.Equal(list(a), list(b))
}
