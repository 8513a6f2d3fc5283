package memcached_test

import (
	"errors"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/memcached"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// Where the store is shared with clients that refuse flags, an item has none, and the server tells what is left of it.
func TestNoFlags(t *testing.T) {
	host := testservers.Find(t, testservers.Memcached)
	client := memcache.New(host)
	defer client.Close()
	settings := settingsFor(host)
	settings.PlainKeys = true
	typed, err := memcached.New(client, memcached.Options{Selector: serversOf(t, host), NoFlags: true})
	if err != nil {
		t.Fatal(err)
	}
	defer typed.Close()
	for name, d := range map[string]drivers.Driver{"by name": open(t, settings), "typed": typed} {
		key := "no-flags-" + name[:2]
		before := time.Now()
		if err := d.Set(t.Context(), key, []byte("value"), time.Minute); err != nil {
			t.Fatal(err)
		}
		item, err := client.Get(key)
		if err != nil || item.Flags != 0 || string(item.Value) != "value" {
			t.Errorf("%s: the item is %+v, %v, want flags 0", name, item, err)
		}
		got, err := d.Get(t.Context(), key)
		if err != nil || string(got.Value) != "value" {
			t.Errorf("%s: %q, %v", name, got.Value, err)
		}
		if left := got.ExpiresAt.Sub(before); left < 58*time.Second || left > 63*time.Second {
			t.Errorf("%s: %v are left of a minute", name, left)
		}
		if n, err := d.Delete(t.Context(), key); n != 1 || err != nil {
			t.Errorf("%s: Delete = %d, %v", name, n, err)
		}
		if _, err := d.Get(t.Context(), key); !errors.Is(err, drivers.ErrMiss) {
			t.Errorf("%s: %v, want ErrMiss", name, err)
		}
	}
}
