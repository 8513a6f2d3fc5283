package undelivered_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/gin-cachette/cachette/drivers/internal/undelivered"
)

// TestDrop: the other side is told that the connection is gone, and not that all has been said.
func TestDrop(t *testing.T) {
	for name, test := range map[string]struct {
		close func(conn net.Conn)
		want  error
	}{
		"Closed":    {func(conn net.Conn) { conn.Close() }, io.EOF},
		"Dropped":   {func(conn net.Conn) { undelivered.Drop(conn); conn.Close() }, syscall.ECONNRESET},
		"BehindTLS": {func(conn net.Conn) { undelivered.Drop(tls.Client(conn, nil)); conn.Close() }, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			conn, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			server, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			test.close(conn)
			if _, err := server.Read(make([]byte, 1)); !errors.Is(err, test.want) {
				t.Errorf("the other side reads %v, want %v", err, test.want)
			}
		})
	}
	one, other := net.Pipe()
	undelivered.Drop(one) // is none that could
	one.Close()
	other.Close()
}
