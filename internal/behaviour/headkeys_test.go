package behaviour_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// With each option that says what counts of a request, a HEAD is answered from what a GET of the same page has stored, and has the page made for GETs:
// handlers see as little of either.
func TestHeadOfWhatCounts(t *testing.T) {
	for _, row := range []struct {
		name       string
		option     cachette.Option
		one, other string // a query, or a field
		seen       string
	}{
		{"ignored", cachette.WithIgnoredQueryParams("x"), "?x=secret&a=1", "?a=1&x=2", "?a=1"},
		{"tracking", cachette.WithoutTrackingParams(), "?a=1&gclid=secret", "?utm_source=b&a=1", "?a=1"},
		{"sorted", cachette.WithSortedQuery(), "?b=2&a=1", "?a=1&b=2", "?a=1&b=2"},
		{"languages", cachette.WithUnrankedLanguages(), "Accept-Language: en, de", "Accept-Language: de, en", "de, en"},
		{"headers", cachette.WithoutHeaders("X-Request-Id"), "?a=1", "?a=1", "?a=1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				runs := 0
				handlers := []gin.HandlerFunc{cachette.Cached(time.Minute, row.option), func(c *gin.Context) {
					runs++
					c.Header("X-Request-Id", fmt.Sprint(runs))
					c.Header("X-Seen", c.Request.RequestURI+c.GetHeader("Accept-Language"))
					c.Header("Vary", "Accept-Language")
					c.String(http.StatusOK, "page")
				}}
				s.Match([]string{http.MethodGet, http.MethodHead}, "/:page", handlers...)
				server := s.listen()
				ask := func(method, path, query string) answer {
					field := "Accept: */*"
					if strings.Contains(query, ":") {
						query, field = "", query
					}
					defer s.settle()
					return fetch(t, server, method, path+query, "Host: h", field)
				}
				check := func(what, path string, a answer, hit bool, ran int) {
					t.Helper()
					id := fmt.Sprint(ran)
					if hit && row.name == "headers" {
						id = ""
					}
					if a.hit() != hit || runs != ran || a.header.Get("X-Seen") != path+row.seen || a.header.Get("X-Request-Id") != id {
						t.Errorf("%s: %v, and the handler has run %d times, want %d", what, a.header, runs, ran)
					}
				}
				check("a GET", "/got", ask(http.MethodGet, "/got", row.one), false, 1)
				check("a HEAD behind it", "/got", ask(http.MethodHead, "/got", row.other), true, 1)
				check("a HEAD that has the page made", "/headed", ask(http.MethodHead, "/headed", row.one), false, 2)
				check("a GET behind it", "/headed", ask(http.MethodGet, "/headed", row.other), true, 2)
				check("a HEAD behind that", "/headed", ask(http.MethodHead, "/headed", row.one), true, 2)
			})
		})
	}
}
