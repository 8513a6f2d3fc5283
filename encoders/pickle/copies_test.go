package pickle_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/encoders/pickle"
)

// TestListOfOneSet: two sets of one list, which the memo hands out within a tuple, would share their elements, and cost
// five bytes each.
func TestListOfOneSet(t *testing.T) {
	for _, name := range []string{"set", "frozenset"} {
		once := "\x80\x04" + global("builtins", name) + "\x94](K\x01K\x02e\x85\x94R"
		for _, dst := range []any{new(any), new(map[int]struct{}), new([]map[int]struct{})} {
			err := pickle.New().Decode([]byte(once+"h\x00h\x01R\x86."), dst)
			if err == nil || !strings.Contains(err.Error(), "arguments") {
				t.Errorf("two of one %s into %T: %v", name, dst, err)
			}
		}
		var got map[int]struct{}
		if err := pickle.New().Decode([]byte(once+"."), &got); err != nil || len(got) != 2 {
			t.Errorf("one %s: %v, %v", name, got, err)
		}
	}
}

// TestDecimalsAsKeys: to compare a Decimal with other numbers its zeros are written out, ten thousand for six bytes.
func TestDecimalsAsKeys(t *testing.T) {
	const many = 5000
	decimal := func(exponent int) string { return fmt.Sprintf("h\x00\x8c\x061E%04d\x85R", exponent) }
	pickled := func(first, step int) string {
		var b strings.Builder
		b.WriteString("\x80\x04}((" + global("decimal", "Decimal") + "\x94\x8c\x011\x85R")
		for i := range many {
			b.WriteString(decimal(first + step*i))
		}
		return b.String() + "\x91Nu."
	}
	if _, err := decodeAny(pickled(4000, 1)); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("%d large exponents: %v", many, err)
	}
	if _, err := decodeAny(pickled(20, 0)); err != nil {
		t.Errorf("%d small exponents: %v", many, err)
	}
}
