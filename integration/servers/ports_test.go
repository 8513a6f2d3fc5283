package servers

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/testservers"
)

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
			if port, err = testservers.FreePort(); err != nil {
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
