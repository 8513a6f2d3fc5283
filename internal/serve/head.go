package serve

import (
	"strconv"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// head runs the handler of a HEAD request, whose response is not stored: it can freshen what is stored for GET, or show
// that it is out of date (RFC 9111 §4.3.5).
func (x *exchange) head() {
	x.judged = new(judged)
	x.enterTrack()
	defer x.leaveTrack()
	x.begin()
	x.goOn()
	if x.found.Entry == nil && x.passed == nil {
		x.forward(difference{own: true})
		return
	}
	c, outer := x.c, x.c.Writer
	x.errors = len(c.Errors)
	x.began = x.s.clock.now()
	x.recorder.Open(outer, 0, headed{x}, nil)
	x.recording = true
	defer func() { c.Writer = outer }()
	c.Writer = &x.recorder
	x.run(difference{own: true})
	x.recorder.Finish()
	intact := x.inside()
	c.Writer = outer
	if x.verdict.fate != aside && intact && !x.answer.left && x.request.Context().Err() == nil {
		x.compare()
	}
}

// headed is an exchange whose response to HEAD may say something of what is stored.
type headed struct{ *exchange }

// Decide judges the header of the response to a HEAD as that of one to a GET, before middleware outside adds to it.
func (x headed) Decide(rec *response.Recorder) response.Mode {
	if x.verdict.fate != aside {
		x.verdict.refusal = x.examine().refusal()
		x.draft.Fields, _ = rec.Changes()
		x.cookies = response.ValuesOf(x.draft.Fields, "Set-Cookie")
		x.vary(rec)
		x.label(rec.Header())
	}
	return response.Pass
}

// compare does what the response to a HEAD says of what is stored: that it is as it was, or out of date.
func (x *exchange) compare() {
	header, a := x.recorder.Baseline().Header(x.draft.Fields), &x.answer
	x.made.Header = header
	a.aborted, a.erred = x.aborted(), len(x.c.Errors) > x.errors
	a.silent = x.around.rt.TTLFunc == nil && !rfc9111.Declares(header)
	a.tells = len(header["Etag"])+len(header["Last-Modified"]) > 0
	x.verdict = compare(x.verdict.refusal, a)
	if x.carryOut(); x.verdict.stored == freshened {
		x.tag(entries.TagsOf(x.found.Entry)) // it goes on standing on them
		x.put(x.found.Entry.Freshen(x.draft.Fields, header, x.omit, x.draft.Meta))
	}
}

// same tells whether the header is one of what is stored.
func (x *exchange) same() bool {
	stale := x.found.Entry
	return rfc9111.SameRepresentation(x.made.Header, stale.Validators(), strconv.Itoa(len(stale.Body)), x.made.ResponseTime)
}

// updated tells why what is stored may not be stored with this header.
func (x *exchange) updated() (why rfc9111.Refusal) {
	x.update(x.made.Header)
	x.draft.Meta, why = x.storable()
	return why
}
