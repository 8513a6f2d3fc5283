package logrecord

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// Numbered is a log of which each record is an entry of its own, for stores that add an entry if it is absent, and whose
// larger values are costly to write anew.
//
// Its head, the entry under the key of the log, is the record that begins it, with number 0; it names the keys of all
// others, and holds a number that is that of the last record, or less for a moment. A record is added under the number that
// follows, so that there is none without the one before it. What is to be dropped is removed only when the head has told of
// a record that is far behind it. So a reader that finds no record where the head tells of later ones knows that it does not reach
// back, and a writer that has added a record, that it was not too late to be seen.
//
// Deleting the head ends the log: the records of the next one have other keys, and those of the old one expire.
type Numbered struct {
	Store interface {
		drivers.Adder
		drivers.Batch
		// Remove deletes keys, and does not count them.
		Remove(ctx context.Context, keys ...string) error

		// Head returns the record under key, the number that it holds, and how long it lives; nil if there is none.
		Head(ctx context.Context, key string) (record []byte, last int64, left time.Duration, err error)
		// Raise gives the record under key a larger number, and a life of ttl, if it is the one that is given and its number
		// is smaller, and tells whether it has. It does not write the record.
		Raise(ctx context.Context, key string, record []byte, last int64, ttl time.Duration) (bool, error)
	}
	Heads *Heads // what this process remembers
}

// atFirst is how many records are asked for at once, and stride how many behind those: as a rule nothing has come, and DynamoDB has what is not
// there paid for, too.
const (
	atFirst = 4
	stride  = 16
)

// dropped is how many records are removed at once.
const dropped = 25

// head is a head as it was read.
type head struct {
	key    string
	record []byte
	last   int64
	until  time.Time // when its life ends
}

func (h head) left() time.Duration { return time.Until(h.until) }

// Heads are the heads of logs as a process has last seen them, by their keys, so that it need not read one to append. One that is out of date is found
// out: the number behind its last is taken, or it cannot be raised. The zero value is ready to use.
type Heads struct {
	mu    sync.Mutex
	heads map[string]head
}

const mostHeads = 1000 // beyond, all are forgotten, which costs a look at each

// take returns the head of a log, and forgets it until it is noted again: what another appends meanwhile cannot have the same number.
func (m *Heads) take(key string) (head, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, ok := m.heads[key]
	delete(m.heads, key)
	return h, ok && h.left() > 0
}

func (m *Heads) note(h head) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heads == nil || len(m.heads) >= mostHeads {
		m.heads = make(map[string]head)
	}
	m.heads[h.key] = h
}

// entry returns the key of a record.
func (h head) entry(number int64) string { return entryKey(h.key, h.word(), number) }

func entryKey(key string, word drivers.Position, number int64) string {
	return fmt.Sprint(key, "/log/", word, "/", number)
}

// word names the log among all that there were.
func (h head) word() drivers.Position {
	word, _ := Position(h.record) // which was looked at before
	return word
}

func (n Numbered) head(ctx context.Context, key string) (head, error) {
	record, last, left, err := n.Store.Head(ctx, key)
	if err == nil && record != nil {
		_, err = Position(record)
	}
	return head{key, record, last, time.Now().Add(left)}, err
}

// begun returns the head, which is added if it is absent.
func (n Numbered) begun(ctx context.Context, key string, ttl time.Duration) (head, error) {
	for {
		h, err := n.head(ctx, key)
		if err != nil || h.record != nil {
			return h, err
		}
		if _, err := n.Store.Add(ctx, ttl, Begin, key); err != nil {
			return head{}, err
		}
	}
}

// life is that of records, which outlive the head: its life is looked at, and theirs is not.
func life(ttl time.Duration) time.Duration { return max(ttl, 2*ttl) }

// Append is [drivers.Log.Append].
func (n Numbered) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	return n.Purge(ctx, key, keep, ttl, records)
}

// Purge is [drivers.Purger.Purge], in two round trips where this process was the last one to write the log, or has looked at its end since: one for
// each record, and one in which keys are deleted and the head is raised.
func (n Numbered) Purge(ctx context.Context, key string, keep int, ttl time.Duration, records [][]byte, keys ...string) error {
	if len(records) == 0 {
		return n.Store.Remove(ctx, keys...)
	}
	far := 2 * int64(Room(keep))
	for h, known := n.Heads.take(key); ; known = false {
		if !known {
			var err error
			if h, err = n.begun(ctx, key, ttl); err != nil {
				return err
			}
		}
		numbers, err := n.addAll(ctx, h, ttl, records, known)
		if err != nil {
			return err
		}
		if numbers == nil {
			continue
		}
		next, raised, err := n.raise(ctx, h, numbers[len(numbers)-1], ttl, keys)
		switch {
		case err != nil:
			return err
		case raised:
		case next.record == nil: // removed meanwhile, and the records with it; if it was another log than the one remembered, keys were removed too soon
			return n.Store.Remove(ctx, keys...)
		case !bytes.Equal(next.record, h.record):
			continue // another log was begun meanwhile
		case next.last >= numbers[0]+far:
			continue // it took so long that what has come before may have been dropped already
		}
		n.Heads.note(next)
		return n.drop(ctx, h, numbers, far)
	}
}

// addAll adds records, and returns their numbers; none if the head is one that is remembered, and another has written the log since.
func (n Numbered) addAll(ctx context.Context, h head, ttl time.Duration, records [][]byte, known bool) (numbers []int64, err error) {
	last := h.last
	for _, record := range records {
		number, err := n.add(ctx, h, last+1, ttl, record, known && len(numbers) == 0)
		if err != nil || number == 0 {
			return nil, err
		}
		last, numbers = number, append(numbers, number)
	}
	return numbers, nil
}

// raise raises the head to the number of a record that was added, and removes keys beside that: the record is there. It returns the head that is there
// then, and whether it was raised. One that still is the same, and tells of nothing far ahead, shows that all readers of the log see the record.
func (n Numbered) raise(ctx context.Context, h head, last int64, ttl time.Duration, keys []string) (next head, raised bool, err error) {
	removed := make(chan error, 1)
	if len(keys) > 0 {
		go func() { removed <- n.Store.Remove(ctx, keys...) }()
	} else {
		removed <- nil
	}
	until := time.Now().Add(ttl)
	raised, err = n.Store.Raise(ctx, h.key, h.record, last, ttl)
	if err = cmp.Or(err, <-removed); err != nil {
		return head{}, false, err
	}
	if raised {
		return head{h.key, h.record, last, until}, true, nil
	}
	next, err = n.head(ctx, h.key)
	return next, false, err
}

// add adds a record under the first number, from number on, that is free, and returns that; or under that number alone, and returns 0 if it is not free.
func (n Numbered) add(ctx context.Context, h head, number int64, ttl time.Duration, data []byte, alone bool) (int64, error) {
	var mu sync.Mutex
	made := make(map[string]bool)
	word := func() []byte { // as the store wants it: anew for each attempt
		packed := Pack(data)
		mu.Lock()
		defer mu.Unlock()
		made[string(packed)] = true
		return packed
	}
	for ; ; number++ {
		there, err := n.Store.Add(ctx, life(ttl), word, h.entry(number))
		if err != nil {
			return 0, err
		}
		mu.Lock()
		mine := made[string(there[0])]
		mu.Unlock()
		if mine {
			return number, nil
		}
		if alone {
			return 0, nil
		}
	}
}

// drop removes records that are far behind those that were appended: some at a time, each time by the one who appends the last of as many.
func (n Numbered) drop(ctx context.Context, h head, numbers []int64, far int64) error {
	var old []string
	for _, number := range numbers {
		if number%dropped != 0 {
			continue
		}
		for one := max(1, number-far-dropped+1); one <= number-far; one++ {
			old = append(old, h.entry(one))
		}
	}
	if len(old) == 0 {
		return nil
	}
	return n.Store.Remove(ctx, old...)
}

// End is [drivers.Log.End].
func (n Numbered) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	for {
		h, err := n.begun(ctx, key, ttl)
		if err != nil {
			return "", err
		}
		number, word, err := n.last(ctx, h)
		if err != nil {
			return "", err
		}
		if word == "" { // lost, unless the head has moved on
			if err := n.lost(ctx, h); err != nil {
				return "", err
			}
			continue
		}
		if h.left() < ttl/2 {
			if err := n.lengthen(ctx, h, number, ttl); err != nil {
				return "", err
			}
		}
		n.Heads.note(head{key: h.key, record: h.record, last: number, until: h.until})
		return position(h.word(), number, word), nil
	}
}

// last returns the number and the word of the last record; no word if it is not there.
func (n Numbered) last(ctx context.Context, h head) (number int64, word drivers.Position, err error) {
	number = h.last - 1
	if h.last == 0 {
		number, word = 0, h.word()
	}
	for most := atFirst; ; most = stride {
		values, err := n.records(ctx, h.key, h.word(), number+1, most)
		for _, record := range values {
			if word, err = Position(record); err != nil {
				return 0, "", err
			}
			number++
		}
		if err != nil || len(values) < most {
			return number, word, err
		}
	}
}

// records returns those from number on, up to the first that is not there, and no more than most.
func (n Numbered) records(ctx context.Context, key string, word drivers.Position, number int64, most int) ([][]byte, error) {
	keys := make([]string, most)
	for i := range keys {
		keys[i] = entryKey(key, word, number+int64(i))
	}
	values, err := n.Store.GetValues(ctx, keys...)
	for i, value := range values {
		if value == nil {
			return values[:i], err
		}
	}
	return values, err
}

// lost ends a log whose last record is gone.
func (n Numbered) lost(ctx context.Context, h head) error {
	now, err := n.head(ctx, h.key)
	if err != nil || now.last != h.last || !bytes.Equal(now.record, h.record) {
		return err
	}
	return n.Store.Remove(ctx, h.key)
}

// lengthen makes the head, and the last record, live longer. One that has just gone is replaced by one with another word, which
// ends the log for those whose position it is.
func (n Numbered) lengthen(ctx context.Context, h head, number int64, ttl time.Duration) error {
	if number > 0 {
		if _, err := n.Store.Add(ctx, life(ttl), Begin, h.entry(number)); err != nil {
			return err
		}
	}
	_, err := n.Store.Add(ctx, ttl, Begin, h.key)
	return err
}

// Since is [drivers.Log.Since].
func (n Numbered) Since(ctx context.Context, key string, from drivers.Position) (data [][]byte, end drivers.Position, complete bool, err error) {
	log, number, word, ok := parse(from)
	if !ok {
		return nil, "", false, nil
	}
	at := number // of the record that is read next
	if number == 0 {
		at = 1
	}
	most := atFirst
	for waited := false; ; {
		values, err := n.records(ctx, key, log, at, most)
		if err != nil {
			return nil, "", false, err
		}
		for _, record := range values {
			this, err := Position(record)
			switch {
			case err != nil:
				return nil, "", false, err
			case at == number && this != word:
				return nil, "", false, nil
			case at > number && record[wordSize] == appended:
				data = append(data, record[wordSize+1:])
			}
			word, waited = this, false
			at++
		}
		if len(values) == most {
			most = stride
			continue
		}
		h, err := n.head(ctx, key)
		switch {
		case err != nil || h.record == nil || h.word() != log:
			return nil, "", false, err
		case number == 0 && at == 1 && word != log, number > 0 && at == number:
			return nil, "", false, nil // the record before is not there
		case h.last < at:
			return data, position(log, at-1, word), true, nil
		case waited:
			return nil, "", false, nil // what the head tells of is not there: it was dropped
		}
		waited = true
	}
}

func position(log drivers.Position, number int64, word drivers.Position) drivers.Position {
	return drivers.Position(fmt.Sprint(log, "/", number, "/", word))
}

func parse(from drivers.Position) (log drivers.Position, number int64, word drivers.Position, ok bool) {
	parts := strings.Split(string(from), "/")
	if len(parts) != 3 {
		return "", 0, "", false
	}
	number, err := strconv.ParseInt(parts[1], 10, 64)
	return drivers.Position(parts[0]), number, drivers.Position(parts[2]), err == nil && number >= 0
}
