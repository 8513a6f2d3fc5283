// Package compress links the content codings in which [cachette.WithCompression] and [cachette.Config.Compression] have stored responses served: br
// (RFC 7932), zstd (RFC 8878, with a window of 8 MiB at most, as RFC 9659 asks) and gzip (RFC 1952). A program that imports
// it for that links their libraries, and no other does:
//
//	import _ "github.com/gin-cachette/cachette/compress"
package compress

import (
	"bytes"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/gin-cachette/cachette/internal/codings"
)

// The levels are those beyond which a page of text takes far longer and becomes little smaller. A page is coded once, and not while a client waits.
const (
	brotliLevel = 6
	gzipLevel   = 6
	zstdWindow  = 8 << 20 // bytes: clients need not take more (RFC 9659 §3)
)

func init() {
	codings.Link(
		codings.Coding{Name: "br", Encode: brotliCoder.encode},
		codings.Coding{Name: "zstd", Encode: encodeZstd},
		codings.Coding{Name: "gzip", Encode: gzipCoder.encode},
	)
}

// A coder codes with writers that are used again, since each takes hundreds of kilobytes.
type coder struct{ writers sync.Pool }

// resetter is a writer that codes.
type resetter interface {
	io.WriteCloser
	Reset(to io.Writer)
}

func newCoder(make func() resetter) *coder {
	return &coder{sync.Pool{New: func() any { return make() }}}
}

var (
	brotliCoder = newCoder(func() resetter { return brotli.NewWriterLevel(nil, brotliLevel) })
	gzipCoder   = newCoder(func() resetter {
		w, _ := gzip.NewWriterLevel(nil, gzipLevel) // the level is one
		return w
	})
)

func (c *coder) encode(body []byte) ([]byte, error) {
	w := c.writers.Get().(resetter)
	defer c.writers.Put(w)
	defer w.Reset(nil) // keeps nothing of the body
	var coded bytes.Buffer
	w.Reset(&coded)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return bytes.Clone(coded.Bytes()), nil
}

// encodeZstd takes a new encoder each time: one that is used again hands on its parts by a channel, which would tie it to the testing/synctest bubble
// of the test that has used it first.
func encodeZstd(body []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Close() }() // it has no writer that could fail
	return bytes.Clone(w.EncodeAll(body, nil)), nil
}
