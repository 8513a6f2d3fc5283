package dynamodb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/drivers/dynamodb"
)

// writes are the operations that change what is stored under "key", or under "log".
var writes = map[string]func(ctx context.Context, d *dynamodb.Driver) error{
	"Set":    func(ctx context.Context, d *dynamodb.Driver) error { return d.Set(ctx, "key", []byte("A"), long) },
	"Delete": func(ctx context.Context, d *dynamodb.Driver) error { _, err := d.Delete(ctx, "key"); return err },
	"DeleteOfMany": func(ctx context.Context, d *dynamodb.Driver) error {
		_, err := d.Delete(ctx, append(many(30), "key")...)
		return err
	},
	"Clear": func(ctx context.Context, d *dynamodb.Driver) error { _, err := d.Clear(ctx, "key"); return err },
	"Add": func(ctx context.Context, d *dynamodb.Driver) error {
		_, err := d.Add(ctx, long, words(), "key")
		return err
	},
	"Append": func(ctx context.Context, d *dynamodb.Driver) error {
		return d.Append(ctx, "log", 100, long, []byte("A"))
	},
}

var wordNumber atomic.Int64

// words returns words none of which it has returned before.
func words() func() []byte {
	return func() []byte { return fmt.Append(nil, "word ", wordNumber.Add(1)) }
}

// persistent is a client that repeats what fails, many times and at once.
func persistent(o *sdk.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 50
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
	})
}

// TestFailedIsNotSentLater: what failed for its caller, as the server or a connection to it was silent, or was refused, does not reach the
// server afterwards.
func TestFailedIsNotSentLater(t *testing.T) {
	endpoint, table := prepared(t)
	other := newDriver(t, newClient(t, endpoint), dynamodb.Options{Table: table})
	for name, write := range writes {
		for trouble, begin := range map[string]func(p *proxy.Proxy){
			"Silent":    (*proxy.Proxy).Hang,
			"NewSilent": func(p *proxy.Proxy) { p.Hang(); p.Cut() },
			"Dead":      (*proxy.Proxy).Die,
		} {
			t.Run(name+"/"+trouble, func(t *testing.T) {
				p := before(t, endpoint)
				d := newDriver(t, newClient(t, through(p), persistent), dynamodb.Options{Table: table})
				set(t, d, "key", "value", long)
				begin(p)
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if err := write(ctx, d); err == nil {
					t.Fatal("it succeeds without a server")
				}
				p.Resume()
				if trouble == "Dead" {
					p.Revive(t)
				}
				set(t, other, "key", "B", long)
				wantCount(t, "Delete", 0)(other.Delete(t.Context(), "log"))
				asked := p.Counts().Asked
				for range 20 { // round trips of others, in which it would arrive
					wantValue(t, other, "key", "B")
					wantMiss(t, other, "log")
				}
				if more := p.Counts().Asked - asked; more > 0 {
					t.Errorf("%d bytes were sent after it had failed", more)
				}
				wantValue(t, d, "key", "B")
			})
		}
	}
}

// TestUnsentIsNotSentLater: neither does what waited for a connection while its caller did.
func TestUnsentIsNotSentLater(t *testing.T) {
	endpoint, table := prepared(t)
	other := newDriver(t, newClient(t, endpoint), dynamodb.Options{Table: table})
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			p := before(t, endpoint)
			var gate sync.Mutex // held while no connection can be made
			transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				gate.Lock()
				defer gate.Unlock()
				return new(net.Dialer).DialContext(ctx, network, addr)
			}}
			defer transport.CloseIdleConnections()
			client := newClient(t, through(p), persistent, func(o *sdk.Options) { o.HTTPClient = &http.Client{Transport: transport} })
			d := newDriver(t, client, dynamodb.Options{Table: table})
			set(t, d, "key", "value", long)
			transport.CloseIdleConnections()
			wantClosed(t, p)
			gate.Lock()
			asked, dials := p.Counts().Asked, p.Counts().Dials
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			if err := write(ctx, d); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want an error that wraps context.DeadlineExceeded", err)
			}
			set(t, other, "key", "B", long)
			gate.Unlock()
			for range 1000 {
				if p.Counts().Dials > dials {
					break
				}
				time.Sleep(time.Millisecond)
			}
			for range 20 {
				wantValue(t, other, "key", "B")
			}
			if more := p.Counts().Asked - asked; more > 0 {
				t.Errorf("%d bytes were sent after it had failed", more)
			}
		})
	}
}

// put is a transport that remembers what is put, and calls before with each request.
type put struct {
	http.RoundTripper
	before func()

	mu     sync.Mutex
	values map[string]int // how often each was sent
}

func (p *put) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") {
		var in struct{ Item map[string]struct{ B string } }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		p.mu.Lock()
		p.values[in.Item["value"].B]++
		p.mu.Unlock()
	}
	p.before()
	return p.RoundTripper.RoundTrip(r)
}

// TestWordsAreSentOnce loses the answer to each request in turn of what adds words, and removes what lies under the key before the client
// hears of it: no word is ever sent a second time, whatever the client repeats.
func TestWordsAreSentOnce(t *testing.T) {
	endpoint, table := prepared(t)
	other := newDriver(t, newClient(t, endpoint), dynamodb.Options{Table: table})
	for name, row := range map[string]struct {
		key  string
		want func(ctx context.Context, d *dynamodb.Driver) error
	}{
		"Add":    {"key", writes["Add"]},
		"Append": {"log", writes["Append"]},
		"End": {"log", func(ctx context.Context, d *dynamodb.Driver) error {
			_, err := d.End(ctx, "log", long)
			return err
		}},
	} {
		for lost := 1; lost <= 8; lost++ {
			t.Run(fmt.Sprint(name, "/", lost), func(t *testing.T) {
				if _, err := other.Delete(t.Context(), row.key); err != nil {
					t.Fatal(err)
				}
				p := before(t, endpoint)
				var asked atomic.Int64
				sent := &put{RoundTripper: &http.Transport{}, values: map[string]int{}, before: func() {
					if asked.Add(1) == int64(lost) {
						p.LoseAnswer(func() {
							if _, err := other.Delete(context.Background(), row.key); err != nil {
								t.Error(err)
							}
						})
					}
				}}
				d := newDriver(t, newClient(t, through(p), persistent, func(o *sdk.Options) { o.HTTPClient = &http.Client{Transport: sent} }),
					dynamodb.Options{Table: table})
				if err := d.Ping(t.Context()); err != nil {
					t.Fatal(err)
				}
				asked.Store(0)
				if err := row.want(t.Context(), d); err != nil {
					t.Error(err)
				}
				for value, times := range sent.values {
					if times > 1 {
						t.Errorf("%q was sent %d times", value, times)
					}
				}
				if len(sent.values) == 0 {
					t.Error("nothing was put")
				}
				sent.RoundTripper.(*http.Transport).CloseIdleConnections()
			})
		}
	}
}
