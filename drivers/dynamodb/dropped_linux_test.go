package dynamodb_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestGivenUpIsNotDelivered: what a caller has given up, and a network has not carried yet, goes with its connection. The server takes little
// at a time, and nothing for a while, as one does that is behind a network that stands still.
func TestGivenUpIsNotDelivered(t *testing.T) {
	isolate(t)
	f := newFake(t, nil)
	asked, closed, arrived := make(chan struct{}), make(chan struct{}), make(chan int64, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") {
			f.ServeHTTP(w, r)
			return
		}
		close(asked)
		<-closed
		for i := 0; i < 200 && !isReset(r.Context().Value(connKey{}).(*net.TCPConn)); i++ {
			time.Sleep(time.Millisecond)
		}
		n, _ := io.Copy(io.Discard, r.Body)
		arrived <- n
	}))
	narrow := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) })
	}}
	listener, err := narrow.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = server.Listener.Close()
	server.Listener = listener
	server.Config.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, conn)
	}
	server.Start()
	defer server.Close()

	d := openURL(t, server.URL)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	const size = 200 << 10 // in base64, a third more
	if err := d.Set(ctx, "key", make([]byte, size), long); !errors.Is(err, context.Canceled) {
		t.Errorf("Set: %v, want an error that wraps context.Canceled", err)
	}
	if err := d.Close(); err != nil { // so that it is not waited for any more
		t.Error(err)
	}
	close(closed)
	if n := <-arrived; n >= size*4/3 {
		t.Errorf("all of the value has arrived, %d bytes, after the driver was closed", n)
	}
}

// connKey is under what the connection of a request stands in its context.
type connKey struct{}

// isReset tells whether the other side has dropped a connection.
func isReset(conn *net.TCPConn) (reset bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		failed, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
		reset = err != nil || failed != 0
	})
	return reset || err != nil
}
