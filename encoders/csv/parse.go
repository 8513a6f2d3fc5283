package csv

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// A cell is where a field of a line lies.
type cell struct {
	start, end int32
	quoted     bool // it began with a quote; what lies there may hold quotes still
}

// A sheet is CSV taken apart: its header, and cells that make rows. A row may be shorter than the header.
type sheet struct {
	text  string
	names []string
	cells []cell
	rows  []int32 // where in cells each row begins, and at the end their number
}

// A short line has nulls for the fields that it lacks. They take no bytes, and would take memory all the same: this many
// there may be, and so many more for each byte.
const (
	missingBase    = 1 << 16
	missingPerByte = 8
)

// perColumn is about what a column takes beside its values.
const perColumn = 1 << 10

// parse takes CSV apart as pandas does: lines end with \n, \r or both, empty ones are skipped, and a quote is one only
// at the beginning of a field.
func parse(data []byte, mem *frame.Memory) (*sheet, error) {
	if len(data) > math.MaxInt32 {
		return nil, errors.New("it is longer than 2 GiB")
	}
	if !utf8.Valid(data) {
		return nil, errors.New("it is not UTF-8")
	}
	mem.Take(int64(len(data)))
	s := &sheet{text: strings.TrimPrefix(string(data), "\ufeff")}
	width, missing := -1, 0
	for pos := 0; pos < len(s.text); {
		first := len(s.cells)
		var err error
		if pos, err = s.line(pos, mem); err != nil {
			return nil, err
		}
		n := len(s.cells) - first
		if n == 1 && s.cells[first].end == s.cells[first].start && !s.cells[first].quoted {
			s.cells = s.cells[:first] // an empty line
			continue
		}
		if width < 0 {
			width = n
			mem.Take(int64(n) * perColumn)
			s.names = s.header()
			s.cells = s.cells[:0]
			continue
		}
		if n > width {
			return nil, fmt.Errorf("line %d has %d fields, and the header has %d", len(s.rows)+2, n, width)
		}
		if missing += width - n; missing > missingBase+missingPerByte*len(s.text) {
			return nil, errors.New("most of its lines are much shorter than the header")
		}
		if only := &s.cells[first]; width == 1 && s.value(*only) == "" {
			*only = cell{start: only.end, end: only.end} // an empty line is none, so that null is written as an empty text
		}
		if len(s.rows) == cap(s.rows) {
			mem.Take(int64(cap(s.rows)+1) * 8)
		}
		s.rows = append(s.rows, int32(first))
	}
	if width < 0 {
		return nil, errors.New("it is empty")
	}
	s.rows = append(s.rows, int32(len(s.cells)))
	return s, nil
}

// line reads the fields of a line that begins at pos, and returns where the next one begins.
func (s *sheet) line(pos int, mem *frame.Memory) (int, error) {
	for {
		c := cell{start: int32(pos)}
		if pos < len(s.text) && s.text[pos] == '"' {
			c.quoted = true
			end, ok := closingQuote(s.text, pos+1)
			if !ok {
				return 0, errors.New("a quote is not closed")
			}
			pos = end
		}
		for pos < len(s.text) && !isEnd(s.text[pos]) {
			pos++
		}
		c.end = int32(pos)
		if len(s.cells) == cap(s.cells) {
			mem.Take(int64(cap(s.cells)+1) * 2 * int64(unsafe.Sizeof(c)))
		}
		s.cells = append(s.cells, c)
		if pos == len(s.text) {
			return pos, nil
		}
		pos++
		switch s.text[pos-1] {
		case '\n':
			return pos, nil
		case '\r':
			if pos < len(s.text) && s.text[pos] == '\n' {
				pos++
			}
			return pos, nil
		}
	}
}

func isEnd(b byte) bool { return b == ',' || b == '\n' || b == '\r' }

// closingQuote returns the place after the quote that closes a field. Two of them are one of the field's.
func closingQuote(text string, pos int) (int, bool) {
	for {
		i := strings.IndexByte(text[pos:], '"')
		if i < 0 {
			return 0, false
		}
		pos += i + 1
		if pos == len(text) || text[pos] != '"' {
			return pos, true
		}
		pos++
	}
}

// value is what a cell says.
func (s *sheet) value(c cell) string {
	text := s.text[c.start:c.end]
	if !c.quoted {
		return text
	}
	end, _ := closingQuote(text, 1)
	inner, rest := text[1:end-1], text[end:]
	if strings.IndexByte(inner, '"') >= 0 {
		inner = strings.ReplaceAll(inner, `""`, `"`)
	}
	return inner + rest
}

// at returns the cell of a row and a column, or false where the row is too short for it.
func (s *sheet) at(row, column int) (cell, bool) {
	first, next := s.rows[row], s.rows[row+1]
	if int(next-first) <= column {
		return cell{}, false
	}
	return s.cells[int(first)+column], true
}

func (s *sheet) len() int { return len(s.rows) - 1 }

// header names the columns as pandas does. The first one, the index, may have no name.
func (s *sheet) header() []string {
	names := make([]string, len(s.cells))
	seen := make(map[string]int, len(s.cells))
	for i, c := range s.cells {
		name := s.value(c)
		if name == "" && i == 0 {
			name = frame.IndexName
		} else if name == "" {
			name = fmt.Sprintf("Unnamed: %d", i)
		}
		unique := name
		for seen[unique] > 0 {
			unique = fmt.Sprintf("%s.%d", name, seen[name])
			seen[name]++
		}
		seen[unique]++
		names[i] = unique
	}
	return names
}
