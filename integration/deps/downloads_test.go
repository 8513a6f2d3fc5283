package deps_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// downloadLimit is how many bytes of modules a program that uses gin may download more for a cache in memory.
const downloadLimit = 5_000_000

// downloadList has the modules whose source it downloads more.
const downloadList = "downloads.txt"

// A scratch is a module of its own, as a user's is, that imports some packages.
type scratch struct {
	t   *testing.T
	dir string
}

// newScratch makes a module that imports packages of this checkout, and tidies it.
func newScratch(t *testing.T, packages ...string) scratch {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s := scratch{t, t.TempDir()}
	s.run("mod", "init", "user")
	s.run("mod", "edit", "-require", module+"@v0.0.0", "-replace", module+"="+root)
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("go.sum", string(sums))
	s.imports(packages...)
	return s
}

// imports makes the module import packages and nothing else, and tidies it. That adds to go.sum what the tests of the
// packages need too: a user downloads it.
func (s scratch) imports(packages ...string) {
	s.t.Helper()
	program := "package main\n\n"
	for _, name := range packages {
		program += fmt.Sprintf("import _ %q\n", name)
	}
	s.write("main.go", program+"\nfunc main() {}\n")
	s.run("mod", "tidy")
}

// withoutCachette returns the modules of a program like this one that imports gin alone, in the same versions: all of them
// are here already, and what differs is what cachette adds.
func (s scratch) withoutCachette() map[string]string {
	s.t.Helper()
	for path, version := range s.modules() {
		s.run("mod", "edit", "-require", path+"@"+version)
	}
	s.run("mod", "edit", "-droprequire", module, "-dropreplace", module)
	s.imports(gin)
	return s.modules()
}

func (s scratch) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s scratch) run(args ...string) []byte {
	s.t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("%v: %v: a module that is not in the module cache needs a proxy that is reachable:\n%s%s", cmd, err, output, stderr.String())
	}
	return output
}

// modules returns the modules whose source the module needs, with their versions: those of the lines of go.sum that are
// not for a go.mod alone.
func (s scratch) modules() map[string]string {
	s.t.Helper()
	sums, err := os.ReadFile(filepath.Join(s.dir, "go.sum"))
	if err != nil {
		s.t.Fatal(err)
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(sums)) {
		if words := strings.Fields(line); len(words) == 3 && !strings.HasSuffix(words[1], "/go.mod") {
			versions[words[0]] = words[1]
		}
	}
	return versions
}

// size returns how many bytes are downloaded for modules.
func (s scratch) size(modules map[string]string) (total int64) {
	s.t.Helper()
	args := []string{"mod", "download", "-json"}
	for path, version := range modules {
		args = append(args, path+"@"+version)
	}
	decoder := json.NewDecoder(strings.NewReader(string(s.run(args...))))
	for decoder.More() {
		var downloaded struct{ Zip string }
		if err := decoder.Decode(&downloaded); err != nil {
			s.t.Fatal(err)
		}
		info, err := os.Stat(downloaded.Zip)
		if err != nil {
			s.t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

// TestDownloads holds what a program downloads that imports the root alone against one that imports gin alone.
func TestDownloads(t *testing.T) {
	s := newScratch(t, module)
	with := s.modules()
	without := s.withoutCachette()
	t.Logf("%d modules with a cache, %d without", len(with), len(without))
	var added []string
	for path := range with {
		if without[path] == "" {
			added = append(added, path)
		}
	}
	slices.Sort(added)
	if more := s.size(with) - s.size(without); more > downloadLimit {
		t.Errorf("a cache downloads %d bytes more, want at most %d", more, downloadLimit)
	} else {
		t.Logf("a cache downloads %d bytes more", more)
	}
	compare(t, added, downloadList)
}

// foreign are modules that belong to one backend, codec or export of figures, by the names of those: a program that does not use that downloads none.
var foreign = map[string][]string{
	"github.com/apache/":             {"csv", "feather", "parquet"},
	"google.golang.org/grpc":         {"csv", "feather", "parquet"},
	"github.com/pierrec/lz4":         {"csv", "feather", "parquet"},
	"github.com/klauspost/compress":  {"csv", "feather", "parquet", "mongodb", "prometheus"},
	"github.com/redis/":              {"redis"},
	"github.com/bradfitz/gomemcache": {"memcached"},
	"go.mongodb.org/":                {"mongodb"},
	"github.com/aws/":                {"dynamodb"},
	"github.com/vmihailenco/msgpack": {"msgpack"},
	"github.com/kisielk/og-rek":      {"pickle"},
	"github.com/nlpodyssey/gopickle": {"pickle"},
	"github.com/prometheus/":         {"prometheus"},
	"go.opentelemetry.io/":           {"otel"},
}

// TestDownloadsOfOne: a program that uses one backend, codec or export downloads nothing of the others.
func TestDownloadsOfOne(t *testing.T) {
	for _, path := range []string{
		"drivers/inmemory", "drivers/redis", "drivers/memcached", "drivers/mongodb", "drivers/dynamodb",
		"encoders/vanilla", "encoders/json", "encoders/orjson", "encoders/msgpack", "encoders/pickle",
		"encoders/csv", "encoders/feather", "encoders/parquet", "metrics/prometheus", "metrics/otel",
	} {
		_, name, _ := strings.Cut(path, "/")
		s := newScratch(t, module, module+"/"+path)
		modules := s.modules()
		t.Logf("%s: %d modules, %.1f MB", name, len(modules), float64(s.size(modules))/1e6)
		for downloaded := range modules {
			for prefix, owners := range foreign {
				if strings.HasPrefix(downloaded, prefix) && !slices.Contains(owners, name) {
					t.Errorf("%s downloads %s", name, downloaded)
				}
			}
		}
	}
}
