// Cachette is the same program with a cache in memory, for what it adds.
package main

import (
	"log"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

func main() {
	r := gin.Default()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	r.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"hello": "world"}) })
	r.GET("/value", func(c *gin.Context) {
		var value string
		_ = cachette.Get(c).Put(c, "key", "value", 0)
		_ = cachette.Get(c).Fetch(c, "key", &value)
		c.String(http.StatusOK, value)
	})
	log.Fatal(r.Run())
}
