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

// TestPageNamesWhatIsThere: each name that docs/architecture.md gives, package.Name or package.Type.Method, is in the code.
func TestPageNamesWhatIsThere(t *testing.T) {
	there := make(map[string]bool)
	packages := make(map[string]bool)
	for _, f := range goFiles(t) {
		if f.isTest || f.folder() != "." && strings.HasPrefix(f.folder(), "encoders") {
			continue
		}
		of := path.Base(f.folder())
		if of == "." {
			of = path.Base(module)
		}
		packages[of] = true
		for _, declaration := range f.tree.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				there[of+"."+nameOf(d)] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if named, ok := spec.(*ast.TypeSpec); ok {
						there[of+"."+named.Name.Name] = true
					}
				}
			}
		}
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`([a-z0-9]+)(\\.[A-Za-z]+)+`").FindAllStringSubmatch(string(page), -1)
	known := 0
	for _, match := range names {
		name := strings.Trim(match[0], "`")
		switch {
		case there[name]:
			known++
		case packages[match[1]]:
			t.Errorf("docs/architecture.md names %s, which is not there", name)
		}
	}
	if known < 50 {
		t.Errorf("only %d names were looked for", known)
	}
}
