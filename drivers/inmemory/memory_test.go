package inmemory_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers/inmemory"
)

// raceDetector tells that the tests run under it. Then writing by the million takes minutes, and shows nothing new
// where one goroutine writes.
var raceDetector bool

func skipUnderRaceDetector(t *testing.T) {
	if raceDetector {
		t.Skip("takes long under the race detector")
	}
}

// heap returns how many bytes of the heap are in use, garbage apart.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // the first one leaves what has finalizers and pools
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// checkHeap reports a heap that has grown by more than the limit and a tenth, or by so little that the limit is wasted.
func checkHeap(t *testing.T, before, limit int64) {
	t.Helper()
	grown := heap() - before
	t.Logf("the heap has grown by %.1f%% of the limit", 100*float64(grown)/float64(limit))
	if grown > limit+limit/10 || grown < limit-limit/5 {
		t.Errorf("the heap has grown by %d bytes, want the limit of %d, a tenth more or a fifth less", grown, limit)
	}
}

// TestHeapStaysWithinLimit writes ten times as much as fits.
func TestHeapStaysWithinLimit(t *testing.T) {
	skipUnderRaceDetector(t)
	put := func(t *testing.T, d *inmemory.Driver, i, size int) {
		if err := d.Set(t.Context(), fmt.Sprintf("products:%d", i), make([]byte, size), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	putObject := func(t *testing.T, d *inmemory.Driver, i, size int) {
		object := &page{body: make([]byte, size)}
		if !d.PutObject(fmt.Sprintf("products:%d", i), object, size+24, time.Hour) {
			t.Fatal("PutObject = false")
		}
	}
	for _, row := range []struct {
		name  string
		limit int64
		size  int
		put   func(t *testing.T, d *inmemory.Driver, i, size int)
	}{
		{"16MiB/100B", 16 << 20, 100, put},
		{"16MiB/1KiB", 16 << 20, 1 << 10, put},
		{"16MiB/16KiB", 16 << 20, 16 << 10, put},
		{"16MiB/33000B", 16 << 20, 33_000, put}, // the allocator takes 40960 for them
		{"16MiB/Objects100B", 16 << 20, 112 - 24, putObject},
		{"16MiB/Objects1KiB", 16 << 20, 1 << 10, putObject},
		{"16MiB/Objects16KiB", 16 << 20, 16 << 10, putObject},
		{"64MiB/100B", 64 << 20, 100, put},
		{"64MiB/1KiB", 64 << 20, 1 << 10, put},
		{"64MiB/16KiB", 64 << 20, 16 << 10, put},
	} {
		t.Run(row.name, func(t *testing.T) {
			before := heap()
			d := open(t, inmemory.Options{MemoryLimit: row.limit})
			for i := range 10 * int(row.limit) / (row.size + 200) {
				row.put(t, d, i, row.size)
			}
			checkHeap(t, before, row.limit)
			d.Close()
			if left := heap() - before; left > row.limit/50 {
				t.Errorf("after Close %d bytes are left", left)
			}
			runtime.KeepAlive(d)
		})
	}
}

// TestHeapWhenSizesChange fills the memory with small entries, which need large tables, and then with large ones.
func TestHeapWhenSizesChange(t *testing.T) {
	skipUnderRaceDetector(t)
	const limit = 16 << 20
	before := heap()
	d := open(t, inmemory.Options{MemoryLimit: limit})
	for i := range 200_000 {
		d.PutObject(fmt.Sprintf("small:%d", i), nil, 0, time.Hour)
	}
	checkHeap(t, before, limit)
	for range 5 { // again and again, as eviction favours what is asked for often
		for i := range 2000 {
			if err := d.Set(t.Context(), fmt.Sprintf("large:%d", i), make([]byte, 16<<10), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := d.Clear(t.Context(), "small:"); err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		if err := d.Set(t.Context(), fmt.Sprintf("large:%d", i), make([]byte, 16<<10), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	checkHeap(t, before, limit)
	runtime.KeepAlive(d)
}

// TestWritersDoNotOutrunEviction counts what is held while several write as fast as they can.
func TestWritersDoNotOutrunEviction(t *testing.T) {
	const (
		limit   = 16 << 20
		writers = 8
	)
	for _, size := range []int{100, 16 << 10, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			d := open(t, inmemory.Options{MemoryLimit: limit})
			value := make([]byte, size)
			done := make(chan struct{})
			var writing sync.WaitGroup
			for w := range writers {
				writing.Go(func() {
					for i := range max(3*limit/(size+200)/writers, 30) {
						if err := d.Set(t.Context(), fmt.Sprintf("%d:%d", w, i), value, time.Hour); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			go func() { writing.Wait(); close(done) }()

			most := 0
			for running := true; running; {
				select {
				case <-done:
					running = false
				default:
					most = max(most, d.Entries())
					time.Sleep(50 * time.Microsecond)
				}
			}
			// A writer may have one more at hand than is accounted for.
			if most*size > limit+limit/10+writers*size {
				t.Errorf("%d entries of %d bytes were held at once, in a limit of %d", most, size, limit)
			}
		})
	}
}

// TestKeyIsCopied stores under short keys that are slices of long strings.
func TestKeyIsCopied(t *testing.T) {
	before := heap()
	d := open(t, inmemory.Options{})
	for i := range 20 {
		line := fmt.Sprint(i, strings.Repeat(" ", 1<<20))
		if err := d.Set(t.Context(), line[:2], nil, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("20 short keys hold on to %d bytes", grown)
	}
	runtime.KeepAlive(d)
}
