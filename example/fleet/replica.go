package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	_ "github.com/gin-cachette/cachette/drivers/redis"
)

// newReplica returns the shop as one replica serves it. What it keeps lies in the store that CACHETTE_URL names.
func newReplica(name, database string) (*gin.Engine, *cachette.Cache, error) {
	r := gin.New()
	r.Use(gin.Recovery())
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		return nil, nil, err
	}
	r.Use(func(c *gin.Context) { // outside of Cached: who answers, and not who has made the page
		c.Header("X-Replica", name)
		c.Header("X-Process", strconv.Itoa(os.Getpid()))
	})
	r.GET("/products/:id", cachette.Cached(20*time.Second, cachette.WithLease(5*time.Second)), func(c *gin.Context) {
		price, err := ask(c, http.MethodGet, database+"/"+c.Param("id"))
		if err != nil {
			c.String(http.StatusBadGateway, "%v\n", err)
			return
		}
		time.Sleep(300 * time.Millisecond) // what makes it worth keeping
		cachette.Tag(c, "product:"+c.Param("id"))
		c.JSON(http.StatusOK, gin.H{"price": price, "made_by": name})
	})
	// The change is made, and then every page with the tag is gone, in all replicas, before the client hears of it.
	changed := cachette.InvalidatesFrom(func(c *gin.Context) []string { return []string{"product:" + c.Param("id")} })
	r.POST("/products/:id/price", changed, func(c *gin.Context) {
		price, err := ask(c, http.MethodPost, database+"/"+c.Param("id"))
		if err != nil {
			c.String(http.StatusBadGateway, "%v\n", err)
			return
		}
		c.String(http.StatusOK, "%s", price)
	})
	r.POST("/purge", func(c *gin.Context) { // in a program of yours behind authentication
		if err := cache.Purge(c, cachette.Purge{Everything: true}); err != nil {
			c.String(http.StatusAccepted, "%v\n", err)
		}
	})
	return r, cache, nil
}

// ask asks the database, and returns what it answers.
func ask(ctx context.Context, method, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the database answers %s", response.Status)
	}
	return string(body), err
}
