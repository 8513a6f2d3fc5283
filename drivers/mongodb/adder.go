package mongodb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

var (
	_ drivers.Adder  = (*Driver)(nil)
	_ drivers.Log    = (*Driver)(nil)
	_ drivers.Purger = (*Driver)(nil)
)

// Add makes sure that keys have values: in one round trip where none has, in another that reads those that were there, and in others that
// lengthen lives, and remove what has ended.
//
// Nothing repeats a command that has a value in it: the driver makes another value for each.
func (d *Driver) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	if err := d.begin(ctx); err != nil {
		return nil, err
	}
	if err := logrecord.CheckTTL(ttl); err != nil {
		return nil, fmt.Errorf("mongodb: add: %w", err)
	}
	a := &adding{driver: d, ttl: ttl, word: word, values: make(map[string][]byte, len(keys))}
	for _, key := range keys {
		if name := encodeKey(key); !slices.Contains(a.left, name) {
			a.left = append(a.left, name)
		}
	}
	// Before there is a unique index, two that insert a key at once would both succeed.
	if err := d.indexes.wait(ctx); err != nil {
		return nil, d.fail(ctx, "add: waiting for the indexes", err)
	}
	for len(a.left) > 0 {
		if err := a.once(ctx); err != nil {
			return nil, d.fail(ctx, "add", err)
		}
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = append([]byte{}, a.values[encodeKey(key)]...)
	}
	return values, nil
}

// maxInserts is how many Adds insert at a time. FerretDB over SQLite has one writer, and those that wait for it keep asking:
// with a hundred at a time, each takes ten seconds.
const maxInserts = 4

// adding is an Add under way. Keys go by their names.
type adding struct {
	driver *Driver
	ttl    time.Duration
	word   func() []byte

	left   []string // those that have no value yet
	values map[string][]byte
}

// once adds what is not there, and reads what is. What another has changed in between is left.
func (a *adding) once(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	end := a.driver.clock().Add(a.ttl).UnixMilli()
	if err := a.insert(ctx, a.left, end); err != nil {
		return err
	}
	a.drop()
	if len(a.left) == 0 {
		return nil
	}
	now, live, err := a.find(ctx)
	if err != nil {
		return err
	}
	var short []string
	for name, left := range live {
		if left < a.ttl/2 {
			short = append(short, name)
		}
	}
	a.drop()
	return a.lengthen(ctx, short, now, end)
}

// find takes the values that are there, returns how long they live, and removes what has ended.
func (a *adding) find(ctx context.Context) (now int64, live map[string]time.Duration, err error) {
	now, live, ended, err := a.look(ctx)
	if err != nil || len(ended) == 0 {
		return now, live, err
	}
	_, err = a.driver.collection.remove(ctx, deadAnd(now, bson.E{Key: fieldKey, Value: bson.D{{Key: "$in", Value: ended}}}))
	return now, live, err
}

// drop takes the names off that have values.
func (a *adding) drop() {
	a.left = slices.DeleteFunc(a.left, func(name string) bool { return a.values[name] != nil })
}

// look takes the values that are there, and returns how long they live, and which others have ended.
func (a *adding) look(ctx context.Context) (now int64, live map[string]time.Duration, ended []string, err error) {
	documents, err := a.driver.collection.all(ctx, fieldKey, a.left)
	if err != nil {
		return 0, nil, nil, err
	}
	now, live = a.driver.now(), make(map[string]time.Duration)
	for _, document := range documents {
		found, err := parse(document)
		if err != nil {
			return 0, nil, nil, err
		}
		if found.end <= now {
			ended = append(ended, found.name)
			continue
		}
		a.values[found.name] = append([]byte{}, found.value...)
		live[found.name] = time.UnixMilli(found.end).Sub(time.UnixMilli(now))
	}
	return now, live, ended, nil
}

// renew makes a word that was not sent yet.
func (a *adding) renew(name string) ([]byte, error) {
	made := append([]byte{}, a.word()...)
	if most := maxValue(name); len(made) > most {
		return nil, fmt.Errorf("%w: a value of %d bytes, of %d at most", drivers.ErrTooLarge, len(made), max(0, most))
	}
	return made, nil
}

// lengthen lets what lives under names live until end at least. It does not write the values.
func (a *adding) lengthen(ctx context.Context, names []string, now, end int64) error {
	if len(names) == 0 {
		return nil
	}
	times := fields(nil, end)[1:]
	return a.driver.collection.updateAll(ctx, liveAnd(now,
		bson.E{Key: fieldKey, Value: bson.D{{Key: "$in", Value: names}}},
		bson.E{Key: fieldExpires, Value: bson.D{{Key: "$lt", Value: end / 1000}}},
	), marshal(bson.D{{Key: "$set", Value: times}}))
}

// insert adds values, but for names that another has added.
func (a *adding) insert(ctx context.Context, names []string, end int64) error {
	words := make([][]byte, len(names))
	for i, name := range names {
		var err error
		if words[i], err = a.renew(name); err != nil {
			return err
		}
	}
	select {
	case a.driver.inserts <- struct{}{}:
		defer func() { <-a.driver.inserts }()
	case <-ctx.Done():
		return ctx.Err()
	}
	added, err := a.driver.collection.add(ctx, names, words, end)
	if err != nil {
		return err
	}
	for _, i := range added {
		a.values[names[i]] = words[i]
	}
	return nil
}
