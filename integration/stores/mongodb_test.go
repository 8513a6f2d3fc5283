package stores_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/mongodb"
	"github.com/gin-cachette/cachette/integration/servers"
)

// A mongoDB is a server whose data stays in a folder.
type mongoDB struct{ *server }

func newMongoDB(t *testing.T) mongoDB {
	t.Helper()
	return mongoDB{newServer(t, servers.HaveMongoDB())}
}

// start starts the server on the data in a folder.
func (s mongoDB) start(t *testing.T, dir string) {
	t.Helper()
	s.run(t, func(ctx context.Context, port int) (*servers.Process, error) {
		return servers.MongoDBServer(ctx, build, dir, port)
	})
}

func (s mongoDB) url() string {
	return fmt.Sprintf("mongodb://127.0.0.1:%d/?heartbeatFrequencyMS=500", s.port)
}

const mongoDBName = "cachette_test"

// opened is the driver as a program opens it by name. The server has a moment to answer at the start.
func (s mongoDB) opened(t *testing.T) drivers.Driver {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	return open(ctx, t, "mongodb", drivers.Settings{MongoDBURL: s.url(), DatabaseName: mongoDBName, TableName: mongoDBName})
}

// given is the driver with a client of the test's.
func (s mongoDB) given(t *testing.T) drivers.Driver {
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

func (s mongoDB) client(t *testing.T) *mongo.Client {
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
func (s mongoDB) wantIndex(t *testing.T) {
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

// A server that comes up after the program has its indexes by the first operation that finds it.
func TestMongoDBComesUpLate(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(mongoDB, *testing.T) drivers.Driver{"Opened": mongoDB.opened, "Given": mongoDB.given} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newMongoDB(t)
			d := open(server, t)
			for range 3 {
				if err := trySet(t, d); err == nil || errors.Is(err, drivers.ErrClosed) {
					t.Fatalf("Set without a server: %v, want an error of the client's", err)
				}
			}
			server.start(t, t.TempDir())
			await(t, d)
			server.wantIndex(t)
		})
	}
}

// A server that dies and comes back has what it had, and one that comes back empty has its indexes again.
func TestMongoDBComesBack(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(mongoDB, *testing.T) drivers.Driver{"Opened": mongoDB.opened, "Given": mongoDB.given} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newMongoDB(t)
			dir := t.TempDir()
			server.start(t, dir)
			d := open(server, t)
			await(t, d)

			server.kill(t)
			if err := trySet(t, d); err == nil {
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
			if err := trySet(t, d); err == nil {
				t.Error("Set without a server: no error")
			}
			server.start(t, t.TempDir())
			await(t, d)
			server.wantIndex(t)
		})
	}
}
