// Package all links every codec. A program that needs one codec, or a few, imports those instead, and is smaller:
//
//	import _ "github.com/gin-cachette/cachette/encoders/json"
package all

import (
	_ "github.com/gin-cachette/cachette/encoders/json"
	_ "github.com/gin-cachette/cachette/encoders/vanilla"
)
