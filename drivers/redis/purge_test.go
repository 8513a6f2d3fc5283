package redis_test

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers/redis"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// TestPurgeOfAFullServer: one that takes no record is an error, and deletes all the same, behind where the record would be.
func TestPurgeOfAFullServer(t *testing.T) {
	c, past := client(t), client(t)
	var order []string
	c.AddHook(&replies{to: func(cmd goredis.Cmder) string {
		if !introduces(cmd) {
			order = append(order, cmd.Name())
		}
		if cmd.Name() == "xadd" {
			return "OOM command not allowed when used memory > 'maxmemory'."
		}
		return ""
	}})
	d, mark := driver(t, c, redis.Options{}), prefix()
	past.Set(t.Context(), mark, "word", time.Minute)
	if err := d.Purge(t.Context(), mark+"log", 10, time.Minute, [][]byte{[]byte("record")}, mark); err == nil {
		t.Error("it succeeds, though the record was not taken")
	}
	if past.Exists(t.Context(), mark).Val() != 0 {
		t.Error("the mark is there")
	}
	if want := []string{"xadd", "pexpire", "unlink"}; !slices.Equal(order, want) {
		t.Errorf("%v are sent, want %v", order, want)
	}
}

// asked calls before for a pipeline that a server has sent on.
type asked struct{ before func() }

func (a asked) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (a asked) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook { return next }

func (a asked) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		if slices.ContainsFunc(cmds, func(cmd goredis.Cmder) bool { return cmd.Name() == "asking" }) {
			a.before()
		}
		return next(ctx, cmds)
	}
}

// TestPurgeOfAMovingSlot has the log on its way to another server of a Cluster, and the mark not yet: the mark is deleted at once, and the record comes
// behind that. A mark that is added in between is deleted, too.
func TestPurgeOfAMovingSlot(t *testing.T) {
	ctx, past := t.Context(), clusterClient(t, testservers.Find(t, testservers.RedisCluster))
	tag := "{" + prefix() + "}"
	log, mark := tag+"log", tag+"mark"
	c := clusterClient(t, testservers.Find(t, testservers.RedisCluster))
	between := 0
	d := driver(t, c, redis.Options{})
	c.OnNewNode(func(node *goredis.Client) {
		node.AddHook(asked{func() {
			between++
			if err := past.Set(context.Background(), mark, "word", time.Minute).Err(); err != nil {
				t.Error(err)
			}
		}})
	})
	if err := past.Set(ctx, mark, "word", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	if err := past.XAdd(ctx, &goredis.XAddArgs{Stream: log, Values: []string{"r", "before"}}).Err(); err != nil {
		t.Fatal(err)
	}
	target := moves(t, past, log)

	if err := d.Purge(ctx, log, 10, time.Minute, [][]byte{[]byte("record")}, mark); err != nil {
		t.Fatal(err)
	}
	if between == 0 {
		t.Fatal("nothing was sent on to the other server")
	}
	if n := past.Exists(ctx, mark).Val(); n != 0 {
		t.Error("a mark is there that was added before the record was in the log")
	}
	var length *goredis.IntCmd
	_, err := target.Pipelined(ctx, func(to goredis.Pipeliner) error {
		to.Do(ctx, "asking")
		length = to.XLen(ctx, log)
		return nil
	})
	if err != nil || length.Val() != 2 {
		t.Errorf("the log has %d records (%v), want 2", length.Val(), err)
	}
}

// moves has the slot of a key be on its way from one server to another, and moves the key alone. It returns the client of the other server.
func moves(t *testing.T, c *goredis.ClusterClient, key string) (target *goredis.Client) {
	t.Helper()
	ctx := context.Background()
	source, err := c.MasterForKey(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	slot := c.ClusterKeySlot(ctx, key).Val()
	for i := 0; target == nil || target.Options().Addr == source.Options().Addr; i++ {
		if target, err = c.MasterForKey(ctx, prefix()); err != nil || i > 100 {
			t.Fatalf("no other server: %v", err)
		}
	}
	must := func(cmd goredis.Cmder) {
		t.Helper()
		if cmd.Err() != nil {
			t.Fatalf("%v: %v", cmd.Args(), cmd.Err())
		}
	}
	sourceID, _ := source.Do(ctx, "cluster", "myid").Text()
	targetID, _ := target.Do(ctx, "cluster", "myid").Text()
	host, port, _ := net.SplitHostPort(target.Options().Addr)
	t.Cleanup(func() {
		_, _ = target.Pipelined(ctx, func(to goredis.Pipeliner) error {
			to.Do(ctx, "asking")
			to.Del(ctx, key)
			return nil
		})
		must(source.Do(ctx, "cluster", "setslot", slot, "stable"))
		must(target.Do(ctx, "cluster", "setslot", slot, "stable"))
	})
	must(target.Do(ctx, "cluster", "setslot", slot, "importing", sourceID))
	must(source.Do(ctx, "cluster", "setslot", slot, "migrating", targetID))
	must(source.Migrate(ctx, host, port, key, 0, time.Second))
	return target
}
