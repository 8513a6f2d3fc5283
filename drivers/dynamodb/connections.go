package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	// lateness is for how long an answer is waited for that nothing wants any more.
	lateness = 2 * time.Second

	// maxLate bounds how many of them there are at a time.
	maxLate = idleConnections

	// maxAnswer is what DynamoDB answers with at most, in bytes.
	maxAnswer = 16 << 20
)

// connections is the HTTP client that requests go through, around another. It takes care of the connections when a caller gives up:
//
// A request that ends with its context costs HTTP/1.1 its connection. So one that has been sent goes on without its caller, for a while,
// and its connection is kept if the answer comes late. One that has not been sent, as it waits for a connection, or of which a part has
// been, is ended with its caller: what has failed for a caller is not sent later.
//
// A network may have lost connections and told neither side. When nothing comes on two in a row, all that are idle are closed, or when one
// is silent and others answer what was sent later.
type connections struct {
	client aws.HTTPClient
	life   context.Context // of requests that go on without their callers
	start  time.Time       // that moments are counted from

	late      atomic.Int64 // requests that go on without their callers
	answered  atomic.Int64 // when that was sent which was sent last of what has been answered
	suspected atomic.Int64 // when a connection has been silent, and nothing was answered since; 0 for none
}

// newConnections returns a client around another, and what closes the connections of those that it has not been given.
func newConnections(life context.Context, client aws.HTTPClient) (*connections, func()) {
	release := func() {}
	if buildable, ok := client.(*awshttp.BuildableClient); ok { // which does not let go of idle connections
		transport := buildable.GetTransport()
		if transport.DialContext != nil {
			transport.DialContext = dropping(transport.DialContext)
		}
		own := &http.Client{
			Transport:     transport,
			Timeout:       buildable.GetTimeout(),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		client, release = own, own.CloseIdleConnections
	}
	return &connections{client: client, life: life, start: time.Now()}, release
}

// A request is what is known of one that is under way.
type request struct {
	sent     atomic.Int64 // when all of it had been written; 0 before
	reused   atomic.Bool  // its connection had been idle
	answered atomic.Bool  // something has come
}

func (c *connections) now() int64 { return int64(time.Since(c.start)) }

// Do is [http.Client.Do]. The body of the response has been read.
func (c *connections) Do(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var q request
	own, cancel := context.WithCancel(c.watched(context.WithoutCancel(ctx), &q))
	type answer struct {
		response *http.Response
		err      error
	}
	answers := make(chan answer, 1)
	go func() {
		defer cancel()
		response, err := c.client.Do(r.WithContext(own))
		if err == nil {
			err = take(response)
		}
		answers <- answer{response, err}
	}()
	select {
	case a := <-answers:
		return a.response, a.err
	case <-ctx.Done():
		c.leave(ctx, own, cancel, &q)
		return nil, ctx.Err()
	}
}

// watched returns a context that has a request tell what becomes of it.
func (c *connections) watched(ctx context.Context, q *request) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { q.reused.Store(info.Reused) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				q.sent.Store(c.now())
			}
		},
		GotFirstResponseByte: func() {
			q.answered.Store(true)
			c.suspected.Store(0)
			for sent := q.sent.Load(); ; {
				last := c.answered.Load()
				if sent <= last || c.answered.CompareAndSwap(last, sent) {
					return
				}
			}
		},
	})
}

// take reads the body of a response, so that its end does not wait for the caller.
func take(response *http.Response) error {
	defer response.Body.Close()
	var body bytes.Buffer
	if n := response.ContentLength; n > 0 {
		body.Grow(int(min(n, maxAnswer)) + bytes.MinRead) // room to find the end in
	}
	if _, err := body.ReadFrom(response.Body); err != nil {
		return err
	}
	response.Body = io.NopCloser(&body)
	return nil
}

// leave is for a request whose caller does not wait any more. own is its context, and cancel ends that.
func (c *connections) leave(caller, own context.Context, cancel context.CancelFunc, q *request) {
	sent := q.sent.Load()
	if sent != 0 && q.reused.Load() && !q.answered.Load() && errors.Is(caller.Err(), context.DeadlineExceeded) {
		c.suspect(sent)
	}
	if sent == 0 {
		cancel()
		return
	}
	if c.late.Add(1) > maxLate {
		cancel()
	}
	timer := time.AfterFunc(lateness, cancel)
	stop := context.AfterFunc(c.life, cancel)
	context.AfterFunc(own, func() {
		timer.Stop()
		stop()
		c.late.Add(-1)
	})
}

// suspect closes the idle connections if there are signs that they are dead: that nothing came for a request on one of them, which was sent
// at a moment, is one.
func (c *connections) suspect(sent int64) {
	others := c.answered.Load() > sent
	before := c.suspected.Load()
	if !others && before == 0 {
		c.suspected.CompareAndSwap(0, c.now())
		return
	}
	if !others && sent < before { // they have waited at the same time, perhaps for a server that is slow
		return
	}
	c.suspected.Store(0)
	if idle, ok := c.client.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// dropping has connections that are closed drop what they have not delivered. Otherwise the system goes on sending for minutes what a
// caller has given up, and a network that is back would bring it.
func dropping(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		return conn, err
	}
}
