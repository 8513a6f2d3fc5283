package behaviour_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette"
)

// Requests may ask for less than is stored, and Cache-Status tells on each path what became of them (RFC 9111 §5.2.1, RFC
// 9211 §2).
func TestRequestDirectives(t *testing.T) {
	for _, row := range []struct {
		name, field string
		after       time.Duration // between the fill, which is fresh for a minute, and the request
		cold        bool          // nothing is stored at all
		status      string
		stored      bool // a request behind it is a hit younger than it
	}{
		{name: "nothing asked", after: 15 * time.Second, status: "cachette; hit; ttl=45"},
		{name: "nothing asked, cold", cold: true, status: "cachette; fwd=uri-miss; stored", stored: true},
		{name: "nothing asked, stale", after: 70 * time.Second, status: "cachette; fwd=stale; stored", stored: true},
		{name: "no-cache (§5.2.1.4)", field: "Cache-Control: no-cache", after: 15 * time.Second,
			status: "cachette; fwd=request; stored", stored: true},
		{name: "Pragma (§5.4)", field: "Pragma: no-cache", after: 15 * time.Second,
			status: "cachette; fwd=request; stored", stored: true},
		{name: "no-store (§5.2.1.5)", field: "Cache-Control: no-store", after: 15 * time.Second,
			status: "cachette; fwd=request; detail=request"},
		{name: "no-store, cold", field: "Cache-Control: no-store", cold: true,
			status: "cachette; fwd=uri-miss; detail=request"},
		{name: "max-age, young enough (§5.2.1.1)", field: "Cache-Control: max-age=20", after: 15 * time.Second,
			status: "cachette; hit; ttl=45"},
		{name: "max-age, too old", field: "Cache-Control: max-age=10", after: 15 * time.Second,
			status: "cachette; fwd=request; stored", stored: true},
		{name: "max-age=0", field: "Cache-Control: max-age=0", status: "cachette; fwd=request; stored", stored: true},
		{name: "max-stale (§5.2.1.2)", field: "Cache-Control: max-stale", after: 70 * time.Second, status: "cachette; hit; ttl=-10"},
		{name: "max-stale, not too stale", field: "Cache-Control: max-stale=10", after: 70 * time.Second,
			status: "cachette; hit; ttl=-10"},
		{name: "max-stale, too stale", field: "Cache-Control: max-stale=9", after: 70 * time.Second,
			status: "cachette; fwd=stale; stored", stored: true},
		{name: "min-fresh, fresh enough (§5.2.1.3)", field: "Cache-Control: min-fresh=45", after: 15 * time.Second,
			status: "cachette; hit; ttl=45"},
		{name: "min-fresh, not fresh enough", field: "Cache-Control: min-fresh=46", after: 15 * time.Second,
			status: "cachette; fwd=request; stored", stored: true},
		{name: "only-if-cached (§5.2.1.7)", field: "Cache-Control: only-if-cached", after: 15 * time.Second,
			status: "cachette; hit; ttl=45"},
		{name: "only-if-cached, cold", field: "Cache-Control: only-if-cached", cold: true,
			status: "cachette; detail=only-if-cached"},
		{name: "only-if-cached, stale", field: "Cache-Control: only-if-cached", after: 70 * time.Second,
			status: "cachette; detail=only-if-cached"},
		{name: "only-if-cached, and stale ones taken", field: "Cache-Control: only-if-cached, max-stale", after: 70 * time.Second,
			status: "cachette; hit; ttl=-10"},
		{name: "only-if-cached, no-cache", field: "Cache-Control: only-if-cached, no-cache", after: 15 * time.Second,
			status: "cachette; detail=only-if-cached"},
		{name: "no-transform (§5.2.1.6)", field: "Cache-Control: no-transform", after: 15 * time.Second,
			status: "cachette; hit; ttl=45"},
		{name: "unknown (§5.2.3)", field: "Cache-Control: surprise=1", after: 15 * time.Second, status: "cachette; hit; ttl=45"},
	} {
		for _, ignored := range []bool{false, true} {
			name := row.name
			if ignored {
				name += ", ignored by the route"
			}
			t.Run(name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					synctest.Test(t, func(t *testing.T) {
						s := newSite(t, store)
						var options []cachette.Option
						want, stored := row.status, row.stored
						if ignored {
							options = append(options, cachette.WithoutRequestDirectives())
							switch {
							case row.cold:
								want, stored = "cachette; fwd=uri-miss; stored", true
							case row.after > time.Minute:
								want, stored = "cachette; fwd=stale; stored", true
							case row.after == 0:
								want, stored = "cachette; hit; ttl=60", false
							default:
								want, stored = "cachette; hit; ttl=45", false
							}
						}
						handler, runs := counted(text("page"))
						s.GET("/", cachette.Cached(time.Minute, options...), handler)
						if !row.cold {
							s.get("/")
						}
						before := runs.Load()
						time.Sleep(row.after)
						var a answer
						if row.field != "" {
							a = s.get("/", row.field)
						} else {
							a = s.get("/")
						}
						if a.cacheStatus() != want {
							t.Errorf("Cache-Status %q, want %q", a.cacheStatus(), want)
						}
						if strings.Contains(want, "only-if-cached") {
							if a.status != http.StatusGatewayTimeout || a.body != "" {
								t.Errorf("%d %q", a.status, a.body)
							}
						} else if a.status != http.StatusOK || a.body != "page" {
							t.Errorf("%d %q", a.status, a.body)
						}
						if ran := runs.Load() > before; ran != strings.Contains(want, "fwd=") {
							t.Errorf("the handler ran: %v", ran)
						}
						if a := s.get("/", "Cache-Control: only-if-cached, max-age=1"); !ignored && a.hit() != stored {
							t.Errorf("behind it: %s", a.cacheStatus())
						}
					})
				})
			})
		}
	}
}

// On a route that ignores what clients ask of the cache, what its documentation lists still makes the handler run, and nothing
// else does.
func TestWhatMakesTheHandlerRun(t *testing.T) {
	field := func(name, value string) func(r *http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	target := func(url string) func(r *http.Request) {
		return func(r *http.Request) { *r = *httptest.NewRequest(http.MethodGet, url, nil) }
	}
	for name, row := range map[string]struct {
		change func(r *http.Request)
		first  bool // it runs for the first such request
		second bool // and for the next one
	}{
		"another query": {target("/a?x=1"), true, false},
		"another Host":  {func(r *http.Request) { r.Host = "other.example" }, true, false},
		"other escapes": {target("/%61"), true, false},
		"absolute form": {target("http://example.com/a"), true, false},
		"with a user":   {target("http://me:x@example.com/a"), true, true},
		"with another scheme": {func(r *http.Request) {
			r.URL.Scheme, r.URL.Host, r.RequestURI = "https", r.Host, "https://example.com/a"
		}, true, true},
		"a field that varies":     {field("X-Vary", "1"), true, false},
		"Authorization":           {field("Authorization", "x"), true, true},
		"Upgrade":                 {func(r *http.Request) { r.Header.Set("Upgrade", "x"); r.Header.Set("Connection", "upgrade") }, true, true},
		"HEAD with content":       {func(r *http.Request) { r.Method, r.ContentLength = http.MethodHead, 3 }, true, true},
		"POST":                    {func(r *http.Request) { r.Method = http.MethodPost }, true, true},
		"HEAD":                    {func(r *http.Request) { r.Method = http.MethodHead }, false, false},
		"a range":                 {field("Range", "bytes=0-0"), false, false},
		"a precondition":          {field("If-Match", `"x"`), false, false},
		"Cache-Control":           {field("Cache-Control", "no-cache, no-store, max-age=0"), false, false},
		"Pragma":                  {field("Pragma", "no-cache"), false, false},
		"content":                 {func(r *http.Request) { r.ContentLength = -1 }, false, false},
		"Expect":                  {field("Expect", "100-continue"), false, false},
		"Upgrade, but not for it": {field("Upgrade", "x"), false, false},
		"a method in a field":     {field("X-Http-Method-Override", "PUT"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			handler, runs := counted(text("page", "Vary: X-Vary"))
			s.Any("/*any", cachette.Cached(time.Minute, cachette.WithoutRequestDirectives()), handler)
			s.get("/a")
			for i, want := range []bool{row.first, row.second} {
				r := httptest.NewRequest(http.MethodGet, "/a", nil)
				row.change(r)
				before := runs.Load()
				s.ServeHTTP(httptest.NewRecorder(), r)
				if ran := runs.Load() > before; ran != want {
					t.Errorf("request %d: the handler runs: %t, want %t", i+1, ran, want)
				}
			}
		})
	}
}
