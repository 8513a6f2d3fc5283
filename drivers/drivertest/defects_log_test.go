package drivertest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// adderDefects are those of drivers.Adder.
var adderDefects = map[string]defect{
	"AddReplaces": {"Adder/Keeps", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			_, _ = d.correctDelete(ctx, keys...)
			return d.correctAdd(ctx, ttl, word, keys...)
		}
	}},
	"AddTellsItsOwnWord": {"Adder/Keeps", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			values, err := d.correctAdd(ctx, ttl, word, keys...)
			for i := range values {
				values[i] = word()
			}
			return values, err
		}
	}},
	"AddAddsNothing": {"Adder/Absent", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			for i := range values {
				if values[i] == nil {
					values[i] = word()
				}
			}
			return values, err
		}
	}},
	"AddTakesEmptyForAbsent": {"Adder/Empty", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			for _, key := range keys {
				if item, err := d.correctGet(ctx, key); err == nil && len(item.Value) == 0 {
					_, _ = d.correctDelete(ctx, key)
				}
			}
			return d.correctAdd(ctx, ttl, word, keys...)
		}
	}},
	"AddSorts": {"Adder/InTheirOrder", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			return d.correctAdd(ctx, ttl, word, slices.Sorted(slices.Values(keys))...)
		}
	}},
	"AddTakesAHundred": {"Adder/Many", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			values, err := d.correctAdd(ctx, ttl, word, keys[:min(len(keys), 100)]...)
			return append(values, make([][]byte, len(keys)-len(values))...), err
		}
	}},
	"AddHasOneWordForAll": {"Adder/Many", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			made := word()
			return d.correctAdd(ctx, ttl, func() []byte { return made }, keys...)
		}
	}},
	"AddForZero": {"Adder/NotPositiveTTL", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			return d.correctAdd(ctx, max(ttl, time.Second), word, keys...)
		}
	}},
	"AddTooLargeIsAnyError": {"Adder/TooLarge", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			values, err := d.correctAdd(ctx, ttl, word, keys...)
			if errors.Is(err, drivers.ErrTooLarge) {
				err = errors.New("no")
			}
			return values, err
		}
	}},
	"AddSharesItsBytes": {"Adder/Owned", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			values, err := d.correctAdd(ctx, ttl, word, keys...)
			if len(values) == 2 && keys[0] == keys[1] {
				values[1] = values[0]
			}
			return values, err
		}
	}},
	"AddIsForAMinute": {"Adder/Life/Added", func(d *fake) {
		d.adds = func(ctx context.Context, _ time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			return d.correctAdd(ctx, time.Minute, word, keys...)
		}
	}},
	"AddLengthensNothing": {"Adder/Life/Lengthened", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			if err != nil || slices.ContainsFunc(values, func(v []byte) bool { return v == nil }) {
				return d.correctAdd(ctx, ttl, word, keys...)
			}
			return values, nil
		}
	}},
	"AddShortens": {"Adder/Life/Longer", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			values, err := d.correctAdd(ctx, ttl, word, keys...)
			for i := range values {
				_ = d.correctSet(ctx, keys[i], values[i], ttl)
			}
			return values, err
		}
	}},
	"AddSeesTheExpired": {"Adder/Expired", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			d.mu.Lock()
			for _, key := range keys {
				if e, ok := d.entries[key]; ok && !e.live(time.Now()) {
					e.expiresAt = time.Now().Add(ttl)
					d.entries[key] = e
				}
			}
			d.mu.Unlock()
			return d.correctAdd(ctx, ttl, word, keys...)
		}
	}},
	"AddLooksFirst": {"Adder/AtOnce", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			values, err := d.correctValues(ctx, keys...)
			time.Sleep(time.Millisecond)
			for i := range values {
				if values[i] == nil {
					values[i] = word()
					err = errors.Join(err, d.correctSet(ctx, keys[i], values[i], ttl))
				}
			}
			return values, err
		}
	}},
	"AddReadsAfterwards": {"Adder/Removed", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			if _, err := d.correctAdd(ctx, ttl, word, keys...); err != nil {
				return nil, err
			}
			time.Sleep(100 * time.Microsecond)
			return d.correctValues(ctx, keys...)
		}
	}},
	"AddRepeatsItsWord": {"Adder/Removed", func(d *fake) {
		var last atomic.Pointer[[]byte]
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			if late := last.Load(); late != nil { // the client repeats a command whose answer was lost
				_, _ = d.correctAdd(ctx, ttl, func() []byte { return *late }, keys...)
			}
			return d.correctAdd(ctx, ttl, func() []byte {
				made := word()
				last.Store(&made)
				return made
			}, keys...)
		}
	}},
	"AddWritesBack": {"Adder/WritesNothingBack", func(d *fake) {
		d.adds = func(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			values, err := d.correctAdd(ctx, time.Millisecond, word, keys...)
			time.Sleep(100 * time.Microsecond)
			for i := range values {
				_ = d.correctSet(ctx, keys[i], values[i], ttl)
			}
			return values, err
		}
	}},
	"AddIgnoresTheContext": {"Context/AddCancelled", func(d *fake) {
		d.adds = func(_ context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
			return d.correctAdd(context.Background(), ttl, word, keys...)
		}
	}},
}

// logDefects are those of drivers.Log.
var logDefects = map[string]defect{
	"ForeignLogIsAFailure": {"Foreign/Value/End", func(d *fake) {
		d.ends = func(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
			if item, err := d.correctGet(ctx, key); err == nil {
				return "", fmt.Errorf("WRONGTYPE: %q is no log", item.Value)
			}
			return d.correctEnd(ctx, key, ttl)
		}
	}},
	"EndBeginsNothing": {"Log/End", func(d *fake) {
		d.ends = func(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
			if _, ok := d.entries[key]; !ok {
				return "", d.correctPing(ctx)
			}
			return d.correctEnd(ctx, key, ttl)
		}
	}},
	"EndBeginsEachTime": {"Log/End", func(d *fake) {
		d.ends = func(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
			_, _ = d.correctDelete(ctx, key)
			return d.correctEnd(ctx, key, ttl)
		}
	}},
	"SinceHasTheRecordBefore": {"Log/Append", func(d *fake) {
		d.sinces = func(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
			records, end, complete, err := d.correctSince(ctx, key, from)
			if complete && d.entries[key].log.end() == from && len(d.entries[key].log.records) > 0 {
				records = d.entries[key].log.records[len(d.entries[key].log.records)-1:]
			}
			return records, end, complete, err
		}
	}},
	"SinceIsReversed": {"Log/Append", changeSince(func(records [][]byte) [][]byte { slices.Reverse(records); return records })},
	"SinceDropsEmpty": {"Log/Append", changeSince(func(records [][]byte) [][]byte {
		return slices.DeleteFunc(records, func(r []byte) bool { return len(r) == 0 })
	})},
	"SinceDropsTheSame": {"Log/Append", changeSince(func(records [][]byte) [][]byte {
		var once [][]byte
		for _, r := range records {
			if !slices.ContainsFunc(once, func(o []byte) bool { return bytes.Equal(o, r) }) {
				once = append(once, r)
			}
		}
		return once
	})},
	"RecordsAreText": {"Log/Append", changeSince(func(records [][]byte) [][]byte {
		for i := range records {
			records[i] = bytes.ToValidUTF8(records[i], nil)
		}
		return records
	})},
	"AppendTakesOne": {"Log/Append", func(d *fake) {
		d.appends = func(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
			return d.correctAppend(ctx, key, keep, ttl, records[:min(1, len(records))]...)
		}
	}},
	"AppendBeginsNothing": {"Log/Append", func(d *fake) {
		d.appends = func(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
			if _, ok := d.entries[key]; !ok {
				return errors.New("no such log")
			}
			return d.correctAppend(ctx, key, keep, ttl, records...)
		}
	}},
	"SinceTakesAnyPosition": {"Log/Unknown", func(d *fake) {
		d.sinces = func(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
			records, end, complete, err := d.correctSince(ctx, key, from)
			if l := d.entries[key].log; err == nil && !complete && l != nil {
				return nil, l.end(), true, nil
			}
			return records, end, complete, err
		}
	}},
	"SinceFailsForAnyPosition": {"Log/Unknown", func(d *fake) {
		d.sinces = func(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
			if !strings.Contains(string(from), "/") && from != "position" {
				return nil, "", false, errors.New("the position cannot be read")
			}
			return d.correctSince(ctx, key, from)
		}
	}},
	"SinceBegins": {"Log/Unknown", func(d *fake) {
		d.sinces = func(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
			records, end, complete, err := d.correctSince(ctx, key, from)
			if err == nil && !complete {
				_, err = d.correctEnd(ctx, key, time.Hour)
			}
			return records, end, complete, err
		}
	}},
	"LogsAreCountedAnew":     {"Log/Removed/Delete", countedAnew},
	"LogsAreCountedAnewHere": {"Log/Removed/Clear", countedAnew},
	"DeleteLeavesLogs": {"Log/Removed/Delete", func(d *fake) {
		d.delete = func(ctx context.Context, keys ...string) (int, error) {
			n := 0
			for _, key := range keys {
				if d.entries[key].log != nil {
					n++
					continue
				}
				one, err := d.correctDelete(ctx, key)
				if n += one; err != nil {
					return n, err
				}
			}
			return n, nil
		}
	}},
	"ClearLeavesLogs": {"Log/Removed/Clear", func(d *fake) {
		d.clear = func(ctx context.Context, prefix string) (int, error) {
			return d.removeIf(ctx, func(key string, e entry) (remove, count bool) {
				return e.log == nil && strings.HasPrefix(key, prefix), e.live(time.Now())
			})
		}
	}},
	"DeleteCountsNoLogs": {"Log/Removed/Delete", func(d *fake) {
		d.delete = func(ctx context.Context, keys ...string) (int, error) {
			logs := 0
			for _, key := range keys {
				if d.entries[key].log != nil {
					logs++
				}
			}
			n, err := d.correctDelete(ctx, keys...)
			return n - logs, err
		}
	}},
	"AppendKeepsAll":    {"Log/Bounded", changeKeep(func(int) int { return 1 << 30 })},
	"AppendKeepsTooFew": {"Log/Bounded", changeKeep(func(keep int) int { return keep - 1 })},
	"AppendForZero": {"Log/Refused", func(d *fake) {
		d.appends = func(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
			return d.correctAppend(ctx, key, keep, max(ttl, time.Second), records...)
		}
	}},
	"EndForZero": {"Log/Refused", func(d *fake) {
		d.ends = func(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
			return d.correctEnd(ctx, key, max(ttl, time.Second))
		}
	}},
	"EndOfNoRoomIsAnyError": {"Log/NoRoom", func(d *fake) {
		d.ends = func(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
			position, err := d.correctEnd(ctx, key, ttl)
			if errors.Is(err, drivers.ErrTooLarge) {
				err = errors.New("no")
			}
			return position, err
		}
	}},
	"AppendKeepsTheSlices": {"Log/Owned", func(d *fake) {
		d.appends = func(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
			err := d.correctAppend(ctx, key, keep, ttl, records...)
			if l := d.entries[key].log; err == nil && l != nil {
				copy(l.records[len(l.records)-len(records):], records)
			}
			return err
		}
	}},
	"SinceHandsOutItsSlices": {"Log/Owned", func(d *fake) {
		d.sinces = func(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
			records, end, complete, err := d.correctSince(ctx, key, from)
			if complete {
				records = slices.Clone(d.entries[key].log.records[len(d.entries[key].log.records)-len(records):])
			}
			return records, end, complete, err
		}
	}},
	"AppendLengthensNothing": {"Log/Expiry", func(d *fake) {
		d.appends = func(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
			if e := d.entries[key]; e.live(time.Now()) {
				ttl = min(ttl, time.Until(e.expiresAt))
			}
			return d.correctAppend(ctx, key, keep, ttl, records...)
		}
	}},
	"EndLengthensNothing": {"Log/Expiry", func(d *fake) {
		d.ends = func(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
			if e := d.entries[key]; e.live(time.Now()) {
				ttl = min(ttl, time.Until(e.expiresAt))
			}
			return d.correctEnd(ctx, key, ttl)
		}
	}},
	"LogsNeverEnd": {"Log/Expiry", func(d *fake) {
		d.ends = func(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
			return d.correctEnd(ctx, key, max(ttl, time.Hour))
		}
	}},
	"EndBeginsTwo": {"Log/BegunAtOnce", func(d *fake) {
		d.ends = func(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
			d.mu.Lock()
			_, there := d.entries[key]
			d.mu.Unlock()
			if !there {
				time.Sleep(time.Millisecond)
				_, _ = d.correctDelete(ctx, key)
			}
			return d.correctEnd(ctx, key, ttl)
		}
	}},
	"AppendReadsAndWrites": {"Log/Concurrent", func(d *fake) {
		d.appends = func(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
			if _, err := d.correctEnd(ctx, key, ttl); err != nil {
				return err
			}
			d.mu.Lock()
			l := d.entries[key].log
			read := slices.Clone(l.records)
			d.mu.Unlock()
			time.Sleep(100 * time.Microsecond)
			d.mu.Lock()
			defer d.mu.Unlock()
			l.records = append(read, records...)
			return nil
		}
	}},
	"AppendReturnsEarly": {"Log/Concurrent", func(d *fake) {
		d.appends = func(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
			go func() {
				time.Sleep(time.Millisecond)
				_ = d.correctAppend(ctx, key, keep, ttl, records...)
			}()
			return d.correctPing(ctx)
		}
	}},
	"AppendIgnoresTheContext": {"Context/AppendCancelled", func(d *fake) {
		d.appends = func(_ context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
			return d.correctAppend(context.Background(), key, keep, ttl, records...)
		}
	}},
}

// changeSince changes the records that Since returns.
func changeSince(change func(records [][]byte) [][]byte) func(d *fake) {
	return func(d *fake) {
		d.sinces = func(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
			records, end, complete, err := d.correctSince(ctx, key, from)
			return change(records), end, complete, err
		}
	}
}

// changeKeep changes how many records a log holds.
func changeKeep(change func(keep int) int) func(d *fake) {
	return func(d *fake) {
		d.appends = func(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
			if keep > 0 {
				keep = change(keep)
			}
			return d.correctAppend(ctx, key, keep, ttl, records...)
		}
	}
}

// countedAnew begins the positions of each log anew.
func countedAnew(d *fake) {
	d.ends = func(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
		d.mu.Lock()
		d.begun = 0
		d.mu.Unlock()
		return d.correctEnd(ctx, key, ttl)
	}
}
