package redis_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/drivers/redis"
)

// counted makes words, none of them twice.
func counted() func() []byte {
	var n atomic.Int64
	return func() []byte { return fmt.Append(nil, "word ", n.Add(1)) }
}

// throughProxy returns a driver whose client repeats what is lost, a proxy on its way, and a client that goes past it.
func throughProxy(t *testing.T, options redis.Options) (*redis.Driver, *proxy.Proxy, *goredis.Client) {
	t.Helper()
	p := newProxy(t)
	d := driver(t, client(t, through(p), func(o *goredis.Options) { o.MaxRetries = 3 }), options)
	if _, err := d.GetValues(t.Context(), "absent"); err != nil { // so that a connection has introduced itself
		t.Fatal(err)
	}
	return d, p, client(t)
}

// TestLostAnswers loses the answer to what a mark or a log stands on: it is an error, and nothing is sent again.
func TestLostAnswers(t *testing.T) {
	for name, options := range map[string]redis.Options{"Pipelined": {}, "Alone": {NoAutoPipeline: true}} {
		for operation, do := range map[string]func(ctx context.Context, d *redis.Driver, key string) error{
			"Add": func(ctx context.Context, d *redis.Driver, key string) error {
				_, err := d.Add(ctx, time.Minute, counted(), key)
				return err
			},
			"Append": func(ctx context.Context, d *redis.Driver, key string) error {
				return d.Append(ctx, key, 100, time.Minute, []byte("record"))
			},
		} {
			t.Run(name+operation, func(t *testing.T) {
				d, p, past := throughProxy(t, options)
				key := prefix()
				removed := make(chan int64, 1)
				p.LoseAnswer(func() { removed <- past.Del(context.Background(), key).Val() })
				if err := do(t.Context(), d, key); err == nil {
					t.Error("it succeeds, though its answer was lost")
				}
				if n, there := <-removed, past.Exists(t.Context(), key).Val(); n != 1 || there != 0 {
					t.Errorf("%d were removed when the answer was lost, want 1, and %d are there", n, there)
				}
			})
		}
	}
}

// replies answers commands as another server would.
type replies struct {
	to       func(cmd goredis.Cmder) string // "" to ask the server
	mu       sync.Mutex
	answered int
}

type replyError string

func (e replyError) Error() string { return string(e) }
func (replyError) RedisError()     {}

func (r *replies) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (r *replies) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (r *replies) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		asked := slices.DeleteFunc(slices.Clone(cmds), r.answer)
		if len(asked) == 0 {
			return nil
		}
		return next(ctx, asked)
	}
}

// answer answers a command, or returns false.
func (r *replies) answer(cmd goredis.Cmder) bool {
	reply := r.to(cmd)
	if reply == "" {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered++
	cmd.SetErr(replyError(reply))
	return true
}

// A full server answers with the values that it has, and refuses to add.
func TestAddToAFullServer(t *testing.T) {
	c, past := client(t), client(t)
	c.AddHook(&replies{to: func(cmd goredis.Cmder) string {
		if cmd.Name() == "set" || cmd.Name() == "xadd" {
			return "OOM command not allowed when used memory > 'maxmemory'."
		}
		return ""
	}})
	d, ctx, key := driver(t, c, redis.Options{}), t.Context(), prefix()
	t.Cleanup(func() { past.Del(context.Background(), key) })
	past.Set(ctx, key, "value", time.Minute)
	got, err := d.Add(ctx, time.Hour, counted(), key)
	if err != nil || string(got[0]) != "value" {
		t.Errorf("Add = %q, %v, want what is there", got, err)
	}
	if left := past.PTTL(ctx, key).Val(); left < 59*time.Minute {
		t.Errorf("the value lives for %v, want an hour", left)
	}
	if got, err := d.Add(ctx, time.Hour, counted(), key, key+"absent"); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("Add of a key that is absent = %q, %v, want the server's error", got, err)
	}
	if err := d.Append(ctx, key+"log", 10, time.Hour, []byte("record")); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("Append: %v, want the server's error", err)
	}
}

// Before Redis 7.0 PEXPIRE has no GT.
func TestAddLengthensOnOldServers(t *testing.T) {
	c, past := client(t), client(t)
	old := &replies{to: func(cmd goredis.Cmder) string {
		if cmd.Name() == "pexpire" && len(cmd.Args()) > 3 {
			return "ERR wrong number of arguments for 'pexpire' command"
		}
		return ""
	}}
	c.AddHook(old)
	d, ctx, key := driver(t, c, redis.Options{}), t.Context(), prefix()
	t.Cleanup(func() { past.Del(context.Background(), key) })
	past.Set(ctx, key, "value", time.Minute)
	if got, err := d.Add(ctx, time.Hour, counted(), key); err != nil || string(got[0]) != "value" {
		t.Errorf("Add = %q, %v", got, err)
	}
	if left := past.PTTL(ctx, key).Val(); left < 59*time.Minute || old.answered != 1 {
		t.Errorf("the value lives for %v, want an hour; %d were refused", left, old.answered)
	}
	if _, err := d.Add(ctx, time.Minute, counted(), key); err != nil {
		t.Error(err)
	}
	if left := past.PTTL(ctx, key).Val(); left < 59*time.Minute || old.answered != 1 {
		t.Errorf("the value lives for %v, want an hour still; %d were refused", left, old.answered)
	}
}

// What is neither a value nor a log is an error, and stays.
func TestAddAndLogOfOthers(t *testing.T) {
	c := client(t)
	d, ctx, key := driver(t, c, redis.Options{}), t.Context(), prefix()
	t.Cleanup(func() { c.Del(context.Background(), key, key+"stream") })
	c.HSet(ctx, key, "field", "value")
	c.XAdd(ctx, &goredis.XAddArgs{Stream: key + "stream", Values: []string{"field", "value"}})
	if _, err := d.Add(ctx, time.Minute, counted(), key); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("Add over a hash: %v, want an error that says so", err)
	}
	if _, err := d.End(ctx, key+"stream", time.Minute); err == nil || !strings.Contains(err.Error(), "no log") {
		t.Errorf("End of another's stream: %v, want an error that says so", err)
	}
	if c.Type(ctx, key).Val() != "hash" {
		t.Error("the hash is gone")
	}
}

// TestAddTakesOneRoundTrip counts the round trips of several keys.
func TestAddTakesOneRoundTrip(t *testing.T) {
	c := client(t)
	trips := new(counter)
	c.AddHook(trips)
	d, key := driver(t, c, redis.Options{}), prefix()
	keys := []string{key + "1", key + "2", key + "3"}
	t.Cleanup(func() { c.Del(context.Background(), keys...) })
	for range 2 { // added, and then found
		trips.pipelines.Store(0)
		if _, err := d.Add(t.Context(), time.Minute, counted(), keys...); err != nil {
			t.Fatal(err)
		}
		if n, single := trips.pipelines.Load(), trips.single.Load(); n != 1 || single != 0 {
			t.Errorf("an Add of 3 keys took %d pipelines and %d commands, want 1 and 0", n, single)
		}
	}
}
