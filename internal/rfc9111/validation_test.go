package rfc9111_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestNotModified holds when a stored response answers a conditional request with 304 (RFC 9111 §4.3.2). The response was
// modified an hour before noon, has a Date of noon, and the entity tag of its row.
func TestNotModified(t *testing.T) {
	modified := func(d time.Duration) string { return "If-Modified-Since: " + date(d) }
	const hourAgo = -time.Hour
	for _, test := range []struct {
		name    string
		rule    string
		etag    string
		request []string
		want    bool
	}{
		{"no precondition", "9110 §13.1", `"x"`, nil, false},
		{"the same tag", "9110 §13.1.2", `"x"`, []string{`If-None-Match: "x"`}, true},
		{"another tag", "9110 §13.1.2", `"x"`, []string{`If-None-Match: "y"`}, false},
		{"tags are compared with their case", "9110 §8.8.3", `"x"`, []string{`If-None-Match: "X"`}, false},
		{"one of a list", "9110 §13.1.2", `"x"`, []string{`If-None-Match: "a", W/"b" , "x"`}, true},
		{"one of several lines", "9110 §13.1.2", `"x"`, []string{`If-None-Match: "a"`, `If-None-Match: "x"`}, true},
		{"a list with empty members", "9110 §5.6.1.2", `"x"`, []string{`If-None-Match: ,, "x",`}, true},
		{"weak in the request", "9110 §8.8.3.2", `"x"`, []string{`If-None-Match: W/"x"`}, true},
		{"weak in the response", "9110 §8.8.3.2", `W/"x"`, []string{`If-None-Match: "x"`}, true},
		{"weak in both", "9110 §8.8.3.2", `W/"x"`, []string{`If-None-Match: W/"x"`}, true},
		{"weak with a small w", "9110 §8.8.3", `"x"`, []string{`If-None-Match: w/"x"`}, false},
		{"any", "9110 §13.1.2", `"x"`, []string{"If-None-Match: *"}, true},
		{"any, of what has no tag", "9110 §13.1.2", "", []string{"If-None-Match: *"}, true},
		{"a star as a tag", "9110 §13.1.2", `"x"`, []string{`If-None-Match: "*"`}, false},
		{"no tag stored", "9110 §13.1.2", "", []string{`If-None-Match: "x"`}, false},
		{"no tag stored, an empty member", "9110 §13.1.2", "", []string{"If-None-Match: ,"}, false},
		{"an empty tag", "9110 §8.8.3", `""`, []string{`If-None-Match: ""`}, true},
		{"a part of a tag", "9110 §8.8.3", `"xy"`, []string{`If-None-Match: "x"`}, false},
		{"a tag without its quotes", "9110 §8.8.3", `"x"`, []string{"If-None-Match: x"}, false},
		{"a comma in a tag", "9110 §8.8.3", `"a, b"`, []string{`If-None-Match: "c", "a, b"`}, true},
		{"a part of a tag with a comma", "9110 §8.8.3", `"b"`, []string{`If-None-Match: "a, "b", c"`}, false},
		{"a backslash in a tag", "9110 §8.8.3", `"x"`, []string{`If-None-Match: "a\", "x"`}, true},
		{"a backslash in the stored tag", "9110 §8.8.3", `"a\"`, []string{`If-None-Match: "b", "a\"`}, true},

		{"modified at that time", "9110 §13.1.3", "", []string{modified(hourAgo)}, true},
		{"modified before", "9110 §13.1.3", "", []string{modified(hourAgo + time.Second)}, true},
		{"modified since", "9110 §13.1.3", "", []string{modified(hourAgo - time.Second)}, false},
		{"a time to come", "9110 §13.1.3", "", []string{modified(24 * time.Hour)}, true},
		{"RFC 850", "9110 §5.6.7", "", []string{"If-Modified-Since: Sunday, 15-Jun-25 11:00:00 GMT"}, true},
		{"asctime", "9110 §5.6.7", "", []string{"If-Modified-Since: Sun Jun 15 11:00:00 2025"}, true},
		{"no date", "9110 §13.1.3", "", []string{"If-Modified-Since: today"}, false},
		{"another zone", "9110 §13.1.3", "", []string{"If-Modified-Since: Sun, 15 Jun 2025 13:00:00 EST"}, false},
		{"two dates", "9110 §13.1.3", "", []string{modified(0), modified(0)}, false},
		{"a list of dates", "9110 §13.1.3", "", []string{"If-Modified-Since: " + date(0) + ", " + date(0)}, false},
		{"modified before, but another tag", "9110 §13.2.2", `"x"`, []string{`If-None-Match: "y"`, modified(0)}, false},
		{"modified since, but the same tag", "9110 §13.2.2", `"x"`,
			[]string{`If-None-Match: "x"`, modified(-24 * time.Hour)}, true},
		{"modified before, but no tag stored", "9110 §13.2.2", "", []string{`If-None-Match: "y"`, modified(0)}, false},
		{"modified before, but an empty list of tags", "9110 §13.2.2", `"x"`, []string{"If-None-Match:", modified(0)},
			false},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := rfc9111.Validators{ETag: test.etag, LastModified: noon.Add(hourAgo), Date: noon}
			if got := rfc9111.NotModified(fields(t, test.request...), &v, noon); got != test.want {
				t.Errorf("RFC %s: %q of %q is not modified: %t, want %t", test.rule, test.request, test.etag, got, test.want)
			}
		})
	}
}

// TestNotModifiedByDate holds that Date stands in for a Last-Modified that is not there (RFC 9111 §4.3.2).
func TestNotModifiedByDate(t *testing.T) {
	for since, want := range map[time.Duration]bool{-time.Second: false, 0: true, time.Second: true} {
		v := rfc9111.Validators{Date: noon.Add(time.Second / 2)} // it was received between two seconds
		if got := rfc9111.NotModified(fields(t, "If-Modified-Since: "+date(since)), &v, noon); got != want {
			t.Errorf("since %v: %t, want %t", since, got, want)
		}
	}
}

// TestReadValidators holds what is taken from a response to tell it from others (RFC 9110 §8.8).
func TestReadValidators(t *testing.T) {
	hourAgo := noon.Add(-time.Hour)
	for _, test := range []struct {
		name  string
		rule  string
		lines []string
		want  rfc9111.Validators
	}{
		{"none", "9110 §6.6.1", nil, rfc9111.Validators{Date: noon}},
		{"all", "9110 §8.8", []string{`ETag: W/"x"`, "Last-Modified: " + date(-time.Hour), "Date: " + date(-time.Hour)},
			rfc9111.Validators{ETag: `W/"x"`, LastModified: hourAgo, Date: hourAgo}},
		{"two of each", "9110 §5.3", []string{`ETag: "x"`, `ETag: "y"`, "Last-Modified: " + date(0), "Last-Modified: " + date(0),
			"Date: " + date(-time.Hour), "Date: " + date(-time.Hour)}, rfc9111.Validators{Date: noon}},
		{"no dates", "9110 §5.6.7", []string{"Last-Modified: 0", "Date: 0"}, rfc9111.Validators{Date: noon}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := rfc9111.ReadValidators(fields(t, test.lines...), noon); got != test.want {
				t.Errorf("RFC %s: %q is %+v, want %+v", test.rule, test.lines, got, test.want)
			}
		})
	}
}

// TestPreconditions holds which preconditions a cache evaluates, and which are for the handler alone (RFC 9111 §4.3.2).
func TestPreconditions(t *testing.T) {
	for _, test := range []struct {
		line                string
		conditional, origin bool
	}{
		{`If-None-Match: "x"`, true, false},
		{"If-Modified-Since: 0", true, false},
		{`If-Match: "x"`, false, true},
		{"If-Unmodified-Since: 0", false, true},
		{`If-Range: "x"`, false, false},
		{"Range: bytes=0-", false, false},
	} {
		h := fields(t, test.line)
		if c, o := rfc9111.Conditional(h), rfc9111.ForOrigin(h); c != test.conditional || o != test.origin {
			t.Errorf("%s: for the cache %t, for the handler %t; want %t, %t", test.line, c, o, test.conditional, test.origin)
		}
	}
}

// TestRangeApplies holds when If-Range lets a Range be honoured (RFC 9110 §13.1.5).
func TestRangeApplies(t *testing.T) {
	strong := rfc9111.Validators{ETag: `"x"`, LastModified: noon.Add(-time.Hour), Date: noon}
	weak := rfc9111.Validators{ETag: `W/"x"`, LastModified: noon.Add(-time.Hour), Date: noon}
	since := func(d time.Duration) string { return "If-Range: " + date(d) }
	for _, test := range []struct {
		name    string
		rule    string
		stored  rfc9111.Validators
		request []string
		want    bool
	}{
		{"none", "9110 §14.2", strong, nil, true},
		{"the same strong tag", "9110 §13.1.5", strong, []string{`If-Range: "x"`}, true},
		{"white space around it", "9110 §5.5", strong, []string{"If-Range: \t\"x\" "}, true},
		{"another tag", "9110 §13.1.5", strong, []string{`If-Range: "y"`}, false},
		{"weak in the request", "9110 §8.8.3.2", strong, []string{`If-Range: W/"x"`}, false},
		{"weak in the response", "9110 §8.8.3.2", weak, []string{`If-Range: "x"`}, false},
		{"weak in both", "9110 §8.8.3.2", weak, []string{`If-Range: W/"x"`}, false},
		{"no tag stored", "9110 §13.1.5", rfc9111.Validators{Date: noon}, []string{`If-Range: "x"`}, false},
		{"a list of tags", "9110 §13.1.5", strong, []string{`If-Range: "x", "y"`}, false},
		{"two lines", "9110 §5.3", strong, []string{`If-Range: "x"`, `If-Range: "x"`}, false},
		{"empty", "9110 §13.1.5", strong, []string{"If-Range:"}, false},
		{"empty, and no tag stored", "9110 §13.1.5", rfc9111.Validators{Date: noon}, []string{"If-Range:"}, false},
		{"any", "9110 §13.1.5", strong, []string{"If-Range: *"}, false},

		{"the same date", "9110 §13.1.5", strong, []string{since(-time.Hour)}, true},
		{"the same date, by asctime", "9110 §5.6.7", strong, []string{"If-Range: Sun Jun 15 11:00:00 2025"}, true},
		{"an earlier date", "9110 §13.1.5", strong, []string{since(-2 * time.Hour)}, false},
		{"a later date", "9110 §13.1.5", strong, []string{since(0)}, false},
		{"no date", "9110 §13.1.5", strong, []string{"If-Range: today"}, false},
		{"no Last-Modified", "9110 §13.1.5", rfc9111.Validators{ETag: `"x"`, Date: noon}, []string{since(0)}, false},
		{"modified in the second of its Date", "9110 §8.8.2.2", rfc9111.Validators{LastModified: noon, Date: noon},
			[]string{since(0)}, false},
		{"modified the second before", "9110 §8.8.2.2", rfc9111.Validators{LastModified: noon, Date: noon.Add(time.Second)},
			[]string{since(0)}, true},
		{"modified after its Date", "9110 §8.8.2.2", rfc9111.Validators{LastModified: noon, Date: noon.Add(-time.Hour)},
			[]string{since(0)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := rfc9111.RangeApplies(fields(t, test.request...), &test.stored, noon); got != test.want {
				t.Errorf("RFC %s: with %q the range applies: %t, want %t", test.rule, test.request, got, test.want)
			}
		})
	}
}

// TestUpdates holds which fields of a 304 replace those that are stored (RFC 9111 §3.2).
func TestUpdates(t *testing.T) {
	h := fields(t, "Connection: x-listed", "Trailer: x-trailer", `Cache-Control: private="x-private", no-cache=x-checked`)
	updates := rfc9111.Updates(h)
	for _, test := range []struct {
		rule  string
		names []string
		want  bool
	}{
		{"9111 §3.2",
			[]string{"Cache-Control", "Expires", "Date", "Last-Modified", "Vary", "Content-Type", "Content-Language", "X-Other"}, true},
		{"9111 §3.2", []string{"Content-Length", "Content-Encoding", "Content-Range", "Content-Md5", "Etag"}, false},
		{"9110 §5.1", []string{"ETag", "content-length", "x-private"}, false},
		{"9111 §3.1", []string{"Connection", "Transfer-Encoding", "X-Listed", "X-Trailer"}, false},
		{"9111 §5.2.2.7", []string{"X-Private"}, false},
		{"9111 §5.2.2.4", []string{"X-Checked"}, false},
	} {
		for _, name := range test.names {
			if got := updates(name); got != test.want {
				t.Errorf("RFC %s: %s is updated: %t, want %t", test.rule, name, got, test.want)
			}
		}
	}
	if !rfc9111.Updates(http.Header{})("X-Private") {
		t.Error("a field is private that nobody said so of")
	}
}

// TestSameRepresentation holds when a response to HEAD shows that what is stored is out of date (RFC 9111 §4.3.5).
func TestSameRepresentation(t *testing.T) {
	stored := rfc9111.Validators{ETag: `"x"`, LastModified: noon.Add(-time.Hour), Date: noon}
	for _, test := range []struct {
		name   string
		stored rfc9111.Validators
		head   []string
		want   bool
	}{
		{"it says nothing", stored, nil, true},
		{"all the same", stored, []string{"Content-Length: 5", `ETag: "x"`, "Last-Modified: " + date(-time.Hour)}, true},
		{"another length", stored, []string{"Content-Length: 6", `ETag: "x"`}, false},
		{"another tag", stored, []string{`ETag: "y"`}, false},
		{"the same tag, weak", stored, []string{`ETag: W/"x"`}, false},
		{"a tag where none is stored", rfc9111.Validators{}, []string{`ETag: "x"`}, false},
		{"modified since", stored, []string{`ETag: "x"`, "Last-Modified: " + date(0)}, false},
		{"modified before", stored, []string{"Last-Modified: " + date(-2*time.Hour)}, false},
		{"a date where none is stored", rfc9111.Validators{ETag: `"x"`},
			[]string{`ETag: "x"`, "Last-Modified: " + date(0)}, false},
		{"no date", stored, []string{"Last-Modified: today"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := rfc9111.SameRepresentation(fields(t, test.head...), &test.stored, "5", noon); got != test.want {
				t.Errorf("RFC 9111 §4.3.5: %q is the same: %t, want %t", test.head, got, test.want)
			}
		})
	}
}
