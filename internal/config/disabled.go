package config

import (
	"context"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// disabled is the store of a cache that is switched off: it takes everything and holds nothing.
type disabled struct{}

func (disabled) Get(context.Context, string) (drivers.Item, error) {
	return drivers.Item{}, drivers.ErrMiss
}
func (disabled) Set(context.Context, string, []byte, time.Duration) error { return nil }
func (disabled) Delete(context.Context, ...string) (int, error)           { return 0, nil }
func (disabled) Clear(context.Context, string) (int, error)               { return 0, nil }
func (disabled) Close() error                                             { return nil }

// Dedicated tells that nothing of another program is in it.
func (disabled) Dedicated() bool { return true }
