package redis_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// lines serves a protocol of lines, as Redis does for what is no array: each that comes is answered with a reply, if it begins
// with a text.
func lines(t *testing.T, listener net.Listener, begins, reply string) string {
	t.Helper()
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for in := bufio.NewReader(conn); ; {
					line, err := in.ReadString('\n')
					if err != nil {
						return
					}
					if !strings.HasPrefix(line, begins) {
						continue
					}
					if _, err := io.WriteString(conn, reply); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// A URL with TLS that leads to a server without, or the other way round, is refused with what to write. The client sees a server
// that says nothing, or hangs up, which is what one looks like that is not there.
func TestTLSMismatch(t *testing.T) {
	const secret = "hunter2"
	plain := func(begins string) string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return lines(t, listener, begins, "-NOAUTH Authentication required.\r\n")
	}
	answers, waits := plain(""), plain("PING")
	secure := func() string {
		https := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
		defer https.Close()
		listener, err := tls.Listen("tcp", "127.0.0.1:0", https.TLS)
		if err != nil {
			t.Fatal(err)
		}
		return lines(t, listener, "", "+PONG\r\n")
	}()
	for _, row := range []struct{ where, says string }{
		{"rediss://me:" + secret + "@" + answers, "give redis://"},
		{"rediss://me:" + secret + "@" + waits, "give redis://"},
		{"rediss+cluster://me:" + secret + "@" + answers, "redis+cluster://"},
		{"redis://me:" + secret + "@" + secure, "give rediss://"},
		{"redis+cluster://me:" + secret + "@" + secure, "rediss+cluster://"},
	} {
		t.Run(strings.ReplaceAll(row.where, secret, ""), func(t *testing.T) {
			var log journal
			d, err := opener(t)(t.Context(), drivers.Settings{RedisURL: row.where, OperationTimeout: 100 * time.Millisecond, Logger: log.logger()})
			if err == nil {
				d.Close()
				t.Fatalf("it opens; the log is\n%s", log.String())
			}
			if text := err.Error(); !strings.Contains(text, row.says) || !strings.Contains(text, "RedisURL") || strings.Contains(text, secret) {
				t.Errorf("%v", err)
			}
		})
	}
}
