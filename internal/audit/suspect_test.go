package audit_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/audit"
	found "github.com/gin-cachette/cachette/internal/audit"
	"github.com/gin-cachette/cachette/internal/response"
)

// request returns a request with many suspects.
func request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/p?b=2&a%2B=1&b=3&s3cret&czNjcmV0=&czNjcmV0cw==", nil)
	for _, line := range []string{
		"Cookie: one=1; two=2; one=3", "Cookie: three=3; s3cret; czNjcmV0=; czNjcmV0cw==", "Accept: text/html", "X-Forwarded-For: 198.51.100.1", "Range: bytes=0-1", "Connection: close",
		"X-" + strings.Repeat("long", 40) + ": 1",
	} {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// What of a request may be a cause, and what it is without.
func TestSuspects(t *testing.T) {
	q := found.Request{Addresses: []string{"X-Forwarded-For", "X-Real-Ip"}, Keys: []string{"user"}, Query: true}
	var names []string
	for _, s := range q.Suspects(request()) {
		names = append(names, string(s.Kind)+" "+s.Name)
	}
	slices.Sort(names)
	want := []string{"address ", "c.Keys user", "cookie one", "cookie three", "cookie two", "header Accept", "query a+", "query b"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	q = found.Request{Varies: []string{"Accept", "Cookie"}}
	if rest := q.Suspects(request()); len(rest) != 2 || rest[0].Kind != audit.Address || rest[1].Name != "X-Forwarded-For" {
		t.Errorf("what the response names itself is suspected: %v", rest)
	}
	crowded := request()
	for i := range 1000 {
		crowded.Header["X-"+string(rune('A'+i%26))+string(rune('A'+i/26%26))+string(rune('A'+i/676))] = []string{"1"}
	}
	if n := len(q.Suspects(crowded)); n != 64 {
		t.Errorf("%d suspects", n)
	}
	for length, want := range map[int]bool{64: true, 65: false} { // of a name
		name := http.CanonicalHeaderKey(strings.Repeat("n", length))
		if got := slices.Contains(q.Suspects(&http.Request{Header: http.Header{name: {"1"}}}), found.Suspect{Kind: audit.Header, Name: name}); got != want {
			t.Errorf("a name of %d bytes is suspected: %t", length, got)
		}
	}
}

// A difference names no more than sixteen things beside the body, however many fields a response has.
func TestDifferencesAreBounded(t *testing.T) {
	var fields []response.Field
	for i := range 100 {
		fields = append(fields, response.Field{Name: "X-" + string(rune('A'+i%26)) + string(rune('A'+i/26)), Values: []string{"1"}})
	}
	one, other := found.Of(200, nil, []byte("a"), nil), found.Of(404, fields, []byte("b"), nil)
	if d := found.Compare(&one, &other); len(d.Names) != 17 || d.Names[0] != "status" || d.Names[16] != "body" {
		t.Errorf("%d names: %q", len(d.Names), d.Names)
	}
}

// A request without a suspect has all else as it was.
func TestRemove(t *testing.T) {
	const rest, nameless = "three=3; s3cret; czNjcmV0=; czNjcmV0cw==", "&s3cret&czNjcmV0=&czNjcmV0cw=="
	proxied := found.Request{Addresses: []string{"X-Forwarded-For", "X-Real-Ip"}}
	for _, row := range []struct {
		of      found.Request
		suspect found.Suspect
		change  func(*http.Request)
	}{
		{proxied, found.Suspect{}, func(*http.Request) {}},
		{proxied, found.Suspect{Kind: audit.Keys, Name: "user"}, func(*http.Request) {}},
		{proxied, found.Suspect{Kind: audit.Cookie, Name: "one"}, func(r *http.Request) { r.Header["Cookie"] = []string{"two=2", rest} }},
		{proxied, found.Suspect{Kind: audit.Cookie, Name: "two"}, func(r *http.Request) { r.Header["Cookie"] = []string{"one=1; one=3", rest} }},
		{proxied, found.Suspect{Kind: audit.Cookie, Name: "three"}, func(r *http.Request) {
			r.Header["Cookie"] = []string{"one=1; two=2; one=3", "s3cret; czNjcmV0=; czNjcmV0cw=="}
		}},
		{proxied, found.Suspect{Kind: audit.Header, Name: "Accept"}, func(r *http.Request) { r.Header.Del("Accept") }},
		{proxied, found.Suspect{Kind: audit.Address}, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.77") }},
		{found.Request{}, found.Suspect{Kind: audit.Address}, func(r *http.Request) { r.RemoteAddr = "203.0.113.77:1" }},
		{proxied, found.Suspect{Kind: audit.Query, Name: "b"}, func(r *http.Request) { r.URL.RawQuery, r.RequestURI = "a%2B=1"+nameless, "/p?a%2B=1"+nameless }},
		{proxied, found.Suspect{Kind: audit.Query, Name: "a+"}, func(r *http.Request) { r.URL.RawQuery, r.RequestURI = "b=2&b=3"+nameless, "/p?b=2&b=3"+nameless }},
	} {
		got, want := request(), request()
		row.of.Remove(row.suspect, got)
		row.change(want)
		if shown(got) != shown(want) {
			t.Errorf("without %v:\n%s\nwant\n%s", row.suspect, shown(got), shown(want))
		}
	}
	alone := httptest.NewRequest(http.MethodGet, "/p", nil)
	alone.Header.Set("Cookie", "one=1")
	proxied.Remove(found.Suspect{Kind: audit.Cookie, Name: "one"}, alone)
	if _, there := alone.Header["Cookie"]; there {
		t.Errorf("the only cookie is left: %v", alone.Header)
	}
}

// shown is a request as text.
func shown(r *http.Request) string {
	var b strings.Builder
	_ = r.Header.Write(&b)
	return r.RequestURI + " " + r.URL.String() + " " + r.RemoteAddr + "\n" + b.String()
}

// In what two responses differ, and in what they may.
func TestCompare(t *testing.T) {
	of := func(status int, body string, fields ...string) found.Response {
		var all []response.Field
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			all = append(all, response.Field{Name: name, Values: []string{value}})
		}
		return found.Of(status, all, []byte(body), nil)
	}
	one := of(200, "page", "X-A: 1", "Date: now", "Set-Cookie: a=1", "X-Request-Id: 1")
	for _, row := range []struct {
		other found.Response
		names string
		at    int
	}{
		{of(200, "page", "x-a: 1", "Date: then", "Age: 3"), "", -1},
		{of(404, "page", "X-A: 1"), "status", -1},
		{of(200, "page", "X-A: 2"), "X-A", -1},
		{of(200, "page", "X-A: 1", "X-A: 1"), "X-A", -1},
		{of(200, "page"), "X-A", -1},
		{of(200, "page", "X-A: 1", "X-B: 1"), "X-B", -1},
		{of(200, "pace", "X-A: 1"), "body", 2},
		{of(200, "pages", "X-A: 1"), "body", 4},
		{of(500, "", "Etag: 1"), "status Etag X-A body", 0},
	} {
		for _, d := range []found.Difference{found.Compare(&one, &row.other), found.Compare(&row.other, &one)} {
			if got := strings.Join(d.Names, " "); got != row.names || d.FirstByte != row.at || d.None() != (row.names == "") {
				t.Errorf("%+v, want %q at %d", d, row.names, row.at)
			}
		}
	}
}

// A normaliser changes what is compared, and nothing else.
func TestNormalisers(t *testing.T) {
	fields, body := []response.Field{{Name: "X-A", Values: []string{"1"}}}, []byte("page")
	first := func(h http.Header, body []byte) []byte {
		h["X-A"][0] = "2"
		body[0] = 'P'
		return body
	}
	second := func(h http.Header, body []byte) []byte { return append(body, h.Get("X-A")...) }
	r := found.Of(200, fields, body, []found.Normaliser{first, second})
	if string(r.Body) != "Page2" || string(body) != "page" || fields[0].Values[0] != "1" {
		t.Errorf("%q of %q, %v", r.Body, body, fields)
	}
}
