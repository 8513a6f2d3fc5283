// Package proxy stands between a driver and its server, for tests, and does to their connections what networks and dying servers do: it
// goes silent, is slow, cuts, and loses answers, so that clients repeat what they have asked.
//
// It knows nothing of what is said, and so is the same for every backend:
//
//	p := proxy.New(t, "127.0.0.1:6379")
//	d := open(t, "redis://"+p.Addr())
//	p.Hang()
package proxy

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy passes connections on to a server. It is safe for concurrent use.
type Proxy struct {
	server string
	addr   string

	asking sync.Mutex // held while loses is asked

	mu       sync.Mutex
	listener net.Listener
	conns    map[*conn]struct{}
	hangs    bool
	delay    time.Duration
	rate     int
	loses    *func() bool // asked of each answer whether to drop it; nil for none
	counts   Counts
	waits    int // of the answers so far: see Counts
}

// Counts are what a proxy has seen.
type Counts struct {
	Dials int   // connections that clients have made
	Trips int   // round trips: how often a connection was asked something after it had been answered, or for the first time
	Waits int   // round trips that had to wait for one another: those that were under way at the same time count as one
	Reset int   // connections that clients have reset, so that nothing arrives any more of what they had not delivered
	Asked int64 // bytes that clients have sent
	Told  int64 // bytes that the server has sent
}

// New returns a proxy before a server, which listens at a host and port. The test's end closes it.
func New(t testing.TB, server string) *Proxy {
	t.Helper()
	p := &Proxy{server: server, addr: "127.0.0.1:0", conns: make(map[*conn]struct{})}
	if err := p.listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Die)
	return p
}

// Addr returns the host and port at which the proxy listens. They stay the same when it dies and is revived.
func (p *Proxy) Addr() string { return p.addr }

// Hang swallows what comes from now on, on the connections that are there and on new ones, as a server does that is stopped, or a
// network that drops everything. The connections that have lost bytes never speak again.
func (p *Proxy) Hang() { p.setHangs(true) }

// Resume ends Hang, for new connections and for those that nothing came on meanwhile.
func (p *Proxy) Resume() { p.setHangs(false) }

// Lose makes half-open connections of those that are there: nothing passes on them any more, and neither side is told. New ones work.
func (p *Proxy) Lose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.lost = true
	}
}

// Cut closes the connections that are there.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.close()
	}
}

// Die closes the connections, and refuses new ones.
func (p *Proxy) Die() {
	p.mu.Lock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	p.mu.Unlock()
	p.Cut()
}

// Revive ends Die.
func (p *Proxy) Revive(t testing.TB) {
	t.Helper()
	if err := p.listen(); err != nil {
		t.Fatal(err)
	}
}

// Delay has all that comes from now on arrive so much later, in each direction.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Rate bounds what the server's answers pass at, on each connection, in bytes a second; 0 for no bound.
func (p *Proxy) Rate(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rate = bytes
}

// LoseAnswer drops the next answer, and cuts its connection, once the server has done what was asked. It calls then first.
func (p *Proxy) LoseAnswer(then func()) {
	p.LoseAnswerIf(func() bool {
		p.LoseAnswerIf(nil) // so that then may ask the server through the proxy
		then()
		return true
	})
}

// LoseAnswerIf does what LoseAnswer does with the first answer of which lose says so. lose is asked about one answer at a time, which waits
// meanwhile, and so do those that come on other connections. A later call takes the place of an earlier one, and lose may make it; nil
// is for none.
func (p *Proxy) LoseAnswerIf(lose func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loses = nil
	if lose != nil {
		p.loses = &lose
	}
}

// Counts returns what the proxy has seen so far.
func (p *Proxy) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := p.counts
	counts.Waits = p.waits
	return counts
}

// Open returns how many connections there are.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

func (p *Proxy) wasReset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Reset++
}

func (p *Proxy) setHangs(hangs bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangs = hangs
}

func (p *Proxy) listen() error {
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener, p.addr = listener, listener.Addr().String()
	go p.accept(listener)
	return nil
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		c := &conn{proxy: p, client: client}
		p.mu.Lock()
		p.counts.Dials++
		p.conns[c] = struct{}{}
		p.mu.Unlock()
		go c.serve()
	}
}
