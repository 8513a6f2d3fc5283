package purge

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

const (
	keysKept    = 128
	longestName = 512 // of a scope whose key is remembered, in bytes: requests choose their paths
)

// keyMemo has the keys of the marks of some scopes: those of the pages that are asked for often are not made anew for each look-up.
type keyMemo [keysKept]atomic.Pointer[markKey]

type markKey struct {
	scope Scope
	key   string
}

var memoSeed = maphash.MakeSeed()

// key returns the key of the mark of a scope.
func (m *keyMemo) key(s *Scope, base string, sharded bool) string {
	if len(s.Host)+len(s.Name) > longestName {
		return s.key(base, sharded)
	}
	slot := &m[(maphash.String(memoSeed, s.Name)+uint64(s.Kind))%keysKept]
	if known := slot.Load(); known != nil && known.scope == *s {
		return known.key
	}
	key := s.key(base, sharded)
	kept := *s
	kept.Host, kept.Name = strings.Clone(s.Host), strings.Clone(s.Name) // or what is kept of a request could be all of its header
	slot.Store(&markKey{kept, key})
	return key
}
