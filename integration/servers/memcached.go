package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// The user of the server that asks for one. The password has what a URL must not have as it is.
const (
	MemcachedUser     = "cachette"
	MemcachedPassword = "p@ss/w:rd%?#"
)

// HaveMemcached returns an error if memcached is not installed.
func HaveMemcached() error {
	if _, err := exec.LookPath("memcached"); err != nil {
		return fmt.Errorf("memcached: %w", errMissing)
	}
	return nil
}

// MemcachedServer starts a server on a port, with further arguments of memcached.
func MemcachedServer(ctx context.Context, port int, args ...string) (*Process, error) {
	return memcached(ctx, port, memcachedReady(port), args...)
}

func memcached(ctx context.Context, port int, ready func(context.Context) error, args ...string) (*Process, error) {
	if err := HaveMemcached(); err != nil {
		return nil, err
	}
	args = append([]string{"-l", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "0"}, args...)
	return startMemcached(ctx, fmt.Sprintf("memcached on port %d", port), ready, args...)
}

func startMemcached(ctx context.Context, name string, ready func(context.Context) error, args ...string) (*Process, error) {
	args = append([]string{"-m", "64"}, args...)
	if os.Getuid() == 0 {
		args = append(args, "-u", "root")
	}
	return Start(ctx, name, ready, "memcached", args...)
}

// memcachedUsers writes a file of users that lets in MemcachedUser alone, and returns its name.
func memcachedUsers(dir string) (string, error) {
	users := filepath.Join(dir, "users")
	return users, os.WriteFile(users, []byte(MemcachedUser+":"+MemcachedPassword+"\n"), 0o600)
}

// memcachedReady returns a ready function that tells whether a server answers.
func memcachedReady(port int) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address(port))
		if err != nil {
			return err
		}
		defer connection.Close()
		if deadline, ok := ctx.Deadline(); ok {
			_ = connection.SetDeadline(deadline)
		}
		if _, err := fmt.Fprint(connection, "version\r\n"); err != nil {
			return err
		}
		answer, err := bufio.NewReader(connection).ReadString('\n')
		if err == nil && !strings.HasPrefix(answer, "VERSION ") {
			err = fmt.Errorf("it answers %q", answer)
		}
		return err
	}
}

// Memcached starts a single server and returns its host and port.
func Memcached(ctx context.Context, _ string) (where string, stop Stop, err error) {
	port, err := testservers.FreePort()
	if err != nil {
		return "", nil, err
	}
	server, err := MemcachedServer(ctx, port)
	if err != nil {
		return "", nil, err
	}
	return address(port), server.Stop, nil
}

// MemcachedTLS starts a server that speaks TLS alone and lets in one user with a password, and returns its URL.
func MemcachedTLS(ctx context.Context, dir string) (where string, stop Stop, err error) {
	if err := HaveMemcached(); err != nil {
		return "", nil, err
	}
	certs, err := Certificates(dir)
	if err != nil {
		return "", nil, err
	}
	users, err := memcachedUsers(dir)
	if err != nil {
		return "", nil, err
	}
	port, err := testservers.FreePort()
	if err != nil {
		return "", nil, err
	}
	server, err := memcached(ctx, port, listens("tcp", address(port)), "-Y", users, "-Z",
		"-o", "ssl_chain_cert="+certs.CertFile+",ssl_key="+certs.KeyFile)
	if err != nil {
		return "", nil, err
	}
	where = fmt.Sprintf("memcacheds://%s@%s?tls_ca_file=%s",
		url.UserPassword(MemcachedUser, MemcachedPassword), address(port), url.QueryEscape(certs.CAFile))
	return where, server.Stop, nil
}

// MemcachedSocket starts a server that listens on a Unix domain socket alone and lets in one user with a password, and
// returns its URL.
func MemcachedSocket(ctx context.Context, dir string) (where string, stop Stop, err error) {
	if err := HaveMemcached(); err != nil {
		return "", nil, err
	}
	users, err := memcachedUsers(dir)
	if err != nil {
		return "", nil, err
	}
	socket := filepath.Join(dir, "memcached.sock")
	server, err := startMemcached(ctx, "memcached on a socket", listens("unix", socket), "-s", socket, "-a", "700", "-Y", users)
	if err != nil {
		return "", nil, err
	}
	u := url.URL{Scheme: "memcached", User: url.UserPassword(MemcachedUser, MemcachedPassword), Path: socket}
	return u.String(), server.Stop, nil
}

// MemcachedPair starts two servers and returns their hosts and ports.
func MemcachedPair(ctx context.Context, _ string) (where string, stop Stop, err error) {
	ports, err := freePorts(2)
	if err != nil {
		return "", nil, err
	}
	first, err := MemcachedServer(ctx, ports[0])
	if err != nil {
		return "", nil, err
	}
	second, err := MemcachedServer(ctx, ports[1])
	if err != nil {
		return "", nil, errors.Join(err, first.Stop())
	}
	stop = func() error { return errors.Join(first.Stop(), second.Stop()) }
	return address(ports[0]) + "," + address(ports[1]), stop, nil
}
