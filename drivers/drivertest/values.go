package drivertest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

func testGet(t *testing.T, _ Harness, d drivers.Driver) {
	t.Run("Absent", func(t *testing.T) {
		wantMiss(t, d, "absent")
	})
	t.Run("RoundTrip", func(t *testing.T) {
		set(t, d, "greeting", "hello", long)
		wantValue(t, d, "greeting", "hello")
		wantValue(t, d, "greeting", "hello") // reading does not consume
	})
	t.Run("Overwrite", func(t *testing.T) {
		for _, value := range []string{"first", "a second, longer one", "3"} {
			set(t, d, "again", value, long)
			wantValue(t, d, "again", value)
		}
	})
	t.Run("NotPositiveTTL", func(t *testing.T) {
		set(t, d, "kept", "value", long)
		for _, ttl := range []time.Duration{0, -1, -time.Hour} {
			if err := d.Set(t.Context(), "refused", []byte("value"), ttl); err == nil {
				t.Errorf("Set with a ttl of %v: no error", ttl)
			}
			wantMiss(t, d, "refused")
		}
		wantValue(t, d, "kept", "value")
	})
}

func testValues(t *testing.T, h Harness, d drivers.Driver) {
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	// Random bytes, so that a store that compresses is not flattered.
	largest := make([]byte, h.MaxValue)
	random := rand.NewChaCha8([32]byte{})
	random.Read(largest)

	for _, row := range []struct{ name, value string }{
		{"Empty", ""},
		{"EveryByte", string(everyByte)},
		{"NUL", "\x00"},
		{"LineEnds", "a\r\nEND\r\n"},
		{"Number", "0042"},
		{"JSONNull", "null"},
		{"InvalidUTF8", "\xff\xfe\xc3"},
		{"Spaces", " a "},
		{"Kibibyte", strings.Repeat("k", 1024)},
		{"Largest", string(largest)},
	} {
		t.Run(row.name, func(t *testing.T) {
			set(t, d, "value", row.value, long)
			wantValue(t, d, "value", row.value)
		})
	}
	t.Run("Nil", func(t *testing.T) {
		if err := d.Set(t.Context(), "value", nil, long); err != nil {
			t.Fatal(err)
		}
		wantValue(t, d, "value", "")
	})
}

// testKeys keeps keys that are easily taken for one another, all at once.
func testKeys(t *testing.T, _ Harness, d drivers.Driver) {
	var everyByte strings.Builder
	for i := range 256 {
		everyByte.WriteByte(byte(i))
	}
	keys := []string{
		"",
		"a", "ab", "abc", "A", "AB",
		" ", "a ", " a", "a b", "a  b",
		"a\tb", "a\nb", "a\r\nb", "a\x00", "a\x00b", "\x7f",
		"a:b", "a:b:c", "a/b", "a//b", "a%2Fb", "a%2fb", "a+b", "a?b=c&d", "a#b", `a\b`, `a"b`, "a'b", "{a}b", "$a", "a.b",
		"ж", "日本語", "🙂", "\u00e9", "e\u0301", // the last two look alike
		"\ufffd", "\xff", "\xfe", "\xc3", "\xc3\xa9\xc3", // what replaces invalid UTF-8, and what is replaced
		everyByte.String(),
		strings.Repeat("k", 250), strings.Repeat("k", 251), strings.Repeat("k", 300),
		strings.Repeat("k", 299) + "K", strings.Repeat("k", 299) + " ",
		strings.Repeat("k", 10<<10), strings.Repeat("k", 10<<10-1) + "K",
	}
	left := len(keys)
	for i, key := range keys {
		set(t, d, key, fmt.Sprint(i), long)
	}
	t.Run("Distinct", func(t *testing.T) {
		for i, key := range keys {
			wantValue(t, d, key, fmt.Sprint(i))
		}
	})
	t.Run("DeleteTakesOne", func(t *testing.T) {
		for i := 0; i < len(keys); i += 2 {
			wantDeleted(t, d, 1, keys[i])
			left--
		}
		for i, key := range keys {
			if i%2 == 0 {
				wantMiss(t, d, key)
			} else {
				wantValue(t, d, key, fmt.Sprint(i))
			}
		}
	})
	t.Run("ClearFindsAll", func(t *testing.T) { wantCleared(t, d, left, "") })
}

// testOwnership changes what the driver was given and what it gave.
func testOwnership(t *testing.T, _ Harness, d drivers.Driver) {
	t.Run("Given", func(t *testing.T) {
		value := []byte("as it was")
		if err := d.Set(t.Context(), "given", value, long); err != nil {
			t.Fatal(err)
		}
		copy(value, "CHANGED")
		wantValue(t, d, "given", "as it was")
	})
	t.Run("Returned", func(t *testing.T) {
		set(t, d, "returned", "as it was", long)
		first, err := d.Get(t.Context(), "returned")
		if err != nil {
			t.Fatal(err)
		}
		second, err := d.Get(t.Context(), "returned")
		if err != nil {
			t.Fatal(err)
		}
		copy(first.Value, "CHANGED")
		_ = append(first.Value, " and more"...)
		if got := string(second.Value); got != "as it was" {
			t.Errorf("a value returned before became %q", got)
		}
		wantValue(t, d, "returned", "as it was")
	})
	t.Run("ReturnedThenOverwritten", func(t *testing.T) {
		set(t, d, "overwritten", "as it was", long)
		item, err := d.Get(t.Context(), "overwritten")
		if err != nil {
			t.Fatal(err)
		}
		set(t, d, "overwritten", "replaced!", long)
		if got := string(item.Value); got != "as it was" {
			t.Errorf("a value returned before became %q", got)
		}
	})
}
