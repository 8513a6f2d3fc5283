package cachettetest_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

func init() { gin.SetMode(gin.TestMode) }

// told is a test that notes what it is told, and does not fail.
type told struct {
	testing.TB
	errors []string
}

func (t *told) Helper() {}
func (t *told) Errorf(format string, args ...any) {
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}

// engine returns an engine whose assertions tell what they find.
func engine(t *testing.T, configure ...func(*cachette.Config)) (*cachettetest.Engine, *told) {
	t.Helper()
	noted := &told{TB: t}
	return cachettetest.New(noted, configure...), noted
}

// TestAssertions: each holds for what it is of, and fails for all else, with what the answer says.
func TestAssertions(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		e, noted := engine(t)
		status := http.StatusOK
		e.GET("/page", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour)), func(c *gin.Context) { c.String(status, "page") })
		e.GET("/bare", func(c *gin.Context) { c.String(http.StatusOK, "bare") })
		hit := func(target string) { e.Hit(target) }
		miss := func(target string) { e.Miss(target) }
		stale := func(target string) { e.Stale(target) }
		age := func(want time.Duration) func(string) { return func(target string) { e.Age(want, target) } }
		step := func(when, target string, holds func(string), fail map[string]func(string)) {
			t.Helper()
			noted.errors = nil
			if holds(target); len(noted.errors) > 0 {
				t.Errorf("%s: %q", when, noted.errors)
			}
			for name, assertion := range fail {
				noted.errors = nil
				if assertion(target); len(noted.errors) != 1 || !strings.Contains(noted.errors[0], target) {
					t.Errorf("%s, %s: %q", when, name, noted.errors)
				}
			}
		}
		step("nothing is stored", "/page?1", miss, map[string]func(string){"miss, which it is no more": miss, "stale": stale})
		step("nothing is stored", "/page?2", func(string) {}, map[string]func(string){"hit": hit})
		cachettetest.Pass(3 * time.Second)
		step("stored", "/page?1", hit, map[string]func(string){"miss": miss, "stale": stale, "another age": age(4 * time.Second), "no age": age(0)})
		step("stored", "/page?1", age(3*time.Second), nil)
		cachettetest.Pass(time.Minute)
		status = http.StatusInternalServerError
		step("stale", "/page?1", stale, map[string]func(string){"hit": hit})
		step("without a Cached", "/bare", func(string) {}, map[string]func(string){"hit": hit, "miss": miss, "stale": stale, "age": age(0)})
	})
}

// TestAssertionsShowErrors: what a handler says that has failed is in the message of the test, as much of it as is read.
func TestAssertionsShowErrors(t *testing.T) {
	e, noted := engine(t)
	e.GET("/page", cachette.Cached(time.Minute), func(c *gin.Context) {
		c.String(http.StatusInternalServerError, "no such table: %s", strings.Repeat("x", 1000))
	})
	for name, assertion := range map[string]func(){
		"Hit": func() { e.Hit("/page") }, "Stale": func() { e.Stale("/page") }, "Age": func() { e.Age(0, "/page") },
	} {
		noted.errors = nil
		if assertion(); len(noted.errors) != 1 || !strings.Contains(noted.errors[0], `500, `) || !strings.Contains(noted.errors[0], "no such table") || len(noted.errors[0]) > 400 {
			t.Errorf("%s: %q", name, noted.errors)
		}
	}
	e.GET("/long", func(c *gin.Context) { c.String(http.StatusOK, "a page") })
	noted.errors = nil
	e.Hit("/long")
	if len(noted.errors) != 1 || strings.Contains(noted.errors[0], "a page") {
		t.Errorf("%q", noted.errors)
	}
}

// userOf is whom a request is of, and so what the pages below are about.
func userOf(c *gin.Context) string { return c.GetHeader("X-User") }

var users = []cachettetest.User{
	cachettetest.As("ann", "X-User: ann"), cachettetest.As("bob", "X-User: bob"), cachettetest.As("a guest"),
}

func marked() (list []cachettetest.User) {
	return []cachettetest.User{
		cachettetest.As("ann", "X-User: ann").Marked("of ann;"), cachettetest.As("bob", "X-User: bob").Marked("of bob;"), cachettetest.As("a guest").Marked("of ;"),
	}
}

// page returns the handler of a page of the user's.
func page(fields ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		for i := 0; i < len(fields); i += 2 {
			c.Header(fields[i], fields[i+1])
		}
		c.String(http.StatusOK, "the page of %s; it is long enough", userOf(c))
	}
}

// TestNeverShared: it holds of a route whose pages are told apart, in whatever way, and tells who was given whose page otherwise.
func TestNeverShared(t *testing.T) {
	var runs atomic.Int64
	counted := func(c *gin.Context) { c.String(http.StatusOK, "the page of %s; the %d. one", userOf(c), runs.Add(1)) }
	for name, row := range map[string]struct {
		options []cachette.Option
		page    gin.HandlerFunc
		users   []cachettetest.User
		says    []string // nil where it holds
	}{
		"an identity":                    {[]cachette.Option{cachette.WithIdentity(userOf)}, page(), users, nil},
		"a part of the key":              {[]cachette.Option{cachette.WithKeyPart(userOf)}, page(), users, nil},
		"WithVary":                       {[]cachette.Option{cachette.WithVary("X-User")}, page(), users, nil},
		"Vary":                           {nil, page("Vary", "X-User"), users, nil},
		"Vary, one tag for all":          {nil, page("Vary", "X-User", "ETag", `"v1"`), users, nil},
		"private":                        {nil, page("Cache-Control", "private"), users, nil},
		"no-store":                       {nil, page("Cache-Control", "no-store"), users, nil},
		"an identity, another each time": {[]cachette.Option{cachette.WithIdentity(userOf)}, counted, marked(), nil},
		"nothing":                        {nil, page(), users, []string{"was given the page of ann", "was given the page of bob", "Cache-Status", "WithIdentity"}},
		"nothing, one tag for all":       {nil, page("ETag", `"v1"`), users, []string{"was given the page of ann"}},
		"nothing, another each time":     {nil, counted, marked(), []string{"was given the page of ann"}},
		"Vary by something else":         {nil, page("Vary", "Accept-Language"), users, []string{"bob was given the page of ann"}},
		"a part of the key for some": {[]cachette.Option{cachette.WithKeyPart(func(c *gin.Context) string { return strings.TrimPrefix(userOf(c), "ann") })}, page(), users,
			[]string{"a guest was given the page of ann", "ann was given the page of a guest"}},
		"by a field alone":                 {nil, func(c *gin.Context) { c.Header("X-For", userOf(c)); c.String(http.StatusOK, "page") }, users, []string{"bob was given the page of ann"}},
		"pages that are the same":          {nil, func(c *gin.Context) { c.String(http.StatusOK, "page") }, users, []string{"ann and bob get the same page"}},
		"pages that are another each time": {[]cachette.Option{cachette.WithIdentity(userOf)}, counted, users, []string{"another each time", "Marked"}},
		"marks that are not there":         {nil, counted, []cachettetest.User{users[0].Marked("Ann"), users[1]}, []string{`does not have its mark "Ann"`}},
		"a mark of both":                   {nil, counted, []cachettetest.User{users[0].Marked("the page"), users[1].Marked("of bob")}, []string{"get the same page"}},
		"one user":                         {nil, page(), users[:1], []string{"two users"}},
	} {
		for _, store := range []string{"memory", "store"} {
			t.Run(name+"/"+store, func(t *testing.T) {
				cachettetest.Bubble(t, func(t *testing.T) {
					e, noted := engine(t, func(cfg *cachette.Config) {
						if store == "store" {
							cachettetest.NewStore().Use(cfg)
						}
					})
					e.GET("/page", cachette.Cached(time.Minute, row.options...), row.page)
					e.NeverShared("/page?a=1", row.users...)
					said := strings.Join(noted.errors, "\n")
					if len(row.says) == 0 && said != "" {
						t.Error(said)
					}
					for _, says := range row.says {
						if says = strings.ReplaceAll(says, "Cache-Status", "cachette; "); !strings.Contains(said, says) {
							t.Errorf("%q is not in %q", says, said)
						}
					}
					if len(noted.errors) > len(row.users)*len(row.users) {
						t.Errorf("it says too much: %q", noted.errors)
					}
				})
			})
		}
	}
}

// TestNeverSharedLooksEachWay: a page that goes astray in one way of asking alone is found.
func TestNeverSharedLooksEachWay(t *testing.T) {
	with := func(field, value string) func(*gin.Context) bool {
		return func(c *gin.Context) bool { return strings.Contains(c.GetHeader(field), value) }
	}
	var asking atomic.Int64
	var soft atomic.Bool
	for name, when := range map[string]func(*gin.Context) bool{
		"HEAD":           func(c *gin.Context) bool { return c.Request.Method == http.MethodHead },
		"a range":        with("Range", "bytes=1-"),
		"the end":        with("Range", "bytes=-4"),
		"an entity tag":  func(c *gin.Context) bool { return c.GetHeader("If-None-Match") != "" },
		"max-stale":      func(c *gin.Context) bool { return c.GetHeader("Cache-Control") == "max-stale" },
		"what is stored": with("Cache-Control", "only-if-cached"),
		"what is not":    nil,
		"all at once":    func(*gin.Context) bool { return asking.Load() > 1 },
		"stale pages":    func(*gin.Context) bool { return soft.Load() },
		"HEAD, one tag":  func(c *gin.Context) bool { return c.Request.Method == http.MethodHead },
	} {
		t.Run(name, func(t *testing.T) {
			cachettetest.Bubble(t, func(t *testing.T) {
				e, noted := engine(t)
				e.Cache.OnPurge(func(p cachette.Purge) { soft.Store(p.Soft) })
				fields := []string{"Cache-Control", "private"}
				if strings.HasSuffix(name, "one tag") {
					fields = append(fields, "ETag", `"v1"`)
				}
				handlers := []gin.HandlerFunc{
					func(c *gin.Context) { // sends bob for ann's page
						asking.Add(1)
						defer asking.Add(-1)
						time.Sleep(time.Millisecond) // until all others wait, too
						if when != nil && userOf(c) == "bob" && when(c) {
							c.Request.Header.Set("X-User", "ann")
						}
						c.Next()
					},
					cachette.Cached(time.Minute, cachette.WithIdentity(userOf)), func(c *gin.Context) {
						c.Header("X-For", userOf(c))
						page(fields...)(c)
					},
				}
				e.GET("/page", handlers...)
				e.HEAD("/page", handlers...)
				e.NeverShared("/page", users...)
				if found := slices.ContainsFunc(noted.errors, func(said string) bool { return strings.Contains(said, "bob was given the page of ann") }); found != (when != nil) {
					t.Errorf("it says %q", noted.errors)
				}
			})
		})
	}
}

// TestAskingBy: assertions ask as By says, and find what goes astray there alone.
func TestAskingBy(t *testing.T) {
	const content, kind = "price < 9", "Content-Type: text/plain"
	for _, row := range []struct {
		method  string
		options []cachette.Option
	}{
		{"QUERY", nil},
		{http.MethodPost, []cachette.Option{cachette.WithBodyKey()}},
	} {
		t.Run(row.method, func(t *testing.T) {
			e, noted := engine(t)
			answer := func(c *gin.Context) {
				asked, _ := io.ReadAll(c.Request.Body)
				page("X-Asked", string(asked)+" as "+c.ContentType())(c)
			}
			e.GET("/page", cachette.Cached(time.Minute, cachette.WithIdentity(userOf)), page())
			e.Handle(row.method, "/page", cachette.Cached(time.Minute, row.options...), answer)
			e.Handle(row.method, "/own", cachette.Cached(time.Minute, append(row.options, cachette.WithIdentity(userOf))...), answer)
			by := e.By(row.method, content, kind)
			if a := by.Miss("/page", "X-User: ann"); a.Header.Get("X-Asked") != content+" as text/plain" {
				t.Errorf("the handler was asked %q", a.Header.Get("X-Asked"))
			}
			by.Hit("/page")
			by.SharedBetween("/page", users[0], users[1])
			by.NeverShared("/own", users...)
			e.NeverShared("/page", users...)
			if len(noted.errors) > 0 {
				t.Errorf("it says %q", noted.errors)
			}
			by.NeverShared("/page", users...)
			if said := strings.Join(noted.errors, "\n"); !strings.Contains(said, row.method+" /page: bob was given the page of ann") {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// TestSharedBetween: it holds where users have a page together, and tells who has none where not.
func TestSharedBetween(t *testing.T) {
	e, noted := engine(t)
	e.GET("/all", cachette.Cached(time.Minute), page())
	e.GET("/each", cachette.Cached(time.Minute, cachette.WithIdentity(userOf)), page())
	e.GET("/ann", cachette.Cached(time.Minute, cachette.WithSkip(func(c *gin.Context) bool { return userOf(c) == "ann" })), page())
	e.GET("/none", page())
	for target, wrong := range map[string]int{"/all": 0, "/each": 2, "/ann": 2, "/none": 2} {
		noted.errors = nil
		if e.SharedBetween(target, users[0], users[1]); len(noted.errors) != wrong {
			t.Errorf("%s: %q", target, noted.errors)
		}
	}
	if e.SharedBetween("/each", users[0], users[1]); !strings.Contains(noted.errors[0], "made for ann") || !strings.Contains(noted.errors[0], "does not answer bob") {
		t.Errorf("it says %q", noted.errors)
	}
}
