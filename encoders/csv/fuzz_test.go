package csv_test

import (
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders/csv"
	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

func FuzzDecode(f *testing.F) {
	for _, text := range []string{",a\n0,\"x\"\"y\"\n1,NA\n", "key,a,a\nx,1.5,True\n", "\"\"\n0\n", ",t\n0,2024-01-02 03:04:05.123456789+02:00\n"} {
		f.Add([]byte(text))
	}
	unbounded := frametest.Boxed{Encoder: csv.New(csv.Options{})}
	encodertest.FuzzBounded(f, limited, unbounded, frametest.Box{Record: frametest.Record(1, frametest.Flat[0])}, []small{{A: 1}}, []word{{"x"}},
		[]moment{{time.Unix(0, 0).UTC(), time.Unix(0, 0).UTC()}}, []amount{{}}, frametest.Rows(1))
}
