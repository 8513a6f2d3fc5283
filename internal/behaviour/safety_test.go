package behaviour_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// docs/safety.md tells of each thing that a handler can look at whether it is in the key, and what to do if not. Here a page
// is asked for by two requests that differ in one of them alone, the second one behind the first.
func TestPageOfSafety(t *testing.T) {
	text := docPage(t, "docs/safety.md")
	type change = func(r *http.Request)
	field := func(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }
	from := func(address string) change { return func(r *http.Request) { r.RemoteAddr = address } }
	host := func(name string) change { return func(r *http.Request) { r.Host = name } }
	method := func(name string) change { return func(r *http.Request) { r.Method = name } }
	url := func(target string) change {
		return func(r *http.Request) { r.URL, r.RequestURI = httptest.NewRequest("GET", target, nil).URL, target }
	}
	content := func(text string) change {
		return func(r *http.Request) { *r = *httptest.NewRequest("GET", "/p/a", strings.NewReader(text)) }
	}
	certificate := func(name string) change {
		return func(r *http.Request) {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Subject: pkix.Name{CommonName: name}}}}
		}
	}
	inContext := func(value string) change {
		type key struct{}
		return func(r *http.Request) { *r = *r.WithContext(context.WithValue(r.Context(), key{}, value)) }
	}
	negotiates := func(c *gin.Context) { c.String(http.StatusOK, c.NegotiateFormat("text/plain", "text/csv")) }
	options := func(o ...cachette.Option) []cachette.Option { return o }
	const (
		apart  = iota // the second request gets a page of its own
		shared        // it gets that of the first one
		past          // neither has a part in the cache
	)
	for _, row := range []struct {
		input   string // of the table; a row of it begins so
		options []cachette.Option
		handler gin.HandlerFunc // "page" unless given
		first   change
		second  change
		want    int
	}{
		{input: "method", first: method("GET"), second: method("HEAD"), want: shared},
		{input: "path", first: url("/p/a"), second: url("/p/b"), want: apart},
		{input: "path", first: url("/p/a"), second: url("/p/%61"), want: apart},
		{input: "query", first: url("/p/a?a=1&b=2"), second: url("/p/a?b=2&a=1"), want: apart},
		{input: "query", options: options(cachette.WithQueryParams("a", "b")),
			first: url("/p/a?a=1&b=2"), second: url("/p/a?b=2&a=1&c=3"), want: shared},
		{input: "query", options: options(cachette.WithPathKey()), first: url("/p/a?a=1"), second: url("/p/a?a=2"), want: shared},
		{input: "host", first: host("a.example"), second: host("b.example"), want: apart},
		{input: "host", first: host("a.example"), second: host("a.example:80"), want: apart},
		{input: "host", first: host("a.example"), second: host("A.example"), want: apart},
		{input: "`X-Forwarded-Host`", first: field("X-Forwarded-Host", "a"), second: field("X-Forwarded-Host", "b"), want: shared},
		{input: "`X-Forwarded-Host`", options: options(cachette.WithVary("X-Forwarded-Host")),
			first: field("X-Forwarded-Host", "a"), second: field("X-Forwarded-Host", "b"), want: apart},
		{input: "scheme", first: func(*http.Request) {}, second: func(r *http.Request) { r.TLS = &tls.ConnectionState{} }, want: apart},
		{input: "scheme", first: field("X-Forwarded-Proto", "http"), second: field("X-Forwarded-Proto", "https"), want: shared},
		{input: "cookie", first: field("Cookie", "a=1"), second: field("Cookie", "a=2"), want: shared},
		{input: "cookie", options: options(cachette.WithCookie("a")), first: field("Cookie", "a=1"), second: field("Cookie", "a=2"), want: apart},
		{input: "cookie", options: options(cachette.WithCookie("a")),
			first: field("Cookie", "a=1; b=1"), second: field("Cookie", "b=2; a=1"), want: shared},
		{input: "cookie", handler: docAnswer(http.StatusOK, "Vary: Cookie"),
			first: field("Cookie", "a=1; b=1"), second: field("Cookie", "a=1; b=2"), want: apart},
		{input: "`Authorization`", first: field("Authorization", "a"), second: field("Authorization", "a"), want: past},
		{input: "`Authorization`", first: func(*http.Request) {}, second: field("Authorization", "a"), want: past},
		{input: "another header", first: field("X-Api-Key", "a"), second: field("X-Api-Key", "b"), want: shared},
		{input: "another header", options: options(cachette.WithVary("HX-Request")),
			first: field("HX-Request", "true"), second: func(*http.Request) {}, want: apart},
		{input: "`Accept`", first: field("Accept", "text/plain"), second: field("Accept", "text/csv"), want: shared},
		{input: "`Accept`", handler: negotiates, first: field("Accept", "text/plain"), second: field("Accept", "text/csv"), want: apart},
		{input: "`Accept-Language`", first: field("Accept-Language", "de"), second: field("Accept-Language", "fr"), want: shared},
		{input: "`Accept-Language`", options: options(cachette.WithVary("Accept-Language")),
			first: field("Accept-Language", "de"), second: field("Accept-Language", "fr"), want: apart},
		{input: "`Origin`", first: field("Origin", "https://a.example"), second: field("Origin", "https://b.example"), want: shared},
		{input: "what middleware has put into the context", first: inContext("a"), second: inContext("b"), want: shared},
		{input: "what middleware has put into the context", first: field("X-User", "a"), second: field("X-User", "b"), want: apart,
			options: options(cachette.WithKeyPart(func(c *gin.Context) string { return c.GetString("user") }))},
		{input: "client IP", first: from("192.0.2.1:1"), second: from("192.0.2.2:1"), want: shared},
		{input: "TLS client certificate", first: certificate("ann"), second: certificate("bob"), want: shared},
		{input: "TLS client certificate", first: certificate("ann"), second: certificate("bob"), want: apart,
			options: options(cachette.WithIdentity(func(c *gin.Context) string { return c.Request.TLS.PeerCertificates[0].Subject.String() }))},
		{input: "body of a GET", first: content("a"), second: content("a"), want: past},
		{input: "body of a GET", options: options(cachette.WithoutRequestDirectives()), first: content("a"), second: content("b"), want: shared},
		{input: "range", first: func(*http.Request) {}, second: field("Range", "bytes=0-1"), want: shared},
	} {
		t.Run(row.input, func(t *testing.T) {
			if !strings.Contains(text, "\n| "+row.input) {
				t.Errorf("docs/safety.md has no row for it")
			}
			handler := row.handler
			if handler == nil {
				handler = docWhole
			}
			s := newSite(t)
			s.Use(func(c *gin.Context) { c.Set("user", c.GetHeader("X-User")) })
			s.Any("/p/:page", cachette.Cached(time.Minute, row.options...), handler)
			var statuses [2]string
			for i, change := range []change{row.first, row.second} {
				r := httptest.NewRequest(http.MethodGet, "/p/a", nil)
				change(r)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				statuses[i] = w.Header().Get("Cache-Status")
			}
			hit := strings.Contains(statuses[1], "hit")
			stored := strings.Contains(statuses[1], "stored")
			if hit != (row.want == shared) || stored != (row.want == apart) {
				t.Errorf("%q", statuses)
			}
		})
	}
}
