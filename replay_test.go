package cachette_test

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Values that an answer has in its header are its own: middleware outside that edits them in place changes no other answer, and
// a handler that edits the preconditions that it is asked to confirm changes nothing that is stored.
func TestFieldsEditedInPlace(t *testing.T) {
	const modified = "Thu, 02 Jan 2020 00:00:00 GMT"
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		edit := func(h http.Header) {
			for _, values := range h {
				for i := range values {
					values[i] += " edited"
				}
				_ = append(values, "more")
			}
		}
		outside := func(c *gin.Context) {
			h := c.Writer.Header()
			h.Add("Vary", "X-Outside")
			h.Add("Cache-Status", "outside")
			c.Next()
			edit(h) // the client has its copy by now
		}
		handler := func(c *gin.Context) {
			if c.GetHeader("If-Modified-Since") != "" {
				edit(c.Request.Header)
				c.Status(http.StatusNotModified)
				return
			}
			c.Header("Last-Modified", modified)
			c.Writer.Header().Add("Vary", "X-Inside")
			c.Writer.Header()["Link"] = []string{"<a>", "<b>"}
			c.Header("Content-Type", "text/plain") // gin's own values are in a slice for all
			c.String(http.StatusOK, "body")
		}
		s.GET("/others", outside, cachette.Cached(time.Minute), handler)
		s.GET("/alone", func(c *gin.Context) { c.Next(); edit(c.Writer.Header()) }, cachette.Cached(time.Minute), handler)
		for _, path := range []string{"/others", "/alone"} {
			for _, row := range []struct {
				query, field string
				status       int
			}{
				{"", "", http.StatusOK}, // two misses of which there is nothing else to say
				{"?b", "", http.StatusOK},
				{"", "", http.StatusOK},
				{"", "", http.StatusOK},
				{"", "Range: bytes=1-2", http.StatusPartialContent},
				{"", "Range: bytes=1-2", http.StatusPartialContent},
				{"", "If-Modified-Since: " + modified, http.StatusNotModified},
				{"", "If-Modified-Since: " + modified, http.StatusNotModified},
				{"", "Cache-Control: no-cache", http.StatusOK}, // confirmed by the handler
				{"", "", http.StatusOK},
			} {
				var fields []string
				if row.field != "" {
					fields = append(fields, row.field)
				}
				a := s.get(path+row.query, fields...)
				want := http.Header{"Last-Modified": {modified}, "Link": {"<a>", "<b>"}, "Vary": {"X-Inside"}}
				members := 1
				if path == "/others" {
					want["Vary"] = []string{"X-Outside", "X-Inside"}
					members = 2
				}
				for name, values := range want {
					if !reflect.DeepEqual(a.header[name], values) {
						t.Errorf("%s%s %q: %s is %q, want %q", path, row.query, row.field, name, a.header[name], values)
					}
				}
				for name, values := range a.header {
					if slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, "edited") }) {
						t.Errorf("%s%s %q: %s is %q", path, row.query, row.field, name, values)
					}
				}
				if a.status != row.status || len(a.header["Cache-Status"]) != members || len(a.header["Age"]) > 1 {
					t.Errorf("%s%s %q: %d %v", path, row.query, row.field, a.status, a.header)
				}
			}
		}
	})
}
