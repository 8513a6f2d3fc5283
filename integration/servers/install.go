package servers

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// packages are Debian's, by the program that they bring.
var packages = []struct{ program, name string }{
	{"redis-server", "redis-server"},
	{"redis-cli", "redis-tools"},
	{"memcached", "memcached"},
}

// Install installs what is missing of Debian's packages, where it may: run by root on a system that has apt-get. Elsewhere
// it does nothing.
func Install(ctx context.Context, log io.Writer) error {
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return nil
	}
	var missing []string
	for _, p := range packages {
		if _, err := exec.LookPath(p.program); err != nil {
			missing = append(missing, p.name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	fmt.Fprintf(log, "servers: installing %s\n", strings.Join(missing, ", "))
	for _, args := range [][]string{
		{"update", "-qq"},
		append([]string{"install", "-y", "-qq", "--no-install-recommends"}, missing...),
	} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, output)
		}
	}
	return nil
}
