package logrecord

import (
	"bytes"
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
		Delete(ctx context.Context, keys ...string) (int, error)

		// Head returns the record under key, the number that it holds, and how long it lives; nil if there is none.
		Head(ctx context.Context, key string) (record []byte, last int64, left time.Duration, err error)
		// Raise gives the record under key a larger number, and a life of ttl, if it is the one that is given and its number
		// is smaller. It does not write the record.
		Raise(ctx context.Context, key string, record []byte, last int64, ttl time.Duration) error
	}
}

// atFirst is how many records are asked for at once, and stride how many behind those: as a rule nothing has come, and DynamoDB has what is not
// there paid for, too.
const (
	atFirst = 4
	stride  = 16
)

// head is a head as it was read.
type head struct {
	key    string
	record []byte
	last   int64
	left   time.Duration
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
	return head{key, record, last, left}, err
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
	far := 2 * int64(Room(keep))
	for {
		h, err := n.begun(ctx, key, ttl)
		if err != nil {
			return err
		}
		last := h.last
		var numbers []int64
		for _, record := range records {
			if last, err = n.add(ctx, h, last+1, ttl, record); err != nil {
				return err
			}
			numbers = append(numbers, last)
		}
		// A head that still is the same, and tells of nothing far ahead, shows that all readers of the log see the records.
		now, err := n.head(ctx, key)
		switch {
		case err != nil || now.record == nil: // removed meanwhile, and the records with it
			return err
		case !bytes.Equal(now.record, h.record):
			continue // another log was begun meanwhile
		case now.last >= numbers[0]+far:
			continue // it took so long that what has come before may have been dropped already
		}
		if err := n.Store.Raise(ctx, key, h.record, last, ttl); err != nil {
			return err
		}
		return n.drop(ctx, h, numbers, far)
	}
}

// add adds a record under the first number, from number on, that is free, and returns that.
func (n Numbered) add(ctx context.Context, h head, number int64, ttl time.Duration, data []byte) (int64, error) {
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
	}
}

// drop removes the records that are far behind those that were appended.
func (n Numbered) drop(ctx context.Context, h head, numbers []int64, far int64) error {
	var old []string
	for number := max(1, numbers[0]-far); number <= numbers[len(numbers)-1]-far; number++ {
		old = append(old, h.entry(number))
	}
	if len(old) == 0 {
		return nil
	}
	_, err := n.Store.Delete(ctx, old...)
	return err
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
		if h.left < ttl/2 {
			if err := n.lengthen(ctx, h, number, ttl); err != nil {
				return "", err
			}
		}
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
	_, err = n.Store.Delete(ctx, h.key)
	return err
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
