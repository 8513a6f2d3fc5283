package rfc9111_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// noon is when the responses of these tests are received.
var noon = time.Date(2025, time.June, 15, 12, 0, 0, 0, time.UTC)

// date returns an HTTP-date that is d after noon.
func date(d time.Duration) string { return noon.Add(d).Format(http.TimeFormat) }

// fields returns a header with the given field lines, such as "Cache-Control: no-store".
func fields(t testing.TB, lines ...string) http.Header {
	t.Helper()
	h := make(http.Header)
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("%q is no field line", line)
		}
		h.Add(name, strings.TrimPrefix(value, " ")) // the value may have more white space on purpose
	}
	return h
}

// get returns the exchange of a GET that was answered at noon, at once, with a status and the given field lines.
func get(t testing.TB, status int, lines ...string) *rfc9111.Exchange {
	t.Helper()
	return &rfc9111.Exchange{
		Method: http.MethodGet, Request: http.Header{}, Status: status, Header: fields(t, lines...),
		RequestTime: noon, ResponseTime: noon,
	}
}

// seconds is an argument of so many seconds that could be read.
func seconds(n int) rfc9111.Delta {
	return rfc9111.Delta{Set: true, Valid: true, Value: time.Duration(n) * time.Second}
}

// unreadable is an argument that could not be read.
var unreadable = rfc9111.Delta{Set: true}
