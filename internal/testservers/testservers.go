// Package testservers tells tests where the real servers are that they run against, and gives out ports for others.
//
// The servers are found through variables of the environment that begin with CACHETTE_TEST_; `make test` starts the
// servers and sets them. A server that is not there is a skipped test that names the variable, or a failed one where
// CACHETTE_TEST_REQUIRED is set, as it is in CI.
package testservers

import (
	"os"
	"testing"
)

const prefix = "CACHETTE_TEST_"

// The servers. What stands behind each is the value of the setting of that name (see cachette.Config): a URL, or a host
// and port.
const (
	Redis         = "REDIS_URL"          // a single server, with no password; tests have databases 0 to 15 of it to themselves
	RedisTLS      = "REDIS_TLS_URL"      // TLS, and an ACL user with a password
	RedisSentinel = "REDIS_SENTINEL_URL" // a master and a replica, watched by a sentinel
	RedisCluster  = "REDIS_CLUSTER_URL"  // three masters
	RedisSocket   = "REDIS_SOCKET_URL"   // a Unix domain socket, and an ACL user with a password

	Memcached       = "MEMCACHED_HOST"        // a single server
	MemcachedTLS    = "MEMCACHED_TLS_HOST"    // TLS, and a user with a password
	MemcachedPair   = "MEMCACHED_PAIR_HOST"   // two servers
	MemcachedSocket = "MEMCACHED_SOCKET_HOST" // a Unix domain socket, and a user with a password

	MongoDB  = "MONGODB_URL"  // any server that speaks its protocol
	DynamoDB = "DYNAMODB_URL" // a local endpoint
)

// Variable returns the variable that tells where a server is.
func Variable(server string) string { return prefix + server }

// Find returns where a server is, or skips the test.
func Find(t testing.TB, server string) string {
	t.Helper()
	variable := Variable(server)
	where := os.Getenv(variable)
	if where != "" {
		return where
	}
	if os.Getenv(prefix+"REQUIRED") != "" {
		t.Fatalf("%s is not set, and CACHETTE_TEST_REQUIRED is: the server was not started", variable)
	}
	t.Skipf("%s is not set: run the tests with `make test`, which starts the server where it is installed", variable)
	return ""
}

// Python returns the interpreter that has fastapi-cachette and what else the tests exchange values with
// (integration/interop/requirements.txt), or skips the test. `make interop` makes one and runs the tests that want it.
func Python(t testing.TB) string {
	t.Helper()
	const variable = prefix + "PYTHON"
	interpreter := os.Getenv(variable)
	if interpreter == "" {
		t.Skipf("%s is not set: run the tests that want Python with `make interop`", variable)
	}
	return interpreter
}
