package redis

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// clientLog is the log of go-redis, which has one for all the clients of a program.
var clientLog logs

// logs passes on what is logged, without passwords, to the loggers of the drivers that are open. A line does not say whose
// it is.
type logs struct {
	set sync.Once
	mu  sync.Mutex
	all map[*listener]bool
}

// A listener is an open driver.
type listener struct {
	logger  *slog.Logger
	secrets secrets
}

// add has a logger told what go-redis logs until the function that it returns is called. The first one takes the place of the
// logger that go-redis has by then; one that the program sets later stays.
func (l *logs) add(logger *slog.Logger, secrets secrets) (remove func()) {
	l.set.Do(func() { redis.SetLogger(l) })
	added := &listener{logger, secrets}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[*listener]bool)
	}
	l.all[added] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all, added)
	}
}

// listeners returns the loggers that are told, each once, and all secrets. Without an open driver it is a client of the
// program's own that logs.
func (l *logs) listeners() (loggers []*slog.Logger, known secrets) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for listener := range l.all {
		known = append(known, listener.secrets...)
		if !slices.Contains(loggers, listener.logger) {
			loggers = append(loggers, listener.logger)
		}
	}
	if len(loggers) == 0 {
		loggers = append(loggers, slog.Default())
	}
	return loggers, known
}

// Printf is what go-redis calls. What the cache has to warn of it says itself, so that these lines are information.
func (l *logs) Printf(ctx context.Context, format string, args ...any) {
	loggers, known := l.listeners()
	shown := make([]any, len(args)) // args are the caller's
	for i, arg := range args {
		shown[i] = arg
		if err, ok := arg.(error); ok {
			shown[i] = known.hide(err)
		}
	}
	line := strings.TrimPrefix(fmt.Sprintf(format, shown...), "redis: ")
	for _, logger := range loggers {
		logger.InfoContext(ctx, "cachette: redis: the client logs", "line", line)
	}
}
