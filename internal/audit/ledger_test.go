package audit_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/gin-cachette/cachette/audit"
	found "github.com/gin-cachette/cachette/internal/audit"
)

var (
	cookie  = found.Suspect{Kind: audit.Cookie, Name: "a"}
	field   = found.Suspect{Kind: audit.Header, Name: "A"}
	differs = found.Difference{Names: []string{"body"}, FirstByte: 3}
	same    = found.Difference{FirstByte: -1}
)

// causes returns what a ledger has named of the route.
func causes(l *found.Ledger) (names []string) {
	for _, c := range l.Routes()["/p"].Causes {
		names = append(names, c.String())
	}
	return names
}

// A cause is named once, when it was seen three times, and more often than the page has changed by itself; it stays named.
func TestNames(t *testing.T) {
	var l found.Ledger
	l.Looked("/p", &differs)
	for i := range 5 {
		if named := l.Found("/p", cookie, &differs); (named != nil) != (i == 2) {
			t.Errorf("named the %d. time: %v", i+1, named)
		}
	}
	for range 8 {
		l.Looked("/p", &differs)
		l.Looked("/p", &same)
	}
	for range 3 {
		l.Found("/p", field, &differs)
	}
	if got := causes(&l); !slices.Equal(got, []string{`the cookie "a"`, "time or chance"}) {
		t.Errorf("%q", got)
	}
	if c := l.Routes()["/p"].Causes[0]; c.Times != 5 || c.FirstByte != 3 || c.Advice == "" || !slices.Equal(c.Differs, []string{"body"}) {
		t.Errorf("%+v", c)
	}
}

// As long as a page has changed by itself as often as with a cause, that is not named.
func TestNamesWhatOutweighsChance(t *testing.T) {
	var l found.Ledger
	for range 4 {
		l.Looked("/p", &differs)
	}
	for i := range 6 {
		if named := l.Found("/p", cookie, &differs); (named != nil) != (i == 4) {
			t.Errorf("named the %d. time: %v", i+1, named)
		}
	}
}

// Data that changes now and then, also between two runs, is no cause.
func TestDataThatChanges(t *testing.T) {
	var l found.Ledger
	for range 50 {
		for range 9 {
			l.Looked("/p", &same)
		}
		if named := l.Looked("/p", &differs); named != nil {
			t.Fatalf("named: %v", named)
		}
	}
	if got := causes(&l); got != nil {
		t.Errorf("%q", got)
	}
}

// The suspects that were tested least come first, and none that is known any more.
func TestPick(t *testing.T) {
	var l found.Ledger
	suspects := func() []found.Suspect { return []found.Suspect{cookie, field, {Kind: audit.Address}} }
	counts := make(map[found.Suspect]int)
	for range 30 {
		picked := l.Pick("/p", suspects(), 2)
		if len(picked) != 2 || picked[0] == picked[1] {
			t.Fatalf("picked %v", picked)
		}
		for _, s := range picked {
			counts[s]++
		}
	}
	if counts[cookie] != 20 || counts[field] != 20 {
		t.Errorf("picked %v", counts)
	}
	for range 3 {
		l.Found("/p", cookie, &differs)
	}
	if picked := l.Pick("/p", suspects(), 5); len(picked) != 2 || slices.Contains(picked, cookie) {
		t.Errorf("picked %v", picked)
	}
}

// A ledger is bounded, whatever names clients choose.
func TestLedgerIsBounded(t *testing.T) {
	var l found.Ledger
	for i := range 10000 {
		name := found.Suspect{Kind: audit.Cookie, Name: string(rune('a'+i%26)) + string(rune(0x100+i))}
		l.Pick("/p", []found.Suspect{name}, 1)
		for range 3 {
			l.Found("/p", name, &differs)
		}
	}
	if n := len(causes(&l)); n != 32 {
		t.Errorf("%d causes", n)
	}
}

// Names that clients make up do not keep a cause from being named, be it that they were seen by chance, or that they are causes.
func TestMadeUpCausesMakeRoom(t *testing.T) {
	for name, times := range map[string]int{"by chance": 1, "named": 3} {
		var l found.Ledger
		for i := range 1000 {
			for range times {
				l.Found("/p", found.Suspect{Kind: audit.Header, Name: "X-" + strconv.Itoa(i)}, &differs)
			}
		}
		for range 2 {
			l.Found("/p", cookie, &differs)
		}
		if named := l.Found("/p", cookie, &differs); named == nil || !slices.Contains(causes(&l), `the cookie "a"`) {
			t.Errorf("%s: the cookie is not named: %q", name, causes(&l))
		}
	}
}

// What was named stays, while what was seen by chance comes and goes.
func TestNamedCausesStay(t *testing.T) {
	var l found.Ledger
	for range 3 {
		l.Found("/p", cookie, &differs)
	}
	for i := range 1000 {
		l.Found("/p", found.Suspect{Kind: audit.Header, Name: "X-" + strconv.Itoa(i)}, &differs)
	}
	if got := causes(&l); !slices.Equal(got, []string{`the cookie "a"`}) {
		t.Errorf("%q", got)
	}
}

// However many names clients make up, what each request has is tested before long.
func TestPickOfMany(t *testing.T) {
	var l found.Ledger
	l.Pick("/p", []found.Suspect{cookie}, 1)
	for i := range 10_000 {
		name := strconv.Itoa(i)
		picked := l.Pick("/p", []found.Suspect{{Kind: audit.Header, Name: "A" + name}, {Kind: audit.Header, Name: "B" + name}, cookie}, 2)
		if i > 300 && slices.Contains(picked, cookie) {
			return
		}
	}
	t.Error("the cookie was not tested any more")
}

// A difference is left unexplained as long as nothing of the request was seen to make one.
func TestUnexplained(t *testing.T) {
	var l found.Ledger
	l.Sampled("/p", true)
	first := l.Unexplained("/p")
	l.Found("/p", cookie, &differs)
	if second := l.Unexplained("/p"); !first || second || l.Routes()["/p"].Unexplained != 1 || l.Routes()["/p"].Differences != 1 {
		t.Errorf("%t, %t, %+v", first, second, l.Routes()["/p"])
	}
}
