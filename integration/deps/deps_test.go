// Package deps_test holds what cachette adds to a program that uses gin already to a list of packages, so that no
// backend's SDK and no codec's library reaches a program that does not use it.
package deps_test

import (
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	_ "github.com/gin-cachette/cachette" // so that a change there runs the test anew
)

const (
	module = "github.com/gin-cachette/cachette"
	gin    = "github.com/gin-gonic/gin"
	list   = "deps.txt"
)

var update = flag.Bool("update", false, "write the lists anew")

// linked returns the packages that a program links when it imports one, without those of the standard library.
func linked(t *testing.T, name string) map[string]bool {
	t.Helper()
	cmd := exec.Command("go", "list", "-C", "../..", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", name)
	// The packages differ between systems, and the list is of one of them.
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	packages := make(map[string]bool)
	for path := range strings.FieldsSeq(string(output)) {
		packages[path] = true
	}
	return packages
}

func TestRootLinksNoMoreThanListed(t *testing.T) {
	ofGin := linked(t, gin)
	var added []string
	for path := range linked(t, module) {
		ours := path == module || strings.HasPrefix(path, module+"/")
		if !ours && !ofGin[path] {
			added = append(added, path)
		}
	}
	slices.Sort(added)

	compare(t, added, list)
}

// compare holds what is added, sorted, against a list in a file, or writes that anew.
func compare(t *testing.T, added []string, list string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(list, []byte(strings.Join(added, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	content, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Fields(string(content))
	for _, path := range added {
		if !slices.Contains(listed, path) {
			t.Errorf("%s is added and not in %s", path, list)
		}
	}
	for _, path := range listed {
		if !slices.Contains(added, path) {
			t.Errorf("%s is in %s and not added", path, list)
		}
	}
	if t.Failed() {
		t.Log("if that is intended: go test -C integration ./deps -update")
	}
}
