package guard_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/guard"
)

// logger is a driver that keeps logs, and has no operation for purges; onServers is one that has, of several servers.
type (
	logger struct {
		drivers.Driver
		drivers.Log
	}
	onServers struct{ *told }
)

func (onServers) Sharded() bool              { return true }
func (onServers) ServerOf(key string) string { return key[:1] }

// What a driver that has no operation for purges does by two, and what one that has does where keys are on other servers than the log: the records
// first, and the keys only once these are there.
func TestPurgeByTwo(t *testing.T) {
	appended, removed := event.Operation{Kind: event.Append, Keys: 1, Bytes: 2}, event.Operation{Kind: event.Removal, Keys: 2}
	of := func(server string, o event.Operation) event.Operation { o.Server = server; return o }
	failed := event.Operation{Kind: event.Append, Keys: 1, Result: event.Failed}
	full := func(context.Context) error { return errNo }
	for name, row := range map[string]struct {
		driver func(d *told) drivers.Driver
		fault  func(context.Context) error
		keys   []string
		want   []event.Operation
	}{
		"one server":              {func(d *told) drivers.Driver { return logger{d, d} }, nil, []string{"a1", "a2"}, []event.Operation{appended, removed}},
		"one server, full":        {func(d *told) drivers.Driver { return logger{d, d} }, full, []string{"a1", "a2"}, []event.Operation{failed}},
		"several, all on one":     {func(d *told) drivers.Driver { return onServers{d} }, nil, []string{"a1", "a2"}, []event.Operation{{Kind: event.Append, Keys: 3, Bytes: 2, Server: "a"}}},
		"several, keys elsewhere": {func(d *told) drivers.Driver { return onServers{d} }, nil, []string{"b1", "b2"}, []event.Operation{of("a", appended), of("b", removed)}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &told{}
			s := guard.New(row.driver(d), timeout, slog.New(slog.DiscardHandler))
			var events []event.Operation
			s.Observe(func(_ context.Context, o event.Operation) { o.Took = 0; events = append(events, o) })
			d.fault = row.fault
			err := s.Purge(t.Context(), "a log", 9, time.Hour, [][]byte{[]byte("12")}, row.keys...)
			if !slices.Equal(events, row.want) || errors.Is(err, errNo) != (row.fault != nil) {
				t.Errorf("%v, %+v, want %+v", err, events, row.want)
			}
		})
	}
}
