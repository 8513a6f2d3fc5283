package feather_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/feather"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

func FuzzDecode(f *testing.F) {
	for _, compression := range []feather.Compression{feather.LZ4, feather.ZSTD} {
		data, err := limited(compression).Encode(frametest.Record(2, frametest.Flat[4:14]...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(bytes.Repeat([]byte("ARROW1\x00\x00\xFF\xFF\xFF\xFF\x10\x00\x00\x00"), 4))
	var seeds []any
	for _, column := range slices.Concat(frametest.Flat, frametest.Nested, frametest.Deep) {
		seeds = append(seeds, frametest.Box{Record: frametest.Record(1, column)})
	}
	// Only the bytes of these are wanted as seeds, and their one type once.
	encoder := limited(feather.None)
	for _, seed := range seeds {
		data, err := encoder.Encode(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	unbounded := frametest.Boxed{Encoder: feather.New(feather.Options{Compression: feather.None})}
	encodertest.FuzzBounded(f, encoder, unbounded, seeds[0], []small{{A: 1, B: ptr("x"), C: []int16{1}}}, frametest.Rows(2), frametest.Mores(2))
}
