package dynamodb_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/dynamodb"
	"github.com/gin-cachette/cachette/internal/testservers"
)

func merge(objects ...object) object {
	all := object{}
	for _, o := range objects {
		maps.Copy(all, o)
	}
	return all
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

// stallable are the operations that a stalled server holds up.
func stallable() map[string]func(ctx context.Context, d drivers.Driver) error {
	many, tooLarge := many(300), make([]byte, dynamodb.MaxItem)
	return map[string]func(ctx context.Context, d drivers.Driver) error{
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
			return d.Set(ctx, "key", tooLarge, long)
		},
	}
}

// While the server is stalled each operation ends with its context, whoever made the client, and whether the table is
// known to be ready or not.
func TestStalled(t *testing.T) {
	isolate(t)
	endpoint, table := prepared(t)
	goroutines := runtime.NumGoroutine()
	for maker, opened := range makers {
		for _, ready := range []bool{true, false} {
			if maker == "OwnClient" && !ready {
				continue // see TestOpenCancelled
			}
			t.Run(maker+map[bool]string{true: "Ready", false: "NotReady"}[ready], func(t *testing.T) {
				p := before(t, endpoint)
				d := opened(t, p, table)
				if ready {
					set(t, d, "key", "value", long)
				}
				p.Hang()
				endsWithItsContext(t, d)
				closesAtOnce(t, d, ready)
			})
		}
	}
	leavesNoGoroutine(t, goroutines)
}

// endsWithItsContext holds each operation on a server that is stalled.
func endsWithItsContext(t *testing.T, d drivers.Driver) {
	t.Helper()
	for name, do := range stallable() {
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
}

// closesAtOnce: Close waits for no operation, and ends what waits for the table.
func closesAtOnce(t *testing.T, d drivers.Driver, ready bool) {
	t.Helper()
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
}

// leavesNoGoroutine waits until there are no more than before.
func leavesNoGoroutine(t *testing.T, goroutines int) {
	t.Helper()
	for range 500 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines are left, there were %d:\n%s", runtime.NumGoroutine(), goroutines, stacks[:runtime.Stack(stacks, true)])
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
