package memcached

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A world is servers with notes, and processes that ask them, in time that a bubble makes.
type world struct {
	mu    sync.Mutex
	chaos *rand.Rand
	texts map[string]string
	dead  map[string]bool

	slow  time.Duration // the longest that a message is on its way
	loses float64       // the part of all answers that are lost
	again float64       // the part of all writes that are done once more, later
	wrote sync.WaitGroup

	returned []returned
}

// returned is a word that a process was told.
type returned struct {
	at          time.Time
	list, words string
}

var errSilent = errors.New("it does not answer")

// chance draws a lot.
func (w *world) chance(part float64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chaos.Float64() < part
}

// way is how long a message takes.
func (w *world) way() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Duration(w.chaos.Int64N(int64(w.slow) + 1))
}

// told are the notes as one process reaches them.
type told struct {
	*world
	list string // of servers, separated by commas: its order is that in which keys are spread
}

func (n told) servers() ([]string, string, error) {
	return slices.Sorted(slices.Values(strings.Split(n.list, ","))), n.list, nil
}

// message has something done at a server.
func (n told) message(ctx context.Context, server string, do func()) error {
	if err := pause(ctx, n.way()); err != nil {
		return err
	}
	n.mu.Lock()
	dead := n.dead[server]
	if !dead {
		do()
	}
	n.mu.Unlock()
	if dead || n.chance(n.loses) {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", errSilent, ctx.Err())
	}
	return pause(ctx, n.way())
}

func (n told) read(ctx context.Context, server string) (text string, err error) {
	err = n.message(ctx, server, func() { text = n.texts[server] })
	return text, err
}

func (n told) write(ctx context.Context, server string, old, text string) (written bool, err error) {
	do := func() {
		if written = n.texts[server] == old; written {
			n.texts[server] = text
		}
	}
	err = n.message(ctx, server, do)
	if n.chance(n.again) {
		n.wrote.Go(func() {
			time.Sleep(100 * n.way())
			n.mu.Lock()
			defer n.mu.Unlock()
			if n.texts[server] == old {
				n.texts[server] = text
			}
		})
	}
	return written, err
}

// process asks for the word again and again, and lies idle now and then.
func (w *world) process(list string, until time.Time, idles bool) {
	a := newArranger(told{w, list}, 300*time.Millisecond)
	defer a.end()
	for time.Now().Before(until) {
		ctx, cancel := context.WithTimeout(a.life, 500*time.Millisecond)
		word, err := a.arrangement(ctx)
		cancel()
		if err == nil {
			w.mu.Lock()
			w.returned = append(w.returned, returned{time.Now(), list, word})
			w.mu.Unlock()
		}
		rest := time.Duration(20 + w.chaosN(40))
		if idles && w.chance(0.02) {
			rest = time.Duration(1000 + w.chaosN(8000))
		}
		time.Sleep(rest * time.Millisecond)
	}
}

func (w *world) chaosN(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chaos.IntN(n)
}

// check finds a word that was told before and after one of another arrangement of the same servers.
func (w *world) check(t *testing.T, seed uint64) {
	t.Helper()
	first, last := make(map[string]time.Time), make(map[string]time.Time)
	lists := make(map[string]string)
	for _, r := range w.returned {
		if _, there := first[r.words]; !there {
			first[r.words] = r.at
		}
		last[r.words] = r.at
		if list, there := lists[r.words]; there && list != r.list {
			t.Fatalf("seed %d: %q and %q have the same word", seed, list, r.list)
		}
		lists[r.words] = r.list
	}
	for _, r := range w.returned {
		for word, list := range lists {
			if list != r.list && share(list, r.list) && r.at.After(first[word]) && r.at.Before(last[word]) {
				t.Fatalf("seed %d: %q goes on with the word that it had before %q went on", seed, list, r.list)
			}
		}
	}
}

func share(list, other string) bool {
	for server := range strings.SplitSeq(list, ",") {
		if slices.Contains(strings.Split(other, ","), server) {
			return true
		}
	}
	return false
}

var arrangements = flag.Uint("arrangements", 50, "how many worlds TestArrangementHolds makes of each kind")

// TestArrangementHolds runs processes with different lists of servers, on slow lines that lose answers and repeat writes, through servers
// that die and notes that are evicted: no word is told before and after one of another arrangement, and those that are left agree.
func TestArrangementHolds(t *testing.T) {
	kinds := map[string]func(w *world){
		"Idle":     func(w *world) {},
		"Lost":     func(w *world) { w.loses = 0.02 },
		"Repeated": func(w *world) { w.again, w.loses = 0.3, 0.01 },
		"Evicted":  func(w *world) { go w.evict() },
		"Dying":    func(w *world) { go w.die() },
	}
	lists := []string{"a,b", "b,a", "a", "b", "a,b,c", "c", "b,c"}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told, words, worlds := 0, 0, uint64(*arrangements)
			if name == "Dying" {
				worlds *= 2 // of which one in a hundred has all that matters come together
			}
			for seed := range worlds {
				synctest.Test(t, func(t *testing.T) {
					w := &world{
						chaos: rand.New(rand.NewPCG(seed, 1)), texts: make(map[string]string), dead: make(map[string]bool),
						slow: time.Millisecond << (seed % 6),
					}
					kind(w)
					begin := time.Now()
					var running sync.WaitGroup
					for range 2 + seed%4 {
						list := lists[w.chaosN(len(lists))]
						from, to := time.Duration(w.chaosN(15))*time.Second, time.Duration(5+w.chaosN(30))*time.Second
						running.Go(func() {
							time.Sleep(from)
							w.process(list, begin.Add(from+to), name != "Dying")
						})
					}
					running.Wait()
					w.wrote.Wait()
					w.check(t, seed)
					w.agree(t, seed)
					told += len(w.returned)
					for i, r := range w.returned {
						if i == 0 || w.returned[i-1].words != r.words {
							words++
						}
					}
				})
			}
			if told < 5000 || words < 100 {
				t.Errorf("%d words of %d changes were told: that proves nothing", told, words)
			}
			t.Logf("%d words were told, %d of them another than before", told, words)
		})
	}
}

const chaosLasts = time.Minute

// evict loses notes.
func (w *world) evict() {
	for end := time.Now().Add(chaosLasts); time.Now().Before(end); time.Sleep(time.Duration(w.chaosN(4000)) * time.Millisecond) {
		w.mu.Lock()
		delete(w.texts, []string{"a", "b", "c"}[w.chaos.IntN(3)])
		w.mu.Unlock()
	}
}

// die has servers die for long, and come back as they were, or empty.
func (w *world) die() {
	for end := time.Now().Add(chaosLasts); time.Now().Before(end); time.Sleep(time.Duration(w.chaosN(4000)) * time.Millisecond) {
		server := []string{"a", "b", "c"}[w.chaosN(3)]
		w.setDead(server, true)
		time.Sleep(time.Duration(3000+w.chaosN(4000)) * time.Millisecond)
		if w.chance(0.5) {
			w.mu.Lock()
			delete(w.texts, server)
			w.mu.Unlock()
		}
		w.setDead(server, false)
	}
}

func (w *world) setDead(server string, dead bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead[server] = dead
}

// agree: when all is quiet, processes with one list have one word within seconds, which stays, also for one that comes later.
func (w *world) agree(t *testing.T, seed uint64) {
	t.Helper()
	time.Sleep(2 * chaosLasts)
	w.mu.Lock()
	w.loses, w.again, w.slow = 0, 0, 5*time.Millisecond
	w.mu.Unlock()
	all := make([]*arranger, 5)
	for i := range all {
		all[i] = newArranger(told{w, "a,b,c"}, 300*time.Millisecond)
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
