package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// change is a change of a file: what stands in source from one offset up to another becomes text.
type change struct {
	file     string
	source   []byte
	from, to int
	text     string
}

// apply returns the file with the change.
func (c *change) apply() []byte {
	return slices.Concat(c.source[:c.from], []byte(c.text), c.source[c.to:])
}

// describe returns where the change is, what stood there, and what stands there instead.
func (c *change) describe(root string) string {
	name, err := filepath.Rel(root, c.file)
	if err != nil {
		name = c.file
	}
	line := 1 + bytes.Count(c.source[:c.from], []byte("\n"))
	return fmt.Sprintf("%s:%d: %s becomes %s", name, line, shown(string(c.source[c.from:c.to])), shown(c.text))
}

// shown returns code on one short line.
func shown(code string) string {
	const most = 80
	line := strings.Join(strings.Fields(code), " ")
	switch {
	case line == "":
		return "nothing"
	case len(line) > most:
		return line[:most] + "…"
	}
	return line
}

// changesIn returns the changes of a file, or of those of a folder, but for tests.
func changesIn(place string) (all []change, err error) {
	files := []string{place}
	if !strings.HasSuffix(place, ".go") {
		if files, err = filepath.Glob(filepath.Join(place, "*.go")); err != nil {
			return nil, err
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		found, err := changesOf(name)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no code to change: name a folder or file as seen from the root, such as internal/target", place)
	}
	return all, nil
}

// others are the operators that take the place of one another.
var others = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.LAND: token.LOR, token.LOR: token.LAND, token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL,
}

// changesOf returns the changes of a file: comparisons and other operators, conditions that are negated or never hold, statements that
// are left out, numbers that are one more, and results that are the other one of true and false.
func changesOf(name string) (all []change, err error) {
	source, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	at := func(p token.Pos) int { return files.Position(p).Offset }
	put := func(from, to token.Pos, text string) {
		all = append(all, change{file: name, source: source, from: at(from), to: at(to), text: text})
	}
	never := func(condition ast.Expr) {
		put(condition.Pos(), condition.End(), "("+string(source[at(condition.Pos()):at(condition.End())])+") && false")
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BinaryExpr:
			if other, ok := others[n.Op]; ok {
				put(n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), other.String())
			}
		case *ast.IfStmt:
			put(n.Cond.Pos(), n.Cond.End(), "!("+string(source[at(n.Cond.Pos()):at(n.Cond.End())])+")")
			never(n.Cond)
		case *ast.CaseClause:
			for _, value := range n.List {
				if _, condition := value.(*ast.BinaryExpr); condition {
					never(value)
				}
			}
		case *ast.ExprStmt, *ast.DeferStmt, *ast.IncDecStmt:
			put(n.Pos(), n.End(), "")
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				put(n.Pos(), n.End(), "")
			}
		case *ast.BasicLit:
			if number, err := strconv.ParseInt(n.Value, 0, 63); n.Kind == token.INT && err == nil {
				put(n.Pos(), n.End(), strconv.FormatInt(number+1, 10))
			}
		case *ast.ReturnStmt:
			for _, result := range n.Results {
				if text, ok := map[string]string{"true": "false", "false": "true"}[string(source[at(result.Pos()):at(result.End())])]; ok {
					put(result.Pos(), result.End(), text)
				}
			}
		}
		return true
	})
	return all, nil
}
