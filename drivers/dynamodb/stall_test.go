package dynamodb_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/dynamodb"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// proxy passes connections on to a server, until it is told to swallow what it is sent.
type proxy struct {
	listener net.Listener
	server   string
	stalled  atomic.Bool
	dials    atomic.Int64
	open     atomic.Int64
}

func newProxy(t testing.TB, server string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: server}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.dials.Add(1)
			p.open.Add(1)
			go p.serve(client)
		}
	}()
	return p
}

func merge(objects ...object) object {
	all := object{}
	for _, o := range objects {
		maps.Copy(all, o)
	}
	return all
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }
func (p *proxy) stall()      { p.stalled.Store(true) }

func (p *proxy) serve(client net.Conn) {
	defer p.open.Add(-1)
	defer client.Close()
	if p.stalled.Load() {
		_, _ = io.Copy(io.Discard, client)
		return
	}
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(client, server) }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if p.stalled.Load() {
			continue
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// prepared returns a server and a table that is there.
func prepared(t testing.TB) (endpoint, table string) {
	t.Helper()
	endpoint = testservers.Find(t, testservers.DynamoDB)
	table = freshTable(t, endpoint)
	if err := newDriver(t, newClient(t, endpoint), dynamodb.Options{Table: table}).Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	return endpoint, table
}

// While the server is stalled each operation ends with its context, whoever made the client, and whether the table is
// known to be ready or not.
func TestStalled(t *testing.T) {
	isolate(t)
	endpoint, table := prepared(t)
	makers := map[string]func(t *testing.T, p *proxy) drivers.Driver{
		"OwnClient": func(t *testing.T, p *proxy) drivers.Driver {
			d, err := openWith(t, t.Context(), drivers.Settings{DynamoDBURL: p.url(), TableName: table})
			if err != nil {
				t.Fatal(err)
			}
			return d
		},
		"UsersClient": func(t *testing.T, p *proxy) drivers.Driver {
			return newDriver(t, newClient(t, p.url()), dynamodb.Options{Table: table})
		},
	}
	many := many(300)
	operations := map[string]func(ctx context.Context, d drivers.Driver) error{
		"Get":    func(ctx context.Context, d drivers.Driver) error { _, err := d.Get(ctx, "key"); return err },
		"Set":    func(ctx context.Context, d drivers.Driver) error { return d.Set(ctx, "key", nil, long) },
		"Delete": func(ctx context.Context, d drivers.Driver) error { _, err := d.Delete(ctx, many...); return err },
		"Clear":  func(ctx context.Context, d drivers.Driver) error { _, err := d.Clear(ctx, "key"); return err },
		"GetValues": func(ctx context.Context, d drivers.Driver) error {
			_, err := d.(drivers.Batch).GetValues(ctx, many...)
			return err
		},
		"Sweep": func(ctx context.Context, d drivers.Driver) error {
			_, err := d.(drivers.Sweeper).Sweep(ctx)
			return err
		},
		"Ping": func(ctx context.Context, d drivers.Driver) error { return d.(drivers.Pinger).Ping(ctx) },
		"TooLarge": func(ctx context.Context, d drivers.Driver) error {
			return d.Set(ctx, "key", make([]byte, dynamodb.MaxItem), long)
		},
	}
	before := runtime.NumGoroutine()
	for maker, newDriver := range makers {
		for _, ready := range []bool{true, false} {
			if maker == "OwnClient" && !ready {
				continue // see TestOpenCancelled
			}
			t.Run(maker+map[bool]string{true: "Ready", false: "NotReady"}[ready], func(t *testing.T) {
				p := newProxy(t, strings.TrimPrefix(endpoint, "http://"))
				d := newDriver(t, p)
				if ready {
					set(t, d, "key", "value", long)
				}
				p.stall()
				for name, do := range operations {
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
					if err := do(ctx, d); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s past its deadline: %v, want an error that wraps context.DeadlineExceeded", name, err)
					}
					cancel()
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(10*time.Millisecond, cancel)
					if err := do(ctx, d); !errors.Is(err, context.Canceled) {
						t.Errorf("%s cancelled: %v, want an error that wraps context.Canceled", name, err)
					}
				}
				// Close waits for none of it, and ends what waits for the table.
				waiting := make(chan error)
				if !ready {
					go func() { waiting <- d.(drivers.Pinger).Ping(t.Context()) }()
					time.Sleep(5 * time.Millisecond)
				}
				if err := d.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
				if !ready {
					if err := <-waiting; !errors.Is(err, drivers.ErrClosed) {
						t.Errorf("Ping, overtaken by Close: %v, want ErrClosed", err)
					}
				}
			})
		}
	}
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines are left, there were %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

// A server that stalls in the middle of its answer is no different.
func TestStalledAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem") {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			_ = json.NewEncoder(w).Encode(merge(table("ACTIVE"), timeToLive("ENABLED", "expires")))
			return
		}
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"Item": {`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	client := newClient(t, server.URL, func(o *sdk.Options) { o.DisableValidateResponseChecksum = true })
	d := newDriver(t, client, dynamodb.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := d.Get(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get: %v, want an error that wraps context.DeadlineExceeded", err)
	}
}

// Close leaves a client that was given alone.
func TestCloseLeavesTheClient(t *testing.T) {
	endpoint, table := prepared(t)
	client := newClient(t, endpoint)
	for range 3 {
		d := newDriver(t, client, dynamodb.Options{Table: table})
		set(t, d, "key", "value", long)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantValue(t, newDriver(t, client, dynamodb.Options{Table: table}), "key", "value")
}
