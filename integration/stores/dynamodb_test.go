package stores_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	_ "github.com/gin-cachette/cachette/drivers/dynamodb" // registers "dynamodb"
	"github.com/gin-cachette/cachette/integration/servers"
)

// A dynamoDB is a server of a test's own, that it may end and start again.
type dynamoDB struct {
	port    int
	process *servers.Process
}

func newDynamoDB(t *testing.T) *dynamoDB {
	t.Helper()
	if err := servers.HaveDynamoDB(); err != nil {
		if os.Getenv("CACHETTE_TEST_REQUIRED") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	port, err := servers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s := &dynamoDB{port: port}
	t.Cleanup(func() { s.kill(t) })
	return s
}

func (s *dynamoDB) start(t *testing.T) {
	t.Helper()
	process, err := servers.DynamoDBServer(t.Context(), filepath.Join("..", "..", "build"), s.port)
	if err != nil {
		t.Fatal(err)
	}
	s.process = process
}

func (s *dynamoDB) kill(t *testing.T) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.process.Kill(); err != nil {
		t.Errorf("kill the server: %v", err)
	}
	s.process = nil
}

// driver opens the driver as a program would.
func (s *dynamoDB) driver(t *testing.T) drivers.Driver {
	t.Helper()
	open, ok := drivers.Lookup("dynamodb")
	if !ok {
		t.Fatal("dynamodb is not registered")
	}
	d, err := open(t.Context(), drivers.Settings{
		DynamoDBURL: fmt.Sprintf("http://127.0.0.1:%d", s.port),
		TableName:   "cachette-test",
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return d
}

// dynamoDBSet tries an operation as long as one may take, as requests do.
func dynamoDBSet(t *testing.T, d drivers.Driver) error {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	return d.Set(ctx, "key", []byte("value"), time.Hour)
}

// awaitDynamoDB waits until the driver has found its server, and has made the table that it lacks.
func awaitDynamoDB(t *testing.T, d drivers.Driver) {
	t.Helper()
	var err error
	for range 100 {
		if err = dynamoDBSet(t, d); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("the driver has not found its server again: %v", err)
	}
	item, err := d.Get(t.Context(), "key")
	if err != nil || string(item.Value) != "value" {
		t.Errorf("Get = %q, %v, want value", item.Value, err)
	}
}

// A server that comes up after the program gets its table by the first operation that finds it.
func TestDynamoDBComesUpLate(t *testing.T) {
	server := newDynamoDB(t)
	d := server.driver(t)
	for range 3 {
		if err := dynamoDBSet(t, d); err == nil || errors.Is(err, drivers.ErrClosed) {
			t.Fatalf("Set without a server: %v, want an error of the client's", err)
		}
	}
	server.start(t)
	awaitDynamoDB(t, d)
}

// A server that dies and comes back empty gets its table again.
func TestDynamoDBComesBackEmpty(t *testing.T) {
	server := newDynamoDB(t)
	server.start(t)
	d := server.driver(t)
	awaitDynamoDB(t, d)
	server.kill(t)
	if err := dynamoDBSet(t, d); err == nil {
		t.Error("Set without a server: no error")
	}
	server.start(t)
	if _, err := d.Get(t.Context(), "key"); err == nil {
		t.Error("Get of a server without tables: no error")
	}
	awaitDynamoDB(t, d)
}
