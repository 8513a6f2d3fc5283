package fit_test

import (
	"fmt"
	"testing"

	"github.com/gin-cachette/cachette/encoders/internal/fit"
	"github.com/gin-cachette/cachette/encoders/pickle"
)

// TestValuesWithoutAnEnd: of a value that holds itself, or that would be too many if it were written out, an end is found.
func TestValuesWithoutAnEnd(t *testing.T) {
	tuple, set := pickle.Tuple{nil}, pickle.FrozenSet{nil}
	tuple[0], set[0] = tuple, set
	for name, value := range map[string]any{"tuple": pickle.Set{tuple}, "set": pickle.Set{set}, "key": map[any]int{&tuple: 1}} {
		if codecs := fit.Codecs(value); len(codecs) > 0 {
			t.Errorf("a %s that holds itself: %v", name, codecs)
		}
	}

	const doublings = 60
	var wide, sets any = pickle.Tuple{1, 2}, pickle.FrozenSet{1}
	for range doublings {
		wide, sets = pickle.Tuple{wide, wide}, pickle.FrozenSet{sets, sets}
	}
	for name, value := range map[string]any{"tuples": wide, "sets": sets} {
		if codecs := fmt.Sprint(fit.Codecs(pickle.Set{value})); codecs != "[json msgpack orjson pickle]" {
			t.Errorf("%s: %s", name, codecs) // what is not looked at is taken to be as the rest
		}
	}
}
