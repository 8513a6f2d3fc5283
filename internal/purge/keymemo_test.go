package purge

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestKeysAreRemembered: the key of a scope's mark in a partition is the same whether it is remembered or made, whatever other scopes are.
func TestKeysAreRemembered(t *testing.T) {
	parts := []partition{{number: 0, base: "p:~r:{a}"}, {number: 1, base: "p:~r:{b}"}, {number: keysKept, base: "p:~r:{c}"}}
	m := new(keyMemo)
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		name := fmt.Sprint("/", random.IntN(1000))
		if random.IntN(50) == 0 {
			name += strings.Repeat("x", longestName)
		}
		s, part := Scope{Kind: Namespace, Name: name, Soft: random.IntN(2) == 0}, &parts[random.IntN(len(parts))]
		if random.IntN(2) == 0 {
			s = OfHostPath(fmt.Sprint("h", random.IntN(2)), name)
		}
		if got, want := m.key(&s, part), s.id().key(part.base); got != want {
			t.Fatalf("the key of %+v in %s is %s, want %s", s, part.base, got, want)
		}
	}
	remembered := 0
	for i := range m {
		if known := m[i].Load(); known != nil {
			remembered++
			if len(known.scope.Name) > longestName {
				t.Errorf("the key of a name of %d bytes is remembered", len(known.scope.Name))
			}
		}
	}
	if remembered < keysKept/2 {
		t.Errorf("%d keys are remembered", remembered)
	}
}
