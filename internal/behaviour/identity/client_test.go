package identity_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
)

// ask is one request of a client, and what its answer has to be measured by.
type ask struct {
	traits
	run    string // names it
	method string
	rule   *rule
	way    way
	page   string // the target as the route sees it
	url    string // and as it comes
	fields http.Header

	fault  string // what the handler is told to do wrong
	leaves int    // the client leaves behind so many bytes; -1 for not
	breaks bool   // what it leaves by is a connection that breaks, which the server notices as it writes
	slow   int    // it lets others go on so often before it reads on
	socket bool
	tags   []string // entity tags that it sends
	failed versions // the floors when its own handler failed; none where it did not
	since  versions // the floors when it was sent
	now    versions // the versions then
}

func (a *ask) demands() demands {
	return demandsOf(a.rule.layers...).within(demandsOf(a.way.layers...))
}

func (a *ask) String() string {
	return fmt.Sprintf("%s %s://%s%s %v (rule %q, over a socket: %v, leaves at %d)",
		a.method, a.scheme, a.host, a.url, a.fields, a.rule.name, a.socket, a.leaves)
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // it is not whole
}

func (g *answer) String() string {
	return fmt.Sprintf("%d %v, %d bytes %.400q, error %v", g.status, g.header, len(g.body), g.body, g.err)
}

// cacheStatus returns what the cache says of how the answer came about.
func (g *answer) cacheStatus() string { return strings.Join(g.header["Cache-Status"], ", ") }

// hit tells whether it was stored.
func (g *answer) hit() bool { return strings.Contains(g.cacheStatus(), "cachette; hit") }

// request makes the request of an ask. base is the URL of the server, or empty.
func (a *ask) request(ctx context.Context, base string) (*http.Request, error) {
	target := base + a.url
	if base == "" {
		target = a.came
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method: a.method, URL: u, Host: a.host, Header: a.fields.Clone(), Body: http.NoBody,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if base == "" {
		r.RequestURI, r.RemoteAddr = a.came, "192.0.2.1:1234"
		if a.scheme == "https" {
			r.TLS = &tls.ConnectionState{HandshakeComplete: true}
		}
	}
	return r.WithContext(ctx), nil
}

// send sends the request to a site.
func (a *ask) send(s *site, client http.RoundTripper) *answer {
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	if a.socket {
		return a.overSocket(ctx, s.socket, client)
	}
	r, err := a.request(ctx, "")
	if err != nil {
		return &answer{err: err}
	}
	w := &sink{header: make(http.Header), ask: a, leave: leave}
	if a.leaves == 0 && !a.breaks {
		leave()
	}
	return w.serve(s, r)
}

// overSocket sends the request as clients do.
func (a *ask) overSocket(ctx context.Context, base string, client http.RoundTripper) *answer {
	r, err := a.request(ctx, base)
	if err != nil {
		return &answer{err: err}
	}
	res, err := client.RoundTrip(r)
	if err != nil {
		return &answer{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	got := &answer{status: res.StatusCode, header: res.Header}
	var body bytes.Buffer
	if first := max(a.leaves, min(a.slow, 1)*50); first > 0 {
		_, err = io.CopyN(&body, res.Body, int64(first))
		a.linger()
	}
	if a.leaves < 0 && err == nil {
		_, err = io.Copy(&body, res.Body)
	}
	if err != nil && err != io.EOF {
		got.err = err
	}
	got.body = body.String()
	return got
}

func (a *ask) linger() {
	for range a.slow {
		runtime.Gosched()
	}
}

// transport returns what requests go over sockets with. Its connections buffer little, so that what is slow to read is slow to
// write.
func transport() *http.Transport {
	return &http.Transport{
		DisableCompression:  true,
		MaxIdleConnsPerHost: users,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			if tcp, ok := c.(*net.TCPConn); ok {
				err = tcp.SetReadBuffer(16 << 10)
			}
			return c, err
		},
	}
}

// sink is a http.ResponseWriter to a client in this process, which may read slowly, or leave.
type sink struct {
	ask    *ask
	header http.Header
	sent   http.Header // as it was when it went out
	status int
	body   bytes.Buffer
	leave  context.CancelFunc
	left   bool
}

// serve has a site answer a request.
func (w *sink) serve(s *site, r *http.Request) *answer {
	got := &answer{}
	func() {
		defer func() {
			if p := recover(); p != nil { // the server ends the connection
				got.err = fmt.Errorf("panic: %v", p)
			}
		}()
		s.ServeHTTP(w, r)
	}()
	w.WriteHeader(http.StatusOK)
	got.status, got.header, got.body = w.status, w.sent, w.body.String()
	return got
}

func (w *sink) Header() http.Header { return w.header }

func (w *sink) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *sink) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.left {
		return 0, net.ErrClosed
	}
	w.ask.linger()
	if w.ask.method == http.MethodHead {
		return len(b), nil
	}
	if n := w.ask.leaves - w.body.Len(); w.ask.leaves >= 0 && n < len(b) {
		w.left = true
		if !w.ask.breaks {
			w.leave()
		}
		w.body.Write(b[:max(0, n)])
		return max(0, n), net.ErrClosed
	}
	return w.body.Write(b)
}

func (w *sink) Flush() { w.WriteHeader(http.StatusOK) }
