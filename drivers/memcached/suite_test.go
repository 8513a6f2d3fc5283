package memcached_test

import (
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	"github.com/gin-cachette/cachette/internal/testservers"
)

func TestFaults(t *testing.T) {
	drivertest.RunFaults(t, drivertest.Faults{
		Server: testservers.Find(t, testservers.Memcached),
		Open: func(t testing.TB, addr string) drivers.Driver {
			settings := settingsFor(addr)
			settings.OperationTimeout = 500 * time.Millisecond
			return open(t, settings)
		},
		MaxValue: 1<<20 - 1024,
	})
}
