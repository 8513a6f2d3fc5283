package parquet

import (
	"bytes"
	"encoding/binary"
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

// codecNames has the codecs that are known, and the names of those that are not read.
var codecNames = map[int64]string{codecNone: "", codecSnappy: "", codecGzip: "", 3: "LZO", codecBrotli: "", 5: "LZ4", codecZSTD: "", 7: "LZ4_RAW"}

const (
	maxRatioSnappy = 22 // how many bytes one byte can become: 64 of 3

	// A block of Zstandard has a header of three bytes, one byte at least, and becomes no more than this.
	minBlockZSTD = 4
	maxBlockZSTD = 128 << 10
)

// unpack checks that a page becomes as long as it says, and no longer: the library lets it become what it likes. With
// Snappy the page tells. With the others it has to be decompressed to know, so that those are read at half the speed. What
// the page becomes is returned if it is needed, and valid until the next page is unpacked.
func (f *file) unpack(codec int64, packed []byte, size int64, needed bool) ([]byte, error) {
	switch codec {
	case codecNone:
		if int64(len(packed)) != size {
			return nil, errDamaged
		}
		return packed, nil
	case codecSnappy:
		return f.unpackSnappy(packed, size, needed)
	case codecZSTD:
		return f.unpackZSTD(packed, size)
	case codecGzip:
		return f.unpackStream(compress.Codecs.Gzip, packed, size, needed)
	case codecBrotli:
		return f.unpackStream(compress.Codecs.Brotli, packed, size, needed)
	}
	return nil, errDamaged // checkPages has looked
}

// room returns a buffer of a size, the same one each time if it is large enough.
func (f *file) room(size int64) []byte {
	if int64(len(f.buffer)) < size {
		f.mem.Free(f.buffer)
		f.buffer = f.mem.Allocate(int(size))
	}
	return f.buffer[:size:size]
}

func (f *file) unpackSnappy(packed []byte, size int64, needed bool) ([]byte, error) {
	if n, width := binary.Uvarint(packed); width <= 0 || n != uint64(size) || size > maxRatioSnappy*int64(len(packed)) {
		return nil, errDamaged
	}
	if !needed {
		return nil, nil
	}
	codec, err := compress.GetCodec(compress.Codecs.Snappy)
	if err != nil {
		return nil, err
	}
	return codec.Decode(f.room(size), packed), nil
}

// zstdDecoder never writes beyond the buffer that it is given.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(0))
})

func (f *file) unpackZSTD(packed []byte, size int64) ([]byte, error) {
	decoder, err := zstdDecoder()
	if err != nil {
		return nil, err
	}
	if size > int64(len(packed)/minBlockZSTD)*maxBlockZSTD { // before memory is taken for it
		return nil, errDamaged
	}
	data, err := decoder.DecodeAll(packed, f.room(size)[:0])
	if err != nil || int64(len(data)) != size {
		return nil, errDamaged
	}
	return data, nil
}

func (f *file) unpackStream(method compress.Compression, packed []byte, size int64, needed bool) ([]byte, error) {
	codec, err := compress.GetCodec(method)
	if err != nil {
		return nil, err
	}
	reader := codec.NewReader(bytes.NewReader(packed))
	defer reader.Close()
	var data []byte
	if needed {
		data = f.room(size)
		if _, err := io.ReadFull(reader, data); err != nil {
			return nil, errDamaged
		}
		size = 0
	}
	n, err := io.Copy(io.Discard, io.LimitReader(reader, size+1))
	if err != nil || n != size {
		return nil, errDamaged
	}
	return data, nil
}
