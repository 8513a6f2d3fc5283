package response

import (
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// Values is room for the values of header fields that replays hand out, of which none is ever used twice. The zero Values is ready;
// nil makes room for each replay by itself.
type Values struct{ free []string }

// valuesAtOnce is for how many values room is made at once: an allocation for each hit is what a hit spends much of its time on.
// It is what 1 KB has room for, less the word that the allocator puts before it.
const valuesAtOnce = 63

// take returns room for n values.
func (v *Values) take(n int) []string {
	if v == nil || n > valuesAtOnce/2 {
		return make([]string, 0, n)
	}
	if n > len(v.free) {
		v.free = make([]string, valuesAtOnce)
	}
	taken := v.free[:0:n]
	v.free = v.free[n:]
	return taken
}

// Answer is how an entry answers a request.
type Answer struct {
	Form   *Form                // in which it does; nil for the entry as it is
	Values *Values              // room for values that several replays share, one after the other; nil for none
	Now    time.Time            // the age is that of now
	Status *rfc9111.CacheStatus // what Cache-Status says; nil means a hit
	More   func(http.Header)    // adds to the header before it goes out; nil for nothing
}

// Replay answers a request from the entry: with 304 when the client has it, with parts of it when the client asks for ranges,
// else whole.
func (e *Entry) Replay(w gin.ResponseWriter, r *http.Request, a *Answer) {
	h := w.Header()
	// Middleware outside, such as gzip, codes the content: what is sent is then another representation than what is stored, with
	// no ranges in common.
	part := rfc9111.HasRanges(r.Method) && len(r.Header["Range"]) > 0 && len(h["Content-Encoding"]) == 0
	e.header(a.Values, h, a.Now, a.Status)
	sent := e.as(a.Form, h, a.Values)
	if a.More != nil {
		a.More(h)
	}
	if e.Status == http.StatusOK && len(r.Header) > 0 && !e.Bare && !w.Written() { // else it goes on with what others have begun
		if rfc9111.Conditional(r.Header) && e.heldBy(r, h, &sent, a.Now) {
			e.notModified(w, h)
			return
		}
		if part && e.divisible(w) && sent.ranges(w, r, h, a.Now) {
			return
		}
	}
	sent.whole(w, r)
}

// A representation is what is sent of an entry: its content, as it is or in a coding.
type representation struct {
	*Entry
	body       []byte
	validators rfc9111.Validators
}

// as returns the representation of the entry in a form, and has a header, which is the entry's, say that it is in it.
func (e *Entry) as(form *Form, h http.Header, v *Values) representation {
	sent := representation{e, e.Body, e.validators}
	if form == nil {
		return sent
	}
	sent.body = form.Body
	array := v.take(3)
	h["Content-Encoding"] = hold(&array, form.Coding)
	h["Content-Length"] = hold(&array, form.length) // nothing changes it any more
	if tag := form.tagOf(e.validators.ETag); tag != e.validators.ETag {
		sent.validators.ETag = tag
		h["Etag"] = hold(&array, tag)
	}
	return sent
}

// heldBy tells whether a client has the entry, by the preconditions of its request. Where it has it in another form than the one that would be sent, it
// is told the entity tag of that (RFC 9110 §15.4.5).
func (e *Entry) heldBy(r *http.Request, h http.Header, sent *representation, now time.Time) bool {
	if rfc9111.NotModified(r.Header, &sent.validators, now) {
		return true
	}
	tag, held := e.heldTag(r.Header["If-None-Match"])
	if held {
		h["Etag"] = []string{tag}
	}
	return held
}

// header puts on a header what the entry has, and what a cache says of it. status is as for Replay.
func (e *Entry) header(v *Values, h http.Header, now time.Time, status *rfc9111.CacheStatus) {
	m := e.at(now)
	member := m.status
	if status != nil {
		member = status.String()
	}
	array := v.take(e.lines)
	if e.plain && len(h) == 0 {
		array = set(e.Fields, h, array)
		h["Cache-Status"] = hold(&array, member)
	} else {
		array = apply(e.Fields, h, array)
		addStatus(h, hold(&array, member))
	}
	h["Age"] = hold(&array, m.age)
}

// hold appends a value to an array that has room for it, and returns the part that holds it.
func hold(array *[]string, value string) []string {
	n := len(*array)
	*array = (*array)[:n+1]
	(*array)[n] = value
	return (*array)[n : n+1 : n+1]
}

// addStatus adds this cache's member to Cache-Status, after those of the caches closer to the origin (RFC 9211 §2). The header
// may keep the slice.
func addStatus(h http.Header, member []string) {
	if before := h["Cache-Status"]; len(before) > 0 {
		member = append(slices.Clip(before), member...)
	}
	h["Cache-Status"] = member
}

// AddStatus adds this cache's member to a header's Cache-Status.
func AddStatus(h http.Header, status *rfc9111.CacheStatus) {
	member := plainMissMember
	if *status != plainMiss {
		member = status.String()
	}
	addStatus(h, []string{member})
}

// plainMiss is the most frequent of all that is not a hit.
var (
	plainMiss       = rfc9111.CacheStatus{Forward: rfc9111.ForwardURIMiss, Stored: true}
	plainMissMember = plainMiss.String()
)

// DropStatus takes back the last AddStatus.
func DropStatus(h http.Header) {
	if members := h["Cache-Status"]; len(members) > 1 {
		h["Cache-Status"] = members[:len(members)-1]
		return
	}
	delete(h, "Cache-Status")
}

// StripContent removes from a header what a 304 does not carry.
func StripContent(h http.Header) {
	for name := range h {
		if contentField(name) {
			delete(h, name)
		}
	}
}

func (e *Entry) notModified(w gin.ResponseWriter, h http.Header) {
	StripContent(h)
	w.WriteHeader(http.StatusNotModified)
	w.WriteHeaderNow()
}

// whole answers with all of the content, as a handler does that takes no notice of the method: what the server adds of type
// and length, and what middleware outside makes of it all, is then what it is for a miss.
func (e *representation) whole(w gin.ResponseWriter, r *http.Request) {
	w.WriteHeader(e.Status)
	switch {
	case e.Bare: // the engine goes on
	case len(e.body) == 0:
		w.WriteHeaderNow()
	case r.Method == http.MethodHead && !LeavesOut(r):
		w.WriteHeaderNow()
	default:
		_, _ = w.Write(e.body) // the client's loss: nothing here can mend it
	}
}

// LeavesOut tells whether what is written for a HEAD request stays with the server. net/http does that, for every version of
// HTTP, once it has made of the content the fields that it makes for GET. What else an engine may write to, such as a recorder
// in a test, or an adapter to a platform for functions, sends it.
func LeavesOut(r *http.Request) bool {
	_, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	return ok
}

// divisible tells whether a part of the content is one of what the client gets as the whole: where no middleware outside has
// put a writer of its own in between, which may change the content, or where the handler says that it serves parts itself
// (RFC 9110 §14.3). What stands around the engine cannot be seen from here; it has to leave parts as they are.
func (e *Entry) divisible(w gin.ResponseWriter) bool {
	for recorder, ok := w.(*Recorder); ok; recorder, ok = w.(*Recorder) {
		w = recorder.Outer()
	}
	if packageOf(w) == ginPath {
		return true
	}
	accepts, _ := lookup(e.Fields, "Accept-Ranges")
	return len(accepts) == 1 && strings.EqualFold(accepts[0], "bytes")
}

// ranges answers a range request (RFC 9110 §14) and tells whether it did: when there is nothing to honour, the whole
// is the answer.
func (e *representation) ranges(w gin.ResponseWriter, r *http.Request, h http.Header, now time.Time) bool {
	if e.Content != "" {
		e.validators.LastModified = time.Time{} // a date does not tell in which form the client has the rest (RFC 9110 §13.1.5)
	}
	if !rfc9111.RangeApplies(r.Header, &e.validators, now) {
		return false
	}
	size := int64(len(e.body))
	ranges, unsatisfiable := rfc9111.Ranges(r.Header, size)
	switch {
	case unsatisfiable:
		StripContent(h)
		h["Content-Range"] = []string{"bytes */" + strconv.FormatInt(size, 10)}
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		w.WriteHeaderNow()
	case len(ranges) == 0:
		return false
	case len(ranges) == 1:
		part := ranges[0]
		h["Content-Range"] = []string{part.ContentRange(size)}
		resize(h, part.Length)
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(e.body[part.Start : part.Start+part.Length])
	default:
		e.parts(w, h, ranges)
	}
	return true
}

// resize gives a part's length to a header that declares one. A length that the handler has not declared is not declared
// here either: middleware outside may change the content.
func resize(h http.Header, length int64) {
	if _, declared := h["Content-Length"]; declared {
		h["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
}

// ReplayPart answers a range request from an entry that is a part of the whole, and tells whether it could: when the
// request is the one that the part answered, or asks for a range that lies in it. more is as for Replay.
func (e *Entry) ReplayPart(w gin.ResponseWriter, r *http.Request, now time.Time, status *rfc9111.CacheStatus, more func(http.Header)) bool {
	h := w.Header()
	at, ok := e.PartFor(h, r.Header, now)
	if !ok || w.Written() {
		return false
	}
	body := e.Body
	if at.Length > 0 {
		body = body[at.Start-e.Start:][:at.Length]
	}
	e.header(nil, h, now, status)
	if more != nil {
		more(h)
	}
	if at.Length > 0 {
		h["Content-Range"] = []string{at.ContentRange(e.Whole)}
	}
	resize(h, int64(len(body)))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(body)
	return true
}

// PartFor returns which part of a stored one answers a request, the zero one for all of it, and whether any does. h is the header that the
// response has so far.
func (e *Entry) PartFor(h, request http.Header, now time.Time) (at rfc9111.Range, ok bool) {
	if _, coded := h["Content-Encoding"]; coded || !rfc9111.RangeApplies(request, &e.validators, now) {
		return at, false
	}
	if request.Get("Range") == e.Asked {
		return at, true
	}
	asked, _ := rfc9111.Ranges(request, e.Whole)
	if len(asked) != 1 || asked[0].Start < e.Start || asked[0].Start+asked[0].Length > e.Start+int64(len(e.Body)) {
		return at, false
	}
	return asked[0], true
}

// parts answers with several ranges (RFC 9110 §14.6).
func (e *representation) parts(w gin.ResponseWriter, h http.Header, ranges []rfc9111.Range) {
	body := multipart.NewWriter(w)
	contentType := h.Get("Content-Type")
	h["Content-Type"] = []string{"multipart/byteranges; boundary=" + body.Boundary()}
	delete(h, "Content-Length")
	w.WriteHeader(http.StatusPartialContent)
	for _, part := range ranges {
		header := textproto.MIMEHeader{"Content-Range": {part.ContentRange(int64(len(e.body)))}}
		if contentType != "" {
			header["Content-Type"] = []string{contentType}
		}
		out, err := body.CreatePart(header)
		if err == nil {
			_, err = out.Write(e.body[part.Start : part.Start+part.Length])
		}
		if err != nil {
			return // the client is gone
		}
	}
	_ = body.Close()
}
