package dynamodb_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/dynamodb"
)

// integer returns a number of an item.
func integer(t testing.TB, it item, attribute string) int64 {
	t.Helper()
	stored, ok := it[attribute].(*types.AttributeValueMemberN)
	if !ok {
		t.Fatalf("the attribute %s is %v, want a number", attribute, it[attribute])
	}
	n, err := strconv.ParseInt(stored.Value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func names(it item) []string { return slices.Sorted(maps.Keys(it)) }

// What Set leaves in the table is what fastapi-cachette reads, and one attribute more.
func TestItem(t *testing.T) {
	d, st := freshDriver(t)
	now := time.UnixMilli(1_700_000_000_123)
	d.SetClock(func() time.Time { return now })
	for _, value := range []string{"hello", "", "\x00\xff\xfe"} {
		set(t, d, "greeting", value, 90*time.Second)
		it := st.get(t, "greeting")
		if got, want := names(it), []string{"expires", "expires_ms", "key", "value"}; !slices.Equal(got, want) {
			t.Errorf("the item has the attributes %q, want %q", got, want)
		}
		if stored, ok := it["value"].(*types.AttributeValueMemberB); !ok || string(stored.Value) != value {
			t.Errorf("the value is %v, want %q as bytes", it["value"], value)
		}
		if got := integer(t, it, "expires_ms"); got != 1_700_000_090_123 {
			t.Errorf("expires_ms = %d, want 1700000090123", got)
		}
		if got := integer(t, it, "expires"); got != 1_700_000_090 {
			t.Errorf("expires = %d, want 1700000090", got)
		}
	}
}

// What Python counts as the time that is left is right to a second, and what it would have written itself.
func TestRounding(t *testing.T) {
	d, st := freshDriver(t)
	for _, ttl := range []time.Duration{time.Millisecond, 200 * time.Millisecond, time.Second, 1500 * time.Millisecond,
		time.Minute, 45 * 24 * time.Hour, math.MaxInt64} {
		for _, fraction := range []int64{0, 1, 499, 500, 999} {
			t.Run(fmt.Sprintf("%v from .%03d", ttl, fraction), func(t *testing.T) {
				now := time.UnixMilli(1_700_000_000_000 + fraction)
				d.SetClock(func() time.Time { return now })
				set(t, d, "key", "value", ttl)
				end := now.Add(ttl).UnixMilli()
				// What is left by Python's count: whole seconds, from the second that it is now.
				left, want := integer(t, st.get(t, "key"), "expires")-now.Unix(), end-now.UnixMilli()
				if off := left*1000 - want; off <= -1000 || off >= 1000 {
					t.Errorf("Python has %d s left of %d ms", left, want)
				}
				if ttl%time.Second == 0 && left != int64(ttl/time.Second) {
					t.Errorf("Python has %d s left of %v, and would have written %d", left, ttl, ttl/time.Second)
				}
				for at, want := range map[int64]bool{end - 1: true, end: false} {
					d.SetClock(func() time.Time { return time.UnixMilli(at) })
					got, err := d.Get(t.Context(), "key")
					if want && (err != nil || got.ExpiresAt.UnixMilli() != end) {
						t.Errorf("a millisecond before its end: it ends at %v, %v, want %d", got.ExpiresAt.UnixMilli(), err, end)
					}
					if !want && !errors.Is(err, drivers.ErrMiss) {
						t.Errorf("at its end: %v, want ErrMiss", err)
					}
				}
			})
		}
	}
}

// Items that others wrote, or changed.
func TestForeignItems(t *testing.T) {
	d, st := freshDriver(t)
	if err := d.Ping(t.Context()); err != nil { // which prepares the table
		t.Fatal(err)
	}
	const expires = 1_700_000_000
	number := n(strconv.Itoa(expires))
	for _, row := range []struct {
		name string
		it   item
		end  int64 // in milliseconds; 0 for one that is never seen
	}{
		{"of Python", item{"value": b("v"), "expires": number}, expires * 1000},
		{"of Python, empty", item{"value": b(""), "expires": number}, expires * 1000},
		{"ours", item{"value": b("v"), "expires": number, "expires_ms": n("1700000000234")}, 1_700_000_000_234},
		{"expires moved", item{"value": b("v"), "expires": number, "expires_ms": n("1700000099234")}, expires * 1000},
		{"moved to the second before the end", item{"value": b("v"), "expires": number, "expires_ms": n("1700000001234")},
			expires * 1000},
		{"expires_ms is no number", item{"value": b("v"), "expires": number, "expires_ms": s("1700000001234")}, expires * 1000},
		{"far in the future", item{"value": b("v"), "expires": n("9223372036854775")}, math.MaxInt64 / 1000 * 1000},
		{"no expires", item{"value": b("v")}, 0},
		{"no expires, but expires_ms", item{"value": b("v"), "expires_ms": n("1700000001234")}, 0},
		{"a text as expires", item{"value": b("v"), "expires": s("1700000000")}, 0},
		{"negative", item{"value": b("v"), "expires": n("-5")}, 0},
		{"a text as value", item{"value": s("v"), "expires": number}, 0},
		{"no value", item{"expires": number}, 0},
	} {
		t.Run(row.name, func(t *testing.T) { testForeignItem(t, d, st, row.it, row.end) })
	}
}

// early is before any end of the items of TestForeignItems, in milliseconds.
const early = 1_600_000_000_000

// testForeignItem looks at an item that ends then, in milliseconds, before that and at it; 0 is for one that is never seen.
func testForeignItem(t *testing.T, d *dynamodb.Driver, st *store, it item, end int64) {
	it["key"] = s("foreign")
	st.put(t, it)
	d.SetClock(func() time.Time { return time.UnixMilli(early) })
	got, err := d.Get(t.Context(), "foreign")
	if end == 0 {
		if !errors.Is(err, drivers.ErrMiss) {
			t.Errorf("Get = %q, %v, want ErrMiss", got.Value, err)
		}
		wantCount(t, "Delete", 0)(d.Delete(t.Context(), "foreign"))
		return
	}
	if err != nil || got.ExpiresAt.UnixMilli() != end || got.Value == nil {
		t.Fatalf("Get = %q, %v, %v, want the end %d", got.Value, got.ExpiresAt.UnixMilli(), err, end)
	}
	d.SetClock(func() time.Time { return time.UnixMilli(end - 1) })
	wantCount(t, "Sweep before its end", 0)(d.Sweep(t.Context()))
	wantValue(t, d, "foreign", string(got.Value))
	d.SetClock(func() time.Time { return time.UnixMilli(end) })
	wantMiss(t, d, "foreign")
	values, err := d.GetValues(t.Context(), "foreign", "other")
	if err != nil || values[0] != nil {
		t.Errorf("GetValues at its end = %q, %v, want nothing", values, err)
	}
	wantCount(t, "Delete at its end", 0)(d.Delete(t.Context(), "foreign"))
	st.put(t, it)
	wantCount(t, "Clear at its end", 0)(d.Clear(t.Context(), "foreign"))
	st.put(t, it)
	wantCount(t, "Sweep at its end", 1)(d.Sweep(t.Context()))
	if st.get(t, "foreign") != nil {
		t.Error("Sweep has left it in the table")
	}
	st.put(t, it)
	d.SetClock(func() time.Time { return time.UnixMilli(early) })
	wantCount(t, "Clear", 1)(d.Clear(t.Context(), "foreign"))
	st.put(t, it)
	wantCount(t, "Delete", 1)(d.Delete(t.Context(), "foreign"))
}

// An end that no clock can tell is a late one.
func TestEndBeyondTime(t *testing.T) {
	d, st := freshDriver(t)
	wantMiss(t, d, "key")
	st.put(t, item{"key": s("key"), "value": b("v"), "expires": n("9223372036854775807")})
	wantValue(t, d, "key", "v")
}

// Keys stand in the table as they are, except for those that cannot.
func TestStoredKeys(t *testing.T) {
	d, st := freshDriver(t)
	for _, row := range []struct {
		name, key string
		plain     bool
	}{
		{"Short", "k", true},
		{"OfCachette", "cachette:GET https://example.com/?a=b", true},
		{"Unicode", "日本語 🙂 é e\u0301 \ufffd", true},
		{"Control", "\x00\x01\r\n\u2028\x7f", true},
		{"Longest", strings.Repeat("k", dynamodb.MaxKey), true},
		{"LongestUnicode", strings.Repeat("é", dynamodb.MaxKey/2), true},
		{"AlmostMarker", "cachette-sha256", true},
		{"Empty", "", false},
		{"TooLong", strings.Repeat("k", dynamodb.MaxKey+1), false},
		{"TooLongUnicode", strings.Repeat("é", dynamodb.MaxKey/2) + "k", false},
		{"NotUTF8", "k\xff", false},
		{"HalfARune", "\xc3", false},
		{"Surrogate", "\xed\xa0\x80", false},
		{"Marker", dynamodb.Marker, false},
		{"LikeAMappedOne", dynamodb.Marker + strings.Repeat("0", 64), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			set(t, d, row.key, "value of "+row.name, long)
			wantValue(t, d, row.key, "value of "+row.name)
			if row.plain {
				it := st.get(t, row.key)
				if it == nil || it["key_bytes"] != nil {
					t.Errorf("the item under the plain key is %v", names(it))
				}
				return
			}
			out := st.mapped(t)
			i := slices.IndexFunc(out, func(it item) bool {
				original, ok := it["key_bytes"].(*types.AttributeValueMemberB)
				return ok && string(original.Value) == row.key
			})
			if i < 0 {
				t.Fatal("no item has the key in key_bytes")
			}
			// Another key's item under the same digest, as if SHA-256 had been broken, is of no key.
			out[i]["key_bytes"] = b("other")
			st.put(t, out[i])
			wantMiss(t, d, row.key)
			wantCount(t, "Delete of another's", 0)(d.Delete(t.Context(), row.key))
			st.put(t, out[i])
			wantCount(t, "Clear of another's", 0)(d.Clear(t.Context(), "other"))
		})
	}
}

// mapped returns the items whose keys are stored as digests.
func (st *store) mapped(t testing.TB) (items []item) {
	t.Helper()
	for _, it := range st.all(t) {
		if key, ok := it["key"].(*types.AttributeValueMemberS); ok && strings.HasPrefix(key.Value, dynamodb.Marker) {
			items = append(items, it)
		}
	}
	return items
}

// Clear looks at the keys themselves where they are stored as digests, and leaves alone what no driver has written.
func TestClearOfMappedKeys(t *testing.T) {
	d, st := freshDriver(t)
	tail := strings.Repeat("k", 3000)
	for _, key := range []string{"", "a:" + tail, "a:\xff", "a:1", "b:" + tail, "日\xe6", "日本", "本", dynamodb.Marker + "x"} {
		set(t, d, key, "value", long)
	}
	foreign := dynamodb.Marker + "not a digest"
	st.put(t, item{"key": s(foreign), "value": b("v"), "expires": n("9999999999")})
	for _, row := range []struct {
		prefix string
		want   int
	}{
		{"a:", 3},
		{"a:", 0},
		{"b:" + tail, 1},
		{"日\xe6", 2},
		{"\xe6", 1},          // the first byte of 本
		{dynamodb.Marker, 1}, // as a key begins, not as a digest does
		{"", 1},
	} {
		wantCount(t, fmt.Sprintf("Clear(%.20q)", row.prefix), row.want)(d.Clear(t.Context(), row.prefix))
	}
	if left := st.all(t); len(left) != 1 || st.get(t, foreign) == nil {
		t.Errorf("%d items are left, want the foreign one", len(left))
	}
}

// The limit is the server's own, and within a few bytes of it.
func TestMaxValue(t *testing.T) {
	t.Parallel()
	d, st := freshDriver(t)
	for _, key := range []string{"k", strings.Repeat("k", dynamodb.MaxKey), strings.Repeat("é", 500), "",
		strings.Repeat("k", 10<<10)} {
		most := d.MaxValue(key)
		if most+dynamodb.Overhead(key) != dynamodb.MaxItem {
			t.Errorf("MaxValue(%.10q) = %d", key, most)
		}
		// The latest end has the most digits.
		set(t, d, key, strings.Repeat("v", most), math.MaxInt64)
		wantValue(t, d, key, strings.Repeat("v", most))

		// The server that the tests run against counts UTF-16 units, and fewer bytes for short numbers.
		it := st.all(t)[0]
		it["value"] = b(strings.Repeat("v", most+8+len(key)-len([]rune(key))))
		if _, err := st.client.PutItem(t.Context(), putInput(st, it)); err == nil || !strings.Contains(err.Error(), "size") {
			t.Errorf("the server takes more than MaxValue(%.10q), which is %d, by 8 bytes: %v", key, most, err)
		}
		wantCount(t, "Clear", 1)(d.Clear(t.Context(), key))
	}
	if most := d.MaxValue(strings.Repeat("k", dynamodb.MaxItem)); most >= 0 {
		t.Errorf("MaxValue of a key as long as an item = %d, want less than 0", most)
	}
}

// Nothing is sent of an entry that is too large, and what was there is removed.
func TestTooLarge(t *testing.T) {
	for _, row := range []struct {
		name, key string
		size      int
		put       answer // nil if it must not be asked
	}{
		{"Value", "key", dynamodb.MaxItem, nil},
		{"Key", strings.Repeat("k", dynamodb.MaxItem), 0, nil},
		{"ByTheServersCount", "key", 1000, always(fails("ValidationException", "Item size has exceeded the maximum allowed size"))},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t, map[string]answer{"PutItem": row.put})
			d := newDriver(t, newClient(t, f.URL), dynamodb.Options{})
			err := d.Set(t.Context(), row.key, make([]byte, row.size), long)
			if !errors.Is(err, drivers.ErrTooLarge) {
				t.Errorf("Set: %v, want ErrTooLarge", err)
			}
			if row.put == nil && len(f.called("PutItem")) > 0 {
				t.Error("the entry was sent")
			}
			if len(f.called("DeleteItem")) != 1 {
				t.Error("what was there was not removed")
			}
			f.set("DeleteItem", always(fails("InternalServerError", "no")))
			err = d.Set(t.Context(), row.key, make([]byte, row.size), long)
			var failed *types.InternalServerError
			if !errors.Is(err, drivers.ErrTooLarge) || !errors.As(err, &failed) {
				t.Errorf("Set: %v, want ErrTooLarge and why what was there could not be removed", err)
			}
		})
	}
}
