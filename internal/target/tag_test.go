package target_test

import (
	"fmt"
	"hash/crc32"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/target"
)

// crc16 is the checksum by which Redis Cluster finds the slot of a key: that of XMODEM.
func crc16(text string) (sum uint16) {
	for i := range len(text) {
		sum ^= uint16(text[i]) << 8
		for range 8 {
			carry := sum >> 15
			sum = sum<<1 ^ carry*0x1021
		}
	}
	return sum
}

// TestTags: each server of a store has its share of the tags.
func TestTags(t *testing.T) {
	if crc16("123456789") != 0x31c3 { // as the specification of Redis Cluster has it
		t.Fatal("the checksum is not that of Redis Cluster")
	}
	for i := range target.Partitions {
		tag := target.Tag(i)
		name := strings.Trim(tag, "{}")
		if tag != "{"+name+"}" || len(name) != 2 {
			t.Errorf("%q is no tag", tag)
		}
		if slot := int(crc16(name) % 16384); slot/256 != i {
			t.Errorf("the tag %q of partition %d is in slot %d, want one from %d on", tag, i, slot, i*256)
		}
	}
	for servers := 2; servers <= 8; servers++ {
		has := make([]int, servers)
		for i := range target.Partitions {
			has[crc32.ChecksumIEEE([]byte(strings.Trim(target.Tag(i), "{}")))%uint32(servers)]++
		}
		for i, n := range has {
			if least := target.Partitions / servers; n < least-1 || n > least+1 {
				t.Errorf("server %d of %d has %d of the tags", i, servers, n)
			}
		}
	}
}

// TestPartition: paths that programs have are spread, and a path stays in its partition, also in the next release.
func TestPartition(t *testing.T) {
	for path, want := range map[string]int{"": 33, "/": 57, "/a": 49, "/a/1": 16, "/products/42": 20} {
		if got := target.Partition(path); got != want {
			t.Errorf("%q is in partition %d, want %d", path, got, want)
		}
	}
	for _, form := range []string{"/%d", "/products/%d", "/%d/comments", "/a/%08x"} {
		var has [target.Partitions]int
		for i := range 6400 {
			has[target.Partition(fmt.Sprintf(form, i))]++
		}
		for i, n := range has {
			if n < 50 || n > 150 {
				t.Errorf("of %s %d are in partition %d, want about 100", form, n, i)
			}
		}
	}
}

// TestTaggedKeys: where keys are tagged, those of one path have its tag behind the marker, whatever else they are of, and a key is
// otherwise as it is without.
func TestTaggedKeys(t *testing.T) {
	route := target.Route{Prefix: "p:", Namespaces: []string{"n"}, Query: target.WholeQuery}
	plain := target.NewScheme(route)
	route.Tagged = true
	tagged := target.NewScheme(route)
	for _, line := range []string{"/a", "/a?b=c", "/a{b}", "/{x}/y", "*", "/a%2Fb"} {
		for _, tls := range []bool{false, true} {
			r := httptest.NewRequest("GET", "/", nil)
			r.RequestURI = line
			r.URL.Path, r.URL.RawQuery, _ = strings.Cut(line, "?")
			tag := target.Tag(target.Partition(r.URL.Path))
			want := strings.Replace(plain.Target(r, tls, target.Said{}).Key, "~r:", "~r:"+tag, 1)
			if got := tagged.Target(r, tls, target.Said{}); got.Key != want || got.Path != r.URL.Path {
				t.Errorf("%s: %q, want %q", line, got.Key, want)
			}
		}
	}
}
