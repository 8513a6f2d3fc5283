// Package all links every backend. It suits programs that choose theirs by configuration and tests; others import the
// packages of those that they use, and link no others.
package all

import (
	_ "github.com/gin-cachette/cachette/drivers/dynamodb"
	_ "github.com/gin-cachette/cachette/drivers/inmemory"
	_ "github.com/gin-cachette/cachette/drivers/memcached"
	_ "github.com/gin-cachette/cachette/drivers/mongodb"
	_ "github.com/gin-cachette/cachette/drivers/redis"
)
