package servers

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// packages are Debian's, by the program that they bring.
var packages = []struct{ program, name string }{
	{"redis-server", "redis-server"},
	{"redis-cli", "redis-tools"},
	{"memcached", "memcached"},
	{"varnishd", "varnish"},
	{"prometheus", "prometheus"},
}

// Install installs what is missing of Debian's packages, where it may: run by root on a system that has apt-get. Elsewhere
// it does nothing.
func Install(ctx context.Context, log io.Writer) error {
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return nil
	}
	names := missing()
	if len(names) == 0 {
		return nil
	}
	fmt.Fprintf(log, "servers: installing %s\n", strings.Join(names, ", "))
	err := aptGet(ctx, "update", "-qq")
	if err == nil {
		err = aptGet(ctx, append([]string{"install", "-y", "-qq", "--no-install-recommends"}, names...)...)
	}
	if len(missing()) == 0 { // somebody else may have done it at the same time, and got in the way
		return nil
	}
	return err
}

// missing returns the packages whose programs are not there.
func missing() (names []string) {
	for _, p := range packages {
		if _, err := exec.LookPath(p.program); err != nil {
			names = append(names, p.name)
		}
	}
	return names
}

// aptGet runs apt-get, and waits for a while for another one that is running.
func aptGet(ctx context.Context, args ...string) error {
	for try := 1; ; try++ {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
		output, err := cmd.CombinedOutput()
		if err == nil {
			return nil
		}
		if try == 12 || !strings.Contains(string(output), "Could not get lock") {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, output)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second):
		}
	}
}
