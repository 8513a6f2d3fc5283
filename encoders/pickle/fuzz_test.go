package pickle_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/pickle"
)

// FuzzDecode grows its bytes from all that Python wrote.
func FuzzDecode(f *testing.F) {
	files := []string{"foreign", "numpy1", "numpy2"}
	for protocol := range 6 {
		files = append(files, fmt.Sprint("protocol", protocol))
	}
	for _, file := range files {
		text, err := os.ReadFile("testdata/" + file + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			_, coded, _ := strings.Cut(strings.TrimSpace(line), "\t")
			data, err := base64.StdEncoding.DecodeString(coded)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	encodertest.Fuzz(f, pickle.New(), nil, "text", 5, pow2(99), 1.5, true, []byte("ab"), ada, pickle.Tuple{1, "a"},
		pickle.Set{1, "a"},
		pickle.FrozenSet{pickle.Tuple{}}, pickle.Dict{{Key: pickle.Tuple{}, Value: 1}}, map[any]any{1: "a"}, map[string]int{"a": 1},
		map[[2]int]string{{1, 2}: "x"}, colors{"a": {}},
		pickle.Decimal("1.10"), leapDay, naive(1, 2, 3, 4), pickle.TimeOfDay{}, pickle.TimeDelta{}, pickle.UUID{}, time.Second,
		struct{ Name string }{}, offset(3600), [3]byte{1, 2, 3})
}
