package guard_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// beside are the uses of a driver that are no operation of its store, by function and field.
var beside = map[string]bool{
	"New": true, "Close driver": true, "atServer sharded": true, "Arrangement arranged": true, "Wait waiter": true, "Objects objects": true, "Usage measured": true, "Hottest measured": true, "Keys lister": true, "Entries counted": true, "MaxValue limited": true, "Dedicated dedicated": true,
	// Which run is given by getValuesFrom and setValuesOn alone: see below.
	"getValues batch": true, "getValues driver": true, "setValues setter": true, "setValues driver": true,
}

// inRun are functions that ask a driver, and may therefore be called by what run is given alone.
var inRun = map[string]bool{"getValues": true, "setValues": true}

// TestNothingGoesPastRun: whatever asks a driver is run by run, which makes an event of it. A method that asks one by itself goes without.
func TestNothingGoesPastRun(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]string)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources[name] = string(source)
	}
	past, ran := goingPast(t, sources)
	for _, use := range past {
		t.Errorf("%s: have run run it, so that there is an event of it", use)
	}
	if ran < 13 {
		t.Errorf("only %d operations were seen", ran)
	}

	for name, method := range map[string]string{
		"asked by itself":          `func (s *Store) Touch(ctx context.Context) error { return s.driver.Touch(ctx) }`,
		"behind run":               `func (s *Store) Touch(ctx context.Context) error { _ = s.run(ctx, 0, 0, nil); return s.pinger.Ping(ctx) }`,
		"in a function of its own": `func (s *Store) Touch(ctx context.Context) error { f := func() error { return s.pinger.Ping(ctx) }; return f() }`,
		"by another name":          `func (s *Store) Touch(ctx context.Context) error { d := s.driver; return d.Touch(ctx) }`,
		"by its method":            `func (s *Store) Touch(ctx context.Context) error { f := s.pinger.Ping; return f(ctx) }`,
		"by a receiver's name":     `func (x *Store) Touch(ctx context.Context) error { return x.pinger.Ping(ctx) }`,
		"by the state":             `func (s *state) Touch(ctx context.Context) error { return s.pinger.Ping(ctx) }`,
		"by the way of the state":  `func (s *Store) Touch(ctx context.Context) error { return s.state.pinger.Ping(ctx) }`,
		"through a helper":         `func (s *Store) Touch(ctx context.Context) error { _, err := s.getValues(ctx, nil); return err }`,
	} {
		sources["more.go"] = "package guard\n" + method
		if past, _ := goingPast(t, sources); len(past) != 1 {
			t.Errorf("a driver that is asked %s is not seen: %v", name, past)
		}
	}
}

// goingPast returns the places where a driver is asked and not by what run is given, and how many functions run is given that ask one.
func goingPast(t *testing.T, sources map[string]string) (past []string, ran int) {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for name, source := range sources {
		file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	fields := driverFields(files)
	for _, file := range files {
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || beside[function.Name.Name] {
				continue
			}
			asked := func(n ast.Node) (uses []string) {
				ast.Inspect(n, func(n ast.Node) bool {
					if compared, ok := n.(*ast.BinaryExpr); ok && isNil(compared.Y) {
						return false
					}
					use, ok := n.(*ast.SelectorExpr)
					if ok && (fields[use.Sel.Name] || inRun[use.Sel.Name]) && !beside[function.Name.Name+" "+use.Sel.Name] {
						uses = append(uses, fmt.Sprintf("%s: %s uses %s", fset.Position(use.Pos()), function.Name.Name, use.Sel.Name))
						return false
					}
					return true
				})
				return uses
			}
			ast.Inspect(function, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !isRun(call.Fun) {
					return true
				}
				if literal, ok := call.Args[len(call.Args)-1].(*ast.FuncLit); ok {
					if len(asked(literal)) > 0 {
						ran++
					}
					literal.Body = &ast.BlockStmt{} // seen
				}
				return true
			})
			past = append(past, asked(function)...)
		}
	}
	return past, ran
}

// driverFields returns the fields of structs that are of a type of package drivers.
func driverFields(files []*ast.File) map[string]bool {
	fields := make(map[string]bool)
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			structure, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range structure.Fields.List {
				selector, ok := field.Type.(*ast.SelectorExpr)
				if !ok {
					continue
				}
				if of, ok := selector.X.(*ast.Ident); ok && of.Name == "drivers" {
					for _, name := range field.Names {
						fields[name.Name] = true
					}
				}
			}
			return true
		})
	}
	return fields
}

func isRun(called ast.Expr) bool {
	selector, ok := called.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == "run"
}

func isNil(expr ast.Expr) bool {
	name, ok := expr.(*ast.Ident)
	return ok && name.Name == "nil"
}
