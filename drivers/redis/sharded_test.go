package redis_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/drivers/redis"
	"github.com/gin-cachette/cachette/internal/testservers"
)

func TestServerOf(t *testing.T) {
	single := driver(t, client(t), redis.Options{})
	if single.Sharded() || single.ServerOf("key") != "" {
		t.Errorf("a single server is Sharded (%t), and %q keeps a key", single.Sharded(), single.ServerOf("key"))
	}
	c := proxiedCluster(t)
	d := driver(t, c.ClusterClient, redis.Options{})
	if !d.Sharded() || d.ServerOf("key") != "" {
		t.Errorf("before anything is asked, Sharded = %t, and %q keeps a key", d.Sharded(), d.ServerOf("key"))
	}
	c.each(func(p *proxy.Proxy) {
		if n := p.Counts().Dials; n != 0 {
			t.Error("ServerOf dials")
		}
	})
	if _, err := d.GetValues(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	servers := map[string]int{}
	for i := range 300 {
		key := prefix()
		server := d.ServerOf(key)
		if node, err := c.MasterForKey(t.Context(), key); err != nil || server != node.Options().Addr {
			t.Fatalf("ServerOf = %q, want %q (%v)", server, node.Options().Addr, err)
		}
		tag := fmt.Sprintf("{%d}", i)
		if a, b := d.ServerOf("a"+tag+"x"), d.ServerOf(tag+"b{y}"); a != b {
			t.Errorf("%q and %q keep keys of one tag", a, b)
		}
		servers[server]++
	}
	if len(servers) != 3 {
		t.Errorf("keys are on %v", servers)
	}
	opened := openURL(t, testservers.Find(t, testservers.RedisCluster))
	if !opened.Sharded() || opened.ServerOf("key") != d.ServerOf("key") {
		t.Errorf("one that was opened has %q keep a key, want %q", opened.ServerOf("key"), d.ServerOf("key"))
	}
}

// sick is a cluster one of whose servers fails.
type sick struct {
	driver    *redis.Driver
	past      *goredis.ClusterClient
	well, ill []string // keys, all of which have values
}

func newSick(t *testing.T, options redis.Options, fail func(p *proxy.Proxy)) sick {
	c := proxiedCluster(t, func(o *goredis.ClusterOptions) {
		o.ContextTimeoutEnabled, o.ReadTimeout, o.DialTimeout = true, 2*time.Second, 2*time.Second
	})
	s := sick{driver: driver(t, c.ClusterClient, options), past: clusterClient(t, testservers.Find(t, testservers.RedisCluster))}
	all := setMany(t, s.driver, prefix(), 300)
	t.Cleanup(func() {
		for _, key := range all {
			s.past.Del(context.Background(), key)
		}
	})
	bad := s.driver.ServerOf(all[0])
	for _, key := range all {
		if s.driver.ServerOf(key) == bad {
			s.ill = append(s.ill, key)
		} else {
			s.well = append(s.well, key)
		}
	}
	fail(c.proxies[bad])
	return s
}

// together returns some keys of all servers.
func (s sick) together() []string { return append(append([]string{}, s.ill[:20]...), s.well[:20]...) }

const patience = 600 * time.Millisecond // an operation timeout

// TestOneServerFails has one server of three fail: what the others keep is read, written and removed.
func TestOneServerFails(t *testing.T) {
	for failure, fail := range map[string]func(p *proxy.Proxy){"Hung": (*proxy.Proxy).Hang, "Dead": (*proxy.Proxy).Die} {
		for name, options := range map[string]redis.Options{"": {}, "WithoutAutoPipeline": {NoAutoPipeline: true}} {
			t.Run(failure+name, func(t *testing.T) {
				t.Parallel()
				s := newSick(t, options, fail)
				t.Run("Get", s.testGet)
				t.Run("Ping", s.testPing)
				t.Run("GetValues", s.testGetValues)
				t.Run("Add", s.testAdd)
				t.Run("Delete", s.testDelete)
				t.Run("Clear", s.testClear)
			})
		}
	}
}

// within does something, within an operation timeout.
func within(t *testing.T, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return returns(t, func() error { return do(ctx) })
}

func (s sick) testGet(t *testing.T) {
	ills := make(chan error, 20)
	for _, key := range s.ill[:20] {
		go func() { ills <- within(t, func(ctx context.Context) error { return get(ctx, s.driver, key) }) }()
	}
	together(t, 20, func(g int) error {
		for i := range 20 {
			if err := within(t, func(ctx context.Context) error { return get(ctx, s.driver, s.well[(g+i)%len(s.well)]) }); err != nil {
				return err
			}
		}
		return nil
	})
	for range 20 {
		if err := <-ills; err == nil || errors.Is(err, drivers.ErrMiss) {
			t.Errorf("Get from the server that fails: %v", err)
		}
	}
}

func (s sick) testPing(t *testing.T) {
	if err := within(t, s.driver.Ping); err != nil {
		t.Error(err)
	}
}

func (s sick) testGetValues(t *testing.T) {
	var values [][]byte
	keys := s.together()
	err := within(t, func(ctx context.Context) (err error) {
		values, err = s.driver.GetValues(ctx, keys...)
		return err
	})
	if err == nil || len(values) != len(keys) {
		t.Fatalf("%d values and %v, want those of the others, and an error", len(values), err)
	}
	for i, value := range values {
		if want := i >= 20; (string(value) == keys[i]) != want {
			t.Errorf("value %d is %q", i, value)
		}
	}
}

func (s sick) testAdd(t *testing.T) {
	if err := within(t, func(ctx context.Context) error {
		_, err := s.driver.Add(ctx, time.Minute, counted(), s.together()...)
		return err
	}); err == nil {
		t.Error("no error")
	}
}

func (s sick) testDelete(t *testing.T) {
	n := 0
	if err := within(t, func(ctx context.Context) (err error) {
		n, err = s.driver.Delete(ctx, s.together()...)
		return err
	}); err == nil || n != 20 {
		t.Errorf("Delete = %d, %v, want the 20 of the others, and an error", n, err)
	}
}

func (s sick) testClear(t *testing.T) {
	n := 0
	if err := within(t, func(ctx context.Context) (err error) {
		n, err = s.driver.Clear(ctx, s.well[0][:len("test:")+26])
		return err
	}); err == nil || n != len(s.well)-20 {
		t.Errorf("Clear = %d, %v, want the %d of the others, and an error", n, err, len(s.well)-20)
	}
}

// TestPingLeavesNothing: the servers of a cluster answer one after the other, and the first answer is enough.
func TestPingLeavesNothing(t *testing.T) {
	c := proxiedCluster(t)
	d := driver(t, c.ClusterClient, redis.Options{})
	if err := d.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := time.Duration(0)
	c.each(func(p *proxy.Proxy) {
		p.Delay(later)
		later += 20 * time.Millisecond
	})
	for range 3 {
		if err := d.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	settled(t)
}
