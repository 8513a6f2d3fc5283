package wording

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestRest(t *testing.T) {
	for _, row := range []struct {
		message string
		said    []string
		want    string
	}{
		{"redis: set: timeout", nil, "redis: set: timeout"},
		{"redis: set: timeout", []string{"redis"}, "set: timeout"},
		{"redis: set: cachette: too large: 5 bytes", []string{"cachette", "redis"}, "set: too large: 5 bytes"},
		{"redis: ping: redis: timeout", []string{"cachette", "redis", "ping"}, "timeout"},
		{`cachette: purge "/a: b": redis: set: no`, []string{"cachette", "redis", `purge "/a: b"`}, "set: no"},
		{`cachette: purge "/": redis: set: no`, []string{"cachette", "redis", `purge "/"`}, "set: no"},
		{`set: the server says "redis: no": redis: x`, []string{"redis"}, `set: the server says "redis: no": redis: x`},
		{"redis", []string{"redis"}, "redis"}, // there is nothing else
		{"lookup redis: no such host", []string{"redis"}, "lookup redis: no such host"},
		{"redis:6379: refused", []string{"redis"}, "redis:6379: refused"},
		{"cachette: a: b\ncachette: c", []string{"cachette"}, "a: b\nc"},
		{"", []string{"redis"}, ""},
	} {
		if got := Rest(row.message, row.said...); got != row.want {
			t.Errorf("%q behind %q: %q, want %q", row.message, row.said, got, row.want)
		}
	}
}

func TestBehind(t *testing.T) {
	err := fmt.Errorf("redis: get: %w", io.EOF)
	if got := Behind(err, "redis"); got.Error() != "get: EOF" || !errors.Is(got, io.EOF) || !errors.Is(got, err) {
		t.Errorf("%v is not what it was", got)
	}
	if got := Behind(err, "mongodb"); got != err {
		t.Errorf("%v is another error, and says the same", got)
	}
}
