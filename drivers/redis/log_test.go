package redis_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// closedPort returns an address that nothing listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestLogOfTheClient: what go-redis logs goes to the logger of the driver.
func TestLogOfTheClient(t *testing.T) {
	var log journal
	where := "redis://me:hunter2@" + closedPort(t)
	d, err := opener(t)(t.Context(), drivers.Settings{RedisURL: where, OperationTimeout: 100 * time.Millisecond, Logger: log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	text := log.String()
	if !strings.Contains(text, `level=INFO msg="cachette: redis: the client logs" line="connection pool: failed to dial`) {
		t.Errorf("the log has no line of the client:\n%s", text)
	}
	if strings.Contains(text, "hunter2") {
		t.Errorf("the password is in the log:\n%s", text)
	}
}

// TestLogOfTheClientIsBounded: while the server is away, what go-redis logs of each attempt does not fill the log.
func TestLogOfTheClientIsBounded(t *testing.T) {
	var log journal
	d, err := opener(t)(t.Context(), drivers.Settings{
		RedisURL: "redis://" + closedPort(t), OperationTimeout: 100 * time.Millisecond, Logger: log.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for range 50 {
		if _, err := d.Get(t.Context(), "key"); err == nil {
			t.Fatal("a server answers")
		}
	}
	if n := strings.Count(log.String(), "failed to dial"); n != 1 {
		t.Errorf("%d lines say that the client failed to dial, want 1", n)
	}
}
