package entries

import (
	"hash/maphash"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

const (
	guessSlots = 256
	longestKey = 512 // of a page that is remembered, in bytes: requests choose their keys
)

// guesses remember by which fields pages were told apart last, so that a look-up reads the variant that it will want together with what
// says that there are variants. A guess that is wrong costs nothing but what was read of it.
type guesses [guessSlots]atomic.Pointer[fieldsOf]

// fieldsOf are the fields of a page.
type fieldsOf struct {
	key    string
	fields []string
}

var guessSeed = maphash.MakeSeed()

func (g *guesses) slot(key string) *atomic.Pointer[fieldsOf] {
	return &g[maphash.String(guessSeed, key)%guessSlots]
}

// variant returns the key of the variant that a request will want, or nothing.
func (g *guesses) variant(key string, request http.Header) string {
	if known := g.slot(key).Load(); known != nil && known.key == key {
		return target.Variant(key, rfc9111.VariantKey(known.fields, request))
	}
	return ""
}

// note remembers by what the variants of a page are told apart; nil for a page without.
func (g *guesses) note(key string, v *response.Variants) {
	slot := g.slot(key)
	known := slot.Load()
	switch {
	case v == nil:
		if known != nil && known.key == key {
			slot.CompareAndSwap(known, nil)
		}
	case len(key) > longestKey, known != nil && known.key == key && slices.Equal(known.fields, v.Fields):
	default:
		slot.Store(&fieldsOf{strings.Clone(key), v.Fields})
	}
}

// guessed is a variant that was read beside what it hangs on.
type guessed struct {
	key   string // empty for none
	entry *response.Entry
}
