package mongodb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/drivers/mongodb"
)

const (
	idle = 40 // connections that busy has a driver open
	most = 3  // failures in a row that a loss of all of them may cost

	patience = 200 * time.Millisecond // the operation timeout
)

// behind opens a driver behind a proxy, by its name, with options of the URL.
func behind(t *testing.T, query string) (drivers.Driver, *proxy.Proxy) {
	t.Helper()
	collection := fresh(t, connect(t))
	p := proxy.New(t, serverAddress(t))
	d, err := open(t, t.Context(), drivers.Settings{
		MongoDBURL: "mongodb://" + p.Addr() + "/" + query, DatabaseName: collection.Database().Name(),
		TableName: collection.Name(), Logger: (&journal{}).logger(),
		OperationTimeout: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d, p
}

// busy has a driver open connections, as so many requests at once do.
func busy(t *testing.T, d drivers.Driver, p *proxy.Proxy) {
	t.Helper()
	p.Delay(20 * time.Millisecond)
	defer p.Delay(0)
	var errs [2 * idle]error
	for range 20 { // a busy machine may not dial all of them in time
		var running sync.WaitGroup
		for i := range errs {
			running.Go(func() { _, errs[i] = d.Get(t.Context(), fmt.Sprint(i)) })
		}
		running.Wait()
		failed := func(err error) bool { return !errors.Is(err, drivers.ErrMiss) }
		if p.Open() >= idle && !slices.ContainsFunc(errs[:], failed) {
			return
		}
	}
	t.Fatalf("there are %d connections, want %d, and %d misses: %v", p.Open(), idle, 2*idle, errors.Join(errs[:]...))
}

// failuresOf counts how often a call fails before it does not.
func failuresOf(t *testing.T, call func(ctx context.Context) error) int {
	t.Helper()
	for failures := range 2 * idle {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := call(ctx)
		cancel()
		if err == nil || errors.Is(err, drivers.ErrMiss) || errors.Is(err, drivers.ErrTooLarge) && !errors.Is(err, context.DeadlineExceeded) {
			return failures
		}
	}
	return 2 * idle
}

// A network that loses all connections without a word costs few operations, however many connections were idle.
func TestHalfOpen(t *testing.T) {
	for name := range operations(nil) {
		t.Run(name, func(t *testing.T) {
			d, p := behind(t, "?maxConnecting=40")
			busy(t, d, p)
			p.Lose()
			if n := failuresOf(t, operations(d)[name]); n > most {
				t.Errorf("%d operations in a row fail, want %d at most", n, most)
			}
		})
	}
}

// So it is of another's client that has a Dialer of this package.
func TestHalfOpenOfAnothersClient(t *testing.T) {
	collection := fresh(t, connect(t))
	p := proxy.New(t, serverAddress(t))
	client := dial(t, options.Client().ApplyURI("mongodb://"+p.Addr()).SetMaxConnecting(idle).SetDialer(&mongodb.Dialer{Patience: patience / 2}))
	d := newDriver(t, client.Database(collection.Database().Name()).Collection(collection.Name()), mongodb.Options{})
	set(t, d, "k", "v", time.Hour) // so that there are indexes
	busy(t, d, p)
	p.Lose()
	if n := failuresOf(t, operations(d)["Set"]); n > most {
		t.Errorf("%d operations in a row fail, want %d at most", n, most)
	}
}

// An operation that takes longer than another has patience is not disturbed, and what comes behind the one that has timed out does not fail.
func TestOneTimeOut(t *testing.T) {
	d, p := behind(t, "?maxConnecting=40")
	busy(t, d, p)
	p.Delay(patience)
	patient := make(chan error)
	go func() {
		_, err := d.Get(t.Context(), "k")
		patient <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := d.Get(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Get: %v, want context.DeadlineExceeded", err)
	}
	if err := <-patient; !errors.Is(err, drivers.ErrMiss) {
		t.Errorf("the operation that had time fails: %v", err)
	}
	p.Delay(0)
	for name, call := range operations(d) {
		if err := call(t.Context()); err != nil && !errors.Is(err, drivers.ErrMiss) && !errors.Is(err, drivers.ErrTooLarge) {
			t.Errorf("%s behind it: %v", name, err)
		}
	}
}

// Callers that give up cost no connections: the answers that they do not wait for are read.
func TestGivingUp(t *testing.T) {
	for name, giveUp := range map[string]func(ctx context.Context) (context.Context, context.CancelFunc){
		"Deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 30*time.Millisecond)
		},
		"Cancel": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // the operation timeout
			time.AfterFunc(30*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, p := behind(t, "?maxConnecting=40")
			busy(t, d, p)
			before := p.Counts().Dials
			p.Delay(40 * time.Millisecond) // in each direction
			for range 60 {
				ctx, cancel := giveUp(t.Context())
				if _, err := d.Get(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
					t.Errorf("Get: %v, want what ended its context", err)
				}
				cancel()
			}
			p.Delay(0)
			if _, err := d.Get(t.Context(), "k"); !errors.Is(err, drivers.ErrMiss) {
				t.Errorf("Get: %v", err)
			}
			if n := p.Counts().Dials - before; n > most {
				t.Errorf("60 callers that gave up cost %d connections, want %d at most", n, most)
			}
		})
	}
}

// TestGivenUpIsNotDelivered: the connection of a write that nothing answers is reset, so that the system does not go on delivering it.
func TestGivenUpIsNotDelivered(t *testing.T) {
	d, p := behind(t, "?heartbeatFrequencyMS=3600000")
	if err := d.Set(t.Context(), "key", []byte("value"), time.Minute); err != nil {
		t.Fatal(err)
	}
	p.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.Set(ctx, "key", []byte("another"), time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Set: %v, want an error that wraps context.DeadlineExceeded", err)
	}
	for waited := 0; p.Counts().Reset == 0; waited++ {
		if waited == 5_000 {
			t.Fatalf("no connection was reset; %d are open", p.Open())
		}
		time.Sleep(time.Millisecond)
	}
}
