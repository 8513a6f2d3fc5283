package redis_test

import (
	"net/url"
	"testing"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	"github.com/gin-cachette/cachette/internal/testservers"
)

func TestFaults(t *testing.T) {
	where, err := url.Parse(inDatabase(t, testservers.Find(t, testservers.Redis), sharedDatabase))
	if err != nil {
		t.Fatal(err)
	}
	drivertest.RunFaults(t, drivertest.Faults{
		Server: where.Host,
		Open: func(t testing.TB, addr string) drivers.Driver {
			through := *where
			through.Host = addr
			return openURL(t, through.String())
		},
	})
}
