package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
)

// echo answers each line with itself, and counts the lines.
func echo(t *testing.T) (addr string, lines *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	lines = new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for reader := bufio.NewReader(conn); ; {
					line, err := reader.ReadString('\n')
					if err != nil {
						return
					}
					lines.Add(1)
					if _, err := io.WriteString(conn, line); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String(), lines
}

type client struct {
	net.Conn
	*bufio.Reader
}

func dial(t *testing.T, p *proxy.Proxy) *client {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{conn, bufio.NewReader(conn)}
}

// ask sends a line and returns the answer, or "silent", or "closed".
func (c *client) ask(line string, patience time.Duration) string {
	if _, err := fmt.Fprintln(c.Conn, line); err != nil {
		return "closed"
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	answer, err := c.ReadString('\n')
	switch {
	case err == nil:
		return strings.TrimSuffix(answer, "\n")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "silent"
	default:
		return "closed"
	}
}

const (
	ages   = 10 * time.Second       // an answer comes sooner
	moment = 100 * time.Millisecond // how long a silence is listened to
)

func TestProxy(t *testing.T) {
	for name, test := range map[string]struct {
		do         func(t *testing.T, p *proxy.Proxy)
		old, fresh string // what connections that were there before get for an answer, and new ones; "" for one that is refused
	}{
		"Nothing":      {func(*testing.T, *proxy.Proxy) {}, "b", "c"},
		"Hang":         {func(_ *testing.T, p *proxy.Proxy) { p.Hang() }, "silent", "silent"},
		"HangAndBack":  {func(_ *testing.T, p *proxy.Proxy) { p.Hang(); p.Resume() }, "b", "c"},
		"Lose":         {func(_ *testing.T, p *proxy.Proxy) { p.Lose() }, "silent", "c"},
		"Cut":          {func(_ *testing.T, p *proxy.Proxy) { p.Cut() }, "closed", "c"},
		"Die":          {func(_ *testing.T, p *proxy.Proxy) { p.Die() }, "closed", ""},
		"DieAndRevive": {func(t *testing.T, p *proxy.Proxy) { p.Die(); p.Revive(t) }, "closed", "c"},
		"LoseAnswer":   {func(_ *testing.T, p *proxy.Proxy) { p.LoseAnswer(func() {}) }, "closed", "c"},
		"Delay":        {func(_ *testing.T, p *proxy.Proxy) { p.Delay(time.Millisecond) }, "b", "c"},
		"Rate":         {func(_ *testing.T, p *proxy.Proxy) { p.Rate(1 << 10) }, "b", "c"},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := echo(t)
			p := proxy.New(t, server)
			before := dial(t, p)
			if answer := before.ask("a", ages); answer != "a" {
				t.Fatalf("the answer is %q before anything is done to the proxy", answer)
			}
			test.do(t, p)
			patience := map[bool]time.Duration{true: moment, false: ages}
			if answer := before.ask("b", patience[test.old == "silent"]); answer != test.old {
				t.Errorf("a connection that was there gets %q, want %q", answer, test.old)
			}
			if test.fresh == "" {
				if conn, err := net.Dial("tcp", p.Addr()); err == nil {
					conn.Close()
					t.Error("a new connection is taken")
				}
				return
			}
			if answer := dial(t, p).ask("c", patience[test.fresh == "silent"]); answer != test.fresh {
				t.Errorf("a new connection gets %q, want %q", answer, test.fresh)
			}
		})
	}
}

// TestSwallowed: what came while a connection was silent never arrives, and the connection stays silent.
func TestSwallowed(t *testing.T) {
	server, lines := echo(t)
	p := proxy.New(t, server)
	c := dial(t, p)
	c.ask("a", ages)
	p.Hang()
	c.ask("b", moment)
	p.Resume()
	if answer := c.ask("c", moment); answer != "silent" {
		t.Errorf("a connection that has lost bytes gets %q", answer)
	}
	if got := lines.Load(); got != 1 {
		t.Errorf("the server has got %d lines, want the one before", got)
	}
}

// TestLostAnswer: the server has done what was asked.
func TestLostAnswer(t *testing.T) {
	server, lines := echo(t)
	p := proxy.New(t, server)
	c, other := dial(t, p), dial(t, p)
	seen := make(chan int64, 1)
	p.LoseAnswer(func() {
		seen <- lines.Load()
		if answer := other.ask("b", ages); answer != "b" {
			t.Errorf("the answer is %q on another connection, meanwhile", answer)
		}
	})
	answer := c.ask("a", ages)
	if lines := <-seen; answer != "closed" || lines != 1 {
		t.Errorf("the answer is %q, with %d lines at the server when it was lost", answer, lines)
	}
}

// TestOneAnswerIsLost: the first one that is to be, and none behind it.
func TestOneAnswerIsLost(t *testing.T) {
	server, _ := echo(t)
	p := proxy.New(t, server)
	c, asked := dial(t, p), 0
	p.LoseAnswerIf(func() bool { asked++; return asked == 3 })
	for _, want := range []string{"a", "b", "closed"} {
		if answer := c.ask(want[:1], ages); answer != want {
			t.Errorf("the answer is %q, want %q", answer, want)
		}
	}
	if answer := dial(t, p).ask("d", ages); answer != "d" || asked != 3 {
		t.Errorf("the answer behind it is %q, and %d were asked about", answer, asked)
	}
}

func TestCounts(t *testing.T) {
	server, _ := echo(t)
	p := proxy.New(t, server)
	one, other := dial(t, p), dial(t, p)
	for range 3 {
		one.ask("four", ages)
	}
	other.ask("four", ages)
	want := proxy.Counts{Dials: 2, Trips: 4, Waits: 4, Asked: 20, Told: 20}
	if got := p.Counts(); got != want || p.Open() != 2 {
		t.Errorf("counted %+v with %d open, want %+v with 2", got, p.Open(), want)
	}
}

// TestOrder: what is late keeps its order.
func TestOrder(t *testing.T) {
	server, _ := echo(t)
	p := proxy.New(t, server)
	c := dial(t, p)
	p.Delay(5 * time.Millisecond)
	for i := range 100 {
		if i == 50 {
			p.Delay(0)
		}
		fmt.Fprintln(c.Conn, i)
	}
	_ = c.SetReadDeadline(time.Now().Add(ages))
	for i := range 100 {
		if line, err := c.ReadString('\n'); err != nil || line != fmt.Sprintln(i) {
			t.Fatalf("line %d is %q, %v", i, line, err)
		}
	}
}

// TestWaits: of two connections, one asks twice while the other waits for its answer.
func TestWaits(t *testing.T) {
	server, _ := echo(t)
	p := proxy.New(t, server)
	one, other := dial(t, p), dial(t, p)
	one.ask("a", ages)
	other.ask("b", ages)
	p.Delay(50 * time.Millisecond)
	before := p.Counts()
	done := make(chan string)
	go func() { done <- one.ask("c", ages) }()
	go func() { done <- other.ask("d", ages) }()
	<-done
	<-done
	after := p.Counts()
	if trips, waits := after.Trips-before.Trips, after.Waits-before.Waits; trips != 2 || waits != 1 {
		t.Errorf("two at once are %d round trips, of which %d wait for one another, want 2 and 1", trips, waits)
	}
}

// TestReset: the reset of a connection is told from its end, also while the proxy hangs.
func TestReset(t *testing.T) {
	server, _ := echo(t)
	p := proxy.New(t, server)
	one, other := dial(t, p), dial(t, p)
	for _, c := range []*client{one, other} {
		c.ask("a", ages)
	}
	p.Hang()
	_ = other.Conn.(*net.TCPConn).SetLinger(0)
	one.Close()
	other.Close()
	for p.Open() > 0 {
		time.Sleep(time.Millisecond)
	}
	if n := p.Counts().Reset; n != 1 {
		t.Errorf("%d connections were reset, want 1", n)
	}
}
