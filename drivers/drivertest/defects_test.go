package drivertest_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// defect is a mistake that drivers make, with the subtest that must find it.
type defect struct {
	foundBy   string
	introduce func(d *fake)
}

// defects are all of them.
var defects = func() map[string]defect {
	all := make(map[string]defect)
	for _, some := range []map[string]defect{driverDefects, manyDefects, adderDefects, logDefects, purgerDefects, waiterDefects, listDefects} {
		maps.Copy(all, some)
	}
	return all
}()

var driverDefects = map[string]defect{
	// Values and keys.

	"MissIsNoError": {"Get/Absent", func(d *fake) {
		d.get = func(ctx context.Context, key string) (drivers.Item, error) {
			item, err := d.correctGet(ctx, key)
			if errors.Is(err, drivers.ErrMiss) {
				err = nil
			}
			return item, err
		}
	}},
	"MissIsAnotherError": {"Get/Absent", func(d *fake) {
		d.get = func(ctx context.Context, key string) (drivers.Item, error) {
			item, err := d.correctGet(ctx, key)
			if errors.Is(err, drivers.ErrMiss) {
				err = errors.New("no such key")
			}
			return item, err
		}
	}},
	"AddsOnly": {"Get/Overwrite", func(d *fake) {
		d.set = func(ctx context.Context, key string, value []byte, ttl time.Duration) error {
			if _, err := d.correctGet(ctx, key); err == nil {
				return nil
			}
			return d.correctSet(ctx, key, value, ttl)
		}
	}},
	"ZeroTTLIsForEver": {"Get/NotPositiveTTL", func(d *fake) {
		d.set = func(ctx context.Context, key string, value []byte, ttl time.Duration) error {
			if ttl == 0 {
				ttl = time.Hour
			}
			return d.correctSet(ctx, key, value, ttl)
		}
	}},
	"EmptyValueIsAMiss": {"Values/Empty", func(d *fake) {
		d.get = func(ctx context.Context, key string) (drivers.Item, error) {
			item, err := d.correctGet(ctx, key)
			if err == nil && len(item.Value) == 0 {
				err = drivers.ErrMiss
			}
			return item, err
		}
	}},
	"ValuesAreText":      {"Values/EveryByte", func(d *fake) { d.given = func(v []byte) []byte { return bytes.ToValidUTF8(v, nil) } }},
	"ValuesAreTrimmed":   {"Values/Spaces", func(d *fake) { d.given = bytes.TrimSpace }},
	"LargeValuesAreCut":  {"Values/Largest", func(d *fake) { d.given = func(v []byte) []byte { return bytes.Clone(v[:min(len(v), 1<<19)]) } }},
	"KeysAreText":        {"Keys/Distinct", func(d *fake) { d.key = func(key string) string { return strings.ToValidUTF8(key, "\ufffd") } }},
	"KeysAreTrimmed":     {"Keys/Distinct", func(d *fake) { d.key = strings.TrimSpace }},
	"KeysAreFolded":      {"Keys/Distinct", func(d *fake) { d.key = strings.ToLower }},
	"KeysAreCut":         {"Keys/Distinct", func(d *fake) { d.key = func(key string) string { return key[:min(len(key), 250)] } }},
	"KeysEndAtNUL":       {"Keys/Distinct", func(d *fake) { d.key = func(key string) string { key, _, _ = strings.Cut(key, "\x00"); return key } }},
	"KeepsTheSliceGiven": {"Ownership/Given", func(d *fake) { d.given = func(v []byte) []byte { return v } }},
	"HandsOutItsSlice":   {"Ownership/Returned", func(d *fake) { d.handOut = func(v []byte) []byte { return v } }},
	"ReusesItsSlice": {"Ownership/ReturnedThenOverwritten", func(d *fake) {
		buffer := make([]byte, 0, 1<<20)
		d.handOut = func(v []byte) []byte { return v }
		d.given = func(v []byte) []byte { buffer = append(buffer[:0], v...); return buffer }
	}},

	// Several keys at once, and the limit.

	"BatchDropsMisses": {"Batch/InTheirOrder", func(d *fake) {
		d.values = func(ctx context.Context, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			return slices.DeleteFunc(values, func(v []byte) bool { return v == nil }), err
		}
	}},
	"BatchHasNoMisses": {"Batch/Absent", func(d *fake) {
		d.values = func(ctx context.Context, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			for i := range values {
				values[i] = append([]byte{}, values[i]...)
			}
			return values, err
		}
	}},
	"BatchFailsOnAMiss": {"Batch/Absent", func(d *fake) {
		d.values = func(ctx context.Context, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			if err == nil && slices.ContainsFunc(values, func(v []byte) bool { return v == nil }) {
				err = drivers.ErrMiss
			}
			return values, err
		}
	}},
	"BatchTakesEmptyForAbsent": {"Batch/InTheirOrder", func(d *fake) {
		d.values = func(ctx context.Context, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			for i := range values {
				if len(values[i]) == 0 {
					values[i] = nil
				}
			}
			return values, err
		}
	}},
	"BatchSorts": {"Batch/InTheirOrder", func(d *fake) {
		d.values = func(ctx context.Context, keys ...string) ([][]byte, error) {
			return d.correctValues(ctx, slices.Sorted(slices.Values(keys))...)
		}
	}},
	"BatchForgetsTheSecond": {"Batch/SameTwice", func(d *fake) {
		d.values = func(ctx context.Context, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			for i := range values {
				if slices.Contains(keys[:i], keys[i]) {
					values[i] = nil
				}
			}
			return values, err
		}
	}},
	"BatchTakesAHundred": {"Batch/Many", func(d *fake) {
		d.values = func(ctx context.Context, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys[:min(len(keys), 100)]...)
			return append(values, make([][]byte, len(keys)-len(values))...), err
		}
	}},
	"BatchHasAMebibyte": {"Batch/Large", func(d *fake) {
		d.values = func(ctx context.Context, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			size := 0
			for i := range values {
				if size += len(values[i]); size > 1<<20 {
					values[i] = nil
				}
			}
			return values, err
		}
	}},
	"BatchSharesItsBytes": {"Batch/Owned", func(d *fake) {
		d.values = func(ctx context.Context, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			if len(values) == 2 && keys[0] == keys[1] {
				values[1] = values[0]
			}
			return values, err
		}
	}},
	"BatchSeesTheExpired": {"Batch/InTheirOrder", func(d *fake) {
		d.values = func(ctx context.Context, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			for i, key := range keys {
				if e, ok := d.entries[key]; ok && err == nil {
					values[i] = append([]byte{}, e.value...)
				}
			}
			return values, err
		}
	}},
	"BatchIgnoresTheContext": {"Context/GetValuesCancelled", func(d *fake) {
		d.values = func(_ context.Context, keys ...string) ([][]byte, error) {
			return d.correctValues(context.Background(), keys...)
		}
	}},
	"LimitIsTooLow":      {"Limited", func(d *fake) { d.limit = func(key string) int { return d.correctLimit(key) - 1 } }},
	"LimitIsTooHigh":     {"Limited", func(d *fake) { d.limit = func(key string) int { return d.correctLimit(key) + 1 } }},
	"LimitIsNone":        {"Limited", func(d *fake) { d.limit = func(string) int { return 0 } }},
	"LimitForgetsTheKey": {"Limited", func(d *fake) { d.limit = func(string) int { return d.correctLimit("k") } }},
	"TooLargeIsAnyError": {"Limited", func(d *fake) {
		d.set = func(ctx context.Context, key string, value []byte, ttl time.Duration) error {
			err := d.correctSet(ctx, key, value, ttl)
			if errors.Is(err, drivers.ErrTooLarge) {
				err = errors.New("no")
			}
			return err
		}
	}},
	"TooLargeLeavesTheOld": {"Limited", func(d *fake) {
		d.set = func(ctx context.Context, key string, value []byte, ttl time.Duration) error {
			if len(value) > d.correctLimit(key) {
				return drivers.ErrTooLarge
			}
			return d.correctSet(ctx, key, value, ttl)
		}
	}},

	// Delete and Clear.

	"DeleteCountsAbsent": {"Delete/Absent", func(d *fake) {
		d.delete = func(ctx context.Context, keys ...string) (int, error) {
			_, err := d.correctDelete(ctx, keys...)
			return len(keys), err
		}
	}},
	"DeleteCountsTwice": {"Delete/SameTwice", func(d *fake) {
		d.delete = func(ctx context.Context, keys ...string) (int, error) {
			n := 0
			for _, key := range keys {
				if _, err := d.correctGet(ctx, key); err == nil {
					n++
				}
			}
			_, err := d.correctDelete(ctx, keys...)
			return n, err
		}
	}},
	"DeleteTakesAHundred": {"Delete/Many", func(d *fake) {
		d.delete = func(ctx context.Context, keys ...string) (int, error) {
			return d.correctDelete(ctx, keys[:min(len(keys), 100)]...)
		}
	}},
	"DeleteLooksFirst": {"Delete/AtOnce", func(d *fake) {
		d.delete = func(ctx context.Context, keys ...string) (int, error) {
			n := 0
			for _, key := range keys {
				if _, err := d.correctGet(ctx, key); err == nil {
					n++
				}
			}
			time.Sleep(time.Millisecond)
			_, err := d.correctDelete(ctx, keys...)
			return n, err
		}
	}},
	"DeleteCountsExpired": {"Expiry/DeleteDoesNotCount", func(d *fake) {
		d.delete = func(ctx context.Context, keys ...string) (int, error) {
			return d.removeIf(ctx, func(key string, _ entry) (remove, count bool) {
				remove = strings.Contains(strings.Join(keys, "\n"), key)
				return remove, true
			})
		}
	}},
	"ClearCountsExpired": {"Expiry/ClearDoesNotCount", func(d *fake) {
		d.clear = func(ctx context.Context, prefix string) (int, error) {
			return d.removeIf(ctx, func(key string, _ entry) (remove, count bool) {
				return strings.HasPrefix(key, prefix), true
			})
		}
	}},
	"ClearDropsTheSeparator": {"Clear/PrefixOfAnother", func(d *fake) {
		d.match = func(key, prefix string) bool { return strings.HasPrefix(key, strings.TrimSuffix(prefix, ":")) }
	}},
	"ClearAddsASeparator": {"Clear/WholeKey", func(d *fake) {
		d.match = func(key, prefix string) bool { return strings.HasPrefix(key, prefix+":") }
	}},
	"ClearSearches": {"Clear/InTheMiddle", func(d *fake) { d.match = strings.Contains }},
	"ClearFoldsCase": {"Clear/Case", func(d *fake) {
		d.match = func(key, prefix string) bool { return matches("(?i)^"+regexp.QuoteMeta(prefix), key) }
	}},
	"ClearGlobs":      {"Clear/Star", clearGlobs},
	"ClearGlobs?":     {"Clear/QuestionMark", clearGlobs},
	"ClearGlobs[]":    {"Clear/Brackets", clearGlobs},
	"ClearGlobs[":     {"Clear/OpenBracket", clearGlobs},
	"ClearGlobs\\":    {"Clear/BackslashStar", clearGlobs},
	"ClearRegexps.":   {"Clear/Dot", clearRegexps},
	"ClearRegexps^":   {"Clear/Caret", clearRegexps},
	"ClearRegexps$":   {"Clear/Dollar", clearRegexps},
	"ClearRegexps|":   {"Clear/Bar", clearRegexps},
	"ClearRegexps\\d": {"Clear/BackslashLetter", clearRegexps},
	"ClearIsLIKE%":    {"Clear/Percent", clearIsLike},
	"ClearIsLIKE_":    {"Clear/Underscore", clearIsLike},
	"ClearIsARange": {"Clear/HighestBytes", func(d *fake) {
		d.match = func(key, prefix string) bool {
			if prefix == "" {
				return true
			}
			next := []byte(prefix)
			next[len(next)-1]++
			return prefix <= key && key < string(next)
		}
	}},
	"ClearTakesAPage": {"ClearMany", func(d *fake) {
		d.clear = func(ctx context.Context, prefix string) (int, error) {
			n := 0
			return d.removeIf(ctx, func(key string, _ entry) (remove, count bool) {
				remove = n < 1000 && strings.HasPrefix(key, prefix)
				if remove {
					n++
				}
				return remove, true
			})
		}
	}},
	"ClearCountsEverything": {"ClearMany", func(d *fake) {
		d.clear = func(ctx context.Context, prefix string) (int, error) {
			time.Sleep(20 * time.Millisecond) // others write
			before := len(d.snapshot())
			_, err := d.correctClear(ctx, prefix)
			return before, err
		}
	}},

	// Expiry.

	"TTLRoundedUp": {"Expiry/200ms", func(d *fake) {
		d.ttl = func(ttl time.Duration) time.Duration { return (ttl + time.Second - 1).Truncate(time.Second) }
	}},
	"TTLRoundedDown": {"Expiry/200ms", func(d *fake) { d.ttl = func(ttl time.Duration) time.Duration { return ttl.Truncate(time.Second) } }},
	"TTLUnderASecondIsForEver": {"Expiry/1ms", func(d *fake) {
		d.ttl = func(ttl time.Duration) time.Duration {
			if ttl < time.Second {
				return time.Hour
			}
			return ttl
		}
	}},
	"TTLLate":  {"Expiry/1s", func(d *fake) { d.ttl = func(ttl time.Duration) time.Duration { return ttl + 300*time.Millisecond } }},
	"TTLEarly": {"Expiry/1s", func(d *fake) { d.ttl = func(ttl time.Duration) time.Duration { return ttl - 300*time.Millisecond } }},
	"TTLOver30DaysIsThePast": {"Expiry/45days", func(d *fake) {
		d.ttl = func(ttl time.Duration) time.Duration {
			if ttl > 30*24*time.Hour {
				return -time.Hour
			}
			return ttl
		}
	}},
	"TTLOverflows": {"Expiry/Longest", func(d *fake) { d.ttl = func(ttl time.Duration) time.Duration { return ttl + time.Millisecond } }},
	"TTLStays": {"Expiry/Prolonged", func(d *fake) {
		d.set = func(ctx context.Context, key string, value []byte, ttl time.Duration) error {
			if item, err := d.correctGet(ctx, key); err == nil {
				ttl = time.Until(item.ExpiresAt)
			}
			return d.correctSet(ctx, key, value, ttl)
		}
	}},
	"TTLOnlyGrows": {"Expiry/Shortened", func(d *fake) {
		d.set = func(ctx context.Context, key string, value []byte, ttl time.Duration) error {
			if item, err := d.correctGet(ctx, key); err == nil {
				ttl = max(ttl, time.Until(item.ExpiresAt))
			}
			return d.correctSet(ctx, key, value, ttl)
		}
	}},
	"NoExpiresAt": {"ExpiresAt/1m30s", func(d *fake) {
		d.get = func(ctx context.Context, key string) (drivers.Item, error) {
			item, err := d.correctGet(ctx, key)
			item.ExpiresAt = time.Time{}
			return item, err
		}
	}},

	// Use.

	"ContextIgnored": {"Context/GetCancelled", func(d *fake) {
		d.get = func(_ context.Context, key string) (drivers.Item, error) {
			return d.correctGet(context.Background(), key)
		}
	}},
	"ContextIgnoredByClear": {"Context/ClearPastDeadline", func(d *fake) {
		d.clear = func(_ context.Context, prefix string) (int, error) {
			return d.correctClear(context.Background(), prefix)
		}
	}},
	"ContextErrorLost": {"Context/SetPastDeadline", func(d *fake) {
		d.set = func(ctx context.Context, key string, value []byte, ttl time.Duration) error {
			if err := d.correctSet(ctx, key, value, ttl); err != nil {
				return errors.New("i/o timeout")
			}
			return nil
		}
	}},
	"TornWrites": {"Concurrency/OneKey", func(d *fake) {
		d.set = func(ctx context.Context, key string, value []byte, ttl time.Duration) error {
			if old, err := d.correctGet(ctx, key); err == nil && len(old.Value) > len(value)/2 {
				half := append(bytes.Clone(value[:len(value)/2]), old.Value[len(value)/2:]...)
				if err := d.correctSet(ctx, key, half, ttl); err != nil {
					return err
				}
				runtime.Gosched()
			}
			return d.correctSet(ctx, key, value, ttl)
		}
	}},
	"ReplacesByDeleting": {"Concurrency/OneKey", func(d *fake) {
		d.set = func(ctx context.Context, key string, value []byte, ttl time.Duration) error {
			if _, err := d.correctDelete(ctx, key); err != nil {
				return err
			}
			runtime.Gosched()
			return d.correctSet(ctx, key, value, ttl)
		}
	}},
	"UsableAfterClose": {"Close/GetAfter", func(d *fake) { d.close = func() error { return nil } }},
	"CloseTwice": {"Close/Twice", func(d *fake) {
		d.close = func() error {
			if d.correctPing(context.Background()) != nil {
				return errors.New("closed already")
			}
			return d.correctClose()
		}
	}},

	// The optional interfaces.

	"SweepFindsNothing": {"Sweeper/Expired", func(d *fake) { d.sweep = func(ctx context.Context) (int, error) { return 0, d.correctPing(ctx) } }},
	"SweepTakesAll":     {"Sweeper/LeavesTheLive", func(d *fake) { d.sweep = func(ctx context.Context) (int, error) { return d.correctClear(ctx, "") } }},
	"PingFails":         {"Pinger", func(d *fake) { d.ping = func(context.Context) error { return errors.New("no route to host") } }},
	"ObjectOneTooLate": {"Objects/Expiry", func(d *fake) {
		d.getObject = func(key string, now time.Time) (any, bool) {
			return d.correctGetObject(key, now.Add(-time.Millisecond))
		}
	}},
	"ObjectByItsOwnClock": {"Objects/Expiry", func(d *fake) {
		d.getObject = func(key string, _ time.Time) (any, bool) { return d.correctGetObject(key, time.Now()) }
	}},
	"ObjectTooLargeKept": {"Objects/TooLarge", func(d *fake) {
		d.putObject = func(key string, object any, _ int, ttl time.Duration) bool {
			return d.correctPutObject(key, object, 0, ttl)
		}
	}},
	"ObjectZeroTTL": {"Objects/NotPositiveTTL", func(d *fake) {
		d.putObject = func(key string, object any, size int, ttl time.Duration) bool {
			return d.correctPutObject(key, object, size, max(ttl, time.Second))
		}
	}},
	"ObjectsApartFromBytes": {"Objects/OverByteString", objectsApart},
	"ObjectsLeftByBytes":    {"Objects/ByteStringOver", objectsApart},
	"ObjectsLeftByDelete":   {"Objects/Delete", objectsApart},
	"ObjectsLeftByClear":    {"Objects/Clear", objectsApart},
	"SlicesTakenForByteStrings": {"Objects/SliceIsAnObject", func(d *fake) {
		d.putObject = func(key string, object any, size int, ttl time.Duration) bool {
			if value, ok := object.([]byte); ok {
				return d.correctSet(context.Background(), key, value, ttl) == nil
			}
			return d.correctPutObject(key, object, size, ttl)
		}
	}},
}

func clearGlobs(d *fake) {
	d.match = func(key, prefix string) bool {
		// path.Match stops at slashes, of which the suite's prefixes have none.
		ok, _ := path.Match(prefix+"*", key)
		return ok
	}
}

func clearRegexps(d *fake) {
	d.match = func(key, prefix string) bool { return matches("^"+prefix, key) }
}

func clearIsLike(d *fake) {
	d.match = func(key, prefix string) bool {
		pattern := regexp.QuoteMeta(prefix)
		pattern = strings.ReplaceAll(pattern, "%", ".*")
		return matches("^"+strings.ReplaceAll(pattern, "_", "."), key)
	}
}

func matches(pattern, key string) bool {
	compiled, err := regexp.Compile(pattern)
	return err == nil && compiled.MatchString(key)
}

// objectsApart keeps the objects in a key space of their own.
func objectsApart(d *fake) {
	apart := newFake()
	d.getObject, d.putObject = apart.correctGetObject, apart.correctPutObject
}

// snapshot returns the keys that d holds.
func (d *fake) snapshot() (keys []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.entries {
		keys = append(keys, key)
	}
	return keys
}
