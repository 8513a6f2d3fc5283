package house

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
	"testing"
)

const (
	longestFunction = 60
	longestFile     = 400
	mostFiles       = 15   // of the root, without tests
	mostLines       = 1450 // of these, without what documents them, which grows with what is promised
	mostTests       = 8    // of the root
)

// longer are the functions and files of today that are longer than they should be, and how long. It may only become shorter.
var longer = map[string]int{}

// rows returns how many lines of a node are rows of tables: composite literals of more than a line, the outermost ones.
func (f file) rows(n ast.Node) int {
	rows := 0
	ast.Inspect(n, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		switch literal.Type.(type) {
		case *ast.ArrayType, *ast.MapType:
			rows += f.lines(literal) - 1
			return false
		}
		return true
	})
	return rows
}

// TestSizes holds the root and internal to what can be read at once: no function over 60 lines, and no file over 400, rows of
// tables and tests aside.
func TestSizes(t *testing.T) {
	found := make(map[string]int)
	for _, f := range goFiles(t) {
		if f.isTest || f.folder() != "." && !isIn(f.folder(), "internal") {
			continue
		}
		if n := f.fset.File(f.tree.Pos()).LineCount() - f.rows(f.tree); n > longestFile {
			found[f.name] = n
		}
		for _, declaration := range f.tree.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := f.lines(function) - f.rows(function); n > longestFunction {
				found[f.name+": "+nameOf(function)] = n
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if most := longer[name]; found[name] > most {
			t.Errorf("%s has %d lines, want at most %d of a function and %d of a file", name, found[name], longestFunction, longestFile)
		}
	}
	for name, n := range longer {
		if found[name] < n {
			t.Errorf("%s has %d lines of %d, or fewer: say so in the list, or take it out", name, found[name], n)
		}
	}
}

// documentation returns how many lines of a file document what it declares.
func (f file) documentation() (lines int) {
	of := func(doc *ast.CommentGroup) {
		if doc != nil {
			lines += f.lines(doc)
		}
	}
	ast.Inspect(f.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.File:
			of(n.Doc)
		case *ast.GenDecl:
			of(n.Doc)
		case *ast.FuncDecl:
			of(n.Doc)
		case *ast.Field:
			of(n.Doc)
		case *ast.ValueSpec:
			of(n.Doc)
		case *ast.TypeSpec:
			of(n.Doc)
		}
		return true
	})
	return lines
}

// TestRoot: the root reads like a table of contents.
func TestRoot(t *testing.T) {
	files, tests, lines := 0, 0, 0
	for _, f := range goFiles(t) {
		switch {
		case f.folder() != ".":
		case f.isTest:
			tests++
		default:
			files++
			lines += f.fset.File(f.tree.Pos()).LineCount() - f.documentation()
		}
	}
	if files > mostFiles || lines > mostLines || tests > mostTests {
		t.Errorf("the root has %d files of %d lines, and %d of tests, want at most %d of %d and %d", files, lines, tests, mostFiles, mostLines, mostTests)
	}
}

// nameOf returns a function's name, with the type that it is a method of.
func nameOf(function *ast.FuncDecl) string {
	if function.Recv == nil {
		return function.Name.Name
	}
	receiver := function.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	return strings.TrimPrefix(fmt.Sprintf("%s.%s", receiver, function.Name.Name), "&")
}
