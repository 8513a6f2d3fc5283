package rfc9111_test

import (
	"math"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestJudge holds what may be done with a stored response, from its age and what the request asks (RFC 9111 §4). Every
// response is fresh for 60 s from noon.
func TestJudge(t *testing.T) {
	type (
		ages  = map[time.Duration]rfc9111.Use // by the response's age
		asked = rfc9111.RequestDirectives
		m     = rfc9111.Metadata
	)
	const (
		serve, refresh, validate, wanted = rfc9111.Serve, rfc9111.ServeAndRefresh, rfc9111.Validate, rfc9111.ValidateAsked

		fresh = 59 * time.Second
		edge  = 60 * time.Second
		stale = 61 * time.Second
		later = 71 * time.Second
	)
	swr := m{StaleWhileRevalidate: 10 * time.Second}
	for _, test := range []struct {
		name   string
		rule   string
		stored m
		asked  asked
		want   ages
	}{
		{"nothing asked", "9111 §4.2", m{}, asked{}, ages{0: serve, fresh: serve, edge: validate, stale: validate}},
		{"just before it is stale", "9111 §4.2", m{}, asked{}, ages{edge - time.Second/2: serve, edge - 1: serve}},
		{"it was old when it came", "9111 §4.2.3", m{InitialAge: 10 * time.Second}, asked{},
			ages{49 * time.Second: serve, 50 * time.Second: validate}},

		{"no-cache in the response", "9111 §5.2.2.4", m{NoCache: true}, asked{},
			ages{0: validate, fresh: validate, stale: validate}},
		{"no-cache in the response, and max-stale", "9111 §5.2.2.4", m{NoCache: true}, asked{AnyStale: true},
			ages{0: validate, stale: validate}},
		{"no-cache in the response, and a window", "5861 §3", m{NoCache: true, StaleWhileRevalidate: time.Hour}, asked{},
			ages{0: validate, stale: validate}},
		{"must-revalidate", "9111 §5.2.2.2", m{MustRevalidate: true}, asked{},
			ages{0: serve, fresh: serve, edge: validate}},
		{"must-revalidate, and max-stale", "9111 §5.2.2.2", m{MustRevalidate: true}, asked{AnyStale: true},
			ages{fresh: serve, edge: validate, stale: validate}},
		{"must-revalidate, and so much max-stale", "9111 §5.2.2.2", m{MustRevalidate: true}, asked{MaxStale: seconds(10)},
			ages{fresh: serve, edge: validate, stale: validate}},
		{"must-revalidate, and a window", "9111 §4.2.4", m{MustRevalidate: true, StaleWhileRevalidate: time.Hour}, asked{},
			ages{fresh: serve, edge: validate, stale: validate}},

		{"a window", "5861 §3", swr, asked{}, ages{fresh: serve, edge: refresh, edge + 10*time.Second: refresh,
			edge + 10*time.Second + 1: validate}},
		{"no window", "5861 §3", m{}, asked{}, ages{edge: validate}},

		{"no-cache", "9111 §5.2.1.4", swr, asked{NoCache: true}, ages{0: wanted, fresh: wanted, stale: wanted}},
		{"no-cache, and max-stale", "9111 §5.2.1.4", m{}, asked{NoCache: true, AnyStale: true},
			ages{0: wanted, stale: wanted}},
		{"no-store and only-if-cached say nothing of use", "9111 §5.2.1.5", m{}, asked{NoStore: true, OnlyIfCached: true},
			ages{0: serve, fresh: serve, stale: validate}},

		{"max-age of 0", "9111 §5.2.1.1", m{}, asked{MaxAge: seconds(0)},
			ages{0: wanted, 1: wanted, fresh: wanted, stale: wanted}},
		{"max-age", "9111 §5.2.1.1", m{}, asked{MaxAge: seconds(5)},
			ages{0: serve, 5 * time.Second: serve, 5*time.Second + 1: wanted}},
		{"max-age beyond its freshness", "9111 §5.2.1.1", m{}, asked{MaxAge: seconds(600)},
			ages{fresh: serve, edge: validate}},
		{"max-age in a window", "9111 §5.2.1.1", swr, asked{MaxAge: seconds(600)},
			ages{fresh: serve, edge: validate, stale: validate}},
		{"max-age and max-stale", "9111 §5.2.1.1", m{}, asked{MaxAge: seconds(65), MaxStale: seconds(10)},
			ages{stale: serve, 65 * time.Second: serve, 66 * time.Second: wanted, later: wanted}},
		{"max-age and what was old when it came", "9111 §5.2.1.1", m{InitialAge: 5 * time.Second},
			asked{MaxAge: seconds(5)},
			ages{0: serve, 1: wanted}},

		{"min-fresh", "9111 §5.2.1.3", m{}, asked{MinFresh: seconds(10)},
			ages{0: serve, 50 * time.Second: serve, 50*time.Second + 1: wanted, fresh: wanted, stale: wanted}},
		{"min-fresh of 0", "9111 §5.2.1.3", m{}, asked{MinFresh: seconds(0)},
			ages{fresh: serve, edge: validate, stale: wanted}},
		{"min-fresh in a window", "9111 §5.2.1.3", swr, asked{MinFresh: seconds(10)},
			ages{50 * time.Second: serve, stale: wanted}},
		{"min-fresh and max-stale", "9111 §5.2.1.3", m{}, asked{MinFresh: seconds(10), AnyStale: true},
			ages{50 * time.Second: serve, fresh: wanted, stale: wanted}},

		{"any max-stale", "9111 §5.2.1.2", m{}, asked{AnyStale: true}, ages{fresh: serve, edge: serve, time.Hour: serve}},
		{"so much max-stale", "9111 §5.2.1.2", m{}, asked{MaxStale: seconds(10)},
			ages{edge: serve, edge + 10*time.Second: serve, edge + 10*time.Second + 1: validate}},
		{"max-stale of 0", "9111 §5.2.1.2", m{}, asked{MaxStale: seconds(0)},
			ages{fresh: serve, edge: serve, stale: validate}},
		{"less max-stale than there is of a window", "9111 §5.2.1.2", swr, asked{MaxStale: seconds(5)},
			ages{edge + 5*time.Second: serve, edge + 6*time.Second: validate}},
		{"more max-stale than there is of a window", "9111 §5.2.1.2", swr, asked{MaxStale: seconds(20)},
			ages{later: serve, edge + 21*time.Second: validate}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.stored.ResponseTime, test.stored.Lifetime = noon, time.Minute
			for age, want := range test.want {
				if got := test.stored.Judge(&test.asked, noon.Add(age)); got != want {
					t.Errorf("RFC %s: after %v the use is %d, want %d", test.rule, age, got, want)
				}
			}
		})
	}
}

// TestServableOnError holds when a stored response may stand in for an error (RFC 5861 §4). Every response is fresh for
// 60 s from noon.
func TestServableOnError(t *testing.T) {
	type (
		ages  = map[time.Duration]bool
		asked = rfc9111.RequestDirectives
		m     = rfc9111.Metadata
	)
	for _, test := range []struct {
		name   string
		rule   string
		stored m
		asked  asked
		want   ages
	}{
		{"nothing said", "9111 §4.2.4", m{}, asked{},
			ages{60*time.Second - 1: true, 60 * time.Second: false, 61 * time.Second: false}},
		{"the response allows it", "5861 §4", m{StaleIfError: 10 * time.Second}, asked{},
			ages{60 * time.Second: true, 70 * time.Second: true, 70*time.Second + 1: false}},
		{"the request allows it", "5861 §4", m{}, asked{StaleIfError: seconds(10)},
			ages{70 * time.Second: true, 70*time.Second + 1: false}},
		{"the request allows more", "5861 §4", m{StaleIfError: 10 * time.Second}, asked{StaleIfError: seconds(20)},
			ages{80 * time.Second: true, 80*time.Second + 1: false}},
		{"a window for refreshing is none for errors", "5861 §4", m{StaleWhileRevalidate: time.Hour}, asked{},
			ages{61 * time.Second: false}},
		{"max-stale is not about errors", "5861 §4", m{}, asked{AnyStale: true}, ages{61 * time.Second: false}},
		{"whatever other freshness is asked", "5861 §4", m{StaleIfError: 10 * time.Second},
			asked{MaxAge: seconds(0), MinFresh: seconds(90)}, ages{0: true, 61 * time.Second: true}},
		{"must-revalidate", "9111 §5.2.2.2", m{StaleIfError: time.Hour, MustRevalidate: true},
			asked{StaleIfError: seconds(10)},
			ages{59 * time.Second: true, 60 * time.Second: false, 61 * time.Second: false}},
		{"no-cache in the response", "9111 §5.2.2.4", m{StaleIfError: time.Hour, NoCache: true}, asked{},
			ages{0: false, 61 * time.Second: false}},
		{"no-cache in the request", "9111 §5.2.1.4", m{StaleIfError: time.Hour}, asked{NoCache: true},
			ages{0: false, 61 * time.Second: false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.stored.ResponseTime, test.stored.Lifetime = noon, time.Minute
			for age, want := range test.want {
				if got := test.stored.ServableOnError(&test.asked, noon.Add(age)); got != want {
					t.Errorf("RFC %s: after %v it may stand in: %t, want %t", test.rule, age, got, want)
				}
			}
		})
	}
}

// TestRetention holds for how long a response is kept: while it is fresh, and while it may be of use stale. A response that is
// of no use stale goes the moment its freshness ends.
func TestRetention(t *testing.T) {
	type m = rfc9111.Metadata
	for _, test := range []struct {
		name      string
		stored    m
		validator bool
		after     time.Duration // since noon
		want      time.Duration
	}{
		{"for max-stale", m{}, false, 0, 2 * time.Minute},
		{"less what has passed", m{}, false, 20 * time.Second, time.Minute + 40*time.Second},
		{"less its age when it came", m{InitialAge: 20 * time.Second}, false, 0, time.Minute + 40*time.Second},
		{"stale already", m{}, false, time.Hour, time.Minute},
		{"to validate", m{}, true, 0, time.Hour + time.Minute},
		{"to validate, stale already", m{NoCache: true, MustRevalidate: true}, true, time.Hour, time.Hour},
		{"not for max-stale, by must-revalidate", m{MustRevalidate: true}, false, 0, time.Minute},
		{"not for max-stale, by no-cache", m{NoCache: true}, false, 0, time.Minute},
		{"of no use at all", m{MustRevalidate: true}, false, time.Minute, 0},
		{"to refresh", m{StaleWhileRevalidate: time.Hour}, false, 0, time.Hour + time.Minute},
		{"for errors", m{StaleWhileRevalidate: time.Second, StaleIfError: time.Hour}, false, 0, time.Hour + time.Minute},
		{"for errors longer than to validate", m{StaleIfError: 2 * time.Hour}, true, 0, 2*time.Hour + time.Minute},
		{"longer than a Duration can say", m{StaleIfError: math.MaxInt64}, false, 0, math.MaxInt64},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.stored.ResponseTime, test.stored.Lifetime = noon, time.Minute
			toValidate := time.Duration(0)
			if test.validator {
				toValidate = time.Hour
			}
			if got := test.stored.Retention(noon.Add(test.after), toValidate); got != test.want {
				t.Errorf("it is kept for %v, want %v", got, test.want)
			}
		})
	}
}

// TestStatuses holds what the status and method of a response mean to a cache.
// TestServableLate holds for how long a response that is stale from noon on may be served to a request for which the handler is late.
func TestServableLate(t *testing.T) {
	type (
		m     = rfc9111.Metadata
		asked = rfc9111.RequestDirectives
	)
	const never = -time.Nanosecond
	both := m{StaleWhileRevalidate: 10 * time.Second, StaleIfError: 20 * time.Second}
	for _, test := range []struct {
		rule   string
		stored m
		asked  asked
		until  time.Duration // after noon; never where not at all
	}{
		{"5861 §3", m{StaleWhileRevalidate: 10 * time.Second}, asked{}, 10 * time.Second},
		{"5861 §4", m{StaleIfError: 20 * time.Second}, asked{}, 20 * time.Second},
		{"5861 §3, §4", both, asked{}, 20 * time.Second},
		{"5861 §4, the client's", both, asked{StaleIfError: seconds(30)}, 30 * time.Second},
		{"5861 §4, the client's, which is shorter", both, asked{StaleIfError: seconds(1)}, 20 * time.Second},
		{"9111 §4.2.4: nothing is said", m{}, asked{}, time.Minute},
		{"9111 §4.2.4", m{StaleIfError: time.Hour, MustRevalidate: true}, asked{}, never},
		{"9111 §5.2.2.4", m{StaleIfError: time.Hour, NoCache: true}, asked{}, never},
		{"9111 §5.2.1.4", both, asked{NoCache: true}, never},
		{"9111 §5.2.1.1", both, asked{MaxAge: seconds(600)}, never},
		{"9111 §5.2.1.2", both, asked{MaxStale: seconds(0)}, never},
		{"9111 §5.2.1.3", both, asked{MinFresh: seconds(0)}, never},
	} {
		test.stored.ResponseTime, test.stored.Lifetime = noon.Add(-time.Hour), time.Hour
		for after, want := range map[time.Duration]bool{
			0: test.until != never, max(0, test.until): test.until != never, max(0, test.until) + 1: false,
		} {
			if got := test.stored.ServableLate(&test.asked, noon.Add(after)); got != want {
				t.Errorf("RFC %s: %v after noon: %t, want %t", test.rule, after, got, want)
			}
		}
	}
}

// TestShorten holds by how much a part shortens the time for which a response is fresh from when it came.
func TestShorten(t *testing.T) {
	for _, test := range []struct {
		age, lifetime time.Duration
		part          float64
		want          time.Duration // its lifetime then
	}{
		{0, time.Minute, 0, time.Minute},
		{0, time.Minute, 0.1, 54 * time.Second},
		{0, time.Minute, 0.5, 30 * time.Second},
		{20 * time.Second, time.Minute, 0.5, 40 * time.Second},
		{0, time.Minute, 1 - 0x1p-53, 1}, // never nothing
		{0, 0, 0.5, 0},
		{time.Hour, time.Minute, 0.5, time.Minute}, // it is stale as it is
	} {
		m := rfc9111.Metadata{InitialAge: test.age, Lifetime: test.lifetime}
		if m.Shorten(test.part); m.Lifetime != test.want {
			t.Errorf("%v of %v at %v: %v, want %v", test.part, test.lifetime, test.age, m.Lifetime, test.want)
		}
	}
}

func TestStatuses(t *testing.T) {
	for status, want := range map[int]bool{500: true, 502: true, 503: true, 504: true, 501: false, 505: false, 404: false, 200: false} {
		if got := rfc9111.IsServerError(status); got != want {
			t.Errorf("RFC 5861 §4: %d is an error to stand in for: %t, want %t", status, got, want)
		}
	}
	for status, want := range map[int]bool{199: false, 200: true, 204: true, 303: true, 399: true, 400: false, 500: false} {
		if got := rfc9111.IsSuccess(status); got != want {
			t.Errorf("RFC 9111 §4.4: %d is a success: %t, want %t", status, got, want)
		}
	}
	for on, statuses := range map[rfc9111.Invalidation]map[int]bool{
		rfc9111.OnNone:     {200: false, 303: false, 400: false, 500: false},
		rfc9111.OnSuccess:  {199: false, 200: true, 204: true, 299: true, 300: false, 303: false, 400: false, 500: false},
		rfc9111.OnNonError: {199: false, 200: true, 204: true, 300: true, 303: true, 399: true, 400: false, 500: false},
		rfc9111.OnAny:      {101: true, 200: true, 303: true, 400: true, 500: true},
		"":                 {200: false, 500: false},
	} {
		for status, want := range statuses {
			if got := on.Has(status); got != want {
				t.Errorf("RFC 9111 §4.4: by %q, %d invalidates: %t, want %t", on, status, got, want)
			}
		}
	}
	for method, want := range map[string]bool{
		"GET": true, "HEAD": true, "OPTIONS": true, "TRACE": true,
		"PRI": true, "PROPFIND": true, "QUERY": true, "REPORT": true, "SEARCH": true,
		"POST": false, "PUT": false, "DELETE": false, "PATCH": false, "CONNECT": false, "PROPPATCH": false, "MKCOL": false,
		"LOCK": false, "M-SEARCH": false, "FROB": false, "get": false, "query": false, "": false,
	} {
		if got := rfc9111.IsSafe(method); got != want {
			t.Errorf("RFC 9110 §9.2.1: %q is safe: %t, want %t", method, got, want)
		}
	}
}
