package frame

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow/memory"
)

// LimitError says that decoding would need more memory than it may have.
type LimitError struct{ Limit int64 }

func (e *LimitError) Error() string {
	return fmt.Sprintf("it needs more than the %d bytes of memory that the codec's Limit allows", e.Limit)
}

// Limit is the memory that decoding n bytes of data may use: what is set, or where nothing is, 256 MiB, and for large
// data 64 times its length.
func Limit(set int64, n int) int64 {
	if set > 0 {
		return set
	}
	return max(256<<20, 64*int64(n))
}

// Memory is an allocator of Arrow buffers that has an end: beyond it, it panics with a [*LimitError], for the interface
// knows no errors. [Guard] makes an error of that again.
type Memory struct {
	heap  memory.GoAllocator
	limit int64
	used  atomic.Int64 // buffers may be released on any goroutine
}

// NewMemory returns an allocator of at most limit bytes.
func NewMemory(limit int64) *Memory { return &Memory{limit: limit} }

// Take counts n bytes that are allocated elsewhere.
func (m *Memory) Take(n int64) {
	if n < 0 || m.used.Add(n) > m.limit {
		panic(&LimitError{m.limit})
	}
}

// Allocate implements memory.Allocator.
func (m *Memory) Allocate(size int) []byte {
	m.Take(int64(size))
	return m.heap.Allocate(size)
}

// Reallocate implements memory.Allocator.
func (m *Memory) Reallocate(size int, b []byte) []byte {
	if size < 0 {
		panic(&LimitError{m.limit})
	}
	if grown := size - cap(b); grown > 0 {
		m.Take(int64(grown))
	}
	return m.heap.Reallocate(size, b)
}

// Free implements memory.Allocator.
func (m *Memory) Free(b []byte) {
	m.used.Add(-int64(len(b)))
	m.heap.Free(b)
}

// Guard makes an error of a panic: the libraries panic at data that is not what they expect. Defer it.
func Guard(codec, op string, value any, err *error) {
	switch cause := recover().(type) {
	case nil:
	case *LimitError:
		*err = Failure(codec, op, value, cause)
	default:
		reason := errors.New("the data is damaged")
		if op == "encode" {
			reason = errors.New("the library cannot write it")
		}
		*err = Failure(codec, op, value, reason)
	}
}

// Failure is an error of the data, not of a type.
func Failure(codec, op string, value any, cause error) error {
	if op == "decode" {
		return fmt.Errorf("cachette: codec %s cannot decode into %T: %w", codec, value, cause)
	}
	return fmt.Errorf("cachette: codec %s cannot encode %T: %w", codec, value, cause)
}
