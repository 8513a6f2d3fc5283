package memcached_test

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

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/memcached"
	"github.com/gin-cachette/cachette/internal/bounded"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// operations are all that take a context. Set is of a value that needs the server's limit, too.
func operations(d drivers.Driver) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Get":      func(ctx context.Context) error { _, err := d.Get(ctx, "key"); return err },
		"Set":      func(ctx context.Context) error { return d.Set(ctx, "key", []byte("value"), time.Hour) },
		"SetLarge": func(ctx context.Context) error { return d.Set(ctx, "key", make([]byte, 5000), time.Hour) },
		"TooLarge": func(ctx context.Context) error { return d.Set(ctx, "key", make([]byte, 2<<20), time.Hour) },
		"Delete":   func(ctx context.Context) error { _, err := d.Delete(ctx, "key"); return err },
		"Clear":    func(ctx context.Context) error { _, err := d.Clear(ctx, "key"); return err },
		"GetValues": func(ctx context.Context) error {
			_, err := d.(drivers.Batch).GetValues(ctx, "key", "other")
			return err
		},
		"Ping": d.(drivers.Pinger).Ping,
	}
}

// TestStalledServer has a server that takes everything and answers nothing: what ends a call is its context, within
// which the driver itself would wait for minutes.
func TestStalledServer(t *testing.T) {
	host := testservers.Find(t, testservers.Memcached)
	r := newRelay(t, host, nil)
	patient := memcache.New(r.host)
	patient.Timeout = 10 * time.Minute
	patient.DialContext = func(_ context.Context, network, address string) (net.Conn, error) { return net.Dial(network, address) }
	typed, err := memcached.New(patient, memcached.Options{Selector: serversOf(t, r.host)})
	if err != nil {
		t.Fatal(err)
	}
	defer patient.Close()
	defer typed.Close()
	settings := settingsFor(r.host)
	settings.OperationTimeout = 10 * time.Minute
	for name, d := range map[string]drivers.Driver{"ByName": open(t, settings), "New": typed} {
		for op, call := range operations(d) {
			for how, end := range map[string]func() (context.Context, context.CancelFunc, error){
				"Deadline": func() (context.Context, context.CancelFunc, error) {
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
					return ctx, cancel, context.DeadlineExceeded
				},
				"Cancelled": func() (context.Context, context.CancelFunc, error) {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(30*time.Millisecond, cancel)
					return ctx, cancel, context.Canceled
				},
				"OperationTimeout": func() (context.Context, context.CancelFunc, error) {
					ctx := bounded.New(t.Context(), 30*time.Millisecond)
					return ctx, ctx.Cancel, context.DeadlineExceeded
				},
				"CancelledBeforeTheOperationTimeout": func() (context.Context, context.CancelFunc, error) {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(30*time.Millisecond, cancel)
					return bounded.New(ctx, 10*time.Minute), cancel, context.Canceled
				},
			} {
				t.Run(name+"/"+op+"/"+how, func(t *testing.T) {
					r.stalled.Store(false)
					_ = d.Set(t.Context(), "key", []byte("value"), time.Hour) // a connection that is idle
					r.stalled.Store(true)
					ctx, cancel, want := end()
					defer cancel()
					if err := call(ctx); !errors.Is(err, want) {
						t.Errorf("%v, want %v", err, want)
					}
				})
			}
		}
	}
	r.cut() // what was left behind ends
}

// TestNothingIsLeftBehind has calls end, by their contexts, that a stalled server holds up: no goroutine and no connection
// of theirs stays. The questions for how keys are spread, which go on while it hangs, are a few at a time.
func TestNothingIsLeftBehind(t *testing.T) {
	r := newRelay(t, testservers.Find(t, testservers.Memcached), nil)
	settings := settingsFor(r.host)
	settings.OperationTimeout = 10 * time.Minute
	d := open(t, settings)
	r.stalled.Store(true)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var running sync.WaitGroup
	for range 50 {
		running.Go(func() { _, _ = d.Get(ctx, "key") })
	}
	running.Wait()
	awaitGoroutines(t, before+20)
}

// TestSlowDial has a dialer of the program's own that heeds no context: the call ends all the same, and the connection
// that comes too late is closed.
func TestSlowDial(t *testing.T) {
	r := newRelay(t, testservers.Find(t, testservers.Memcached), nil)
	client := memcache.New(r.host)
	proceed, done := make(chan struct{}), make(chan net.Conn, 1)
	client.DialContext = func(_ context.Context, network, address string) (net.Conn, error) {
		<-proceed
		conn, err := net.Dial(network, address)
		done <- conn
		return conn, err
	}
	d, err := memcached.New(client, memcached.Options{Selector: serversOf(t, r.host)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := d.Get(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get: %v, want context.DeadlineExceeded", err)
	}
	close(proceed)
	<-done
	for r.dials.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	awaitOpen(t, r, 0)
}

// awaitGoroutines waits until there are no more than so many goroutines.
func awaitGoroutines(t *testing.T, most int) {
	t.Helper()
	for range 1000 {
		if runtime.NumGoroutine() <= most {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buffer := make([]byte, 1<<16)
	t.Errorf("there are %d goroutines, want %d\n%s", runtime.NumGoroutine(), most, buffer[:runtime.Stack(buffer, true)])
}

// awaitOpen waits until a relay has so many connections.
func awaitOpen(t *testing.T, r *relay, want int) {
	t.Helper()
	for range 2000 {
		if r.open() == want {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d connections are open, want %d", r.open(), want)
}

// TestOperationTimeout bounds calls whose context has no end.
func TestOperationTimeout(t *testing.T) {
	r := newRelay(t, testservers.Find(t, testservers.Memcached), nil)
	settings := settingsFor(r.host)
	settings.OperationTimeout = 20 * time.Millisecond
	r.stalled.Store(true)
	d := open(t, settings)
	for op, call := range operations(d) {
		if op == "Clear" { // it waits for 30 s, as crawls are silent for long
			continue
		}
		var timeout net.Error
		if err := call(context.Background()); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s: %v, want a timeout", op, err)
		}
	}
}

// TestSetKeepsNoValue changes a value as soon as Set has returned, while the request may still be under way: the race
// detector finds a reader.
func TestSetKeepsNoValue(t *testing.T) {
	_, c := relayed(t, nil)
	value := make([]byte, 500<<10)
	for i := range 50 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*20)*time.Microsecond)
		_ = c.Set(ctx, "key", value, time.Hour)
		cancel()
		for at := range value {
			value[at]++
		}
	}
}

// TestConnectionsAreReused counts what is dialled for 64 requests at a time.
func TestConnectionsAreReused(t *testing.T) {
	const goroutines, requests = 64, 1000
	r, c := relayed(t, nil)
	typed := func() drivers.Driver {
		client := memcache.New(r.host)
		client.MaxIdleConns = goroutines
		client.Timeout = 20 * time.Second
		d, err := memcached.New(client, memcached.Options{Selector: serversOf(t, r.host)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close(); d.Close() })
		return confined{d, c.prefix}
	}()
	for name, d := range map[string]drivers.Driver{"ByName": c, "New": typed} {
		for op, call := range operations(d) {
			if op == "Clear" || op == "TooLarge" {
				continue // the one makes a connection for each list, the other deletes
			}
			t.Run(name+"/"+op, func(t *testing.T) {
				before := r.dials.Load()
				var left atomic.Int64
				left.Store(requests)
				var running sync.WaitGroup
				for range goroutines {
					running.Go(func() {
						for left.Add(-1) >= 0 {
							if err := call(t.Context()); err != nil && !errors.Is(err, drivers.ErrMiss) {
								t.Error(err)
							}
						}
					})
				}
				running.Wait()
				if n := r.dials.Load() - before; n > goroutines {
					t.Errorf("%d requests of %d goroutines dialled %d times", requests, goroutines, n)
				}
			})
		}
	}
}

// TestServerComesBack restarts a server under as many idle connections as there can be: no operation fails that
// begins when it is back.
func TestServerComesBack(t *testing.T) {
	r, c := relayed(t, nil)
	for round := range 3 {
		var running sync.WaitGroup
		for range 64 {
			running.Go(func() {
				for i := range 5 {
					key := fmt.Sprintf("key:%d", i)
					if err := c.Set(t.Context(), key, []byte("value"), time.Hour); err != nil {
						t.Errorf("round %d: Set: %v", round, err)
					}
					if _, err := c.Get(t.Context(), key); err != nil && !errors.Is(err, drivers.ErrMiss) {
						t.Errorf("round %d: Get: %v", round, err)
					}
					if _, err := c.Delete(t.Context(), key, "absent"); err != nil {
						t.Errorf("round %d: Delete: %v", round, err)
					}
				}
			})
		}
		running.Wait()
		r.stop()
		for op, call := range operations(c) {
			if err := call(t.Context()); err == nil || errors.Is(err, drivers.ErrMiss) {
				t.Errorf("round %d: %s of a dead server: %v", round, op, err)
			}
		}
		if n := c.MaxValue("key"); n < 1<<19 {
			t.Errorf("round %d: MaxValue while the server is dead is %d", round, n)
		}
		r.restart(t)
	}
}

// TestClose leaves no connection open, nor a goroutine running, whatever is under way.
func TestClose(t *testing.T) {
	r := newRelay(t, testservers.Find(t, testservers.Memcached), nil)
	before := runtime.NumGoroutine()
	settings := settingsFor(r.host)
	settings.OperationTimeout = 10 * time.Minute
	d := open(t, settings)
	for _, call := range operations(d) {
		_ = call(t.Context())
	}
	r.stalled.Store(true)
	var running sync.WaitGroup
	for op, call := range operations(d) {
		running.Go(func() {
			if err := call(context.Background()); !errors.Is(err, drivers.ErrClosed) {
				t.Errorf("%s that Close overtook: %v, want ErrClosed", op, err)
			}
		})
	}
	for r.dials.Load() < 5 {
		time.Sleep(time.Millisecond)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	running.Wait()
	awaitGoroutines(t, before)
	awaitOpen(t, r, 0)
}

// TestCloseLeavesTheUsersClient goes on with it, and closes what the driver has opened.
func TestCloseLeavesTheUsersClient(t *testing.T) {
	c := openConfined(t, testservers.Find(t, testservers.Memcached))
	r := newRelay(t, c.host(t), nil)
	client := memcache.New(r.host)
	client.Timeout = 20 * time.Second
	defer client.Close()
	if _, err := client.Get("absent"); err != memcache.ErrCacheMiss {
		t.Fatal(err)
	}
	d, err := memcached.New(client, memcached.Options{Selector: serversOf(t, r.host)})
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range operations(confined{d, c.prefix}) {
		_ = call(t.Context())
	}
	dials := r.dials.Load()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := client.Get("absent"); err != memcache.ErrCacheMiss {
		t.Errorf("the client's own Get: %v", err)
	}
	if n := r.dials.Load(); n != dials {
		t.Error("the client had to dial again: its connection was closed")
	}
	awaitOpen(t, r, 1)
}

// TestIdleConnections says how many are kept: as many as the client says.
func TestIdleConnections(t *testing.T) {
	c := openConfined(t, testservers.Find(t, testservers.Memcached))
	var waiting atomic.Int64
	release := make(chan struct{})
	r := newRelay(t, c.host(t), func(line string) (string, bool) {
		if waiting.Add(1) == 8 {
			close(release)
		}
		<-release // all are under way at once
		return "", false
	})
	client := memcache.New(r.host)
	client.MaxIdleConns, client.Timeout = 3, 20*time.Second
	d, err := memcached.New(client, memcached.Options{Selector: serversOf(t, r.host)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			if _, err := d.Get(t.Context(), "absent"); err != drivers.ErrMiss {
				t.Error(err)
			}
		})
	}
	running.Wait()
	awaitOpen(t, r, 3)
}

func TestNewMistakes(t *testing.T) {
	if d, err := memcached.New(nil, memcached.Options{Selector: serversOf(t)}); d != nil || err == nil {
		t.Errorf("a nil client: %v, %v", d, err)
	}
	if d, err := memcached.New(memcache.New("localhost"), memcached.Options{}); d != nil || err == nil || !strings.Contains(err.Error(), "Options.Selector") {
		t.Errorf("no selector: %v, %v, want an error that names it", d, err)
	}
	d, err := memcached.New(memcache.New(), memcached.Options{Selector: serversOf(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for op, call := range operations(d) {
		if err := call(t.Context()); !errors.Is(err, memcache.ErrNoServers) || !strings.HasPrefix(err.Error(), "memcached: ") {
			t.Errorf("%s without servers: %v, want memcache.ErrNoServers", op, err)
		}
	}
	if n := d.MaxValue("key"); n <= 0 {
		t.Errorf("MaxValue without servers is %d", n)
	}
}

// serversOf returns what a client of hosts chooses them by.
func serversOf(t testing.TB, hosts ...string) *memcache.ServerList {
	t.Helper()
	servers := new(memcache.ServerList)
	if err := servers.SetServers(hosts...); err != nil {
		t.Fatal(err)
	}
	return servers
}

// TestSelector: the servers are those of the selector, also where the client has others.
func TestSelector(t *testing.T) {
	d, err := memcached.New(memcache.New("127.0.0.1:1"), memcached.Options{Selector: serversOf(t, testservers.Find(t, testservers.Memcached))})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
