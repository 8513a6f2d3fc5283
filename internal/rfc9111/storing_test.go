package rfc9111_test

import (
	"math"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestStorable holds what a shared cache may store (RFC 9111 §3). Each response would be stored, fresh for a minute, but
// for what its row says.
func TestStorable(t *testing.T) {
	type row struct {
		name    string
		rule    string
		method  string   // GET if empty
		status  int      // 200 if 0
		request []string // the request's field lines
		lines   []string // the response's
		policy  rfc9111.Policy
		why     rfc9111.Refusal
	}
	partitioned := rfc9111.Policy{Partitioned: true}
	cookies := rfc9111.Policy{SetCookie: true}
	authorized := []string{"Authorization: Bearer x"}
	rows := []row{
		{name: "GET", rule: "9111 §3"},
		{name: "HEAD", rule: "9111 §3", method: http.MethodHead, why: rfc9111.RefusedMethod},
		{name: "PUT", rule: "9111 §3", method: http.MethodPut, why: rfc9111.RefusedMethod},
		{name: "QUERY", rule: "9111 §3", method: "QUERY", why: rfc9111.RefusedMethod},
		{name: "get", rule: "9110 §9.1", method: "get", why: rfc9111.RefusedMethod},
		{name: "POST", rule: "9110 §9.3.3", method: http.MethodPost, why: rfc9111.RefusedMethod},
		{name: "POST that declares its freshness", rule: "9110 §9.3.3", method: http.MethodPost,
			lines: []string{"Cache-Control: max-age=60"}, why: rfc9111.RefusedMethod},
		{name: "POST with Content-Location", rule: "9110 §9.3.3", method: http.MethodPost,
			lines: []string{"Content-Location: /a"}, why: rfc9111.RefusedMethod},
		{name: "POST with both", rule: "9110 §9.3.3", method: http.MethodPost,
			lines: []string{"Content-Location: /a", "Cache-Control: max-age=60"}},
		{name: "POST with both, by Expires", rule: "9110 §9.3.3", method: http.MethodPost,
			lines: []string{"Content-Location: /a", "Expires: " + date(time.Minute)}},
		{name: "POST with two of Content-Location", rule: "9110 §9.3.3", method: http.MethodPost,
			lines: []string{"Content-Location: /a", "Content-Location: /b", "Cache-Control: max-age=60"},
			why:   rfc9111.RefusedMethod},
		{name: "POST that created something", rule: "9110 §9.3.3", method: http.MethodPost, status: 201,
			lines: []string{"Content-Location: /a", "Cache-Control: max-age=60"}, why: rfc9111.RefusedMethod},
		{name: "PUT with both", rule: "9110 §9.3.4", method: http.MethodPut,
			lines: []string{"Content-Location: /a", "Cache-Control: max-age=60"}, why: rfc9111.RefusedMethod},

		{name: "an interim status", rule: "9111 §3", status: 103, lines: []string{"Cache-Control: max-age=60"},
			why: rfc9111.RefusedStatus},
		{name: "101", rule: "9111 §3", status: 101, lines: []string{"Cache-Control: max-age=60"},
			why: rfc9111.RefusedStatus},
		{name: "no status", rule: "9111 §3", status: -1, lines: []string{"Cache-Control: max-age=60"},
			why: rfc9111.RefusedStatus},
		{name: "206", rule: "9111 §3.3", status: 206, lines: []string{"Cache-Control: max-age=60"},
			why: rfc9111.RefusedStatus},
		{name: "304", rule: "9111 §3", status: 304, lines: []string{"Cache-Control: max-age=60"},
			why: rfc9111.RefusedStatus},
		{name: "416", rule: "9110 §15.5.17", status: 416, lines: []string{"Cache-Control: max-age=60"},
			why: rfc9111.RefusedStatus},
		{name: "416 that the route would keep", rule: "9110 §15.5.17", status: 416,
			policy: rfc9111.Policy{StatusTTL: map[int]time.Duration{416: time.Minute}}, why: rfc9111.RefusedStatus},
		{name: "an error that declares its freshness", rule: "9111 §3", status: 500,
			lines: []string{"Cache-Control: max-age=60"}},
		{name: "an error that does not", rule: "9111 §3", status: 500, why: rfc9111.RefusedStatus},

		{name: "no-store", rule: "9111 §5.2.2.5", lines: []string{"Cache-Control: max-age=60, no-store"},
			why: rfc9111.RefusedNoStore},
		{name: "no-store in a request", rule: "9111 §5.2.1.5", request: []string{"Cache-Control: no-store"},
			why: rfc9111.RefusedRequest},
		{name: "must-understand", rule: "9111 §5.2.2.3", lines: []string{"Cache-Control: must-understand"}},
		{name: "must-understand and no-store", rule: "9111 §5.2.2.3",
			lines: []string{"Cache-Control: must-understand, no-store"}},
		{name: "both, and private", rule: "9111 §5.2.2.3",
			lines: []string{"Cache-Control: must-understand, no-store, private"},
			why:   rfc9111.RefusedPrivate},
		{name: "both, and a status that nobody knows", rule: "9111 §5.2.2.3", status: 299,
			lines: []string{"Cache-Control: must-understand, no-store, max-age=60"}, why: rfc9111.RefusedUnknown},
		{name: "must-understand and a status that nobody knows", rule: "9111 §5.2.2.3", status: 599,
			lines: []string{"Cache-Control: must-understand, max-age=60"}, why: rfc9111.RefusedUnknown},
		{name: "must-understand and a status that was taken back", rule: "9111 §5.2.2.3", status: 306,
			lines: []string{"Cache-Control: must-understand, max-age=60"}, why: rfc9111.RefusedUnknown},
		{name: "a badly written must-understand and no-store", rule: "9111 §5.2.2.3",
			lines: []string{"Cache-Control: must-understand=1, no-store"}, why: rfc9111.RefusedNoStore},
		{name: "must-understand does not take back the client's no-store", rule: "9111 §5.2.1.5",
			request: []string{"Cache-Control: no-store"}, lines: []string{"Cache-Control: must-understand"},
			why: rfc9111.RefusedRequest},

		{name: "private", rule: "9111 §5.2.2.7", lines: []string{"Cache-Control: private"}, why: rfc9111.RefusedPrivate},
		{name: "private and public", rule: "9111 §5.2.2.7", lines: []string{"Cache-Control: private, public"},
			why: rfc9111.RefusedPrivate},
		{name: "private of a field", rule: "9111 §5.2.2.7", lines: []string{`Cache-Control: private="x-a"`}},
		{name: "private of a field, and of the whole", rule: "9111 §5.2.2.7",
			lines: []string{`Cache-Control: private="x-a", private`},
			why:   rfc9111.RefusedPrivate},
		{name: "private of what is no field", rule: "9111 §5.2.2.7", lines: []string{`Cache-Control: private="x a"`},
			why: rfc9111.RefusedPrivate},
		{name: "private for a party", rule: "9111 §5.2.2.7", lines: []string{"Cache-Control: private"},
			policy: partitioned},
		{name: "no-store for a party", rule: "9111 §5.2.2.5", lines: []string{"Cache-Control: no-store"}, policy: partitioned,
			why: rfc9111.RefusedNoStore},

		{name: "Authorization", rule: "9111 §3.5", request: authorized, why: rfc9111.RefusedCredentials},
		{name: "an empty Authorization", rule: "9111 §3.5", request: []string{"Authorization:"},
			why: rfc9111.RefusedCredentials},
		{name: "Authorization and max-age", rule: "9111 §3.5", request: authorized,
			lines: []string{"Cache-Control: max-age=60"},
			why:   rfc9111.RefusedCredentials},
		{name: "Authorization and public", rule: "9111 §3.5", request: authorized,
			lines: []string{"Cache-Control: public"}},
		{name: "Authorization and must-revalidate", rule: "9111 §3.5", request: authorized,
			lines: []string{"Cache-Control: must-revalidate"}},
		{name: "Authorization and s-maxage", rule: "9111 §3.5", request: authorized,
			lines: []string{"Cache-Control: s-maxage=60"}},
		{name: "Authorization and proxy-revalidate", rule: "9111 §3.5", request: authorized,
			lines: []string{"Cache-Control: proxy-revalidate"}, why: rfc9111.RefusedCredentials},
		{name: "Authorization and a badly written public", rule: "9111 §3.5", request: authorized,
			lines: []string{"Cache-Control: public=yes"}, why: rfc9111.RefusedCredentials},
		{name: "Authorization and an unreadable s-maxage", rule: "9111 §3.5", request: authorized,
			lines: []string{"Cache-Control: s-maxage=x", `ETag: "x"`}, why: rfc9111.RefusedCredentials},
		{name: "Authorization for a party", rule: "9111 §3.5", request: authorized, policy: partitioned},

		{name: "Set-Cookie", rule: "9111 §7.3", lines: []string{"Set-Cookie: a=b"}, why: rfc9111.RefusedSetCookie},
		{name: "Set-Cookie and public", rule: "9111 §7.3", lines: []string{"Set-Cookie: a=b", "Cache-Control: public"},
			why: rfc9111.RefusedSetCookie},
		{name: "Set-Cookie for a party", rule: "9111 §7.3", lines: []string{"Set-Cookie: a=b"}, policy: partitioned,
			why: rfc9111.RefusedSetCookie},
		{name: "Set-Cookie where the route allows it", rule: "9111 §7.3", lines: []string{"Set-Cookie: a=b"},
			policy: cookies},
		{name: "Set-Cookie that is private", rule: "9111 §5.2.2.7",
			lines: []string{"Set-Cookie: a=b", `Cache-Control: private="set-cookie"`}},
		{name: "Set-Cookie that needs validation", rule: "9111 §5.2.2.4",
			lines: []string{"Set-Cookie: a=b", `Cache-Control: no-cache="set-cookie"`}},
		{name: "Set-Cookie where another field is private", rule: "9111 §5.2.2.7",
			lines: []string{"Set-Cookie: a=b", `Cache-Control: private="x-set-cookie"`}, why: rfc9111.RefusedSetCookie},
		{name: "private, where the route allows cookies", rule: "9111 §5.2.2.7",
			lines: []string{"Set-Cookie: a=b", "Cache-Control: private"}, policy: cookies, why: rfc9111.RefusedPrivate},

		{name: "Vary", rule: "9111 §4.1", lines: []string{"Vary: Accept"}},
		{name: "Vary of everything", rule: "9111 §4.1", lines: []string{"Vary: *"}, why: rfc9111.RefusedVary},
		{name: "Vary of everything among others", rule: "9111 §4.1", lines: []string{"Vary: Accept", "Vary: Cookie, *"},
			why: rfc9111.RefusedVary},
		{name: "Vary that cannot be read", rule: "9110 §12.5.5", lines: []string{"Vary: Cookie; Accept"},
			why: rfc9111.RefusedVary},
		{name: "Vary of everything for a party", rule: "9111 §4.1", lines: []string{"Vary: *"}, policy: partitioned,
			why: rfc9111.RefusedVary},

		{name: "stale", rule: "9111 §4.2", lines: []string{"Cache-Control: max-age=0"}, why: rfc9111.RefusedStale},
		{name: "as old as it may become", rule: "9111 §4.2", lines: []string{"Cache-Control: max-age=9", "Age: 9"},
			why: rfc9111.RefusedStale},
		{name: "a second younger", rule: "9111 §4.2", lines: []string{"Cache-Control: max-age=9", "Age: 8"}},
		{name: "stale, with an entity tag", rule: "9111 §4.3", lines: []string{"Cache-Control: max-age=0", `ETag: "x"`}},
		{name: "stale, with Last-Modified", rule: "9111 §4.3",
			lines: []string{"Cache-Control: max-age=0", "Last-Modified: " + date(0)}},
		{name: "stale, with two entity tags, which are none", rule: "9110 §5.3",
			lines: []string{"Cache-Control: max-age=0", `ETag: "x"`, `ETag: "y"`}, why: rfc9111.RefusedStale},
		{name: "stale, with a Last-Modified that is no date", rule: "9110 §8.8.2",
			lines: []string{"Cache-Control: max-age=0", "Last-Modified: today"}, why: rfc9111.RefusedStale},
		{name: "no-cache", rule: "9111 §5.2.2.4", lines: []string{"Cache-Control: no-cache, max-age=60"},
			why: rfc9111.RefusedStale},
		{name: "no-cache, with a validator", rule: "9111 §5.2.2.4",
			lines: []string{"Cache-Control: no-cache", `ETag: "x"`}},
		{name: "no-cache, with a validator, of an error", rule: "9111 §5.2.2.4", status: 404,
			lines: []string{"Cache-Control: no-cache", `ETag: "x"`}},
		{name: "too old for the route's time to live", rule: "9111 §4.2.3", lines: []string{"Age: 60"},
			why: rfc9111.RefusedStale},
		{name: "Pragma means nothing in a response", rule: "9111 §5.4", lines: []string{"Pragma: no-cache"}},
	}
	for _, test := range rows {
		t.Run(test.name, func(t *testing.T) {
			x := get(t, http.StatusOK, test.lines...)
			if test.method != "" {
				x.Method = test.method
			}
			if test.status != 0 {
				x.Status = test.status
			}
			x.Request = fields(t, test.request...)
			x.NoStore = rfc9111.ParseRequest(x.Request).NoStore
			test.policy.TTL = time.Minute
			m, omit, why := rfc9111.Storable(x, &test.policy)
			if why != test.why {
				t.Errorf("RFC %s: refused %q, want %q", test.rule, why, test.why)
			}
			if why == rfc9111.RefusedStale || why == rfc9111.RefusedStatus {
				return // the caller may be told how stale it is
			}
			if none := omit == nil && reflect.DeepEqual(m, rfc9111.Metadata{}); why != rfc9111.Stored && !none {
				t.Errorf("it is refused, and comes with %+v, %q", m, omit)
			}
		})
	}
}

// TestEndlessResponses holds that no time of a route makes a stream of events storable (HTML, section 9.2), nor a heuristic:
// only a freshness of its own does.
func TestEndlessResponses(t *testing.T) {
	const stream, pictures = "Content-Type: text/event-stream", "Content-Type: multipart/x-mixed-replace; boundary=x"
	fresh := "Expires: " + date(time.Minute)
	for _, test := range []struct {
		name  string
		lines []string
		why   rfc9111.Refusal
	}{
		{"events", []string{stream}, rfc9111.RefusedEventStream},
		{"pictures", []string{pictures}, rfc9111.RefusedEventStream},
		{"with a parameter", []string{stream + ";charset=utf-8"}, rfc9111.RefusedEventStream},
		{"in another case, with white space", []string{"Content-Type: \tText/Event-Stream ; charset=utf-8"},
			rfc9111.RefusedEventStream},
		{"beside another type", []string{"Content-Type: text/plain", stream}, rfc9111.RefusedEventStream},
		{"with a validator", []string{stream, `ETag: "x"`}, rfc9111.RefusedEventStream},
		{"with Last-Modified", []string{stream, "Last-Modified: " + date(-24*time.Hour)}, rfc9111.RefusedEventStream},
		{"with no-cache and a validator", []string{stream, "Cache-Control: no-cache", `ETag: "x"`}, rfc9111.RefusedEventStream},
		{"public", []string{stream, "Cache-Control: public"}, rfc9111.RefusedEventStream},
		{"with max-age=0 and a validator", []string{stream, "Cache-Control: max-age=0", `ETag: "x"`}, rfc9111.RefusedEventStream},
		{"with an Expires that is none", []string{stream, "Expires: 0"}, rfc9111.RefusedEventStream},
		{"with no-store, which says more", []string{stream, "Cache-Control: no-store"}, rfc9111.RefusedNoStore},
		{"with max-age", []string{stream, "Cache-Control: max-age=60"}, rfc9111.Stored},
		{"with s-maxage", []string{stream, "Cache-Control: s-maxage=60"}, rfc9111.Stored},
		{"with a targeted max-age", []string{stream, "CDN-Cache-Control: max-age=60"}, rfc9111.Stored},
		{"with Expires", []string{stream, fresh}, rfc9111.Stored},
		{"pictures with max-age", []string{pictures, "Cache-Control: max-age=60"}, rfc9111.Stored},
		{"another type", []string{"Content-Type: text/event-stream-not"}, rfc9111.Stored},
		{"another multipart type", []string{"Content-Type: multipart/mixed; boundary=text/event-stream"}, rfc9111.Stored},
		{"no type", nil, rfc9111.Stored},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, policy := range []rfc9111.Policy{
				{TTL: time.Minute, Heuristic: true}, {StatusTTL: map[int]time.Duration{200: time.Minute}},
			} {
				if _, _, why := rfc9111.Storable(get(t, http.StatusOK, test.lines...), &policy); why != test.why {
					t.Errorf("%q is refused %q, want %q", test.lines, why, test.why)
				}
			}
		})
	}
}

// TestStorableWithoutRouteTime holds that a route without a time to live keeps only what says for how long.
func TestStorableWithoutRouteTime(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		lines  []string
		why    rfc9111.Refusal
	}{
		{"200 that says nothing", 200, nil, rfc9111.RefusedStale},
		{"200 with a validator alone", 200, []string{`ETag: "x"`}, rfc9111.RefusedStale},
		{"404 that says nothing", 404, nil, rfc9111.RefusedStatus},
		{"public alone", 200, []string{"Cache-Control: public"}, rfc9111.RefusedStale},
		{"max-age", 200, []string{"Cache-Control: max-age=1"}, rfc9111.Stored},
		{"max-age of an error", 404, []string{"Cache-Control: max-age=1"}, rfc9111.Stored},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, _, why := rfc9111.Storable(get(t, test.status, test.lines...), &rfc9111.Policy{}); why != test.why {
				t.Errorf("RFC 9111 §3: %d %q is refused %q, want %q", test.status, test.lines, why, test.why)
			}
		})
	}
}

// TestPartial holds that a part of a response is stored by the same rules, once its place in the whole is known (RFC 9111
// §3.3).
func TestPartial(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		why   rfc9111.Refusal
	}{
		{"fresh", []string{"Cache-Control: max-age=1"}, rfc9111.Stored},
		{"no-store", []string{"Cache-Control: max-age=1, no-store"}, rfc9111.RefusedNoStore},
		{"private", []string{"Cache-Control: max-age=1, private"}, rfc9111.RefusedPrivate},
		{"cookies", []string{"Cache-Control: max-age=1", "Set-Cookie: a=b"}, rfc9111.RefusedSetCookie},
		{"must-understand", []string{"Cache-Control: max-age=1, must-understand"}, rfc9111.RefusedUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := get(t, http.StatusPartialContent, test.lines...)
			x.Partial = true
			if _, _, why := rfc9111.Storable(x, &rfc9111.Policy{TTL: time.Minute}); why != test.why {
				t.Errorf("%q is refused %q, want %q", test.lines, why, test.why)
			}
		})
	}
}

// TestMetadata holds what is noted of a stored response besides its freshness.
func TestMetadata(t *testing.T) {
	windows := rfc9111.Policy{StaleWhileRevalidate: 10 * time.Second, StaleIfError: 20 * time.Second}
	with := func(change func(*rfc9111.Metadata)) rfc9111.Metadata {
		m := rfc9111.Metadata{ResponseTime: noon, Lifetime: time.Minute}
		change(&m)
		return m
	}
	for _, test := range []struct {
		name   string
		rule   string
		lines  []string
		policy rfc9111.Policy
		want   rfc9111.Metadata
		omit   []string
	}{
		{"nothing", "9111 §3", nil, rfc9111.Policy{}, with(func(*rfc9111.Metadata) {}), nil},
		{"must-revalidate", "9111 §5.2.2.2", []string{"Cache-Control: must-revalidate"}, rfc9111.Policy{},
			with(func(m *rfc9111.Metadata) { m.MustRevalidate, m.Shareable = true, true }), nil},
		{"proxy-revalidate", "9111 §5.2.2.8", []string{"Cache-Control: proxy-revalidate"}, rfc9111.Policy{},
			with(func(m *rfc9111.Metadata) { m.MustRevalidate = true }), nil},
		{"s-maxage", "9111 §5.2.2.10", []string{"Cache-Control: s-maxage=60"}, rfc9111.Policy{},
			with(func(m *rfc9111.Metadata) { m.MustRevalidate, m.Shareable = true, true }), nil},
		{"an unreadable s-maxage", "9111 §5.2.2.10", []string{"Cache-Control: s-maxage=x", `ETag: "x"`}, rfc9111.Policy{},
			with(func(m *rfc9111.Metadata) { m.MustRevalidate, m.Lifetime = true, 0 }), nil},
		{"public", "9111 §5.2.2.9", []string{"Cache-Control: public"}, rfc9111.Policy{},
			with(func(m *rfc9111.Metadata) { m.Shareable = true }), nil},
		{"a party", "9111 §3.5", nil, rfc9111.Policy{Partitioned: true},
			with(func(m *rfc9111.Metadata) { m.Shareable = true }), nil},
		{"no-cache", "9111 §5.2.2.4", []string{"Cache-Control: no-cache", `ETag: "x"`}, rfc9111.Policy{},
			with(func(m *rfc9111.Metadata) { m.NoCache = true }), nil},
		{"fields that may not be stored", "9111 §5.2.2.7",
			[]string{`Cache-Control: no-cache="x-a, x-b", private=x-c`}, rfc9111.Policy{},
			with(func(*rfc9111.Metadata) {}), []string{"X-C", "X-A", "X-B"}},
		{"Vary", "9111 §4.1", []string{"Vary: b, A", "Vary: ,a"}, rfc9111.Policy{},
			with(func(m *rfc9111.Metadata) { m.Vary = []string{"A", "B"} }), nil},
		{"the route's windows", "5861 §3", nil, windows, with(func(m *rfc9111.Metadata) {
			m.StaleWhileRevalidate, m.StaleIfError = 10*time.Second, 20*time.Second
		}), nil},
		{"the response's windows", "5861 §3", []string{"Cache-Control: stale-while-revalidate=1, stale-if-error=2"}, windows,
			with(func(m *rfc9111.Metadata) { m.StaleWhileRevalidate, m.StaleIfError = time.Second, 2*time.Second }), nil},
		{"the response wants none", "5861 §3", []string{"Cache-Control: stale-while-revalidate=0, stale-if-error=0"}, windows,
			with(func(*rfc9111.Metadata) {}), nil},
		{"the response's cannot be read", "5861 §3", []string{"Cache-Control: stale-while-revalidate, stale-if-error=x"}, windows,
			with(func(*rfc9111.Metadata) {}), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.policy.TTL = time.Minute
			m, omit, why := rfc9111.Storable(get(t, http.StatusOK, test.lines...), &test.policy)
			if why != rfc9111.Stored || !reflect.DeepEqual(m, test.want) || !slices.Equal(omit, test.omit) {
				t.Errorf("RFC %s: %q is, refused %q,\n%+v without %q, want\n%+v without %q",
					test.rule, test.lines, why, m, omit, test.want, test.omit)
			}
		})
	}
}

// TestLongTimesToLive holds that no time to live of a route makes a sum overflow.
func TestLongTimesToLive(t *testing.T) {
	policy := rfc9111.Policy{TTL: math.MaxInt64, StaleWhileRevalidate: math.MaxInt64, StaleIfError: math.MaxInt64}
	m, _, why := rfc9111.Storable(get(t, http.StatusOK), &policy)
	if why != rfc9111.Stored || m.Fresh(noon) <= 0 || m.Judge(&rfc9111.RequestDirectives{}, noon) != rfc9111.Serve {
		t.Errorf("refused %q, it is %+v", why, m)
	}
	if kept := m.Retention(noon, time.Hour); kept != math.MaxInt64 {
		t.Errorf("it is kept for %v", kept)
	}
}
