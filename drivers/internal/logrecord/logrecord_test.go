package logrecord_test

import (
	"errors"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/logrecord"
)

func position(t *testing.T, record []byte) drivers.Position {
	t.Helper()
	at, err := logrecord.Position(record)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestSinceARepeatedRecord looks for a word that a repeated write has left twice: the first counts.
func TestSinceARepeatedRecord(t *testing.T) {
	begin, one, two := logrecord.Begin(), logrecord.Pack([]byte("1")), logrecord.Pack([]byte("2"))
	data, end, complete, err := logrecord.Since([][]byte{begin, one, two, one}, position(t, one))
	if err != nil || !complete || len(data) != 2 || string(data[0]) != "2" || string(data[1]) != "1" || end != position(t, one) {
		t.Errorf("Since = %q, %q, %t, %v, want 2 and 1", data, end, complete, err)
	}
}

func TestSinceWhatIsNoRecord(t *testing.T) {
	begin := logrecord.Begin()
	if _, _, complete, err := logrecord.Since([][]byte{begin, []byte("short")}, position(t, begin)); complete || !errors.Is(err, logrecord.ErrForeign) {
		t.Errorf("Since = %t, %v, want ErrForeign", complete, err)
	}
	if _, err := logrecord.Position(nil); !errors.Is(err, logrecord.ErrForeign) {
		t.Errorf("Position = %v, want ErrForeign", err)
	}
}

// TestTidying holds when a log is cut that records are appended to as it stands, and how many records it has at most until it is looked at again.
func TestTidying(t *testing.T) {
	const keep, ttl = 10, time.Hour
	record := func() []byte { return logrecord.Pack(nil) }
	var log [][]byte
	longest, looks := 0, 0
	for upTo := logrecord.MayGrowTo(nil, keep); looks < 20; {
		log = append(log, record())
		longest = max(longest, len(log))
		if len(logrecord.Encode(log)) <= upTo {
			continue
		}
		looks++
		there, err := logrecord.Tidying(keep, ttl)(log, ttl, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if there != nil {
			if len(there) != logrecord.Room(keep) || string(there[len(there)-1]) != string(log[len(log)-1]) {
				t.Fatalf("%d records are left, want the last %d", len(there), logrecord.Room(keep))
			}
			log = there
		}
		upTo = logrecord.MayGrowTo(log, keep)
	}
	if longest <= keep || longest > 2*logrecord.Room(keep)+1 {
		t.Errorf("it has had %d records, want up to twice as many as %d", longest, keep)
	}
	few := [][]byte{record(), record()}
	for left, want := range map[time.Duration]int{ttl/2 - 1: 2, ttl / 2: 0} {
		if there, err := logrecord.Tidying(keep, ttl)(few, left, 1<<20); err != nil || len(there) != want {
			t.Errorf("with %v left, %d records are written anew (%v), want %d", left, len(there), err, want)
		}
	}
	if there, err := logrecord.Tidying(keep, ttl)(nil, 0, 1<<20); there != nil || err != nil {
		t.Errorf("a log that is not there becomes %d records, %v", len(there), err)
	}
}
