package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const code = `package p

import "fmt"

const limit = 9

func f(a, b int) bool {
	if a == b && b < limit {
		fmt.Println("a" + "b")
		a += 1
	}
	switch {
	case a > b:
		return true
	}
	return !(a == 0)
}
`

// TestChanges pins what is changed, and what stands there instead.
func TestChanges(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"p.go", "p_test.go"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	changes, err := changesIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range changes {
		got = append(got, changes[i].describe(dir))
	}
	want := []string{
		"p.go:5: 9 becomes 10",
		"p.go:8: a == b && b < limit becomes !(a == b && b < limit)",
		"p.go:8: a == b && b < limit becomes (a == b && b < limit) && false",
		"p.go:8: && becomes ||",
		"p.go:8: == becomes !=",
		"p.go:8: < becomes <=",
		`p.go:9: fmt.Println("a" + "b") becomes nothing`,
		"p.go:9: + becomes -", // which does not compile
		"p.go:10: a += 1 becomes nothing",
		"p.go:10: 1 becomes 2",
		"p.go:13: a > b becomes (a > b) && false",
		"p.go:13: > becomes >=",
		"p.go:14: true becomes false",
		"p.go:16: == becomes !=",
		"p.go:16: 0 becomes 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the changes are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if changed := string(changes[3].apply()); changed != strings.Replace(code, "&&", "||", 1) {
		t.Errorf("the file becomes\n%s", changed)
	}
	if _, err := changesIn(t.TempDir()); err == nil || !strings.Contains(err.Error(), "internal/target") {
		t.Errorf("a folder without code: %v", err)
	}
}
