package parquet

import (
	"encoding/binary"
	"math/bits"
)

// few values may be named whether or not the dictionary has them: what the library takes for so many does not matter.
const few = 1 << 8

// checkIndexes checks that the indexes in a page name values that the dictionary has: the library takes memory for as many
// values as the largest index says, gigabytes of them, before it looks. Their layout is in the format's description of
// encodings, at "RLE/Bit-Packing Hybrid".
func (p page) checkIndexes(data []byte, bounds levels, named int64) error {
	if p.kind == pageData {
		data = p.skipLevels(data, bounds)
	}
	if len(data) == 0 {
		return nil
	}
	width := int(data[0])
	if width > 32 {
		return errDamaged
	}
	bytes := (width + 7) / 8 // of the index of a run
	named = max(few, named)
	data = data[1:]
	for left := p.values; left > 0; {
		head, size := binary.Uvarint(data)
		count := int64(uint32(head >> 1)) // as the library has it
		if size <= 0 || count == 0 {
			return nil // the library reads no further
		}
		data = data[size:]
		if head&1 == 1 {
			// Of a run that is cut the library reads more than there is: zeros, or what its buffers hold of other pages.
			if count*int64(width) > int64(len(data)) {
				return errDamaged
			}
			n := min(count*8, left)
			if 1<<width > named && !inRange(data, width, int(n), uint64(named)) {
				return errDamaged
			}
			data = data[int(count)*width:]
			left -= n
			continue
		}
		if len(data) < bytes {
			return errDamaged
		}
		var index [8]byte
		copy(index[:], data[:bytes])
		if binary.LittleEndian.Uint64(index[:]) >= uint64(named) {
			return errDamaged
		}
		data = data[bytes:]
		left -= count
	}
	return nil
}

// skipLevels skips the levels that a data page of version 1 begins with.
func (p page) skipLevels(data []byte, bounds levels) []byte {
	for _, level := range []struct {
		encoding int64
		bound    int
	}{{p.repetition, bounds.repetition}, {p.definition, bounds.definition}} {
		if level.bound == 0 {
			continue
		}
		var size int64
		switch level.encoding {
		case encodingRLE:
			if len(data) < 4 {
				panic(errDamaged)
			}
			size, data = int64(binary.LittleEndian.Uint32(data)), data[4:]
		case encodingBitPacked:
			size = (p.values*int64(bits.Len(uint(level.bound))) + 7) / 8
		default:
			panic(errDamaged)
		}
		if size > int64(len(data)) {
			panic(errDamaged)
		}
		data = data[size:]
	}
	return data
}

// inRange reports whether n integers of so many bits are less than bound.
func inRange(packed []byte, width, n int, bound uint64) bool {
	mask := uint64(1)<<width - 1
	var word uint64 // the bits that have been taken from packed, and not yet read
	have := 0
	for range n {
		for have < width {
			if len(packed) >= 4 {
				word |= uint64(binary.LittleEndian.Uint32(packed)) << have
				packed, have = packed[4:], have+32
			} else {
				word |= uint64(packed[0]) << have
				packed, have = packed[1:], have+8
			}
		}
		if word&mask >= bound {
			return false
		}
		word >>= width
		have -= width
	}
	return true
}
