package sim

import (
	"errors"
	"slices"
	"strconv"

	"github.com/gin-cachette/cachette/internal/purge"
)

// errFailed is what a caller is told that gives up.
var errFailed = errors.New("sim: the store does not answer")

// Store is the store of a world: marks and logs, and what goes wrong with them. It implements purge.Marks and purge.Log, as a store of one server.
// Those of a store of several are its Clients.
type Store struct {
	w *World

	Marks map[string]string
	Logs  map[string]*List

	Full  bool                        // takes nothing new
	Down  func() bool                 // refuses the command that is sent; nil for never
	Away  func(server int) Fault      // what a server does that is down or hangs; nil for Fine
	Quiet func(key string) bool       // nothing goes wrong with a key, and what is done with it is no step; nil for none
	Fault func() Fault                // decides what becomes of a command; nil for Fine
	Pause func() bool                 // decides whether an answer takes a step of its own; nil for never
	Turn  func() bool                 // decides whether the keys of a command are gone through from the last one on; nil for never
	Touch func(key string, grown int) // is told of each mark or log that goes, or of the records that a log gets

	Mistakes Mistakes

	begun int // logs, ever
}

// List is a log: its incarnation, how many records it has had, and the last ones.
type List struct {
	Incarnation, Length int
	Last                []string
}

// Fault is what becomes of a command.
type Fault byte

// What may become of a command.
const (
	Fine    Fault = iota
	Refused       // it is not carried out
	Lost          // it is carried out, and its caller is told that it is not
	Late          // it is carried out later, when its caller has given up
	Twice         // it is carried out, and once more later, as when a client's library repeats it
)

// Mistakes are those that a store or its driver can make, for the simulator to find.
type Mistakes struct {
	RepeatsWord    bool // an add is repeated with the word that it had
	WritesBack     bool // a life is lengthened by writing the word that was there
	Replaces       bool // a purge writes another word, and may do so again
	KeepsLog       bool // a log is not deleted
	DeletesFirst   bool // a purge deletes its marks, and then has its records
	ForgetsRecords bool // what was lost or trimmed of a log is taken for nothing
}

func (s *Store) reset(w *World) {
	marks, logs := s.Marks, s.Logs
	if marks == nil {
		marks, logs = make(map[string]string), make(map[string]*List)
	}
	clear(marks)
	clear(logs)
	*s = Store{w: w, Marks: marks, Logs: logs}
}

// Do sends a command to a server: it takes a step of its own, and what becomes of it is decided then.
func (s *Store) Do(server int, command func() error) error {
	s.w.Yield()
	if s.w.Stopped() {
		return ErrStopped
	}
	if s.Down != nil && s.Down() {
		s.w.Say("   refused")
		return errFailed
	}
	fault := Fine
	if s.Away != nil {
		fault = s.Away(server)
	}
	if fault == Fine && s.Fault != nil {
		fault = s.Fault()
	}
	err := errFailed
	switch fault {
	case Refused:
		s.w.Say("   refused")
	case Late:
		s.w.Say("   will come late")
		s.w.late = append(s.w.late, func() { _ = command() })
	case Lost:
		_ = command()
		s.w.Say("   its answer is lost")
	case Twice:
		err = command()
		s.w.Say("   will be repeated")
		s.w.late = append(s.w.late, func() { _ = command() })
	default:
		err = command()
	}
	if s.Pause != nil && s.Pause() {
		s.w.Yield()
		if s.w.Stopped() {
			return ErrStopped
		}
	}
	return err
}

// between ends a step between two keys of one command, for no store promises that they are one.
func (s *Store) between(i int, key string) {
	if i > 0 && !s.quiet(key) && s.Pause != nil && s.Pause() {
		s.w.Yield()
	}
}

// order returns the numbers of the keys of a command in the order in which they are gone through.
func (s *Store) order(keys int) []int {
	order := make([]int, keys)
	for i := range order {
		order[i] = i
	}
	if keys > 1 && s.Turn != nil && s.Turn() {
		slices.Reverse(order)
	}
	return order
}

func (s *Store) quiet(key string) bool { return s.Quiet != nil && s.Quiet(key) }

func (s *Store) touch(key string, grown int) {
	if s.Touch != nil {
		s.Touch(key, grown)
	}
}

// loudest returns the first of the keys of a command with which something can go wrong, or the first.
func (s *Store) loudest(keys []string) string {
	for _, key := range keys {
		if !s.quiet(key) {
			return key
		}
	}
	return keys[0]
}

// send does what Do does, with a command about a key, among others.
func (s *Store) send(server int, key string, command func() error) error {
	if !s.quiet(key) {
		return s.Do(server, command)
	}
	if s.Away != nil && s.Away(server) != Fine {
		return errFailed
	}
	return command()
}

func (s *Store) words(server int, keys []string) (words []string, err error) {
	err = s.send(server, s.loudest(keys), func() error {
		words = make([]string, len(keys))
		for i, key := range keys {
			s.between(i, key)
			words[i] = s.Marks[key]
		}
		s.w.Say("words %q: %q", keys, words)
		return nil
	})
	return words, err
}

func (s *Store) add(server int, word func() string, keys []string) (words []string, err error) {
	sent := make([]string, len(keys)) // what a repetition by mistake sends again
	err = s.send(server, s.loudest(keys), func() error {
		got := make([]string, len(keys))
		for n, i := range s.order(len(keys)) {
			key := keys[i]
			s.between(n, key)
			if was, ok := s.Marks[key]; ok {
				if got[i] = was; s.Mistakes.WritesBack {
					s.w.late = append(s.w.late, func() { s.Marks[key] = was })
				}
				continue
			}
			if s.Full {
				return errors.New("sim: full")
			}
			if sent[i] == "" || !s.Mistakes.RepeatsWord {
				sent[i] = word()
			}
			s.Marks[key], got[i] = sent[i], sent[i]
		}
		s.w.Say("add %q: %q", keys, got)
		words = got
		return nil
	})
	return words, err
}

func (s *Store) delete(server int, keys []string) error {
	return s.send(server, s.loudest(keys), func() error {
		s.deleteAll(keys)
		return nil
	})
}

func (s *Store) deleteAll(keys []string) {
	s.w.Say("delete %q", keys)
	for n, i := range s.order(len(keys)) {
		s.between(n, keys[i])
		s.drop(keys[i])
	}
}

// purge appends to a log and deletes keys, of which those that are quiet are deleted with the first step. A driver may find that others were faster,
// or a server has moved, and begin anew: then it has deleted once before.
func (s *Store) purge(server int, log string, keep int, records, keys []string) error {
	return s.send(server, s.loudest(append([]string{log}, keys...)), func() error {
		if s.Mistakes.DeletesFirst || s.Turn != nil && s.Turn() {
			s.deleteAll(keys)
			s.between(1, log)
		}
		err := s.appendAll(log, keep, records)
		if s.between(1, log); !s.Mistakes.DeletesFirst {
			s.deleteAll(keys)
		}
		return err // a full store deletes all the same
	})
}

func (s *Store) drop(key string) {
	if s.Mistakes.KeepsLog && s.Logs[key] != nil {
		return
	}
	s.touch(key, 0)
	if _, ok := s.Marks[key]; ok && s.Mistakes.Replaces {
		s.begun++
		next := "replaced" + strconv.Itoa(s.begun)
		s.Marks[key] = next
		s.w.late = append(s.w.late, func() {
			if _, ok := s.Marks[key]; ok {
				s.Marks[key] = next
			}
		})
		return
	}
	delete(s.Marks, key)
	delete(s.Logs, key)
}

// Lose loses a mark or a log.
func (s *Store) Lose(key string) {
	s.w.Say("%q is lost", key)
	s.touch(key, 0)
	delete(s.Marks, key)
	delete(s.Logs, key)
}

// Trim has a log reach back less.
func (s *Store) Trim(key string) {
	if list := s.Logs[key]; list != nil && len(list.Last) > 0 {
		s.w.Say("%q is trimmed", key)
		s.touch(key, 0)
		list.Last = list.Last[1:]
	}
}

func (s *Store) list(key string) *List {
	list := s.Logs[key]
	if list == nil {
		s.begun++
		list = &List{Incarnation: s.begun}
		s.Logs[key] = list
	}
	return list
}

func (s *Store) append(server int, key string, keep int, records []string) error {
	return s.send(server, key, func() error { return s.appendAll(key, keep, records) })
}

func (s *Store) appendAll(key string, keep int, records []string) error {
	if len(records) == 0 {
		return nil
	}
	if s.Full {
		s.w.Say("full: no append to %q", key)
		return errors.New("sim: full")
	}
	s.w.Say("append to %q: %q", key, records)
	s.touch(key, len(records))
	list := s.list(key)
	list.Length += len(records)
	list.Last = append(list.Last[:len(list.Last):len(list.Last)], records...)
	list.Last = list.Last[max(0, len(list.Last)-keep):]
	return nil
}

func (s *Store) endOf(server int, key string) (end purge.Position, err error) {
	err = s.send(server, key, func() error {
		if s.Full && s.Logs[key] == nil {
			return errors.New("sim: full")
		}
		end = s.list(key).end()
		s.w.Say("end of %q: %q", key, end)
		return nil
	})
	return end, err
}

func (l *List) end() purge.Position {
	var b [24]byte
	number := append(strconv.AppendInt(b[:0], int64(l.Incarnation), 10), '.')
	return purge.Position(strconv.AppendInt(number, int64(l.Length), 10))
}

func (s *Store) recordsSince(server int, key string, from purge.Position) (records []string, end purge.Position, complete bool, err error) {
	err = s.send(server, key, func() error {
		records, end, complete = s.since(key, from)
		s.w.Say("%q since %q: %q to %q, complete: %t", key, from, records, end, complete)
		return nil
	})
	return records, end, complete, err
}

func (s *Store) since(key string, from purge.Position) (records []string, end purge.Position, complete bool) {
	list := s.Logs[key]
	if list == nil {
		return nil, from, s.Mistakes.ForgetsRecords
	}
	end = list.end()
	if end == from {
		return nil, end, true
	}
	for back := 1; back <= len(list.Last); back++ {
		at := List{Incarnation: list.Incarnation, Length: list.Length - back}
		if at.end() == from {
			return list.Last[len(list.Last)-back:], end, true
		}
	}
	if s.Mistakes.ForgetsRecords {
		return nil, end, true
	}
	return nil, "", false
}
