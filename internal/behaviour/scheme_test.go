package behaviour_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// The scheme is a part of the target URI (RFC 9110 §4.2): http and https have pages of their own. Behind a proxy that ends TLS it is
// what that proxy says, if the program trusts it (Config.ProxyScheme, gin's SetTrustedProxies) and nobody else's word.

func TestSchemes(t *testing.T) {
	trusted := "10.1.2.3:4567"
	for _, row := range []struct {
		name   string
		off    bool // Config.ProxyScheme is
		peer   string
		tls    bool
		fields []string
		scheme string
		engine func(e *gin.Engine)
	}{
		{name: "nothing said", peer: trusted, scheme: "http"},
		{name: "nothing said, over TLS", peer: trusted, tls: true, scheme: "https"},
		{name: "X-Forwarded-Proto", peer: trusted, fields: []string{"X-Forwarded-Proto: https"}, scheme: "https"},
		{name: "in capitals", peer: trusted, fields: []string{"X-Forwarded-Proto: HTTPS"}, scheme: "https"},
		{name: "http over TLS", peer: trusted, tls: true, fields: []string{"X-Forwarded-Proto: http"}, scheme: "http"},
		{name: "a list, whose last member the nearest proxy has added", peer: trusted, fields: []string{"X-Forwarded-Proto: http, https"}, scheme: "https"},
		{name: "a list, of which a client has made up the first", peer: trusted, fields: []string{"X-Forwarded-Proto: https,http"}, scheme: "http"},
		{name: "two lines", peer: trusted, fields: []string{"X-Forwarded-Proto: https", "X-Forwarded-Proto: http"}, scheme: "http"},
		{name: "an empty last member", peer: trusted, fields: []string{"X-Forwarded-Proto: https,"}, scheme: "http"},
		{name: "another scheme", peer: trusted, fields: []string{"X-Forwarded-Proto: wss"}, scheme: "http"},
		{name: "another scheme, over TLS", peer: trusted, tls: true, fields: []string{"X-Forwarded-Proto: ws"}, scheme: "https"},
		{name: "Forwarded (RFC 7239 §5.4)", peer: trusted, fields: []string{"Forwarded: for=192.0.2.60;proto=https;by=203.0.113.43"}, scheme: "https"},
		{name: "Forwarded, quoted", peer: trusted, fields: []string{`Forwarded: For="[2001:db8::1]:4711";Proto="https"`}, scheme: "https"},
		{name: "Forwarded, a list (RFC 7239 §4)", peer: trusted, fields: []string{"Forwarded: for=192.0.2.43;proto=https, for=198.51.100.17;proto=http"}, scheme: "http"},
		{name: "Forwarded, without a scheme", peer: trusted, fields: []string{"Forwarded: for=192.0.2.43;proto=https, for=198.51.100.17"}, scheme: "http"},
		{name: "Forwarded, a comma in quotes (RFC 7239 §4)", peer: trusted, fields: []string{`Forwarded: proto=https;for="_a, proto=http"`}, scheme: "https"},
		{name: "Forwarded, a semicolon in quotes", peer: trusted, fields: []string{`Forwarded: proto=https;for="_a;proto=http;b=c"`}, scheme: "https"},
		{name: "Forwarded, a comma in quotes of the member before", peer: trusted, fields: []string{`Forwarded: for="_a,proto=http",proto=https`}, scheme: "https"},
		{name: "Forwarded, an escaped quote (RFC 9110 §5.6.4)", peer: trusted, fields: []string{`Forwarded: proto=https;for="_\", proto=http;x=\""`}, scheme: "https"},
		{name: "Forwarded, an escaped backslash before a quote", peer: trusted, fields: []string{`Forwarded: for="_\\", for=_b;proto=https`}, scheme: "https"},
		{name: "Forwarded, escaped letters", peer: trusted, fields: []string{`Forwarded: proto="ht\tps"`}, scheme: "https"},
		{name: "Forwarded, a quote that a client left open", peer: trusted, fields: []string{`Forwarded: for="_a, for=_b;proto=https`}, scheme: "https"},
		{name: "Forwarded, a quote that a client left open, and quotes of the proxy", peer: trusted,
			fields: []string{`Forwarded: for="_a;proto=http, for="[2001:db8::1]";proto=https`}, scheme: "https"},
		{name: "Forwarded, an empty last member", peer: trusted, fields: []string{"Forwarded: proto=https,"}, scheme: "http"},
		{name: "both", peer: trusted, fields: []string{"Forwarded: proto=https", "X-Forwarded-Proto: https"}, scheme: "https"},
		{name: "both, one without a scheme", peer: trusted, fields: []string{"Forwarded: for=192.0.2.43", "X-Forwarded-Proto: https"}, scheme: "https"},
		{name: "both, from a peer that is not trusted", peer: "192.0.2.7:4567", fields: []string{"Forwarded: proto=https", "X-Forwarded-Proto: http"}, scheme: "http"},
		{name: "a peer that is not trusted", peer: "192.0.2.7:4567", fields: []string{"X-Forwarded-Proto: https"}, scheme: "http"},
		{name: "a peer that is not trusted, by Forwarded", peer: "192.0.2.7:4567", fields: []string{"Forwarded: proto=https"}, scheme: "http"},
		{name: "a peer that is not trusted, over TLS", peer: "192.0.2.7:4567", tls: true, fields: []string{"X-Forwarded-Proto: http"}, scheme: "https"},
		{name: "one that says that it speaks for a proxy", peer: "192.0.2.7:4567", fields: []string{"X-Forwarded-For: 10.1.2.3", "X-Real-Ip: 10.1.2.3", "X-Forwarded-Proto: https"}, scheme: "http"},
		{name: "a trusted peer with IPv6", peer: "[fd00::1]:4567", fields: []string{"X-Forwarded-Proto: https"}, scheme: "https"},
		{name: "another with IPv6", peer: "[2001:db8::1]:4567", fields: []string{"X-Forwarded-Proto: https"}, scheme: "http"},
		{name: "a peer without an address", peer: "@", fields: []string{"X-Forwarded-Proto: https"}, scheme: "http"},
		{name: "the peer of httptest's requests, trusted", peer: "192.0.2.1:1234", fields: []string{"X-Forwarded-Proto: https"}, scheme: "https",
			engine: func(e *gin.Engine) { _ = e.SetTrustedProxies([]string{"192.0.2.0/24"}) }},
		{name: "no trusted proxies", peer: trusted, fields: []string{"X-Forwarded-Proto: https"}, scheme: "http",
			engine: func(e *gin.Engine) { _ = e.SetTrustedProxies(nil) }},
		{name: "an engine that goes by no proxy's word", peer: trusted, fields: []string{"X-Forwarded-Proto: https"}, scheme: "http",
			engine: func(e *gin.Engine) { e.ForwardedByClientIP = false }},
		{name: "not configured", off: true, peer: trusted, fields: []string{"X-Forwarded-Proto: https"}, scheme: "http"},
		{name: "not configured, over TLS", off: true, peer: trusted, tls: true, fields: []string{"X-Forwarded-Proto: http"}, scheme: "https"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store, func(cfg *cachette.Config) { cfg.ProxyScheme = !row.off })
				if err := s.SetTrustedProxies([]string{"10.0.0.0/8", "fd00::/8"}); err != nil {
					t.Fatal(err)
				}
				if row.engine != nil {
					row.engine(s.Engine)
				}
				pages := 0
				s.GET("/page", cachette.Cached(time.Minute), func(c *gin.Context) {
					pages++
					c.String(http.StatusOK, "page %d", pages)
				})
				direct := func(r *http.Request) { r.RemoteAddr = "198.51.100.1:1" }
				made := map[string]string{
					"http":  ask(t, s, "/page", "example.com", direct).body,
					"https": ask(t, s, "/page", "example.com", direct, overTLS).body,
				}
				for range 2 {
					a := ask(t, s, "/page", "example.com", func(r *http.Request) {
						r.RemoteAddr = row.peer
						if row.tls {
							overTLS(r)
						}
						for _, field := range row.fields {
							name, value, _ := strings.Cut(field, ": ")
							r.Header.Add(name, value)
						}
					})
					if a.body != made[row.scheme] || !a.hit() {
						t.Errorf("it is given %q of %v (%s); right is that of %s", a.body, made, a.cacheStatus(), row.scheme)
					}
				}
			})
		})
	}
}

// A redirect to the URL that was asked for, but for its scheme, is not kept by the route's own word: behind a proxy that ends TLS,
// and of which the cache knows nothing, the client that follows it asks for the same and would be sent in circles. What the
// response itself says counts (RFC 9111 §4.2.1).
func TestRedirectsToTheSameURL(t *testing.T) {
	ttl := func(*gin.Context) time.Duration { return time.Minute }
	for _, row := range []struct {
		asked, location string
		kept            bool
	}{
		{"/page", "https://example.com/page", false},
		{"/page", "https://EXAMPLE.com:443/page", false},
		{"/page", "http://example.com:80/page", false},
		{"/page", "//example.com/page", false},
		{"/page", "/page", false},
		{"/page", "page", false},
		{"/page", "", false},
		{"/page", "https://example.com/page#top", false},
		{"/page?q=1", "https://example.com/page?q=1", false},
		{"/page?q=1", "?q=1", false},
		{"/", "https://example.com", false},
		{"/", "https://example.com/", false},
		{"/?q=1", "https://example.com?q=1", false},
		{"/a%20b", "https://example.com/a%20b", false},
		{"/page?q=1", "https://example.com/page", true},
		{"/page", "https://example.com/page?q=1", true},
		{"/page", "https://example.com/page/", true},
		{"/page", "https://www.example.com/page", true},
		{"/page", "https://example.com:8443/page", true},
		{"/page", "/other", true},
	} {
		for _, status := range []int{http.StatusMultipleChoices, http.StatusMovedPermanently, http.StatusPermanentRedirect, http.StatusFound} {
			for name, options := range map[string][]cachette.Option{
				"WithStatusTTL": {cachette.WithStatusTTL(status, time.Minute)},
				"WithTTLFunc":   {cachette.WithTTLFunc(ttl)},
				"ttl":           nil,
			} {
				if status == http.StatusFound && name != "WithStatusTTL" { // a ttl is not for it
					continue
				}
				t.Run(fmt.Sprintf("%s to %s/%d/%s", row.asked, row.location, status, name), func(t *testing.T) {
					s := newSite(t)
					control, length := "", time.Minute
					if name == "WithTTLFunc" {
						length = 0
					}
					s.GET("/*any", cachette.Cached(length, options...), func(c *gin.Context) {
						if control != "" {
							c.Header("Cache-Control", control)
						}
						c.Writer.Header()["Location"] = []string{row.location}
						c.String(status, "moved")
					})
					get := func() answer { return ask(t, s, row.asked, "example.com") }
					get()
					if a := get(); a.hit() != row.kept {
						t.Errorf("%d (%s)", a.status, a.cacheStatus())
					}
					control = "max-age=60"
					get()
					if a := get(); !a.hit() {
						t.Errorf("with a freshness of its own: %d (%s)", a.status, a.cacheStatus())
					}
				})
			}
		}
	}
}

// Where X-Forwarded-Proto and Forwarded of a trusted proxy name two schemes, a client may have made up either: the request has
// nothing to do with the cache.
func TestSchemesThatDisagree(t *testing.T) {
	for _, fields := range [][2]string{{"https", "http"}, {"http", "https"}, {"https", "wss"}} {
		t.Run(fields[0]+" and "+fields[1], func(t *testing.T) {
			s := newSite(t, func(cfg *cachette.Config) { cfg.ProxyScheme = true })
			if err := s.SetTrustedProxies([]string{"10.0.0.0/8"}); err != nil {
				t.Fatal(err)
			}
			s.Match([]string{http.MethodGet, http.MethodPost}, "/page", cachette.Cached(time.Minute),
				text("page", "Cache-Control: max-age=60", "Content-Location: /page"))
			proxied := func(r *http.Request) { r.RemoteAddr = "10.1.2.3:4567" }
			both := func(r *http.Request) {
				r.Header.Set("X-Forwarded-Proto", fields[0])
				r.Header.Set("Forwarded", "proto="+fields[1])
			}
			post := func(r *http.Request) { r.Method = http.MethodPost }
			for range 2 {
				if a := ask(t, s, "/page", "example.com", proxied, both); a.hit() || strings.Contains(a.cacheStatus(), "stored") {
					t.Errorf("GET: %s", a.cacheStatus())
				}
			}
			if a := ask(t, s, "/page", "example.com", proxied, both, post); strings.Contains(a.cacheStatus(), "stored") {
				t.Errorf("POST: %s", a.cacheStatus())
			}
		})
	}
}
