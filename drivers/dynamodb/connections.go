package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/undelivered"
)

const (
	// lateness is for how long an answer is waited for that nothing wants any more.
	lateness = 2 * time.Second

	// maxLate bounds how many of them there are at a time.
	maxLate = idleConnections

	// soon is when an answer should have come. Before that, one says nothing that has been waited for no longer than the last.
	soon = 100 * time.Millisecond

	// maxAnswer is what DynamoDB answers with at most, in bytes.
	maxAnswer = 16 << 20
)

// connections is the HTTP client that requests go through, around another. It takes care of the connections when a caller gives up:
//
// A request that ends with its context costs HTTP/1.1 its connection. So one that has been sent goes on without its caller, for a while,
// and its connection is kept if the answer comes late. One that has not been sent, as it waits for a connection, or of which a part has
// been, is ended with its caller: what has failed for a caller is not sent later, but for a read that has its connection already.
//
// A network may have lost connections and told neither side. When nothing comes on two in a row, all that are idle are closed, or when one
// is silent and others answer what was sent later.
type connections struct {
	client  aws.HTTPClient
	release func()          // closes the idle connections, unless the client was given
	life    context.Context // ends when the driver is closed, and with it the requests that go on without their callers
	start   time.Time       // that moments are counted from

	late atomic.Int64 // requests that go on without their callers

	mu       sync.Mutex
	answered int64 // when that was sent which was sent last of what has been answered
	took     int64 // how long the last answer has taken
	silent   int64 // when a connection was given up on which nothing has come, and nothing on others since; 0 for none
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
	return &connections{client: client, release: release, life: life, start: time.Now()}, release
}

// A request is what is known of one that is under way.
type request struct {
	reads    bool
	sent     atomic.Int64 // when all of it had been written; 0 before
	reused   atomic.Bool  // its connection had been idle
	got      atomic.Bool  // it has a connection
	answered atomic.Bool  // something has come
}

func (c *connections) now() int64 { return int64(time.Since(c.start)) }

// Do is [http.Client.Do]. The body of the response has been read.
func (c *connections) Do(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.life.Err() != nil {
		return nil, drivers.ErrClosed
	}
	q := request{reads: reads(r)}
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
		if c.life.Err() != nil { // the connection has become idle behind Close
			c.release()
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

// reads tells whether a request changes nothing, so that it may be sent whenever there is a connection for it.
func reads(r *http.Request) bool {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return operation == "GetItem" || operation == "BatchGetItem"
}

// watched returns a context that has a request tell what becomes of it.
func (c *connections) watched(ctx context.Context, q *request) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			q.reused.Store(info.Reused)
			q.got.Store(true)
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				q.sent.Store(c.now())
			}
		},
		GotFirstResponseByte: func() {
			q.answered.Store(true)
			c.mu.Lock()
			defer c.mu.Unlock()
			sent := q.sent.Load()
			c.answered, c.took, c.silent = max(c.answered, sent), c.now()-sent, 0
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
	if sent == 0 && !(q.got.Load() && q.reads) {
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
	if idle, ok := c.client.(interface{ CloseIdleConnections() }); ok && c.areDead(sent) {
		idle.CloseIdleConnections()
	}
}

// areDead takes note of a connection on which nothing has come, and tells whether that is the second sign.
func (c *connections) areDead(sent int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, before := c.now(), c.silent
	switch {
	case now-sent < min(c.took, int64(soon)): // it was not waited for
		return false
	case c.answered > sent: // on another
	case before == 0:
		c.silent = now
		return false
	case sent < before: // both were waited for at the same time, perhaps because the server is slow
		return false
	}
	c.silent = 0
	return true
}

// dropping has connections that are closed drop what they have not delivered.
func dropping(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err == nil {
			undelivered.Drop(conn)
		}
		return conn, err
	}
}
