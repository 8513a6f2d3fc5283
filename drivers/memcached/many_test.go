package memcached_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// TestManyOverTLS stores several values of many sizes at once: what a server has read of the last record already, it does not wait for.
func TestManyOverTLS(t *testing.T) {
	c := openConfined(t, testservers.Find(t, testservers.MemcachedTLS))
	for size := 10; size < 3000; size += 97 {
		keys, values := make([]string, 40), make([][]byte, 40)
		for i := range keys {
			keys[i], values[i] = fmt.Sprint("key ", i), make([]byte, size+i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		errs := c.SetValues(ctx, time.Minute, keys, values)
		cancel()
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("values of %d bytes: %v", size, err)
		}
	}
}

// TestAddOverTLS adds several words at once, under keys of many lengths, on connections that are new, whose records are small.
func TestAddOverTLS(t *testing.T) {
	for length := 5; length < 180; length += 5 {
		c := openConfined(t, testservers.Find(t, testservers.MemcachedTLS))
		keys := make([]string, 16)
		for i := range keys {
			keys[i] = fmt.Sprint(strings.Repeat("k", length), "-", i)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := c.Add(ctx, time.Minute, func() []byte { return make([]byte, 43) }, keys...)
		cancel()
		if err != nil {
			t.Fatalf("keys of %d bytes: %v", length, err)
		}
	}
}
