package feather

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/gin-cachette/cachette/encoders/internal/flat"
)

// A decompress is a method.
type decompress struct {
	// fill fills dst with what src holds. Less than that, and more, is an error.
	fill func(dst, src []byte) error

	// most is how long what src holds can be at most.
	most func(src []byte) int64
}

const (
	codecLZ4     = 0
	codecZSTD    = 1
	methodBuffer = 0

	maxRatioLZ4 = 255 // how many bytes one byte can become

	// A block of Zstandard has a header of three bytes, one byte at least, and becomes no more than this.
	minBlockZSTD = 4
	maxBlockZSTD = 128 << 10
)

func decompressor(codec, method byte) (*decompress, error) {
	switch {
	case method == methodBuffer && codec == codecLZ4:
		return &decompress{unpackLZ4, func(src []byte) int64 { return maxRatioLZ4 * int64(len(src)) }}, nil
	case method == methodBuffer && codec == codecZSTD:
		return &decompress{unpackZSTD, func(src []byte) int64 { return int64(len(src)/minBlockZSTD) * maxBlockZSTD }}, nil
	}
	return nil, fmt.Errorf("it is compressed by a method that the codec does not know")
}

// unpackLZ4 reads a frame of LZ4 into dst itself, where the library's reader would go by way of a buffer. Checksums are
// skipped: a store keeps what it is given.
func unpackLZ4(dst, src []byte) error {
	const (
		frameMagic    = 0x184D2204
		version       = 1 << 6
		independent   = 1 << 5
		blockChecksum = 1 << 4
		contentSize   = 1 << 3
		dictionaryID  = 1 << 0
		stored        = 1 << 31
	)
	if len(src) < 7 || binary.LittleEndian.Uint32(src) != frameMagic {
		return flat.ErrDamaged
	}
	flags := src[4]
	if flags&0xC0 != version || flags&dictionaryID != 0 {
		return flat.ErrDamaged
	}
	header := 7
	if flags&contentSize != 0 {
		header += 8
	}
	written := 0
	for src = src[min(header, len(src)):]; ; {
		if len(src) < 4 {
			return flat.ErrDamaged
		}
		size := binary.LittleEndian.Uint32(src)
		src = src[4:]
		if size == 0 {
			break
		}
		n := int(size &^ stored)
		if n > len(src) {
			return flat.ErrDamaged
		}
		var got int
		var err error
		switch {
		case size&stored != 0:
			if got = copy(dst[written:], src[:n]); got < n {
				return flat.ErrDamaged
			}
		case flags&independent != 0 || written == 0:
			got, err = lz4.UncompressBlock(src[:n], dst[written:])
		default:
			got, err = lz4.UncompressBlockWithDict(src[:n], dst[written:], dst[max(0, written-64<<10):written])
		}
		if err != nil {
			return flat.ErrDamaged
		}
		written += got
		src = src[n:]
		if flags&blockChecksum != 0 {
			src = src[min(4, len(src)):]
		}
	}
	if written != len(dst) {
		return flat.ErrDamaged
	}
	return nil
}

// zstdDecoder never writes beyond the buffer that it is given, and works on the goroutine that calls it.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(0))
})

func unpackZSTD(dst, src []byte) error {
	decoder, err := zstdDecoder()
	if err != nil {
		return err
	}
	out, err := decoder.DecodeAll(src, dst[:0:len(dst)])
	if err == nil && len(out) != len(dst) {
		return flat.ErrDamaged
	}
	return err
}

// unpacked decompresses a buffer. It begins with its length, or with -1 where it is not compressed.
func (l *loader) unpacked(raw []byte) []byte {
	const prefix = 8
	if len(raw) < prefix {
		panic(flat.ErrDamaged)
	}
	size := int64(binary.LittleEndian.Uint64(raw))
	if size == -1 {
		return l.own(raw[prefix:])
	}
	if size <= 0 {
		if size == 0 {
			return nil
		}
		panic(flat.ErrDamaged)
	}
	if size > int64(int(size)) || size > l.unpack.most(raw[prefix:]) { // before memory is taken for it
		panic(flat.ErrDamaged)
	}
	buffer := l.mem.Allocate(int(size))
	if err := l.unpack.fill(buffer, raw[prefix:]); err != nil {
		panic(flat.ErrDamaged)
	}
	return buffer
}
