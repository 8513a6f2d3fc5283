package behaviour_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/audit"
	"github.com/gin-cachette/cachette/cachettetest"
)

// audited is a route, what is before its Cached, and the causes that an audit of it is to find.
type audited struct {
	name    string
	before  gin.HandlerFunc
	options []cachette.Option
	handler gin.HandlerFunc
	fields  func(i int) []string // of the request with the number i; nil for none
	query   func(i int) string
	want    []string // kinds and names
}

// one returns one of some texts, by the number of a request.
func one(i int, of ...string) string { return of[i/2%len(of)] }

// setsKey is a middleware that sets a value on the context, by the client's cookie.
func setsKey(value func(c *gin.Context) any) gin.HandlerFunc {
	return func(c *gin.Context) { c.Set("user", value(c)) }
}

// cookieOf returns a cookie of a request.
func cookieOf(c *gin.Context, name string) string {
	value, _ := c.Cookie(name)
	return value
}

type account struct {
	ID   int
	Name string
}

// sessions are fields of requests by several users, with a language that is no part of it.
func sessions(i int) []string {
	return []string{"Cookie: theme=dark; session=" + one(i, "ann", "bob", "cid") + "; x=1", "Accept-Language: " + one(i/3, "de", "fr"), "User-Agent: test"}
}

var auditedRoutes = []audited{
	{name: "a page for all", handler: func(c *gin.Context) { c.String(200, "all") }, fields: sessions},
	{name: "a cookie", handler: func(c *gin.Context) { c.String(200, cookieOf(c, "session")) }, fields: sessions, want: []string{"cookie session"}},
	{name: "a cookie in a field of the answer", handler: func(c *gin.Context) {
		c.Header("X-Theme", cookieOf(c, "session"))
		c.String(200, "all")
	}, fields: sessions, want: []string{"cookie session"}},
	{name: "a cookie that decides on the status", handler: func(c *gin.Context) {
		if cookieOf(c, "session") == "" {
			c.String(401, "no")
			return
		}
		c.String(200, "yes")
	}, fields: sessions, want: []string{"cookie session"}},
	{name: "a cookie that is keyed", options: []cachette.Option{cachette.WithCookie("session")},
		handler: func(c *gin.Context) { c.String(200, cookieOf(c, "session")) }, fields: sessions},
	{name: "one cookie of two that is keyed", options: []cachette.Option{cachette.WithCookie("session")},
		handler: func(c *gin.Context) { c.String(200, cookieOf(c, "session")+cookieOf(c, "theme")) }, fields: sessions, want: []string{"cookie theme"}},
	{name: "cookies that the response varies by", handler: func(c *gin.Context) {
		c.Header("Vary", "Cookie")
		c.String(200, cookieOf(c, "session"))
	}, fields: sessions},
	{name: "a field", handler: func(c *gin.Context) { c.String(200, c.GetHeader("Accept-Language")) }, fields: sessions, want: []string{"header Accept-Language"}},
	{name: "a field that is keyed", options: []cachette.Option{cachette.WithVary("Accept-Language")},
		handler: func(c *gin.Context) { c.String(200, c.GetHeader("Accept-Language")) }, fields: sessions},
	{name: "a field that the response names", handler: func(c *gin.Context) {
		c.Header("Vary", "Accept-Language")
		c.String(200, c.GetHeader("Accept-Language"))
	}, fields: sessions},
	{name: "a value of c.Keys", before: setsKey(func(c *gin.Context) any { return one(time.Now().Second(), "ann", "bob") }),
		handler: func(c *gin.Context) { c.String(200, c.GetString("user")) }, want: []string{"c.Keys user"}},
	{name: "a structure in c.Keys", before: setsKey(func(c *gin.Context) any { return &account{7, "ann"} }),
		handler: func(c *gin.Context) { c.String(200, c.MustGet("user").(*account).Name) }, want: []string{"c.Keys user"}},
	{name: "a value of c.Keys that is keyed", before: setsKey(func(c *gin.Context) any { return cookieOf(c, "session") }),
		options: []cachette.Option{cachette.WithKeyPart(func(c *gin.Context) string { return c.GetString("user") })},
		handler: func(c *gin.Context) { c.String(200, c.GetString("user")) }, fields: sessions},
	{name: "an identity", before: setsKey(func(c *gin.Context) any { return cookieOf(c, "session") }),
		options: []cachette.Option{cachette.WithIdentity(func(c *gin.Context) string { return c.GetString("user") })},
		handler: func(c *gin.Context) {
			c.Header("Cache-Control", "private, max-age=60")
			c.String(200, c.GetString("user"))
		}, fields: sessions},
	{name: "a tool in c.Keys", before: setsKey(func(c *gin.Context) any { return errors.New("a tool") }),
		handler: func(c *gin.Context) { c.String(200, "%d", len(c.MustGet("user").(error).Error())) }},
	{name: "a session that a guard wants", before: func(c *gin.Context) {
		if cookieOf(c, "session") == "" {
			c.AbortWithStatus(401)
		}
	}, handler: func(c *gin.Context) { c.String(200, "all") }, fields: sessions},
	{name: "the client's address", handler: func(c *gin.Context) { c.String(200, c.ClientIP()) }, want: []string{"address "}},
	{name: "the client's address behind a proxy", handler: func(c *gin.Context) { c.String(200, c.ClientIP()) },
		fields: func(i int) []string { return []string{"X-Forwarded-For: " + one(i, "198.51.100.1", "198.51.100.2")} }, want: []string{"address "}},
	{name: "the time", handler: func(c *gin.Context) { c.String(200, time.Now().Format(time.TimeOnly)) }, want: []string{"time "}},
	{name: "a time that is taken out", handler: func(c *gin.Context) {
		c.String(200, "at "+time.Now().Format(time.TimeOnly)+" "+c.GetHeader("Accept-Language"))
	},
		options: []cachette.Option{cachette.WithAuditNormaliser(func(_ http.Header, body []byte) []byte {
			return regexp.MustCompile(`\d\d:\d\d:\d\d`).ReplaceAll(body, nil)
		})}, fields: sessions, want: []string{"header Accept-Language"}},
	{name: "chance", handler: func() gin.HandlerFunc {
		var n atomic.Int64
		return func(c *gin.Context) { c.String(200, fmt.Sprint(n.Add(1))) }
	}(), want: []string{"time "}},
	{name: "a toss of a coin", handler: func(c *gin.Context) { c.String(200, fmt.Sprint(rand.IntN(2))) }, fields: sessions, want: []string{"time "}},
	{name: "a middleware that fails without a field", before: func(c *gin.Context) {
		if c.GetHeader("User-Agent") == "" {
			panic("no agent")
		}
	}, handler: func(c *gin.Context) { c.String(200, "all") }, fields: sessions},
	{name: "data that changes now and then", handler: func(c *gin.Context) { c.String(200, fmt.Sprint(time.Now().Unix()/45)) }, fields: sessions},
	{name: "fields of a run", handler: func(c *gin.Context) {
		c.Header("Expires", time.Now().Add(time.Minute).Format(http.TimeFormat))
		c.Header("X-Request-Id", c.GetHeader("X-Request-Id"))
		c.String(200, "all")
	}, fields: func(i int) []string { return []string{fmt.Sprintf("X-Request-Id: %d", i)} }},
	{name: "a parameter of the query", options: []cachette.Option{cachette.WithQueryParams("page")},
		handler: func(c *gin.Context) { c.String(200, c.Query("page")+c.Query("sort")) },
		query:   func(i int) string { return "?page=1&sort=" + one(i, "up", "down") }, want: []string{"query sort"}},
	{name: "a parameter of the query that is parsed before", options: []cachette.Option{cachette.WithQueryParams("page")},
		before:  func(c *gin.Context) { _ = c.Request.ParseForm() },
		handler: func(c *gin.Context) { c.String(200, c.Request.FormValue("page")+c.Request.FormValue("sort")) },
		query:   func(i int) string { return "?page=1&sort=" + one(i, "up", "down") }, want: []string{"query sort"}},
	{name: "a parameter of the query that the response wrongly says does not count", handler: func(c *gin.Context) {
		c.Header("No-Vary-Search", `params=("sort")`)
		c.String(200, c.Query("page")+c.Query("sort"))
	}, query: func(i int) string { return "?page=1&sort=" + one(i, "up", "down") }, want: []string{"query sort"}},
	{name: "a query that is keyed", handler: func(c *gin.Context) { c.String(200, c.Query("page")+c.Query("sort")) },
		query: func(i int) string { return "?page=1&sort=" + one(i, "up", "down") }},
	{name: "a page that answers with an error without a field", handler: func(c *gin.Context) {
		if c.GetHeader("User-Agent") == "" {
			c.String(500, "no agent")
			return
		}
		c.String(200, "all")
	}, fields: sessions},
	{name: "a page that fails without a field", handler: func(c *gin.Context) {
		if c.GetHeader("User-Agent") == "" {
			panic("no agent")
		}
		c.String(200, "all")
	}, fields: sessions},
}

// causesOf returns the kinds and names of what a report has of a route.
func causesOf(report audit.Report, route string) (causes []string) {
	for _, r := range report.Routes {
		for _, c := range r.Causes {
			if r.Pattern == route {
				causes = append(causes, string(c.Kind)+" "+c.Name)
			}
		}
	}
	return causes
}

// An audit names what pages depend on and their key does not have, and nothing else.
func TestAudit(t *testing.T) {
	for _, row := range auditedRoutes {
		for _, bytes := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/bytes=%t", row.name, bytes), func(t *testing.T) {
				cachettetest.Bubble(t, func(t *testing.T) {
					log := new(journal)
					configure := []func(*cachette.Config){log.in}
					if bytes {
						configure = append(configure, cachettetest.NewStore().Use)
					}
					e := cachettetest.New(t, configure...)
					handlers := []gin.HandlerFunc{cachette.Cached(time.Minute, append(row.options, cachette.WithAudit(1))...), row.handler}
					if row.before != nil {
						handlers = slices.Insert(handlers, 0, row.before)
					}
					e.GET("/p", handlers...)
					for i := range 120 {
						var fields []string
						if row.fields != nil {
							fields = row.fields(i)
						}
						target := "/p"
						if row.query != nil {
							target += row.query(i)
						}
						e.Get(target, fields...)
						cachettetest.Pass(1300 * time.Millisecond)
					}
					if got := causesOf(e.Cache.AuditReport(), "/p"); !slices.Equal(got, row.want) {
						t.Errorf("causes %q, want %q\n%s", got, row.want, e.Cache.AuditReport())
					}
					if told := strings.Count(log.String(), "an audit has found"); told != len(row.want) || strings.Contains(log.String(), "panicked") {
						t.Errorf("the log has\n%s", log)
					}
					if text := e.Cache.AuditReport().String(); !strings.HasPrefix(text, "/p: 120 requests, ") {
						t.Errorf("the report is %s", text)
					}
				})
			})
		}
	}
}

// auditsAll is the Config of a cache that audits each hit.
func auditsAll(cfg *cachette.Config) { cfg.Audit = 1 }

// What an audit asks of handlers is what one client has asked, or less: its answer goes to nobody, is not stored and not counted, and its
// requests are told to no observer.
func TestAuditDisturbsNothing(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		type seen struct{ cookie, language, address string }
		var all []seen
		watch := new(watcher)
		e := cachettetest.New(t, auditsAll, func(cfg *cachette.Config) { cfg.Observer = watch })
		e.GET("/p", cachette.Cached(time.Minute), func(c *gin.Context) {
			for _, part := range []string{"/part", "/passed"} { // which the page is made of
				r := httptest.NewRequest(http.MethodGet, part, nil).WithContext(c.Request.Context())
				if part == "/passed" { // by the cache
					r.Header.Set("If-Match", "*")
				}
				e.ServeHTTP(httptest.NewRecorder(), r)
			}
			all = append(all, seen{cookieOf(c, "session"), c.GetHeader("Accept-Language"), c.ClientIP()})
			c.String(200, "page %d", len(all)) // so that each would be another one
		})
		e.GET("/part", cachette.Cached(time.Minute), text("part"))
		e.GET("/passed", cachette.Cached(time.Minute), text("passed"))
		first := e.Get("/p", "Cookie: session=ann", "Accept-Language: de")
		for i := range 20 {
			fields := []string{"Cookie: session=ann", "Accept-Language: de"}
			if i%2 > 0 {
				fields = []string{"Cookie: session=bob", "Accept-Language: fr"}
			}
			if a := e.Get("/p", fields...); !a.Hit() || a.Body != first.Body {
				t.Fatalf("%q, %s", a.Body, a.CacheStatus())
			}
			cachettetest.Pass(2 * time.Second)
		}
		if len(all) < 20 {
			t.Errorf("the handler ran %d times", len(all))
		}
		for _, s := range all {
			if s.cookie == "ann" && s.language == "fr" || s.cookie == "bob" && s.language == "de" {
				t.Errorf("the handler has seen %+v, which no client was", s)
			}
		}
		stats := e.Cache.Stats()
		if r := stats.Routes["/p"]; r.Hits != 20 || r.Misses != 1 || r.Bypassed != 0 || stats.Routes["/part"].Misses != 1 || stats.Routes["/passed"].Bypassed != 1 || stats.Stored != 2 {
			t.Errorf("counted: %+v, and %d stored", stats.Routes, stats.Stored)
		}
		if told := len(watch.take()); told != 23 {
			t.Errorf("the observer was told of %d requests, want 23", told)
		}
	})
}

// A route on which something was found is no longer cached where that is wanted; others, and one that only changes by itself, are.
func TestAuditStops(t *testing.T) {
	for _, stops := range []bool{false, true} {
		for _, before := range []bool{false, true} { // with a handler before Cached, which is the longer way
			t.Run(fmt.Sprintf("%t/%t", stops, before), func(t *testing.T) {
				cachettetest.Bubble(t, func(t *testing.T) {
					e := cachettetest.New(t, auditsAll, func(cfg *cachette.Config) { cfg.AuditStops = stops })
					if before {
						e.Use(func(*gin.Context) {})
					}
					e.GET("/wrong", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(200, c.GetHeader("X-Plan")) })
					e.GET("/right", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(200, "all") })
					e.GET("/time", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(200, time.Now().String()) })
					ask := func(path string) string { return e.Get(path, "X-Plan: gold").CacheStatus() }
					for range 20 {
						for _, path := range []string{"/wrong", "/right", "/time"} {
							ask(path)
							cachettetest.Pass(2 * time.Second)
						}
					}
					if got, want := ask("/wrong"), "cachette; fwd=bypass; detail=audit"; (got == want) != stops {
						t.Errorf("/wrong: %s", got)
					}
					for _, path := range []string{"/right", "/time"} {
						if got := ask(path); !strings.HasPrefix(got, "cachette; hit") {
							t.Errorf("%s: %s", path, got)
						}
					}
					for _, r := range e.Cache.AuditReport().Routes {
						if r.Stopped != (stops && r.Pattern == "/wrong") {
							t.Errorf("%s: stopped=%t", r.Pattern, r.Stopped)
						}
					}
				})
			})
		}
	}
}

// Audits are bounded: hits do not wait for them, those beyond are counted as skipped, and Close ends them.
func TestAuditsBounded(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		var under, most, runs atomic.Int64
		e := cachettetest.New(t, auditsAll)
		e.GET("/p", cachette.Cached(time.Hour), func(c *gin.Context) {
			if runs.Add(1) > 1 {
				most.Store(max(most.Load(), under.Add(1)))
				<-c.Request.Context().Done()
				under.Add(-1)
			}
			c.String(200, "page")
		})
		for range 50 {
			e.Get("/p")
		}
		cachettetest.Pass(time.Second)
		if r := e.Cache.AuditReport().Routes[0]; most.Load() != 4 || r.Skipped != 49-4 || r.Samples != 0 {
			t.Errorf("%d under way at once; %+v", most.Load(), r)
		}
		cachettetest.Pass(time.Minute)
		if under.Load() != 0 {
			t.Errorf("%d audits go on", under.Load())
		}
		e.Get("/p")
		cachettetest.Pass(time.Millisecond)
		if err := e.Cache.Close(); err != nil || under.Load() != 0 {
			t.Errorf("behind Close %d audits go on: %v", under.Load(), err)
		}
	})
}

// Neither the log nor the report has anything that a request or response holds.
func TestAuditTellsNoSecrets(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		const secret = "hunter2hunter2"
		log := new(journal)
		e := cachettetest.New(t, auditsAll, log.in)
		e.GET("/report", e.Cache.ReportHandler())
		e.GET("/p/:id", setsKey(func(*gin.Context) any { return secret }), cachette.Cached(time.Hour, cachette.WithPathKey()), func(c *gin.Context) {
			c.Header("X-Key", c.GetHeader("X-Api-Key"))
			c.String(200, "%s %s %s %s", cookieOf(c, "session"), c.GetString("user"), c.Query("q"), c.ClientIP())
		})
		for range 60 {
			e.Get("/p/"+secret+"?q="+secret, "Cookie: session="+secret, "X-Api-Key: "+secret)
			cachettetest.Pass(2 * time.Second)
		}
		text, data := e.Get("/report"), e.Get("/report", "Accept: application/json")
		told := log.String() + text.Body + data.Body + e.Cache.AuditReport().String()
		if strings.Contains(told, secret) {
			t.Errorf("told: %s", told)
		}
		for _, want := range []string{"session", "X-Api-Key", "user", `"q"`, "address", "WithCookie"} {
			if strings.Count(told, want) < 3 {
				t.Errorf("%q is not told in the log, the text and the data: %s", want, told)
			}
		}
		if text.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(data.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%v, %v", text.Header, data.Header)
		}
	})
}

// A request of an audit comes to the route as the client's did, whatever stands between, and is compared with what that route has made.
func TestAuditComesToItsRoute(t *testing.T) {
	cookie := func(c *gin.Context) { c.String(200, cookieOf(c, "session")+c.Param("id")) }
	for name, mount := range map[string]func(e *cachettetest.Engine) http.Handler{
		"a prefix that is taken off": func(e *cachettetest.Engine) http.Handler {
			e.GET("/p/:id", cachette.Cached(time.Hour), cookie)
			return http.StripPrefix("/app", e)
		},
		"a Cached on the group as well": func(e *cachettetest.Engine) http.Handler {
			e.Group("/app", cachette.Cached(time.Minute)).GET("/p/:id", cachette.Cached(time.Hour), cookie)
			return e
		},
		"a Cached on the group, and a handler between": func(e *cachettetest.Engine) http.Handler {
			e.Group("/app", cachette.Cached(time.Minute), func(*gin.Context) {}).GET("/p/:id", cachette.Cached(time.Hour, cachette.WithVary("Accept")), cookie)
			return e
		},
		"a path that a middleware rewrites": func(e *cachettetest.Engine) http.Handler {
			e.GET("/p/:id", cachette.Cached(time.Hour), cookie)
			e.GET("/app/p/:id", func(c *gin.Context) {
				c.Request.URL.Path = "/p/" + c.Param("id")
				e.HandleContext(c)
				c.Abort()
			})
			return e
		},
		"a key that is shown": func(e *cachettetest.Engine) http.Handler {
			e.GET("/app/p/:id", cachette.Cached(time.Hour, cachette.WithCacheStatusKey()), cookie)
			return e
		},
	} {
		t.Run(name, func(t *testing.T) {
			cachettetest.Bubble(t, func(t *testing.T) {
				e := cachettetest.New(t, auditsAll)
				handler := mount(e)
				for i := range 40 {
					cachettetest.Do(t, handler, http.MethodGet, "/app/p/7", "Cookie: session="+one(i, "ann", "bob"), "Accept: text/plain")
					cachettetest.Pass(2 * time.Second)
				}
				var causes []string
				for _, r := range e.Cache.AuditReport().Routes {
					causes = append(causes, causesOf(e.Cache.AuditReport(), r.Pattern)...)
				}
				if !slices.Equal(causes, []string{"cookie session"}) {
					t.Errorf("causes %q\n%s", causes, e.Cache.AuditReport())
				}
			})
		})
	}
}

// A dry run answers each request by its handler, and says how often the cache would have been right.
func TestDryRun(t *testing.T) {
	for _, bytes := range []bool{false, true} {
		t.Run(fmt.Sprint(bytes), func(t *testing.T) {
			cachettetest.Bubble(t, func(t *testing.T) {
				var configure []func(*cachette.Config)
				if bytes {
					configure = append(configure, cachettetest.NewStore().Use)
				}
				e := cachettetest.New(t, configure...)
				e.GET("/right", cachette.Cached(time.Minute, cachette.WithDryRun()), func(c *gin.Context) { c.String(200, "all") })
				runs := 0
				e.GET("/wrong", cachette.Cached(time.Minute, cachette.WithDryRun(), cachette.WithStaleWhileRevalidate(time.Hour)), func(c *gin.Context) {
					runs++
					c.Header("ETag", `"`+cookieOf(c, "session")+`"`)
					c.String(200, cookieOf(c, "session"))
				})
				for i := range 100 {
					user := one(i, "ann", "bob")
					a := e.Get("/wrong", "Cookie: session="+user)
					if a.Body != user || a.Hit() {
						t.Fatalf("%d: %q, %s", i, a.Body, a.CacheStatus())
					}
					if want := map[bool]string{true: "cachette; fwd=uri-miss; stored", false: "cachette; fwd=bypass; detail=dry-run"}[i == 0]; i < 20 && a.CacheStatus() != want {
						t.Errorf("%d: %s, want %s", i, a.CacheStatus(), want)
					}
					if a := e.Get("/right", "Cookie: session="+user); a.Body != "all" {
						t.Fatalf("%d: %q, %s", i, a.Body, a.CacheStatus())
					}
					if a := cachettetest.Do(t, e, http.MethodGet, "/right", "Range: bytes=1-2"); a.Body != "all" && a.Body != "ll" {
						t.Fatalf("%d: %q, %s", i, a.Body, a.CacheStatus())
					}
					cachettetest.Pass(2 * time.Second)
				}
				report := e.Cache.AuditReport()
				if runs < 100 {
					t.Errorf("%d runs", runs)
				}
				if got := causesOf(report, "/wrong"); !slices.Equal(got, []string{"cookie session"}) || len(causesOf(report, "/right")) > 0 {
					t.Errorf("causes %q\n%s", got, report)
				}
				for _, r := range report.Routes {
					right := r.Pattern == "/right"
					if wrong := r.Differences > 0; !r.DryRun || r.Hits < r.Requests*9/10 || r.Hits > r.Requests || wrong == right || r.Samples < 90 {
						t.Errorf("%+v", r)
					}
				}
			})
		})
	}
}

// A rate that is none, and a function that is nil, are told at once.
func TestAuditOptions(t *testing.T) {
	for name, option := range map[string]func(){
		"below":          func() { cachette.WithAudit(-0.1) },
		"above":          func() { cachette.WithAudit(1.1) },
		"two":            func() { cachette.Cached(time.Minute, cachette.WithAudit(0.1), cachette.WithAudit(0.2)) },
		"no normalisers": func() { cachette.WithAuditNormaliser(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if err, ok := recover().(error); !ok || !errors.Is(err, cachette.ErrInvalid) {
					t.Errorf("recovered %v", err)
				}
			}()
			option()
		})
	}
}

// A function of WithAuditNormaliser that panics ends the comparison, and nothing else: it is told, and clients get their answers.
func TestAuditNormaliserPanics(t *testing.T) {
	for _, dry := range []bool{false, true} {
		t.Run(fmt.Sprint(dry), func(t *testing.T) {
			cachettetest.Bubble(t, func(t *testing.T) {
				log := new(journal)
				e := cachettetest.New(t, auditsAll, log.in)
				options := []cachette.Option{cachette.WithAuditNormaliser(func(http.Header, []byte) []byte { panic("no") })}
				if dry {
					options = append(options, cachette.WithDryRun())
				}
				e.GET("/p", cachette.Cached(time.Hour, options...), text("page"))
				for range 10 {
					if a := e.Get("/p"); a.Status != 200 || a.Body != "page" {
						t.Fatalf("%d, %q", a.Status, a.Body)
					}
					cachettetest.Pass(time.Second)
				}
				if !strings.Contains(log.String(), "cachette: an audit panicked") {
					t.Errorf("the log has %s", log)
				}
			})
		})
	}
}
