// Package all links every driver that cachette has, for programs that choose their backend when they start:
//
//	import _ "github.com/gin-cachette/cachette/drivers/all"
package all

import (
	_ "github.com/gin-cachette/cachette/drivers/inmemory" // registers "inmemory"
)
