package cachettetest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Hit asks for a page and fails the test unless the answer came out of the cache, fresh. fields are as for [Do].
func (e *Engine) Hit(target string, fields ...string) Answer {
	e.t.Helper()
	a := e.ask(target, fields...)
	switch {
	case !a.Hit():
		e.t.Errorf("%s %s is no hit: %s", e.method(), target, a.how())
	case a.Stale():
		e.t.Errorf("%s %s is a stale hit, want a fresh one: %s", e.method(), target, a.how())
	}
	return a
}

// Miss asks for a page and fails the test unless the handler has run for it, whatever the reason: nothing was stored, or not any more, or not for this
// request. fields are as for [Do].
func (e *Engine) Miss(target string, fields ...string) Answer {
	e.t.Helper()
	a := e.ask(target, fields...)
	switch said := a.said(); {
	case said == "":
		e.t.Errorf("%s %s did not come to a Cached, so it says nothing of a miss: %s", e.method(), target, a.how())
	case a.Hit(), strings.Contains(said, "; collapsed"):
		e.t.Errorf("%s %s is no miss, want the handler to run: %s", e.method(), target, a.how())
	}
	return a
}

// Stale asks for a page and fails the test unless the answer came out of the cache when its time was over: while it is refreshed in the background, or
// in place of a handler that fails. fields are as for [Do].
func (e *Engine) Stale(target string, fields ...string) Answer {
	e.t.Helper()
	a := e.ask(target, fields...)
	if !a.Stale() {
		e.t.Errorf("%s %s is not served stale: %s", e.method(), target, a.how())
	}
	return a
}

// Age asks for a page and fails the test unless the answer came out of the cache and is as old as want (RFC 9111 §5.1), in whole seconds. fields
// are as for [Do].
func (e *Engine) Age(want time.Duration, target string, fields ...string) Answer {
	e.t.Helper()
	a := e.ask(target, fields...)
	seconds := strconv.FormatInt(int64(want/time.Second), 10)
	if got := a.Header.Get("Age"); got != seconds {
		e.t.Errorf("%s %s has the Age %q, want %s: %s", e.method(), target, got, seconds, a.how())
	}
	return a
}

// Stale tells whether the answer is a stored one whose time was over.
func (a Answer) Stale() bool {
	_, ttl, ok := strings.Cut(a.said(), "; ttl=")
	if !ok {
		return false
	}
	ttl, _, _ = strings.Cut(ttl, ";")
	left, err := strconv.Atoi(ttl)
	return err == nil && (left < 0 || left == 0 && !a.Hit())
}

// said returns what this cache says of an answer: the last member of Cache-Status, for an engine may have been given it by another one.
func (a Answer) said() string {
	lines := a.Header.Values("Cache-Status")
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// how says how an answer came about, for the message of a test.
func (a Answer) how() string {
	said := a.said()
	if said == "" {
		said = "no Cache-Status, so the route has no Cached, or something before it has answered"
	}
	said = strconv.Itoa(a.Status) + ", " + said
	if a.Status >= http.StatusBadRequest && a.Body != "" { // it says what was wrong
		said += fmt.Sprintf(", %.200q", a.Body)
	}
	return said
}
