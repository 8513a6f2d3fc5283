package memcached

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// A world is servers with notes, and processes that ask them, in time that a bubble makes.
type world struct {
	mu      sync.Mutex
	chaos   *rand.Rand
	texts   map[string]string
	dead    map[string]bool          // it answers nothing, or refuses
	stopped map[string]chan struct{} // it stands still until that is closed, and then answers what it was asked
	delay   map[string]time.Duration // of each message, for a while
	cut     map[path]bool            // ways on which nothing comes through any more
	everCut map[path]bool

	refuses bool          // the dead ones refuse
	visited bool          // processes with other lists come and go
	slow    time.Duration // the longest that a message is on its way
	loses   float64       // the part of all answers that are lost
	again   float64       // the part of all writes that are done once more, later

	chaosEnds sync.WaitGroup
	processes int
	returned  []returned
}

// A path is the way of a process to a server.
type path struct {
	process int
	server  string
}

// returned is a word that a process was told.
type returned struct {
	at         time.Time
	process    int
	list, word string
}

var errSilent = errors.New("it does not answer")

const chaosLasts = time.Minute

func newWorld(seed uint64) *world {
	return &world{
		chaos: rand.New(rand.NewPCG(seed, 1)), texts: make(map[string]string), dead: make(map[string]bool), stopped: make(map[string]chan struct{}),
		delay: make(map[string]time.Duration), cut: make(map[path]bool), everCut: make(map[path]bool),
		slow: time.Millisecond << (seed % 6), refuses: seed%2 == 0,
	}
}

// chance draws a lot.
func (w *world) chance(part float64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chaos.Float64() < part
}

// chanceOf draws a lot by a part that changes.
func (w *world) chanceOf(part *float64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chaos.Float64() < *part
}

func (w *world) chaosN(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chaos.IntN(n)
}

func (w *world) upTo(most time.Duration) time.Duration { return time.Duration(w.chaosN(int(most))) }

// way is how long a message takes.
func (w *world) way(server string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.delay[server] + time.Duration(w.chaos.Int64N(int64(w.slow)+1))
}

// told are the notes as one process reaches them.
type told struct {
	*world
	list    string // of servers, separated by commas: its order is that in which keys are spread
	process int
}

func (n told) servers() ([]string, string, error) {
	return slices.Sorted(slices.Values(strings.Split(n.list, ","))), n.list, nil
}

// message has something done at a server: by one that stands still perhaps when its caller has given up.
func (n told) message(ctx context.Context, server string, do func()) error {
	if err := pause(ctx, n.way(server)); err != nil {
		return err
	}
	for {
		n.mu.Lock()
		cut, stopped := n.cut[path{n.process, server}], n.stopped[server]
		dead := n.dead[server] || cut
		if !dead && stopped == nil {
			do()
		}
		n.mu.Unlock()
		switch {
		case dead && n.refuses && !cut:
			return errSilent
		case dead || stopped == nil && n.chanceOf(&n.loses):
			<-ctx.Done()
			return fmt.Errorf("%w: %w", errSilent, ctx.Err())
		case stopped == nil:
			return pause(ctx, n.way(server))
		}
		select {
		case <-stopped:
		case <-ctx.Done():
			if n.chance(0.5) {
				n.later(server, stopped, do)
			}
			return fmt.Errorf("%w: %w", errSilent, ctx.Err())
		}
	}
}

// later does what a server was asked before it stood still.
func (n told) later(server string, stopped chan struct{}, do func()) {
	go func() {
		<-stopped
		n.mu.Lock()
		defer n.mu.Unlock()
		if !n.dead[server] && n.stopped[server] == nil {
			do()
		}
	}()
}

func (n told) read(ctx context.Context, server string) (text string, err error) {
	answer := make(chan string, 1) // what a server does later is not told
	err = n.message(ctx, server, func() { answer <- n.texts[server] })
	if err != nil {
		return "", err
	}
	return <-answer, nil
}

func (n told) write(ctx context.Context, server string, old, text string) (written bool, err error) {
	answer := make(chan bool, 1)
	do := func() {
		there := n.texts[server] == old
		if there {
			n.texts[server] = text
		}
		answer <- there
	}
	err = n.message(ctx, server, do)
	if n.chanceOf(&n.again) {
		go func() {
			time.Sleep(min(100*n.way(server), chaosLasts/2))
			n.mu.Lock()
			defer n.mu.Unlock()
			if n.texts[server] == old {
				n.texts[server] = text
			}
		}()
	}
	if err != nil {
		return false, err
	}
	return <-answer, nil
}

// process asks for the word again and again, and lies idle now and then. Its callers wait for as long as its operation timeout.
func (w *world) process(list string, until time.Time) {
	w.mu.Lock()
	w.processes++
	number := w.processes
	w.mu.Unlock()
	timeout := []time.Duration{100, 250, 500, 4000}[w.chaosN(4)] * time.Millisecond
	a := newArranger(told{w, list, number})
	defer a.end()
	for time.Now().Before(until) {
		ctx, cancel := context.WithTimeout(a.life, timeout)
		word, err := a.arrangement(ctx)
		cancel()
		if err == nil {
			w.mu.Lock()
			w.returned = append(w.returned, returned{time.Now(), number, list, word})
			w.mu.Unlock()
		}
		rest := 20*time.Millisecond + w.upTo(40*time.Millisecond)
		if w.chance(0.02) {
			rest = time.Second + w.upTo(8*time.Second)
		}
		time.Sleep(rest)
	}
}

// share tells whether two processes reach a server that both are told.
func (w *world) share(one, other returned) bool {
	for server := range strings.SplitSeq(one.list, ",") {
		if slices.Contains(strings.Split(other.list, ","), server) && !w.everCut[path{one.process, server}] && !w.everCut[path{other.process, server}] {
			return true
		}
	}
	return false
}

// befalls has something happen again and again.
func (w *world) befalls(what func()) {
	w.chaosEnds.Go(func() {
		for end := time.Now().Add(chaosLasts); time.Now().Before(end); {
			what()
		}
	})
}

func (w *world) anyServer() string { return []string{"a", "b", "c"}[w.chaosN(3)] }

// evict loses a note.
func (w *world) evict() {
	time.Sleep(w.upTo(4 * time.Second))
	w.lose(w.anyServer())
}

func (w *world) lose(server string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.texts, server)
}

// die has a server die for long, and come back as it was, or empty.
func (w *world) die() {
	server := w.anyServer()
	w.setDead(server, true)
	time.Sleep(3*time.Second + w.upTo(4*time.Second))
	if w.chance(0.5) {
		w.lose(server)
	}
	w.setDead(server, false)
	time.Sleep(w.upTo(4 * time.Second))
}

// restart has a server die for a moment or for seconds. It comes back empty.
func (w *world) restart() {
	time.Sleep(w.upTo(3 * time.Second))
	server := w.anyServer()
	w.setDead(server, true)
	w.lose(server)
	time.Sleep(w.upTo(3 * time.Second))
	w.setDead(server, false)
}

func (w *world) setDead(server string, dead bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead[server] = dead
}

// stop has a server stand still.
func (w *world) stop() {
	time.Sleep(w.upTo(1500 * time.Millisecond))
	server, on := w.anyServer(), make(chan struct{})
	w.mu.Lock()
	w.stopped[server] = on
	w.mu.Unlock()
	time.Sleep(w.upTo(3 * time.Second))
	w.mu.Lock()
	delete(w.stopped, server)
	close(on)
	w.mu.Unlock()
}

// slowDown has a server be slow for a while, for all processes.
func (w *world) slowDown() {
	time.Sleep(w.upTo(3 * time.Second))
	server := w.anyServer()
	w.setDelay(server, w.upTo(600*time.Millisecond))
	time.Sleep(w.upTo(5 * time.Second))
	w.setDelay(server, 0)
}

func (w *world) setDelay(server string, delay time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay[server] = delay
}

// cutOff has a process not reach a server for a while.
func (w *world) cutOff() {
	time.Sleep(w.upTo(10 * time.Second))
	server := w.anyServer()
	w.mu.Lock()
	cut := path{1 + w.chaos.IntN(w.processes+1), server}
	w.cut[cut], w.everCut[cut] = true, true
	w.mu.Unlock()
	time.Sleep(w.upTo(20 * time.Second))
	w.mu.Lock()
	delete(w.cut, cut)
	w.mu.Unlock()
}
