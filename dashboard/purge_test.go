package dashboard_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/dashboard"
	"github.com/gin-cachette/cachette/invalidation"
)

// post sends to a name what the page sends, but for what changes it.
func (s site) post(name, body string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://shop.example/admin/cache/"+name, strings.NewReader(body))
	r.SetBasicAuth("ann", "secret")
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Cachette-Token": s.state("").Token, "Origin": "http://shop.example", "Sec-Fetch-Site": "same-origin",
	} {
		r.Header.Set(name, value)
	}
	for _, change := range changes {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// purge purges as the page does, but for what changes that, and returns what is said.
func (s site) purge(body string, changes ...func(*http.Request)) (*httptest.ResponseRecorder, invalidation.Answer) {
	s.t.Helper()
	w := s.post("purge", body, changes...)
	var a invalidation.Answer
	if w.Body.Len() > 0 && w.Code != http.StatusNotFound {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			s.t.Errorf("%d %s: %v", w.Code, w.Body, err)
		}
	}
	return w, a
}

// newPurgedSite is a site with pages that each purge of the page names differently.
func newPurgedSite(t *testing.T, opts ...dashboard.Option) site {
	s := newSite(t, opts...)
	page := func(c *gin.Context) { c.String(http.StatusOK, "page") }
	s.GET("/blog/:slug", cachette.Cached(time.Hour), page)
	s.GET("/shop", cachette.Cached(time.Hour, cachette.WithNamespace("shop")), page)
	s.GET("/tagged", cachette.Cached(time.Hour, cachette.WithTags("product:7")), page)
	for _, path := range purgedPaths {
		s.Get(path)
	}
	return s
}

var purgedPaths = []string{"/products/1", "/products/2", "/blog/a", "/shop", "/tagged"}

// gone returns which of the pages are not stored.
func (s site) gone() (gone []string) {
	for _, path := range purgedPaths {
		if !s.Get(path).Hit() {
			gone = append(gone, path)
		}
	}
	return gone
}

func TestPurge(t *testing.T) {
	for body, want := range map[string]string{
		`{"paths": ["/products/1"]}`:               "/products/1",
		`{"paths": ["/products/1"], "soft": true}`: "/products/1",
		`{"prefixes": ["/products/"]}`:             "/products/1 /products/2",
		`{"namespaces": ["shop"]}`:                 "/shop",
		`{"tags": ["product:7"]}`:                  "/tagged",
		`{"everything": true}`:                     strings.Join(purgedPaths, " "),
	} {
		s := newPurgedSite(t, dashboard.WithPurges())
		if !s.state("").Purges {
			t.Error("the page is not told that it may purge")
		}
		if w, a := s.purge(body); w.Code != http.StatusOK || a.Purged == nil || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
		if got := strings.Join(s.gone(), " "); got != want {
			t.Errorf("%s: gone are %s, want %s", body, got, want)
		}
	}
}

// A page of another origin, or one that does not know the token, purges nothing, and neither does whatever is no POST.
func TestPurgeRefuses(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	without := func(names ...string) func(*http.Request) {
		return func(r *http.Request) {
			for _, name := range names {
				r.Header.Del(name)
			}
		}
	}
	method := func(method string) func(*http.Request) { return func(r *http.Request) { r.Method = method } }
	for _, row := range []struct {
		name    string
		changes []func(*http.Request)
		status  int
		says    string
	}{
		{"no token", []func(*http.Request){without("X-Cachette-Token")}, 403, "token"},
		{"an empty token", []func(*http.Request){set("X-Cachette-Token", "")}, 403, "token"},
		{"another token", []func(*http.Request){set("X-Cachette-Token", strings.Repeat("A", 26))}, 403, "token"},
		{"neither token nor origin", []func(*http.Request){without("X-Cachette-Token", "Origin", "Sec-Fetch-Site")}, 403, "token"},
		{"a page of another site", []func(*http.Request){set("Sec-Fetch-Site", "cross-site")}, 403, "another origin"},
		{"a page of the same site", []func(*http.Request){set("Sec-Fetch-Site", "same-site")}, 403, "another origin"},
		{"another Origin, in an old browser", []func(*http.Request){without("Sec-Fetch-Site"), set("Origin", "http://evil.example")}, 403, "another origin"},
		{"the Origin null", []func(*http.Request){without("Sec-Fetch-Site"), set("Origin", "null")}, 403, "another origin"},
		{"GET", []func(*http.Request){method(http.MethodGet)}, 405, "POST"},
		{"GET of a link", []func(*http.Request){method(http.MethodGet), without("X-Cachette-Token")}, 405, "POST"},
		{"PUT", []func(*http.Request){method(http.MethodPut)}, 405, "POST"},
		{"DELETE", []func(*http.Request){method(http.MethodDelete)}, 405, "POST"},
		{"a form", []func(*http.Request){set("Content-Type", "application/x-www-form-urlencoded")}, 415, "application/json"},
		{"no password", []func(*http.Request){without("Authorization")}, 401, ""},
	} {
		s := newPurgedSite(t, dashboard.WithPurges())
		w, a := s.purge(`{"everything": true}`, row.changes...)
		if w.Code != row.status || !strings.Contains(a.Error, row.says) || a.Purged != nil {
			t.Errorf("%s: %d %s", row.name, w.Code, w.Body)
		}
		if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: Allow is %q", row.name, w.Header().Get("Allow"))
		}
		if gone := s.gone(); gone != nil {
			t.Errorf("%s: %s are gone", row.name, gone)
		}
	}
	s := newPurgedSite(t, dashboard.WithPurges())
	if w, a := s.purge(`{"paths": ["<script>alert(1)</script>"]}`); w.Code != http.StatusBadRequest || !strings.Contains(a.Error, "<script>") ||
		strings.Contains(w.Body.String(), "<") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// A program that is no browser says nothing of its origin.
	if w, _ := s.purge(`{"paths": ["/products/1"]}`, without("Origin", "Sec-Fetch-Site")); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Purges are off unless they are switched on, and what the page is told says so.
func TestPurgeIsOff(t *testing.T) {
	s := newPurgedSite(t)
	if w, _ := s.purge(`{"everything": true}`); w.Code != http.StatusNotFound || s.state("").Purges {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if gone := s.gone(); gone != nil {
		t.Errorf("%s are gone", gone)
	}
}
