package memcached

import (
	"context"
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
//   - A process looks at the notes before it goes on, and goes on with what it has seen for a second. It looks anew before that is over, also
//     while it is idle.
//   - A process that has not gone on yet, or that finds a note of another digest, or different words, writes notes with a new word
//     on all servers, the first server's first, each in the place of the note that it has read (add, cas). So the words of two
//     processes that write at a time do not both stay: the one that is late begins anew.
//   - Notes are new until the time is over in which others may go on that have not looked since: settling. A process that finds that all
//     have been the same for so long, and that all servers have answered all that time and quickly, says so in the notes, so that those that
//     come later do not wait. A new note of another arrangement is left to settle first.
//   - A process that goes on already also does so without a server that does not answer, as long as it asks it again and again without a gap.
//     Had another process had the time to settle there, one of these would have been answered, since the server then answered quickly.
//     Whatever answer comes, however late, counts: where it is not the word of this process, that is given up. One that does not go on
//     yet waits for all servers.
//   - A note that is lost is written again by a process that has just seen it on that server: so lately that nothing else that was written
//     there meanwhile can have settled. Any other makes a new word.
//
// Whatever is lost, evicted or written late costs misses alone. What cannot be known is what a server says to others and not to this
// process. The times hold together by this: mostApart + steady < settling, and lookEvery < settling.
const (
	lookEvery = time.Second             // for so long a process goes on behind a question
	lookAhead = 600 * time.Millisecond  // how long before that is over it looks anew
	settling  = 1500 * time.Millisecond // longer by what is late in a process that has much to do

	askEvery  = 250 * time.Millisecond // how often a server is asked that does not answer
	mostApart = 900 * time.Millisecond // two questions that follow each other without a gap
	quickly   = 400 * time.Millisecond // without an answer in this time a process goes on without the server
	noteTime  = 800 * time.Millisecond // for so long an answer is waited for, whatever the operation timeout is

	sampling = 50 * time.Millisecond  // how often new notes are looked at while they settle
	steady   = 350 * time.Millisecond // all servers answer so often meanwhile, or it begins anew

	lookMost = 10 * time.Second // what a look may take, with all that it leads to
)

var _ drivers.Arranged = (*Driver)(nil)

// Arrangement returns the word of how keys are spread over the servers: see [drivers.Arranged]. It wants a server that was started
// without -C. Where the servers have the notes of another arrangement, or none, it takes a second and a half more, which go on
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
	notes notes
	warn  func() // says that another arrangement comes back again and again; nil for nothing

	life context.Context // of the driver
	end  func()

	current atomic.Pointer[outcome]

	mu      sync.Mutex
	looking chan struct{}    // closed when the look that is under way is over; nil for none
	ahead   *time.Timer      // begins the next one
	doubted bool             // an answer beside the look was not the word that this process goes on with
	peers   map[string]*peer // the servers that were asked, by name

	// What follows is of the look that is under way alone.
	word      string    // that this process goes on with; empty for none
	fresh     string    // the word that settles
	freshFrom time.Time // since when all notes have it, as far as was seen
	sampled   time.Time // when that was seen last
	yieldedTo string    // the word of another arrangement that was left to settle
	contested int       // how often another arrangement ended this one's word
}

// An outcome is what a look has found.
type outcome struct {
	word  string
	err   error
	until time.Time
}

func newArranger(notes notes) *arranger {
	a := &arranger{notes: notes, peers: make(map[string]*peer)}
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
		over := a.look(false)
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

// look begins a look, unless one is under way, and returns what is closed when it is over. Unless it is made ahead, it is not begun where
// another has just looked.
func (a *arranger) look(ahead bool) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.looking != nil {
		return a.looking
	}
	over := make(chan struct{})
	if last := a.current.Load(); last != nil && !ahead && time.Now().Before(last.until) {
		close(over)
		return over
	}
	a.looking = over
	go func() {
		ctx, cancel := context.WithTimeout(a.life, lookMost)
		defer cancel()
		for !a.conclude(a.find(ctx)) {
		}
		close(over)
	}()
	return over
}

// conclude ends a look with what it has found, and reports whether it may: what was found before an answer that contradicts it is found anew.
func (a *arranger) conclude(until time.Time, err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.doubted && err == nil {
		return false
	}
	a.doubted, a.looking = false, nil
	if a.ahead != nil {
		a.ahead.Stop()
	}
	if err != nil {
		a.word, a.fresh = "", "" // what has been written to a server that does not answer is not known
		a.forget()
		a.current.Store(&outcome{err: err, until: time.Now().Add(lookEvery)})
		return true
	}
	a.current.Store(&outcome{word: a.word, until: until})
	a.ahead = time.AfterFunc(time.Until(until)-lookAhead, func() {
		if a.life.Err() == nil {
			a.look(true)
		}
	})
	return true
}

// doubt reports whether an answer beside the looks, or beside the one that is under way, was not the word that this process goes on with.
func (a *arranger) doubt() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	doubted := a.doubted
	a.doubted = false
	return doubted
}
