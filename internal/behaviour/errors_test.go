package behaviour_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette"
)

// An error of an operation repeats nothing of what its driver or codec has to say by itself. What all backends and codecs say is
// a test of drivers/all.
func TestOpError(t *testing.T) {
	for _, row := range []struct {
		err  cachette.OpError
		want string
	}{
		{cachette.OpError{Op: "put", Backend: "redis", Key: "k", Err: errors.New("redis: set: no")}, `cachette: put "k" on redis: set: no`},
		{cachette.OpError{Op: "ping", Backend: "redis", Err: errors.New("redis: ping: no")}, `cachette: ping on redis: no`},
		{cachette.OpError{Op: "put", Backend: "redis", Key: "k", Err: fmt.Errorf("redis: set: %w: 5 bytes", cachette.ErrTooLarge)},
			`cachette: put "k" on redis: set: too large for the store: 5 bytes`},
		{cachette.OpError{Op: "fetch", Backend: "*redis.Driver", Key: "k", Err: errors.New("redis: get: no")},
			`cachette: fetch "k" on *redis.Driver: get: no`},
		{cachette.OpError{Op: "flush", Backend: "memcached", Err: errors.Join(errors.New("memcached: a: no"), errors.New("memcached: b: no"))},
			"cachette: flush on memcached: a: no\nb: no"},
		{cachette.OpError{Op: "put", Backend: "redis", Key: "redis: x", Err: cachette.ErrClosed}, `cachette: put "redis: x" on redis: closed`},
		{cachette.OpError{Op: "put", Backend: "redis", Key: strings.Repeat("k", 65), Err: cachette.ErrClosed},
			`cachette: put "` + strings.Repeat("k", 64) + `…" on redis: closed`},
	} {
		if got := row.err.Error(); got != row.want {
			t.Errorf("got  %s\nwant %s", got, row.want)
		}
		if !errors.Is(&row.err, row.err.Err) {
			t.Errorf("%v is not what it wraps", &row.err)
		}
	}
}
