package sampled_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/internal/sampled"
)

// logger returns a sampled logger, and its lines without their times.
func logger(level slog.Level) (*slog.Logger, func() []string) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	return sampled.Logger(log), func() []string {
		defer out.Reset()
		return strings.Split(strings.TrimSpace(out.String()), "\n")
	}
}

// Of lines that say the same three pass in ten seconds, and the next one behind that says how many did not.
func TestRepeatedLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := logger(slog.LevelInfo)
		for i := range 100 {
			log.Warn("away", "error", fmt.Errorf("error %d", i))
		}
		if got := lines(); len(got) != 3 || !strings.Contains(got[0], "error 0") || strings.Contains(got[2], "repeated") {
			t.Errorf("of a hundred: %q", got)
		}
		time.Sleep(10 * time.Second)
		log.Warn("away", "error", errors.New("the last"))
		if got := lines(); len(got) != 1 || !strings.Contains(got[0], "repeated=97") {
			t.Errorf("ten seconds later: %q", got)
		}
		log.With("a", 1).WithGroup("g").Warn("away")
		log.Warn("away", "error", "again")
		log.Warn("away")
		if got := lines(); len(got) != 2 || strings.Contains(got[1], "repeated") {
			t.Errorf("of three more: %q", got)
		}
	})
}

// Lines about different things, and those at level DEBUG, do not count together.
func TestOtherLines(t *testing.T) {
	log, lines := logger(slog.LevelDebug)
	for i := range 10 {
		log.Warn("route", "route", fmt.Sprint("/", i), "error", "x")
		log.Error("other")
		log.Debug("debug")
	}
	if got := lines(); len(got) != 10+3+10 {
		t.Errorf("%d lines: %q", len(got), got)
	}
	quiet, lines := logger(slog.LevelError)
	quiet.Warn("not enabled")
	if got := lines(); len(got) != 1 || got[0] != "" {
		t.Errorf("a level that is off: %q", got)
	}
}

// However many different lines there are, memory is bounded, and each passes.
func TestManyLines(t *testing.T) {
	log, lines := logger(slog.LevelInfo)
	for i := range 5000 {
		log.Warn("line", "route", i)
	}
	if got := lines(); len(got) != 5000 {
		t.Errorf("%d lines", len(got))
	}
}
