package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A request with an unsafe method that succeeds invalidates what is stored for its URI, whatever route takes it, and one
// that fails does not (RFC 9111 §4.4).
func TestInvalidation(t *testing.T) {
	for _, row := range []struct {
		name, method string
		handler      gin.HandlerFunc
		gone         bool
	}{
		{"POST", http.MethodPost, text("done"), true},
		{"PUT", http.MethodPut, text("done"), true},
		{"PATCH", http.MethodPatch, text("done"), true},
		{"DELETE", http.MethodDelete, text("done"), true},
		{"an unknown method (RFC 9111 §4.4)", "PURGEISH", text("done"), true},
		{"OPTIONS (RFC 9110 §9.2.1)", http.MethodOptions, text("done"), false},
		{"TRACE (RFC 9110 §9.2.1)", http.MethodTrace, text("done"), false},
		{"HEAD (RFC 9110 §9.2.1)", http.MethodHead, func(*gin.Context) {}, false},
		{"201", http.MethodPost, func(c *gin.Context) { c.Status(http.StatusCreated) }, true},
		{"204", http.MethodPost, func(c *gin.Context) { c.Status(http.StatusNoContent) }, true},
		{"204, at once", http.MethodPost, func(c *gin.Context) { c.AbortWithStatus(http.StatusNoContent) }, true},
		{"303", http.MethodPost, func(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/there") }, true},
		{"nothing said", http.MethodPost, func(*gin.Context) {}, true},
		{"400", http.MethodPost, func(c *gin.Context) { c.AbortWithStatus(http.StatusBadRequest) }, false},
		{"403 by middleware", http.MethodPost, func(c *gin.Context) { c.AbortWithStatusJSON(http.StatusForbidden, gin.H{}) }, false},
		{"409", http.MethodPut, func(c *gin.Context) { c.String(http.StatusConflict, "no") }, false},
		{"500", http.MethodPost, func(c *gin.Context) { c.Status(http.StatusInternalServerError) }, false},
		{"a panic", http.MethodPost, func(*gin.Context) { panic("no") }, false},
		{"a stream", http.MethodPost, func(c *gin.Context) {
			c.Writer.Flush()
			c.String(http.StatusOK, "done")
		}, true},
		{"a stream that breaks off behind its success", http.MethodPost, func(c *gin.Context) {
			c.String(http.StatusOK, "done, so ")
			panic("far")
		}, true},
	} {
		for _, cached := range []bool{false, true} {
			name := row.name
			if cached {
				name += ", on a cached route"
			}
			t.Run(name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					s.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
						c.AbortWithStatus(http.StatusInternalServerError)
					}))
					s.GET("/page", cachette.Cached(time.Hour), text("page"))
					s.GET("/page/below", cachette.Cached(time.Hour), text("page"))
					handlers := []gin.HandlerFunc{row.handler}
					if cached {
						handlers = append([]gin.HandlerFunc{cachette.Cached(time.Hour)}, handlers...)
					}
					s.Handle(row.method, "/page", handlers...)
					s.get("/page?q=1")
					s.get("/page/below")
					s.do(row.method, "/page?q=2")
					if a := s.get("/page?q=1"); a.hit() == row.gone {
						t.Errorf("GET behind it: %s", a.cacheStatus())
					}
					if a := s.get("/page/below"); !a.hit() {
						t.Errorf("GET of another page behind it: %s", a.cacheStatus())
					}
				})
			})
		}
	}
}

// The same goes for what Location and Content-Location name, if it is of the same origin (RFC 9111 §4.4): else any site could
// empty another's cache.
func TestInvalidationByLocation(t *testing.T) {
	for _, row := range []struct {
		name, value string
		gone        bool
	}{
		{"absolute path", "/page", true},
		{"path with query", "/page?x=1", true},
		{"relative path", "page", true},
		{"relative path with dots", "./x/../page", true},
		{"escaped path", "/%70age", true},
		{"absolute URI", "http://example.com/page", true},
		{"absolute URI, host in capitals", "http://EXAMPLE.com/page", true},
		{"https behind a proxy that ends TLS", "https://example.com/page", true},
		{"no scheme", "//example.com/page", true},
		{"another host", "http://other.example/page", false},
		{"another host, no scheme", "//other.example/page", false},
		{"another port", "http://example.com:81/page", false},
		{"a host that begins with ours", "http://example.com.evil.example/page", false},
		{"a user that looks like our host", "http://example.com@evil.example/page", false},
		{"not a URI", "http://[::1/page", false},
		{"another scheme", "mailto:page", false},
		{"empty", "", false},
	} {
		for _, field := range []string{"Location", "Content-Location"} {
			t.Run(field+"/"+row.name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					s.GET("/page", cachette.Cached(time.Hour), text("page"))
					s.POST("/pages", func(c *gin.Context) {
						c.Header(field, row.value)
						c.Writer.Header()[field] = []string{row.value} // gin's Header drops empty values
						c.Status(http.StatusCreated)
					})
					s.POST("/fails", func(c *gin.Context) {
						c.Header(field, row.value)
						c.Status(http.StatusBadRequest)
					})
					s.GET("/reads", text("read", field+": "+row.value))
					s.get("/page")
					s.do(http.MethodPost, "/fails")
					s.get("/reads")
					if a := s.get("/page"); !a.hit() {
						t.Errorf("behind a failure and a safe request: %s", a.cacheStatus())
					}
					s.do(http.MethodPost, "/pages")
					if a := s.get("/page"); a.hit() == row.gone {
						t.Errorf("behind a success: %s", a.cacheStatus())
					}
				})
			})
		}
	}
}

// A redirect invalidates its own target and nothing else: it says where to go on, which is often what the request asked for.
func TestInvalidationByRedirect(t *testing.T) {
	for status, gone := range map[int]bool{
		http.StatusCreated: true, http.StatusMovedPermanently: false, http.StatusFound: false, http.StatusSeeOther: false,
		http.StatusTemporaryRedirect: false, http.StatusPermanentRedirect: false,
	} {
		eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
			s := newSite(t, store)
			s.GET("/page", cachette.Cached(time.Hour), text("page"))
			s.GET("/login", cachette.Cached(time.Hour), text("form"))
			s.POST("/login", func(c *gin.Context) {
				c.Header("Location", c.Query("next"))
				c.Status(status)
			})
			s.get("/page")
			s.get("/login")
			s.do(http.MethodPost, "/login?next=/page")
			if a := s.get("/page"); a.hit() == gone {
				t.Errorf("%d: what Location names: %s", status, a.cacheStatus())
			}
			if a := s.get("/login"); a.hit() {
				t.Errorf("%d: its own target: %s", status, a.cacheStatus())
			}
		})
	}
}

// What a write invalidates is of its host, however that is written (RFC 9110 §4.2.3, RFC 9111 §4.4), and in all its namespaces.
func TestInvalidationOnOneHost(t *testing.T) {
	for write, gone := range map[string]bool{
		"http://a.example/page": true, "http://A.example/page": true, "http://a.example:80/page": true, "http://a.example:443/page": true,
		"http://a.example:8080/page": false, "http://b.example/page": false, "http://a.example./page": false,
		"http://a.example/page/": false, "http://a.example/": false,
	} {
		eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
			s := newSite(t, store)
			s.GET("/page", cachette.Cached(time.Hour, cachette.WithNamespace("n")), text("page"))
			s.POST("/*any", text("done"))
			s.get("http://a.example/page")
			s.do(http.MethodPost, write)
			if a := s.get("http://a.example/page"); a.hit() == gone {
				t.Errorf("behind POST %s: %s", write, a.cacheStatus())
			}
		})
	}
}

// Writes to paths that nothing is stored for leave nothing in the store, and take nothing from others: neither what is stored, nor a
// fill that is under way, nor the purge that ends one.
func TestInvalidationOfNothing(t *testing.T) {
	writes := length(1_500, 3_000) // more than a process keeps records of
	flood := func(s *site) {
		for i := range writes {
			s.do(http.MethodPost, fmt.Sprintf("http://h%d.example/%d", i%7, i))
		}
	}
	mount := func(t *testing.T, store func(*cachette.Config)) (s *site, version *atomic.Int64, gate chan struct{}, arrived chan int64) {
		s = newSite(t, store)
		gate, arrived = make(chan struct{}), make(chan int64, 10)
		version = versioned(s, gate, arrived)
		s.GET("/other", cachette.Cached(time.Hour), text("other"))
		s.NoRoute(text("written"))
		return s, version, gate, arrived
	}
	t.Run("what is there", func(t *testing.T) {
		for name, shelf := range map[string]*shelf{"bytes": newShelf(), "logs": nil} {
			t.Run(name, func(t *testing.T) {
				depot, store := newDepot(), func(cfg *cachette.Config) { cfg.Driver = shelf }
				if shelf == nil {
					shelf, store = depot.shelf, func(cfg *cachette.Config) { cfg.Driver = depot }
				}
				s, _, _, _ := mount(t, store)
				s.get("/other")
				before := len(shelf.store.Keys())
				flood(s)
				if after := len(shelf.store.Keys()); after > before+2 { // a log, and its pulse
					t.Errorf("%d keys have become %d", before, after)
				}
				for key, list := range depot.lists {
					if len(list.records) > 0 {
						t.Errorf("%d records are in %s", len(list.records), key)
					}
				}
			})
		}
	})
	for _, purged := range []bool{false, true} {
		t.Run(fmt.Sprintf("purged: %t", purged), func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s, version, gate, arrived := mount(t, store)
				s.get("/other")
				fill := later(func() answer { return s.get("/page") })
				await(t, "the fill", arrived)
				if purged {
					version.Add(1)
					if err := s.cache.ClearNamespace(t.Context(), "n"); err != nil {
						t.Fatal(err)
					}
				}
				flood(s)
				close(gate)
				await(t, "its answer", fill)
				if a := s.get("/page"); a.hit() == purged || a.body != fmt.Sprintf("version %d", version.Load()) {
					t.Errorf("behind the writes: %q (%s)", a.body, a.cacheStatus())
				}
				if a := s.get("/other"); !a.hit() {
					t.Errorf("another page: %s", a.cacheStatus())
				}
			})
		})
	}
}

// Where a handler has the engine answer in its place, by HandleContext, that answer counts and no other.
func TestInvalidationBehindHandleContext(t *testing.T) {
	for status, gone := range map[int]bool{
		http.StatusOK: true, http.StatusSeeOther: true, http.StatusForbidden: false, http.StatusInternalServerError: false,
	} {
		for _, body := range []string{"", "answer"} {
			t.Run(fmt.Sprintf("%d %q", status, body), func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					s.GET("/page", cachette.Cached(time.Hour), text("page"))
					s.POST("/page", lead(s, "/inner"))
					s.POST("/inner", func(c *gin.Context) {
						c.Status(status)
						if body != "" {
							_, _ = c.Writer.WriteString(body)
						}
					})
					s.get("/page")
					if a := s.do(http.MethodPost, "/page"); a.status != status {
						t.Errorf("the POST is answered with %d", a.status)
					}
					if a := s.get("/page"); a.hit() == gone {
						t.Errorf("behind it: %s", a.cacheStatus())
					}
				})
			})
		}
	}
}

// A client that has seen the header of a successful POST sees its effect in the next GET, though the handler is not done.
func TestReadYourWrites(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		value := make(chan string, 1)
		value <- "old"
		s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) {
			v := <-value
			value <- v
			c.String(http.StatusOK, v)
		})
		release := make(chan struct{})
		s.POST("/page", func(c *gin.Context) {
			<-value
			value <- "new"
			c.Status(http.StatusOK)
			c.Writer.Flush() // the client has the header
			<-release
		})
		server := s.listen()
		fetch(t, server, http.MethodGet, "/page")
		if a := fetch(t, server, http.MethodGet, "/page"); !a.hit() || a.body != "old" {
			t.Fatalf("before: %q (%s)", a.body, a.cacheStatus())
		}
		_, r := dial(t, server, "POST /page HTTP/1.1\r\nHost: "+server.Listener.Addr().String()+"\r\nContent-Length: 0\r\n\r\n")
		expectLine(t, r, "HTTP/1.1 200")
		if a := fetch(t, server, http.MethodGet, "/page"); a.body != "new" {
			t.Errorf("behind the header: %q (%s)", a.body, a.cacheStatus())
		}
		close(release)
	})
}

// Middleware that commits the change only once the handler is done, as transactions do, has what was read meanwhile
// invalidated again, whichever way the answer took.
func TestInvalidationBehindCommit(t *testing.T) {
	for name, answers := range map[string]func(s *site) gin.HandlerFunc{
		"a handler":     func(*site) gin.HandlerFunc { return text("done") },
		"HandleContext": func(s *site) gin.HandlerFunc { return lead(s, "/inner") },
		"the writer of the server": func(*site) gin.HandlerFunc {
			return func(c *gin.Context) {
				_, _ = c.Writer.(interface{ Unwrap() http.ResponseWriter }).Unwrap().Write([]byte("done"))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				stored := "old"
				s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, stored) })
				var between answer
				s.POST("/page", func(c *gin.Context) {
					c.Next()
					between = s.get("/page") // somebody asks between the response and the commit
					stored = "new"
				}, answers(s))
				s.POST("/inner", text("done"))
				s.get("/page")
				if a := s.do(http.MethodPost, "/page"); a.body != "done" || between.body != "old" {
					t.Fatalf("the POST: %q; before the commit: %q", a.body, between.body)
				}
				if a := s.get("/page"); a.body != "new" {
					t.Errorf("behind the commit: %q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}

// A POST's response answers later GETs only if it says that it may (RFC 9110 §9.3.3): by its freshness, and by having the
// request's own URI for its Content-Location.
func TestPostThatAnswersGet(t *testing.T) {
	for _, row := range []struct {
		name   string
		fields []string
		status int
		stored bool
	}{
		{"both", []string{"Content-Location: /page?q=1", "Cache-Control: max-age=60"}, http.StatusOK, true},
		{"absolute", []string{"Content-Location: http://example.com/page?q=1", "Cache-Control: max-age=60"}, http.StatusOK, true},
		{"no freshness of its own", []string{"Content-Location: /page?q=1"}, http.StatusOK, false},
		{"no Content-Location", []string{"Cache-Control: max-age=60"}, http.StatusOK, false},
		{"another query", []string{"Content-Location: /page", "Cache-Control: max-age=60"}, http.StatusOK, false},
		{"another path", []string{"Content-Location: /other", "Cache-Control: max-age=60"}, http.StatusOK, false},
		{"another host", []string{"Content-Location: http://other.example/page?q=1", "Cache-Control: max-age=60"}, http.StatusOK, false},
		{"private", []string{"Content-Location: /page?q=1", "Cache-Control: max-age=60, private"}, http.StatusOK, false},
		{"Set-Cookie", []string{"Content-Location: /page?q=1", "Cache-Control: max-age=60", "Set-Cookie: a=1"}, http.StatusOK, false},
		{"201", []string{"Content-Location: /page?q=1", "Cache-Control: max-age=60"}, http.StatusCreated, false},
		{"400", []string{"Content-Location: /page?q=1", "Cache-Control: max-age=60"}, http.StatusBadRequest, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.Any("/page", cachette.Cached(time.Minute), func(c *gin.Context) {
					if c.Request.Method == http.MethodPost {
						for _, field := range row.fields {
							name, value, _ := strings.Cut(field, ": ")
							c.Header(name, value)
						}
						c.String(row.status, "posted")
						return
					}
					c.String(http.StatusOK, "gotten")
				})
				s.get("/page?q=1")
				post := s.do(http.MethodPost, "/page?q=1")
				if said := strings.Contains(post.cacheStatus(), "; stored"); said != row.stored {
					t.Errorf("the POST says %q", post.cacheStatus())
				}
				a := s.get("/page?q=1")
				if stored := a.body == "posted"; stored != row.stored || stored && !a.hit() {
					t.Errorf("GET behind it: %q (%s)", a.body, a.cacheStatus())
				}
				if a := s.get("/page"); a.body != "gotten" {
					t.Errorf("GET without the query: %q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}

// When the store does not answer, an unsafe request succeeds all the same, and what it outdates is not served any more,
// neither now nor when the store is back.
func TestInvalidationOwed(t *testing.T) {
	store, log := newShelf(), new(journal)
	s := newSite(t, store.on, log.in)
	s.GET("/page", cachette.Cached(time.Hour), text("page"))
	s.POST("/page", text("done"))
	s.get("/page")
	if a := s.get("/page"); !a.hit() {
		t.Fatal(a.cacheStatus())
	}
	store.breakdown(func(_ context.Context, c call) error {
		if c.op != "get" {
			return errors.New("read only")
		}
		return nil
	})
	if a := s.do(http.MethodPost, "/page"); a.status != http.StatusOK || a.body != "done" {
		t.Errorf("the POST: %d %q", a.status, a.body)
	}
	if !strings.Contains(log.String(), "owed") {
		t.Errorf("nothing was told: %s", log)
	}
	if err := s.cache.PurgePath(t.Context(), "/page"); err == nil {
		t.Error("PurgePath succeeds on a store that cannot be written")
	}
	for range 2 {
		if a := s.get("/page"); a.hit() || a.body != "page" {
			t.Errorf("while the store is down: %q (%s)", a.body, a.cacheStatus())
		}
	}
	store.breakdown(nil)
	if a := s.get("/page"); a.hit() {
		t.Errorf("once the store is back: %s", a.cacheStatus())
	}
}

// What handlers do to the header behind the first bytes of the answer to a write, no client sees: the answer invalidates what it named as it went out (RFC
// 9111 §4.4, RFC 9875 §3), and no more.
func TestInvalidationByTheHeaderAsItWentOut(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		for name, edit := range map[string]func(h http.Header, field string){
			"edited in place": func(h http.Header, field string) { h[field][0] = "/other" },
			"set anew":        func(h http.Header, field string) { h.Set(field, "/other") },
			"removed":         func(h http.Header, field string) { h.Del(field) },
		} {
			for field, named := range map[string]string{"Location": "/page", "Content-Location": "/page", "Cache-Group-Invalidation": `"g"`} {
				s := newSite(t, store)
				s.GET("/page", cachette.Cached(time.Hour), text("page", `Cache-Groups: "g"`))
				s.GET("/other", cachette.Cached(time.Hour), text("other"))
				s.POST("/", func(c *gin.Context) {
					c.Header(field, named)
					c.String(http.StatusOK, "changed")
					edit(c.Writer.Header(), field)
				})
				for range 2 { // the second time the page stands on its group, in each store
					s.get("/page")
				}
				s.get("/other")
				s.do(http.MethodPost, "/")
				if a := s.get("/page"); a.hit() {
					t.Errorf("%s, %s: %s", field, name, a.cacheStatus())
				}
				if a := s.get("/other"); !a.hit() {
					t.Errorf("%s, %s, what it did not name: %s", field, name, a.cacheStatus())
				}
			}
		}
	})
}
