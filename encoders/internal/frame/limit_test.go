package frame_test

import (
	"testing"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// TestLimit pins what docs/codecs.md says.
func TestLimit(t *testing.T) {
	for _, test := range []struct {
		set  int64
		n    int
		want int64
	}{
		{0, 1, 256 << 20},
		{0, 4 << 20, 256 << 20},
		{0, 8 << 20, 512 << 20},
		{1000, 8 << 20, 1000},
	} {
		if got := frame.Limit(test.set, test.n); got != test.want {
			t.Errorf("of %d bytes with the option %d: %d, want %d", test.n, test.set, got, test.want)
		}
	}
}
