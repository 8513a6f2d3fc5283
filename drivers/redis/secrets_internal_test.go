package redis

import (
	"errors"
	"fmt"
	"testing"
)

// reply is an error that a server has answered with.
type reply string

func (r reply) Error() string { return string(r) }
func (reply) RedisError()     {}

func TestHide(t *testing.T) {
	const mark = " … (the rest is not shown, for it may hold a password)"
	known := secrets{"hunter2", ""}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"of a server, without", reply("ERR no such key"), "ERR no such key"},
		{"of a server that repeats", reply("ERR unknown command `AUTH`, with args beginning with: `me`, `hunt"), "ERR unknown command `AUTH`" + mark},
		{"of a server, with", reply("ERR 'hunter2' is unknown"), "ERR '" + mark},
		{"wrapped", fmt.Errorf("dial: %w", reply("ERR AUTH hunter2")), "dial: ERR AUTH" + mark},
		{"joined", errors.Join(errors.New("a"), reply("ERR AUTH hunter2")), "a\nERR AUTH" + mark},
		{"of the client", errors.New("dial tcp hunter2:6379: refused"), "dial tcp hunter2:6379: refused"}, // which sees no password
	} {
		got := known.hide(row.err)
		if got.Error() != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
		if !errors.Is(got, row.err) {
			t.Errorf("%s: it is not what it was", row.name)
		}
	}
	if err := known.hide(nil); err != nil {
		t.Errorf("nil became %v", err)
	}
}
