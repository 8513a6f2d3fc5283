package dashboard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
	"github.com/gin-cachette/cachette/dashboard"
)

func init() { gin.SetMode(gin.TestMode) }

// site is an engine with a cached page, and the dashboard behind a password.
type site struct {
	*cachettetest.Engine
	t *testing.T
}

func newSite(t *testing.T, opts ...dashboard.Option) site {
	t.Helper()
	s := site{cachettetest.New(t), t}
	s.GET("/products/:id", cachette.Cached(time.Hour), func(c *gin.Context) {
		time.Sleep(3 * time.Millisecond)
		c.String(http.StatusOK, "product")
	})
	s.GET("/mine", cachette.Cached(time.Hour), func(c *gin.Context) {
		c.Header("Cache-Control", "private")
		c.String(http.StatusOK, "mine")
	})
	dashboard.Mount(s.Group("/admin/cache", gin.BasicAuth(gin.Accounts{"ann": "secret"})), s.Cache, opts...)
	return s
}

// password is the header field by which the group lets somebody in: ann, secret.
const password = "Authorization: Basic YW5uOnNlY3JldA=="

func (s site) open(name string) cachettetest.Answer {
	s.t.Helper()
	return s.Get("/admin/cache/"+name, password)
}

// state is what the page is told, as far as tests look at it.
type state struct {
	Process struct{ ID string }
	Token   string
	Closed  bool
	Purges  bool
	Names   []string
	Rows    [][]float64
	Last    int
	Routes  []struct {
		Pattern           string
		Outcomes          map[string]uint64
		Requests, Fills   uint64
		Mean, Saved       float64
		Refused, Bypasses map[string]uint64
	}
	Store []struct {
		Name, State string
		Results     map[string]uint64
	}
	Refusals []cachette.RefusalOfRoute
	Audit    []struct {
		Pattern, Cause, Differs, Advice string
		Samples, Differences, Times     uint64
		Leaks                           bool
	}
	Memory struct{ Entries, Limit int }
	Keys   []struct {
		Name  string
		Bytes int64
	}
}

func (s site) state(query string) (told state) {
	s.t.Helper()
	a := s.open("state" + query)
	if err := json.Unmarshal([]byte(a.Body), &told); err != nil || a.Status != http.StatusOK {
		s.t.Fatalf("%d %s: %v", a.Status, a.Body, err)
	}
	return told
}

// What the page is made of is all there, behind the password, and may do nothing but to show.
func TestMount(t *testing.T) {
	s := newSite(t)
	files := []string{"", "state"}
	err := filepath.WalkDir("page", func(name string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Base(name) != "index.html" {
			files = append(files, strings.TrimPrefix(filepath.ToSlash(name), "page/"))
		}
		return err
	})
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if a := s.Get("/admin/cache/" + name); a.Status != http.StatusUnauthorized {
			t.Errorf("%q without a password: %d", name, a.Status)
		}
		a := s.open(name)
		if a.Status != http.StatusOK || len(a.Body) < 100 {
			t.Errorf("%q: %d, %d bytes", name, a.Status, len(a.Body))
		}
		for field, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := a.Header.Values(field); len(got) != 1 || got[0] != want {
				t.Errorf("%q: %s is %q, want %q", name, field, got, want)
			}
		}
		policy := a.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy+";", part+";") {
				t.Errorf("%q: the policy does not say %s: %s", name, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") {
			t.Errorf("%q: the policy allows too much: %s", name, policy)
		}
		if a.CacheStatus() != "" {
			t.Errorf("%q goes through the cache: %s", name, a.CacheStatus())
		}
	}
}

// The page asks its own host alone, by relative names, has nothing inline, and makes no markup of what it shows.
func TestPage(t *testing.T) {
	s := newSite(t)
	html := s.open("").Body
	for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(html, -1) {
		if regexp.MustCompile(`\s(style|on[a-z]+)=`).MatchString(tag) || strings.HasPrefix(tag, "<style") || strings.HasPrefix(tag, "<script") && !strings.Contains(tag, "src=") {
			t.Errorf("inline: %s", tag)
		}
		for _, link := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(tag, -1) {
			if strings.Contains(link[1], ":") || strings.HasPrefix(link[1], "/") {
				t.Errorf("not relative: %s", tag)
			} else if !strings.HasPrefix(link[1], "#") {
				if a := s.open(link[1]); a.Status != http.StatusOK {
					t.Errorf("%s: %d", link[1], a.Status)
				}
			}
		}
	}
	for _, name := range []string{"app.js", "charts.js", "explain.js", "purge.js", "table.js", "text.js"} {
		script := s.open(name).Body
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser", "http:", "https:", "localStorage"} {
			if strings.Contains(script, bad) {
				t.Errorf("%s has %s", name, bad)
			}
		}
	}
}

// The way to the page without its last slash is relative: a proxy may have taken a part of the path away.
func TestMountWithoutSlash(t *testing.T) {
	s := newSite(t)
	if a := s.Get("/admin/cache", password); a.Status != http.StatusPermanentRedirect || a.Header.Get("Location") != "./cache/" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %q", a.Status, a.Header)
	}
	atRoot := cachettetest.New(t)
	dashboard.Mount(atRoot, atRoot.Cache)
	if a := atRoot.Get("/"); a.Status != http.StatusOK || !strings.Contains(a.Body, "<!DOCTYPE html>") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// What the page is told is what Stats has.
func TestState(t *testing.T) {
	s := newSite(t)
	for range 3 {
		s.Get("/products/1")
	}
	s.Get("/mine")
	told := s.state("")
	if len(told.Routes) != 2 || told.Memory.Entries != 1 || told.Memory.Limit == 0 || told.Closed || told.Token == "" || len(told.Store) != 8 {
		t.Fatalf("%+v", told)
	}
	mine, products := told.Routes[0], told.Routes[1]
	if mine.Pattern != "/mine" || mine.Outcomes["miss"] != 1 || mine.Refused["private"] != 1 {
		t.Errorf("%+v", mine)
	}
	if products.Pattern != "/products/:id" || products.Outcomes["hit"] != 2 || products.Outcomes["miss"] != 1 || products.Requests != 3 || products.Fills != 1 ||
		products.Mean < 3 || products.Saved < 6 {
		t.Errorf("%+v", products)
	}
}

// What clients send, and what handlers answer, is not on the page.
func TestStateHasNoSecrets(t *testing.T) {
	s := newSite(t)
	s.GET("/hello", cachette.Cached(time.Hour, cachette.WithAudit(1)), func(c *gin.Context) {
		c.Header("X-Secret", "planted-field")
		c.String(http.StatusOK, "planted-body of %s", c.Query("key"))
	})
	for i := range 20 {
		for _, path := range []string{"/products/planted-path", "/mine", "/hello"} {
			s.Get(path+"?key=planted-query", fmt.Sprintf("Cookie: session=planted-cookie-%d", i), "X-Token: planted-token", "Authorization: Bearer planted-password")
		}
	}
	for _, name := range []string{"state", ""} {
		if body := s.open(name).Body; strings.Contains(body, "planted") {
			t.Errorf("%q: %s", name, body)
		}
	}
}

// Nothing that comes from clients or programs stands in an answer as markup.
func TestStateIsNoMarkup(t *testing.T) {
	s := newSite(t)
	s.GET("/<script>alert(1)</script>", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, "page") })
	s.Get("/%3Cscript%3Ealert(1)%3C/script%3E")
	a := s.open("state")
	if got := s.state("").Routes; len(got) != 1 || got[0].Pattern != "/<script>alert(1)</script>" {
		t.Errorf("%+v", got)
	}
	if strings.ContainsAny(a.Body, "<>") || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%q %s", a.Header, a.Body)
	}
}

// What audits have found is there, and nothing of routes that have none.
func TestAudit(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		s := newSite(t)
		s.GET("/hello", cachette.Cached(time.Hour, cachette.WithAudit(1)), func(c *gin.Context) {
			name, _ := c.Cookie("name")
			c.String(http.StatusOK, "Hello, %s", name)
		})
		s.GET("/right", cachette.Cached(time.Hour, cachette.WithAudit(1)), func(c *gin.Context) { c.String(http.StatusOK, "right") })
		runs := 0 // of one audit at a time
		s.GET("/counts", cachette.Cached(time.Hour, cachette.WithAudit(1)), func(c *gin.Context) {
			runs++
			c.String(http.StatusOK, "%d", runs)
		})
		for _, path := range []string{"/products/1", "/products/1", "/right", "/right"} {
			s.Get(path)
		}
		if told := s.state("").Audit; len(told) > 1 {
			t.Errorf("%+v", told)
		}
		for i := range 9 {
			s.Get("/hello", fmt.Sprintf("Cookie: name=%d", i))
			cachettetest.Pass(time.Second)
			s.Get("/counts")
			cachettetest.Pass(time.Second)
		}
		told := s.state("").Audit
		if len(told) != 3 || told[0].Pattern != "/counts" || told[1].Pattern != "/hello" || told[2].Pattern != "/right" || told[2].Samples != 1 || told[2].Cause != "" {
			t.Fatalf("%+v", told)
		}
		if counts := told[0]; counts.Cause != "time or chance" || counts.Leaks || !told[1].Leaks || told[2].Leaks {
			t.Errorf("what leaks: %+v", told)
		}
		if hello := told[1]; hello.Cause != `the cookie "name"` || hello.Samples != 8 || hello.Differences != 8 || hello.Times == 0 || hello.Differs != "body" ||
			!strings.Contains(hello.Advice, "WithCookie") {
			t.Errorf("%+v", hello)
		}
	})
}

// A row is there each two seconds, of the last 15 minutes, and those alone that the page does not have.
func TestHistory(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		s := newSite(t)
		cachettetest.Pass(9 * time.Second)
		s.Get("/products/1")
		cachettetest.Pass(2 * time.Second)
		told := s.state("")
		if len(told.Rows) != 6 || told.Last != 6 {
			t.Fatalf("%+v", told)
		}
		for i, name := range told.Names {
			before, last := told.Rows[4][i], told.Rows[5][i]
			want := map[string]float64{"at": 2000, "requests": 1, "misses": 1, "fills": 1, "filling": 3}[name]
			if grown := last - before; grown != want && name != "memory" && name != "operations" {
				t.Errorf("%s has grown by %v, want %v", name, grown, want)
			}
		}
		query := "?since=6&process=" + told.Process.ID
		if more := s.state(query); len(more.Rows) != 0 || more.Last != 6 {
			t.Errorf("%+v", more)
		}
		cachettetest.Pass(4 * time.Second)
		if more := s.state(query); len(more.Rows) != 2 || more.Rows[0][0] != told.Rows[5][0]+2000 {
			t.Errorf("%+v", more)
		}
		for _, query := range []string{"?since=6&process=another", "?since=999&process=" + told.Process.ID, "?since=-1&process=" + told.Process.ID, "?since=x"} {
			if all := s.state(query); len(all.Rows) != 8 {
				t.Errorf("%s: %d rows", query, len(all.Rows))
			}
		}
		cachettetest.Pass(time.Hour)
		if told := s.state(""); len(told.Rows) != 450 || told.Rows[449][0]-told.Rows[0][0] != 449*2000 {
			t.Errorf("%d rows", len(told.Rows))
		}
	})
}

// The samples end with the cache, or with a context before. The page stays.
func TestHistoryEnds(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := newSite(t, dashboard.WithContext(ctx))
		cachettetest.Pass(3 * time.Second)
		cancel()
		cachettetest.Pass(time.Minute)
		if told := s.state(""); told.Last != 2 || told.Closed {
			t.Errorf("%+v", told)
		}
		s = newSite(t)
		cachettetest.Pass(3 * time.Second)
		if err := s.Cache.Close(); err != nil {
			t.Error(err)
		}
		cachettetest.Pass(time.Minute)
		if told := s.state(""); told.Last != 2 || !told.Closed {
			t.Errorf("%+v", told)
		}
	})
}

// observer is told of requests.
type observer struct{ routes []string }

func (o *observer) OnRequest(_ context.Context, e cachette.RequestEvent) {
	o.routes = append(o.routes, e.Route)
}
func (o *observer) OnOperation(context.Context, cachette.OperationEvent) {}

// Behind a Cached of the whole engine the page is made anew each time, and is in no figures.
func TestMountBehindCached(t *testing.T) {
	told := new(observer)
	s := site{cachettetest.New(t, func(cfg *cachette.Config) { cfg.Observer = told }), t}
	s.Use(cachette.Cached(time.Hour))
	s.GET("/page", func(c *gin.Context) { c.String(http.StatusOK, "page") })
	dashboard.Mount(s.Group("/admin/cache"), s.Cache)
	for range 3 {
		for _, name := range []string{"", "state", "app.js"} {
			if a := s.open(name); a.Hit() || a.Status != http.StatusOK {
				t.Errorf("%q: %d %s", name, a.Status, a.CacheStatus())
			}
		}
		s.Get("/page")
	}
	stats := s.Cache.Stats()
	for pattern, counted := range stats.Routes {
		for outcome, n := range counted.All() {
			if strings.HasPrefix(pattern, "/admin") && n+counted.Fills.Count+uint64(len(counted.Refused)+len(counted.Bypasses)) > 0 {
				t.Errorf("%s counts: %d of %s, %+v", pattern, n, outcome, counted)
			}
		}
	}
	if told := s.state(""); len(told.Routes) != 1 {
		t.Errorf("%+v", told.Routes)
	}
	if n := stats.Routes["/page"].Hits; n != 2 || stats.Stored != 1 {
		t.Errorf("%d hits, %d stored", n, stats.Stored)
	}
	for _, route := range told.routes {
		if strings.HasPrefix(route, "/admin") {
			t.Errorf("the observer is told of %s", route)
		}
	}
}

func TestMountPanics(t *testing.T) {
	e := cachettetest.New(t)
	for name, mount := range map[string]func(){
		"no group":  func() { dashboard.Mount(nil, e.Cache) },
		"no cache":  func() { dashboard.Mount(e, nil) },
		"no option": func() { dashboard.Mount(e, e.Cache, nil) },
	} {
		func() {
			defer func() {
				if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), "dashboard.Mount") {
					t.Errorf("%s: %v", name, err)
				}
			}()
			mount()
		}()
	}
}
