package interop_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var write = flag.Bool("write", false, "write the matrix to docs/python.md")

var page = filepath.Join("..", "..", "docs", "python.md")

const (
	begin   = "<!-- The matrix: written by `make interop WRITE=1`. -->\n"
	end     = "<!-- The end of the matrix. -->\n"
	failure = "This fails and should not: `make interop` says how." // in place of the reason for a hole
)

// A cell is a value, or an operation, on a backend.
type cell struct{ section, name, backend string }

// A matrix is what the tests saw: of each cell the directions, and the reason why one does not work, empty where it does.
type matrix struct{ cells map[cell]map[direction]string }

func newMatrix() *matrix { return &matrix{make(map[cell]map[direction]string)} }

// note notes how a cell is. A failure stays, whatever follows.
func (m *matrix) note(section, name, backend string, d direction, reason string) {
	at := cell{section, name, backend}
	if m.cells[at] == nil {
		m.cells[at] = make(map[direction]string)
	}
	if m.cells[at][d] != failure {
		m.cells[at][d] = reason
	}
}

// settle writes the matrix to the page, failures and all, or holds the page against it. It does nothing where part of it
// was not run.
func (m *matrix) settle(t *testing.T) {
	if !m.complete() {
		t.Logf("not every cell was run: the matrix of %s is left alone", page)
		return
	}
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), begin)
	old, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the matrix", page)
	}
	if old == m.text() {
		return
	}
	if !*write {
		t.Fatalf("the matrix of %s is not what was seen; `make interop WRITE=1` writes it:\n%s", page, m.text())
	}
	if err := os.WriteFile(page, []byte(before+begin+m.text()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// complete tells whether all cells were run.
func (m *matrix) complete() bool {
	for _, section := range sections() {
		for _, name := range section.names {
			for _, backend := range backends {
				if m.cells[cell{section.name, name, backend}] == nil {
					return false
				}
			}
		}
	}
	return true
}

// A section is a table of the matrix.
type section struct {
	name  string
	names []string // of the rows
}

func sections() []section {
	all := []section{{name: operationsSection}}
	for _, o := range operations {
		all[0].names = append(all[0].names, o.name)
	}
	for _, codec := range codecs {
		s := section{name: codec}
		for _, c := range cases(codec) {
			s.names = append(s.names, c.name)
		}
		all = append(all, s)
	}
	return all
}

func (m *matrix) text() string {
	var text strings.Builder
	for _, s := range sections() {
		m.table(&text, s)
	}
	return text.String()
}

// table writes a section, with the reasons for its holes below it.
func (m *matrix) table(text *strings.Builder, s section) {
	fmt.Fprintf(text, "\n### %s\n\n| | Redis | Memcached | MongoDB | DynamoDB |\n| --- | --- | --- | --- | --- |\n", s.name)
	var reasons []string
	for _, name := range s.names {
		fmt.Fprintf(text, "| %s |", name)
		for _, backend := range backends {
			fmt.Fprintf(text, " %s |", describe(m.cells[cell{s.name, name, backend}], &reasons))
		}
		text.WriteString("\n")
	}
	for i, reason := range reasons {
		if i == 0 {
			text.WriteString("\n")
		}
		fmt.Fprintf(text, "%d. %s\n", i+1, reason)
	}
	text.WriteString("\n")
}

// describe returns what a cell says: yes, no, or the only direction that works. The number of a reason is its place among
// reasons.
func describe(ways map[direction]string, reasons *[]string) string {
	var working []string
	var notes string
	for _, d := range []direction{"", fromPython, fromGo} {
		reason, tried := ways[d]
		switch {
		case !tried:
		case reason == "":
			working = append(working, string(d))
		case !slices.Contains(*reasons, reason):
			*reasons = append(*reasons, reason)
			fallthrough
		default:
			if note := fmt.Sprintf(" (%d)", slices.Index(*reasons, reason)+1); notes != note {
				notes += note
			}
		}
	}
	switch {
	case len(ways) == 0:
		return "not run"
	case notes == "":
		return "yes"
	case len(working) == 0:
		return "no" + notes
	}
	return working[0] + " only" + notes
}
