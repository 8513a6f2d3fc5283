package purge_test

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	schedules = flag.Int("schedules", 10_000, "how many schedules the simulator runs")
	seed      = flag.Uint64("seed", 0, "the first schedule's seed, to run one again")
)

// TestSchedules runs the protocol of several processes through random schedules, with faults of the store.
func TestSchedules(t *testing.T) {
	begin := time.Now()
	var next, failed atomic.Uint64
	next.Store(*seed)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			f := newFleet()
			right := &mistake{}
			for failed.Load() == 0 {
				one := next.Add(1) - 1
				if one >= *seed+uint64(*schedules) {
					break
				}
				if bad := f.run(one, right, false); bad != "" && failed.Add(1) == 1 {
					f.run(one, right, true)
					t.Errorf("schedule %d (-seed %d -schedules 1): %s\n%s", one, one, bad, f.w.Trace())
				}
			}
			f.w.Close()
		})
	}
	workers.Wait()
	t.Logf("%d schedules in %v", *schedules, time.Since(begin).Round(time.Millisecond))
}
