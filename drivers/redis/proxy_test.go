package redis_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// newProxy returns a proxy before the single server.
func newProxy(t testing.TB) *proxy.Proxy {
	t.Helper()
	options, err := goredis.ParseURL(testservers.Find(t, testservers.Redis))
	if err != nil {
		t.Fatal(err)
	}
	return proxy.New(t, options.Addr)
}

// through makes a client go through a proxy.
func through(p *proxy.Proxy) func(*goredis.Options) {
	return func(o *goredis.Options) { o.Addr = p.Addr() }
}

// proxied is a cluster with a proxy before each of its servers.
type proxied struct {
	*goredis.ClusterClient
	proxies map[string]*proxy.Proxy // by the address of the server
}

// proxiedCluster returns a client that goes through proxies.
func proxiedCluster(t testing.TB, change ...func(*goredis.ClusterOptions)) proxied {
	t.Helper()
	addrs := strings.Split(strings.TrimPrefix(testservers.Find(t, testservers.RedisCluster), "redis+cluster://"), ",")
	all := proxied{proxies: make(map[string]*proxy.Proxy)}
	for _, addr := range addrs {
		all.proxies[addr] = proxy.New(t, addr)
	}
	options := &goredis.ClusterOptions{
		Addrs: addrs,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			p := all.proxies[addr]
			if p == nil {
				return nil, fmt.Errorf("%s is no server of the cluster", addr)
			}
			return new(net.Dialer).DialContext(ctx, network, p.Addr())
		},
	}
	for _, c := range change {
		c(options)
	}
	all.ClusterClient = goredis.NewClusterClient(options)
	t.Cleanup(func() { all.ClusterClient.Close() })
	return all
}

// each does something to the proxies before all servers.
func (c proxied) each(do func(p *proxy.Proxy)) {
	for _, p := range c.proxies {
		do(p)
	}
}
