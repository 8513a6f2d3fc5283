package drivertest_test

import (
	"context"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// changeWait has a fake wait in another way.
func changeWait(wait func(d *fake, ctx context.Context, key string, from drivers.Position) error) func(d *fake) {
	return func(d *fake) {
		d.waits = func(ctx context.Context, key string, from drivers.Position) error { return wait(d, ctx, key, from) }
	}
}

// waiterDefects are those of drivers.Waiter.
var waiterDefects = map[string]defect{
	"WaitReturnsAtOnce": {"Waiter/Told", changeWait(func(d *fake, ctx context.Context, _ string, _ drivers.Position) error {
		return d.correctPing(ctx)
	})},
	"WaitIsToldOfNothing": {"Waiter/Told", changeWait(func(d *fake, ctx context.Context, key string, from drivers.Position) error {
		return d.waitUntil(ctx, key, from, func([][]byte, bool) bool { return false })
	})},
	"WaitIsNotToldOfPurges": {"Waiter/Told", func(d *fake) {
		purged := make(map[string]bool)
		d.purges = func(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
			purged[key] = true
			return d.correctPurge(ctx, key, keep, ttl, records, keys...)
		}
		d.waits = func(ctx context.Context, key string, from drivers.Position) error {
			return d.waitUntil(ctx, key, from, func(records [][]byte, complete bool) bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				return !complete || len(records) > 0 && !purged[key]
			})
		}
	}},
	"WaitIsToldOfWhatComesLater": {"Waiter/Behind", changeWait(func(d *fake, ctx context.Context, key string, from drivers.Position) error {
		before := -1
		return d.waitUntil(ctx, key, from, func(records [][]byte, complete bool) bool {
			if before < 0 {
				before = len(records)
			}
			return !complete || len(records) > before
		})
	})},
	"WaitWaitsInNoLog": {"Waiter/Unknown", changeWait(func(d *fake, ctx context.Context, key string, from drivers.Position) error {
		return d.waitUntil(ctx, key, from, func(records [][]byte, _ bool) bool { return len(records) > 0 })
	})},
	"WaitBeginsTheLog": {"Waiter/Unknown", changeWait(func(d *fake, ctx context.Context, key string, from drivers.Position) error {
		if _, err := d.correctEnd(ctx, key, time.Hour); err != nil {
			return err
		}
		return d.correctWait(ctx, key, from)
	})},
	"WaitMissesSome": {"Waiter/Follows", changeWait(func(d *fake, ctx context.Context, key string, from drivers.Position) error {
		time.Sleep(2 * time.Millisecond)
		last, err := d.correctEnd(ctx, key, time.Hour)
		if err != nil || key != "follows" {
			return d.correctWait(ctx, key, from)
		}
		return d.correctWait(ctx, key, last)
	})},
	"WaitIgnoresTheContext": {"Waiter/Ended", changeWait(func(d *fake, ctx context.Context, key string, from drivers.Position) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return d.correctWait(context.WithoutCancel(ctx), key, from)
	})},
	"WaitIsUsedUp": {"Waiter/LeftMany", func(d *fake) {
		seats := make(chan struct{}, 50)
		d.waits = func(ctx context.Context, key string, from drivers.Position) error {
			seats <- struct{}{}
			err := d.correctWait(ctx, key, from)
			if ctx.Err() == nil {
				<-seats
			}
			return err
		}
	}},
	"WaitHoldsUpOthers": {"Waiter/Beside", func(d *fake) {
		var one sync.RWMutex
		d.waits = func(ctx context.Context, key string, from drivers.Position) error {
			one.RLock()
			defer one.RUnlock()
			return d.correctWait(ctx, key, from)
		}
		d.get = func(ctx context.Context, key string) (drivers.Item, error) {
			one.Lock()
			defer one.Unlock()
			return d.correctGet(ctx, key)
		}
	}},
	"WaitsForOneLog": {"Waiter/Beside", func(d *fake) {
		var one sync.Mutex
		d.waits = func(ctx context.Context, key string, from drivers.Position) error {
			one.Lock()
			defer one.Unlock()
			return d.correctWait(ctx, key, from)
		}
	}},
	"WaitOutlivesClose": {"Waiter/Closed", changeWait(func(d *fake, ctx context.Context, key string, from drivers.Position) error {
		if err := d.correctWait(ctx, key, from); err == nil || ctx.Err() != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})},
	"WaitAfterClose": {"Close/WaitAfter", changeWait(func(d *fake, ctx context.Context, key string, from drivers.Position) error {
		if d.correctPing(ctx) == nil {
			return d.correctWait(ctx, key, from)
		}
		return ctx.Err()
	})},
}
