package proxy

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// conn is a connection through a proxy. What changes is guarded by the proxy's mu.
type conn struct {
	proxy          *Proxy
	client, server net.Conn

	lost     bool // nothing passes any more
	answered bool // the last that passed came from the server
	asked    bool // anything has come from the client
	wait     int  // the number of its last round trip among those that had to wait for one another
}

func (c *conn) serve() {
	defer c.forget()
	server, err := net.Dial("tcp", c.proxy.server)
	if err != nil {
		return
	}
	c.proxy.mu.Lock()
	c.server = server
	c.proxy.mu.Unlock()
	answers := make(chan struct{})
	go func() {
		defer close(answers)
		c.pass(c.client, server, c.told)
	}()
	c.pass(server, c.client, c.wasAsked)
	c.shut()
	<-answers
}

func (c *conn) forget() {
	c.shut()
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	delete(c.proxy.conns, c)
}

func (c *conn) shut() {
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	c.close()
}

// close closes both sides. The proxy's mu is held.
func (c *conn) close() {
	_ = c.client.Close()
	if c.server != nil {
		_ = c.server.Close()
	}
}

// chunk is bytes that are on their way until a moment.
type chunk struct {
	data []byte
	due  time.Time
}

// pass reads from one side and writes to the other. It returns once one of them is closed. comes is asked about all that comes: how long it
// is on its way, and whether it passes at all.
func (c *conn) pass(to, from net.Conn, comes func(n int) (way time.Duration, passes bool)) {
	defer c.shut()
	chunks := make(chan chunk, 1<<10)
	defer close(chunks)
	go func() {
		for next := range chunks {
			time.Sleep(time.Until(next.due))
			if _, err := to.Write(next.data); err != nil {
				c.shut()
			}
		}
	}()
	var free time.Time // when the line is free for more
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if way, passes := comes(n); passes {
				now := time.Now()
				if rate := c.rateTo(to); rate > 0 {
					if free.Before(now) {
						free = now
					}
					free = free.Add(time.Duration(n) * time.Second / time.Duration(rate))
					time.Sleep(time.Until(free)) // so that the one that sends feels it, as on a line
				}
				chunks <- chunk{append([]byte(nil), buffer[:n]...), time.Now().Add(way)}
			}
		}
		if err != nil {
			if from == c.client && errors.Is(err, syscall.ECONNRESET) {
				c.proxy.wasReset()
			}
			return
		}
	}
}

// rateTo returns the bound on what passes to a side, in bytes a second; 0 for none.
func (c *conn) rateTo(to net.Conn) int {
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	if to != c.client {
		return 0
	}
	return c.proxy.rate
}

// wasAsked counts what comes from the client.
func (c *conn) wasAsked(n int) (way time.Duration, passes bool) {
	p := c.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Asked += int64(n)
	if c.answered || !c.asked {
		p.counts.Trips++
		c.wait = p.waits + 1
	}
	c.asked, c.answered = true, false
	return p.delay, c.passes()
}

// told counts what comes from the server, and loses it where that was wanted.
func (c *conn) told(n int) (way time.Duration, passes bool) {
	p := c.proxy
	p.mu.Lock()
	p.counts.Told += int64(n)
	c.answered = true
	p.waits = max(p.waits, c.wait) // what is asked from now on may have waited for this answer
	asked := p.loses != nil && !c.lost && !p.hangs
	p.mu.Unlock()
	if asked && c.loses() {
		c.shut()
		return 0, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay, c.passes()
}

// loses asks whether an answer is dropped. The connection that it is dropped on is lost from then on.
func (c *conn) loses() bool {
	p := c.proxy
	p.asking.Lock()
	defer p.asking.Unlock()
	p.mu.Lock()
	lose := p.loses
	p.mu.Unlock()
	if lose == nil || !(*lose)() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c.lost = true
	if p.loses == lose {
		p.loses = nil
	}
	return true
}

// passes tells whether what has come passes. The proxy's mu is held.
func (c *conn) passes() bool {
	c.lost = c.lost || c.proxy.hangs
	return !c.lost
}
