package behaviour_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A mistake in use is told, at start where it can be seen then, with what was given and what would be right; of two things that
// contradict each other none is dropped in silence. This is what a user of any of these functions expects.

// panicked returns the error that a function panics with, or nil.
func panicked(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			err = p
		default:
			err = fmt.Errorf("what is no error: %v", p)
		}
	}()
	f()
	return nil
}

func never(*gin.Context) time.Duration { return 0 }

func TestMistakesPanic(t *testing.T) {
	const unit = "*time.Second" // what would be right
	for _, row := range []struct {
		name string
		do   func()
		says []string
	}{
		{"a ttl without a unit", func() { cachette.Cached(60) }, []string{"Cached: ttl", "60ns", "60" + unit}},
		{"a negative ttl", func() { cachette.Cached(-time.Second) }, []string{"Cached: ttl", "-1s", "give 0"}},
		{"a ttl for a status without a unit", func() { cachette.WithStatusTTL(404, 10) }, []string{"WithStatusTTL", "404", "10ns", "10" + unit}},
		{"no ttl for a status", func() { cachette.WithStatusTTL(404, 0) }, []string{"WithStatusTTL", "404", "more than 0"}},
		{"stale-while-revalidate without a unit", func() { cachette.WithStaleWhileRevalidate(30) }, []string{"WithStaleWhileRevalidate", "30ns", "30" + unit}},
		{"a negative stale-while-revalidate", func() { cachette.WithStaleWhileRevalidate(-1) }, []string{"WithStaleWhileRevalidate", "more than 0"}},
		{"stale-if-error without a unit", func() { cachette.WithStaleIfError(3600) }, []string{"WithStaleIfError", "3.6µs", "3600" + unit}},
		{"no stale-if-error", func() { cachette.WithStaleIfError(0) }, []string{"WithStaleIfError", "more than 0"}},
		{"patience without a unit", func() { cachette.WithPatience(100) }, []string{"WithPatience", "100ns", "100" + unit}},
		{"no patience", func() { cachette.WithPatience(0) }, []string{"WithPatience", "more than 0"}},
		{"no jitter", func() { cachette.WithJitter(0) }, []string{"WithJitter", "0.1"}},
		{"jitter in percent", func() { cachette.WithJitter(10) }, []string{"WithJitter", "is 10", "0.1"}},
		{"jitter of all", func() { cachette.WithJitter(1) }, []string{"WithJitter", "between 0 and 1"}},
		{"negative jitter", func() { cachette.WithJitter(-0.1) }, []string{"WithJitter", "-0.1"}},
		{"jitter that is no number", func() { cachette.WithJitter(math.NaN()) }, []string{"WithJitter", "NaN"}},
		{"no beta", func() { cachette.WithEarlyRefresh(0) }, []string{"WithEarlyRefresh", "give 1"}},
		{"a negative beta", func() { cachette.WithEarlyRefresh(-1) }, []string{"WithEarlyRefresh", "-1"}},
		{"a beta without end", func() { cachette.WithEarlyRefresh(math.Inf(1)) }, []string{"WithEarlyRefresh", "+Inf"}},
		{"a beta that is no number", func() { cachette.WithEarlyRefresh(math.NaN()) }, []string{"WithEarlyRefresh", "NaN"}},
		{"a status that is none", func() { cachette.WithStatusTTL(99, time.Second) }, []string{"99", "200 to 599"}},
		{"an interim status", func() { cachette.WithStatusTTL(103, time.Second) }, []string{"103", "200 to 599"}},
		{"the status of a part", func() { cachette.WithStatusTTL(206, time.Second) }, []string{"206", "another"}},
		{"the status of a validation", func() { cachette.WithStatusTTL(304, time.Second) }, []string{"304", "another"}},
		{"a body limit of nothing", func() { cachette.WithBodyLimit(0) }, []string{"WithBodyLimit", "0", "bytes"}},
		{"a negative body limit", func() { cachette.WithBodyLimit(-1) }, []string{"WithBodyLimit", "-1", "bytes"}},
		{"no parameters", func() { cachette.WithQueryParams() }, []string{"WithQueryParams", "WithPathKey"}},
		{"two parameters in one name", func() { cachette.WithQueryParams("page,sort") }, []string{"WithQueryParams", `"page,sort"`, "one by one"}},
		{"two parameters as in a query", func() { cachette.WithQueryParams("a", "page&sort") }, []string{`"page&sort"`, "one by one"}},
		{"a parameter with its value", func() { cachette.WithQueryParams("page=1") }, []string{`"page=1"`, "one by one"}},
		{"a query", func() { cachette.WithQueryParams("?page") }, []string{`"?page"`, "one by one"}},
		{"a parameter with a blank", func() { cachette.WithQueryParams("page ") }, []string{`"page "`, "one by one"}},
		{"an empty parameter", func() { cachette.WithQueryParams("page", "") }, []string{"WithQueryParams", `"page", ""`, "empty"}},
		{"parameters that begin so", func() { cachette.WithQueryParams("page", "ad_*") }, []string{"WithQueryParams", `"ad_*"`, "whole name"}},
		{"no parameters to ignore", func() { cachette.WithIgnoredQueryParams() }, []string{"WithIgnoredQueryParams", "no parameter"}},
		{"two parameters to ignore in one name", func() { cachette.WithIgnoredQueryParams("a,b") }, []string{`"a,b"`, `WithIgnoredQueryParams("page", "sort")`}},
		{"an empty parameter to ignore", func() { cachette.WithIgnoredQueryParams("") }, []string{"WithIgnoredQueryParams", "empty"}},
		{"all parameters", func() { cachette.WithIgnoredQueryParams("*") }, []string{"WithIgnoredQueryParams", `"*"`, "WithPathKey"}},
		{"a star within a name", func() { cachette.WithIgnoredQueryParams("a*b") }, []string{`"a*b"`, "at the end"}},
		{"no field to leave out", func() { cachette.WithoutHeaders() }, []string{"WithoutHeaders", "X-Request-Id"}},
		{"what is no name of a field to leave out", func() { cachette.WithoutHeaders("X-A, X-B") }, []string{`"X-A, X-B"`}},
		{"fields that begin so", func() { cachette.WithoutHeaders("X-*") }, []string{`"X-*"`}},
		{"the type", func() { cachette.WithoutHeaders("content-type") }, []string{"Content-Type", "means something else"}},
		{"the coding", func() { cachette.WithoutHeaders("X-A", "Content-Encoding") }, []string{"Content-Encoding"}},
		{"the tag of the page", func() { cachette.WithoutHeaders("ETag") }, []string{"Etag"}},
		{"for how long it is fresh", func() { cachette.WithoutHeaders("Cache-Control") }, []string{"Cache-Control"}},
		{"by what it varies", func() { cachette.WithoutHeaders("Vary") }, []string{"Vary", "X-Request-Id"}},
		{"its cookies", func() { cachette.WithoutHeaders("Set-Cookie") }, []string{"Set-Cookie"}},
		{"who may read it", func() { cachette.WithoutHeaders("Access-Control-Allow-Origin") }, []string{"Access-Control-Allow-Origin"}},
		{"no part", func() { cachette.WithKeyPart(nil) }, []string{"WithKeyPart", "nil"}},
		{"no identity", func() { cachette.WithIdentity(nil) }, []string{"WithIdentity", "nil"}},
		{"no skip", func() { cachette.WithSkip(nil) }, []string{"WithSkip", "nil"}},
		{"no function for a ttl", func() { cachette.WithTTLFunc(nil) }, []string{"WithTTLFunc", "nil"}},
		{"no tag", func() { cachette.Cached(0, cachette.WithTags()) }, []string{"WithTags", "no tag"}},
		{"a bad tag", func() { cachette.Cached(0, cachette.WithTags("a", " b")) }, []string{"WithTags", `" b"`, `give "b"`}},
		{"too many tags", func() { cachette.Cached(0, cachette.WithTags(make([]string, 129)...)) }, []string{"WithTags", "129", "128 at most"}},
		{"no function for tags", func() { cachette.WithTagsFrom(nil) }, []string{"WithTagsFrom", "nil"}},
		{"a bad tag that is invalidated", func() { cachette.Invalidates("") }, []string{"Invalidates", "empty"}},
		{"no function for what is invalidated", func() { cachette.InvalidatesFrom(nil) }, []string{"InvalidatesFrom", "nil"}},
		{"an empty namespace", func() { cachette.WithNamespace("") }, []string{"WithNamespace", "empty"}},
		{"a namespace with its colon", func() { cachette.WithNamespace("shop:") }, []string{"WithNamespace", `"shop:"`, `give "shop"`}},
		{"a namespace of nothing but a colon", func() { cachette.WithNamespace(":") }, []string{"WithNamespace", `":"`, "colon"}},
		{"a namespace of blanks", func() { cachette.WithNamespace(" \t") }, []string{"WithNamespace", `" \t"`, "blank"}},
		{"a namespace with a blank before it", func() { cachette.WithNamespace(" shop") }, []string{"WithNamespace", `" shop"`, `give "shop"`}},
		{"a namespace with a line's end", func() { cachette.WithNamespace("shop\n") }, []string{"WithNamespace", `"shop\n"`, `give "shop"`}},
		{"a parameter of blanks", func() { cachette.WithQueryParams(" ") }, []string{"WithQueryParams", `" "`}},
		{"a cookie of blanks", func() { cachette.WithCookie(" ") }, []string{"WithCookie", `" "`}},
		{"a foreign cookie of blanks", func() { cachette.WithForeignCookies("\t") }, []string{"WithForeignCookies", `"\t"`}},
		{"a field of blanks", func() { cachette.WithVary("\u00a0") }, []string{"WithVary", `"\u00a0"`}},
		{"a ttl under a millisecond", func() { cachette.Cached(999 * time.Microsecond) }, []string{"Cached: ttl", "999µs", "under a millisecond", "did you mean 999*time.Millisecond"}},
		{"a window under a millisecond", func() { cachette.WithStaleIfError(time.Microsecond) }, []string{"1µs", "did you mean 1*time.Millisecond"}},
		{"a round number without a unit", func() { cachette.Cached(60000) }, []string{"60µs", "60*time.Millisecond", "60000*time.Second"}},
		{"two cookies in one name", func() { cachette.WithCookie("session, theme") }, []string{"WithCookie", `"session, theme"`}},
		{"an empty cookie", func() { cachette.WithCookie("") }, []string{"WithCookie", `""`, `"session"`}},
		{"what is no name of a cookie", func() { cachette.WithCookie("my session") }, []string{"WithCookie", `"my session"`, `"session"`}},
		{"a cookie with its value", func() { cachette.WithCookie("session=") }, []string{"WithCookie", `"session="`}},
		{"no foreign cookie", func() { cachette.WithForeignCookies() }, []string{"WithForeignCookies", "no cookie"}},
		{"what is no name of a foreign cookie", func() { cachette.WithForeignCookies("a", "b;") }, []string{"WithForeignCookies", `"b;"`}},
		{"no field", func() { cachette.WithVary() }, []string{"WithVary", "Accept"}},
		{"all fields", func() { cachette.WithVary("*") }, []string{"WithVary", `"*"`}},
		{"two fields in one name", func() { cachette.WithVary("Accept, Accept-Language") }, []string{"WithVary", `"Accept, Accept-Language"`}},
		{"a field with a colon", func() { cachette.WithVary("Accept:") }, []string{"WithVary", `"Accept:"`}},
		{"an empty field", func() { cachette.WithVary("Accept", "") }, []string{"WithVary", `""`}},
		{"a nil option", func() { cachette.Cached(time.Minute, nil) }, []string{"option is nil"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := panicked(row.do)
			if !errors.Is(err, cachette.ErrInvalid) {
				t.Fatalf("it panics with %v; want ErrInvalid", err)
			}
			for _, part := range row.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error %q does not say %q", err, part)
				}
			}
		})
	}
}

// Options of one Cached that contradict each other panic in either order, and name both.
func TestContradictionsPanic(t *testing.T) {
	params := func(names ...string) cachette.Option { return cachette.WithQueryParams(names...) }
	for _, row := range []struct {
		name string
		ttl  time.Duration
		a, b cachette.Option
		says []string
	}{
		{"path and parameters", time.Minute, cachette.WithPathKey(), params("page"), []string{"WithPathKey()", `WithQueryParams("page")`}},
		{"two lists of parameters", time.Minute, params("a"), params("b", "c"), []string{`WithQueryParams("a")`, `WithQueryParams("b", "c")`}},
		{"path and parameters to ignore", time.Minute, cachette.WithPathKey(), cachette.WithIgnoredQueryParams("x"),
			[]string{"WithPathKey()", `WithIgnoredQueryParams("x")`}},
		{"path and tracking", time.Minute, cachette.WithPathKey(), cachette.WithoutTrackingParams(), []string{"WithPathKey()", "WithoutTrackingParams()"}},
		{"path and order", time.Minute, cachette.WithPathKey(), cachette.WithSortedQuery(), []string{"WithPathKey()", "WithSortedQuery()"}},
		{"parameters and others to ignore", time.Minute, params("a"), cachette.WithIgnoredQueryParams("x"),
			[]string{`WithQueryParams("a")`, `WithIgnoredQueryParams("x")`}},
		{"parameters and tracking", time.Minute, params("a"), cachette.WithoutTrackingParams(), []string{`WithQueryParams("a")`, "WithoutTrackingParams()"}},
		{"parameters and order", time.Minute, params("a"), cachette.WithSortedQuery(), []string{`WithQueryParams("a")`, "WithSortedQuery()"}},
		{"two ttls for a status", time.Minute, cachette.WithStatusTTL(404, time.Second), cachette.WithStatusTTL(404, time.Hour),
			[]string{"WithStatusTTL(404, 1s)", "WithStatusTTL(404, 1h0m0s)"}},
		{"two body limits", time.Minute, cachette.WithBodyLimit(10), cachette.WithBodyLimit(20), []string{"WithBodyLimit(10)", "WithBodyLimit(20)"}},
		{"two windows", time.Minute, cachette.WithStaleWhileRevalidate(time.Second), cachette.WithStaleWhileRevalidate(time.Hour),
			[]string{"WithStaleWhileRevalidate(1s)", "WithStaleWhileRevalidate(1h0m0s)"}},
		{"two windows for errors", time.Minute, cachette.WithStaleIfError(time.Second), cachette.WithStaleIfError(time.Hour),
			[]string{"WithStaleIfError(1s)", "WithStaleIfError(1h0m0s)"}},
		{"two patiences", time.Minute, cachette.WithPatience(time.Second), cachette.WithPatience(time.Hour),
			[]string{"WithPatience(1s)", "WithPatience(1h0m0s)"}},
		{"two jitters", time.Minute, cachette.WithJitter(0.1), cachette.WithJitter(0.2), []string{"WithJitter(0.1)", "WithJitter(0.2)"}},
		{"two betas", time.Minute, cachette.WithEarlyRefresh(1), cachette.WithEarlyRefresh(2), []string{"WithEarlyRefresh(1)", "WithEarlyRefresh(2)"}},
		{"two functions for the ttl", 0, cachette.WithTTLFunc(never), cachette.WithTTLFunc(never), []string{"WithTTLFunc"}},
		{"a ttl and a function for it", time.Minute, cachette.WithTTLFunc(never), cachette.WithPathKey(), []string{"the ttl 1m0s", "WithTTLFunc"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, options := range [][]cachette.Option{{row.a, row.b}, {row.b, row.a}, {row.a, cachette.WithNamespace("n"), row.b}} {
				err := panicked(func() { cachette.Cached(row.ttl, options...) })
				if !errors.Is(err, cachette.ErrInvalid) {
					t.Fatalf("it panics with %v; want ErrInvalid", err)
				}
				for _, part := range append(row.says, "contradicts") {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("the error %q does not say %q", err, part)
					}
				}
			}
		})
	}
}

// The same said twice is no contradiction, and neither is what a route inside of another says otherwise.
func TestAgreementsPass(t *testing.T) {
	outer := []cachette.Option{cachette.WithPathKey(), cachette.WithStatusTTL(404, time.Second), cachette.WithBodyLimit(10),
		cachette.WithStaleIfError(time.Second), cachette.WithStaleWhileRevalidate(time.Second), cachette.WithPatience(time.Second),
		cachette.WithJitter(0.1), cachette.WithEarlyRefresh(1)}
	inner := []cachette.Option{cachette.WithQueryParams("a", "b"), cachette.WithStatusTTL(404, time.Hour), cachette.WithStatusTTL(410, time.Second),
		cachette.WithBodyLimit(20), cachette.WithStaleIfError(time.Hour), cachette.WithStaleWhileRevalidate(time.Hour),
		cachette.WithPatience(time.Hour), cachette.WithJitter(0.2), cachette.WithEarlyRefresh(2)}
	again := []cachette.Option{cachette.WithQueryParams("b", "a", "a"), cachette.WithStatusTTL(404, time.Hour), cachette.WithBodyLimit(20),
		cachette.WithNamespace("n"), cachette.WithNamespace("n"), cachette.WithVary("Accept"), cachette.WithVary("accept")}
	s := newSite(t)
	s.Group("/", cachette.Cached(0, append(outer, outer...)...)).GET("/page",
		cachette.Cached(time.Minute, append(inner, again...)...), text("page"))
	s.get("/page")
	if a := s.get("/page"); !a.hit() || a.body != "page" {
		t.Errorf("%q (%s)", a.body, a.cacheStatus())
	}
}

// The same goes for values: a time to live without a unit stores nothing.
func TestPutWithoutAUnit(t *testing.T) {
	s := newSite(t)
	for _, ttl := range []time.Duration{60, -1, -time.Minute, 999 * time.Microsecond} {
		err := s.cache.Put(t.Context(), "key", "value", ttl)
		if !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), ttl.String()) {
			t.Errorf("Put for %v: %v", ttl, err)
		}
		var value string
		if err := s.cache.Fetch(t.Context(), "key", &value); !errors.Is(err, cachette.ErrMiss) {
			t.Errorf("behind it, Fetch: %q, %v", value, err)
		}
	}
}

// Install refuses an engine with routes, which have no cache, and names them, unless the Config allows that.
func TestInstallBehindRoutes(t *testing.T) {
	engine := gin.New()
	for i := range 7 {
		engine.GET(fmt.Sprintf("/old/%d", i), text("old"))
	}
	engine.POST("/old", text("old"))
	allowed := func() (cachette.Config, error) { return cachette.Config{EarlierRoutes: true}, nil }
	_, err := cachette.Install(engine, zero)
	if !errors.Is(err, cachette.ErrInvalid) {
		t.Fatalf("Install: %v", err)
	}
	for _, part := range []string{"GET /old/0", "3 more", "before", "EarlierRoutes"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not say %q", err, part)
		}
	}
	cache, err := cachette.Install(engine, allowed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close() })
	engine.GET("/new", cachette.Cached(time.Minute), text("new"))
	s := &site{Engine: engine, t: t, cache: cache}
	s.get("/new")
	if a := s.get("/new"); !a.hit() {
		t.Errorf("a later route: %s", a.cacheStatus())
	}
	if a := s.get("/old/1"); a.body != "old" {
		t.Errorf("an earlier route: %d %q", a.status, a.body)
	}
}

// A group that was made before Install has no cache, and says so at its first request; gin tells Install nothing of it.
func TestGroupBeforeInstall(t *testing.T) {
	engine := gin.New()
	group := engine.Group("/group")
	cache, err := cachette.Install(engine, zero)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close() })
	group.GET("/cached", cachette.Cached(time.Minute), text("page"))
	group.GET("/values", func(c *gin.Context) { cachette.Get(c) })
	engine.Group("/later").GET("/cached", cachette.Cached(time.Minute), text("page"))
	for _, path := range []string{"/group/cached", "/group/values"} {
		err := panicked(func() { engine.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)) })
		if err == nil || !strings.Contains(err.Error(), "Install") || !strings.Contains(err.Error(), "group") {
			t.Errorf("%s panics with %v", path, err)
		}
	}
	if a := (&site{Engine: engine, t: t}).get("/later/cached"); a.body != "page" {
		t.Errorf("a later group: %q", a.body)
	}
}

// ClearNamespace takes the name of a namespace, as WithNamespace does, without the colon that its keys have behind it.
func TestClearOfWhatIsNoNamespace(t *testing.T) {
	s := newSite(t)
	for _, namespace := range []string{"", "shop:", ":", " ", "shop ", "\t:"} {
		if err := s.cache.ClearNamespace(t.Context(), namespace); !errors.Is(err, cachette.ErrInvalid) {
			t.Errorf("ClearNamespace(%q): %v", namespace, err)
		}
	}
}

// PurgePath takes a path, as clients ask for it, and not the pattern of a route, by which it could purge nothing.
func TestPurgeOfWhatIsNoPath(t *testing.T) {
	s := newSite(t)
	for path, says := range map[string]string{
		"/products/:id": "pattern", "/files/*path": "pattern", "/:tenant/page": "pattern", "/a/:b/c": "pattern",
		"/products/*": `or purge the prefix "/products/"`, "/*/page": `the prefix "/"`, "/*": "%2A", "/blog/*.html/:x": `the prefix "/blog/"`,
		"products": `"/"`, "": `"/"`, "https://example.com/products": `"/"`, "/a b%": "escaped", "*": `"/"`,
		"/p?x=1": `"/p": all its queries`, "/p?": `"/p": all its queries`, "/?x=1": `"/": all its queries`, "?x=1": `"/"`, "/a%3Fb?c": "%3F",
		"/p#top": `give "/p"`, "/issues/#7": "%23", "#top": `"/"`, " ": `"/"`, "\t": `"/"`, " /p": `give "/p"`, "/p ": "%20", "/p\n": `give "/p"`, "/p\u00a0": `give "/p"`,
	} {
		err := s.cache.PurgePath(t.Context(), path)
		if !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("PurgePath(%q): %v", path, err)
		}
	}
	if err := s.cache.Refresh(t.Context(), "https://example.com/blog/*"); err == nil || strings.Contains(err.Error(), "prefix") || !strings.Contains(err.Error(), "one page") {
		t.Errorf("Refresh: %v", err)
	}
	patterns := newSite(t)
	patterns.GET("/user_:name", cachette.Cached(time.Minute), text("page"))
	patterns.Group("/files").GET("/v:major/page", text("page"))
	patterns.POST("/orders/no:number", text("changed"))
	for _, path := range []string{"/user_:name", "/files/v:major/page", "/orders/no:number"} {
		err := patterns.cache.PurgePath(t.Context(), path)
		if !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), "pattern") || !strings.Contains(err.Error(), "%3A") {
			t.Errorf("PurgePath(%q): %v", path, err)
		}
		err = patterns.cache.Refresh(t.Context(), "https://example.com"+path)
		if !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), "pattern") {
			t.Errorf("Refresh(%q): %v", path, err)
		}
	}
	for _, path := range []string{"/user_alice", "/user_%3Aname", "/user_:other"} {
		patterns.get(path)
		purgePath(t, patterns, path)
		if a := patterns.get(path); a.hit() {
			t.Errorf("PurgePath(%q): %s", path, a.cacheStatus())
		}
	}
	s.GET("/*any", cachette.Cached(time.Minute), text("page"))
	for path, asked := range map[string]string{
		"/products/%3Aid": "/products/:id", "/a:b": "/a:b", "/v1/items:batch": "/v1/items:batch", "/2*3": "/2*3", "/:": "/:", "/": "/", "/%2A": "/*", "/what%3F": "/what%3F",
		"/no%237": "/no%237", "/a%20b": "/a%20b", "/a b": "/a%20b", "/%20": "/%20",
	} {
		s.get(asked)
		purgePath(t, s, path)
		if a := s.get(asked); a.hit() {
			t.Errorf("PurgePath(%q) leaves %s: %s", path, asked, a.cacheStatus())
		}
	}
}
