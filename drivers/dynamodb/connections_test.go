package dynamodb_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/drivers/dynamodb"
)

// before returns a proxy before a server.
func before(t testing.TB, endpoint string) *proxy.Proxy {
	t.Helper()
	return proxy.New(t, strings.TrimPrefix(endpoint, "http://"))
}

func through(p *proxy.Proxy) string { return "http://" + p.Addr() }

// makers make a driver on a table, whose requests go through a proxy, with a client of each kind.
var makers = map[string]func(t *testing.T, p *proxy.Proxy, table string) drivers.Driver{
	"OwnClient": func(t *testing.T, p *proxy.Proxy, table string) drivers.Driver {
		isolate(t)
		d, err := openWith(t, t.Context(), drivers.Settings{DynamoDBURL: through(p), TableName: table})
		if err != nil {
			t.Fatal(err)
		}
		return d
	},
	"UsersClient": func(t *testing.T, p *proxy.Proxy, table string) drivers.Driver {
		return newDriver(t, newClient(t, through(p)), dynamodb.Options{Table: table})
	},
	"ClientOfTheSDK": func(t *testing.T, p *proxy.Proxy, table string) drivers.Driver {
		endpoint := through(p)
		return newDriver(t, sdk.New(sdk.Options{
			Region:       "us-east-1",
			BaseEndpoint: &endpoint,
			Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
			Retryer:      aws.NopRetryer{},
		}), dynamodb.Options{Table: table})
	},
}

// within asks for a key that is not there, and gives up after patience.
func within(d drivers.Driver, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := d.Get(ctx, "absent")
	if errors.Is(err, drivers.ErrMiss) {
		return nil
	}
	return err
}

// ages is longer than an answer takes.
const ages = 10 * time.Second

// idle has a driver make connections, and lets go of them.
func idle(t *testing.T, d drivers.Driver, p *proxy.Proxy, connections int) {
	t.Helper()
	p.Delay(20 * time.Millisecond)
	var together sync.WaitGroup
	for range connections {
		together.Go(func() {
			if err := within(d, ages); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	p.Delay(0)
}

// TestHalfOpen: when a network has lost the connections that were idle, and told neither side, an operation that has waited for one of them
// in vain is a sign for all.
func TestHalfOpen(t *testing.T) {
	endpoint, table := prepared(t)
	for name, opened := range makers {
		t.Run(name, func(t *testing.T) {
			p := before(t, endpoint)
			d := opened(t, p, table)
			idle(t, d, p, 40)
			p.Lose()
			failures := 0
			for within(d, 500*time.Millisecond) != nil {
				if failures++; failures > 40 {
					break
				}
			}
			if failures > 3 {
				t.Errorf("%d operations in a row have failed, want 3 at most", failures)
			}
			t.Logf("%d failures", failures)
		})
	}
}

// TestHalfOpenBesideOthers: so it is where operations succeed in between, on connections that were made since.
func TestHalfOpenBesideOthers(t *testing.T) {
	endpoint, table := prepared(t)
	p := before(t, endpoint)
	d := makers["UsersClient"](t, p, table)
	idle(t, d, p, 20)
	p.Lose()
	failures := 0
	for range 20 {
		var together sync.WaitGroup
		for range 2 {
			together.Go(func() { _ = within(d, 500*time.Millisecond) })
		}
		together.Wait()
		if within(d, 500*time.Millisecond) != nil {
			failures++
		}
	}
	if failures > 3 {
		t.Errorf("%d of 20 operations have failed, want 3 at most", failures)
	}
}

// TestGivingUpKeepsConnections: the answer that comes too late for its caller is read all the same, and the connection used again. The request
// is on its way when its caller gives up: dynalite dies of a connection that is closed while it makes up an answer.
func TestGivingUpKeepsConnections(t *testing.T) {
	endpoint, table := prepared(t)
	large := many(1)[0]
	set(t, newDriver(t, newClient(t, endpoint), dynamodb.Options{Table: table}), large, strings.Repeat("v", 300<<10), long)
	for name, opened := range makers {
		t.Run(name, func(t *testing.T) {
			p := before(t, endpoint)
			d := opened(t, p, table)
			if err := within(d, ages); err != nil {
				t.Fatal(err)
			}
			slow := map[string]struct {
				begin, end func()
				giveUp     func(ctx context.Context) error
			}{
				"SlowServer": {
					func() { p.Delay(30 * time.Millisecond) }, func() { p.Delay(0) },
					func(ctx context.Context) error { _, err := d.Get(ctx, "absent"); return err },
				},
				"SlowAnswer": {
					func() { p.Rate(4 << 20) }, func() { p.Rate(0) },
					func(ctx context.Context) error { _, err := d.Get(ctx, large); return err },
				},
				"SlowWrite": {
					func() { p.Delay(30 * time.Millisecond) }, func() { p.Delay(0) },
					func(ctx context.Context) error { return d.Set(ctx, "other", []byte("v"), long) },
				},
			}
			for trouble, slow := range slow {
				if name != "OwnClient" && trouble != "SlowServer" {
					continue
				}
				t.Run(trouble, func(t *testing.T) {
					slow.begin()
					defer slow.end()
					already, gaveUp := p.Counts().Dials, 0
					for range 15 {
						ctx, cancel := context.WithTimeout(t.Context(), 40*time.Millisecond)
						if errors.Is(slow.giveUp(ctx), context.DeadlineExceeded) {
							gaveUp++
						}
						cancel()
						if err := within(d, ages); err != nil { // by the time that this is answered, so is the one before
							t.Error(err)
						}
					}
					dials := p.Counts().Dials - already
					if dials > 5 || gaveUp < 8 {
						t.Errorf("%d callers that gave up have made %d connections", gaveUp, dials)
					}
					t.Logf("%d connections", dials)
				})
			}
		})
	}
}

// TestGivingUpInABurst: so it is where they all ask at once.
func TestGivingUpInABurst(t *testing.T) {
	endpoint, table := prepared(t)
	p := before(t, endpoint)
	d := makers["UsersClient"](t, p, table)
	idle(t, d, p, 60)
	already := p.Counts().Dials
	for range 3 {
		p.Delay(50 * time.Millisecond)
		var together sync.WaitGroup
		for range 60 {
			together.Go(func() { _ = within(d, 60*time.Millisecond) })
		}
		together.Wait()
		idle(t, d, p, 1) // by the time that this is answered, so are those before
	}
	if dials := p.Counts().Dials - already; dials > 60 {
		t.Errorf("180 callers that gave up have made %d connections", dials)
	} else {
		t.Logf("%d connections", dials)
	}
}

// TestGivenUpIsBounded: a request that nothing answers is not waited for without an end, nor beyond Close.
func TestGivenUpIsBounded(t *testing.T) {
	endpoint, table := prepared(t)
	for name, closed := range map[string]bool{"Open": false, "Closed": true} {
		t.Run(name, func(t *testing.T) {
			p := before(t, endpoint)
			d := makers["UsersClient"](t, p, table)
			idle(t, d, p, 1)
			p.Hang()
			before := p.Counts()
			for range 10 {
				if within(d, 10*time.Millisecond) == nil {
					t.Error("a server that hangs has answered")
				}
			}
			if closed {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
			// One that was still being made when its caller left was asked nothing, and stays for others until Close.
			wantOpen(t, p, func() int {
				after := p.Counts()
				if closed {
					return 0
				}
				return after.Dials - before.Dials - max(after.Trips-before.Trips-1, 0)
			})
		})
	}
}

// wantClosed waits for the connections to be closed.
func wantClosed(t *testing.T, p *proxy.Proxy) {
	t.Helper()
	wantOpen(t, p, func() int { return 0 })
}

// wantOpen waits until no more connections than that are open.
func wantOpen(t *testing.T, p *proxy.Proxy, most func() int) {
	t.Helper()
	for range 1000 {
		if p.Open() <= most() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d connections are open, want %d at most", p.Open(), most())
}
