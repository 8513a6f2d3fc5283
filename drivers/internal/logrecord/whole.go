package logrecord

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// What follows is for stores that keep a log as one value, of which each write replaces the version that was read.

// Change makes of the records that are there, which live for so long yet, those that are to be written: as many as Encode makes
// most bytes of. There may be none. It returns nil to leave them as they are. It is called anew for each attempt to write, and
// the words of its records are new each time.
type Change func(there [][]byte, left time.Duration, most int) ([][]byte, error)

// Appending returns what Append does: it keeps as many of the last records as fit.
func Appending(records [][]byte, keep int) Change {
	return func(there [][]byte, _ time.Duration, most int) ([][]byte, error) {
		added := PackAll(records)
		if size := encodedSize(added); size > most {
			return nil, fmt.Errorf("%w: records of %d bytes, of which the store takes %d at most", drivers.ErrTooLarge, size, most)
		}
		all := slices.Concat(there, added)
		all = all[max(0, len(all)-Room(keep)):]
		for size := encodedSize(all); size > most; all = all[1:] {
			size -= encodedSize(all[:1])
		}
		return all, nil
	}
}

// Tidying returns what is to be done from time to time with a log to which records are appended as it stands: where there are half as many again as
// are to be kept, it keeps these, and it lengthens a life of which less than half is left.
func Tidying(keep int, ttl time.Duration) Change {
	return func(there [][]byte, left time.Duration, _ int) ([][]byte, error) {
		room := Room(keep)
		switch {
		case len(there) > room+room/2:
			return there[len(there)-room:], nil
		case len(there) > 0 && left < ttl/2:
			return there, nil
		}
		return nil, nil
	}
}

// MayGrowTo returns up to which size a log that has records is sure to have no more than twice as many as are to be kept.
func MayGrowTo(records [][]byte, keep int) int {
	const least = 1 + wordSize + 1 // the size of a record that is empty, with its length
	return encodedSize(records) + max(0, 2*Room(keep)-len(records))*least
}

// Ending returns what End does: it begins a log that is not there, and lengthens a life of which less than half is left.
func Ending(ttl time.Duration) Change {
	return func(there [][]byte, left time.Duration, _ int) ([][]byte, error) {
		switch {
		case len(there) == 0:
			return [][]byte{Begin()}, nil
		case left >= ttl/2:
			return nil, nil
		}
		return there, nil
	}
}

// EndOf returns the position behind the last of records.
func EndOf(records [][]byte) (drivers.Position, error) {
	if len(records) == 0 {
		return "", ErrForeign
	}
	return Position(records[len(records)-1])
}

func encodedSize(records [][]byte) int {
	size := 0
	for _, record := range records {
		size += len(binary.AppendUvarint(nil, uint64(len(record)))) + len(record)
	}
	return size
}

// Encode returns records as one value: each, with its length, as a varint, before it.
func Encode(records [][]byte) []byte {
	out := make([]byte, 0, encodedSize(records))
	for _, record := range records {
		out = binary.AppendUvarint(out, uint64(len(record)))
		out = append(out, record...)
	}
	return out
}

// Decode returns the records of a value, of which they are parts. There is at least one.
func Decode(value []byte) (records [][]byte, err error) {
	for {
		length, n := binary.Uvarint(value)
		if n <= 0 || length <= wordSize || length > uint64(len(value)-n) {
			return nil, ErrForeign
		}
		end := n + int(length)
		records = append(records, value[n:end:end])
		if value = value[end:]; len(value) == 0 {
			return records, nil
		}
	}
}
