package purge

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestKeysAreRemembered: the key of a scope's mark is the same whether it is remembered or made, whatever other scopes are.
func TestKeysAreRemembered(t *testing.T) {
	const base = "p:~r:"
	for _, sharded := range []bool{false, true} {
		testKeysAreRemembered(t, base, sharded)
	}
}

func testKeysAreRemembered(t *testing.T, base string, sharded bool) {
	m := new(keyMemo)
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		name := fmt.Sprint("/", random.IntN(300))
		if random.IntN(50) == 0 {
			name += strings.Repeat("x", longestName)
		}
		s := Scope{Kind: Path, Name: name, Soft: random.IntN(2) == 0}
		if random.IntN(2) == 0 {
			s = OfHostPath(fmt.Sprint("h", random.IntN(2)), name)
		}
		if got, want := m.key(&s, base, sharded), s.key(base, sharded); got != want {
			t.Fatalf("the key of %+v is %s, want %s", s, got, want)
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
