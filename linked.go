package cachette

// What every program has: the default backend, the default codec, and json. All others are linked by the programs that use them.
import (
	_ "github.com/gin-cachette/cachette/encoders/json"
	_ "github.com/gin-cachette/cachette/encoders/vanilla"
)
