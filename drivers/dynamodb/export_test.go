package dynamodb

import (
	"context"
	"time"
)

// SetClock gives d another clock. It is called before d is used.
func (d *Driver) SetClock(clock func() time.Time) { d.clock = clock }

// What the tests of the layout need to know.
const (
	Marker  = marker
	MaxItem = maxItem
	MaxKey  = maxKey
)

// Overhead is the size that an item under key has without its value.
func Overhead(key string) int { return overhead(key) }

// Finish is how a batch that a server does in part is done to its end.
func (d *Driver) Finish(ctx context.Context, n int, send func() (left int, err error)) error {
	return d.finish(ctx, n, send)
}
