package serve

import (
	"net/http"
	"slices"

	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// negotiated has a response that gin's Negotiate chose by Accept say so, which gin does not (RFC 9110 §12.5.5). What shows it
// is that gin has read the field.
func (x *exchange) negotiated(header http.Header) {
	if x.c.Accepted != nil {
		addVary(header, "Accept")
	}
}

// vary has a response name the request fields by which its route is keyed.
func (x *exchange) vary(rec *response.Recorder) {
	for _, name := range x.around.rt.Vary {
		if addVary(rec.Header(), name) {
			x.draft.Fields = response.AddValue(x.draft.Fields, "Vary", name)
		}
	}
}

// naming is an exchange whose response only passes on, and names the fields by which it was chosen: other caches may keep it.
type naming struct{ *exchange }

// Decide names the fields.
func (x naming) Decide(rec *response.Recorder) response.Mode {
	x.negotiated(rec.Header())
	x.vary(rec)
	return response.Pass
}

// forward lets the handlers answer on a request of their own, of which nothing is kept.
func (x *exchange) forward(g guise) {
	outer := x.c.Writer
	if x.judged == nil {
		x.judged = new(judged)
	}
	x.recorder.Open(outer, 0, naming{x}, nil)
	defer func() { x.c.Writer = outer }()
	x.c.Writer = &x.recorder
	x.run(g)
	x.recorder.Finish()
}

// addVary adds a name to Vary unless it is there, and tells whether it did.
func addVary(header http.Header, name string) bool {
	if named, any := rfc9111.VaryFields(header); any || slices.Contains(named, name) {
		return false
	}
	header["Vary"] = append(slices.Clip(header["Vary"]), name)
	return true
}
