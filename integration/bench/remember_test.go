package bench

import (
	"context"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// BenchmarkRemember measures values in memory that Remember finds ("cachette") beside the same that Fetch does ("raw"), without tags and with 8.
func BenchmarkRemember(b *testing.B) {
	engine := gin.New()
	cache, err := cachette.Install(engine, func() (cachette.Config, error) { return cachette.Config{Codec: "json"}, nil })
	if err != nil {
		b.Fatal(err)
	}
	defer cache.Close()
	type product struct {
		ID    int
		Name  string
		Price float64
		Tags  []string
	}
	value := product{7, "Anvil", 19.99, []string{"red", "large", "new"}}
	ctx := context.Background()
	if err := cache.Put(ctx, "product:7", value, time.Hour); err != nil {
		b.Fatal(err)
	}
	load := func(context.Context) (product, error) { return value, nil }
	fetch := func() error {
		var got product
		return cache.Fetch(ctx, "product:7", &got)
	}
	tags := cachette.WithTags("1", "2", "3", "4", "5", "6", "7", "8")
	for name, opts := range map[string][]cachette.ValueOption{"plain": nil, "8 tags": {tags}} {
		remember := func() error {
			_, err := cachette.Remember(ctx, cache, "product:7", time.Hour, load, opts...)
			return err
		}
		b.Run(name, func(b *testing.B) { duel(b, remember, fetch) })
	}
}
