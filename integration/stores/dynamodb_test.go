package stores_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/gin-cachette/cachette/drivers"
	_ "github.com/gin-cachette/cachette/drivers/dynamodb" // registers "dynamodb"
	"github.com/gin-cachette/cachette/integration/servers"
)

// A dynamoDB is a server that keeps nothing when it ends.
type dynamoDB struct{ *server }

func newDynamoDB(t *testing.T) dynamoDB {
	t.Helper()
	return dynamoDB{newServer(t, servers.HaveDynamoDB())}
}

func (s dynamoDB) start(t *testing.T) {
	t.Helper()
	s.run(t, func(ctx context.Context, port int) (*servers.Process, error) {
		return servers.DynamoDBServer(ctx, build, port)
	})
}

func (s dynamoDB) driver(t *testing.T) drivers.Driver {
	t.Helper()
	return open(t.Context(), t, "dynamodb", drivers.Settings{
		DynamoDBURL: fmt.Sprintf("http://127.0.0.1:%d", s.port),
		TableName:   "cachette-test",
	})
}

// A server goes on behind a request whose connection is closed in the middle of it, as those of callers that give up are.
func TestDynamoDBOutlivesClients(t *testing.T) {
	t.Parallel()
	server := newDynamoDB(t)
	server.start(t)
	d := server.driver(t)
	await(t, d)
	for range 10 {
		connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", server.port))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(connection, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
		if err := errors.Join(err, connection.(*net.TCPConn).SetLinger(0), connection.Close()); err != nil {
			t.Fatal(err)
		}
		await(t, d)
	}
}

// A server that comes up after the program gets its table by the first operation that finds it.
func TestDynamoDBComesUpLate(t *testing.T) {
	t.Parallel()
	server := newDynamoDB(t)
	d := server.driver(t)
	for range 3 {
		if err := trySet(t, d); err == nil || errors.Is(err, drivers.ErrClosed) {
			t.Fatalf("Set without a server: %v, want an error of the client's", err)
		}
	}
	server.start(t)
	await(t, d)
}

// A server that dies and comes back empty gets its table again.
func TestDynamoDBComesBackEmpty(t *testing.T) {
	t.Parallel()
	server := newDynamoDB(t)
	server.start(t)
	d := server.driver(t)
	await(t, d)
	server.kill(t)
	if err := trySet(t, d); err == nil {
		t.Error("Set without a server: no error")
	}
	server.start(t)
	if _, err := d.Get(t.Context(), "key"); err == nil {
		t.Error("Get of a server without tables: no error")
	}
	await(t, d)
}
