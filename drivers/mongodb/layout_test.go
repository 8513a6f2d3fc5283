package mongodb_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/mongodb"
)

// at is a clock that stands at a moment, in milliseconds since the epoch.
type at struct{ ms int64 }

func (a *at) now() time.Time { return time.UnixMilli(a.ms) }

func get(t *testing.T, d *mongodb.Driver, key string) (value string, expiresAt int64) {
	t.Helper()
	item, err := d.Get(t.Context(), key)
	if err != nil {
		t.Errorf("Get(%q): %v", key, err)
		return "", 0
	}
	return string(item.Value), item.ExpiresAt.UnixMilli()
}

func set(t *testing.T, d *mongodb.Driver, key, value string, ttl time.Duration) {
	t.Helper()
	if err := d.Set(t.Context(), key, []byte(value), ttl); err != nil {
		t.Fatalf("Set(%q): %v", key, err)
	}
}

// What lies in the collection is what fastapi-cachette reads.
func TestLayout(t *testing.T) {
	// A client may be told to write integers as short as they go, which must not change what lies there.
	collection := fresh(t, connect(t, options.Client().SetBSONOptions(&options.BSONOptions{IntMinSize: true})))
	clock := &at{1_900_000_000_250}
	d := newDriver(t, collection, mongodb.Options{Clock: clock.now})
	const key = "ж\x00 plain: $key.*"
	set(t, d, key, "first", time.Hour)
	set(t, d, key, "bytes\x00\xff", 90*time.Second)

	cursor, err := collection.Find(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	var all []bson.Raw
	if err := cursor.All(t.Context(), &all); err != nil || len(all) != 1 {
		t.Fatalf("%d documents, %v, want one", len(all), err)
	}
	document := all[0]
	if got := document.Lookup("_id").Type; got != bson.TypeObjectID {
		t.Errorf("_id is of the type %v, want an ObjectID", got)
	}
	if got, _ := document.Lookup("key").StringValueOK(); got != key {
		t.Errorf("key is %v", document.Lookup("key"))
	}
	if subtype, got, _ := document.Lookup("value").BinaryOK(); subtype != bson.TypeBinaryGeneric || string(got) != "bytes\x00\xff" {
		t.Errorf("value is %v", document.Lookup("value"))
	}
	if got, _ := document.Lookup("expires").Int64OK(); got != 1_900_000_090 {
		t.Errorf("expires is %v, want the 64-bit integer 1900000090", document.Lookup("expires"))
	}
	if got, _ := document.Lookup("expires_at").DateTimeOK(); got != 1_900_000_090_250 {
		t.Errorf("expires_at is %v, want the date 1900000090250", document.Lookup("expires_at"))
	}
	if elements, _ := document.Elements(); len(elements) != 5 {
		t.Errorf("the document has %d fields, want 5: %v", len(elements), document)
	}
}

// An entry lives to the end of its time to live, to the millisecond, and not in the eyes of fastapi-cachette any longer.
func TestExactExpiry(t *testing.T) {
	collection := fresh(t, connect(t))
	clock := &at{}
	d := newDriver(t, collection, mongodb.Options{Clock: clock.now})
	for _, start := range []int64{1_900_000_000_000, 1_900_000_000_001, 1_900_000_000_999} {
		for _, ttl := range []time.Duration{time.Millisecond, 200 * time.Millisecond, 1500 * time.Microsecond, time.Second, time.Hour} {
			t.Run(fmt.Sprintf("%d+%v", start%1000, ttl), func(t *testing.T) {
				clock.ms = start
				end := start + ttl.Milliseconds()
				set(t, d, "k", "v", ttl)
				clock.ms = end - 1
				if _, expiresAt := get(t, d, "k"); expiresAt != end {
					t.Errorf("ExpiresAt is %d, want %d", expiresAt, end)
				}
				if got, err := d.GetValues(t.Context(), "k"); err != nil || got[0] == nil {
					t.Errorf("a millisecond before the end: GetValues = %q, %v", got, err)
				}
				clock.ms = end
				if got, err := d.Get(t.Context(), "k"); err == nil {
					t.Errorf("at the end: Get = %q", got.Value)
				}
				if got, err := d.GetValues(t.Context(), "k"); err != nil || got[0] != nil {
					t.Errorf("at the end: GetValues = %q, %v", got, err)
				}
				if n, err := d.Delete(t.Context(), "k"); n != 0 || err != nil {
					t.Errorf("at the end: Delete = %d, %v", n, err)
				}
				if n, err := collection.CountDocuments(t.Context(), bson.D{}); n != 0 || err != nil {
					t.Errorf("Delete left %d documents of what has expired, %v", n, err)
				}
				set(t, d, "k", "v", ttl+time.Hour)
				clock.ms = end + time.Hour.Milliseconds() - 1
				if n, err := d.Delete(t.Context(), "k"); n != 1 || err != nil {
					t.Errorf("a millisecond before the end: Delete = %d, %v", n, err)
				}
			})
		}
	}
}

// pythonPut does what fastapi-cachette does. pymongo writes an int of up to 31 bits as a 32-bit integer.
func pythonPut(t *testing.T, collection *mongo.Collection, key, value string, expires int32) {
	t.Helper()
	item := bson.D{{Key: "key", Value: key}, {Key: "value", Value: []byte(value)}, {Key: "expires", Value: expires}}
	n, err := collection.CountDocuments(t.Context(), bson.D{{Key: "key", Value: key}})
	if err != nil {
		t.Fatal(err)
	}
	if n > 0 {
		_, err = collection.UpdateOne(t.Context(), bson.D{{Key: "key", Value: key}}, bson.D{{Key: "$set", Value: item}})
	} else {
		_, err = collection.InsertOne(t.Context(), item)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Entries that Python writes, and those that it replaces and that replace its, are read alike by both.
func TestSharedWithPython(t *testing.T) {
	collection := fresh(t, connect(t))
	const second = 1_900_000_000
	clock := &at{second * 1000}
	d := newDriver(t, collection, mongodb.Options{Clock: clock.now})
	wait := func(ms int64) { clock.ms = second*1000 + ms }

	pythonPut(t, collection, "python", "p", second+60)
	set(t, d, "prolonged", "go", 10*time.Second)
	pythonPut(t, collection, "prolonged", "p", second+60)
	set(t, d, "shortened", "go", 100*time.Second)
	pythonPut(t, collection, "shortened", "p", second+60)
	// Ours would end in the course of the second in which Python's ends.
	set(t, d, "same second", "go", 60500*time.Millisecond)
	pythonPut(t, collection, "same second", "p", second+60)
	pythonPut(t, collection, "replaced", "p", second+10)
	set(t, d, "replaced", "go", 60*time.Second)
	keys := []string{"python", "prolonged", "shortened", "same second", "replaced"}

	wait(59_999)
	for _, key := range keys {
		want := "p"
		if key == "replaced" {
			want = "go"
		}
		if value, expiresAt := get(t, d, key); value != want || expiresAt != (second+60)*1000 {
			t.Errorf("%s: %q until %d, want %q until %d", key, value, expiresAt, want, (second+60)*1000)
		}
	}
	if n, err := d.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("Sweep before the end = %d, %v", n, err)
	}
	wait(60_000)
	for _, key := range keys {
		if item, err := d.Get(t.Context(), key); err == nil {
			t.Errorf("%s: %q after the end", key, item.Value)
		}
	}
	if values, err := d.GetValues(t.Context(), keys...); err != nil || len(strings.Join(toStrings(values), "")) > 0 {
		t.Errorf("GetValues after the end = %q, %v", values, err)
	}
	if n, err := d.Delete(t.Context(), keys[:2]...); n != 0 || err != nil {
		t.Errorf("Delete after the end = %d, %v", n, err)
	}
	if n, err := d.Clear(t.Context(), "sho"); n != 0 || err != nil {
		t.Errorf("Clear after the end = %d, %v", n, err)
	}
	if n, err := d.Sweep(t.Context()); n != 2 || err != nil {
		t.Errorf("Sweep after the end = %d, %v, want 2", n, err)
	}
	if n, err := collection.CountDocuments(t.Context(), bson.D{}); n != 0 || err != nil {
		t.Errorf("%d documents are left, %v", n, err)
	}
}

// Live entries of both count, to the millisecond.
func TestCountsOfBoth(t *testing.T) {
	collection := fresh(t, connect(t))
	const second = 1_900_000_000
	clock := &at{second * 1000}
	d := newDriver(t, collection, mongodb.Options{Clock: clock.now})
	for _, way := range []struct {
		name   string
		remove func(keys ...string) (int, error)
	}{
		{"Delete", func(keys ...string) (int, error) { return d.Delete(t.Context(), keys...) }},
		{"Clear", func(...string) (int, error) { return d.Clear(t.Context(), "k") }},
		{"ClearAll", func(...string) (int, error) { return d.Clear(t.Context(), "") }},
	} {
		t.Run(way.name, func(t *testing.T) {
			clock.ms = second * 1000
			set(t, d, "k1", "go", 2*time.Second)           // dead
			set(t, d, "k2", "go", 2499*time.Millisecond)   // dead, within the second
			set(t, d, "k3", "go", 2500*time.Millisecond)   // dead, this moment
			set(t, d, "k4", "go", 2501*time.Millisecond)   // live
			set(t, d, "k5", "go", 3*time.Second)           // live
			pythonPut(t, collection, "k6", "p", second+2)  // dead
			pythonPut(t, collection, "k7", "p", second+3)  // live
			set(t, d, "k8", "go", 2700*time.Millisecond)   //
			pythonPut(t, collection, "k8", "p", second+2)  // dead, its date notwithstanding
			set(t, d, "k9", "go", time.Second)             //
			pythonPut(t, collection, "k9", "p", second+10) // live, likewise
			set(t, d, "k10", "go", time.Hour)              // dead: replaced by one that writes 64-bit integers
			if _, err := collection.UpdateOne(t.Context(), bson.D{{Key: "key", Value: "k10"}},
				bson.D{{Key: "$set", Value: bson.D{{Key: "expires", Value: int64(second + 2)}}}}); err != nil {
				t.Fatal(err)
			}
			clock.ms = second*1000 + 2500
			if n, err := way.remove("k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "absent"); n != 4 || err != nil {
				t.Errorf("%d were live, %v, want 4", n, err)
			}
			if n, err := collection.CountDocuments(t.Context(), bson.D{}); n != 0 || err != nil {
				t.Errorf("%d documents are left, %v", n, err)
			}
		})
	}
}

func toStrings(values [][]byte) []string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = string(value)
	}
	return all
}

// A collection may have been made to take different keys for the same. What is stored under another is not handed out.
func TestOtherKey(t *testing.T) {
	d := fakeDriver(t, onCommand("find", func(bson.Raw) bson.D {
		document := bson.D{{Key: "key", Value: "K"}, {Key: "value", Value: []byte("of another")}, {Key: "expires", Value: int64(4e9)}}
		return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{
			{Key: "id", Value: int64(0)}, {Key: "ns", Value: "d.c"}, {Key: "firstBatch", Value: bson.A{document}},
		}}}
	}), &journal{})
	if value, _ := get(t, d, "K"); value != "of another" {
		t.Errorf("Get of the key itself = %q", value)
	}
	if item, err := d.Get(t.Context(), "k"); !errors.Is(err, drivers.ErrMiss) {
		t.Errorf("Get = %q, %v, want a miss", item.Value, err)
	}
	if values, err := d.GetValues(t.Context(), "k"); err != nil || values[0] != nil {
		t.Errorf("GetValues = %q, %v, want none", values, err)
	}
}

// What another program has written there is an error to read, none among others, and no hindrance to write or to clear.
func TestMalformed(t *testing.T) {
	collection := fresh(t, connect(t))
	d := newDriver(t, collection, mongodb.Options{})
	for _, document := range []bson.D{
		{{Key: "key", Value: "text"}, {Key: "value", Value: "text"}, {Key: "expires", Value: int32(2_000_000_000)}},
		{{Key: "key", Value: "endless"}, {Key: "value", Value: []byte("v")}},
	} {
		if _, err := collection.InsertOne(t.Context(), document); err != nil {
			t.Fatal(err)
		}
		key := document[0].Value.(string)
		if item, err := d.Get(t.Context(), key); err == nil || !strings.Contains(err.Error(), "another program") {
			t.Errorf("Get(%q) = %q, %v, want an error", key, item.Value, err)
		}
		if values, err := d.GetValues(t.Context(), key); err != nil || values[0] != nil {
			t.Errorf("GetValues(%q) = %q, %v, want none", key, values, err)
		}
	}
	set(t, d, "text", "v", time.Hour)
	if value, _ := get(t, d, "text"); value != "v" {
		t.Errorf("after Set: %q", value)
	}
	if n, err := d.Clear(t.Context(), ""); n != 1 || err != nil {
		t.Errorf("Clear = %d, %v, want 1", n, err)
	}
	if n, err := collection.CountDocuments(t.Context(), bson.D{}); n != 0 || err != nil {
		t.Errorf("%d documents are left, %v", n, err)
	}
}
