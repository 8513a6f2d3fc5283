package redis

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
	kinds := 0
	told := func(name string, want ...int) {
		t.Helper()
		kinds++
		first.Reset()
		second.Reset()
		standard.Reset()
		l.Printf(t.Context(), "redis: %s"+strings.Repeat(" ", kinds), "a line")
		for i, b := range []*bytes.Buffer{&first, &second, &standard} {
			if n := strings.Count(b.String(), `line="a line`); n != want[i] {
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

// TestLogsOfOneKind: a logger is told one line of a kind a minute, whatever the line is about.
func TestLogsOfOneKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var first, second bytes.Buffer
		l := new(logs)
		l.set.Do(func() {}) // go-redis goes on as it is
		defer l.add(slog.New(slog.NewTextHandler(&first, nil)), nil)()
		step := func(want, wantSecond int) {
			t.Helper()
			first.Reset()
			second.Reset()
			for i := range 10 {
				l.Printf(t.Context(), "failed: %d", i)
				l.Printf(t.Context(), "closed: %d", i)
			}
			if n := strings.Count(first.String(), "line="); n != want {
				t.Errorf("%d lines, want %d:\n%s", n, want, &first)
			}
			if n := strings.Count(second.String(), "line="); n != wantSecond {
				t.Errorf("%d lines in the second log, want %d:\n%s", n, wantSecond, &second)
			}
		}
		step(2, 0)
		step(0, 0)
		logger := slog.New(slog.NewTextHandler(&second, nil))
		remove := l.add(logger, nil)
		step(0, 2)
		time.Sleep(quiet - time.Second)
		step(0, 0)
		time.Sleep(time.Second)
		step(2, 2)
		remove()
		defer l.add(logger, nil)()
		step(0, 2)
	})
}
