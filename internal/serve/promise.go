package serve

import (
	"net/http"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
)

// Cache-Status goes out before a response is complete, so it may say of one that it is stored which then is not. That is remembered of
// its key, and its variant, with the reason, and the next response says it, until one is kept.

// rememberedFor is for how long that is.
const rememberedFor = time.Hour

// brokenPromises are the reasons for which a response turns out not to be stored, and will again as a rule. Others pass: a client
// that leaves, a store that fails, a purge, a lack of room.
var brokenPromises = [...]rfc9111.Refusal{
	rfc9111.Stored, refusedAborted, refusedTooLarge, refusedIncomplete, rfc9111.RefusedNoStore, rfc9111.RefusedSetCookie, rfc9111.RefusedVary,
	rfc9111.RefusedPrivate, rfc9111.RefusedMethod,
}

// promise has an outcome say that the response is stored, or why it will not be, as the last one.
func (x *exchange) promise(o *event.Request) {
	x.promised, x.promisedAs = true, x.promisedKey()
	why := x.s.unkept.What(x.promisedAs, x.made.ResponseTime)
	o.Stored, o.Refusal = why == 0, brokenPromises[why]
}

// settlePromise remembers what became of a response of which it was said that it is stored.
func (x *exchange) settlePromise() {
	switch why := slices.Index(brokenPromises[:], x.verdict.refusal); {
	case !x.promised:
	case x.kept: // see keepPromise
	case why > 0 && !x.late():
		x.s.unkept.Note(x.promisedAs, uint8(why), x.made.ResponseTime.Add(rememberedFor))
	}
}

// keepPromise forgets why the last response was not stored, since this one is about to be. It comes first, since a store for which it
// waits may find it too large at once: see written.
func (x *exchange) keepPromise() {
	if x.promised {
		x.s.unkept.Remove(x.promisedAs)
	}
}

// breakPromise remembers that the store has found a response too large that had waited for it. promisedAs is empty where nothing was said of
// it.
func (s *Server) breakPromise(promisedAs string, until time.Time) {
	if promisedAs != "" {
		s.unkept.Note(promisedAs, uint8(slices.Index(brokenPromises[:], refusedTooLarge)), until)
	}
}

// promisedKey is what is remembered of: GET and POST of a target are answered each in its way, and so is each variant.
func (x *exchange) promisedKey() string {
	key := target.Variant(x.target.Key, rfc9111.VariantKey(x.draft.Meta.Vary, x.request.Header))
	if x.request.Method == http.MethodPost {
		return "POST " + key
	}
	return key
}
