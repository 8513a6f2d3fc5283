package stores_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	_ "github.com/gin-cachette/cachette/drivers/redis" // registers "redis"
	"github.com/gin-cachette/cachette/integration/servers"
)

// A redisServer is a server whose folder is the test's.
type redisServer struct {
	*server
	dir string
}

func newRedis(t *testing.T) redisServer {
	t.Helper()
	return redisServer{newServer(t, servers.HaveRedis()), t.TempDir()}
}

func (s redisServer) url() string { return fmt.Sprintf("redis://127.0.0.1:%d", s.port) }

func (s redisServer) start(t *testing.T) {
	t.Helper()
	s.run(t, func(ctx context.Context, port int) (*servers.Process, error) {
		return servers.RedisServer(ctx, s.dir, port)
	})
}

// openRedis opens the driver as a program would, and returns what it warns of: the client logs, too, and in the background.
func openRedis(t testing.TB, url string) (drivers.Driver, *strings.Builder) {
	t.Helper()
	log := new(strings.Builder)
	return open(t.Context(), t, "redis", drivers.Settings{
		RedisURL: url, OperationTimeout: 200 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}), log
}

// bounded runs an operation within the time that cachette gives it, and fails the test if it takes much longer.
func bounded(t *testing.T, operation func(ctx context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- operation(ctx) }()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("an operation does not end with its context")
		return nil
	}
}

func setIn(d drivers.Driver) func(ctx context.Context) error {
	return func(ctx context.Context) error { return d.Set(ctx, "key", []byte("value"), time.Minute) }
}

func getFrom(d drivers.Driver) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		item, err := d.Get(ctx, "key")
		if err == nil && string(item.Value) != "value" {
			err = fmt.Errorf("it has %q", item.Value)
		}
		return err
	}
}

// eventually repeats an operation until it succeeds.
func eventually(t *testing.T, operation func(ctx context.Context) error) {
	t.Helper()
	var err error
	for range 300 {
		if err = bounded(t, operation); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("it does not recover: %v", err)
}

// wantFailure runs an operation whose store is gone.
func wantFailure(t *testing.T, what string, operation func(ctx context.Context) error) {
	t.Helper()
	if err := bounded(t, operation); err == nil || errors.Is(err, drivers.ErrMiss) {
		t.Errorf("%s without a server: %v, want an error", what, err)
	}
}

func TestRedisComesUpLate(t *testing.T) {
	t.Parallel()
	s := newRedis(t)
	d, log := openRedis(t, s.url())
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "RedisURL (CACHETTE_REDIS_URL)") {
		t.Errorf("the log is %q, want one warning that names the setting", text)
	}
	for range 50 { // more than there are connections
		wantFailure(t, "Get", getFrom(d))
	}
	s.start(t)
	eventually(t, setIn(d))
	eventually(t, getFrom(d))
}

func TestRedisDiesAndComesBack(t *testing.T) {
	t.Parallel()
	s := newRedis(t)
	s.start(t)
	d, log := openRedis(t, s.url())
	if log.Len() > 0 {
		t.Errorf("the log is %q", log)
	}
	for range 3 {
		eventually(t, setIn(d))
		eventually(t, getFrom(d))
		s.kill(t)
		for range 50 {
			wantFailure(t, "Get", getFrom(d))
			wantFailure(t, "Set", setIn(d))
		}
		s.start(t)
	}
	eventually(t, setIn(d))
	eventually(t, getFrom(d))
}

// TestRedisRestartsUnnoticed restarts the server between two requests: those that find their connection dead try another.
func TestRedisRestartsUnnoticed(t *testing.T) {
	s := newRedis(t)
	s.start(t)
	d, _ := openRedis(t, s.url())
	for range 5 {
		if err := bounded(t, setIn(d)); err != nil {
			t.Fatal(err)
		}
		s.kill(t)
		s.start(t)
		if err := bounded(t, getFrom(d)); !errors.Is(err, drivers.ErrMiss) {
			t.Errorf("Get after a restart: %v, want a miss", err)
		}
	}
}

// TestRedisStalls has the server stop answering, as it does while it swaps or forks.
func TestRedisStalls(t *testing.T) {
	s := newRedis(t)
	s.start(t)
	d, _ := openRedis(t, s.url())
	for range 10 { // the driver knows that the server is near
		eventually(t, setIn(d))
		eventually(t, getFrom(d))
	}
	if err := s.process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		for what, operation := range map[string]func(context.Context) error{"Get": getFrom(d), "Set": setIn(d)} {
			if err := bounded(t, operation); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s of a server that has stopped: %v, want DeadlineExceeded", what, err)
			}
		}
	}
	if err := s.process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, setIn(d))
	eventually(t, getFrom(d))
}

// TestRedisSentinelFailover kills the master: the driver finds the next by itself.
func TestRedisSentinelFailover(t *testing.T) {
	wantInstalled(t, servers.HaveRedis())
	s, err := servers.StartSentinels(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	d, _ := openRedis(t, s.URL)
	eventually(t, setIn(d))
	if err := s.Master.Kill(); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, "Set", setIn(d))
	eventually(t, setIn(d))
	for range 50 { // no connection to the dead master is left
		if err := bounded(t, setIn(d)); err != nil {
			t.Errorf("Set after the failover: %v", err)
		}
		if err := bounded(t, getFrom(d)); err != nil {
			t.Errorf("Get after the failover: %v", err)
		}
	}
}

// TestRedisWaitsThroughFailover kills the master while something waits for records of a log: it gets an error, and then is told by the next master.
func TestRedisWaitsThroughFailover(t *testing.T) {
	wantInstalled(t, servers.HaveRedis())
	s, err := servers.StartSentinels(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	opened, _ := openRedis(t, s.URL)
	d := opened.(interface {
		drivers.Log
		drivers.Waiter
	})
	var at drivers.Position
	end := func(ctx context.Context) (err error) { at, err = d.End(ctx, "log", time.Hour); return err }
	eventually(t, end)
	done := make(chan error, 1)
	wait := func() { done <- d.Wait(t.Context(), "log", at) }
	go wait()
	if err := s.Master.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("Wait on a master that was killed: no error")
	}
	eventually(t, func(ctx context.Context) error { return d.Append(ctx, "log", 10, time.Hour, []byte("record")) })
	eventually(t, end) // which says that the log may have been lost with the master
	go wait()
	eventually(t, func(ctx context.Context) error { return d.Append(ctx, "log", 10, time.Hour, []byte("record")) })
	if err := <-done; err != nil {
		t.Errorf("Wait after the failover: %v", err)
	}
}

// TestRedisClusterNodeDies kills one master of three: the keys of the others stay within reach, whatever waits for the dead.
func TestRedisClusterNodeDies(t *testing.T) {
	wantInstalled(t, servers.HaveRedis())
	c, err := servers.StartCluster(t.Context(), t.TempDir(), "--cluster-require-full-coverage", "no")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	d, _ := openRedis(t, c.URL)
	// These keys are in slots 12182, 5061 and 866, of the third, the first and the first node.
	keys := map[string]int{"foo": 2, "bar": 0, "hello": 0}
	set := func(key string) func(ctx context.Context) error {
		return func(ctx context.Context) error { return d.Set(ctx, key, []byte("value"), time.Minute) }
	}
	for key := range keys {
		eventually(t, set(key))
		eventually(t, set(key))
	}
	const stopped = 2
	if err := c.Nodes[stopped].Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer c.Nodes[stopped].Signal(syscall.SIGCONT)
	waiting := make(chan error, 20)
	for range cap(waiting) {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer cancel()
			waiting <- set("foo")(ctx)
		}()
	}
	for key, node := range keys {
		if node == stopped {
			continue
		}
		for range 20 {
			if err := bounded(t, set(key)); err != nil {
				t.Errorf("Set of %s, on a node that answers: %v", key, err)
			}
		}
	}
	for range cap(waiting) {
		if err := <-waiting; err == nil {
			t.Error("Set of a key on a node that has stopped succeeds")
		}
	}
	if err := c.Nodes[stopped].Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, set("foo"))
}

// TestRedisConformance proves the driver on servers that are started for it.
func TestRedisConformance(t *testing.T) {
	t.Parallel()
	wantInstalled(t, servers.HaveRedis())
	for name, start := range map[string]func(context.Context, string) (string, servers.Stop, error){
		"TLS": servers.RedisTLS, "Sentinel": servers.RedisSentinel, "Cluster": servers.RedisCluster,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			where, stop, err := start(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
			drivertest.Run(t, drivertest.Harness{Keys: 500, New: func(t testing.TB) drivers.Driver {
				d := open(t.Context(), t, "redis", drivers.Settings{RedisURL: where, OperationTimeout: patient})
				if _, err := d.Clear(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				return d
			}})
		})
	}
}
