package redis_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/redis"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// waits begins to wait for what comes into a new log, and returns its key and where the outcome comes.
func waits(t *testing.T, d *redis.Driver) (key string, done <-chan error) {
	t.Helper()
	key = prefix()
	at, err := d.End(t.Context(), key, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	outcome := make(chan error, 1)
	go func() { outcome <- d.Wait(t.Context(), key, at) }()
	return key, outcome
}

// blocked returns how many connections of clients of a name wait in XREAD, and how many there are.
func blocked(t *testing.T, admin *goredis.Client, name string) (blocked, all int) {
	t.Helper()
	list, err := admin.ClientList(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(list) {
		if !strings.Contains(line, " name="+name+" ") {
			continue
		}
		all++
		if strings.Contains(line, " cmd=xread ") && strings.Contains(line, " flags=b ") {
			blocked++
		}
	}
	return blocked, all
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within ten seconds: %s", what)
		}
	}
}

// TestWaitTakesNoConnectionOfOthers: what waits takes none of the pool of a client that has one connection, and Close ends those that wait, which are
// the driver's and not the client's.
func TestWaitTakesNoConnectionOfOthers(t *testing.T) {
	name := "test-" + rand.Text()
	c := client(t, func(o *goredis.Options) {
		o.PoolSize, o.PipelinePoolSize, o.ClientName, o.PoolTimeout = 1, -1, name, time.Second
	})
	d, admin := driver(t, c, redis.Options{}), client(t)
	if err := getValues(t.Context(), d, "absent"); err != nil {
		t.Fatal(err)
	}
	if _, all := blocked(t, admin, name); all != 1 {
		t.Errorf("%d connections before anything waits, want 1", all)
	}
	const logs = 3
	var keys []string
	var done []<-chan error
	for range logs {
		key, outcome := waits(t, d)
		keys, done = append(keys, key), append(done, outcome)
	}
	eventually(t, "three wait, each on a connection", func() bool { b, all := blocked(t, admin, name); return b == logs && all == logs+1 })
	for range 20 {
		if err := getValues(t.Context(), d, "absent"); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Append(t.Context(), keys[0], 10, time.Minute, nil); err != nil {
		t.Fatal(err)
	}
	if err := returns(t, func() error { return <-done[0] }); err != nil {
		t.Error(err)
	}
	d.Close()
	for _, outcome := range done[1:] {
		if err := returns(t, func() error { return <-outcome }); !errors.Is(err, drivers.ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
	eventually(t, "the client's own connection is the only one", func() bool { _, all := blocked(t, admin, name); return all == 1 })
}

// TestWaitOutlastsSilence: a connection that waits says nothing for longer than the driver takes a connection for dead, and callers give up meanwhile.
func TestWaitOutlastsSilence(t *testing.T) {
	p := newProxy(t)
	d := openThrough(t, p, 500*time.Millisecond)
	key, done := waits(t, d)
	eventually(t, "something waits", func() bool { return p.Open() > 1 })
	for range 5 {
		p.Delay(300 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if err := getValues(ctx, d, "absent"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, where the answer is late", err)
		}
		cancel()
		p.Delay(0)
	}
	select {
	case err := <-done:
		t.Fatalf("it waits no more: %v", err)
	default:
	}
	if err := d.Append(t.Context(), key, 10, time.Minute, nil); err != nil {
		t.Fatal(err)
	}
	if err := returns(t, func() error { return <-done }); err != nil {
		t.Error(err)
	}
}

// TestWaitFindsAnotherLog: a log that is begun anew while something waits has lower ids than the old one. The next look finds it.
func TestWaitFindsAnotherLog(t *testing.T) {
	d := driver(t, client(t), redis.Options{})
	key := prefix()
	if err := d.Append(t.Context(), key, 10, time.Minute, nil); err != nil {
		t.Fatal(err)
	}
	at, err := d.End(t.Context(), key, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- d.Wait(t.Context(), key, at) }()
	time.Sleep(50 * time.Millisecond)
	if _, err := d.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := d.End(t.Context(), key, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := returns(t, func() error { return <-done }); err != nil {
		t.Error(err)
	}
}

// TestWaitForbidden: of a user that may not wait it is an error, which says so and keeps the password; of a client that does not tell its options
// one that says what is not supported. All else works.
func TestWaitForbidden(t *testing.T) {
	const secret = "a-secret"
	admin, user := client(t), "test-"+rand.Text()
	if err := admin.Do(t.Context(), "acl", "setuser", user, "on", ">"+secret, "~*", "+@all", "-xread").Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Do(context.Background(), "acl", "deluser", user) })
	where := edit(t, inDatabase(t, testservers.Find(t, testservers.Redis), sharedDatabase), func(u *url.URL) { u.User = url.UserPassword(user, secret) })
	type mine struct{ goredis.UniversalClient }
	for name, row := range map[string]struct {
		driver *redis.Driver
		want   string
	}{
		"user":   {openURL(t, where), "NOPERM"},
		"client": {driver(t, mine{client(t)}, redis.Options{}), errors.ErrUnsupported.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				_, done := waits(t, row.driver)
				if err := returns(t, func() error { return <-done }); err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), secret) {
					t.Errorf("%v, want an error with %q", err, row.want)
				}
			}
			if err := getValues(t.Context(), row.driver, "absent"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWaitKilled has a server close the connections that wait, and then all.
func TestWaitKilled(t *testing.T) {
	name := "test-" + rand.Text()
	admin := client(t)
	where := edit(t, inDatabase(t, testservers.Find(t, testservers.Redis), sharedDatabase), withOption("client_name", name))
	d := openURL(t, where)
	for range 3 {
		key, done := waits(t, d)
		eventually(t, "it waits", func() bool { b, _ := blocked(t, admin, name); return b == 1 })
		list := admin.ClientList(t.Context()).Val()
		for line := range strings.Lines(list) {
			var id int64
			if _, err := fmt.Sscanf(line, "id=%d", &id); err == nil && strings.Contains(line, " name="+name+" ") && strings.Contains(line, " cmd=xread ") {
				admin.ClientKillByFilter(t.Context(), "id", fmt.Sprint(id))
			}
		}
		if err := returns(t, func() error { return <-done }); err == nil {
			t.Error("no error, though the connection was closed")
		}
		if err := d.Append(t.Context(), key, 10, time.Minute, nil); err != nil {
			t.Error(err)
		}
	}
}

// TestWaitFindsSilence: a server that is silent is found out in some seconds, though the client would wait for hours, and not by an error that says
// that the caller's time is over.
func TestWaitFindsSilence(t *testing.T) {
	t.Parallel()
	for name, silent := range map[string]bool{"before it waits": true, "while it waits": false} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t)
			d := driver(t, client(t, through(p), func(o *goredis.Options) { o.ReadTimeout = time.Hour }), redis.Options{})
			key := prefix()
			at, err := d.End(t.Context(), key, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			open := p.Open()
			if silent {
				p.Hang()
			}
			done := make(chan error, 1)
			go func() { done <- d.Wait(t.Context(), key, at) }()
			if !silent {
				eventually(t, "it waits", func() bool { return p.Open() > open })
				p.Hang()
			}
			if err := returns(t, func() error { return <-done }); err == nil || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "context") {
				t.Errorf("%v, want an error that is not the caller's", err)
			}
		})
	}
}
