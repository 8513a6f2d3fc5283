package memcached

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// How keys are spread is told to each process by itself. One that is told otherwise puts keys, and removes them, where the others do
// not look: it purges pages that they still serve. So each server has a note, an item that names the arrangement: how keys
// are spread over which servers, as a digest, and a random word. A process goes on only while all servers that answer
// have its note.
//
//   - A process looks at the notes before it goes on, and again when that is a second ago.
//   - A process that has not gone on yet, or that finds a note of another digest, or different words, writes notes with a new word
//     on all servers, the first server's first, each in the place of the note that it has read (add, cas). So the words of two
//     processes that write at a time do not both stay: the one that is late begins anew.
//   - Notes are new until the time is over in which others may go on that have not looked since: settling. A process that finds that all
//     have been the same for so long says so in the notes, so that those that come later do not wait. A new note of another
//     arrangement is left to settle first.
//   - A server that does not answer, three times in a row, cannot be asked. A process that goes on already still does; one that does
//     not waits for it.
//   - A note that is lost is written again by a process that has just seen it: so lately that nothing else that was written there
//     meanwhile can have settled. Any other makes a new word.
//
// Whatever is lost, evicted or written late costs misses alone.
const (
	lookEvery = time.Second             // for so long a process goes on behind a look
	settling  = 1100 * time.Millisecond // longer by what clocks differ in speed
	asks      = 3                       // how often a server that does not answer is asked
	lookMost  = 10 * time.Second        // what a look may take, with all that it leads to
)

var _ drivers.Arranged = (*Driver)(nil)

// Arrangement returns the word of how keys are spread over the servers: see [drivers.Arranged]. It wants a server that was started
// without -C. Where the servers have the notes of another arrangement, or none, it takes a second and a round trip more, which go on
// when ctx has ended. Programs with other lists of servers that share one of them empty each other's caches, whatever keys they use.
func (d *Driver) Arrangement(ctx context.Context) (string, error) {
	if err := d.begin(ctx); err != nil {
		return "", err
	}
	word, err := d.arranger.arrangement(ctx)
	return word, d.failed(ctx, "arrangement", err)
}

// An arranger keeps one process to one arrangement.
type arranger struct {
	notes   notes
	timeout time.Duration // of a server that has to answer
	warn    func()        // says that another arrangement comes back again and again; nil for nothing

	life context.Context // of the driver
	end  func()

	current atomic.Pointer[outcome]

	mu      sync.Mutex
	looking chan struct{}    // closed when the look that is under way is over; nil for none
	silent  map[string]error // the servers that did not answer, and are asked beside the look
	awaited map[string]bool  // for which there is a goroutine

	// What follows is of the look that is under way alone.
	word      string    // that this process goes on with; empty for none
	agreedAt  time.Time // when it saw it last
	fresh     string    // the word that settles
	freshFrom time.Time // since when all notes have it, as far as was seen
	yieldedTo string    // the word of another arrangement that was left to settle
	contested int       // how often another arrangement ended this one's word
}

// An outcome is what a look has found.
type outcome struct {
	word  string
	err   error
	until time.Time
}

func newArranger(notes notes, timeout time.Duration) *arranger {
	a := &arranger{notes: notes, timeout: min(timeout, lookEvery), silent: make(map[string]error), awaited: make(map[string]bool)}
	a.life, a.end = context.WithCancel(context.Background())
	return a
}

// arrangement returns what the last look has found, or has one made: by one caller for all. Behind one that has failed lately the next one is
// not waited for.
func (a *arranger) arrangement(ctx context.Context) (string, error) {
	for {
		last := a.current.Load()
		if last != nil && time.Now().Before(last.until) {
			return last.word, last.err
		}
		over := a.look()
		if last != nil && last.err != nil && time.Now().Before(last.until.Add(lookMost)) {
			return "", last.err // each look at a server that hangs would hold up all requests anew
		}
		select {
		case <-over:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// look begins a look, unless one is under way, and returns what is closed when it is over.
func (a *arranger) look() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.looking != nil {
		return a.looking
	}
	over := make(chan struct{})
	if last := a.current.Load(); last != nil && time.Now().Before(last.until) {
		close(over) // another has just looked
		return over
	}
	a.looking = over
	go func() {
		ctx, cancel := context.WithTimeout(a.life, lookMost)
		defer cancel()
		word, from, err := a.find(ctx)
		until := from.Add(lookEvery)
		if err != nil {
			word, until = "", time.Now().Add(lookEvery)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.current.Store(&outcome{word, err, until})
		a.looking = nil
		close(over)
	}()
	return over
}

// read asks servers for their notes, all at once. Those that did not answer last time are asked beside that, where this process goes on
// without them: once one answers, a new look is made.
func (a *arranger) read(ctx context.Context, names []string) []reading {
	timeout := a.timeout
	if a.word != "" {
		timeout /= 2 // then it goes on, and has not used up its caller's time
	}
	all := make([]reading, len(names))
	var running sync.WaitGroup
	for i, name := range names {
		if err := a.silence(name); err != nil && a.word != "" {
			all[i].err = err
			continue
		}
		running.Go(func() { all[i] = a.ask(ctx, name, timeout, asks) })
	}
	running.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, name := range names {
		if all[i].err == nil {
			delete(a.silent, name)
		} else if a.silent[name] == nil && a.word != "" {
			a.silent[name] = all[i].err
			if !a.awaited[name] {
				a.awaited[name] = true
				go a.await(name)
			}
		}
	}
	return all
}

func (a *arranger) silence(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.silent[name]
}

// await asks a server until it answers, so often that what others have written there by then cannot have settled.
func (a *arranger) await(name string) {
	for answers := false; ; {
		a.mu.Lock()
		if answers {
			delete(a.silent, name)
			a.current.Store(nil)
		}
		if a.silent[name] == nil {
			delete(a.awaited, name)
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
		if pause(a.life, lookEvery/4) != nil {
			return
		}
		answers = a.ask(a.life, name, a.timeout/2, 1).err == nil
	}
}

// ask asks a server for its note. An idle connection may be one that nothing comes through any more: the next time it is a new one.
func (a *arranger) ask(ctx context.Context, name string, timeout time.Duration, times int) (r reading) {
	for range times {
		once, cancel := context.WithTimeout(ctx, timeout)
		text, err := a.notes.read(once, name)
		cancel()
		if err == nil {
			return reading{text: text, note: parseNote(text)}
		}
		r.err = fmt.Errorf("%s: %w", name, err)
		if pause(ctx, lookEvery/20) != nil {
			break
		}
	}
	return r
}

// write writes a note in the place of the one that was read, and reports whether that was still there.
func (a *arranger) write(ctx context.Context, name string, old reading, n note) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	written, err := a.notes.write(ctx, name, old.text, n.String())
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return written, nil
}

// silences joins what the servers that do not answer have to do with it.
func silences(all []reading) error {
	var errs []error
	for _, r := range all {
		if r.err != nil {
			errs = append(errs, r.err)
		}
	}
	return errors.Join(errs...)
}
