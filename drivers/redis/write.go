package redis

import (
	"context"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/internal/bounded"
)

// write is a command that changes the store. The client sends it once: what that repeats by itself may arrive after the caller has given up, and
// so undo what another has written since. And once the caller has gone it is not sent at all, however long it has waited for a connection.
//
// What a server of a cluster has not carried out, as it has the key no more, is sent to the one that has it.
type write struct {
	*redis.Cmd
	caller context.Context
	unsent atomic.Bool
}

var _ redis.Cmder = (*write)(nil)

// send adds a command that writes to a pipeline.
func send(caller context.Context, to redis.Pipeliner, args ...any) *write {
	w := &write{Cmd: redis.NewCmd(caller, args...), caller: caller}
	_ = to.Process(caller, w)
	return w
}

// NoRetry tells the client, which asks each command of a pipeline.
func (*write) NoRetry() bool { return true }

// Args returns what is sent. The client asks for it when it sends; if the caller has gone by then, it is a command that does nothing, as the rest
// of the pipeline may be of callers that wait.
func (w *write) Args() []any {
	if bounded.Err(w.caller) == nil {
		return w.Cmd.Args()
	}
	w.unsent.Store(true)
	return []any{"ping"}
}

// Clone is part of what the client asks of commands.
func (w *write) Clone() redis.Cmder {
	return &write{Cmd: w.Cmd.Clone().(*redis.Cmd), caller: w.caller}
}

// Err returns the error of the server or the client, or why the command was not sent.
func (w *write) Err() error {
	if w.unsent.Load() {
		return bounded.Err(w.caller)
	}
	return w.Cmd.Err()
}
