package serve

import (
	"maps"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/event"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Decide is called when the status and header of the handler's response are final, and says what becomes of it.
func (x *exchange) Decide(rec *response.Recorder) response.Mode {
	if x.verdict.fate == aside {
		return response.Pass
	}
	x.verdict = judge(x.examine())
	v := &x.verdict
	o := event.Request{Outcome: event.Miss, Refusal: v.refusal}
	switch v.mode {
	case response.Swallow:
		return v.mode
	case response.Withhold:
		x.altered, _ = rec.Changes()
	case response.NotModified:
		response.StripContent(rec.Header())
	}
	if x.answer.posted {
		o.Outcome = event.Bypassed
		if v.refusal != refusedTooLarge { // the others go without saying
			o.Refusal = rfc9111.Stored
		}
	}
	if v.fate == storable {
		x.moveTrack()
		x.promise(&o)
	}
	x.vary(rec)
	x.label(rec.Header())
	status := x.words(o)
	response.AddStatus(rec.Header(), &status)
	if !x.answer.posted { // a refresh whose handlers send a POST is told what becomes of its own page
		x.mark.tell(status, x.made.Status)
	}
	x.carryOut()
	x.varied = slices.Clone(rec.Header()["Vary"])
	return v.mode
}

// carryOut does what the verdict says of all but the answer itself. What is stored comes first: a request that waits would find what has
// been taken back, once it leads.
func (x *exchange) carryOut() {
	v, s := &x.verdict, x.s
	if v.refusal == refusedTooLarge {
		s.counts.TooLarge.Add(1)
	}
	if v.refusal == refusedTags {
		s.counts.Untagged.Add(1)
	}
	if v.stored == withdrawn {
		x.remove(x.concerned())
	}
	if v.learned != nothing {
		s.lane.makes(place{x.method(), x.pattern}, v.learned == makesWhole)
	}
	if v.refusal.ForOne() { // nor is a page that handlers around this one may make of it for others
		for over := x.around.over; over != nil; over = over.around.over {
			over.parted.Store(true)
		}
	}
	if v.waiting > waitOn {
		x.mark.rest(s, x.found.Key)
	}
	switch v.waiting {
	case waitOn:
		s.alone.Remove(x.found.Key)
	case oneLeads:
		x.lease.Free()
		x.flight.Fail()
	case moreLead:
		x.Forgo()
	case goAlone:
		x.Release()
	case stayAlone:
		s.alone.Add(x.found.Key, s.clock.now().Add(aloneFor))
		x.Release()
	}
}

// Sent is called when the header of a response that is being captured has gone out. Middleware outside may add to it at
// that very moment: a cookie that it sets then forbids storing as any other does, and what it says that the response varies by
// counts.
func (x *exchange) Sent(rec *response.Recorder, header http.Header) {
	if !x.verdict.captures() {
		return
	}
	cookies, varied := leaving(header)
	if len(cookies) == 0 && slices.Equal(varied, x.varied) {
		return
	}
	why := rfc9111.RefusedVary
	switch vary, any := rfc9111.VaryFields(http.Header{"Vary": varied}); {
	case any:
	case x.forbid(cookies):
		why = rfc9111.RefusedSetCookie
	default:
		for _, name := range vary {
			if !slices.Contains(x.draft.Meta.Vary, name) && !slices.Contains(x.around.rt.Vary, name) && !(x.coded && name == acceptEncoding) {
				x.draft.Meta.Vary = append(x.draft.Meta.Vary, name)
			}
		}
		slices.Sort(x.draft.Meta.Vary)
		return
	}
	rec.Drop()
	x.verdict = x.answer.takenBack(why)
	x.carryOut()
}

// commit sends the header of a response without content where a writer of middleware outside may add to it at that moment: a
// cookie, say, that what the route has set belongs to. Else the engine sends it, after the chain.
func (x *exchange) commit(outer gin.ResponseWriter) {
	if x.recorder.Wrapped() {
		outer.WriteHeaderNow()
		x.Sent(&x.recorder, outer.Header())
	}
}

// finish keeps a response that may be kept, if it ended well.
func (x *exchange) finish(ended ending) {
	defer x.divide()
	if x.conclude(ended); x.verdict.captures() {
		x.keep(ended.bare)
	}
}

// freshen answers with what is stored, which the handler has confirmed, and stores it anew (RFC 9111 §4.3.4).
func (x *exchange) freshen() {
	stale := x.found.Entry
	h := x.c.Writer.Header()
	x.recorder.Baseline().Restore(h)
	x.now = x.made.ResponseTime

	confirmation := x.recorder.Baseline().Header(x.draft.Fields)
	x.update(confirmation)
	x.tag(entries.TagsOf(stale))    // it goes on standing on them
	if x.around.rt.TTLFunc != nil { // it is to see the response, of which a 304 has but a part
		maps.Copy(h, x.made.Header.Clone()) // which the function may change
		x.c.Writer.WriteHeader(stale.Status)
	}
	meta, why := x.storable()
	x.recorder.Baseline().Restore(h)
	x.answer.refused = why
	x.verdict = conclude(x.verdict, &x.answer)
	x.carryOut() // before this client is written to, which may take it long
	if x.verdict.stored != freshened {
		meta = stale.Meta
	}
	changes := x.draft.Fields
	fresh := stale.Freshen(changes, confirmation, x.omit, meta)
	o := event.Request{Outcome: event.Validated, Answered: http.StatusNotModified, Refusal: why}
	if x.verdict.stored == freshened {
		o.Stored = x.put(fresh)
	} else {
		x.mark.tell(x.words(o), o.Answered)
	}
	fresh.ReplayOwn(changes, x.c.Writer.Header())
	status := x.words(o)
	x.replay(fresh, &status)
}

// update has what is stored, with the header that an answer gives it, stand for the answer.
func (x *exchange) update(header http.Header) {
	stale := x.found.Entry
	x.made.Status, x.made.Header = stale.Status, stale.UpdatedHeader(header)
	x.answer.status = stale.Status
}

// standIn answers with what is stored in place of the handler's error (RFC 5861 §4).
func (x *exchange) standIn() {
	x.recorder.Baseline().Restore(x.c.Writer.Header())
	x.now = x.made.ResponseTime
	x.verdict = conclude(x.verdict, &x.answer)
	x.carryOut() // before this client is written to, which may take it long
	status := x.words(event.Request{Outcome: event.StoodIn, Answered: x.made.Status, TTL: x.found.Entry.Meta.Fresh(x.now)})
	x.mark.tell(status, status.Status)
	x.replay(x.found.Entry, &status)
}

// divide gives the client the part that it has asked for of a whole that was withheld, or all that there is where that did not end well.
// Whatever the client then takes, others have the page already.
func (x *exchange) divide() {
	switch {
	case !x.recorder.Withholds():
	case x.page == nil:
		x.recorder.Yield()
	default:
		x.recorder.Retract()
		h := x.c.Writer.Header()
		x.page.ReplayOwn(x.altered, h)
		status := x.words(event.Request{Outcome: event.Miss, Stored: x.kept})
		x.now = x.made.ResponseTime
		x.replay(x.page, &status)
	}
}
