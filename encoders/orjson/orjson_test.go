package orjson_test

import (
	"testing"

	"github.com/gin-cachette/cachette/encoders/internal/jsontest"
	"github.com/gin-cachette/cachette/encoders/orjson"
)

func TestCodec(t *testing.T) {
	// sonic's decoder is 105 KB of stack, from a pool that may be empty: with the race detector it often is.
	jsontest.Run(t, orjson.New(), 384<<10)
}

func FuzzDecode(f *testing.F) { jsontest.Fuzz(f, orjson.New()) }
