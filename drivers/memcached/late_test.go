package memcached_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// proxied opens a driver on the single server through a proxy, and one beside it.
func proxied(t *testing.T, timeout time.Duration) (p *proxy.Proxy, through, direct confined) {
	t.Helper()
	host := testservers.Find(t, testservers.Memcached)
	direct = openConfined(t, host)
	p = proxy.New(t, host)
	settings := settingsFor(p.Addr())
	settings.OperationTimeout = timeout
	return p, confined{open(t, settings), direct.prefix}, direct
}

// TestHalfOpen has the network drop all that is on 40 idle connections: what fails then is a few operations, and not one for each
// of them.
func TestHalfOpen(t *testing.T) {
	const idle = 40
	for op, call := range map[string]func(context.Context, confined) error{
		"Get":       func(ctx context.Context, c confined) error { _, err := c.Get(ctx, "key"); return err },
		"GetValues": func(ctx context.Context, c confined) error { _, err := c.GetValues(ctx, "key", "other"); return err },
		"Set":       func(ctx context.Context, c confined) error { return c.Set(ctx, "key", []byte("value"), time.Hour) },
		"Delete":    func(ctx context.Context, c confined) error { _, err := c.Delete(ctx, "key"); return err },
		"Ping":      func(ctx context.Context, c confined) error { return c.Ping(ctx) },
	} {
		t.Run(op, func(t *testing.T) {
			p, through, _ := proxied(t, 300*time.Millisecond)
			p.Delay(20 * time.Millisecond)
			for p.Open() < idle {
				var running sync.WaitGroup
				for range idle {
					running.Go(func() { _, _ = through.Get(t.Context(), "key") })
				}
				running.Wait()
			}
			p.Delay(0)
			p.Lose()
			failed := 0
			for ; failed < idle; failed++ {
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				err := call(ctx, through)
				cancel()
				if err == nil || errors.Is(err, drivers.ErrMiss) {
					break
				}
			}
			if failed > 3 {
				t.Errorf("%d failed in a row", failed)
			}
		})
	}
}

// TestGivenUp has callers give up while the server is at work: the answers that come late are read, and the connections used again.
func TestGivenUp(t *testing.T) {
	const callers = 60
	asked, proceed := make(chan bool), make(chan bool)
	r, c := relayed(t, func(line string) (string, bool) {
		if strings.Contains(line, "late") {
			asked <- true
			<-proceed
		}
		return "", false
	})
	for _, key := range []string{"late", "late:2", "other"} {
		if err := (confined{open(t, settingsFor(c.host(t))), c.prefix}).Set(t.Context(), key, []byte(strings.Repeat(key, 10_000)), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for op, call := range map[string]func(context.Context) error{
		"Get":  func(ctx context.Context) error { _, err := c.Get(ctx, "late"); return err },
		"Miss": func(ctx context.Context) error { _, err := c.Get(ctx, "late:absent"); return err },
		"GetValues": func(ctx context.Context) error {
			_, err := c.GetValues(ctx, "other", "late", "late:absent", "late:2")
			return err
		},
		"Set": func(ctx context.Context) error {
			return c.Set(ctx, "late", []byte(strings.Repeat("value", 10_000)), time.Hour)
		},
		"Delete": func(ctx context.Context) error { _, err := c.Delete(ctx, "absent", "late:absent"); return err },
	} {
		t.Run(op, func(t *testing.T) {
			before := r.dials.Load()
			for range callers {
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- call(ctx) }()
				<-asked
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Fatalf("%v, want context.Canceled", err)
				}
				proceed <- true
				if item, err := c.Get(t.Context(), "other"); err != nil || string(item.Value) != strings.Repeat("other", 10_000) {
					t.Fatalf("Get of another key = %.20q, %v", item.Value, err)
				}
			}
			if n := r.dials.Load() - before; n > callers/3 {
				t.Errorf("after %d callers that gave up it has dialled %d times", callers, n)
			}
		})
	}
}

// TestAnswersAreNotMixedUp has callers give up at every moment of an answer: each of the others gets the value of its own key.
func TestAnswersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	p, through, direct := proxied(t, 20*time.Second)
	valueOf := func(i int) string { return strings.Repeat(fmt.Sprintf("VALUE %d\r\nEND\r\n", i), 1+i*i*40) }
	const keys = 20
	for i := range keys {
		if err := direct.Set(t.Context(), fmt.Sprint("key:", i), []byte(valueOf(i)), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	p.Delay(time.Millisecond)
	p.Rate(100 << 20)
	var running sync.WaitGroup
	for worker := range uint64(8) {
		running.Go(func() {
			chaos := rand.New(rand.NewPCG(worker, 1))
			for range 300 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(chaos.IntN(8000))*time.Microsecond)
				i, j := chaos.IntN(keys), chaos.IntN(keys)
				switch chaos.IntN(3) {
				case 0:
					if item, err := through.Get(ctx, fmt.Sprint("key:", i)); err == nil && string(item.Value) != valueOf(i) {
						t.Errorf("Get of %d = %.30q", i, item.Value)
					}
				case 1:
					values, err := through.GetValues(ctx, fmt.Sprint("key:", i), "absent", fmt.Sprint("key:", j))
					if err == nil && (string(values[0]) != valueOf(i) || values[1] != nil || string(values[2]) != valueOf(j)) {
						t.Errorf("GetValues of %d and %d = %.30q", i, j, values)
					}
				case 2:
					if n, err := through.Delete(ctx, "absent", "absent too"); err == nil && n != 0 {
						t.Errorf("Delete of what is not there = %d", n)
					}
				}
				cancel()
			}
		})
	}
	running.Wait()
	for i := range keys {
		if item, err := through.Get(t.Context(), fmt.Sprint("key:", i)); err != nil || string(item.Value) != valueOf(i) {
			t.Errorf("in the end Get of %d = %.30q, %v", i, item.Value, err)
		}
	}
}

// writes are the operations that change a key.
var writes = map[string]func(context.Context, confined) error{
	"Set":    func(ctx context.Context, c confined) error { return c.Set(ctx, "key", []byte("late"), time.Hour) },
	"Delete": func(ctx context.Context, c confined) error { _, err := c.Delete(ctx, "key"); return err },
	"Add": func(ctx context.Context, c confined) error {
		_, err := c.Add(ctx, time.Hour, func() []byte { return []byte("late") }, "key")
		return err
	},
	"Append": func(ctx context.Context, c confined) error {
		return c.Append(ctx, "key", 10, time.Hour, []byte("late"))
	},
}

// TestNoWriteIsLate: what a caller was told to have failed, its time being over, is not done behind what others do then: neither
// when nothing gets through, nor when the answer is lost.
func TestNoWriteIsLate(t *testing.T) {
	for op, write := range writes {
		for how, lose := range map[string]func(p *proxy.Proxy, ctx context.Context){
			"Silent": func(p *proxy.Proxy, _ context.Context) { p.Hang() },
			"Lost":   func(p *proxy.Proxy, ctx context.Context) { p.LoseAnswer(func() { <-ctx.Done() }) },
		} {
			t.Run(op+"/"+how, func(t *testing.T) {
				p, through, direct := proxied(t, 20*time.Second)
				_, _ = through.Get(t.Context(), "absent") // a connection that is idle
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				lose(p, ctx)
				if err := write(ctx, through); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v, want context.DeadlineExceeded", op, err)
				}
				if err := direct.Set(t.Context(), "key", []byte("new"), time.Hour); err != nil {
					t.Fatal(err)
				}
				p.Resume()
				before := p.Counts().Asked
				if _, err := through.Get(t.Context(), "key"); err != nil {
					t.Errorf("Get: %v", err)
				}
				if sent := p.Counts().Asked - before; sent > 100 {
					t.Errorf("%d bytes were sent for a Get", sent)
				}
				if item, err := direct.Get(t.Context(), "key"); err != nil || string(item.Value) != "new" {
					t.Errorf("the store has %q, %v", item.Value, err)
				}
			})
		}
	}
}

// TestUnsentIsDropped: a write that has not got through when its time is over is not left to the system to send.
func TestUnsentIsDropped(t *testing.T) {
	for op, write := range writes {
		t.Run(op, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			arrived, read := make(chan net.Conn, 10), make(chan bool)
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					arrived <- conn
				}
			}()
			settings := settingsFor(listener.Addr().String())
			settings.OperationTimeout = 50 * time.Millisecond
			c := confined{open(t, settings), ""}
			for len(arrived) > 0 {
				(<-arrived).Close()
			}
			served := make(chan error, 1)
			go func() {
				conn := <-arrived
				defer conn.Close()
				answer := make([]byte, 1<<10)
				for {
					n, err := conn.Read(answer)
					if err != nil {
						served <- err
						return
					}
					if string(answer[:n]) == "mn\r\n" {
						_, _ = io.WriteString(conn, "MN\r\n")
						continue
					}
					if op == "Append" && strings.HasPrefix(string(answer), "mg") {
						_, _ = io.WriteString(conn, "EN\r\n")
						continue
					}
					<-read
				}
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if err := write(ctx, c); err == nil {
				t.Errorf("%s: no error", op)
			}
			close(read)
			if err := <-served; !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the connection ends with %v, want that it is reset", err)
			}
		})
	}
}
