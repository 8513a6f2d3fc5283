// Package house holds the code to its plan: who may import whom, and how long files and functions are.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const (
	module = "github.com/gin-cachette/cachette"
	root   = "../.." // the folder of the module, seen from the one of this package
)

// file is a Go file of the module.
type file struct {
	name    string // from the folder of the module
	isTest  bool
	imports []string // packages of the module, by folder
	tree    *ast.File
	fset    *token.FileSet
}

// folder is the package that a file is of, by folder; "." is the root's.
func (f file) folder() string { return path.Dir(f.name) }

// lines returns how many lines a node takes.
func (f file) lines(n ast.Node) int {
	return f.fset.Position(n.End()).Line - f.fset.Position(n.Pos()).Line + 1
}

// goFiles returns the Go files of the module, without those of modules inside of it.
func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == "testdata" || entry.Name() == "build" || name != root && strings.HasPrefix(entry.Name(), ".") || name != root && isModule(name) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f := file{isTest: strings.HasSuffix(name, "_test.go"), fset: token.NewFileSet()}
		if f.tree, err = parser.ParseFile(f.fset, name, nil, parser.SkipObjectResolution|parser.ParseComments); err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f.name = filepath.ToSlash(relative)
		for _, spec := range f.tree.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if imported == module {
				f.imports = append(f.imports, ".")
			} else if folder, ours := strings.CutPrefix(imported, module+"/"); ours {
				f.imports = append(f.imports, folder)
			}
		}
		files = append(files, f)
		return nil
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files were found: %v", len(files), err)
	}
	return files
}

func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// isIn reports whether a folder is another one, or in it.
func isIn(folder, other string) bool {
	return folder == other || other != "." && strings.HasPrefix(folder, other+"/")
}
