package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"sync"

	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/klauspost/compress/zstd"
)

// The codecs of pages, as the format numbers them.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecBrotli = 4
	codecZSTD   = 6
)

const (
	maxRatioSnappy = 22 // how many bytes one byte can become: 64 of 3

	// A block of Zstandard has a header of three bytes, one byte at least, and becomes no more than this.
	minBlockZSTD = 4
	maxBlockZSTD = 128 << 10
)

// unpacks checks that a page becomes as long as it says, and no longer: the library lets it become what it likes. With
// Snappy the page tells. With the others it has to be decompressed to know, so that those are read at half the speed.
func (f *file) unpacks(codec int64, packed []byte, size int64) error {
	switch codec {
	case codecNone:
		if int64(len(packed)) != size {
			return errDamaged
		}
	case codecSnappy:
		if n, width := binary.Uvarint(packed); width <= 0 || n != uint64(size) || size > maxRatioSnappy*int64(len(packed)) {
			return errDamaged
		}
	case codecZSTD:
		return f.unpacksZSTD(packed, size)
	case codecGzip:
		return unpacksStream(compress.Codecs.Gzip, packed, size)
	case codecBrotli:
		return unpacksStream(compress.Codecs.Brotli, packed, size)
	default:
		return errors.New("it is compressed by a method that the codec does not read")
	}
	return nil
}

// zstdDecoder never writes beyond the buffer that it is given.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(0))
})

func (f *file) unpacksZSTD(packed []byte, size int64) error {
	decoder, err := zstdDecoder()
	if err != nil {
		return err
	}
	if size > int64(len(packed)/minBlockZSTD)*maxBlockZSTD { // before memory is taken for it
		return errDamaged
	}
	out, err := decoder.DecodeAll(packed, f.mem.Allocate(int(size))[:0])
	if err != nil || int64(len(out)) != size {
		return errDamaged
	}
	return nil
}

func unpacksStream(method compress.Compression, packed []byte, size int64) error {
	codec, err := compress.GetCodec(method)
	if err != nil {
		return err
	}
	reader := codec.NewReader(bytes.NewReader(packed))
	defer reader.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(reader, size+1))
	if err != nil || n != size {
		return errDamaged
	}
	return nil
}
