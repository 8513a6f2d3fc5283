package memcached

import (
	"fmt"
	"math"
	"testing"
	"time"
)

const day = 24 * time.Hour

// TestExpiryRoundTrip writes at one moment and reads at others.
func TestExpiryRoundTrip(t *testing.T) {
	written := []time.Time{
		time.Date(2026, 11, 22, 10, 40, 49, 123456789, time.UTC),
		time.UnixMilli(1 << 29 * 3322), // the milliseconds begin anew at this very moment
		time.UnixMilli(1<<29*3322 - 1),
		time.UnixMilli(1<<29*3322 - 500),
		time.Unix(1<<28*7, 0), // the seconds
		time.Unix(1<<28*7-1, 999999999),
		time.Date(2038, 1, 19, 3, 14, 7, 0, time.UTC), // 32 bits of seconds end
		time.Date(2106, 2, 7, 6, 28, 15, 0, time.UTC),
	}
	for _, row := range []struct {
		ttl, resolution time.Duration
	}{
		{1, time.Millisecond},
		{time.Millisecond, time.Millisecond},
		{200 * time.Millisecond, time.Millisecond},
		{time.Second, time.Millisecond},
		{time.Hour, time.Millisecond},
		{48 * time.Hour, time.Millisecond},
		{48*time.Hour + 1, time.Second},
		{30 * day, time.Second},
		{45 * day, time.Second},
		{3 * 365 * day, time.Second},
		{3*365*day + 1, time.Minute},
		{100 * 365 * day, time.Minute},
		{math.MaxInt64, time.Minute},
	} {
		for _, now := range written {
			flags := encodeExpiry(now, row.ttl)
			end := now.Add(row.ttl)
			reads := []time.Time{now, now.Add(-5 * time.Second), now.Add(-23 * time.Hour), end, end.Add(time.Millisecond),
				end.Add(3 * time.Second), end.Add(2 * day)}
			for _, read := range reads {
				got, ours := decodeExpiry(flags, read)
				if !ours || got.After(end) || end.Sub(got) >= row.resolution {
					t.Errorf("written at %v for %v, read at %v: %v, %t; want %v, less than %v earlier",
						now, row.ttl, read, got, ours, end, row.resolution)
				}
			}
		}
	}
}

// TestForeignFlags holds what other programs' clients write.
func TestForeignFlags(t *testing.T) {
	now := time.Now()
	for _, flags := range []uint32{
		0, 1, 2, 3, 4, 8, 16, 32, // pymemcache, python-memcached, pylibmc, dalli
		0x100, 0x200, 0x300, 0x400, 0x500, 0x600, 0x700, 0x800, 0xf00, 0x101, // spymemcached
		0xffff, 0x10000, 0xfa52, // Enyim
		0x01000000, 0x02000000, 0x02000006, 0x03000000, 0x04000000, 0x20000000, 0x60000000, // Couchbase
		0x7fffffff, 0x80000000, 0xc0000000, 0xe0000000, 0xffff0000, 0xffffffff,
	} {
		if end, ours := decodeExpiry(flags, now); ours {
			t.Errorf("flags %#x are taken for ours: %v", flags, end)
		}
	}
}

// TestFlagsAreOurs says what the three forms look like, as programs of other languages may read them.
func TestFlagsAreOurs(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, row := range []struct {
		ttl  time.Duration
		want uint32
	}{
		{time.Minute, 0xa0000000 | uint32(1_800_000_060_000%(1<<29))},
		{48 * time.Hour, 0xa0000000 | uint32((1_800_000_000_000+48*3600_000)%(1<<29))},
		{48*time.Hour + 1, 0xd0000000 | uint32((1_800_000_000+48*3600)%(1<<28))},
		{45 * day, 0xd0000000 | uint32((1_800_000_000+45*86400)%(1<<28))},
		{3 * 365 * day, 0xd0000000 | uint32((1_800_000_000+3*365*86400)%(1<<28))},
		{3*365*day + 1, 0x90000000 | uint32((1_800_000_000+3*365*86400)/60)},
		{math.MaxInt64, 0x90000000 | uint32((1_800_000_000+math.MaxInt64/1_000_000_000)/60)},
	} {
		if got := encodeExpiry(now, row.ttl); got != row.want {
			t.Errorf("%v: %#x, want %#x", row.ttl, got, row.want)
		}
	}
}

func TestExptime(t *testing.T) {
	now := time.Unix(1_800_000_000, 999_999_999)
	for _, row := range []struct {
		ttl  time.Duration
		want int32
	}{
		{1, 2},
		{time.Millisecond, 2},
		{time.Second, 2},
		{time.Second + 1, 3},
		{time.Hour, 3601},
		{30*day - time.Second, 30 * 86400},
		{30*day - time.Second + 1, 1_800_000_002 + 30*86400}, // would be 30 days and a second
		{30 * day, 1_800_000_002 + 30*86400},
		{45 * day, 1_800_000_002 + 45*86400},
		{100 * 365 * day, 0},
		{math.MaxInt64, 0},
	} {
		t.Run(fmt.Sprint(row.ttl), func(t *testing.T) {
			if got := exptime(now, row.ttl); got != row.want {
				t.Errorf("%d, want %d", got, row.want)
			}
		})
	}
	t.Run("LastDate", func(t *testing.T) {
		now := time.Unix(math.MaxInt32, 0).Add(-40*day - 2*time.Second)
		if got := exptime(now, 40*day); got != math.MaxInt32 {
			t.Errorf("%d, want the last date, %d", got, math.MaxInt32)
		}
		if got := exptime(now, 40*day+1); got != 0 {
			t.Errorf("a second later: %d, want 0", got)
		}
	})
}
