package mongodb

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/testservers"
)

func pendingOperations(p *pending) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Get":       func(ctx context.Context) error { _, err := p.Get(ctx, "k"); return err },
		"Set":       func(ctx context.Context) error { return p.Set(ctx, "k", []byte("v"), time.Hour) },
		"Delete":    func(ctx context.Context) error { _, err := p.Delete(ctx, "k"); return err },
		"Clear":     func(ctx context.Context) error { _, err := p.Clear(ctx, "k"); return err },
		"Sweep":     func(ctx context.Context) error { _, err := p.Sweep(ctx); return err },
		"GetValues": func(ctx context.Context) error { _, err := p.GetValues(ctx, "k"); return err },
		"Ping":      p.Ping,
		"Add": func(ctx context.Context) error {
			_, err := p.Add(ctx, time.Hour, func() []byte { return []byte("w") }, "w")
			return err
		},
		"Append": func(ctx context.Context) error { return p.Append(ctx, "log", 1, time.Hour, []byte("r")) },
		"End":    func(ctx context.Context) error { _, err := p.End(ctx, "log", time.Hour); return err },
		"Since":  func(ctx context.Context) error { _, _, _, err := p.Since(ctx, "log", ""); return err },
	}
}

// A directory is the name servers of a pending driver, which know the host or do not, and count who asks.
type directory struct {
	known         atomic.Bool
	asked, atOnce atomic.Int64
}

var errUnknown = &net.DNSError{Err: "no such host", Name: "cluster.invalid"}

// pendingOn returns a driver that waits for name servers, and how its store is reached beside it.
func pendingOn(t *testing.T, names *directory) (*pending, drivers.Settings) {
	t.Helper()
	settings := drivers.Settings{DatabaseName: "cachette_test", TableName: "c" + rand.Text(), Logger: slog.New(slog.DiscardHandler)}
	settings.MongoDBURL = testservers.Find(t, testservers.MongoDB)
	return newPending(func(ctx context.Context) (*Driver, error) {
		names.asked.Add(1)
		if names.atOnce.Add(1) > 1 {
			t.Error("two ask at once")
		}
		defer names.atOnce.Add(-1)
		if !names.known.Load() {
			return nil, errUnknown
		}
		return connect(ctx, settings, newHeartbeat())
	}), settings
}

// Until the name servers answer, each operation asks them and says what they said; then the driver is as any other.
func TestPending(t *testing.T) {
	var names directory
	p, settings := pendingOn(t, &names)
	asksEachTime(t, p, &names)

	names.known.Store(true)
	names.asked.Store(0)
	asksOnce(t, p, &names)
	defer dropCollection(t, settings)
	worksAsAnyOther(t, p)
	closesWhatCame(t, p)
}

// asksEachTime holds a driver whose name servers know nothing.
func asksEachTime(t *testing.T, p *pending, names *directory) {
	t.Helper()
	for name, call := range pendingOperations(p) {
		if err := call(t.Context()); !errors.Is(err, errUnknown) {
			t.Errorf("%s: %v, want what the name servers said", name, err)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := call(cancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", name, err)
		}
	}
	if n := names.asked.Load(); n != 11 {
		t.Errorf("the name servers were asked %d times, want once by each operation", n)
	}
}

// asksOnce has many write at once when the name servers answer.
func asksOnce(t *testing.T, p *pending, names *directory) {
	t.Helper()
	var writing sync.WaitGroup
	for range 16 {
		writing.Go(func() {
			if err := p.Set(t.Context(), "k", []byte("v"), time.Hour); err != nil {
				t.Error(err)
			}
		})
	}
	writing.Wait()
	if n := names.asked.Load(); n != 1 {
		t.Errorf("the name servers were asked %d times, want once", n)
	}
}

func dropCollection(t *testing.T, settings drivers.Settings) {
	t.Helper()
	d, err := connect(context.Background(), settings, newHeartbeat())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.collection.Drop(context.Background()); err != nil {
		t.Error(err)
	}
}

// worksAsAnyOther holds a driver that has its store, with one value in it.
func worksAsAnyOther(t *testing.T, p *pending) {
	t.Helper()
	if item, err := p.Get(t.Context(), "k"); err != nil || string(item.Value) != "v" {
		t.Errorf("Get = %q, %v", item.Value, err)
	}
	if values, err := p.GetValues(t.Context(), "k"); err != nil || string(values[0]) != "v" {
		t.Errorf("GetValues = %q, %v", values, err)
	}
	if n, err := p.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	if n, err := p.Delete(t.Context(), "k"); n != 1 || err != nil {
		t.Errorf("Delete = %d, %v", n, err)
	}
	if n, err := p.Clear(t.Context(), "k"); n != 0 || err != nil {
		t.Errorf("Clear = %d, %v", n, err)
	}
	if err := p.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if !p.Dedicated() || p.MaxValue("k") != p.driver.MaxValue("k") {
		t.Errorf("Dedicated is %t, MaxValue %d", p.Dedicated(), p.MaxValue("k"))
	}
}

// closesWhatCame holds a driver that has its store to be closed with it.
func closesWhatCame(t *testing.T, p *pending) {
	t.Helper()
	inner := p.driver
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if !inner.closed.Load() {
		t.Error("Close left the driver open")
	}
	for name, call := range pendingOperations(p) {
		if err := call(t.Context()); !errors.Is(err, drivers.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

// Close does not wait for name servers, and a driver that comes after it is closed.
func TestPendingClosedMeanwhile(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	late := make(chan *Driver, 1)
	var attempt context.Context
	p := newPending(func(ctx context.Context) (*Driver, error) {
		attempt = ctx
		close(asked)
		<-answer
		d, err := connect(ctx, drivers.Settings{MongoDBURL: "mongodb://127.0.0.1:1", DatabaseName: "d", TableName: "c"}, newHeartbeat())
		late <- d
		return d, err
	})
	failed := make(chan error)
	go func() { failed <- p.Set(t.Context(), "k", nil, time.Hour) }()
	<-asked
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := p.Get(short, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get while another asks: %v, want context.DeadlineExceeded", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if attempt.Err() == nil {
		t.Error("Close did not end the attempt's context")
	}
	close(answer)
	if err := <-failed; !errors.Is(err, drivers.ErrClosed) {
		t.Errorf("Set under way: %v, want ErrClosed", err)
	}
	d := <-late
	for range 500 {
		if d.closed.Load() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the driver that came late is open")
}

// A name that name servers do not know, or do not answer for, is no reason not to start.
func TestOpenUnknownHost(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var lines counter
	d, err := open(ctx, drivers.Settings{
		MongoDBURL: "mongodb+srv://user:secret@cluster.cachette.invalid/", DatabaseName: "d", TableName: "c",
		Logger: slog.New(slog.NewTextHandler(&lines, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if lines.n != 1 || strings.Contains(lines.text, "secret") || !strings.Contains(lines.text, "MongoDBURL (CACHETTE_MONGODB_URL)") {
		t.Errorf("the log is\n%s\nwant one line, which names the setting and no password", lines.text)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := d.Set(short, "k", nil, time.Hour); !errors.Is(err, errLookup) {
		t.Errorf("Set: %v, want an error of the look-up", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// counter counts what is written to it.
type counter struct {
	n    int
	text string
}

func (c *counter) Write(line []byte) (int, error) {
	c.n++
	c.text += string(line)
	return len(line), nil
}
