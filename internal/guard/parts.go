package guard

import (
	"errors"
	"slices"
	"sync"
)

// Parts is the error of an operation on several keys that some of their servers have not carried out. The others have.
type Parts struct {
	error         // of those servers, joined
	of    []error // by the place of the key
}

// Of returns the error of the server that keeps the key at a place among those of the operation; nil if it has done its part.
func (p *Parts) Of(place int) error { return p.of[place] }

// Unwrap returns the errors of the servers, joined.
func (p *Parts) Unwrap() error { return p.error }

// ErrorOf returns what err, of an operation on several keys, says of the one at a place: nil where the operation was carried out for it.
// An error that is not [Parts] says the same of each key.
func ErrorOf(err error, place int) error {
	var parts *Parts
	if errors.As(err, &parts) {
		return parts.Of(place)
	}
	return err
}

// Left returns which of the keys of an operation err is of, by the names that the caller has for them.
func Left(err error, names []string) (left []string) {
	for i, name := range names {
		if ErrorOf(err, i) != nil {
			left = append(left, name)
		}
	}
	return left
}

// part is those of an operation's keys that one server keeps, with their places among all.
type part struct {
	on     *breakers
	keys   []string
	places []int
}

// split returns the server of keys that one server keeps, or else a part for each server.
func (s *Store) split(keys []string) (on *breakers, parts []part) {
	if s.sharded == nil || len(keys) == 0 {
		return s.alone, nil
	}
	on = s.at(keys[0])
	for _, key := range keys[1:] {
		if s.at(key) != on {
			return nil, s.parts(keys)
		}
	}
	return on, nil
}

// parts returns keys by their servers.
func (s *Store) parts(keys []string) (parts []part) {
	for i, key := range keys {
		on := s.at(key)
		n := slices.IndexFunc(parts, func(p part) bool { return p.on == on })
		if n < 0 {
			n, parts = len(parts), append(parts, part{on: on})
		}
		p := &parts[n]
		p.keys, p.places = append(p.keys, key), append(p.places, i)
	}
	return parts
}

// put gives the values of a part their places among all.
func (p *part) put(all, values [][]byte) {
	for i, value := range values {
		all[p.places[i]] = value
	}
}

// Beside does n things at once, and waits for them. A panic reaches the caller: in a goroutine of its own it would end the program.
func Beside(n int, do func(i int)) {
	if n == 0 {
		return
	}
	panics := make([]any, n)
	one := func(i int) {
		defer func() { panics[i] = recover() }()
		do(i)
	}
	var running sync.WaitGroup
	for i := 1; i < n; i++ {
		running.Go(func() { one(i) })
	}
	one(0)
	running.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
}

// sideBySide does something for each part of an operation on so many keys, at once, since one may have to wait for its server. It returns
// when all is done, with nil or a [Parts].
func sideBySide(parts []part, keys int, do func(p *part) error) error {
	errs := make([]error, len(parts))
	Beside(len(parts), func(n int) { errs[n] = do(&parts[n]) })
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	failed := &Parts{error: err, of: make([]error, keys)}
	for n := range parts {
		for i, place := range parts[n].places {
			failed.of[place] = ErrorOf(errs[n], i)
		}
	}
	return failed
}
