package servers

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strings"
	"testing"
)

// TestPortIsGivenOnce: a port that a server is about to take looks free until it listens.
func TestPortIsGivenOnce(t *testing.T) {
	ports, err := freePorts(64)
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range ports {
		if port < lowestPort || port >= highestPort {
			t.Errorf("port %d is outside of %d to %d", port, lowestPort, highestPort)
		}
		if claim(port) {
			t.Errorf("port %d was given twice", port)
		}
	}
	slices.Sort(ports)
	if different := slices.Compact(ports); len(different) != 64 {
		t.Errorf("%d different ports, want 64", len(different))
	}
}

// TestTakenPortIsNotGiven: neither one that something listens on, here on all addresses.
func TestTakenPortIsNotGiven(t *testing.T) {
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if port := listener.Addr().(*net.TCPAddr).Port; claim(port) {
		t.Errorf("port %d was given, and something listens on it", port)
	}
}

// TestAnotherPort: a server whose port something else took is started on another one.
func TestAnotherPort(t *testing.T) {
	if err := HaveRedis(); err != nil {
		t.Skip(err)
	}
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()

	var folders []string
	redis := starter{server: "REDIS_URL", start: func(ctx context.Context, _, dir string) (string, Stop, error) {
		folders = append(folders, dir)
		port := occupied.Addr().(*net.TCPAddr).Port
		if len(folders) > 1 {
			if port, err = FreePort(); err != nil {
				return "", nil, err
			}
		}
		server, err := RedisServer(ctx, dir, port)
		if err != nil {
			return "", nil, err
		}
		return address(port), server.Stop, nil
	}}
	var log bytes.Buffer
	set := &Set{dir: t.TempDir()}
	defer set.Stop()
	if err := set.start(t.Context(), Options{Log: &log}, redis); err != nil {
		t.Fatal(err)
	}
	if len(folders) != 2 || folders[0] == folders[1] {
		t.Errorf("started in %q, want two folders", folders)
	}
	if set.Where("REDIS_URL") == occupied.Addr().String() || !strings.Contains(log.String(), "another port") {
		t.Errorf("it is at %s, and the log says %q", set.Where("REDIS_URL"), log.String())
	}
}
