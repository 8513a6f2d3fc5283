package inmemory

import "time"

// ReapDelay is how long expired entries are left for Sweep.
const ReapDelay = reapDelay

// ReapTime is within what time entries are gone once they are due: two ticks of ours, and one of otter's timer wheel.
const ReapTime = 2*reapInterval + 2*time.Second

// Entries is how many entries take memory, expired ones among them.
func (d *Driver) Entries() int {
	return d.store.Load().EstimatedSize()
}
