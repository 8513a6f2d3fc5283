package response

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func sorted(fields []Field) []Field {
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

// What changed since the cache began is told apart from what was there.
func TestChanges(t *testing.T) {
	left := []string{"1", "2"}
	for _, row := range []struct {
		name          string
		before, after http.Header
		want          []Field
	}{
		{"nothing", nil, nil, nil},
		{"left alone", http.Header{"A": left}, http.Header{"A": left}, nil},
		{"set to the same", http.Header{"A": {"1", "2"}}, http.Header{"A": {"1", "2"}}, []Field{{Name: "A", Values: []string{"1", "2"}}}},
		{"new", nil, http.Header{"A": {"1"}}, []Field{{Name: "A", Values: []string{"1"}}}},
		{"new, empty", nil, http.Header{"A": {""}}, []Field{{Name: "A", Values: []string{""}}}},
		{"another value", http.Header{"A": {"1"}}, http.Header{"A": {"2"}}, []Field{{Name: "A", Values: []string{"2"}}}},
		{"one more", http.Header{"A": {"1"}}, http.Header{"A": {"1", "2"}}, []Field{{Name: "A", Values: []string{"2"}, Change: Append}}},
		{"one more like it", http.Header{"A": {"1"}}, http.Header{"A": {"1", "1"}}, []Field{{Name: "A", Values: []string{"1"}, Change: Append}}},
		{"one before", http.Header{"A": {"1"}}, http.Header{"A": {"2", "1"}}, []Field{{Name: "A", Values: []string{"2", "1"}}}},
		{"one less", http.Header{"A": {"1", "2"}}, http.Header{"A": {"1"}}, []Field{{Name: "A", Values: []string{"1"}}}},
		{"gone", http.Header{"A": {"1"}}, http.Header{}, []Field{{Name: "A", Change: Remove}}},
		{"several", http.Header{"A": {"1"}, "B": left, "C": {"1"}}, http.Header{"A": {"2"}, "B": left, "D": {"1"}}, []Field{
			{Name: "A", Values: []string{"2"}}, {Name: "C", Change: Remove}, {Name: "D", Values: []string{"1"}},
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := sorted(TakeBaseline(row.before).Changes(row.after)); len(got)+len(row.want) > 0 && !reflect.DeepEqual(got, row.want) {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}

// Replayed onto the header that it was taken from, a change gives the header that it was taken to; onto another, it leaves
// alone what it does not concern.
func TestChangesReplayed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	make := func() http.Header {
		h := http.Header{}
		for _, name := range []string{"A", "B", "C", "D"} {
			for range random.IntN(3) {
				h[name] = append(h[name], fmt.Sprint(random.IntN(3)))
			}
		}
		return h
	}
	for range 20_000 {
		before, after := make(), make()
		if random.IntN(2) == 0 { // what handlers do most: they add to what is there
			after = before.Clone()
			after["A"] = append(after["A"], "new")
		}
		changes := TakeBaseline(before).Changes(after)
		onto := before.Clone()
		apply(changes, onto, nil)
		if !reflect.DeepEqual(onto, after) {
			t.Fatalf("from %v to %v: %v gives %v", before, after, changes, onto)
		}
		other := make()
		onto = other.Clone()
		apply(changes, onto, nil)
		for name := range maps.Keys(other) {
			if index(changes, name) < 0 && !slices.Equal(onto[name], other[name]) {
				t.Fatalf("%v onto %v gives %v", changes, other, onto)
			}
		}
	}
}

// Changes and their replays share nothing with the headers that they were taken from and replayed onto.
func TestChangesAreCopies(t *testing.T) {
	before := http.Header{"A": {"1"}}
	after := http.Header{"A": {"1", "2"}, "B": {"1", "2"}}
	baseline := TakeBaseline(before)
	changes := sorted(baseline.Changes(after))
	after["A"][1], after["B"][0] = "X", "X"
	before["A"][0] = "X"
	for range 2 {
		h := http.Header{"A": {"0"}}
		apply(changes, h, nil)
		h["A"] = append(h["A"], "more")
		h["B"] = append(h["B"], "more")
		want := http.Header{"A": {"0", "2", "more"}, "B": {"1", "2", "more"}}
		if !reflect.DeepEqual(h, want) {
			t.Errorf("%v, want %v", h, want)
		}
		h["A"][1], h["B"][0] = "X", "X"
	}
	h := http.Header{"Z": {"1"}}
	baseline.Restore(h)
	h["A"][0] = "Y"
	again := http.Header{}
	baseline.Restore(again)
	if want := (http.Header{"A": {"1"}}); !reflect.DeepEqual(again, want) {
		t.Errorf("restored: %v, want %v", again, want)
	}
}

// A default stands where nothing else does.
func TestDefault(t *testing.T) {
	fields := []Field{{Name: "A", Values: []string{"default"}, Change: Default}}
	for _, row := range []struct{ before, after http.Header }{
		{http.Header{}, http.Header{"A": {"default"}}},
		{http.Header{"B": {"1"}}, http.Header{"A": {"default"}, "B": {"1"}}},
		{http.Header{"A": {"1", "2"}}, http.Header{"A": {"1", "2"}}},
		{http.Header{"A": nil}, http.Header{"A": nil}},
	} {
		got := row.before.Clone()
		if apply(fields, got, nil); !reflect.DeepEqual(got, row.after) {
			t.Errorf("onto %v: %v, want %v", row.before, got, row.after)
		}
	}
}

// Only what governs caching counts of what middleware outside has set.
func TestHeaderToDecideBy(t *testing.T) {
	outside := http.Header{"Cache-Control": {"no-store"}, "Cdn-Cache-Control": {"no-store"}, "Expires": {"0"},
		"Set-Cookie": {"a=1"}, "Vary": {"Origin"}, "Etag": {`"x"`}, "X-A": {"1"}}
	before := outside.Clone()
	baseline := TakeBaseline(outside)
	after := maps.Clone(outside) // the fields that a handler leaves alone stay in their slices
	after["Vary"] = append(after["Vary"], "X-B")
	after["Cache-Control"] = append(after["Cache-Control"], "public")
	after.Del("Expires")
	after.Set("X-B", "1")
	got := baseline.Header(baseline.Changes(after))
	want := http.Header{"Cache-Control": {"no-store", "public"}, "Cdn-Cache-Control": {"no-store"},
		"Vary": {"Origin", "X-B"}, "X-B": {"1"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if baseline.Restore(after); !reflect.DeepEqual(after, before) {
		t.Errorf("the baseline has become %v", after)
	}
}
