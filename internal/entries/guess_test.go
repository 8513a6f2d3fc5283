package entries

import (
	"net/http"
	"testing"
)

// TestGuess: a variant is read together with what says that there are variants, once its fields are known, and a page that has come to be
// told apart otherwise is read as it is now, whatever another process remembers of it.
func TestGuess(t *testing.T) {
	d := newAble(t)
	here := on(t, d)
	there := another(t, here)
	request := func(a, b string) http.Header { return http.Header{"X-A": {a}, "X-B": {b}} }
	asks := func(header http.Header, want string, most int64) {
		t.Helper()
		before := d.batches.Load()
		if got := found(t, there, "/", header); got != want {
			t.Errorf("%v: found %q, want %q", header, got, want)
		}
		if n := d.batches.Load() - before; n > most {
			t.Errorf("%v: %d round trips, want %d at most", header, n, most)
		}
	}
	stores := func(header http.Header, body string, vary ...string) {
		t.Helper()
		keep(t, here, "/", "", body, header, vary...)
		settle(t, here)
	}
	stores(request("1", "1"), "a=1", "X-A")
	stores(request("2", "1"), "a=2", "X-A")
	asks(request("1", "9"), "a=1", 3) // one of them looks at the log of purges
	asks(request("1", "9"), "a=1", 1)
	asks(request("2", "9"), "a=2", 1)
	asks(request("3", "9"), "", 1)

	stores(request("1", "1"), "a=1, b=1", "X-B")
	asks(request("1", "1"), "a=1, b=1", 2)
	asks(request("1", "1"), "a=1, b=1", 1)
	asks(request("1", "2"), "", 1)

	stores(nil, "for all")
	asks(request("1", "1"), "for all", 1)
	asks(nil, "for all", 1)

	if err := here.PurgePath(t.Context(), "/"); err != nil {
		t.Fatal(err)
	}
	asks(request("1", "1"), "", 1)
}
