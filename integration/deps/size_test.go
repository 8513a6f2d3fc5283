package deps_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// sizeLimit is how many bytes a cache in memory may add to a program that uses gin, without symbols and debug information. It was 2,052,096 when
// Remember came, 2,125,824 when RememberMany did, 2,211,840 with near tiers, 2,232,320 with histograms and an observer, 2,342,912 with audits, and
// 2,457,600 with explanations, 2,576,384 with compression and what a route can say of keys, 2,605,056 with QUERY, and 2,691,072 with No-Vary-Search and
// leases that are inserted.
const sizeLimit = 2_710_000

// TestSize builds a gin program with and without a cache in memory.
func TestSize(t *testing.T) {
	without, with := size(t, "./testdata/gin"), size(t, "./testdata/cachette")
	t.Logf("%d bytes without a cache, %d more with it", without, with-without)
	if with-without > sizeLimit || with <= without {
		t.Errorf("a cache adds %d bytes to a program of %d, want at most %d", with-without, without, sizeLimit)
	}
}

// TestDriverSizes holds the sizes that docs/backends.md tells against those of programs built here.
func TestDriverSizes(t *testing.T) {
	const page = "../../docs/backends.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| adds to a program .*$`).FindString(string(text))
	names := []string{"inmemory", "redis", "memcached", "mongodb", "dynamodb"}
	told := regexp.MustCompile(`([0-9.]+) MB`).FindAllStringSubmatch(row, -1)
	if len(told) != len(names) {
		t.Fatalf("%s tells the sizes of the drivers as %q", page, row)
	}
	without := size(t, "./testdata/cachette")
	for i, name := range names {
		added := without - size(t, "./testdata/gin")
		if name != "inmemory" {
			added = sizeWith(t, module+"/drivers/"+name) - without
		}
		megabytes, err := strconv.ParseFloat(told[i][1], 64)
		if err != nil {
			t.Fatal(err)
		}
		holdSize(t, page, name, megabytes, added)
	}
}

// holdSize holds a size that a page tells, in MB, against that of a program. It may be off by a twentieth, since compilers differ, and by
// what rounding takes.
func holdSize(t *testing.T, page, name string, told float64, bytes int64) {
	t.Helper()
	added := float64(bytes) / 1e6
	t.Logf("%s adds %.2f MB", name, added)
	if added < told*0.95-0.05 || added > told*1.05+0.05 {
		t.Errorf("%s says that %s adds %.1f MB, and it adds %.2f", page, name, told, added)
	}
}

// sizeWith returns the size of the program with a cache in memory that imports one package more.
func sizeWith(t *testing.T, path string) int64 {
	t.Helper()
	source, err := os.ReadFile("testdata/cachette/main.go")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "main.go")
	content := strings.Replace(string(source), "package main\n", fmt.Sprintf("package main\n\nimport _ %q\n", path), 1)
	if err := os.WriteFile(program, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return size(t, program)
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
