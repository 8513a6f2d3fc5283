package rfc9111_test

import (
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// allocated returns how many bytes f allocates.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// patterns are what a field can repeat to cost its reader the most.
var patterns = []string{
	",", " ", "\t,", "a", "A", "a,", "A,", "a ,", `"`, `",`, `\`, `\",`, `"a",`, `"a`, "\u212a,", "\u00e9", "0", "-", "0-,", "0-0,", "-1,",
	"=", "=,", "a=,", "a=b,", `a="`, `a="b",`, `a="\b",`, `a="\"",`, `a="\",`, `a="b" c,`, "a=0,", "a;", "a;b=c,", "(", "a=(b ", "?1,", "a=:",
	"no-cache,", "NO-CACHE,", "max-age=0,", "max-age=\"0\",", `max-age="\0",`, "max-stale,", `private="a",`, `private="a,`, `private="\a",`,
	`no-cache="x-a, `, `no-cache=x-a,`, "public,", "W/", `W/"a",`, "*,", "gzip;q=0.5,", "DE ;q=0.5,", "Sun, ", "Sun, 06 Nov 1994 08:49:37 GMT,",
	"bytes=", "bytes 0-0/",
}

// TestLongFieldsOfRequests holds that reading a field of a request takes no memory to speak of, however long a client makes
// it: it is walked, or used as it is, or not at all. What took longer than in proportion would not come to an end here.
func TestLongFieldsOfRequests(t *testing.T) {
	const length, most = 1 << 17, 8 << 10
	v := rfc9111.Validators{ETag: `"x"`, LastModified: noon, Date: noon}
	readers := map[string]func(name string, h http.Header){
		"Cache-Control":     func(_ string, h http.Header) { rfc9111.ParseRequest(h) },
		"Pragma":            func(_ string, h http.Header) { rfc9111.ParseRequest(h) },
		"If-None-Match":     func(_ string, h http.Header) { rfc9111.NotModified(h, &v, noon) },
		"If-Modified-Since": func(_ string, h http.Header) { rfc9111.NotModified(h, &v, noon) },
		"If-Range":          func(_ string, h http.Header) { rfc9111.RangeApplies(h, &v, noon) },
		"Range":             func(_ string, h http.Header) { rfc9111.Ranges(h, 1000) },
	}
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Authorization", "User-Agent", "X-A"} {
		readers[name] = func(name string, h http.Header) { rfc9111.VariantKey([]string{name}, h) }
	}
	for name, read := range readers {
		for _, pattern := range patterns {
			value := strings.Repeat(pattern, length/len(pattern))
			prefixes := []string{""}
			if name == "Range" {
				prefixes = []string{"", "bytes=", "bytes=0-0", "bytes=0-"}
			}
			for _, prefix := range prefixes {
				h := http.Header{name: {prefix + value}}
				if got := allocated(func() { read(name, h) }); got > most {
					t.Errorf("%s of %d bytes, %q and then %q, costs %d bytes, want at most %d", name, length, prefix, pattern, got, most)
				}
			}
		}
		lines := http.Header{name: make([]string, length/16)} // the header of a string alone is 16 bytes
		if got := allocated(func() { read(name, lines) }); got > most {
			t.Errorf("%s on %d lines costs %d bytes, want at most %d", name, len(lines[name]), got, most)
		}
	}
}

// TestLongFieldsOfResponses holds that a field of a response costs no more than in proportion to its length, also where
// each of many fields of the response is looked up in it.
func TestLongFieldsOfResponses(t *testing.T) {
	const length, perByte = 1 << 15, 64
	for _, name := range []string{
		"Age", "Cache-Control", "Cdn-Cache-Control", "Connection", "Content-Range", "Content-Type", "Date", "Etag", "Expires",
		"Last-Modified", "Trailer", "Vary",
	} {
		for _, pattern := range patterns {
			value := strings.Repeat(pattern, length/len(pattern))
			for _, header := range []http.Header{{name: {value}}, {name: strings.SplitAfter(value, ",")}} {
				x := &rfc9111.Exchange{
					Method: http.MethodGet, Status: http.StatusOK, RequestTime: noon, ResponseTime: noon, Header: header,
				}
				for what, read := range map[string]func(){
					"storing":    func() { rfc9111.Storable(x, &rfc9111.Policy{Heuristic: true}) },
					"a part":     func() { rfc9111.ReadPart(header) },
					"validators": func() { rfc9111.ReadValidators(header, noon) },
					"fields": func() {
						updates := rfc9111.Updates(header)
						for range 1000 {
							updates("X-Other")
						}
					},
				} {
					if got := allocated(read); got > perByte*length {
						t.Errorf("%s: %s of %d bytes on %d lines, %q, costs %d bytes, want at most %d for each",
							what, name, length, len(header[name]), pattern, got, perByte)
					}
				}
			}
		}
	}
}
