package entries

import (
	"bytes"
	"sync/atomic"

	"github.com/gin-cachette/cachette/internal/response"
)

const (
	memoSlots = 64
	memoLimit = 16 << 10 // of a value, in bytes: all of them are a mebibyte at most
)

// memo has what was decoded last of what a store holds, to be used again where the store answers with the very same bytes: a page that
// is asked for often is compared, and not decoded. It says nothing of what is stored, and so is never out of date.
type memo [memoSlots]atomic.Pointer[decoded]

// decoded is what the bytes of a value say. Nothing of it changes.
type decoded struct {
	value    []byte
	entry    *response.Entry
	variants *response.Variants
}

// decode reads what is stored under key. What is not ours, is of another version or belongs to another key is a miss, which
// the next fill mends. The value is not to be changed any more.
func (m *memo) decode(key string, value []byte) (*response.Entry, *response.Variants) {
	slot := &m[response.Sum(value)%memoSlots]
	d := slot.Load()
	if d == nil || !bytes.Equal(d.value, value) {
		entry, variants, err := response.Decode(value)
		if err != nil {
			return nil, nil
		}
		d = &decoded{value, entry, variants}
		if len(value) <= memoLimit {
			slot.Store(d)
		}
	}
	if d.entry != nil && d.entry.Key != key || d.variants != nil && d.variants.Key != key {
		return nil, nil
	}
	return d.entry, d.variants
}
