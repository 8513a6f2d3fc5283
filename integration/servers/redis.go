package servers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// The user of the servers that ask for one. The password has what a URL must not have as it is.
const (
	RedisUser     = "cachette"
	RedisPassword = "p@ss/w:rd%?#"
)

// The name by which sentinels know their master.
const redisMaster = "mymaster"

// HaveRedis returns an error if redis-server is not installed.
func HaveRedis() error {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return fmt.Errorf("redis-server: %w", errMissing)
	}
	return nil
}

// RedisServer starts a server on a port, with its data in dir and further arguments of redis-server. It keeps nothing on
// disk.
func RedisServer(ctx context.Context, dir string, port int, args ...string) (*Process, error) {
	if err := HaveRedis(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	args = append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir, "--save", "", "--appendonly", "no",
	}, args...)
	return Start(ctx, fmt.Sprintf("redis on port %d", port), redisReady(port), "redis-server", args...)
}

// redisReady returns a ready function that tells whether a server has loaded its data.
func redisReady(port int) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := askRedis(ctx, port)
		return err
	}
}

// askRedis sends commands, one a line, and returns all that the server answers.
func askRedis(ctx context.Context, port int, commands ...string) (string, error) {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address(port))
	if err != nil {
		return "", err
	}
	defer connection.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = connection.SetDeadline(deadline)
	}
	// The answer to a last PING tells that all has been answered.
	if _, err := io.WriteString(connection, strings.Join(append(commands, "PING"), "\r\n")+"\r\n"); err != nil {
		return "", err
	}
	var replies strings.Builder
	part := make([]byte, 4096)
	for {
		n, err := connection.Read(part)
		replies.Write(part[:n])
		if all, done := strings.CutSuffix(replies.String(), "+PONG\r\n"); done {
			return all, nil
		}
		if err != nil {
			return replies.String(), err
		}
	}
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Redis starts a single server, with no password, and returns its URL.
func Redis(ctx context.Context, dir string) (where string, stop Stop, err error) {
	port, err := testservers.FreePort()
	if err != nil {
		return "", nil, err
	}
	server, err := RedisServer(ctx, dir, port)
	if err != nil {
		return "", nil, err
	}
	return "redis://" + address(port), server.Stop, nil
}

// redisUsers writes a file of users that lets in RedisUser alone, and returns its name.
func redisUsers(dir string) (string, error) {
	users := filepath.Join(dir, "users.acl")
	acl := "user default off\nuser " + RedisUser + " on >" + RedisPassword + " ~* &* +@all\n"
	return users, os.WriteFile(users, []byte(acl), 0o600)
}

// RedisSocket starts a server that listens on a Unix domain socket alone and lets in one user with a password, and returns
// its URL.
func RedisSocket(ctx context.Context, dir string) (where string, stop Stop, err error) {
	if err := HaveRedis(); err != nil {
		return "", nil, err
	}
	users, err := redisUsers(dir)
	if err != nil {
		return "", nil, err
	}
	socket := filepath.Join(dir, "redis.sock")
	server, err := Start(ctx, "redis on a socket", listens("unix", socket), "redis-server",
		"--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "no", "--aclfile", users)
	if err != nil {
		return "", nil, err
	}
	u := url.URL{Scheme: "unix", User: url.UserPassword(RedisUser, RedisPassword), Path: socket}
	return u.String(), server.Stop, nil
}

// RedisTLS starts a server that speaks TLS alone and lets in one user with a password, and returns its URL.
func RedisTLS(ctx context.Context, dir string) (where string, stop Stop, err error) {
	if err := HaveRedis(); err != nil {
		return "", nil, err
	}
	certs, err := Certificates(dir)
	if err != nil {
		return "", nil, err
	}
	users, err := redisUsers(dir)
	if err != nil {
		return "", nil, err
	}
	port, err := testservers.FreePort()
	if err != nil {
		return "", nil, err
	}
	ready := func(ctx context.Context) error {
		dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		connection, err := dialer.DialContext(ctx, "tcp", address(port))
		if err != nil {
			return err
		}
		return connection.Close()
	}
	server, err := Start(ctx, "redis with TLS", ready, "redis-server",
		"--bind", "127.0.0.1", "--port", "0", "--tls-port", strconv.Itoa(port), "--dir", dir, "--save", "", "--appendonly", "no",
		"--tls-ca-cert-file", certs.CAFile, "--tls-cert-file", certs.CertFile, "--tls-key-file", certs.KeyFile,
		"--tls-auth-clients", "no", "--aclfile", users)
	if err != nil {
		return "", nil, err
	}
	user := url.UserPassword(RedisUser, RedisPassword)
	where = fmt.Sprintf("rediss://%s@%s?tls_ca_file=%s", user, address(port), url.QueryEscape(certs.CAFile))
	return where, server.Stop, nil
}

// Sentinels is a master and its replica, watched by a sentinel.
type Sentinels struct {
	URL                       string
	Master, Replica, Sentinel *Process
	MasterPort, ReplicaPort   int
}

// StartSentinels starts a master, a replica, and a sentinel that makes the replica the master about a second after the
// master has gone.
func StartSentinels(ctx context.Context, dir string) (s *Sentinels, err error) {
	if err := HaveRedis(); err != nil {
		return nil, err
	}
	s = new(Sentinels)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	ports, err := freePorts(3)
	if err != nil {
		return s, err
	}
	s.MasterPort, s.ReplicaPort = ports[0], ports[1]
	if s.Master, err = RedisServer(ctx, filepath.Join(dir, "master"), s.MasterPort, "--repl-diskless-sync-delay", "0"); err != nil {
		return s, err
	}
	s.Replica, err = RedisServer(ctx, filepath.Join(dir, "replica"), s.ReplicaPort,
		"--replicaof", "127.0.0.1", strconv.Itoa(s.MasterPort))
	if err != nil {
		return s, err
	}
	configuration := filepath.Join(dir, "sentinel.conf")
	if err := os.WriteFile(configuration, fmt.Appendf(nil, `bind 127.0.0.1
port %d
dir %s
sentinel monitor %[4]s 127.0.0.1 %[3]d 1
sentinel down-after-milliseconds %[4]s 1000
sentinel failover-timeout %[4]s 5000
`, ports[2], dir, s.MasterPort, redisMaster), 0o600); err != nil {
		return s, err
	}
	// A sentinel asks the master for its replicas at once, and then every ten seconds: the replica has to be there first.
	if err := s.Replica.await(ctx, s.replicates); err != nil {
		return s, fmt.Errorf("servers: redis replica: %w", err)
	}
	ready := func(ctx context.Context) error {
		reply, err := askRedis(ctx, ports[2], "SENTINEL REPLICAS "+redisMaster)
		if err == nil && !strings.Contains(reply, strconv.Itoa(s.ReplicaPort)) {
			err = errors.New("the sentinel has not found the replica")
		}
		return err
	}
	if s.Sentinel, err = Start(ctx, "redis sentinel", ready, "redis-server", configuration, "--sentinel"); err != nil {
		return s, err
	}
	s.URL = fmt.Sprintf("redis+sentinel://%s/%s", address(ports[2]), redisMaster)
	return s, nil
}

// replicates returns nil when the replica has the data of the master.
func (s *Sentinels) replicates(ctx context.Context) error {
	reply, err := askRedis(ctx, s.ReplicaPort, "INFO replication")
	if err == nil && !strings.Contains(reply, "master_link_status:up") {
		err = errors.New("the replica has not joined its master")
	}
	return err
}

// Stop stops all three.
func (s *Sentinels) Stop() error {
	var failures []error
	for _, p := range []*Process{s.Sentinel, s.Replica, s.Master} {
		if p != nil {
			failures = append(failures, p.Stop())
		}
	}
	return errors.Join(failures...)
}

// RedisSentinel starts a master, a replica and a sentinel, and returns their URL.
func RedisSentinel(ctx context.Context, dir string) (where string, stop Stop, err error) {
	s, err := StartSentinels(ctx, dir)
	if err != nil {
		return "", nil, err
	}
	return s.URL, s.Stop, nil
}

// clusterSlots is how many slots a cluster divides among its masters.
const clusterSlots = 16384

// masters is how many masters a cluster has.
const masters = 3

// Cluster is a cluster of three masters without replicas, which divide the slots evenly.
type Cluster struct {
	URL   string
	Nodes []*Process
}

// Stop stops all.
func (c *Cluster) Stop() error {
	var failures []error
	for _, node := range c.Nodes {
		failures = append(failures, node.Stop())
	}
	return errors.Join(failures...)
}

// StartCluster starts a cluster, each node of which has further arguments of redis-server.
func StartCluster(ctx context.Context, dir string, args ...string) (*Cluster, error) {
	ports, err := freePorts(2 * masters) // each node has a second one, for the others
	if err != nil {
		return nil, err
	}
	c := new(Cluster)
	var addresses []string
	for i := range masters {
		node, err := RedisServer(ctx, filepath.Join(dir, strconv.Itoa(i)), ports[i], append([]string{
			"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(ports[masters+i]), "--cluster-node-timeout", "2000",
		}, args...)...)
		if err != nil {
			return nil, errors.Join(err, c.Stop())
		}
		c.Nodes = append(c.Nodes, node)
		addresses = append(addresses, address(ports[i]))
	}
	if err := join(ctx, ports[:masters], ports[masters]); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	c.URL = "redis+cluster://" + strings.Join(addresses, ",")
	return c, nil
}

// join makes nodes a cluster. bus is the second port of the first.
func join(ctx context.Context, ports []int, bus int) error {
	for i, port := range ports {
		commands := []string{fmt.Sprintf("CLUSTER ADDSLOTSRANGE %d %d", i*clusterSlots/masters, (i+1)*clusterSlots/masters-1)}
		if i > 0 {
			commands = append(commands, fmt.Sprintf("CLUSTER MEET 127.0.0.1 %d %d", ports[0], bus))
		}
		reply, err := askRedis(ctx, port, commands...)
		if err != nil || strings.Contains(reply, "-ERR") {
			return fmt.Errorf("servers: redis cluster: %v, %q", err, reply)
		}
	}
	return awaitCluster(ctx, ports)
}

// RedisCluster starts a cluster, and returns its URL.
func RedisCluster(ctx context.Context, dir string) (where string, stop Stop, err error) {
	c, err := StartCluster(ctx, dir)
	if err != nil {
		return "", nil, err
	}
	return c.URL, c.Stop, nil
}

// awaitCluster waits until each node knows all, and takes the cluster for complete.
func awaitCluster(ctx context.Context, ports []int) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for _, port := range ports {
		for {
			reply, err := askRedis(ctx, port, "CLUSTER INFO")
			if err == nil && strings.Contains(reply, "cluster_state:ok") &&
				strings.Contains(reply, fmt.Sprintf("cluster_size:%d", len(ports))) {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("servers: redis cluster: the node on port %d is not ready: %w, %q", port, errors.Join(err, ctx.Err()), reply)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}
