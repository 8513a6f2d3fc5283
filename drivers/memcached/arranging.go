package memcached

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// A note is what a server has of the arrangement.
type note struct {
	digest  string // of how keys are spread
	word    string
	settled bool
}

const noteForm = "arrangement-1" // another form is another arrangement

func (n note) String() string {
	state := "new"
	if n.settled {
		state = "settled"
	}
	return strings.Join([]string{noteForm, n.digest, n.word, state}, " ")
}

// parseNote returns no note for what is none.
func parseNote(text string) note {
	fields := strings.Fields(text)
	if len(fields) != 4 || fields[0] != noteForm {
		return note{}
	}
	return note{digest: fields[1], word: fields[2], settled: fields[3] == "settled"}
}

// A reading is what a server has answered.
type reading struct {
	note  note
	text  string    // empty where there is nothing
	began time.Time // when it was asked
	err   error     // it has not answered
}

// A view is what all servers together have answered. The first server leads.
type view struct {
	digest  string
	names   []string
	all     []reading
	lost    []int  // servers without a note
	silent  int    // how many do not answer
	foreign bool   // some have the note of another arrangement
	settles string // the word of one that is new; empty for none
	word    string // of all notes; empty where they differ or there are none
}

func viewOf(digest string, names []string, all []reading) view {
	v := view{digest: digest, names: names, all: all}
	words := make(map[string]bool)
	for i, r := range all {
		switch {
		case r.err != nil:
			v.silent++
		case r.text == "":
			v.lost = append(v.lost, i)
		case r.note.digest != digest:
			v.foreign = true
			if !r.note.settled {
				v.settles = r.note.word
			}
		default:
			words[r.note.word] = true
			v.word = r.note.word
		}
	}
	if v.foreign || len(words) != 1 {
		v.word = ""
	}
	return v
}

// find looks until there is a word to go on with, and returns until when.
func (a *arranger) find(ctx context.Context) (until time.Time, err error) {
	for looks := 1; ; looks++ {
		names, digest, err := a.notes.servers()
		if err != nil {
			return until, err
		}
		v := viewOf(digest, names, a.read(ctx, names))
		if a.doubt() {
			a.word = ""
		}
		goesOn, err := a.goOn(ctx, v)
		if err != nil {
			return until, err
		}
		if goesOn {
			if until, goesOn = a.agreed(v); goesOn {
				return until, nil
			}
		}
		if v.silent > 0 {
			return until, silences(v.all)
		}
		wait, err := a.change(ctx, v, looks)
		if err != nil {
			return until, err
		}
		if err := pause(ctx, wait); err != nil {
			return until, fmt.Errorf("the servers' notes of how keys are spread do not settle: %w", err)
		}
	}
}

// goOn tells whether this process goes on with its word, or with another that all have.
func (a *arranger) goOn(ctx context.Context, v view) (bool, error) {
	switch {
	case a.word != "" && v.silent == len(v.all):
		return true, nil // there is nothing that could be read
	case v.word == "":
		return false, nil
	case v.word != a.word:
		return a.adopt(ctx, v)
	}
	for _, i := range v.lost {
		if written, err := a.restore(ctx, v, i); !written || err != nil {
			return false, err
		}
	}
	return true, nil
}

// restore writes the note of a server again that has lost it, unless another one may have settled there since this process saw it.
func (a *arranger) restore(ctx context.Context, v view, i int) (bool, error) {
	ctx, cancel := context.WithDeadline(ctx, a.seen(v.names[i]).Add(settling))
	defer cancel()
	if ctx.Err() != nil {
		return false, nil
	}
	return a.write(ctx, v.names[i], v.all[i], note{v.digest, a.word, true})
}

// adopt takes the word that all servers have, once it has settled.
func (a *arranger) adopt(ctx context.Context, v view) (bool, error) {
	if v.silent > 0 || len(v.lost) > 0 {
		return false, nil
	}
	if !v.all[0].note.settled {
		if !a.hasSettled(v.word) {
			return false, nil
		}
		// Another process may write that too, or another note: then the next look shows it.
		if _, err := a.writeAll(ctx, v, 0, note{v.digest, v.word, true}); err != nil {
			return false, err
		}
	}
	a.word = v.word
	return true, nil
}

// hasSettled notes that all servers have a word, and tells whether they have had it for long enough, and have answered all the time.
func (a *arranger) hasSettled(word string) bool {
	now := time.Now()
	if a.fresh != word || now.Sub(a.sampled) > steady {
		a.fresh, a.freshFrom = word, now
	}
	a.sampled = now
	return now.Sub(a.freshFrom) >= settling
}

// change does what has to be done before the next look, and returns how long that has to wait.
func (a *arranger) change(ctx context.Context, v view, looks int) (time.Duration, error) {
	soon := time.Duration(20+mathrand.IntN(40)) * time.Millisecond
	if v.foreign && (a.word != "" || a.fresh != "") {
		if a.contested++; a.contested == 2 && a.warn != nil {
			a.warn()
		}
	}
	a.word = ""
	if v.word != "" && len(v.lost) == 0 { // it settles
		return sampling, nil
	}
	a.fresh = ""
	if v.settles != "" && v.settles != a.yieldedTo { // or else neither of two would ever get to go on
		a.yieldedTo = v.settles
		return settling + 10*soon, nil
	}
	if looks == 1 && len(v.lost) < len(v.all) { // another process may be about to write the rest
		return soon, nil
	}
	written, err := a.establish(ctx, v)
	if err != nil || written {
		return 0, err
	}
	return soon, nil
}

// establish writes notes with a new word, and reports whether no other process wrote meanwhile.
func (a *arranger) establish(ctx context.Context, v view) (bool, error) {
	n := note{digest: v.digest, word: rand.Text()}
	if written, err := a.write(ctx, v.names[0], v.all[0], n); !written || err != nil {
		return false, err
	}
	return a.writeAll(ctx, v, 1, n)
}

// writeAll writes a note on all servers from one on, all at once, and reports whether the notes that were read were still on each.
func (a *arranger) writeAll(ctx context.Context, v view, from int, n note) (bool, error) {
	var running sync.WaitGroup
	results := make([]bool, len(v.names))
	errs := make([]error, len(v.names))
	for i := from; i < len(v.names); i++ {
		running.Go(func() { results[i], errs[i] = a.write(ctx, v.names[i], v.all[i], n) })
	}
	running.Wait()
	return !slices.Contains(results[from:], false), errors.Join(errs...)
}
