package memcached

import (
	"context"
	"flag"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var arrangements = flag.Uint("arrangements", 20, "how many worlds TestArrangementHolds makes of each kind")

// kinds are what befalls the worlds of TestArrangementHolds, beside the servers that processes are told.
var kinds = map[string]func(w *world){
	"Idle":     func(w *world) {},
	"Lost":     func(w *world) { w.loses = 0.02 },
	"Repeated": func(w *world) { w.again, w.loses = 0.3, 0.01 },
	"Evicted":  func(w *world) { w.befalls(w.evict) },
	"Dying":    func(w *world) { w.befalls(w.die) },
	"Stopped":  func(w *world) { w.visited = true; w.befalls(w.stop) },
	"Restarts": func(w *world) { w.visited = true; w.befalls(w.restart) },
	"Slow":     func(w *world) { w.visited = true; w.befalls(w.slowDown) },
	"Cut":      func(w *world) { w.visited = true; w.befalls(w.cutOff) },
	"Chaos": func(w *world) {
		w.visited = true
		for _, what := range []func(){w.stop, w.restart, w.slowDown, w.cutOff} {
			w.befalls(what)
		}
	},
}

// TestArrangementHolds runs processes with different lists of servers, on slow lines that lose answers and repeat writes, through servers
// that die, stop, are slow or out of reach for some, and notes that are evicted: no word is told before and after one of another
// arrangement, and those that are left agree.
func TestArrangementHolds(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told, words := 0, 0
			for seed := range uint64(*arrangements) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(seed)
					kind(w)
					w.run(seed)
					w.check(t, seed)
					w.agree(t, seed)
					told += len(w.returned)
					for i, r := range w.returned {
						if i == 0 || w.returned[i-1].word != r.word {
							words++
						}
					}
				})
			}
			if worlds := int(*arrangements); told < 50*worlds || words < worlds {
				t.Errorf("%d words of %d changes were told: that proves nothing", told, words)
			}
			t.Logf("%d words were told, %d of them another than before", told, words)
		})
	}
}

// run has processes that are told lists begin and end.
func (w *world) run(seed uint64) {
	lists := []string{"a,b", "b,a", "a", "b", "a,b,c", "c", "b,c"}
	begin := time.Now()
	var running sync.WaitGroup
	if w.visited { // two that stay, with one list, and others that come and go
		for range 2 {
			running.Go(func() { w.process("a,b", begin.Add(chaosLasts)) })
		}
		running.Go(func() {
			for time.Since(begin) < chaosLasts {
				time.Sleep(w.upTo(6 * time.Second))
				w.process(lists[2+w.chaosN(2)], time.Now().Add(2*time.Second+w.upTo(3*time.Second)))
			}
		})
	} else {
		for range 2 + seed%4 {
			list := lists[w.chaosN(len(lists))]
			from, to := time.Duration(w.chaosN(15))*time.Second, time.Duration(5+w.chaosN(30))*time.Second
			running.Go(func() {
				time.Sleep(from)
				w.process(list, begin.Add(from+to))
			})
		}
	}
	running.Wait()
	w.chaosEnds.Wait()
}

// check finds a word that was told before and after one of another arrangement, by processes that reach a server that both are told.
func (w *world) check(t *testing.T, seed uint64) {
	t.Helper()
	first, lists := make(map[string]time.Time), make(map[string]string)
	type teller struct {
		word    string
		process int
	}
	last := make(map[teller]time.Time)
	for _, r := range w.returned {
		if _, there := first[r.word]; !there {
			first[r.word] = r.at
		}
		last[teller{r.word, r.process}] = r.at
		if list, there := lists[r.word]; there && list != r.list {
			t.Errorf("seed %d: %q and %q have the same word", seed, list, r.list)
		}
		lists[r.word] = r.list
	}
	for _, r := range w.returned {
		for other, at := range last {
			list := lists[other.word]
			if list != r.list && w.share(r, returned{process: other.process, list: list}) && r.at.After(first[other.word]) && r.at.Before(at) {
				t.Errorf("seed %d: %q of process %d goes on, %v later, with the word that it had before %q of process %d went on",
					seed, list, other.process, at.Sub(r.at), r.list, r.process)
				return
			}
		}
	}
}

// agree: when all is quiet, also what was to be written later, processes with one list have one word within seconds, which stays, also for one that comes later.
func (w *world) agree(t *testing.T, seed uint64) {
	t.Helper()
	w.mu.Lock()
	w.loses, w.again, w.slow = 0, 0, 5*time.Millisecond
	clear(w.cut)
	w.mu.Unlock()
	time.Sleep(chaosLasts)
	all := make([]*arranger, 5)
	for i := range all {
		all[i] = newArranger(told{w, "a,b,c", -1})
		defer all[i].end()
	}
	var running sync.WaitGroup
	words := make([]string, 4)
	for i := range words {
		running.Go(func() { words[i], _ = all[i].arrangement(context.Background()) })
	}
	running.Wait()
	begin := time.Now()
	late, err := all[4].arrangement(context.Background())
	if waited := time.Since(begin); err != nil || waited >= lookEvery {
		t.Errorf("seed %d: a process that comes later waits for %v: %v", seed, waited, err)
	}
	if words = slices.Compact(append(words, late)); len(words) != 1 || words[0] == "" {
		t.Errorf("seed %d: processes with one list have the words %q", seed, words)
	}
}
