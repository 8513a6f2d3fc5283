package memcached_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/memcached"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// taggedKeys are keys with one tag, of each form that a name can have.
func taggedKeys(tag string) []string {
	return []string{
		"k{" + tag + "}", "{" + tag + "}", "k{" + tag + "}more{other}", "k{" + tag + "}}", "cachette%{" + tag + "}", "a b{" + tag + "}",
		strings.Repeat("k", 240) + "{" + tag + "}" + strings.Repeat("k", 400), strings.Repeat("k", 400) + "{" + tag + "}", "k}{" + tag + "}",
	}
}

// TestTags: keys with one tag are on one server, whatever else they have, and different tags are spread.
func TestTags(t *testing.T) {
	const first, second = "127.0.0.1:1", "127.0.0.1:2"
	typed, err := memcached.New(memcache.New(first, second), memcached.Options{Selector: serversOf(t, first, second)})
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]drivers.Sharded{"ByName": open(t, settingsFor(first+","+second)), "New": typed} {
		if !d.Sharded() {
			t.Errorf("%s: it is not sharded", name)
		}
		counts := make(map[string]int)
		for i := range 100 {
			tag := fmt.Sprint("tag ", i)
			keys := taggedKeys(tag)
			want := d.ServerOf(keys[0])
			counts[want]++
			for _, key := range keys {
				if got := d.ServerOf(key); got != want {
					t.Errorf("%s: %q is on %s, and %q on %s", name, key, got, keys[0], want)
				}
			}
		}
		if counts[first]+counts[second] != 100 || counts[first] < 20 || counts[second] < 20 {
			t.Errorf("%s: 100 tags are spread as %v", name, counts)
		}
		untagged := make(map[string]bool)
		for i := range 100 {
			for _, form := range []string{"k{}%d", "k{%d", "k}%d{"} {
				untagged[form+d.ServerOf(fmt.Sprintf(form, i))] = true
			}
		}
		if len(untagged) != 6 {
			t.Errorf("%s: keys without a tag are not spread by all of them: %v", name, untagged)
		}
	}
}

// TestServerOf: the server that is named is the one that has the value.
func TestServerOf(t *testing.T) {
	t.Parallel()
	hosts := strings.Split(testservers.Find(t, testservers.MemcachedPair), ",")
	c := openConfined(t, strings.Join(hosts, ","))
	for i := range 40 {
		for _, key := range append(taggedKeys(fmt.Sprint(i)), fmt.Sprint("key ", i)) {
			if err := c.Set(t.Context(), key, []byte("value"), time.Hour); err != nil {
				t.Fatal(err)
			}
			server := c.ServerOf(c.prefix + key)
			if _, err := (confined{open(t, settingsFor(server)), c.prefix}).Get(t.Context(), key); err != nil || !slices.Contains(hosts, server) {
				t.Fatalf("%q is said to be on %s: %v", key, server, err)
			}
		}
	}
}

// TestOrderOfServers: the order in which a setting names the servers moves no key.
func TestOrderOfServers(t *testing.T) {
	a, b := open(t, settingsFor("127.0.0.1:1,127.0.0.1:2,localhost:3")), open(t, settingsFor("localhost:3,127.0.0.1:1,127.0.0.1:2"))
	for i := range 100 {
		key := fmt.Sprint("key:", i)
		if a.ServerOf(key) != b.ServerOf(key) {
			t.Errorf("%s is on %s, and in another order on %s", key, a.ServerOf(key), b.ServerOf(key))
		}
	}
}

// TestOneServer is not sharded, nor is none.
func TestOneServer(t *testing.T) {
	if d := open(t, settingsFor("127.0.0.1:1")); d.Sharded() || d.ServerOf("key") != "127.0.0.1:1" {
		t.Errorf("a single server: %t, %q", d.Sharded(), d.ServerOf("key"))
	}
	twice, err := memcached.New(memcache.New(), memcached.Options{Selector: twice{}})
	if err != nil {
		t.Fatal(err)
	}
	if twice.Sharded() {
		t.Error("a server that is named twice is sharded")
	}
	none, err := memcached.New(memcache.New(), memcached.Options{Selector: serversOf(t)})
	if err != nil {
		t.Fatal(err)
	}
	if none.Sharded() || none.ServerOf("key") != "" {
		t.Errorf("no server: %t, %q", none.Sharded(), none.ServerOf("key"))
	}
}

// twice is a selector that names one server twice.
type twice struct{}

func (twice) PickServer(string) (net.Addr, error) { return &net.TCPAddr{Port: 1}, nil }
func (twice) Each(f func(net.Addr) error) error {
	for range 2 {
		if err := f(&net.TCPAddr{Port: 1}); err != nil {
			return err
		}
	}
	return nil
}
