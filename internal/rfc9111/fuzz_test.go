package rfc9111_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// checkDelta holds that what was read of an argument is a number of seconds that RFC 9111 §1.2.2 allows, or nothing.
func checkDelta(t *testing.T, name string, d rfc9111.Delta) {
	t.Helper()
	switch {
	case !d.Valid && d.Value != 0, d.Valid && !d.Set, d.Value < 0, d.Value > 1<<31*time.Second, d.Value%time.Second != 0:
		t.Errorf("%s is %+v", name, d)
	}
}

func FuzzParseResponse(f *testing.F) {
	for _, line := range []string{
		"max-age=60, s-maxage=1", `private="x-a, x-b", no-cache`, `x="a\"`, `max-age="60" 0,,`, "no-store =1", "public=", `"=",`,
		"max-age=99999999999999999999, max-age=1", "stale-while-revalidate=1;stale-if-error=2",
	} {
		f.Add(line, "no-store")
		f.Add("must-revalidate", line)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := rfc9111.ParseResponse([]string{a, b})
		checkDelta(t, "max-age", got.MaxAge)
		checkDelta(t, "s-maxage", got.SMaxAge)
		checkDelta(t, "stale-while-revalidate", got.StaleWhileRevalidate)
		checkDelta(t, "stale-if-error", got.StaleIfError)

		// Lines may be joined on their way (RFC 9110 §5.3). Only a string that one begins and another ends can differ then.
		if !strings.Contains(a+b, `"`) {
			if joined := rfc9111.ParseResponse([]string{a + "," + b}); !reflect.DeepEqual(got, joined) {
				t.Errorf("%q and %q are\n%+v, joined they are\n%+v", a, b, got, joined)
			}
		}
		if upper := strings.ToUpper(a); strings.EqualFold(upper, a) && len(upper) == len(a) {
			lower, upper := rfc9111.ParseResponse([]string{strings.ToLower(a)}), rfc9111.ParseResponse([]string{upper})
			if !reflect.DeepEqual(lower, upper) {
				t.Errorf("%q is\n%+v in lower case, in upper case\n%+v", a, lower, upper)
			}
		}
		// Nothing hides what forbids storing.
		if !rfc9111.ParseResponse([]string{a + ",no-store"}).NoStore {
			t.Errorf("%q hides a no-store behind it", a)
		}
		if !rfc9111.ParseResponse([]string{"no-store," + a}).NoStore {
			t.Errorf("%q hides a no-store before it", a)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	for _, line := range []string{"max-age=0", "max-stale, max-stale=5", "min-fresh=5", `max-stale="`, "no-cache", "only-if-cached"} {
		f.Add(line, "no-cache")
	}
	f.Fuzz(func(t *testing.T, line, pragma string) {
		got := rfc9111.ParseRequest(http.Header{"Cache-Control": {line}, "Pragma": {pragma}})
		for name, d := range map[string]rfc9111.Delta{
			"max-age": got.MaxAge, "min-fresh": got.MinFresh, "max-stale": got.MaxStale, "stale-if-error": got.StaleIfError,
		} {
			checkDelta(t, name, d)
			if d.Set != d.Valid {
				t.Errorf("%s is %+v: what cannot be read is not there", name, d)
			}
		}
		if got.AnyStale && got.MaxStale.Set {
			t.Error("any max-stale beside so much")
		}
		if got != rfc9111.ParseRequest(http.Header{"Cache-Control": {line}}) {
			t.Error("Pragma counts beside Cache-Control")
		}
		old := rfc9111.ParseRequest(http.Header{"Pragma": {pragma}})
		if old != (rfc9111.RequestDirectives{NoCache: old.NoCache}) {
			t.Errorf("Pragma %q is %+v", pragma, old)
		}
	})
}

func FuzzParseTargeted(f *testing.F) {
	for _, line := range []string{
		"max-age=60, no-store", `private="x-a", no-cache=?0;a=1`, "x=(a b);c", "x=:YQ==:", "x=1.5, y=-1", `x="\"`, "no-store,", "",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := rfc9111.ParseTargeted([]string{line})
		if !ok && !reflect.DeepEqual(got, rfc9111.ResponseDirectives{}) {
			t.Errorf("%q is ignored and leaves %+v", line, got)
		}
		checkDelta(t, "max-age", got.MaxAge)
		checkDelta(t, "s-maxage", got.SMaxAge)
		checkDelta(t, "stale-while-revalidate", got.StaleWhileRevalidate)
		checkDelta(t, "stale-if-error", got.StaleIfError)

		more, stillOK := rfc9111.ParseTargeted([]string{line, "no-store"})
		if ok && (!stillOK || !more.NoStore) {
			t.Errorf("%q does not parse any more, or hides what follows", line)
		}
		if padded, _ := rfc9111.ParseTargeted([]string{"  " + line + " \t"}); ok && !reflect.DeepEqual(padded, got) {
			t.Errorf("%q with white space around is\n%+v, without\n%+v", line, padded, got)
		}
	})
}

func FuzzRanges(f *testing.F) {
	for _, value := range []string{
		"bytes=0-499", "bytes=-500", "bytes=9500-", "bytes=0-0,-1", "bytes=500-700,601-999", "bytes=-0",
		"bytes=99999999999999999999-", "lines=1-",
	} {
		f.Add(value, int64(10000))
		f.Add(value, int64(0))
	}
	f.Fuzz(func(t *testing.T, value string, size int64) {
		if size < 0 {
			return
		}
		ranges, unsatisfiable := rfc9111.Ranges(http.Header{"Range": {value}}, size)
		if unsatisfiable && len(ranges) > 0 || len(ranges) > 16 {
			t.Errorf("%q of %d bytes is %v, unsatisfiable %t", value, size, ranges, unsatisfiable)
		}
		var total int64
		for _, r := range ranges {
			if r.Start < 0 || r.Length <= 0 || r.Start > size-r.Length {
				t.Errorf("%q of %d bytes has %+v", value, size, r)
			}
			total += r.Length
			part, whole, ok := rfc9111.ReadPart(http.Header{"Content-Range": {r.ContentRange(size)}})
			if !ok || part != r || whole != size {
				t.Errorf("%s is read as %+v of %d, %t", r.ContentRange(size), part, whole, ok)
			}
		}
		if total < 0 || total > size {
			t.Errorf("%q of %d bytes is %d bytes", value, size, total)
		}
	})
}

func FuzzReadPart(f *testing.F) {
	f.Add("bytes 42-1233/1234")
	f.Add("bytes 0-0/*")
	f.Add("bytes 0-99999999999999999999/99999999999999999999")
	f.Fuzz(func(t *testing.T, value string) {
		part, size, ok := rfc9111.ReadPart(http.Header{"Content-Range": {value}})
		inside := part.Start >= 0 && part.Length > 0 && part.Start <= size-part.Length
		if nothing := part == (rfc9111.Range{}) && size == 0; ok && !inside || !ok && !nothing {
			t.Errorf("%q is %+v of %d, %t", value, part, size, ok)
		}
	})
}

// FuzzVaryNormalise holds that what may not make two requests differ does not, and that nothing else makes them equal.
func FuzzVaryNormalise(f *testing.F) {
	for _, field := range []string{"X-A", "Accept-Language", "Accept-Encoding", "Cookie"} {
		f.Add(field, "a, b", "b,a")
		f.Add(field, `"a, b" ,c`, `"a,b",c`)
		f.Add(field, `a"`, `b",c`)
		f.Add(field, "", ",")
		f.Add(field, "DE;q=0.5, en", "en,de; q=0.5")
	}
	f.Fuzz(func(t *testing.T, field, a, b string) {
		if strings.ContainsAny(a+b, "\r\n\x00") { // no field has them (RFC 9110 §5.5)
			return
		}
		if len(a+b) > 4000 || strings.Count(a+b, ",") > 60 { // beyond that, a field is compared as it is
			return
		}
		field = http.CanonicalHeaderKey(field)
		key := func(lines ...string) string { return rfc9111.VariantKey([]string{field}, http.Header{field: lines}) }
		if key(a) == rfc9111.VariantKey([]string{field}, http.Header{}) {
			t.Errorf("%q is as good as absent", a)
		}
		if key(a) == key(b) && meaning(field, a) != meaning(field, b) {
			t.Errorf("%s: %q and %q are one variant", field, a, b)
		}
		if key(a, b) == key(a+","+b) || key(a, "") == key(a) || key("", a) == key(a) || a != b && key(a, b) == key(b, a) {
			t.Errorf("%s: the lines %q and %q are the same variant as others", field, a, b)
		}
		switch field {
		case "Authorization", "Cookie", "Referer", "User-Agent":
			return
		}
		if key(" "+a+"\t") != key(a) {
			t.Errorf("%s: white space around %q makes another variant", field, a)
		}
	})
}

// meaning is what may not be lost of a value: of languages, each in its order; of codings, the set of them.
func meaning(field, value string) string {
	switch field {
	case "Authorization", "Cookie", "Referer", "User-Agent":
		return value
	}
	value = strings.NewReplacer(" ", "", "\t", "").Replace(value)
	if field != "Accept-Language" && field != "Accept-Encoding" {
		return value
	}
	var members []string
	for member := range strings.SplitSeq(strings.ToLower(value), ",") {
		if member != "" && !slices.Contains(members, member) {
			members = append(members, member)
		}
	}
	if field == "Accept-Encoding" {
		slices.Sort(members)
	}
	return strings.Join(members, ",")
}

// FuzzStorable holds that whatever a response says, it is never younger or fresher later than sooner, and never stored where
// it says in so many words that it may not be.
func FuzzStorable(f *testing.F) {
	f.Add(200, "max-age=60", "", "", "", int64(0))
	f.Add(200, "max-age=60", "5", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", int64(time.Second))
	f.Add(404, "public, must-understand", "2147483648", "0", "0", int64(time.Minute))
	f.Add(206, `private="x", s-maxage=9223372036854775807`, "-1", "Sunday, 06-Nov-94 08:49:37 GMT", "", int64(1)<<62)
	f.Fuzz(func(t *testing.T, status int, control, age, date, expires string, later int64) {
		x := &rfc9111.Exchange{
			Method: http.MethodGet, Status: status, RequestTime: noon, ResponseTime: noon,
			Header: http.Header{"Etag": {`"x"`}},
		}
		for name, value := range map[string]string{"Cache-Control": control, "Age": age, "Date": date, "Expires": expires} {
			if value != "" {
				x.Header.Set(name, value)
			}
		}
		m, _, why := rfc9111.Storable(x, &rfc9111.Policy{TTL: time.Minute})
		if why != rfc9111.Stored {
			return
		}
		d := rfc9111.ParseResponse(x.Header["Cache-Control"])
		if d.Private || d.NoStore && !d.MustUnderstand || status < 200 || status == 206 || status == 304 || status == 416 {
			t.Errorf("%d %q is stored", status, x.Header)
		}
		then := noon.Add(time.Duration(later))
		if later < 0 {
			then = noon
		}
		if m.InitialAge < 0 || m.Age(then) < m.Age(noon) || m.Fresh(then) > m.Fresh(noon) || m.Fresh(then) > m.Lifetime {
			t.Errorf("%q: it is %v old and fresh for %v; later, %v and %v",
				x.Header, m.Age(noon), m.Fresh(noon), m.Age(then), m.Fresh(then))
		}
		if kept := m.Retention(then, time.Hour); kept <= 0 || kept < m.Fresh(then) {
			t.Errorf("%q: it is fresh for %v and kept for %v", x.Header, m.Fresh(then), kept)
		}
	})
}

func FuzzCacheStatus(f *testing.F) {
	f.Add("GET //a?b#c", int64(-1))
	f.Add("\"\\\x00ä", int64(time.Hour))
	f.Fuzz(func(t *testing.T, key string, ttl int64) {
		status := rfc9111.CacheStatus{Hit: true, Key: key, HasTTL: true, TTL: time.Duration(ttl)}
		if err := parseCacheStatus(status.String()); err != nil {
			t.Errorf("%s: %v", status.String(), err)
		}
	})
}
