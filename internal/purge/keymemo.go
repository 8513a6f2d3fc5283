package purge

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

const (
	keysKept    = 2048 // a page has one for each of its tags, and of several servers a namespace has one for each partition
	longestName = 512  // of a scope whose key is remembered, in bytes: requests choose their paths
)

// keyMemo has the keys of the marks of some scopes: those of the pages that are asked for often are not made anew for each look-up.
type keyMemo [keysKept]atomic.Pointer[markKey]

type markKey struct {
	scope Scope
	part  *partition // that the mark is in
	key   string
}

var memoSeed = maphash.MakeSeed()

// key returns the key of the mark that a scope has in a partition.
func (m *keyMemo) key(s *Scope, part *partition) string {
	if len(s.Host)+len(s.Name) > longestName {
		return s.id().key(part.base)
	}
	slot := &m[(maphash.String(memoSeed, s.Name)+uint64(s.Kind)+uint64(part.number))%keysKept]
	if known := slot.Load(); known != nil && known.part == part && known.scope == *s {
		return known.key
	}
	key := s.id().key(part.base)
	kept := *s
	kept.Host, kept.Name = strings.Clone(s.Host), strings.Clone(s.Name) // or what is kept of a request could be all of its header
	slot.Store(&markKey{kept, part, key})
	return key
}
