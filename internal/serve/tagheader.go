package serve

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/response"
)

// label writes tags into a header, for a CDN, beside those that handlers have written there. A response whose tags a CDN would not read in full is
// not to be kept by it: it could not be purged there. It is written anew for each answer and is no part of what is stored, so it follows the setting.
func (s *Server) label(pattern string, h http.Header, tags []string, incomplete bool) {
	tags = slices.Clone(tags) // in the order of their names: a hit has them as its miss did
	slices.Sort(tags)
	for i := range s.tagFields {
		f := &s.tagFields[i]
		line, whole := f.Add(h[f.Name], tags)
		if line != "" {
			h[f.Name] = []string{line}
		}
		if !whole {
			incomplete = true
			s.tellOnce("tag header", pattern, "cachette: the tags of a response are more than a CDN reads, so CDNs are told not to keep it; "+
				"give it fewer or shorter tags", "field", f.Name)
		}
	}
	if incomplete {
		h["Cdn-Cache-Control"] = []string{"no-store"}
		h["Surrogate-Control"] = []string{"no-store"}
	}
}

// label writes the tags that the exchange's response is known to have by now.
func (x *exchange) label(h http.Header) {
	if len(x.s.tagFields) > 0 {
		x.s.label(x.c.FullPath(), h, x.tags.All(), x.tags.Problem() != nil)
	}
}

// labels returns what writes the tags of an entry, and those that the exchange knows beside them; nil where none are written.
func (x *exchange) labels(e *response.Entry) func(http.Header) {
	if len(x.s.tagFields) == 0 {
		return nil
	}
	return func(h http.Header) {
		x.s.label(x.c.FullPath(), h, append(x.tags.All(), entries.TagsOf(e)...), x.tags.Problem() != nil)
	}
}

// labels does the same for an entry alone.
func (s *Server) labels(c *gin.Context, e *response.Entry) func(http.Header) {
	if len(s.tagFields) == 0 {
		return nil
	}
	return func(h http.Header) { s.label(c.FullPath(), h, entries.TagsOf(e), false) }
}
