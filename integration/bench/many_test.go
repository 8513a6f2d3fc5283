package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// BenchmarkFetchMany measures a FetchMany of 100 values of 1 KB ("cachette") beside 100 times Fetch ("raw"), one after the other.
func BenchmarkFetchMany(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	for _, s := range stores {
		b.Run(s.name, func(b *testing.B) {
			cache := install(b, gin.New(), s, testservers.Find(b, s.server))
			values := make(map[string][]byte)
			var keys []string
			for i := range 100 {
				keys = append(keys, fmt.Sprint(key, i))
				values[keys[i]] = value
			}
			if err := cachette.PutMany(b.Context(), cache, values, time.Hour); err != nil {
				b.Fatal(err)
			}
			duel(b, func() error {
				got, err := cachette.FetchMany[[]byte](b.Context(), cache, keys)
				if err == nil && len(got) != len(keys) {
					err = fmt.Errorf("%d values of %d", len(got), len(keys))
				}
				return err
			}, func() error {
				for _, key := range keys {
					var got []byte
					if err := cache.Fetch(b.Context(), key, &got); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}
