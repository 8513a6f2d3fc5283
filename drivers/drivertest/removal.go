package drivertest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gin-cachette/cachette/drivers"
)

func testDelete(t *testing.T, h Harness, d drivers.Driver) {
	t.Run("None", func(t *testing.T) {
		wantDeleted(t, d, 0)
	})
	t.Run("Absent", func(t *testing.T) {
		wantDeleted(t, d, 0, "absent")
	})
	t.Run("One", func(t *testing.T) {
		set(t, d, "one", "1", long)
		set(t, d, "one more", "1", long)
		wantDeleted(t, d, 1, "one")
		wantMiss(t, d, "one")
		wantDeleted(t, d, 0, "one")
		wantValue(t, d, "one more", "1")
	})
	t.Run("SomeAbsent", func(t *testing.T) {
		set(t, d, "some", "1", long)
		wantDeleted(t, d, 1, "absent", "some", "absent too")
		wantMiss(t, d, "some")
	})
	t.Run("SameTwice", func(t *testing.T) {
		set(t, d, "same", "1", long)
		set(t, d, "other", "1", long)
		wantDeleted(t, d, 2, "same", "other", "same")
	})
	t.Run("Many", func(t *testing.T) {
		// More than the 100 or so that stores take in one request.
		var keys []string
		for i := range 150 {
			keys = append(keys, fmt.Sprintf("many:%d", i))
		}
		for _, key := range keys[:140] {
			set(t, d, key, "1", long)
		}
		wantDeleted(t, d, 140, keys...)
		for _, key := range []string{keys[0], keys[24], keys[25], keys[99], keys[100], keys[139]} {
			wantMiss(t, d, key)
		}
	})
	t.Run("AtOnce", func(t *testing.T) {
		for range h.rounds() {
			set(t, d, "contended", "1", long)
			var deleted atomic.Int64
			together(8, func(int) {
				n, err := d.Delete(t.Context(), "contended")
				if err != nil {
					t.Errorf("Delete: %v", err)
				}
				deleted.Add(int64(n))
			})
			if n := deleted.Load(); n != 1 {
				t.Fatalf("8 goroutines deleted one key: together they were told of %d", n)
			}
		}
	})
}

// prefixes are some to clear, with keys that begin with them and others that are like these. No character of a prefix means anything.
var prefixes = []struct {
	name, prefix string
	match, other []string
}{
	{"Nothing", "nothing", nil, nil},
	{"WholeKey", "whole", []string{"whole"}, []string{"whol"}},
	{"PrefixOfAnother", "user:", []string{"user:", "user:1", "user:2"}, []string{"username:1", "user"}},
	{"InTheMiddle", "mid", []string{"mid1"}, []string{"a mid1"}},
	{"Case", "case:", []string{"case:1"}, []string{"CASE:1", "Case:1"}},
	{"Star", "star*", []string{"star*", "star*1"}, []string{"star", "star1", "stars1"}},
	{"LeadingStar", "*lead", []string{"*lead1"}, []string{"lead1", "mislead1"}},
	{"QuestionMark", "q?", []string{"q?1"}, []string{"qx1", "q1"}},
	{"Brackets", "b[ac]", []string{"b[ac]1"}, []string{"ba1", "bc1"}},
	{"OpenBracket", "open[", []string{"open[1"}, []string{"open1"}},
	{"Backslash", `bs\`, []string{`bs\1`, `bs\\1`}, []string{"bs1"}},
	{"BackslashLetter", `num\d`, []string{`num\d1`}, []string{"num11"}},
	{"BackslashStar", `esc\*`, []string{`esc\*1`}, []string{"esc*1", `esc\1`}},
	{"Dot", "dot.", []string{"dot.1"}, []string{"dotx1"}},
	{"Percent", "per%", []string{"per%1"}, []string{"perx1", "per1"}},
	{"Underscore", "u_", []string{"u_1"}, []string{"ux1"}},
	{"Caret", "^caret", []string{"^caret1"}, []string{"caret1"}},
	{"Dollar", "cash$", []string{"cash$1"}, []string{"cash", "cash1"}},
	{"Bar", "left|right", []string{"left|right1"}, []string{"left1", "right1"}},
	{"Plus", "plus+", []string{"plus+1"}, []string{"plus1", "pluss1"}},
	{"Parentheses", "(paren)", []string{"(paren)1"}, []string{"paren1"}},
	{"Braces", "brace{2}", []string{"brace{2}1"}, []string{"bracee1"}},
	{"Quotes", `quote'"`, []string{`quote'"1`}, []string{"quote1"}},
	{"Space", "space ", []string{"space 1"}, []string{"space1", "space"}},
	{"Newline", "line\n", []string{"line\n1"}, []string{"line1", "line"}},
	{"NUL", "nul\x00", []string{"nul\x00", "nul\x001"}, []string{"nul", "nul1"}},
	{"Unicode", "ж:", []string{"ж:1"}, []string{"Ж:1", "ж1"}},
	{"HalfARune", "\xc3", []string{"\xc3", "\xc3\xa9"}, []string{"\xc4\xa9", "e\u0301"}},
	{"HighByte", "z\xff", []string{"z\xff", "z\xff\xff1"}, []string{"z\xfe", "z", "{"}},
	{"HighestBytes", "\xff\xff", []string{"\xff\xff", "\xff\xff1"}, []string{"\xff", "\xff\xfe"}},
	{"LongKeys", "long:" + strings.Repeat("k", 300),
		[]string{"long:" + strings.Repeat("k", 300), "long:" + strings.Repeat("k", 2000)},
		[]string{"long:" + strings.Repeat("k", 299), "long:" + strings.Repeat("k", 299) + "K"}},
}

// testClear holds keys that each prefix takes beside keys that it takes only if it is read as a pattern, folded to one
// case, or cut short.
func testClear(t *testing.T, _ Harness, d drivers.Driver) {
	left := 0
	for _, row := range prefixes {
		t.Run(row.name, func(t *testing.T) {
			for _, key := range append(row.match, row.other...) {
				set(t, d, key, "value of "+key, long)
			}
			left += len(row.other)
			wantCleared(t, d, len(row.match), row.prefix)
			for _, key := range row.match {
				wantMiss(t, d, key)
			}
			for _, key := range row.other {
				wantValue(t, d, key, "value of "+key)
			}
			wantCleared(t, d, 0, row.prefix)
		})
	}
	t.Run("All", func(t *testing.T) {
		wantCleared(t, d, left, "")
		wantMiss(t, d, "username:1")
		wantCleared(t, d, 0, "")
	})
	t.Run("AndWriteAgain", func(t *testing.T) {
		set(t, d, "after", "all", long)
		wantValue(t, d, "after", "all")
	})
}

// testClearMany clears more keys than a store hands out at once, while others are written.
func testClearMany(t *testing.T, h Harness, d drivers.Driver) {
	const writers = 16
	key := func(prefix string, i int) string { return fmt.Sprintf("%s:%d", prefix, i) }
	together(writers, func(w int) {
		for i := w; i < h.Keys; i += writers {
			if err := d.Set(t.Context(), key("many", i), []byte("1"), long); err != nil {
				t.Errorf("Set: %v", err)
				return
			}
		}
	})

	var others int
	var cleared atomic.Bool
	var writing sync.WaitGroup
	writing.Go(func() {
		for ; others < h.Keys && (others < 10 || !cleared.Load()); others++ {
			if err := d.Set(t.Context(), key("other", others), []byte("1"), long); err != nil {
				t.Errorf("Set: %v", err)
				return
			}
		}
	})
	wantCleared(t, d, h.Keys, "many:")
	cleared.Store(true)
	writing.Wait()

	for i := 0; i < h.Keys; i += 1 + h.Keys/100 {
		wantMiss(t, d, key("many", i))
	}
	for i := 0; i < others; i += 1 + others/100 {
		wantValue(t, d, key("other", i), "1")
	}
	wantCleared(t, d, others, "other:")
}

// together runs n goroutines that start at the same time, and waits for them.
func together(n int, do func(i int)) {
	start := make(chan struct{})
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	running.Wait()
}
