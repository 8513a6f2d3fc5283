package rfc9111_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestLifetime holds what makes a response fresh, and for how long, in the order of RFC 9111 §4.2.1.
func TestLifetime(t *testing.T) {
	const tag = `ETag: "x"` // so that what is stale is stored all the same
	expires := func(d time.Duration) string { return "Expires: " + date(d) }
	dated := func(d time.Duration) string { return "Date: " + date(d) }
	for _, test := range []struct {
		name  string
		rule  string
		lines []string
		want  time.Duration
	}{
		{"s-maxage", "9111 §4.2.1", []string{"Cache-Control: max-age=1, s-maxage=2", expires(3 * time.Second)},
			2 * time.Second},
		{"max-age", "9111 §4.2.1", []string{"Cache-Control: max-age=1", expires(3 * time.Second)}, time.Second},
		{"Expires", "9111 §4.2.1", []string{expires(3 * time.Second)}, 3 * time.Second},
		{"Expires, whatever else is said", "9111 §4.2.1", []string{"Cache-Control: public", expires(3 * time.Second)},
			3 * time.Second},
		{"Expires less Date", "9111 §4.2.1", []string{expires(3 * time.Second), dated(-2 * time.Second)}, 5 * time.Second},
		{"Expires less a Date to come", "9111 §4.2.1", []string{expires(3 * time.Second), dated(2 * time.Second)},
			time.Second},
		{"Expires with an invalid Date", "9110 §6.6.1", []string{expires(3 * time.Second), "Date: yesterday"},
			3 * time.Second},
		{"Expires with two Dates", "9110 §6.6.1", []string{expires(3 * time.Second), dated(0), dated(-time.Hour)},
			3 * time.Second},
		{"the time to live of the route", "9111 §4.2.2", nil, time.Minute},
		{"the same, whatever else is said", "9111 §4.2.2", []string{"Cache-Control: public, must-revalidate"}, time.Minute},

		{"s-maxage of 0", "9111 §4.2.1", []string{"Cache-Control: s-maxage=0, max-age=9"}, 0},
		{"an unreadable s-maxage", "9111 §4.2.1", []string{"Cache-Control: s-maxage=x, max-age=9"}, 0},
		{"an unreadable max-age", "9111 §4.2.1", []string{"Cache-Control: max-age=x", expires(3 * time.Second)}, 0},
		{"max-age that contradicts itself", "9111 §4.2.1", []string{"Cache-Control: max-age=9, max-age=8"}, 0},
		{"Expires in the past", "9111 §5.3", []string{expires(-3 * time.Second)}, 0},
		{"Expires at its Date", "9111 §5.3", []string{expires(0), dated(0)}, 0},
		{"Expires of 0", "9111 §5.3", []string{"Expires: 0"}, 0},
		{"an invalid Expires", "9111 §5.3", []string{"Expires: tomorrow"}, 0},
		{"an empty Expires", "9111 §5.3", []string{"Expires:"}, 0},
		{"two of Expires", "9111 §5.3", []string{expires(3 * time.Second), expires(3 * time.Second)}, 0},
		{"Expires in another zone", "9111 §5.3", []string{"Expires: Sun, 15 Jun 2025 13:00:00 EST"}, 0},

		{"more than 2^31 seconds by max-age", "9111 §1.2.2", []string{"Cache-Control: max-age=9999999999"},
			1 << 31 * time.Second},
		{"more than 2^31 seconds by Expires", "9111 §1.2.2", []string{"Expires: Fri, 31 Dec 9999 23:59:59 GMT"},
			1 << 31 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, _, why := rfc9111.Storable(get(t, http.StatusOK, append(test.lines, tag)...), &rfc9111.Policy{TTL: time.Minute})
			if m.Lifetime != test.want || why != rfc9111.Stored {
				t.Errorf("RFC %s: %q is fresh for %v, refused %q; want %v", test.rule, test.lines, m.Lifetime, why, test.want)
			}
		})
	}
}

// TestRouteLifetime holds for which statuses a route's own times count.
func TestRouteLifetime(t *testing.T) {
	policy := rfc9111.Policy{
		TTL:       time.Minute,
		StatusTTL: map[int]time.Duration{404: time.Second, 301: time.Hour, 200: 2 * time.Second, 500: 3 * time.Second},
	}
	for _, test := range []struct {
		name   string
		status int
		lines  []string
		want   time.Duration
		why    rfc9111.Refusal
	}{
		{"203 takes the route's", 203, nil, time.Minute, rfc9111.Stored},
		{"204 takes the route's", 204, nil, time.Minute, rfc9111.Stored},
		{"300 takes the route's", 300, nil, time.Minute, rfc9111.Stored},
		{"308 takes the route's", 308, nil, time.Minute, rfc9111.Stored},
		{"a status's own goes before the route's", 301, nil, time.Hour, rfc9111.Stored},
		{"also for 200", 200, nil, 2 * time.Second, rfc9111.Stored},
		{"what the response declares goes before both", 200, []string{"Cache-Control: max-age=7"}, 7 * time.Second,
			rfc9111.Stored},
		{"also for another status", 404, []string{"Cache-Control: max-age=7"}, 7 * time.Second, rfc9111.Stored},
		{"also when it is stale", 404, []string{"Cache-Control: max-age=0"}, 0, rfc9111.RefusedStale},
		{"an error with a time of its own", 500, nil, 3 * time.Second, rfc9111.Stored},
		{"an error without one", 410, nil, 0, rfc9111.RefusedStatus},
		{"302 has none", 302, nil, 0, rfc9111.RefusedStatus},
		{"201 has none", 201, nil, 0, rfc9111.RefusedStatus},
		{"503 has none", 503, nil, 0, rfc9111.RefusedStatus},
		{"302 declares its own", 302, []string{"Cache-Control: max-age=7"}, 7 * time.Second, rfc9111.Stored},
		{"a status that nobody knows declares its own", 599, []string{"Cache-Control: max-age=7"}, 7 * time.Second,
			rfc9111.Stored},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, _, why := rfc9111.Storable(get(t, test.status, test.lines...), &policy)
			if why != test.why || why == rfc9111.Stored && m.Lifetime != test.want {
				t.Errorf("RFC 9111 §4.2.1: %d %q is fresh for %v, refused %q; want %v, %q",
					test.status, test.lines, m.Lifetime, why, test.want, test.why)
			}
		})
	}
}

// TestHeuristicLifetime holds RFC 9111 §4.2.2 and the statuses of RFC 9110 §15.1.
func TestHeuristicLifetime(t *testing.T) {
	modified := func(d time.Duration) string { return "Last-Modified: " + date(-d) }
	for _, test := range []struct {
		name   string
		rule   string
		status int
		lines  []string
		want   time.Duration
		why    rfc9111.Refusal
	}{
		{"a tenth of the age", "9111 §4.2.2", 200, []string{modified(100 * time.Second)}, 10 * time.Second, rfc9111.Stored},
		{"a day at most", "9111 §4.2.2", 200, []string{modified(365 * 24 * time.Hour)}, 24 * time.Hour, rfc9111.Stored},
		{"measured from Date", "9111 §4.2.2", 200, []string{modified(100 * time.Second), "Date: " + date(-50*time.Second)},
			5 * time.Second, rfc9111.RefusedStale}, // it was 50 s old when it came
		{"none of what was modified just now", "9111 §4.2.2", 200, []string{modified(0)}, 0, rfc9111.RefusedStale},
		{"none of what will be modified", "9111 §4.2.2", 200, []string{modified(-time.Hour)}, 0, rfc9111.RefusedStale},
		{"none without Last-Modified", "9111 §4.2.2", 200, []string{`ETag: "x"`}, 0, rfc9111.RefusedStale},
		{"none of an invalid one", "9111 §4.2.2", 200, []string{"Last-Modified: 0"}, 0, rfc9111.RefusedStale},
		{"none where it declares one", "9111 §4.2.2", 200, []string{modified(time.Hour), "Cache-Control: max-age=0"},
			0, rfc9111.Stored},
		{"none where it declares one badly", "9111 §4.2.2", 200, []string{modified(time.Hour), "Expires: 0"}, 0,
			rfc9111.Stored},
		{"203", "9110 §15.1", 203, []string{modified(10 * time.Second)}, time.Second, rfc9111.Stored},
		{"404", "9110 §15.1", 404, []string{modified(10 * time.Second)}, time.Second, rfc9111.Stored},
		{"405", "9110 §15.1", 405, []string{modified(10 * time.Second)}, time.Second, rfc9111.Stored},
		{"410", "9110 §15.1", 410, []string{modified(10 * time.Second)}, time.Second, rfc9111.Stored},
		{"414", "9110 §15.1", 414, []string{modified(10 * time.Second)}, time.Second, rfc9111.Stored},
		{"501", "9110 §15.1", 501, []string{modified(10 * time.Second)}, time.Second, rfc9111.Stored},
		{"not 201", "9110 §15.1", 201, []string{modified(10 * time.Second)}, 0, rfc9111.RefusedStatus},
		{"not 302", "9110 §15.1", 302, []string{modified(10 * time.Second)}, 0, rfc9111.RefusedStatus},
		{"not 500", "9110 §15.1", 500, []string{modified(10 * time.Second)}, 0, rfc9111.RefusedStatus},
		{"302 marked public", "9111 §4.2.2", 302, []string{modified(10 * time.Second), "Cache-Control: public"},
			time.Second, rfc9111.Stored},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := get(t, test.status, test.lines...)
			m, _, why := rfc9111.Storable(x, &rfc9111.Policy{Heuristic: true})
			if m.Lifetime != test.want || why != test.why {
				t.Errorf("RFC %s: %d %q is fresh for %v, refused %q; want %v, %q",
					test.rule, test.status, test.lines, m.Lifetime, why, test.want, test.why)
			}
			if m, _, _ := rfc9111.Storable(x, &rfc9111.Policy{}); m.Lifetime != 0 {
				t.Errorf("it is fresh for %v on a route that has no heuristics", m.Lifetime)
			}
		})
	}
}

// TestInitialAge holds how old a response is when it comes (RFC 9111 §4.2.3).
func TestInitialAge(t *testing.T) {
	dated := func(d time.Duration) string { return "Date: " + date(d) }
	for _, test := range []struct {
		name  string
		delay time.Duration // how long the handler took
		lines []string
		want  time.Duration
	}{
		{"the handler's own has none", 5 * time.Second, nil, 0},
		{"apparent_age", 0, []string{dated(-7 * time.Second)}, 7 * time.Second},
		{"apparent_age of a Date to come", 0, []string{dated(time.Hour)}, 0},
		{"corrected_age_value", 5 * time.Second, []string{"Age: 20"}, 25 * time.Second},
		{"corrected_age_value is the greater", 5 * time.Second, []string{"Age: 20", dated(-7 * time.Second)},
			25 * time.Second},
		{"apparent_age is the greater", 5 * time.Second, []string{"Age: 1", dated(-7 * time.Second)}, 7 * time.Second},
		{"Age of 0", 5 * time.Second, []string{"Age: 0"}, 5 * time.Second},
		{"Date without Age comes from elsewhere", 5 * time.Second, []string{dated(0)}, 5 * time.Second},
		{"so does an invalid one", 5 * time.Second, []string{"Date: today"}, 5 * time.Second},
		{"a clock that was set back", -5 * time.Second, []string{"Age: 20"}, 20 * time.Second},
		{"an Age that overflows", 0, []string{"Age: 99999999999999999999"}, 1 << 31 * time.Second},
		{"an Age that overflows, and a delay", 5 * time.Second, []string{"Age: 2147483648"}, 1 << 31 * time.Second},
		{"the zero time as Date", 0, []string{"Date: Mon, 01 Jan 0001 00:00:00 GMT"}, 1 << 31 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := get(t, http.StatusOK, append(test.lines, "Cache-Control: max-age=60", `ETag: "x"`)...)
			x.RequestTime = x.ResponseTime.Add(-test.delay)
			m, _, why := rfc9111.Storable(x, &rfc9111.Policy{})
			if m.InitialAge != test.want || m.Lifetime != time.Minute || why != rfc9111.Stored {
				t.Errorf("RFC 9111 §4.2.3: %q is %v old and fresh for %v, refused %q; want %v",
					test.lines, m.InitialAge, m.Lifetime, why, test.want)
			}
		})
	}
}

// TestDateWithinTheSecond holds that the fraction of a second which Date cannot say makes no response old.
func TestDateWithinTheSecond(t *testing.T) {
	x := get(t, http.StatusOK, "Date: "+date(0), "Cache-Control: max-age=60")
	x.ResponseTime = noon.Add(900 * time.Millisecond)
	x.RequestTime = x.ResponseTime
	if m, _, _ := rfc9111.Storable(x, &rfc9111.Policy{}); m.InitialAge != 0 {
		t.Errorf("it is %v old", m.InitialAge)
	}
}

// TestAgeField holds how Age is read (RFC 9111 §5.1). Each response takes 2 s.
func TestAgeField(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		age   time.Duration
	}{
		{"a number", []string{"Age: 7"}, 7 * time.Second},
		{"a number with zeros", []string{"Age: 007"}, 7 * time.Second},
		{"the first of a list", []string{"Age: 7200, 0"}, 7200 * time.Second},
		{"the first of a list, the smaller", []string{"Age: 0, 7200"}, 0},
		{"a list with white space", []string{"Age: \t7 \t,0"}, 7 * time.Second},
		{"a list that repeats its first member", []string{"Age: 7, 7"}, 7 * time.Second},
		{"the first of two lines", []string{"Age: 7", "Age: 8"}, 7 * time.Second},
		{"the first of two lines, the smaller", []string{"Age: 0", "Age: 7200"}, 0},
		{"two lines with the same", []string{"Age: 3600", "Age: 3600"}, 3600 * time.Second},
		{"empty members do not count", []string{"Age: ,, 7"}, 7 * time.Second},
		{"nor do empty lines", []string{"Age:", "Age: 7"}, 7 * time.Second},
		{"the first member is none, and no other counts", []string{"Age: x, 7"}, 0},
		{"the first line is none, and no other counts", []string{"Age: x", "Age: 7"}, 0},
		{"a word", []string{"Age: new"}, 0},
		{"nothing", []string{"Age:"}, 0},
		{"a negative number", []string{"Age: -7"}, 0},
		{"a number with a sign", []string{"Age: +7"}, 0},
		{"a decimal", []string{"Age: 7.0"}, 0},
		{"a quoted number", []string{`Age: "7"`}, 0},
		{"a parameter", []string{"Age: 7;a=1"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := get(t, http.StatusOK, append(test.lines, "Cache-Control: max-age=60", `ETag: "x"`)...)
			x.RequestTime = noon.Add(-2 * time.Second)
			m, _, why := rfc9111.Storable(x, &rfc9111.Policy{})
			// That it is there tells that the response came by way of a cache, so the 2 s count (§4.2.3).
			if m.InitialAge != test.age+2*time.Second || m.Lifetime != time.Minute || why != rfc9111.Stored {
				t.Errorf("RFC 9111 §5.1: %q is %v old and fresh for %v, refused %q; want %v",
					test.lines, m.InitialAge, m.Lifetime, why, test.age)
			}
		})
	}
}

// TestAgeGrows holds current_age (RFC 9111 §4.2.3), and that no time that a clock or a field can give makes it overflow:
// a response as old as that would be young again.
func TestAgeGrows(t *testing.T) {
	m := rfc9111.Metadata{ResponseTime: noon, InitialAge: 5 * time.Second, Lifetime: 8 * time.Second}
	for _, test := range []struct {
		name       string
		now        time.Duration
		age, fresh time.Duration
	}{
		{"at once", 0, 5 * time.Second, 3 * time.Second},
		{"resident_time", 2500 * time.Millisecond, 7500 * time.Millisecond, 500 * time.Millisecond},
		{"the moment it goes stale", 3 * time.Second, 8 * time.Second, 0},
		{"later", 10 * time.Second, 15 * time.Second, -7 * time.Second},
		{"before it came", -time.Hour, 5 * time.Second, 3 * time.Second},
		{"at the end of time", math.MaxInt64, 5*time.Second + 1<<31*time.Second, 3*time.Second - 1<<31*time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := noon.Add(test.now)
			if age, fresh := m.Age(now), m.Fresh(now); age != test.age || fresh != test.fresh {
				t.Errorf("RFC 9111 §4.2.3: it is %v old and fresh for %v, want %v, %v", age, fresh, test.age, test.fresh)
			}
		})
	}

	for _, line := range []string{"Date: Mon, 01 Jan 0001 00:00:00 GMT", "Age: 2147483648"} {
		t.Run("stale for ever with "+line, func(t *testing.T) {
			x := get(t, http.StatusOK, line, "Expires: Fri, 31 Dec 9999 23:59:59 GMT", `ETag: "x"`)
			m, _, _ := rfc9111.Storable(x, &rfc9111.Policy{})
			for _, d := range []time.Duration{0, time.Second, time.Minute, time.Hour, 365 * 24 * time.Hour, math.MaxInt64} {
				if fresh := m.Fresh(noon.Add(d)); fresh > 0 {
					t.Errorf("after %v it is fresh for %v", d, fresh)
				}
			}
		})
	}
}
