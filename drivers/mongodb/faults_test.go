package mongodb_test

import (
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	"github.com/gin-cachette/cachette/internal/testservers"
)

func TestFaults(t *testing.T) {
	where, err := url.Parse(testservers.Find(t, testservers.MongoDB))
	if err != nil {
		t.Fatal("CACHETTE_TEST_MONGODB_URL is no URL")
	}
	backend, _ := drivers.Lookup("mongodb")
	client := connect(t)
	apart := func(t testing.TB) func(t testing.TB, addr string) drivers.Driver {
		collection := fresh(t, client)
		return func(t testing.TB, addr string) drivers.Driver {
			through := *where
			through.Host = addr
			d, err := backend.Open(t.Context(), drivers.Settings{
				MongoDBURL: through.String(), DatabaseName: collection.Database().Name(), TableName: collection.Name(),
				OperationTimeout: 500 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	drivertest.RunFaults(t, drivertest.Faults{
		Server: where.Host,
		Once:   []string{"Set", "SetValues", "Delete", "Clear", "Add", "Insert", "Append", "Purge"}, // what the client repeats, a server carries out once
		Open:   apart(t),
		Apart:  apart, // FerretDB on SQLite has one writer, and loses tables where others give up beside it
	})
}
