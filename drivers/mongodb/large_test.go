package mongodb_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/mongodb"
)

// fill puts n documents of keys that begin with prefix into the collection, by the client itself, and returns the keys.
func fill(t *testing.T, collection *mongo.Collection, prefix string, n int, expires int64) []string {
	t.Helper()
	documents, keys := make([]any, n), make([]string, n)
	for i := range n {
		keys[i] = fmt.Sprint(prefix, i)
		documents[i] = bson.D{{Key: "key", Value: keys[i]}, {Key: "value", Value: []byte(keys[i])}, {Key: "expires", Value: expires}}
	}
	if _, err := collection.InsertMany(t.Context(), documents); err != nil {
		t.Fatal(err)
	}
	return keys
}

// More keys than go into three commands are cleared, each counted once, those that have expired not at all, and their neighbours stay.
func TestClearThousands(t *testing.T) {
	t.Parallel()
	collection := fresh(t, connect(t))
	clock := &at{1_900_000_000_000}
	d := newDriver(t, collection, mongodb.Options{Clock: clock.now})
	neighbours := []string{"n", "n9", "n;", "many", "o", "o\xff"}
	for _, key := range neighbours {
		set(t, d, key, "v", time.Minute)
	}
	set(t, d, "n:\xff", "v", time.Minute)
	const many = 3_500
	fill(t, collection, "n:", many, 1_900_000_060)
	fill(t, collection, "n:dead:", 100, 1_899_999_999)
	if n, err := d.Clear(t.Context(), "n:"); n != many+1 || err != nil {
		t.Errorf("Clear = %d, %v, want %d", n, err, many+1)
	}
	if n := count(t, collection); n != int64(len(neighbours)) {
		t.Errorf("%d documents are left, want the %d neighbours", n, len(neighbours))
	}
	if n, err := d.Clear(t.Context(), ""); n != len(neighbours) || err != nil {
		t.Errorf("Clear of all = %d, %v, want %d", n, err, len(neighbours))
	}
}

// More keys than go into one command are read and deleted.
func TestManyKeysAtOnce(t *testing.T) {
	t.Parallel()
	collection := fresh(t, connect(t))
	clock := &at{1_900_000_000_000}
	d := newDriver(t, collection, mongodb.Options{Clock: clock.now})
	const many = 1100
	keys := fill(t, collection, "n:", many, 1_900_000_060)
	dead := fill(t, collection, "dead:", 3, 1_899_999_999)
	values, err := d.GetValues(t.Context(), append(keys, dead...)...)
	if err != nil {
		t.Fatal(err)
	}
	for i, value := range values {
		if i < many && string(value) != keys[i] || i >= many && value != nil {
			t.Fatalf("GetValues: value %d is %q", i, value)
		}
	}
	if n, err := d.Delete(t.Context(), append(keys[1:], dead[1:]...)...); n != many-1 || err != nil {
		t.Errorf("Delete = %d, %v, want %d", n, err, many-1)
	}
	if n := count(t, collection); n != 2 {
		t.Errorf("%d documents are left, want 2", n)
	}
}

// Sweep removes thousands, and nothing that lives or has no end.
func TestSweepThousands(t *testing.T) {
	t.Parallel()
	collection := fresh(t, connect(t))
	clock := &at{1_900_000_000_500}
	d := newDriver(t, collection, mongodb.Options{Clock: clock.now})
	set(t, d, "live", "v", time.Millisecond)
	if _, err := collection.InsertOne(t.Context(), bson.D{{Key: "key", Value: "of another"}}); err != nil {
		t.Fatal(err)
	}
	fill(t, collection, "dead:", 1250, 1_900_000_000)
	fill(t, collection, "long dead:", 1250, 1_899_999_999)
	if n, err := d.Sweep(t.Context()); n != 2500 || err != nil {
		t.Errorf("Sweep = %d, %v, want 2500", n, err)
	}
	if n := count(t, collection); n != 2 {
		t.Errorf("%d documents are left, want 2", n)
	}
	clock.ms++
	if n, err := d.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v, want 1", n, err)
	}
}

// Answers larger than a server hands out at once arrive whole.
func TestLargeAnswer(t *testing.T) {
	t.Parallel()
	collection := fresh(t, connect(t))
	d := newDriver(t, collection, mongodb.Options{})
	const size = 1 << 20
	var keys []string
	var documents []any
	for i := range 20 {
		keys = append(keys, fmt.Sprint("large:", i))
		value := bytes.Repeat([]byte{'a' + byte(i)}, size)
		documents = append(documents, bson.D{
			{Key: "key", Value: keys[i]}, {Key: "value", Value: value}, {Key: "expires", Value: int64(4e9)},
		})
	}
	if _, err := collection.InsertMany(t.Context(), documents); err != nil {
		t.Fatal(err)
	}
	values, err := d.GetValues(t.Context(), keys...)
	if err != nil {
		t.Fatal(err)
	}
	for i, value := range values {
		if want := string(rune('a' + i)); len(value) != size || strings.Trim(string(value), want) != "" {
			t.Errorf("value %d: %d bytes, want %d of %q", i, len(value), size, want)
		}
	}
}

// A prefix may be as long as a key: what the server is asked fits into a command.
func TestClearLongPrefix(t *testing.T) {
	t.Parallel()
	var finds, largest atomic.Int64
	d := fakeDriver(t, onCommand("find", func(command bson.Raw) bson.D {
		finds.Add(1)
		largest.Store(max(largest.Load(), int64(len(command))))
		return nil
	}), &journal{})
	if n, err := d.Clear(t.Context(), strings.Repeat("k", 15<<20)); n != 0 || err != nil {
		t.Errorf("Clear = %d, %.200v", n, err)
	}
	if finds.Load() != 1 || largest.Load() > 16<<20 {
		t.Errorf("%d finds of up to %d bytes, want one of 16 MiB at most", finds.Load(), largest.Load())
	}
}

// A key too long for any document holds nothing, and to ask for it is no error, nor is the server asked.
func TestKeyTooLong(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	d := fakeDriver(t, func(command bson.Raw) bson.D {
		switch nameOf(command) {
		case "find", "update", "delete":
			asked.Add(1)
		}
		return nil
	}, &journal{})
	key := strings.Repeat("k", 16<<20)
	if most := d.MaxValue(key); most >= 0 {
		t.Errorf("MaxValue = %d", most)
	}
	if most := d.MaxValue(strings.Repeat("\xff", 8<<20)); most >= 0 { // it takes twice as much there
		t.Errorf("MaxValue of what is no UTF-8 = %d", most)
	}
	if err := d.Set(t.Context(), key, nil, time.Hour); !errors.Is(err, drivers.ErrTooLarge) || len(err.Error()) > 1000 {
		t.Errorf("Set: %.200v, want ErrTooLarge", err)
	}
	if _, err := d.Get(t.Context(), key); !errors.Is(err, drivers.ErrMiss) {
		t.Errorf("Get: %.200v, want ErrMiss", err)
	}
	if n, err := d.Delete(t.Context(), key); n != 0 || err != nil {
		t.Errorf("Delete = %d, %.200v", n, err)
	}
	if values, err := d.GetValues(t.Context(), key); err != nil || len(values) != 1 || values[0] != nil {
		t.Errorf("GetValues: %d values, %.200v", len(values), err)
	}
	if n, err := d.Clear(t.Context(), key); n != 0 || err != nil {
		t.Errorf("Clear = %d, %.200v", n, err)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

// A server with a smaller limit refuses by itself, which is the same to the caller.
func TestTooLargeForTheServer(t *testing.T) {
	removed := make(chan bool, 1)
	d := fakeDriver(t, func(command bson.Raw) bson.D {
		switch nameOf(command) {
		case "update":
			return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 0}, {Key: "writeErrors", Value: bson.A{
				bson.D{{Key: "index", Value: 0}, {Key: "code", Value: 10334}, {Key: "errmsg", Value: "BSONObjectTooLarge"}},
			}}}
		case "delete":
			removed <- true
		}
		return nil
	}, &journal{})
	if err := d.Set(t.Context(), "k", []byte("v"), time.Hour); !errors.Is(err, drivers.ErrTooLarge) {
		t.Errorf("Set: %v, want ErrTooLarge", err)
	}
	select {
	case <-removed:
	default:
		t.Error("what was stored before was not removed")
	}
}
