package stores_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/integration/servers"
)

// A countedFleet is a site whose store has several servers, each behind a proxy that counts round trips.
type countedFleet struct {
	*counted // of which the proxy is that of the first
	proxies  []*proxy.Proxy
	clears   int // how often one of them is asked beside that before a clearing
}

// countedFleets are made anew for each test.
var countedFleets = map[string]func(t *testing.T) *countedFleet{
	"memcached": func(t *testing.T) *countedFleet {
		var proxies []*proxy.Proxy
		var names []string
		for range 2 {
			s := newMemcached(t)
			s.start(t)
			p := proxy.New(t, s.host())
			proxies, names = append(proxies, p), append(names, p.Addr())
		}
		return newCountedFleet(t, proxies, cachette.Config{Backend: "memcached", MemcachedHost: strings.Join(names, ",")})
	},
	"redis": func(t *testing.T) *countedFleet {
		wantInstalled(t, servers.HaveRedis())
		c, err := servers.StartCluster(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Stop() })
		where, err := url.Parse(c.URL)
		if err != nil {
			t.Fatal(err)
		}
		var proxies []*proxy.Proxy
		var names []string
		nodes := strings.Split(where.Host, ",")
		for _, node := range nodes {
			p := proxy.New(t, node)
			proxies, names = append(proxies, p), append(names, p.Addr())
		}
		announce(t, nodes, names)
		f := newCountedFleet(t, proxies, cachette.Config{Backend: "redis", RedisURL: "redis+cluster://" + strings.Join(names, ",")})
		f.clears = 1 // for which nodes there are
		return f
	},
}

// announce has the nodes of a Redis Cluster tell clients other addresses, and waits until each of them tells all of those.
func announce(t *testing.T, nodes, addrs []string) {
	t.Helper()
	clients := make([]*goredis.Client, len(nodes))
	for i, node := range nodes {
		clients[i] = goredis.NewClient(&goredis.Options{Addr: node})
		t.Cleanup(func() { _ = clients[i].Close() })
		_, port, _ := strings.Cut(addrs[i], ":")
		if err := clients[i].ConfigSet(t.Context(), "cluster-announce-port", port).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, client := range clients {
		eventually(t, func(ctx context.Context) error {
			told, err := client.ClusterNodes(ctx).Result()
			for _, addr := range addrs {
				if !strings.Contains(told, addr+"@") {
					err = errors.Join(err, fmt.Errorf("clients are not told to ask %s", addr))
				}
			}
			return err
		})
	}
}

func newCountedFleet(t *testing.T, proxies []*proxy.Proxy, cfg cachette.Config) *countedFleet {
	t.Helper()
	cfg.OperationTimeout = patient
	return &countedFleet{counted: newCountedSite(t, proxies[0], cfg), proxies: proxies}
}

// count does something, and returns how many servers were asked, and the most round trips that one of them was asked in, one behind the other.
func (c *countedFleet) count(t *testing.T, row counting) (asked, most int) {
	t.Helper()
	do := row.prepare(t, c.counted)
	if err := c.cache.PurgePath(t.Context(), "/warm"); err != nil { // has looked whether there are near tiers, as one purge a second does
		t.Fatal(err)
	}
	from := make([]proxy.Counts, len(c.proxies))
	for i, p := range c.proxies {
		from[i] = p.Counts()
	}
	do(t)
	for i, p := range c.proxies {
		waits := p.Counts().Waits - from[i].Waits
		if most = max(most, waits); waits > 0 {
			asked++
		}
	}
	return asked, most
}

// TestRoundTripsOfSeveralServers holds that each of several servers is asked as often as one alone is, by what docs/backends.md has of that, and
// all at once: also for the purge of a namespace, of which each has many marks. A hit asks one server.
func TestRoundTripsOfSeveralServers(t *testing.T) {
	for backend, start := range countedFleets {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			for _, p := range c.proxies {
				p.Delay(2 * time.Millisecond)
			}
			for _, row := range countings {
				want, beside := 1, 0
				switch row.name {
				case "a hit in a namespace", "a hit with 10 tags", "`PurgePath`":
				case "`Invalidate` of 10 tags":
					want = len(c.proxies)
				case "`ClearNamespace`":
					want, beside = len(c.proxies), c.clears
				default:
					continue
				}
				alone, err := strconv.Atoi(documented(t, row.name, backend))
				if err != nil {
					t.Fatal(err)
				}
				asked, most := c.count(t, row)
				for tries := 1; tries < 5 || tries < 30 && most > alone+beside; tries++ { // none of them may do anything else meanwhile
					again, mostAgain := c.count(t, row)
					asked, most = min(asked, again), min(most, mostAgain)
				}
				if asked != want {
					t.Errorf("%s: %d servers are asked, want %d", row.name, asked, want)
				}
				if most < alone || most > alone+beside { // the one that is asked for the nodes may be any
					t.Errorf("%s: a server is asked %d times, one behind the other; the documentation says %d", row.name, most, alone)
				}
			}
		})
	}
}
