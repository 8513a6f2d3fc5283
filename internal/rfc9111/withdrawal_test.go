package rfc9111_test

import (
	"testing"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestWithdraws holds which answers take back what is stored, for every status there can be. Rows say for which statuses
// an answer does that is not stored.
func TestWithdraws(t *testing.T) {
	ranges := []struct {
		rule      string
		from, to  int
		withdraws bool
	}{
		{"9110 §15.2: an interim response is no answer", 100, 199, false},
		{"9111 §4.3.3: a full response shows what is stored to be out of date", 200, 205, true},
		{"9110 §15.3.7: a part says nothing of the whole", 206, 206, false},
		{"9111 §4.3.3", 207, 299, true},
		{"9111 §4.3.3: what was a page is somewhere else", 300, 303, true},
		{"9111 §4.3.3: confirmed", 304, 304, false},
		{"9111 §4.3.3", 305, 399, true},
		{"9110 §15.5.1: about the request", 400, 400, false},
		{"9110 §15.5.2: it is not for everybody any more", 401, 401, true},
		{"9110 §15.5.3", 402, 402, false},
		{"9110 §15.5.4: it is not for everybody any more", 403, 403, true},
		{"9110 §15.5.5: gone", 404, 404, true},
		{"9110 §15.5.6 to §15.5.10: about the request, or for now", 405, 409, false},
		{"9110 §15.5.11: gone", 410, 410, true},
		{"9110 §15.5.12 to §15.5.22: about the request", 411, 428, false},
		{"6585 §4: too many requests", 429, 429, false},
		{"6585 §5: about the request", 430, 450, false},
		{"7725 §3: gone", 451, 451, true},
		{"9110 §15.5: unknown client errors are like 400", 452, 499, false},
		{"5861 §4: the server's own trouble", 500, 599, false},
	}
	next := 100
	for _, row := range ranges {
		if row.from != next {
			t.Fatalf("no row says what becomes of %d", next)
		}
		next = row.to + 1
		for status := row.from; status <= row.to; status++ {
			for _, why := range []rfc9111.Refusal{
				rfc9111.RefusedStatus, rfc9111.RefusedNoStore, rfc9111.RefusedPrivate, rfc9111.RefusedSetCookie,
				rfc9111.RefusedVary, rfc9111.RefusedStale, rfc9111.RefusedUnknown, rfc9111.RefusedEventStream, "too-large",
			} {
				if got := rfc9111.Withdraws(status, why); got != row.withdraws {
					t.Errorf("RFC %s: %d, refused %q, withdraws: %t, want %t", row.rule, status, why, got, row.withdraws)
				}
			}
			for _, why := range []rfc9111.Refusal{
				rfc9111.Stored, rfc9111.RefusedMethod, rfc9111.RefusedRequest,
			} {
				if rfc9111.Withdraws(status, why) {
					t.Errorf("RFC 9111 §4.3.3: %d, refused %q, withdraws", status, why)
				}
			}
			gone := status == 404 || status == 410 || status == 451
			if got := rfc9111.Withdraws(status, rfc9111.RefusedCredentials); got != gone {
				t.Errorf("RFC 9110 §11.6.2: %d to a request with credentials withdraws: %t, want %t", status, got, gone)
			}
		}
	}
	if next != 600 {
		t.Errorf("no row says what becomes of %d", next)
	}
}

// TestWithdrawsStatusesThatAreNone holds that what is no status takes nothing back (RFC 9110 §15).
func TestWithdrawsStatusesThatAreNone(t *testing.T) {
	for _, status := range []int{-1, 0, 99, 600, 999} {
		if rfc9111.Withdraws(status, rfc9111.RefusedStale) {
			t.Errorf("%d withdraws", status)
		}
	}
}
