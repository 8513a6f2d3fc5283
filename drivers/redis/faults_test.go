package redis_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	"github.com/gin-cachette/cachette/drivers/redis"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// once are the operations that are sent once, whatever MaxRetries is. Values are put and deleted again where a connection was cut.
var once = []string{"Clear", "Add", "Insert", "Append", "Purge"}

// TestFaults runs the suite of faults on a single server, opened by its name.
//
// Its HalfOpen cannot fail here: forty callers at once share two or three connections, as the driver pipelines, and so few may fail.
// TestHalfOpenConnections and those that follow it make forty, of a single server, of one of a cluster, and over TLS.
func TestFaults(t *testing.T) {
	t.Parallel() // with those of other servers
	where, err := url.Parse(inDatabase(t, testservers.Find(t, testservers.Redis), sharedDatabase))
	if err != nil {
		t.Fatal(err)
	}
	drivertest.RunFaults(t, drivertest.Faults{
		Server: where.Host,
		Once:   once,
		Open: func(t testing.TB, addr string) drivers.Driver {
			through := *where
			through.Host = addr
			return openURL(t, through.String())
		},
	})
}

// TestFaultsOfClusterNode runs it on one server of a cluster.
func TestFaultsOfClusterNode(t *testing.T) {
	t.Parallel() // with those of other servers
	where := testservers.Find(t, testservers.RedisCluster)
	addrs := strings.Split(strings.TrimPrefix(where, "redis+cluster://"), ",")
	node, tag := nodeOfTag(t, clusterClient(t, where))
	drivertest.RunFaults(t, drivertest.Faults{
		Server:  node,
		Once:    once,
		Prefix:  tag,
		Excused: map[string]string{"Close/Busy": "the client is the test's, which closes it"},
		Open: func(t testing.TB, addr string) drivers.Driver {
			o := faultOptions(node, addr)
			o.Addrs = addrs
			return newOn(t, goredis.NewClusterClient(o.Cluster()))
		},
	})
}

// nodeOfTag returns a server of a cluster, and a prefix whose keys are on it.
func nodeOfTag(t *testing.T, c *goredis.ClusterClient) (node, tag string) {
	t.Helper()
	tag = "{faults}"
	master, err := c.MasterForKey(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	return master.Options().Addr, tag
}

// TestFaultsOfMaster runs it on the master that a sentinel tells.
func TestFaultsOfMaster(t *testing.T) {
	t.Parallel() // with those of other servers
	where, err := url.Parse(testservers.Find(t, testservers.RedisSentinel))
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(strings.Trim(where.Path, "/"), "/")
	sentinels := strings.Split(where.Host, ",")
	sentinel := goredis.NewSentinelClient(&goredis.Options{Addr: sentinels[0]})
	defer sentinel.Close()
	master, err := sentinel.GetMasterAddrByName(t.Context(), name).Result()
	if err != nil || len(master) != 2 {
		t.Fatalf("the sentinel tells of the master %q, %v", master, err)
	}
	server := net.JoinHostPort(master[0], master[1])
	drivertest.RunFaults(t, drivertest.Faults{
		Server: server,
		Once:   once,
		Open: func(t testing.TB, addr string) drivers.Driver {
			o := faultOptions(server, addr)
			o.Addrs, o.MasterName = sentinels, name
			return newOn(t, goredis.NewFailoverClient(o.Failover()))
		},
		Excused: map[string]string{"Close/Busy": "the client is the test's, which closes it"},
	})
}

// faultOptions are those that the driver opens a client with, that reaches a server at another address.
func faultOptions(server, addr string) *goredis.UniversalOptions {
	return &goredis.UniversalOptions{
		Dialer: func(ctx context.Context, network, to string) (net.Conn, error) {
			if to == server {
				to = addr
			}
			return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, to)
		},
		ReadTimeout: time.Second, WriteTimeout: time.Second, PoolTimeout: time.Second,
		MinRetryBackoff: time.Millisecond, MaxRetryBackoff: 20 * time.Millisecond,
		ContextTimeoutEnabled: true,
	}
}

// newOn returns a driver on a client that ends with it.
func newOn(t testing.TB, client goredis.UniversalClient) drivers.Driver {
	t.Helper()
	t.Cleanup(func() { client.Close() })
	d, err := redis.New(client, redis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
