package redis_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/drivers/redis"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// short is how long the clients of these tests wait for a server. They then try again, several times.
const short = 100 * time.Millisecond

// throughProxies is a driver whose connections go through proxies, and a client that goes past them.
type throughProxies struct {
	driver *redis.Driver
	each   func(do func(p *proxy.Proxy))
	past   goredis.UniversalClient
}

func throughOne(t *testing.T, options redis.Options, change ...func(*goredis.Options)) throughProxies {
	p := newProxy(t)
	change = append(change, through(p), func(o *goredis.Options) {
		o.MaxRetries, o.ReadTimeout, o.WriteTimeout, o.DialTimeout = 3, short, short, short
	})
	return throughProxies{driver(t, client(t, change...), options), func(do func(p *proxy.Proxy)) { do(p) }, client(t)}
}

// waysThrough are the drivers whose clients try again.
var waysThrough = map[string]func(t *testing.T) throughProxies{
	"Single":             func(t *testing.T) throughProxies { return throughOne(t, redis.Options{}) },
	"SingleWithDeadline": func(t *testing.T) throughProxies { return throughOne(t, redis.Options{}, keepDeadlines) },
	"SingleAlone":        func(t *testing.T) throughProxies { return throughOne(t, redis.Options{NoAutoPipeline: true}) },
	"Opened": func(t *testing.T) throughProxies {
		p := newProxy(t)
		where := edit(t, inDatabase(t, testservers.Find(t, testservers.Redis), sharedDatabase), func(u *url.URL) {
			u.Host, u.RawQuery = p.Addr(), "max_retries=3&read_timeout=100ms&write_timeout=100ms&dial_timeout=100ms"
		})
		return throughProxies{openURL(t, where), func(do func(p *proxy.Proxy)) { do(p) }, client(t)}
	},
	"Cluster": func(t *testing.T) throughProxies {
		c := proxiedCluster(t, func(o *goredis.ClusterOptions) {
			o.ReadTimeout, o.WriteTimeout, o.DialTimeout = short, short, short
		})
		return throughProxies{driver(t, c.ClusterClient, redis.Options{}), c.each, clusterClient(t, testservers.Find(t, testservers.RedisCluster))}
	},
}

// settled waits until nothing that a driver does is under way.
func settled(t *testing.T) {
	t.Helper()
	for range 1000 {
		if !underWay(stacks(t)) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("something is still under way:\n%s", stacks(t))
}

// underWay tells whether stacks have a function of the driver. They go by files, since the compiler may have made it part of a test.
func underWay(stacks string) bool {
	for line := range strings.Lines(stacks) {
		if strings.Contains(line, "/drivers/redis/") && !strings.Contains(line, "_test.go:") {
			return true
		}
	}
	return false
}

// lateWrites are what a caller gives up writing, what another does then, and whether that stays.
var lateWrites = map[string]struct {
	do     func(ctx context.Context, d *redis.Driver, key string) error
	then   func(past goredis.UniversalClient, key string) error // what another does
	intact func(past goredis.UniversalClient, key string) bool
}{
	"Set":      {set1("A"), setB, isB},
	"SetLarge": {set1(strings.Repeat("A", 100_000)), setB, isB},
	"Delete": {func(ctx context.Context, d *redis.Driver, key string) error {
		_, err := d.Delete(ctx, key)
		return err
	}, setB, isB},
	"DeleteMany": {func(ctx context.Context, d *redis.Driver, key string) error {
		_, err := d.Delete(ctx, append(make([]string, 100), key)...)
		return err
	}, setB, isB},
	"Clear": {func(ctx context.Context, d *redis.Driver, key string) error {
		_, err := d.Clear(ctx, key)
		return err
	}, setB, isB},
	"SetThenRemoved": {set1("A"), remove, isAbsent},
	"Add": {func(ctx context.Context, d *redis.Driver, key string) error {
		_, err := d.Add(ctx, time.Minute, counted(), key)
		return err
	}, remove, isAbsent},
	"Append": {func(ctx context.Context, d *redis.Driver, key string) error {
		return d.Append(ctx, key, 10, time.Minute, []byte("A"))
	}, remove, isAbsent},
	"End": {func(ctx context.Context, d *redis.Driver, key string) error {
		_, err := d.End(ctx, key, time.Minute)
		return err
	}, remove, isAbsent},
}

// lateSituations are ways for nothing to be answered.
var lateSituations = map[string]func(t *testing.T, through throughProxies){
	"Hung": func(t *testing.T, through throughProxies) { through.each((*proxy.Proxy).Hang) },
	"WhileDialling": func(t *testing.T, through throughProxies) {
		through.each((*proxy.Proxy).Hang)
		through.each((*proxy.Proxy).Cut)
	},
	"BehindOthers": func(t *testing.T, through throughProxies) {
		through.each((*proxy.Proxy).Hang)
		reading, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		for range 20 {
			go through.driver.Get(reading, "absent")
		}
	},
}

// TestLateWrites has a caller give up writing, and another write something else: nothing of the first may arrive after that, however often the client
// tries again.
func TestLateWrites(t *testing.T) {
	for way, open := range waysThrough {
		for situation, arrange := range lateSituations {
			t.Run(way+situation, func(t *testing.T) { testLateWrites(t, open(t), arrange) })
		}
	}
}

func testLateWrites(t *testing.T, through throughProxies, arrange func(t *testing.T, through throughProxies)) {
	ctx := context.Background()
	warm(t, through.driver)
	keys := make(map[string]string)
	for name := range lateWrites {
		keys[name] = prefix()
	}
	arrange(t, through)
	leaving, cancel := context.WithTimeout(ctx, short/4)
	defer cancel()
	left := make(chan error, len(lateWrites))
	for name, operation := range lateWrites {
		go func() { left <- operation.do(leaving, through.driver, keys[name]) }()
	}
	for range lateWrites {
		if err := <-left; err == nil { // that of the caller, or on a busy machine of the client, whose own time is over first
			t.Error("an operation succeeds that nothing has answered")
		}
	}
	for name, operation := range lateWrites {
		if err := operation.then(through.past, keys[name]); err != nil {
			t.Fatal(err)
		}
	}
	through.each((*proxy.Proxy).Resume)
	settled(t)
	for name, operation := range lateWrites {
		if !operation.intact(through.past, keys[name]) {
			t.Errorf("%s came after its caller had left, over what another had done since", name)
		}
		through.past.Del(ctx, keys[name])
	}
}

func set1(value string) func(ctx context.Context, d *redis.Driver, key string) error {
	return func(ctx context.Context, d *redis.Driver, key string) error {
		return d.Set(ctx, key, []byte(value), time.Minute)
	}
}

func setB(past goredis.UniversalClient, key string) error {
	return past.Set(context.Background(), key, "B", time.Minute).Err()
}

func isB(past goredis.UniversalClient, key string) bool {
	return past.Get(context.Background(), key).Val() == "B"
}

func remove(past goredis.UniversalClient, key string) error {
	return past.Del(context.Background(), key).Err()
}

func isAbsent(past goredis.UniversalClient, key string) bool {
	return past.Exists(context.Background(), key).Val() == 0
}

// TestGivenUpIsNotDelivered: the connection of a write that nothing answers is reset, so that the system does not go on delivering it.
func TestGivenUpIsNotDelivered(t *testing.T) {
	p := newProxy(t)
	d := driver(t, client(t, through(p), func(o *goredis.Options) { o.ReadTimeout = 200 * time.Millisecond }), redis.Options{})
	if _, err := d.Get(t.Context(), "absent"); !errors.Is(err, drivers.ErrMiss) { // so that there is a connection
		t.Fatal(err)
	}
	p.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := d.Set(ctx, prefix(), []byte("value"), time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Set: %v, want an error that wraps context.DeadlineExceeded", err)
	}
	for p.Open() > 0 {
		time.Sleep(time.Millisecond)
	}
	if p.Counts().Reset == 0 {
		t.Error("the connection was ended without being reset")
	}
}
