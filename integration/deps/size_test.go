package deps_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// sizeLimit is how many bytes a cache in memory may add to a program that uses gin, without symbols and debug information.
const sizeLimit = 1_500_000

// TestSize builds a gin program with and without a cache in memory.
func TestSize(t *testing.T) {
	without, with := size(t, "./testdata/gin"), size(t, "./testdata/cachette")
	t.Logf("%d bytes without a cache, %d more with it", without, with-without)
	if with-without > sizeLimit || with <= without {
		t.Errorf("a cache adds %d bytes to a program of %d, want at most %d", with-without, without, sizeLimit)
	}
}

// size builds a program and returns how many bytes it has, without the paths of the machine that it is built on.
func size(t *testing.T, program string) int64 {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, program)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, output)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
