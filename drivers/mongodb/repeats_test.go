package mongodb_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/drivers/mongodb"
)

// writes are the operations that change something, each of what is under a key of its own. Some call soon just before they send that.
func writes(d drivers.Driver, soon func()) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Set": func(ctx context.Context) error {
			soon()
			return d.Set(ctx, "Set", []byte("older"), time.Hour)
		},
		"Delete": func(ctx context.Context) error {
			soon()
			_, err := d.Delete(ctx, "Delete")
			return err
		},
		"Clear": func(ctx context.Context) error { _, err := d.Clear(ctx, "Clear"); return err },
		"Add": func(ctx context.Context) error {
			word := func() []byte {
				soon()
				return []byte("older")
			}
			_, err := d.(drivers.Adder).Add(ctx, time.Hour, word, "Add")
			return err
		},
		"Append": func(ctx context.Context) error {
			return d.(drivers.Log).Append(ctx, "Append", 10, time.Hour, []byte("older"))
		},
	}
}

// valuesOf returns what is under the keys of writes.
func valuesOf(t *testing.T, d drivers.Driver) map[string]string {
	t.Helper()
	values := make(map[string]string)
	for key := range writes(nil, nil) {
		item, err := d.Get(t.Context(), key)
		if err == nil {
			values[key] = string(item.Value)
		} else if !errors.Is(err, drivers.ErrMiss) {
			t.Fatal(err)
		}
	}
	return values
}

// change does what another process does meanwhile: it purges some, and writes others anew.
func change(t *testing.T, d *mongodb.Driver) {
	t.Helper()
	for key := range writes(nil, nil) {
		if _, err := d.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
		if key != "Add" && key != "Append" {
			set(t, d, key, "newer", time.Hour)
		}
	}
}

// failing are ways for a write to fail.
var failing = []struct {
	name string
	fail func(t *testing.T, p *proxy.Proxy, write func(ctx context.Context) error, meanwhile func())
}{
	{"Silence", func(t *testing.T, p *proxy.Proxy, write func(ctx context.Context) error, meanwhile func()) {
		p.Hang()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := write(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want context.DeadlineExceeded", err)
		}
		meanwhile()
	}},
	{"Cancelled", func(t *testing.T, p *proxy.Proxy, write func(ctx context.Context) error, meanwhile func()) {
		p.Hang()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(50*time.Millisecond, cancel)
		if err := write(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want context.Canceled", err)
		}
		meanwhile()
	}},
	{"Dead", func(t *testing.T, p *proxy.Proxy, write func(ctx context.Context) error, meanwhile func()) {
		p.Die()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := write(ctx); err == nil {
			t.Error("no error")
		}
		p.Revive(t)
		meanwhile()
	}},
	{"LostAnswer", func(t *testing.T, p *proxy.Proxy, write func(ctx context.Context) error, meanwhile func()) {
		if err := write(t.Context()); err == nil {
			meanwhile() // what was lost was an answer to a read, and the write came behind
		}
	}},
}

// What another process has done stays, though a write failed before it: nothing is carried out after its caller was told that it failed.
func TestFailedWritesStayAway(t *testing.T) {
	for _, row := range failing {
		for name := range writes(nil, nil) {
			t.Run(row.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				testFailedWrite(t, name, row.name == "LostAnswer", row.fail)
			})
		}
	}
}

// testFailedWrite has a write of a name fail. lost says that it is to lose the answer to it.
func testFailedWrite(t *testing.T, name string, lost bool, fail func(t *testing.T, p *proxy.Proxy, write func(ctx context.Context) error, meanwhile func())) {
	collection := fresh(t, connect(t))
	other := newDriver(t, collection, mongodb.Options{})
	for key := range writes(nil, nil) {
		set(t, other, key, "old", time.Hour)
	}
	if _, err := other.Delete(t.Context(), "Add", "Append"); err != nil {
		t.Fatal(err)
	}
	p := proxy.New(t, serverAddress(t))
	d, err := open(t, t.Context(), drivers.Settings{
		MongoDBURL: "mongodb://" + p.Addr(), DatabaseName: collection.Database().Name(), TableName: collection.Name(),
		Logger: (&journal{}).logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	meanwhile := func() {
		change(t, other)
		want = valuesOf(t, other)
	}
	fail(t, p, writes(d, func() {
		if lost {
			p.LoseAnswer(meanwhile)
		}
	})[name], meanwhile)
	p.Resume()
	if _, err := d.Get(t.Context(), "k"); !errors.Is(err, drivers.ErrMiss) {
		t.Errorf("Get behind it: %v", err)
	}
	if err := d.Close(); err != nil { // what is under way ends before
		t.Error(err)
	}
	if got := valuesOf(t, other); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the store has %v, want %v", got, want)
	}
}

// A word is sent once, even by a client that repeats what it writes, to a replica set that fails: each attempt has its own.
func TestWordsAreSentOnce(t *testing.T) {
	var mu sync.Mutex
	words, sent := [][]byte{}, map[int]int{}
	var address string
	address = newFake(t, func(command bson.Raw) bson.D {
		mu.Lock()
		defer mu.Unlock()
		switch nameOf(command) {
		case "hello", "isMaster", "ismaster":
			return append(usual(command), bson.D{
				{Key: "setName", Value: "set"}, {Key: "hosts", Value: bson.A{address}}, {Key: "me", Value: address},
				{Key: "logicalSessionTimeoutMinutes", Value: 30},
			}...)
		}
		for i, word := range words {
			if bytes.Contains(command[:cap(command)], word) { // what a batch consists of comes behind the command
				sent[i]++
				return hangUp
			}
		}
		return nil
	})
	client := dial(t, options.Client().ApplyURI("mongodb://"+address+"/?replicaSet=set&retryWrites=true"))
	d, err := mongodb.New(client, mongodb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err = d.Add(ctx, time.Hour, func() []byte {
		mu.Lock()
		defer mu.Unlock()
		words = append(words, []byte(rand.Text()))
		return words[len(words)-1]
	}, "k", "l")
	if err == nil {
		t.Error("no error, though the server hung up")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(sent) == 0 {
		t.Error("no word was sent")
	}
	for i, n := range sent {
		if n > 1 {
			t.Errorf("a word was sent %d times: %s", n, words[i])
		}
	}
}
