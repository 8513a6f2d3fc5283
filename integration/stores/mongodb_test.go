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

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/mongodb"
	"github.com/gin-cachette/cachette/integration/servers"
)

// A mongoDB is a server of a test's own, that it may end and start again.
type mongoDB struct {
	port    int
	process *servers.Process
}

func newMongoDB(t *testing.T) *mongoDB {
	t.Helper()
	if err := servers.HaveMongoDB(); err != nil {
		if os.Getenv("CACHETTE_TEST_REQUIRED") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	port, err := servers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s := &mongoDB{port: port}
	t.Cleanup(func() { s.kill(t) })
	return s
}

// start starts the server on the data in a folder.
func (s *mongoDB) start(t *testing.T, dir string) {
	t.Helper()
	process, err := servers.MongoDBServer(t.Context(), filepath.Join("..", "..", "build"), dir, s.port)
	if err != nil {
		t.Fatal(err)
	}
	s.process = process
}

func (s *mongoDB) kill(t *testing.T) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.process.Kill(); err != nil {
		t.Errorf("kill the server: %v", err)
	}
	s.process = nil
}

func (s *mongoDB) url() string {
	return fmt.Sprintf("mongodb://127.0.0.1:%d/?heartbeatFrequencyMS=500", s.port)
}

const mongoDBName = "cachette_test"

// opened is the driver as a program opens it by name. The server has a moment to answer at the start.
func (s *mongoDB) opened(t *testing.T) drivers.Driver {
	t.Helper()
	open, ok := drivers.Lookup("mongodb")
	if !ok {
		t.Fatal("mongodb is not registered")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	d, err := open(ctx, drivers.Settings{
		MongoDBURL: s.url(), DatabaseName: mongoDBName, TableName: mongoDBName, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, d)
	return d
}

// given is the driver with a client of the test's.
func (s *mongoDB) given(t *testing.T) drivers.Driver {
	t.Helper()
	d, err := mongodb.New(s.client(t), mongodb.Options{
		Database: mongoDBName, Collection: mongoDBName, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, d)
	return d
}

func closeAfter(t *testing.T, d drivers.Driver) {
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func (s *mongoDB) client(t *testing.T) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(s.url()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = client.Disconnect(ctx)
	})
	return client
}

// wantIndex checks that no second document can be made of a key.
func (s *mongoDB) wantIndex(t *testing.T) {
	t.Helper()
	all, err := s.client(t).Database(mongoDBName).Collection(mongoDBName).Indexes().ListSpecifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range all {
		if _, err := index.KeysDocument.LookupErr("key"); err == nil && index.Unique != nil && *index.Unique {
			return
		}
	}
	t.Error("there is no unique index on key")
}

// mongoDBSet tries an operation as long as one may take, as requests do.
func mongoDBSet(t *testing.T, d drivers.Driver) error {
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	return d.Set(ctx, "key", []byte("value"), time.Hour)
}

// awaitMongoDB waits until the driver has found its server.
func awaitMongoDB(t *testing.T, d drivers.Driver) {
	t.Helper()
	var err error
	for range 100 {
		if err = mongoDBSet(t, d); err == nil {
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

// A server that comes up after the program has its indexes by the first operation that finds it.
func TestMongoDBComesUpLate(t *testing.T) {
	for name, open := range map[string]func(*mongoDB, *testing.T) drivers.Driver{"Opened": (*mongoDB).opened, "Given": (*mongoDB).given} {
		t.Run(name, func(t *testing.T) {
			server := newMongoDB(t)
			d := open(server, t)
			for range 3 {
				if err := mongoDBSet(t, d); err == nil || errors.Is(err, drivers.ErrClosed) {
					t.Fatalf("Set without a server: %v, want an error of the client's", err)
				}
			}
			server.start(t, t.TempDir())
			awaitMongoDB(t, d)
			server.wantIndex(t)
		})
	}
}

// A server that dies and comes back has what it had, and one that comes back empty has its indexes again.
func TestMongoDBComesBack(t *testing.T) {
	for name, open := range map[string]func(*mongoDB, *testing.T) drivers.Driver{"Opened": (*mongoDB).opened, "Given": (*mongoDB).given} {
		t.Run(name, func(t *testing.T) {
			server := newMongoDB(t)
			dir := t.TempDir()
			server.start(t, dir)
			d := open(server, t)
			awaitMongoDB(t, d)

			server.kill(t)
			if err := mongoDBSet(t, d); err == nil {
				t.Error("Set without a server: no error")
			}
			server.start(t, dir)
			var item drivers.Item
			var err error
			for range 100 {
				if item, err = d.Get(t.Context(), "key"); err == nil {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if err != nil || string(item.Value) != "value" {
				t.Errorf("Get of a server that is back = %q, %v, want value", item.Value, err)
			}

			server.kill(t)
			if err := mongoDBSet(t, d); err == nil {
				t.Error("Set without a server: no error")
			}
			server.start(t, t.TempDir())
			awaitMongoDB(t, d)
			server.wantIndex(t)
		})
	}
}
