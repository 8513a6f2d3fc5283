package behaviour_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

const digits = "0123456789"

// digitsModified is when the page of servesParts was last modified. It is a strong validator: it is older than any Date by more than
// a minute (RFC 9110 §8.8.2.2).
const digitsModified = "Thu, 02 Jan 2020 00:00:00 GMT"

// servesParts returns a handler that serves ten digits, and parts of them, by net/http, with fields such as "X-One: 1".
func servesParts(fields ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		addFields(c, fields)
		modified, _ := http.ParseTime(digitsModified)
		http.ServeContent(c.Writer, c.Request, "digits.txt", modified, strings.NewReader(digits))
	}
}

// partRow is a request for which a handler makes a part, and another one that comes later.
type partRow struct {
	name   string
	rule   string // RFC and section
	first  string // Range of the first request
	method string // of the other one; GET where it is empty
	fields []string
	status int
	body   string
	part   string // Content-Range
	hit    bool
}

// partRows are what a part answers, and what it does not.
var partRows = []partRow{
	{name: "the same range", rule: "9111 §3.3", first: "bytes=2-5", fields: []string{"Range: bytes=2-5"},
		status: 206, body: "2345", part: "bytes 2-5/10", hit: true},
	{name: "a range within it", rule: "9111 §3.3", first: "bytes=2-5", fields: []string{"Range: bytes=3-4"},
		status: 206, body: "34", part: "bytes 3-4/10", hit: true},
	{name: "its first byte", rule: "9111 §3.3", first: "bytes=2-5", fields: []string{"Range: bytes=2-2"},
		status: 206, body: "2", part: "bytes 2-2/10", hit: true},
	{name: "its last byte", rule: "9111 §3.3", first: "bytes=2-5", fields: []string{"Range: bytes=5-5"},
		status: 206, body: "5", part: "bytes 5-5/10", hit: true},
	{name: "a byte before it", rule: "9111 §3.3", first: "bytes=2-5", fields: []string{"Range: bytes=1-5"},
		status: 206, body: "12345", part: "bytes 1-5/10"},
	{name: "a byte behind it", rule: "9111 §3.3", first: "bytes=2-5", fields: []string{"Range: bytes=2-6"},
		status: 206, body: "23456", part: "bytes 2-6/10"},
	{name: "nothing of it", rule: "9111 §3.3", first: "bytes=2-5", fields: []string{"Range: bytes=7-8"},
		status: 206, body: "78", part: "bytes 7-8/10"},
	{name: "open-ended, from within it", rule: "9110 §14.1.2", first: "bytes=2-5", fields: []string{"Range: bytes=3-"},
		status: 206, body: "3456789", part: "bytes 3-9/10"},
	{name: "a suffix, behind it", rule: "9110 §14.1.2", first: "bytes=2-5", fields: []string{"Range: bytes=-4"},
		status: 206, body: "6789", part: "bytes 6-9/10"},
	{name: "the same suffix", rule: "9110 §14.1.2", first: "bytes=-4", fields: []string{"Range: bytes=-4"},
		status: 206, body: "6789", part: "bytes 6-9/10", hit: true},
	{name: "a suffix within a suffix", rule: "9110 §14.1.2", first: "bytes=-4", fields: []string{"Range: bytes=-2"},
		status: 206, body: "89", part: "bytes 8-9/10", hit: true},
	{name: "open-ended within a suffix", rule: "9110 §14.1.2", first: "bytes=-4", fields: []string{"Range: bytes=8-"},
		status: 206, body: "89", part: "bytes 8-9/10", hit: true},
	{name: "beyond the end, within what is open-ended", rule: "9110 §14.1.2", first: "bytes=6-", fields: []string{"Range: bytes=7-999"},
		status: 206, body: "789", part: "bytes 7-9/10", hit: true},
	{name: "the whole of what is the whole", rule: "9111 §3.3", first: "bytes=0-", fields: []string{"Range: bytes=-999"},
		status: 206, body: digits, part: "bytes 0-9/10", hit: true},
	{name: "no range", rule: "9111 §3.3", first: "bytes=2-5", status: 200, body: digits},
	{name: "no range, of a part that is all of it", rule: "9111 §3.3", first: "bytes=0-9", status: 200, body: digits},
	{name: "another unit", rule: "9110 §14.2", first: "bytes=2-5", fields: []string{"Range: lines=2-5"}, status: 416,
		body: "invalid range\n"}, // which net/http answers
	{name: "several ranges within it", rule: "9110 §14.6", first: "bytes=0-", fields: []string{"Range: bytes=0-0,9-9"}, status: 206},
	{name: "two lines of Range", rule: "9110 §5.3", first: "bytes=2-5", fields: []string{"Range: bytes=2-5", "Range: bytes=0-1"},
		status: 206, body: "2345", part: "bytes 2-5/10"},
	{name: "unsatisfiable", rule: "9110 §15.5.17", first: "bytes=2-5", fields: []string{"Range: bytes=10-"}, status: 416,
		body: "invalid range: failed to overlap\n", part: "bytes */10"},
	{name: "HEAD", rule: "9110 §14.2", first: "bytes=2-5", method: http.MethodHead, fields: []string{"Range: bytes=2-5"},
		status: 206, part: "bytes 2-5/10"}, // which net/http answers
	{name: "If-Range that matches", rule: "9110 §13.1.5", first: "bytes=2-5", fields: []string{"Range: bytes=2-5", `If-Range: "v1"`},
		status: 206, body: "2345", part: "bytes 2-5/10", hit: true},
	{name: "If-Range of another", rule: "9110 §13.1.5", first: "bytes=2-5", fields: []string{"Range: bytes=2-5", `If-Range: "v0"`},
		status: 200, body: digits},
	{name: "If-Range, weak", rule: "9110 §13.1.5", first: "bytes=2-5", fields: []string{"Range: bytes=2-5", `If-Range: W/"v1"`},
		status: 200, body: digits},
	{name: "If-Range by date", rule: "9110 §13.1.5", first: "bytes=2-5",
		fields: []string{"Range: bytes=2-5", "If-Range: " + digitsModified}, status: 206, body: "2345", part: "bytes 2-5/10", hit: true},
	{name: "If-Range by another date", rule: "9110 §13.1.5", first: "bytes=2-5",
		fields: []string{"Range: bytes=2-5", "If-Range: Thu, 02 Jan 2020 00:00:01 GMT"}, status: 200, body: digits},
	{name: "If-None-Match that matches", rule: "9110 §13.2.2", first: "bytes=2-5",
		fields: []string{"Range: bytes=2-5", `If-None-Match: "v1"`}, status: 304},
	{name: "no-cache in the request", rule: "9111 §5.2.1.4", first: "bytes=2-5",
		fields: []string{"Range: bytes=2-5", "Cache-Control: no-cache"}, status: 206, body: "2345", part: "bytes 2-5/10"},
	{name: "no-store in the request", rule: "9111 §5.2.1.5", first: "bytes=2-5",
		fields: []string{"Range: bytes=2-5", "Cache-Control: no-store"}, status: 206, body: "2345", part: "bytes 2-5/10"},
	{name: "only-if-cached within it", rule: "9111 §5.2.1.7", first: "bytes=2-5",
		fields: []string{"Range: bytes=3-4", "Cache-Control: only-if-cached"}, status: 206, body: "34", part: "bytes 3-4/10", hit: true},
	{name: "only-if-cached beyond it", rule: "9111 §5.2.1.7", first: "bytes=2-5",
		fields: []string{"Range: bytes=3-6", "Cache-Control: only-if-cached"}, status: 504},
	{name: "a client with credentials", rule: "9111 §3.5", first: "bytes=2-5",
		fields: []string{"Range: bytes=2-5", "Authorization: Basic eA=="}, status: 206, body: "2345", part: "bytes 2-5/10"},
}

// A 206 of the handler's is kept as the part that it is, and answers requests for ranges that lie in it, and no other (RFC 9111 §3.3,
// RFC 9110 §14).
func TestStoredParts(t *testing.T) {
	for _, row := range partRows {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(servesParts("Cache-Control: max-age=60", `ETag: "v1"`, "X-One: 1"))
				cached := cachette.Cached(time.Minute)
				s.GET("/", cached, handler)
				s.HEAD("/", cached, handler)
				if a := s.get("/", "Range: "+row.first); a.status != http.StatusPartialContent || a.hit() {
					t.Fatalf("the first: %d (%s)", a.status, a.cacheStatus())
				}
				method := row.method
				if method == "" {
					method = http.MethodGet
				}
				a := s.do(method, "/", row.fields...)
				several := strings.HasPrefix(a.header.Get("Content-Type"), "multipart/byteranges")
				if a.status != row.status || a.body != row.body && !several || a.header.Get("Content-Range") != row.part || a.hit() != row.hit {
					t.Errorf("RFC %s: %d %q, Content-Range %q (%s), want %d %q, %q, hit: %t", row.rule,
						a.status, a.body, a.header["Content-Range"], a.cacheStatus(), row.status, row.body, row.part, row.hit)
				}
				if row.hit && (a.header.Get("X-One") != "1" || a.header.Get("Etag") != `"v1"` || a.header.Get("Age") != "0" || runs.Load() != 1) {
					t.Errorf("RFC %s: after %d runs %v", row.rule, runs.Load(), a.header)
				}
				if a := s.get("/", "Cache-Control: max-age=60"); a.status != http.StatusOK || a.body != digits {
					t.Errorf("RFC 9111 §3.3: the whole afterwards: %d %q (%s)", a.status, a.body, a.cacheStatus())
				}
			})
		})
	}
}

// What is not known to be one part, and what may not be stored were it the whole, is not kept (RFC 9111 §3, §3.3, RFC 9110 §14.4).
func TestPartsNotStored(t *testing.T) {
	const fresh, lies = "Cache-Control: max-age=60", "Content-Range: bytes 2-5/10"
	for _, row := range []struct {
		name    string
		rule    string
		fields  []string // of the response
		body    string   // 2345 where it is empty
		ranges  string   // Range of the requests; bytes=2-5 where it is empty
		request string   // another field of theirs
		options []cachette.Option
		stored  bool
	}{
		{name: "a part", rule: "9111 §3.3", fields: []string{fresh, lies}, stored: true},
		{name: "in capitals", rule: "9110 §14.1", fields: []string{fresh, "Content-Range: BYTES 2-5/10"}, stored: true},
		{name: "one whose body stops early", rule: "9111 §3.3", fields: []string{fresh, lies}, body: "234", stored: true},
		{name: "one that declares another length", rule: "9110 §8.6", fields: []string{fresh, lies, "Content-Length: 4"}, body: "234"},
		{name: "one whose body goes on", rule: "9110 §15.3.7", fields: []string{fresh, lies}, body: "23456"},
		{name: "freshness of its own by Expires", rule: "9111 §4.2.1", stored: true,
			fields: []string{"Expires: " + time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), lies}},
		{name: "no freshness of its own", rule: "9111 §3", fields: []string{lies}},
		{name: "no heuristic freshness", rule: "9111 §4.2.2", fields: []string{lies, "Last-Modified: " + digitsModified},
			options: []cachette.Option{cachette.WithHeuristicFreshness()}},
		{name: "stale", rule: "9111 §4.2", fields: []string{"Cache-Control: max-age=0", lies}},
		{name: "no Content-Range", rule: "9110 §15.3.7", fields: []string{fresh}},
		{name: "two of Content-Range", rule: "9110 §14.4", fields: []string{fresh, lies, lies}},
		{name: "an unknown length of the whole", rule: "9110 §14.4", fields: []string{fresh, "Content-Range: bytes 2-5/*"}},
		{name: "an unknown place", rule: "9110 §14.4", fields: []string{fresh, "Content-Range: bytes */10"}},
		{name: "another unit", rule: "9110 §14.4", fields: []string{fresh, "Content-Range: lines 2-5/10"}},
		{name: "last before first", rule: "9110 §14.4", fields: []string{fresh, "Content-Range: bytes 5-2/10"}},
		{name: "beyond the whole", rule: "9110 §14.4", fields: []string{fresh, "Content-Range: bytes 2-5/5"}},
		{name: "several parts", rule: "9110 §14.6", ranges: "bytes=2-3,5-5",
			fields: []string{fresh, "Content-Type: multipart/byteranges; boundary=x"}},
		{name: "Vary", rule: "9111 §4.1", fields: []string{fresh, lies, "Vary: Accept"}},
		{name: "no-store", rule: "9111 §5.2.2.5", fields: []string{"Cache-Control: max-age=60, no-store", lies}},
		{name: "private", rule: "9111 §5.2.2.7", fields: []string{"Cache-Control: max-age=60, private", lies}},
		{name: "must-understand", rule: "9111 §5.2.2.3", fields: []string{"Cache-Control: max-age=60, must-understand", lies}},
		{name: "a cookie", rule: "9111 §7.3", fields: []string{fresh, lies, "Set-Cookie: a=b"}},
		{name: "no-store in the request", rule: "9111 §5.2.1.5", request: "Cache-Control: no-store", fields: []string{fresh, lies}},
		{name: "credentials", rule: "9111 §3.5", request: "Authorization: Basic eA==", fields: []string{fresh, lies}},
		{name: "credentials, and public", rule: "9111 §3.5", request: "Authorization: Basic eA==",
			fields: []string{"Cache-Control: max-age=60, public", lies}, stored: true},
		{name: "a precondition", rule: "9110 §13.2.2", request: `If-None-Match: "v0"`, fields: []string{fresh, lies}},
		{name: "larger than the limit", rule: "9111 §3", fields: []string{fresh, lies},
			options: []cachette.Option{cachette.WithBodyLimit(3)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				if row.body == "" {
					row.body = "2345"
				}
				if row.ranges == "" {
					row.ranges = "bytes=2-5"
				}
				request := []string{"Range: " + row.ranges}
				if row.request != "" {
					request = append(request, row.request)
				}
				s.GET("/", cachette.Cached(time.Hour, row.options...), func(c *gin.Context) {
					addFields(c, row.fields)
					c.String(http.StatusPartialContent, "%s", row.body)
				})
				first := s.get("/", request...)
				a := s.get("/", request...)
				if a.hit() != row.stored || a.status != http.StatusPartialContent || a.body != row.body ||
					a.header.Get("Content-Range") != first.header.Get("Content-Range") {
					t.Errorf("RFC %s: %d %q, Content-Range %q (%s), stored: want %t", row.rule, a.status, a.body, a.header["Content-Range"],
						a.cacheStatus(), row.stored)
				}
				if a := s.get("/", "Cache-Control: only-if-cached"); a.status != http.StatusGatewayTimeout {
					t.Errorf("RFC 9111 §3.3: a request for the whole: %d %q (%s)", a.status, a.body, a.cacheStatus())
				}
			})
		})
	}
}

// A part counts for the bytes that it has, not for those that its Content-Range says it has (RFC 9111 §3.3: it is incomplete).
func TestPartThatStopsEarly(t *testing.T) {
	for _, row := range []struct {
		asked string
		hit   bool
	}{
		{"bytes=2-3", true}, {"bytes=3-3", true}, {"bytes=2-4", false}, {"bytes=4-5", false},
	} {
		t.Run(row.asked, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
					if c.GetHeader("Range") != "bytes=2-5" {
						servesParts()(c)
						return
					}
					addFields(c, []string{"Cache-Control: max-age=60", "Content-Range: bytes 2-5/10"})
					c.String(http.StatusPartialContent, "23")
				})
				s.get("/", "Range: bytes=2-5")
				a := s.get("/", "Range: "+row.asked)
				at := strings.TrimPrefix(row.asked, "bytes=")
				if want := digits[at[0]-'0' : at[2]-'0'+1]; a.hit() != row.hit || a.body != want || a.header.Get("Content-Range") != "bytes "+at+"/10" {
					t.Errorf("%q, Content-Range %q (%s), want %q, hit: %t", a.body, a.header["Content-Range"], a.cacheStatus(), want, row.hit)
				}
			})
		})
	}
}

// What becomes of a part, and of requests for it.
func TestPartsInTime(t *testing.T) {
	const part, whole = "Range: bytes=2-5", ""
	type step struct {
		do     func(s *site) // before the request
		fields string        // of the request
		hit    bool
	}
	pass := func(d time.Duration) func(s *site) { return func(*site) { time.Sleep(d) } }
	for _, row := range []struct {
		name  string
		rule  string
		steps []step
	}{
		{"fresh until its time is over", "9111 §4.2", []step{{fields: part}, {pass(59 * time.Second), part, true}, {pass(time.Second), part, false},
			{fields: part, hit: true}}},
		{"no part is served stale", "9111 §4.2.4", []step{{fields: part}, {pass(61 * time.Second), part, false}}},
		{"the latest part alone", "9111 §3.4", []step{{fields: part}, {fields: "Range: bytes=6-8"}, {fields: part},
			{fields: "Range: bytes=6-8"}, {fields: "Range: bytes=7-7", hit: true}}},
		{"a part of none does not replace it", "9110 §15.5.17", []step{{fields: part}, {fields: "Range: bytes=10-"}, {fields: part, hit: true}}},
		{"several parts do not replace it", "9110 §14.6", []step{{fields: part}, {fields: "Range: bytes=0-0,9-9"}, {fields: part, hit: true}}},
		{"the whole answers all", "9111 §3.3", []step{{fields: part}, {fields: whole}, {fields: "Range: bytes=0-8", hit: true}, {fields: whole, hit: true}}},
		{"the whole is not made up from parts", "9111 §3.4", []step{{fields: "Range: bytes=0-4"}, {fields: "Range: bytes=5-9"}, {fields: whole}}},
		{"purged with its page", "9111 §4.4", []step{{fields: part}, {func(s *site) {
			if err := s.cache.PurgePath(t.Context(), "/"); err != nil {
				t.Error(err)
			}
		}, part, false}}},
		{"invalidated with its page", "9111 §4.4", []step{{fields: part}, {func(s *site) { s.do(http.MethodPut, "/") }, part, false}}},
		{"another query is another page", "9111 §4", []step{{fields: part}, {func(s *site) { s.get("/?a=1", part) }, part, true}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					s.GET("/", cachette.Cached(time.Hour, cachette.WithStaleWhileRevalidate(time.Hour)),
						servesParts("Cache-Control: max-age=60", `ETag: "v1"`))
					s.PUT("/", func(c *gin.Context) { c.Status(http.StatusNoContent) })
					for i, step := range row.steps {
						if step.do != nil {
							step.do(s)
						}
						var fields []string
						if step.fields != "" {
							fields = []string{step.fields}
						}
						if a := s.get("/", fields...); a.hit() != step.hit {
							t.Errorf("RFC %s: request %d, %q: %d %q (%s), hit: want %t", row.rule, i+1, step.fields, a.status, a.body,
								a.cacheStatus(), step.hit)
						}
					}
				})
			})
		})
	}
}

// A part that answers no request for one (RFC 9110 §15.3.7) is none to keep.
func TestPartNotAskedFor(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
			addFields(c, []string{"Cache-Control: max-age=60", "Content-Range: bytes 2-5/10"})
			c.String(http.StatusPartialContent, "2345")
		})
		s.get("/")
		if a := s.get("/", "Range: bytes=2-5"); a.hit() {
			t.Error(a.cacheStatus())
		}
	})
}

// Content-Range says nothing of a 200 (RFC 9110 §14.4): it is the whole, and is kept as that.
func TestWholeThatNamesAPart(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/", cachette.Cached(time.Minute), text(digits, "Content-Range: bytes 0-9/10", "Cache-Control: max-age=60"))
		s.get("/", "Range: bytes=0-9")
		if a := s.get("/"); !a.hit() || a.body != digits {
			t.Errorf("the whole: %d %q (%s)", a.status, a.body, a.cacheStatus())
		}
	})
}

// Of a part and a whole that are both stored the later one counts, also when it is stale (RFC 9111 §4).
func TestPartOlderThanTheWhole(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store)
			answer := servesParts("Cache-Control: max-age=3600")
			s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) { answer(c) })
			s.get("/", "Range: bytes=2-5")
			time.Sleep(time.Second)
			answer = text("abcdefghij", "Cache-Control: max-age=60", `ETag: "v2"`)
			s.get("/")
			time.Sleep(2 * time.Minute)
			if a := s.get("/", "Range: bytes=2-5"); a.hit() || a.body != "abcdefghij" {
				t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
			}
		})
	})
}

// A request for a part of a page that is stored and stale has the whole validated (RFC 9111 §4.3.1), and gets its part of what is then
// known to be good. Only a handler that says something else is not asked for the part.
func TestPartsOfWhatIsStale(t *testing.T) {
	for _, row := range []struct {
		name   string
		rule   string
		answer gin.HandlerFunc // once the page is stale
		fields []string
		status int
		body   string
		part   string
		says   string // in Cache-Status
		stored string // what is stored afterwards; empty for nothing that is fresh
	}{
		{name: "confirmed", rule: "9111 §4.3.3", answer: confirms, fields: []string{"Range: bytes=2-5"},
			status: 206, body: "2345", part: "bytes 2-5/10", says: "fwd=stale; fwd-status=304; stored", stored: digits},
		{name: "confirmed, a suffix", rule: "9110 §14.1.2", answer: confirms, fields: []string{"Range: bytes=-1"},
			status: 206, body: "9", part: "bytes 9-9/10", says: "fwd=stale; fwd-status=304; stored", stored: digits},
		{name: "confirmed, unsatisfiable", rule: "9110 §15.5.17", answer: confirms, fields: []string{"Range: bytes=10-"},
			status: 416, part: "bytes */10", says: "fwd=stale; fwd-status=304; stored", stored: digits},
		{name: "confirmed, If-Range that matches", rule: "9110 §13.1.5", answer: confirms,
			fields: []string{"Range: bytes=2-5", `If-Range: "v1"`},
			status: 206, body: "2345", part: "bytes 2-5/10", says: "fwd=stale; fwd-status=304; stored", stored: digits},
		{name: "confirmed, If-Range of another", rule: "9110 §13.1.5", answer: confirms,
			fields: []string{"Range: bytes=2-5", `If-Range: "v0"`},
			status: 200, body: digits, says: "fwd=stale; fwd-status=304; stored", stored: digits},
		{name: "confirmed, and the client has it", rule: "9110 §13.2.2", answer: confirms,
			fields: []string{"Range: bytes=2-5", `If-None-Match: "v1"`},
			status: 304, says: "fwd=stale; fwd-status=304; stored", stored: digits},
		{name: "changed: the whole, which may answer any range", rule: "9110 §14.2",
			answer: text("abcdefghij", `ETag: "v2"`, "Cache-Control: max-age=60"), fields: []string{"Range: bytes=2-5"},
			status: 200, body: "abcdefghij", says: "fwd=stale; stored", stored: "abcdefghij"},
		{name: "an error, for which the stale page stands in", rule: "5861 §4", answer: status(http.StatusBadGateway),
			fields: []string{"Range: bytes=2-5"}, status: 206, body: "2345", part: "bytes 2-5/10",
			says: "fwd=stale; fwd-status=502; ttl=-60"},
		{name: "an error that is none of the server's", rule: "5861 §4", answer: status(http.StatusGone), fields: []string{"Range: bytes=2-5"},
			status: 410, body: "answer", says: "fwd=stale; detail=status"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					answer := text(digits, `ETag: "v1"`, "Cache-Control: max-age=60, stale-if-error=3600")
					var ranges []string // of what the handler is asked
					s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) {
						ranges = append(ranges, c.GetHeader("Range")+c.GetHeader("If-Range"))
						answer(c)
					})
					s.get("/")
					time.Sleep(2 * time.Minute)
					answer = row.answer
					a := s.get("/", row.fields...)
					if a.status != row.status || a.body != row.body || a.header.Get("Content-Range") != row.part ||
						!strings.Contains(a.cacheStatus(), row.says) {
						t.Errorf("RFC %s: %d %q, Content-Range %q (%s), want %d %q, %q (%s)", row.rule,
							a.status, a.body, a.header["Content-Range"], a.cacheStatus(), row.status, row.body, row.part, row.says)
					}
					if len(ranges) != 2 || ranges[1] != "" {
						t.Errorf("RFC 9111 §4.3.1: the handler was asked for %q: it is to be asked for the whole", ranges)
					}
					if a := s.get("/", "Cache-Control: only-if-cached"); a.body != row.stored {
						t.Errorf("RFC %s: stored afterwards: %d %q (%s), want %q", row.rule, a.status, a.body, a.cacheStatus(), row.stored)
					}
				})
			})
		})
	}
}

// confirms is a handler that says that what is stored is good for a minute more.
func confirms(c *gin.Context) {
	c.Header("ETag", `"v1"`)
	c.Header("Cache-Control", "max-age=60")
	c.Status(http.StatusNotModified)
}
