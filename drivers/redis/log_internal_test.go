package redis

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestLogs: a line goes to each logger of an open driver once, and to slog's own when none is open.
func TestLogs(t *testing.T) {
	var first, second, standard bytes.Buffer
	to := func(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }
	before := slog.Default()
	slog.SetDefault(to(&standard))
	defer slog.SetDefault(before)

	l := new(logs)
	l.set.Do(func() {}) // go-redis goes on as it is
	shared := to(&first)
	told := func(name string, want ...int) {
		t.Helper()
		first.Reset()
		second.Reset()
		standard.Reset()
		l.Printf(t.Context(), "redis: %s", "a line")
		for i, b := range []*bytes.Buffer{&first, &second, &standard} {
			if n := strings.Count(b.String(), `line="a line"`); n != want[i] {
				t.Errorf("%s: the line is %d times in log %d, want %d:\n%s", name, n, i, want[i], b)
			}
		}
	}
	told("no driver", 0, 0, 1)
	one := l.add(shared, nil)
	told("a driver", 1, 0, 0)
	two := l.add(shared, nil)
	other := l.add(to(&second), nil)
	told("two drivers of one logger, and another", 1, 1, 0)
	one()
	other()
	told("one driver left", 1, 0, 0)
	two()
	two()
	told("none left", 0, 0, 1)
}
