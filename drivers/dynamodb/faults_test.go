package dynamodb_test

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
	endpoint := testservers.Find(t, testservers.DynamoDB)
	where, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal("CACHETTE_TEST_DYNAMODB_URL is no URL")
	}
	table := freshTable(t, endpoint)
	backend, _ := drivers.Lookup("dynamodb")
	drivertest.RunFaults(t, drivertest.Faults{
		Server: where.Host,
		Open: func(t testing.TB, addr string) drivers.Driver {
			through := *where
			through.Host = addr
			d, err := backend.Open(t.Context(), drivers.Settings{
				DynamoDBURL: through.String(), TableName: table,
				OperationTimeout: 500 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			return d
		},
		MaxValue: 350 << 10,
	})
}
