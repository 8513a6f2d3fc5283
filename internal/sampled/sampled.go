// Package sampled keeps a log from being flooded by what happens again and again.
package sampled

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	period   = 10 * time.Second
	passing  = 3    // lines that say the same, of each period
	maxLines = 1000 // that are told apart: routes, mostly, of which a program has few
)

// Logger returns a logger that passes on the first three of the lines that say the same within ten seconds, and counts the others: the next
// one that passes has their number, as "repeated". Lines say the same that have one text and one route, or whatever they are about in the
// first place; what they carry as the error, as a panic, or the stack may differ. Lines at level DEBUG pass: who reads these wants all.
func Logger(log *slog.Logger) *slog.Logger {
	return slog.New(&handler{Handler: log.Handler(), counts: &counts{lines: make(map[line]*count)}})
}

type handler struct {
	slog.Handler
	counts *counts
}

// line is what lines have in common that say the same.
type line struct{ message, about string }

type counts struct {
	mu    sync.Mutex
	lines map[line]*count
}

// count is of one line: since when, how many have passed since then, and how many have not.
type count struct {
	since        time.Time
	passed, left int
}

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		passes, repeated := h.counts.add(lineOf(&r), time.Now())
		if !passes {
			return nil
		}
		if repeated > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Int("repeated", repeated))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs), h.counts}
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.Handler.WithGroup(name), h.counts}
}

// lineOf returns what a record has in common with those that say the same.
func lineOf(r *slog.Record) (l line) {
	l.message = r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "error" && a.Key != "panic" && a.Key != "stack" {
			l.about = a.String()
		}
		return false // the first one says what it is about
	})
	return l
}

// add counts a line, and tells whether it passes, and how many have not since the last one that did.
func (c *counts) add(l line, now time.Time) (passes bool, repeated int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.lines[l]
	if n == nil {
		if len(c.lines) >= maxLines {
			clear(c.lines)
		}
		n = &count{since: now}
		c.lines[l] = n
	}
	if now.Sub(n.since) >= period {
		n.since, n.passed = now, 0
	}
	if n.passed == passing {
		n.left++
		return false, 0
	}
	n.passed++
	repeated, n.left = n.left, 0
	return true, repeated
}
