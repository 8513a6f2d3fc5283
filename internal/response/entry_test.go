package response

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// made returns an entry of a body and fields such as "ETag", `"v1"`.
func made(body string, fields ...string) *Entry {
	d := &Draft{Status: http.StatusOK, Body: []byte(body), Meta: rfc9111.Metadata{ResponseTime: time.Unix(1767225600, 0), Lifetime: time.Hour}}
	for i := 0; i < len(fields); i += 2 {
		d.Fields = append(d.Fields, Field{Name: http.CanonicalHeaderKey(fields[i]), Values: []string{fields[i+1]}})
	}
	return New(d)
}

func value(e *Entry, name string) string {
	values, _ := lookup(e.Fields, name)
	return strings.Join(values, "|")
}

// An entity tag that the cache makes is the same for the same representation, and different for any other (RFC 9110
// §8.8.3). It is weak, since middleware outside may code the content (§8.8.3.3).
func TestMadeETags(t *testing.T) {
	tags := make(map[string]string)
	for _, fields := range [][]string{
		{}, {"Content-Type", "a"}, {"Content-Type", "b"}, {"Content-Encoding", "a"}, {"Content-Language", "a"},
		{"Content-Type", "a", "Content-Encoding", "a"}, {"Content-Type", "ab"}, {"Content-Type", "a", "Content-Encoding", "b"},
	} {
		for _, body := range []string{"", "a", "ab", "b", "\x00"} {
			e := made(body, fields...)
			tag, name := value(e, "Etag"), fmt.Sprintf("%q %q", body, fields)
			if other, taken := tags[tag]; taken {
				t.Errorf("%s and %s have the same tag %s", name, other, tag)
			}
			tags[tag] = name
			if !e.Made || e.Validatable() || e.Validators().ETag != tag || !regexp.MustCompile(`^W/"[\w-]{24}"$`).MatchString(tag) {
				t.Errorf("%s: tag %s, made: %v, validatable: %v", name, tag, e.Made, e.Validatable())
			}
			if again := value(made(body, append(fields, "X-Other", "1")...), "Etag"); again != tag {
				t.Errorf("%s: tag %s, then %s", name, tag, again)
			}
		}
	}
	for _, e := range []*Entry{
		made("body", "ETag", `"v1"`),
		made("body", "Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT"),
		New(&Draft{Status: http.StatusNotFound, Body: []byte("body")}),
		New(&Draft{Status: http.StatusOK, Bare: true}),
	} {
		if e.Made {
			t.Errorf("a tag was made for %d, bare: %v, that has %q", e.Status, e.Bare, value(e, "Etag"))
		}
	}
}

// BenchmarkNew measures what an entity tag adds to making an entry.
func BenchmarkNew(b *testing.B) {
	for _, size := range []int{0, 1 << 10, 16 << 10, 256 << 10} {
		for _, tag := range []string{"given", "made"} {
			b.Run(fmt.Sprintf("%d/%s", size, tag), func(b *testing.B) {
				body := make([]byte, size)
				b.ReportAllocs()
				for b.Loop() {
					fields := append(make([]Field, 0, 3), Field{Name: "Content-Type", Values: []string{"application/json"}})
					if tag == "given" {
						fields = append(fields, Field{Name: "Etag", Values: []string{`"v1"`}})
					}
					New(&Draft{Status: http.StatusOK, Fields: fields, Body: body})
				}
			})
		}
	}
}

// What a handler is asked to confirm is what it has said (RFC 9111 §4.3.1).
func TestCondition(t *testing.T) {
	modified := "Thu, 01 Jan 2015 00:00:00 GMT"
	for _, row := range []struct {
		name   string
		entry  *Entry
		want   http.Header
		usable bool
	}{
		{"entity tag", made("", "ETag", `"v1"`), http.Header{"If-None-Match": {`"v1"`}}, true},
		{"date", made("", "Last-Modified", modified), http.Header{"If-Modified-Since": {modified}}, true},
		{"both", made("", "ETag", `W/"v1"`, "Last-Modified", modified),
			http.Header{"If-None-Match": {`W/"v1"`}, "If-Modified-Since": {modified}}, true},
		{"no date at all", made("", "Last-Modified", "yesterday"), http.Header{}, false},
		{"neither", made(""), http.Header{}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := http.Header{"If-None-Match": {`"client"`}, "If-Modified-Since": {"x"}, "Range": {"bytes=0-1"}, "If-Range": {"x"}, "X-A": {"1"}}
			row.want["X-A"] = []string{"1"}
			row.entry.Condition(h)
			if !reflect.DeepEqual(h, row.want) || row.entry.Validatable() != row.usable {
				t.Errorf("%v, validatable: %v", h, row.entry.Validatable())
			}
		})
	}
}

// A 304 updates the fields that it has, but for those that describe the content (RFC 9111 §3.2, §4.3.4), and leaves the
// entry that others may be replaying as it is.
func TestFreshen(t *testing.T) {
	old := made("body", "ETag", `"v1"`, "X-Old", "1", "X-Both", "old", "Content-Type", "a/b", "Content-Encoding", "br")
	was := fmt.Sprint(old.Fields)
	confirmation := http.Header{"Etag": {`W/"v1"`}, "X-Both": {"new", "newer"}, "X-New": {"1"}, "Content-Encoding": {"gzip"},
		"Content-Length": {"0"}, "Connection": {"X-Hop"}, "X-Hop": {"1"}, "Age": {"7"}}
	meta := rfc9111.Metadata{ResponseTime: time.Unix(1767229200, 0), Lifetime: time.Minute}
	fresh := old.Freshen(Baseline(nil).Changes(confirmation), confirmation, nil, meta)
	for name, want := range map[string]string{
		"Etag": `"v1"`, "X-Old": "1", "X-Both": "new|newer", "X-New": "1", "Content-Type": "a/b", "Content-Encoding": "br",
		"Content-Length": "", "X-Hop": "", "Connection": "", "Age": "", "Date": "Thu, 01 Jan 2026 01:00:00 GMT",
	} {
		if got := value(fresh, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if string(fresh.Body) != "body" || fresh.Status != http.StatusOK || fresh.Meta.Lifetime != time.Minute {
		t.Errorf("%q %d %v", fresh.Body, fresh.Status, fresh.Meta)
	}
	if now := fmt.Sprint(old.Fields); now != was {
		t.Errorf("the old entry has become %s", now)
	}
}

// What an entry is said to weigh is about what it takes up.
func TestSize(t *testing.T) {
	for _, row := range []struct{ body, fields, values int }{{0, 0, 1}, {10_000, 3, 1}, {10, 40, 1}, {10, 2, 100}} {
		const n = 1_000
		entries := make([]*Entry, n)
		var before, after runtime.MemStats
		for range 3 { // what other tests have left in pools goes with the second one, and what waited for a finalizer with the third
			runtime.GC()
		}
		runtime.ReadMemStats(&before)
		for i := range entries {
			d := &Draft{Status: http.StatusOK, Body: make([]byte, row.body)}
			for j := range row.fields {
				f := Field{Name: fmt.Sprintf("X-%d-%d", i, j)}
				for k := range row.values {
					f.Values = append(f.Values, fmt.Sprintf("value %d %d %d", i, j, k))
				}
				d.Fields = append(d.Fields, f)
			}
			entries[i] = New(d)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		takes, said := int(after.HeapAlloc-before.HeapAlloc)/n, entries[0].Size()
		if said < takes*2/3 || said > takes*2+entryOverhead {
			t.Errorf("%+v: said to weigh %d, takes up %d", row, said, takes)
		}
		runtime.KeepAlive(entries)
	}
}

// One entry is replayed for many at once, each with a header of his own, and with each what middleware outside has set.
func TestReplayTogether(t *testing.T) {
	e := New(&Draft{Status: http.StatusOK, Body: []byte("body"), Meta: rfc9111.Metadata{ResponseTime: time.Unix(1767225600, 0), Lifetime: time.Hour},
		Fields: []Field{{Name: "Vary", Values: []string{"X-A"}, Change: Append}, {Name: "X-B", Values: []string{"1", "2"}}}})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 200 {
				client := httptest.NewRecorder()
				c, _ := gin.CreateTestContext(client)
				mine := fmt.Sprint(worker)
				c.Header("Vary", mine)
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				e.Replay(c.Writer, r, &Answer{Now: time.Unix(1767225600+int64(i%5), 0)})
				h := c.Writer.Header()
				h["X-B"] = append(h["X-B"], mine)
				h["Age"] = append(h["Age"], mine)
				h["Cache-Status"] = append(h["Cache-Status"], mine)
				want := http.Header{"Vary": {mine, "X-A"}, "X-B": {"1", "2", mine}, "Age": {fmt.Sprint(i % 5), mine},
					"Cache-Status": {fmt.Sprintf("cachette; hit; ttl=%d", 3600-i%5), mine}}
				for name, values := range want {
					if !reflect.DeepEqual(h[name], values) {
						t.Errorf("%s is %q, want %q", name, h[name], values)
					}
				}
			}
		})
	}
	wg.Wait()
}
