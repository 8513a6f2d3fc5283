package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/integration/servers"
	"github.com/gin-cachette/cachette/internal/target"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// build is where `make test` keeps what takes long to build.
const build = "../../build"

// A kind of store, of which a test starts a server of its own.
type kind struct {
	backend string
	missing func() error
	start   func(ctx context.Context, dir string, port int) (*servers.Process, error)
	url     string // but for the port
	steps   int    // of TestFleet, in make test
	many    int    // and with -long
	scans   bool   // it goes through all that it has for each reading, as what it stands in for does not
}

var kinds = []kind{
	{
		"redis", servers.HaveRedis,
		func(ctx context.Context, dir string, port int) (*servers.Process, error) {
			return servers.RedisServer(ctx, dir, port)
		},
		"redis://127.0.0.1:%d", 8000, 100_000, false,
	},
	{
		"memcached", servers.HaveMemcached,
		func(ctx context.Context, _ string, port int) (*servers.Process, error) {
			return servers.MemcachedServer(ctx, port)
		},
		"memcached://127.0.0.1:%d", 8000, 100_000, false,
	},
	{
		"mongodb", servers.HaveMongoDB,
		func(ctx context.Context, dir string, port int) (*servers.Process, error) {
			return servers.MongoDBServer(ctx, build, dir, port)
		},
		"mongodb://127.0.0.1:%d", 1000, 3000, true,
	},
	{
		"dynamodb", servers.HaveDynamoDB,
		func(ctx context.Context, _ string, port int) (*servers.Process, error) {
			return servers.DynamoDBServer(ctx, build, port)
		},
		"dynamodb://eu-central-1/fleet?endpoint=http://127.0.0.1:%d", 2000, 3000, false,
	},
}

// A store is a server that can die and come back, and a driver of the test's own.
type store struct {
	kind
	t       *testing.T
	dir     string
	port    int
	process *servers.Process
	driver  drivers.Driver
}

func newStore(t *testing.T, k kind) *store {
	t.Helper()
	if err := k.missing(); err != nil {
		if os.Getenv("CACHETTE_TEST_REQUIRED") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	port, err := testservers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s := &store{kind: k, t: t, dir: t.TempDir(), port: port}
	s.begin()
	t.Cleanup(func() { _ = s.process.Kill() })
	backend, ok := drivers.Lookup(k.backend)
	if !ok {
		t.Fatalf("%s is not registered", k.backend)
	}
	if s.driver, err = backend.Open(t.Context(), drivers.Settings{URL: s.where(), OperationTimeout: patient, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.driver.Close() }) // its server may be gone
	return s
}

// where is the URL by which to reach the store.
func (s *store) where() string { return fmt.Sprintf(s.url, s.port) }

func (s *store) begin() {
	s.t.Helper()
	process, err := s.start(s.t.Context(), s.dir, s.port)
	if err != nil {
		s.t.Fatal(err)
	}
	s.process = process
}

// loseMarks removes some of the marks that all purges rest on, as a store does that has too little room, and returns how many. Their keys are the
// marker, an m, or a d where they tell hard purges from soft ones, and a digest: a store of one server has no partitions.
func (s *store) loseMarks(ctx context.Context) (lost int, err error) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	some := rand.IntN(len(digits))
	for _, letter := range []string{"m", "d"} {
		n, failed := s.driver.Clear(ctx, target.Marks("cachette:")+letter+digits[some:some+1])
		lost, err = lost+n, errors.Join(err, failed)
	}
	return lost, err
}

// keys returns all keys, where the store scans.
func (s *store) keys(t *testing.T) []string {
	t.Helper()
	if !s.scans {
		return nil
	}
	keys, all, err := s.driver.(drivers.Lister).Keys(t.Context(), "", 1000)
	if err != nil || !all {
		t.Fatalf("Keys: all %t, %v", all, err)
	}
	return keys
}

// removeAllBut removes all keys but some, where the store scans.
func (s *store) removeAllBut(t *testing.T, stays []string) {
	t.Helper()
	if !s.scans {
		return
	}
	gone := slices.DeleteFunc(s.keys(t), func(key string) bool { return slices.Contains(stays, key) })
	if _, err := s.driver.Delete(t.Context(), gone...); err != nil {
		t.Fatalf("Delete: %v", err)
	}
}
