package behaviour_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// ask sends a GET for a target as it stands on the wire. A target that begins with https is one over TLS.
func (s *site) ask(host, target string) answer {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	secure := strings.HasPrefix(host, "https://")
	r.Host = strings.TrimPrefix(host, "https://")
	if secure {
		r.TLS = &tls.ConnectionState{}
	}
	r.RequestURI = target
	u, err := r.URL.Parse(target)
	if err != nil {
		s.t.Fatal(err)
	}
	if rest, ok := strings.CutPrefix(target, "/"); ok && strings.HasPrefix(rest, "/") {
		u.Host, u.Path = "", target // Parse takes what follows "//" for a host
	}
	r.URL = u
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return answer{status: w.Code, header: w.Result().Header, body: w.Body.String()}
}

// Requests that differ in what a key is made of never share a response; those that differ in nothing do.
func TestKeys(t *testing.T) {
	named := cachette.WithQueryParams("a", "b")
	for _, row := range []struct {
		name       string
		options    []cachette.Option
		hosts      [2]string // "h" unless given
		one, other string
		same       bool
	}{
		{name: "the same", one: "/p?a=1", other: "/p?a=1", same: true},
		{name: "path", one: "/p", other: "/q"},
		{name: "case of a path", one: "/p", other: "/P"},
		{name: "slash at the end", one: "/p", other: "/p/"},
		{name: "two slashes", one: "/p/q", other: "/p//q"},
		{name: "escaped slash", one: "/p/q", other: "/p%2Fq"},
		{name: "escaped question mark", one: "/p?a=1", other: "/p%3Fa=1"},
		{name: "escaped hash", one: "/p", other: "/p%23x"},
		{name: "query and none", one: "/p", other: "/p?a=1"},
		{name: "value", one: "/p?a=1", other: "/p?a=2"},
		{name: "escaped ampersand", one: "/p?a=1%26b=2", other: "/p?a=1&b=2"},
		{name: "escaped equals sign", one: "/p?a=1=2", other: "/p?a=1%3D2"},
		{name: "empty value and none", one: "/p?a=", other: "/p?a"},
		{name: "order", one: "/p?a=1&a=2", other: "/p?a=2&a=1"},
		{name: "plus and space", one: "/p?a=+", other: "/p?a=%2B"},
		{name: "host", hosts: [2]string{"h", "i"}, one: "/p", other: "/p"},
		{name: "port", hosts: [2]string{"h", "h:81"}, one: "/p", other: "/p"},
		{name: "case of a host", hosts: [2]string{"h.example", "H.Example"}, one: "/p", other: "/p"},
		{name: "scheme", hosts: [2]string{"h", "https://h"}, one: "/p", other: "/p"},
		{name: "host that runs into the path", hosts: [2]string{"h", "h/p"}, one: "/p/q", other: "/q"},
		{name: "host that runs into the query", hosts: [2]string{"h", "h/p?"}, one: "/p?/q", other: "/q"},

		{name: "path key: query", options: []cachette.Option{cachette.WithPathKey()}, one: "/p?a=1", other: "/p?b=2", same: true},
		{name: "path key: path", options: []cachette.Option{cachette.WithPathKey()}, one: "/p", other: "/q"},
		{name: "path key: escaped query", options: []cachette.Option{cachette.WithPathKey()}, one: "/p", other: "/p%3Fa=1"},
		{name: "path key: host", options: []cachette.Option{cachette.WithPathKey()}, hosts: [2]string{"h", "i"}, one: "/p", other: "/p"},

		{name: "named: others", options: []cachette.Option{named}, one: "/p?a=1&x=1", other: "/p?x=2&a=1", same: true},
		{name: "named: order of names", options: []cachette.Option{named}, one: "/p?a=1&b=2", other: "/p?b=2&a=1", same: true},
		{name: "named: order of values", options: []cachette.Option{named}, one: "/p?a=1&a=2", other: "/p?a=2&a=1"},
		{name: "named: value", options: []cachette.Option{named}, one: "/p?a=1", other: "/p?a=2"},
		{name: "named: absent and empty", options: []cachette.Option{named}, one: "/p?a=", other: "/p"},
		{name: "named: one in another", options: []cachette.Option{named}, one: "/p?a=1&b=2", other: "/p?a=1%26b%3D2"},
		{name: "named: escaped in two ways", options: []cachette.Option{named}, one: "/p?a=%41", other: "/p?a=A", same: true},
		{name: "named: a query that cannot be read", options: []cachette.Option{named}, one: "/p?a=1", other: "/p?a=1&x=%zz"},
		{name: "named: a semicolon", options: []cachette.Option{named}, one: "/p?a=1", other: "/p?a=1&;"},
		{name: "named: none", options: []cachette.Option{named}, one: "/p?x=1", other: "/p", same: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.UseRawPath = true
				s.RedirectTrailingSlash = false
				handler, _ := counted(func(c *gin.Context) { c.String(http.StatusOK, "body") })
				s.GET("/*all", cachette.Cached(time.Minute, row.options...), handler)
				hosts := row.hosts
				if hosts[0] == "" {
					hosts = [2]string{"h", "h"}
				}
				s.ask(hosts[0], row.one)
				if a := s.ask(hosts[1], row.other); a.hit() != row.same || a.status != http.StatusOK {
					t.Errorf("%d %s", a.status, a.cacheStatus())
				}
				if a := s.ask(hosts[0], row.one); !a.hit() {
					t.Errorf("the first again: %s", a.cacheStatus())
				}
			})
		})
	}
}

// A default port that is written out names the same authority (RFC 9110 §4.2.3), but handlers see it, and may write it into the page:
// so the two are two pages. Whatever takes one of them back takes both, since they are pages of one URL.
func TestDefaultPort(t *testing.T) {
	for _, row := range []struct{ name, bare, port string }{
		{"http", "shop.example", "shop.example:80"},
		{"https", "https://shop.example", "https://shop.example:443"},
	} {
		for name, purge := range map[string]func(s *site, host string){
			"PurgePath":               func(s *site, _ string) { purgePath(s.t, s, "/page") },
			"a write":                 func(s *site, host string) { s.write(host, "/page") },
			"the Location of a write": func(s *site, host string) { s.write(host, "/elsewhere") },
		} {
			t.Run(row.name+"/"+name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					s.GET("/page", cachette.Cached(time.Minute), func(c *gin.Context) { c.String(http.StatusOK, "of %s", c.Request.Host) })
					s.POST("/page", text("changed"))
					s.POST("/elsewhere", func(c *gin.Context) {
						c.Header("Location", "//shop.example/page")
						c.Status(http.StatusCreated)
					})
					hosts := []string{row.bare, row.port}
					for _, by := range hosts {
						for i := range 2 {
							for _, host := range hosts {
								a := s.ask(host, "/page")
								if want := "of " + strings.TrimPrefix(host, "https://"); a.body != want || a.hit() != (i > 0) {
									t.Errorf("%s is given %q (%s)", host, a.body, a.cacheStatus())
								}
							}
						}
						purge(s, by)
					}
				})
			})
		}
	}
}

// write sends a POST to a host.
func (s *site) write(host, target string) {
	r := httptest.NewRequest(http.MethodPost, target, nil)
	r.Host = strings.TrimPrefix(host, "https://")
	if r.Host != host {
		r.TLS = &tls.ConnectionState{}
	}
	s.ServeHTTP(httptest.NewRecorder(), r)
}

// What a route adds to its keys is never taken for another part of them.
func TestKeyParts(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/*all", cachette.Cached(time.Minute, cachette.WithKeyPart(func(c *gin.Context) string {
			return c.GetHeader("X-Part")
		})), func(c *gin.Context) { c.String(http.StatusOK, "%q at %q", c.GetHeader("X-Part"), c.Request.URL) })
		requests := [][2]string{
			{"", "/p"}, {"a", "/p"}, {"A", "/p"}, {"a ", "/p"}, {"p", "/"}, {"a/p", "/"}, {"a//example.com/p", "/"},
			{"", "/a/p"}, {"a", "/p?a"}, {"a?a", "/p"}, {"+a", "/p"}, {"#", "/p"},
		}
		for round := range 2 {
			for _, request := range requests {
				r := httptest.NewRequest(http.MethodGet, request[1], nil)
				r.Header["X-Part"] = []string{request[0]}
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				want := `"` + request[0] + `" at "` + request[1] + `"`
				if hit := strings.Contains(w.Header().Get("Cache-Status"), "hit"); w.Body.String() != want || hit != (round > 0) {
					t.Errorf("%q got %q (hit: %v)", request, w.Body.String(), hit)
				}
			}
		}
	})
}

// Values and responses share a store and no key, whatever a value's key looks like.
func TestValuesAndResponses(t *testing.T) {
	for _, row := range []struct{ name, prefix, namespace string }{
		{"default prefix", "", ""},
		{"a prefix that looks like a key", "~r:hq//example.com/:", ""},
		{"namespace", "", "n"},
		{"a namespace that looks like a key", "", "~r:n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			store := newShelf()
			s := newSite(t, store.on, func(cfg *cachette.Config) { cfg.KeyPrefix = row.prefix })
			var options []cachette.Option
			if row.namespace != "" {
				options = append(options, cachette.WithNamespace(row.namespace))
			}
			s.GET("/*all", cachette.Cached(time.Minute, options...), text("body"))
			s.get("/p")
			var taken []string
			for _, key := range store.keys(func(string) bool { return true }) {
				prefix := row.prefix
				if prefix == "" {
					prefix = "cachette:"
				}
				name := strings.TrimPrefix(key, prefix)
				taken = append(taken, name, strings.TrimPrefix(name, row.namespace+":"), strings.TrimPrefix(name, "~"))
			}
			slices.Sort(taken)
			taken = slices.Compact(taken)
			for _, name := range taken {
				var value string
				if err := s.cache.Fetch(t.Context(), name, &value); !errors.Is(err, cachette.ErrMiss) {
					t.Errorf("the value under %q is %q, %v", name, value, err)
				}
				if err := s.cache.Put(t.Context(), name, "value", time.Minute); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range taken {
				var value string
				if err := s.cache.Fetch(t.Context(), name, &value); err != nil || value != "value" {
					t.Errorf("the value under %q is %q, %v", name, value, err)
				}
			}
			if a := s.get("/p"); !a.hit() || a.body != "body" {
				t.Errorf("the page: %q (%s)", a.body, a.cacheStatus())
			}
		})
	}
}
