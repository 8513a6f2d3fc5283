package serve

import (
	"sync/atomic"
	"time"
)

// clock tells the time as time.Now does, but reads the wall clock only once a second: between, it goes by the monotonic clock, and
// so takes half as long. A wall clock that is set is noticed a second later.
type clock struct{ read atomic.Pointer[time.Time] }

func (c *clock) now() time.Time {
	if read := c.read.Load(); read != nil {
		if since := time.Since(*read); since >= 0 && since < time.Second {
			return read.Add(since)
		}
	}
	now := time.Now()
	c.read.Store(&now)
	return now
}
