package response

import (
	"net/http"
	"sync/atomic"
	"time"
)

// second is a Date field for one second. Many entries are made within one, and share it.
type second struct {
	at    int64 // seconds since the epoch
	lines []string
}

var lastSecond atomic.Pointer[second]

// dateLines returns the lines of a Date field (RFC 9110 §6.6.1). Entries share them, so they never change; headers get
// copies.
func dateLines(t time.Time) []string {
	at := t.Unix()
	if s := lastSecond.Load(); s != nil && s.at == at {
		return s.lines
	}
	s := &second{at: at, lines: []string{t.UTC().Format(http.TimeFormat)}}
	lastSecond.Store(s)
	return s.lines
}
