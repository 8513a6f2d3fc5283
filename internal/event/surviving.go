package event

import (
	"context"
	"log/slog"
	"runtime/debug"
)

// Surviving returns a function that tells an observer of something, and logs a panic of it: it would end the program where a goroutine of the
// cache's own tells it.
func Surviving[E any](log *slog.Logger, tell func(context.Context, E)) func(context.Context, E) {
	return func(ctx context.Context, e E) {
		defer func() {
			if p := recover(); p != nil {
				log.Error("cachette: the observer panicked", "panic", p, "stack", string(debug.Stack()))
			}
		}()
		tell(ctx, e)
	}
}
