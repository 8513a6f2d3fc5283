package behaviour_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

func clearShop(ctx context.Context, cache *cachette.Cache) error {
	err := cache.ClearNamespace(ctx, "shop") // a namespace, values and responses
	return errors.Join(err,
		cache.PurgePath(ctx, "/products/7"),                   // a path, on every host
		cache.PurgePrefix(ctx, "/blog/"),                      // all paths that begin so
		cache.Refresh(ctx, "https://shop.example/products/7"), // made anew, in place of what is there
	)
}

func clearAll(ctx context.Context, cache *cachette.Cache) error {
	return cache.Flush(ctx) // everything this cache wrote
}

func greet(c *gin.Context) (greeting string, left time.Duration, err error) {
	cache := cachette.Get(c)                                     // in a handler; or what Install returned
	if err := cache.Put(c, "greeting", "hello", 0); err != nil { // 0: the configured TTL
		return "", 0, err
	}
	if err := cache.Fetch(c, "greeting", &greeting); err != nil { // cachette.ErrMiss when there is none
		return "", 0, err
	}
	greeting, err = cachette.Fetch[string](c, cache, "greeting") // the same, typed
	if err != nil {
		return "", 0, err
	}
	left, err = cache.FetchWithTTL(c, "greeting", &greeting) // and for how long it is still there
	return greeting, left, err
}

func greetAll(ctx context.Context, cache *cachette.Cache) (map[string]string, error) { // many at once, in one round trip
	if err := cachette.PutMany(ctx, cache, map[string]string{"greeting": "hello", "farewell": "bye"}, time.Hour); err != nil {
		return nil, err // cachette.KeyErrors tells which keys have failed
	}
	if _, err := cache.Add(ctx, "thanks", "danke", time.Hour); err != nil { // where there is none: it tells whether it has
		return nil, err
	}
	return cachette.FetchMany[string](ctx, cache, []string{"greeting", "farewell", "thanks"}) // those that are there
}

func forget(c *gin.Context) error {
	cache := cachette.Get(c)
	_, err := cache.Delete(c, "greeting", "farewell") // it returns how many there were
	_, errExpired := cache.FlushExpired(c)
	return errors.Join(err, errExpired)
}

func price(ctx context.Context, cache *cachette.Cache, id string) (Product, error) {
	return cachette.Remember(ctx, cache, "product:"+id, time.Hour, func(ctx context.Context) (Product, error) {
		return loadProduct(ctx, id) // once for all who miss it; cachette.ErrNotFound where there is none
	}, cachette.WithTags("product:"+id), cachette.WithNotFoundTTL(time.Minute), cachette.WithStaleIfError(time.Hour))
}

var _ = []any{clearShop, clearAll, greet, greetAll, forget, price} // they are there to compile

type Product struct{ Name string }

func loadProduct(context.Context, string) (Product, error) { return Product{}, nil }

// The code that README.md has of purges and of values is the one above.
func TestReadmeCompiles(t *testing.T) {
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	readme := docPage(t, "README.md")
	_, code, _ := strings.Cut(string(source), "\n)\n\n")
	code, _, _ = strings.Cut(code, "\nvar _ =")
	for function := range strings.SplitSeq(code, "\n}\n") {
		if function = strings.TrimSpace(function); function != "" && !strings.Contains(readme, function+"\n}\n") {
			t.Errorf("README.md does not have\n%s\n}", function)
		}
	}
}
