package rfc9111_test

import (
	"net/http"
	"testing"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestUnstored holds which fields of a response are not stored (RFC 9111 §3.1).
func TestUnstored(t *testing.T) {
	h := fields(t, "Connection: close, x-listed,", "Connection: X-Other", "Trailer: x-trailer")
	unstored := rfc9111.Unstored(h, []string{"X-Omitted"})
	for _, test := range []struct {
		rule  string
		names []string
		want  bool
	}{
		{"9110 §7.6.1",
			[]string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade"}, true},
		{"9111 §3.1", []string{"Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization"}, true},
		{"9110 §7.6.1", []string{"X-Listed", "X-Other"}, true},
		{"9110 §6.5", []string{"Trailer", "X-Trailer", http.TrailerPrefix + "X-Later"}, true},
		{"9111 §5.2.2.7", []string{"X-Omitted"}, true},
		{"9110 §5.1", []string{"connection", "TE", "x-listed", "X-OMITTED", "KEEP-ALIVE"}, true},
		{"9111 §3.1",
			[]string{"Content-Type", "Etag", "Vary", "Cache-Control", "Www-Authenticate", "X-Listed-Not", "Close-Not"}, false},
	} {
		for _, name := range test.names {
			if got := unstored(name); got != test.want {
				t.Errorf("RFC %s: %s is unstored: %t, want %t", test.rule, name, got, test.want)
			}
		}
	}
}

// TestUnstoredAlone holds that each source of names counts without the others.
func TestUnstoredAlone(t *testing.T) {
	for _, test := range []struct {
		rule  string
		lines []string
		omit  []string
		want  bool
	}{
		{"9111 §3.1", nil, nil, false},
		{"9110 §7.6.1", []string{"Connection: x-a"}, nil, true},
		{"9110 §6.5", []string{"Trailer: x-a"}, nil, true},
		{"9111 §5.2.2.7", nil, []string{"X-A"}, true},
		{"9110 §7.6.1", []string{"Connection: x-z, x-b, x-a", "Connection: x-0"}, []string{"X-0", "X-Z"}, true},
		{"9110 §7.6.1", []string{"Connection: x-b"}, []string{"X-0"}, false},
	} {
		unstored := rfc9111.Unstored(fields(t, test.lines...), test.omit)
		if got := unstored("X-A"); got != test.want || !unstored("Connection") || unstored("Etag") {
			t.Errorf("RFC %s: with %q and without %q, X-A is unstored: %t, want %t; Connection %t, Etag %t",
				test.rule, test.lines, test.omit, got, test.want, unstored("Connection"), unstored("Etag"))
		}
	}
}

// TestRefusals holds the words for which users look in Cache-Status (RFC 9211 §2.7).
func TestRefusals(t *testing.T) {
	for refusal, want := range map[rfc9111.Refusal]string{
		rfc9111.Stored: "", rfc9111.RefusedMethod: "method", rfc9111.RefusedStatus: "status", rfc9111.RefusedRequest: "request",
		rfc9111.RefusedNoStore: "no-store", rfc9111.RefusedPrivate: "private", rfc9111.RefusedCredentials: "authorization",
		rfc9111.RefusedSetCookie: "set-cookie", rfc9111.RefusedVary: "vary", rfc9111.RefusedStale: "stale",
		rfc9111.RefusedUnknown: "not-understood", rfc9111.RefusedEventStream: "event-stream",
	} {
		if string(refusal) != want {
			t.Errorf("%q was %q", refusal, want)
		}
	}
}
