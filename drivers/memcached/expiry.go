package memcached

import (
	"math"
	"time"
)

// The three forms of an entry's flags; the package comment says why. What follows the mark in an entry's flags is the
// moment at which it ends.
const (
	millisMark = 0b101 << 29 // milliseconds since the epoch, modulo 2^29: 6.2 days
	millisBits = 29
	millisMost = 48 * time.Hour // below half the modulus by a day, for clocks that disagree

	secondsMark = 0b1101 << 28 // seconds since the epoch, modulo 2^28: 8.5 years
	secondsBits = 28
	secondsMost = 3 * 365 * 24 * time.Hour

	minutesMark = 0b1001 << 28 // minutes since the epoch: to the year 2480, so with no modulus
	minutesBits = 28
)

// never is the end of an item that has none.
var never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// encodeExpiry returns the flags of an entry that is written now and lives for ttl. It rounds down, for no entry may
// live longer than its time.
func encodeExpiry(now time.Time, ttl time.Duration) uint32 {
	end := now.Add(ttl)
	switch {
	case ttl <= millisMost:
		return millisMark | low(end.UnixMilli(), millisBits)
	case ttl <= secondsMost:
		return secondsMark | low(end.Unix(), secondsBits)
	}
	return minutesMark | uint32(min(end.Unix()/60, 1<<minutesBits-1))
}

// decodeExpiry returns the end of an entry with these flags, and whether they are of our making.
func decodeExpiry(flags uint32, now time.Time) (time.Time, bool) {
	switch {
	case flags>>millisBits == millisMark>>millisBits:
		return time.UnixMilli(nearest(flags, now.UnixMilli(), millisBits)), true
	case flags>>secondsBits == secondsMark>>secondsBits:
		return time.Unix(nearest(flags, now.Unix(), secondsBits), 0), true
	case flags>>minutesBits == minutesMark>>minutesBits:
		return time.Unix(int64(flags&(1<<minutesBits-1))*60, 0), true
	}
	return time.Time{}, false
}

// low returns the lowest bits of n.
func low(n int64, bits int) uint32 {
	return uint32(n) & (1<<bits - 1)
}

// nearest returns, of all numbers that end in the same bits as flags, the one that is nearest to now.
func nearest(flags uint32, now int64, bits int) int64 {
	shift := 32 - bits
	distance := int32((flags-uint32(now))<<shift) >> shift // its sign bit extended
	return now + int64(distance)
}

// relativeMost is the longest time that the server takes for one that is relative, in seconds; more is a date.
const relativeMost = 30 * 24 * 60 * 60

// exptime returns when the server may drop an entry that is written now and lives for ttl: never before its end, for
// the flags are exact and the server's clock is not. It counts whole seconds, and may be about to count one more.
func exptime(now time.Time, ttl time.Duration) int32 {
	seconds := int64((ttl-1)/time.Second) + 1 // rounded up
	if seconds+1 <= relativeMost {
		return int32(seconds + 1)
	}
	date := now.Unix() + seconds + 2 // now is rounded up as well
	if date > math.MaxInt32 {
		return 0 // the protocol has no such date: the flags alone end the entry
	}
	return int32(date)
}
