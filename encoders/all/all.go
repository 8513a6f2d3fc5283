// Package all links every codec. It suits programs that choose theirs by configuration and tests; others import the packages
// of those that they use, and link no others: parquet alone makes a program larger by 30 MB.
package all

import (
	_ "github.com/gin-cachette/cachette/encoders/csv"
	_ "github.com/gin-cachette/cachette/encoders/feather"
	_ "github.com/gin-cachette/cachette/encoders/json"
	_ "github.com/gin-cachette/cachette/encoders/msgpack"
	_ "github.com/gin-cachette/cachette/encoders/orjson"
	_ "github.com/gin-cachette/cachette/encoders/parquet"
	_ "github.com/gin-cachette/cachette/encoders/pickle"
	_ "github.com/gin-cachette/cachette/encoders/vanilla"
)
