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

// addVary adds a name to Vary unless it is there, and tells whether it did.
func addVary(header http.Header, name string) bool {
	if named, any := rfc9111.VaryFields(header); any || slices.Contains(named, name) {
		return false
	}
	header["Vary"] = append(slices.Clip(header["Vary"]), name)
	return true
}
