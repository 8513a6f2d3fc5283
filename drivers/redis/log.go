package redis

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

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
	// When each logger was last told a line of each kind, by the line's format.
	told map[*slog.Logger]map[string]time.Time
}

const (
	// quiet is for how long a logger is not told another line of a kind. go-redis logs each dial that fails, which is several lines
	// for each request while the server is away.
	quiet = time.Minute
	// maxKinds bounds what is remembered of kinds: go-redis has about a hundred.
	maxKinds = 1000
)

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
		for other := range l.all {
			if other.logger == logger {
				return
			}
		}
		delete(l.told, logger)
	}
}

// listeners returns the loggers that are to be told a line of a kind, each once, and all secrets. Without an open driver it is a
// client of the program's own that logs.
func (l *logs) listeners(kind string) (loggers []*slog.Logger, known secrets) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for listener := range l.all {
		known = append(known, listener.secrets...)
		if !slices.Contains(loggers, listener.logger) {
			loggers = append(loggers, listener.logger)
		}
	}
	if len(loggers) == 0 {
		return []*slog.Logger{slog.Default()}, nil
	}
	return slices.DeleteFunc(loggers, func(logger *slog.Logger) bool { return !l.due(logger, kind) }), known
}

// due tells whether a logger is to be told a line of a kind, and notes that it is. l is locked.
func (l *logs) due(logger *slog.Logger, kind string) bool {
	now, told := time.Now(), l.told[logger]
	if last, ok := told[kind]; ok && now.Sub(last) < quiet {
		return false
	}
	if told == nil || len(told) >= maxKinds {
		told = make(map[string]time.Time)
		if l.told == nil {
			l.told = make(map[*slog.Logger]map[string]time.Time)
		}
		l.told[logger] = told
	}
	told[kind] = now
	return true
}

// Printf is what go-redis calls. What the cache has to warn of it says itself, so that these lines are information, and
// one of a kind a minute is enough.
func (l *logs) Printf(ctx context.Context, format string, args ...any) {
	loggers, known := l.listeners(format)
	if len(loggers) == 0 {
		return
	}
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
