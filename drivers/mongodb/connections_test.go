package mongodb_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/drivers/mongodb"
	"github.com/gin-cachette/cachette/internal/testservers"
)

func serverAddress(t testing.TB) string {
	t.Helper()
	address := strings.TrimPrefix(testservers.Find(t, testservers.MongoDB), "mongodb://")
	address, _, _ = strings.Cut(address, "/")
	return address
}

// operations are all that ask the server something.
func operations(d drivers.Driver) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Get":       func(ctx context.Context) error { _, err := d.Get(ctx, "k"); return err },
		"Set":       func(ctx context.Context) error { return d.Set(ctx, "k", []byte("v"), time.Hour) },
		"Delete":    func(ctx context.Context) error { _, err := d.Delete(ctx, "k"); return err },
		"Clear":     func(ctx context.Context) error { _, err := d.Clear(ctx, "k"); return err },
		"Sweep":     func(ctx context.Context) error { _, err := d.(drivers.Sweeper).Sweep(ctx); return err },
		"Ping":      func(ctx context.Context) error { return d.(drivers.Pinger).Ping(ctx) },
		"GetValues": func(ctx context.Context) error { _, err := d.(drivers.Batch).GetValues(ctx, "k"); return err },
		"TooLarge":  func(ctx context.Context) error { return d.Set(ctx, "k", make([]byte, 17<<20), time.Hour) },
	}
}

// An operation returns when its context ends, though the server has stalled and the client has no time-outs.
func TestStalledServer(t *testing.T) {
	collection := fresh(t, connect(t))
	p := proxy.New(t, serverAddress(t))
	client := dial(t, options.Client().ApplyURI("mongodb://"+p.Addr()).
		SetServerSelectionTimeout(time.Hour).SetConnectTimeout(time.Hour).SetHeartbeatInterval(time.Hour))
	d, err := mongodb.New(client, mongodb.Options{Database: collection.Database().Name(), Collection: collection.Name()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	set(t, d, "k", "v", time.Hour) // so that there are indexes and a connection
	p.Hang()
	for name, call := range operations(d) {
		t.Run(name+"Deadline", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want an error that wraps context.DeadlineExceeded", err)
			}
		})
		t.Run(name+"Cancel", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			if err := call(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%v, want an error that wraps context.Canceled", err)
			}
		})
	}
}

// A driver that has never reached its server leaves nothing behind, and its operations end with their contexts.
func TestNoServerThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	client := dial(t, options.Client().ApplyURI("mongodb://"+address).SetServerSelectionTimeout(time.Hour))
	d, err := mongodb.New(client, mongodb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range operations(d) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want context.DeadlineExceeded", name, err)
		}
		cancel()
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	var text string
	for range 500 {
		stacks := make([]byte, 1<<20)
		text = string(stacks[:runtime.Stack(stacks, true)])
		if !strings.Contains(text, "drivers/mongodb.(*") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("a goroutine of the driver's is left after Close:\n%s", text)
}

// The server's own view of a deadline is taken for the context's, which ends a moment later.
func TestMaxTimeExpired(t *testing.T) {
	d := fakeDriver(t, onCommand("find", func(bson.Raw) bson.D { return failure(50, "MaxTimeMSExpired") }), &journal{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var answer mongo.CommandError
	_, err := d.Get(ctx, "k")
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &answer) || !strings.HasPrefix(err.Error(), "mongodb: get: ") {
		t.Errorf("Get: %v, want context.DeadlineExceeded, and the client's own error", err)
	}
}

// Close of a driver with a client of its own ends what is under way, its connections and its goroutines.
func TestCloseOfOwnClient(t *testing.T) {
	collection := fresh(t, connect(t))
	p := proxy.New(t, serverAddress(t))
	before := runtime.NumGoroutine()
	d, err := open(t, t.Context(), drivers.Settings{
		MongoDBURL: "mongodb://" + p.Addr(), DatabaseName: collection.Database().Name(), TableName: collection.Name(),
		Logger: (&journal{}).logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Hang()
	var running sync.WaitGroup
	var begun sync.WaitGroup
	for name, call := range operations(d) {
		begun.Add(1)
		running.Go(func() {
			begun.Done()
			if err := call(t.Context()); !errors.Is(err, drivers.ErrClosed) {
				t.Errorf("%s, under way: %v, want ErrClosed", name, err)
			}
		})
	}
	begun.Wait()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	running.Wait()
	for name, call := range operations(d) {
		if err := call(t.Context()); !errors.Is(err, drivers.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
	wantGoroutines(t, before)
	for range 500 { // the proxy sees them end a moment later
		if p.Open() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d connections are left", p.Open())
}

// wantGoroutines waits until no more goroutines are left than there were before.
func wantGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines are left, before there were %d", runtime.NumGoroutine(), before)
}

// Connections are kept: 64 at once need one each at most.
func TestDials(t *testing.T) {
	collection := fresh(t, connect(t))
	p := proxy.New(t, serverAddress(t))
	client := dial(t, options.Client().ApplyURI("mongodb://"+p.Addr()))
	d, err := mongodb.New(client, mongodb.Options{Database: collection.Database().Name(), Collection: collection.Name()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const goroutines, requests = 64, 1000
	var left atomic.Int64
	left.Store(requests)
	var running sync.WaitGroup
	for g := range goroutines {
		running.Go(func() {
			key := fmt.Sprint("k", g%8)
			for left.Add(-1) >= 0 {
				// Each request has a context of its own, as in a program.
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if _, err := d.Get(ctx, key); errors.Is(err, drivers.ErrMiss) {
					err = d.Set(ctx, key, []byte("v"), time.Hour)
					if err != nil {
						t.Error(err)
					}
				} else if err != nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	running.Wait()
	const monitors = 3 // the client's own
	if n := p.Counts().Dials; n > goroutines+monitors {
		t.Errorf("%d connections were made for %d requests of %d goroutines", n, requests, goroutines)
	}
}

// Round trips are what they are said to be.
func TestRoundTrips(t *testing.T) {
	var mu sync.Mutex
	var commands []string
	note := func(_ context.Context, e *event.CommandStartedEvent) {
		mu.Lock()
		defer mu.Unlock()
		commands = append(commands, e.CommandName)
	}
	client := connect(t, options.Client().SetMonitor(&event.CommandMonitor{Started: note}))
	d := newDriver(t, fresh(t, client), mongodb.Options{})
	var keys []string
	for i := range 150 { // more than the server hands out at once by itself
		keys = append(keys, fmt.Sprint("k", i))
		set(t, d, keys[i], "v", time.Hour)
	}
	for _, row := range []struct {
		name string
		call func() error
		want string
	}{
		{"Get", func() error { _, err := d.Get(t.Context(), "k1"); return err }, "find"},
		{"Set", func() error { return d.Set(t.Context(), "k1", []byte("v"), time.Hour) }, "update"},
		{"GetValues", func() error { _, err := d.GetValues(t.Context(), keys...); return err }, "find"},
		{"Delete", func() error { _, err := d.Delete(t.Context(), "k1"); return err }, "delete"},
		{"DeleteAbsent", func() error { _, err := d.Delete(t.Context(), "k1"); return err }, "delete delete"},
		{"DeleteNone", func() error { _, err := d.Delete(t.Context()); return err }, ""},
		{"GetValuesNone", func() error { _, err := d.GetValues(t.Context()); return err }, ""},
		{"DeleteMany", func() error { _, err := d.Delete(t.Context(), keys[2:]...); return err }, "delete"},
	} {
		mu.Lock()
		commands = nil
		mu.Unlock()
		if err := row.call(); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		mu.Lock()
		if got := strings.Join(commands, " "); got != row.want {
			t.Errorf("%s asks the server %q, want %q", row.name, got, row.want)
		}
		mu.Unlock()
	}
}

// When its context ends in the midst of it, Clear tells how many it has removed by then.
func TestClearCutShort(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var finds, deletes atomic.Int64
	d := fakeDriver(t, func(command bson.Raw) bson.D {
		switch nameOf(command) {
		case "find": // always another thousand
			n := finds.Add(1)
			batch := make(bson.A, 1000)
			for i := range batch {
				batch[i] = bson.D{{Key: "_id", Value: i}, {Key: "key", Value: fmt.Sprintf("k%d.%04d", n, i)}}
			}
			return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{
				{Key: "id", Value: int64(0)}, {Key: "ns", Value: "d.c"}, {Key: "firstBatch", Value: batch},
			}}}
		case "delete":
			if deletes.Add(1) == 3 {
				cancel()
			}
			return bson.D{{Key: "ok", Value: 1}, {Key: "n", Value: 1000}}
		}
		return nil
	}, &journal{})
	n, err := d.Clear(ctx, "k")
	if !errors.Is(err, context.Canceled) || n != 2000 && n != 3000 {
		t.Errorf("Clear = %d, %v, want the 2000 or 3000 that were removed before, and context.Canceled", n, err)
	}
}
