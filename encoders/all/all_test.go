package all_test

import (
	"slices"
	"testing"

	"github.com/gin-cachette/cachette/encoders"
)

// TestAllCodecsAreLinked: each is registered under its name.
func TestAllCodecsAreLinked(t *testing.T) {
	for _, name := range codecs {
		encoder, ok := encoders.Lookup(name)
		if !ok {
			t.Errorf("%s is not linked: it has %v", name, encoders.Linked())
			continue
		}
		if encoder.Name() != name {
			t.Errorf("the codec linked as %s says that its name is %s", name, encoder.Name())
		}
		if !slices.Contains(encoders.Linked(), name) {
			t.Errorf("Linked() = %v, which lacks %s", encoders.Linked(), name)
		}
	}
	if _, ok := encoders.Lookup("yaml"); ok {
		t.Error("Lookup found a codec that was not registered")
	}
}
