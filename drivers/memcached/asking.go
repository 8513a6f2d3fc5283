package memcached

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A peer is what an arranger knows of one server.
type peer struct {
	asker *asker // what asks it, until it answers; nil for none

	// A server that does not answer is asked beside the looks, which no longer wait for it.
	silent error

	seen     time.Time // when the last question was put that was answered with the word of this process
	followed time.Time // when the last one was put, answered or not, of those that followed that one without a gap
}

// An asker asks one server until it answers.
type asker struct {
	answer chan reading // gets the first answer, while a look waits for it
	over   func()       // ends it
	err    error        // the last that it got
}

func (a *arranger) peer(name string) *peer {
	p := a.peers[name]
	if p == nil {
		p = new(peer)
		a.peers[name] = p
	}
	return p
}

// read asks servers for their notes, all at once. A process that goes on already does not wait long for one that does not answer: it is
// asked beside the looks from then on.
func (a *arranger) read(ctx context.Context, names []string) []reading {
	all := make([]reading, len(names))
	var running sync.WaitGroup
	for i, name := range names {
		running.Go(func() { all[i] = a.hear(ctx, name) })
	}
	running.Wait()
	return all
}

// hear returns the answer of a server.
func (a *arranger) hear(ctx context.Context, name string) reading {
	wait := noteTime
	if a.word != "" {
		wait = quickly
	}
	a.mu.Lock()
	p := a.peer(name)
	if err := p.silent; err != nil {
		a.mu.Unlock()
		return reading{err: err}
	}
	q := a.ask(name)
	p.asker = q
	a.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case r := <-q.answer:
		return r
	case <-ctx.Done():
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case r := <-q.answer:
		return r
	default:
	}
	p.silent = fmt.Errorf("%s: %w", name, ctx.Err())
	if q.err != nil {
		p.silent = q.err
	}
	return reading{err: p.silent}
}

// ask asks a server for its note, again and again until it answers: by questions that do not wait for each other, since a connection may be
// one that nothing comes through any more.
func (a *arranger) ask(name string) *asker {
	ctx, cancel := context.WithCancel(a.life)
	q := &asker{answer: make(chan reading, 1), over: cancel}
	go func() {
		for ctx.Err() == nil {
			a.follow(name)
			go a.question(name, q)
			_ = pause(ctx, askEvery)
		}
	}()
	return q
}

// follow notes that a question is put.
func (a *arranger) follow(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.peer(name); time.Since(p.followed) <= mostApart {
		p.followed = time.Now()
	}
}

// question puts one question. Its answer counts whenever it comes, also if another one was answered before.
func (a *arranger) question(name string, q *asker) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(a.life, noteTime)
	defer cancel()
	text, err := a.notes.read(ctx, name)
	r := reading{text: text, note: parseNote(text), began: began}

	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.peer(name)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			q.err = fmt.Errorf("%s: %w", name, err)
		}
		return
	}
	q.over()
	if p.asker == q && p.silent == nil {
		p.asker = nil
		q.answer <- r
		return
	}
	if p.asker == q { // it answers again
		p.asker, p.silent = nil, nil
	}
	if last := a.current.Load(); last != nil && last.word != "" && last.word != r.note.word {
		a.doubted = true
		a.current.Store(nil)
	}
}

// forget has no server be asked beside the looks any more.
func (a *arranger) forget() {
	for _, p := range a.peers {
		if p.asker != nil {
			p.asker.over()
		}
		p.asker, p.silent = nil, nil
	}
}

// agreed notes which servers have answered with the word of this process, and returns until when it goes on. Without those that are silent
// it does so only if they have been asked without a gap.
func (a *arranger) agreed(v view) (until time.Time, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	until = time.Now().Add(lookEvery)
	for i, name := range v.names {
		p, from := a.peer(name), v.all[i].began
		if v.all[i].err != nil {
			from = p.followed
			if time.Since(from) > mostApart {
				return until, false
			}
		} else {
			p.seen = from
			if p.followed.Before(from) {
				p.followed = from
			}
		}
		if end := from.Add(lookEvery); end.Before(until) {
			until = end
		}
	}
	return until, true
}

// seen returns when the last question was put to a server that was answered with the word of this process.
func (a *arranger) seen(name string) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.peer(name).seen
}

// write writes a note in the place of the one that was read, and reports whether that was still there.
func (a *arranger) write(ctx context.Context, name string, old reading, n note) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, noteTime)
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
