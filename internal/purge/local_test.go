package purge_test

import (
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gin-cachette/cachette/internal/purge"
)

// of is the scope of a path on every host.
func of(path string) purge.Scope { return purge.Scope{Kind: purge.Path, Name: path} }

// stands tells whether a purge has left an entry valid.
func stands(p purge.Protocol, b *purge.Basis) bool {
	state, ok := p.Judge(nil, b)
	return ok && state == purge.Valid
}

// TestOthersStay holds that any number of purges of other scopes, used or not, leaves an entry alone, and that what is not in use any
// more takes no room.
func TestOthersStay(t *testing.T) {
	p := purge.NewLocal()
	entry := begin(t, p, []purge.Scope{path, host, space})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 200_000 {
		name := "/" + strconv.Itoa(i)
		other := []purge.Scope{of(name), purge.OfHostPath("h", name), {Kind: purge.Namespace, Name: name}}
		if i%2 == 0 {
			begin(t, p, other)
		}
		must(t, p.Purge(ctx, other...))
	}
	for i := range 200_000 {
		begin(t, p, []purge.Scope{of("/x" + strconv.Itoa(i))})
	}
	runtime.GC()
	for i := range 100_000 { // has what is left removed
		begin(t, p, []purge.Scope{of("/y" + strconv.Itoa(i))})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if !stands(p, &entry.Basis) {
		t.Error("the entry of other scopes is gone")
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the purges have grown by %d KiB", grown>>10)
	}
	runtime.KeepAlive(p)
}

// TestConcurrentPurges holds that no entry outlives a purge that began after its fill, and that none ends without one.
func TestConcurrentPurges(t *testing.T) {
	p := purge.NewLocal()
	known := []purge.Scope{path, host, space}
	purges := []purge.Scope{path, host, space, all, prefix, tag, path.Softly(), prefix.Softly()}
	var begun, done atomic.Int64 // purges
	stop := make(chan struct{})
	var fills sync.WaitGroup
	for range 4 {
		fills.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ended := done.Load()
				if begun.Load() != ended {
					continue // one is under way, and the fill may come before it or after
				}
				ticket, _ := p.Begin(ctx, nil, purge.Fill{Known: append(known, path.Softly()), Late: true})
				kept, _ := p.Name(ctx, &ticket, []purge.Scope{tag}, 0)
				if (!kept || !stands(p, &ticket.Basis)) && begun.Load() == ended {
					t.Error("an entry ends without a purge")
					return
				}
			}
		})
	}
	for i := range 3000 {
		ticket, _ := p.Begin(ctx, nil, purge.Fill{Known: append(known, path.Softly()), Late: true})
		if i%2 == 0 { // the tag is named before the purge, else behind it
			if kept, _ := p.Name(ctx, &ticket, []purge.Scope{tag}, 0); !kept {
				t.Fatal("a fill cannot be kept without a purge")
			}
		}
		begun.Add(1)
		must(t, p.Purge(ctx, purges[i/2%len(purges)]))
		done.Add(1)
		kept := i%2 == 0
		if !kept {
			kept, _ = p.Name(ctx, &ticket, []purge.Scope{tag}, 0)
		}
		if kept && stands(p, &ticket.Basis) {
			t.Fatalf("an entry outlives purge %d, of %v", i, purges[i/2%len(purges)])
		}
	}
	close(stop)
	fills.Wait()
}
