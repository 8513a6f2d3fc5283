package house

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestHTTPPageNamesTests: each row of docs/http.md names what shows it, and what it names is there.
func TestHTTPPageNamesTests(t *testing.T) {
	there := make(map[string]bool)
	for _, f := range goFiles(t) {
		if !f.isTest {
			continue
		}
		for _, declaration := range f.tree.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok {
				there[path.Base(f.folder())+"."+function.Name.Name] = true
			}
		}
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/http.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9]+\\.Test[A-Za-z0-9]+)`")
	rows := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 4 || strings.HasPrefix(line, "| §") || strings.HasPrefix(line, "| ---") {
			continue
		}
		rows++
		shown := strings.TrimSuffix(cells[3], " |")
		tests := named.FindAllStringSubmatch(shown, -1)
		if len(tests) == 0 && shown != "—" {
			t.Errorf("no test is named, and no dash stands for none: %s", line)
		}
		for _, test := range tests {
			if !there[test[1]] {
				t.Errorf("docs/http.md names %s, which is not there", test[1])
			}
		}
	}
	if rows < 100 {
		t.Errorf("only %d rows were looked at", rows)
	}
}
