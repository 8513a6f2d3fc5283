package store

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// errUnavailable says that the store was not asked, since it has not been answering.
var errUnavailable = errors.New("cachette: the store does not answer")

// A store that failed this often in a row is left alone for a while; then one operation tries whether it is back.
const (
	breakerFailures = 3
	breakerPause    = time.Second
)

// breaker keeps requests from waiting, one after the other, for a store that is dead.
type breaker struct {
	log  *slog.Logger
	what string // the kind of operation: a store may answer some and not others

	mu       sync.Mutex
	failures int
	retryAt  time.Time // once failures is breakerFailures: when the next operation may try
}

// allow tells whether an operation may go to the store.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakerFailures {
		return true
	}
	now := time.Now()
	if now.Before(b.retryAt) {
		return false
	}
	b.retryAt = now.Add(breakerPause) // for all but this one
	return true
}

func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures >= breakerFailures {
		b.log.Info("cachette: the store answers again", "operations", b.what)
	}
	b.failures = 0
}

func (b *breaker) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	if b.failures == breakerFailures {
		b.retryAt = time.Now().Add(breakerPause)
		b.log.Warn("cachette: the store does not answer; handlers run until it does", "operations", b.what, "error", err)
	}
}

// undecided takes back that an operation tried.
func (b *breaker) undecided() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures >= breakerFailures {
		b.retryAt = time.Now()
	}
}
