package mongodb_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers/mongodb"
)

// A journal is a log that a test reads.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, string(line))
	return len(line), nil
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// count returns how many lines contain each of texts.
func (j *journal) count(texts ...string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, line := range j.lines {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			n++
		}
	}
	return n
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "")
}

// uniqueIndexes returns the names of the unique indexes on key.
func uniqueIndexes(t *testing.T, collection *mongo.Collection) []string {
	t.Helper()
	all, err := collection.Indexes().ListSpecifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, index := range all {
		if _, err := index.KeysDocument.LookupErr("key"); err == nil && index.Unique != nil && *index.Unique {
			names = append(names, index.Name)
		}
	}
	return names
}

func makeIndex(t *testing.T, collection *mongo.Collection, o *options.IndexOptionsBuilder) {
	t.Helper()
	index := mongo.IndexModel{Keys: bson.D{{Key: "key", Value: 1}}, Options: o}
	if _, err := collection.Indexes().CreateOne(t.Context(), index); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, collection *mongo.Collection) int64 {
	t.Helper()
	n, err := collection.CountDocuments(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestIndexes(t *testing.T) {
	client := connect(t)
	for _, row := range []struct {
		name    string
		prepare func(t *testing.T, collection *mongo.Collection)
		unique  int
		warning string
	}{
		{"Absent", func(*testing.T, *mongo.Collection) {}, 1, ""},
		{"ThereAlready", func(t *testing.T, c *mongo.Collection) { makeIndex(t, c, options.Index().SetUnique(true)) }, 1, ""},
		{"OfAnotherName", func(t *testing.T, c *mongo.Collection) {
			makeIndex(t, c, options.Index().SetUnique(true).SetName("by another"))
		}, 1, ""},
		{"NotUnique", func(t *testing.T, c *mongo.Collection) { makeIndex(t, c, options.Index().SetName("by another")) },
			0, "is not unique"},
		{"Duplicates", func(t *testing.T, c *mongo.Collection) {
			for i, key := range []string{"twice", "once", "twice", "thrice", "thrice", "thrice"} {
				if _, err := c.InsertOne(t.Context(), bson.D{
					{Key: "key", Value: key}, {Key: "value", Value: []byte(fmt.Sprint(i))}, {Key: "expires", Value: int64(4e9)},
				}); err != nil {
					t.Fatal(err)
				}
			}
		}, 1, "several documents of one key"},
	} {
		t.Run(row.name, func(t *testing.T) {
			collection := fresh(t, client)
			row.prepare(t, collection)
			var log journal
			d := newDriver(t, collection, mongodb.Options{Logger: log.logger()})
			for i := range 3 {
				set(t, d, fmt.Sprint("k", i), "v", time.Hour)
			}
			if names := uniqueIndexes(t, collection); len(names) != row.unique {
				t.Errorf("the unique indexes are %q, want %d", names, row.unique)
			}
			want := 0
			if row.warning != "" {
				want = 1
			}
			if log.count("level=WARN") != want || log.count("level=WARN", row.warning) != want {
				t.Errorf("the log is\n%s\nwant %d warning of %q", &log, want, row.warning)
			}
			if row.name == "Duplicates" {
				if n := count(t, collection); n != 3+3 {
					t.Errorf("%d documents are left, want 6", n)
				}
				// The one that a read has found all along.
				for key, want := range map[string]string{"twice": "0", "once": "1", "thrice": "3"} {
					if value, _ := get(t, d, key); value != want {
						t.Errorf("%s: %q is left, want %q", key, value, want)
					}
				}
			}
		})
	}
}

// Of many that write one key at once, all succeed and one document is left, though none waited for an index before.
func TestOneDocumentAKey(t *testing.T) {
	t.Parallel()
	client := connect(t)
	for round := range 3 {
		collection := fresh(t, client)
		d := newDriver(t, collection, mongodb.Options{})
		if round == 2 { // in others the first write of all is among them
			set(t, d, "other", "v", time.Hour)
			if n, err := d.Delete(t.Context(), "other"); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		start := make(chan struct{})
		var writing sync.WaitGroup
		for w := range 64 {
			writing.Go(func() {
				<-start
				if err := d.Set(t.Context(), "one", []byte(fmt.Sprint(w)), time.Hour); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		writing.Wait()
		if n := count(t, collection); n != 1 {
			t.Errorf("%d documents are left, want one", n)
		}
	}
}

// Where a document keeps vanishing between a write and the next attempt, the attempts have an end.
func TestDuplicateForEver(t *testing.T) {
	var attempts atomic.Int64
	address := newFake(t, onCommand("update", func(bson.Raw) bson.D {
		attempts.Add(1)
		return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 0}, {Key: "writeErrors", Value: bson.A{
			bson.D{{Key: "index", Value: 0}, {Key: "code", Value: 11000}, {Key: "errmsg", Value: "E11000"}},
		}}}
	}))
	d := newDriver(t, dial(t, options.Client().ApplyURI("mongodb://"+address)).Database("d").Collection("c"), mongodb.Options{})
	if err := d.Set(t.Context(), "k", []byte("v"), time.Hour); !mongo.IsDuplicateKeyError(err) {
		t.Errorf("Set: %v, want the duplicate key", err)
	}
	if n := attempts.Load(); n < 2 || n > 100 {
		t.Errorf("%d attempts were made", n)
	}
}

// indexCommands answers the making of indexes, and keeps what was asked for.
type indexCommands struct {
	mu       sync.Mutex
	commands []bson.Raw
	say      func(index bson.Raw) bson.D
}

func (c *indexCommands) answer(command bson.Raw) bson.D {
	if nameOf(command) != "createIndexes" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commands = append(c.commands, append(bson.Raw{}, command...))
	return c.say(command.Lookup("indexes", "0").Document())
}

func (c *indexCommands) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.commands)
}

func fakeDriver(t *testing.T, answers answer, log *journal) *mongodb.Driver {
	t.Helper()
	client := dial(t, options.Client().ApplyURI("mongodb://"+newFake(t, answers)))
	return newDriver(t, client.Database("d").Collection("c"), mongodb.Options{Logger: log.logger()})
}

func TestTTLIndex(t *testing.T) {
	isTTL := func(index bson.Raw) bool { return index.Lookup("expireAfterSeconds").Type != 0 }
	for _, row := range []struct {
		name   string
		answer bson.D // to the making of the TTL index
		level  string // of the message about it, if there is one
	}{
		{"Made", nil, ""},
		{"NotKnown", failure(238, "NotImplemented"), "level=INFO"},
		{"Forbidden", failure(13, "Unauthorized"), "level=INFO"},
		{"OfAnotherKind", failure(85, "IndexOptionsConflict"), ""},
		{"OfAnotherShape", failure(86, "IndexKeySpecsConflict"), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			made := indexCommands{say: func(index bson.Raw) bson.D {
				if isTTL(index) {
					return row.answer
				}
				return nil
			}}
			var log journal
			d := fakeDriver(t, made.answer, &log)
			for range 3 {
				set(t, d, "k", "v", time.Hour)
			}
			if len(made.commands) != 2 {
				t.Fatalf("%d indexes were asked for, want each once: %v", len(made.commands), made.commands)
			}
			ttl := made.commands[1].Lookup("indexes", "0").Document()
			var got struct {
				Key    map[string]int    `bson:"key"`
				After  int               `bson:"expireAfterSeconds"`
				Filter map[string]bson.M `bson:"partialFilterExpression"`
				Unique bool              `bson:"unique"`
			}
			if err := bson.Unmarshal(ttl, &got); err != nil {
				t.Fatal(err)
			}
			if len(got.Key) != 1 || got.Key["expires_at"] != 1 || got.After != 60 || got.Unique ||
				len(got.Filter) != 1 || got.Filter["expires"]["$type"] != "long" {
				t.Errorf("the TTL index is %v", ttl)
			}
			if want := min(1, len(row.level)); log.count("TTL") != want || log.count("TTL", row.level) != want || log.count("WARN") != 0 {
				t.Errorf("the log is\n%s\nwant %q", &log, row.level)
			}
		})
	}
}

// A user who may not make indexes can use those that are there.
func TestForbiddenIndexes(t *testing.T) {
	index := func(field string, unique bool) bson.D {
		return bson.D{
			{Key: "v", Value: 2}, {Key: "name", Value: field},
			{Key: "key", Value: bson.D{{Key: field, Value: 1}}}, {Key: "unique", Value: unique},
		}
	}
	for _, row := range []struct {
		name   string
		listed bson.D
		want   int // warnings
	}{
		{"Unique", index("key", true), 0},
		{"NotUnique", index("key", false), 1},
		{"OfAnotherField", index("value", true), 1},
		{"NotListed", nil, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log journal
			d := fakeDriver(t, func(command bson.Raw) bson.D {
				switch nameOf(command) {
				case "createIndexes":
					return failure(13, "Unauthorized")
				case "listIndexes":
					if row.listed == nil {
						return failure(13, "Unauthorized")
					}
					return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{
						{Key: "id", Value: int64(0)}, {Key: "ns", Value: "d.c"}, {Key: "firstBatch", Value: bson.A{row.listed}},
					}}}
				}
				return nil
			}, &log)
			set(t, d, "k", "v", time.Hour)
			if n := log.count("level=WARN"); n != row.want {
				t.Errorf("%d warnings, want %d; the log is\n%s", n, row.want, &log)
			}
		})
	}
}

// A server that refuses the index on key is not asked again with every operation, and operations go on.
func TestRefusedIndex(t *testing.T) {
	refused := indexCommands{say: func(bson.Raw) bson.D { return failure(67, "CannotCreateIndex") }}
	var log journal
	d := fakeDriver(t, refused.answer, &log)
	for range 20 {
		set(t, d, "k", "v", time.Hour)
		if _, err := d.Delete(t.Context(), "k"); err != nil {
			t.Error(err)
		}
	}
	if n := refused.asked(); n != 1 {
		t.Errorf("the index was asked for %d times, want once for now", n)
	}
	if log.count("level=WARN", "refuses the index", "CannotCreateIndex") != 1 || log.count("level=WARN") != 1 {
		t.Errorf("the log is\n%s\nwant one warning", &log)
	}
}

// A server that is not ready yet is asked again by the next operation, and nothing is said.
func TestIndexesOfAServerThatIsNotReady(t *testing.T) {
	var asked atomic.Int64
	made := indexCommands{say: func(bson.Raw) bson.D {
		if asked.Add(1) <= 2 {
			return failure(10107, "NotWritablePrimary")
		}
		return nil
	}}
	var log journal
	d := fakeDriver(t, made.answer, &log)
	for range 5 {
		set(t, d, "k", "v", time.Hour)
	}
	if n := made.asked(); n != 4 { // two in vain, then each of the two
		t.Errorf("indexes were asked for %d times, want 4", n)
	}
	if log.String() != "" {
		t.Errorf("the log is\n%s", &log)
	}
}

// After the server has been away, the next operation makes the indexes again, and what was said is not said again.
func TestIndexesAgain(t *testing.T) {
	made := indexCommands{say: func(index bson.Raw) bson.D {
		if index.Lookup("expireAfterSeconds").Type != 0 {
			return failure(238, "NotImplemented")
		}
		return nil
	}}
	var log journal
	var away atomic.Bool
	d := fakeDriver(t, func(command bson.Raw) bson.D {
		if nameOf(command) == "delete" && away.Load() {
			return failure(91, "ShutdownInProgress")
		}
		return made.answer(command)
	}, &log)
	set(t, d, "k", "v", time.Hour)
	if _, err := d.Delete(t.Context(), "k"); err != nil || made.asked() != 2 {
		t.Fatalf("indexes were asked for %d times, want each of the two once; %v", made.asked(), err)
	}
	away.Store(true)
	if _, err := d.Delete(t.Context(), "k"); err == nil {
		t.Error("Delete: no error")
	}
	set(t, d, "k", "v", time.Hour)
	if n := made.asked(); n != 4 {
		t.Errorf("indexes were asked for %d times, want each of the two twice", n)
	}
	if n := log.count("TTL"); n != 1 {
		t.Errorf("the log is\n%s\nwant one line", &log)
	}
}

// One makes the indexes. A write waits for it, but no longer than it may; a read does not wait.
func TestWaitingForIndexes(t *testing.T) {
	release := make(chan struct{})
	slow := indexCommands{say: func(bson.Raw) bson.D { <-release; return nil }}
	var log journal
	var writes atomic.Int64
	d := fakeDriver(t, func(command bson.Raw) bson.D {
		if nameOf(command) == "update" {
			writes.Add(1)
		}
		return slow.answer(command)
	}, &log)

	if _, err := d.Get(t.Context(), "k"); err == nil || strings.Contains(err.Error(), "index") {
		t.Errorf("Get: %v, want a miss", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := d.Set(ctx, "k", []byte("v"), time.Hour); err == nil || ctx.Err() == nil {
		t.Errorf("Set returned %v before the index was made, and before its context ended", err)
	}
	if n := writes.Load(); n != 0 {
		t.Errorf("%d writes came before the index was made", n)
	}
	var writing sync.WaitGroup
	for range 16 {
		writing.Go(func() { set(t, d, "k", "v", time.Hour) })
	}
	close(release)
	writing.Wait()
	if n := slow.asked(); n != 2 {
		t.Errorf("indexes were asked for %d times, want each of the two once", n)
	}
	if n := writes.Load(); n != 16 {
		t.Errorf("%d writes came, want 16", n)
	}
}
