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
	collection := fresh(t, connect(t))
	backend, _ := drivers.Lookup("mongodb")
	drivertest.RunFaults(t, drivertest.Faults{
		Server:   where.Host,
		OneByOne: true, // FerretDB on SQLite has one writer, and loses tables where others give up beside it
		Open: func(t testing.TB, addr string) drivers.Driver {
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
		},
	})
}
