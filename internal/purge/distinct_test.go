package purge

import (
	"fmt"
	"slices"
	"testing"
)

// TestDistinct: of many scopes, one that stands there twice is found wherever it does, and none where none does.
func TestDistinct(t *testing.T) {
	scopes := []Scope{{Kind: Path, Name: "/tag1"}, OfHostPath("h", "/tag1"), OfHostPath("i", "/tag1")}
	for i := range 128 {
		scopes = append(scopes, Scope{Kind: Tag, Host: "service", Name: fmt.Sprint("/tag", i)})
	}
	if !distinct(scopes) {
		t.Error("scopes that differ are not distinct")
	}
	for i := range scopes {
		if distinct(slices.Insert(slices.Clone(scopes), len(scopes)-i, scopes[i])) {
			t.Errorf("%+v stands there twice, and they are distinct", scopes[i])
		}
	}
	if distinct([]Scope{{Kind: All}}) || distinct(append(scopes, Scope{Kind: Prefix, Name: "/"})) {
		t.Error("what has no mark is among those that have")
	}
}
