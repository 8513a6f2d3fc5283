package behaviour_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Heuristic freshness is the last to be asked (RFC 9111 §4.2.2): what the response declares goes before it (§4.2.1), then what the route
// gives for the status, then the ttl of Cached where that is for such a status. It is a tenth of the age that a response has by its
// Last-Modified, and a day at most.
func TestHeuristicFreshness(t *testing.T) {
	const day = 24 * time.Hour
	heuristic := cachette.WithHeuristicFreshness()
	for _, row := range []struct {
		name     string
		rule     string
		status   int           // 200 where it is 0
		modified time.Duration // before the response; none where it is 0
		fields   []string      // others of the response
		target   string        // "/" where it is empty
		ttl      time.Duration // of Cached
		options  []cachette.Option
		fresh    time.Duration // for how long the response is a hit; 0: never
	}{
		{name: "a tenth of the age", rule: "9111 §4.2.2", modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "a tenth of less", rule: "9111 §4.2.2", modified: 50 * time.Second, fresh: 5 * time.Second},
		{name: "a day at most", rule: "9111 §4.2.2", modified: 11 * day, fresh: day},
		{name: "a day at most, however old", rule: "9111 §4.2.2", modified: 20 * 365 * day, fresh: day},
		{name: "none without Last-Modified", rule: "9111 §4.2.2"},
		{name: "none where it is invalid", rule: "9110 §5.6.7", fields: []string{"Last-Modified: a while ago"}},
		{name: "none where it is to come", rule: "9110 §8.8.2.1", modified: -time.Hour},
		{name: "none unless the route says so", rule: "9111 §4.2.2", modified: 100 * time.Minute, options: []cachette.Option{}},
		{name: "of a URL with a query, too", rule: "9111 §4.2.2", target: "/?page=2", modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "of a response that must be validated once it is stale", rule: "9111 §5.2.2.2", modified: 100 * time.Minute,
			fields: []string{"Cache-Control: must-revalidate"}, fresh: 10 * time.Minute},

		{name: "203", rule: "9110 §15.1", status: 203, modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "204", rule: "9110 §15.1", status: 204, modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "300", rule: "9110 §15.1", status: 300, modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "301", rule: "9110 §15.1", status: 301, modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "308", rule: "9110 §15.1", status: 308, modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "404", rule: "9110 §15.1", status: 404, modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "405", rule: "9110 §15.1", status: 405, modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "410", rule: "9110 §15.1", status: 410, modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "414", rule: "9110 §15.1", status: 414, modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "501", rule: "9110 §15.1", status: 501, modified: 100 * time.Minute, fresh: 10 * time.Minute},
		{name: "not 201", rule: "9110 §15.1", status: 201, modified: 100 * time.Minute},
		{name: "not 206, of which no part is known", rule: "9111 §3.3", status: 206, modified: 100 * time.Minute},
		{name: "not 302", rule: "9110 §15.1", status: 302, modified: 100 * time.Minute},
		{name: "not 403", rule: "9110 §15.1", status: 403, modified: 100 * time.Minute},
		{name: "not 500", rule: "9110 §15.1", status: 500, modified: 100 * time.Minute},
		{name: "not 503", rule: "9110 §15.1", status: 503, modified: 100 * time.Minute},
		{name: "302 that is public", rule: "9111 §4.2.2", status: 302, modified: 100 * time.Minute,
			fields: []string{"Cache-Control: public"}, fresh: 10 * time.Minute},
		{name: "a redirect to the page itself", rule: "9110 §15.4", status: 301, modified: 100 * time.Minute,
			fields: []string{"Location: https://example.com/"}},

		{name: "max-age goes before it", rule: "9111 §4.2.1", modified: 100 * time.Minute, fields: []string{"Cache-Control: max-age=60"},
			fresh: time.Minute},
		{name: "s-maxage goes before it", rule: "9111 §4.2.1", modified: 100 * time.Minute, fields: []string{"Cache-Control: s-maxage=60"},
			fresh: time.Minute},
		{name: "max-age of 0 goes before it", rule: "9111 §4.2.1", modified: 100 * time.Minute, fields: []string{"Cache-Control: max-age=0"}},
		{name: "an unreadable max-age goes before it", rule: "9111 §4.2.1", modified: 100 * time.Minute,
			fields: []string{"Cache-Control: max-age=soon"}},
		{name: "Expires of 0 goes before it", rule: "9111 §5.3", modified: 100 * time.Minute, fields: []string{"Expires: 0"}},
		{name: "no-cache goes before it", rule: "9111 §5.2.2.4", modified: 100 * time.Minute, fields: []string{"Cache-Control: no-cache"}},
		{name: "no-store goes before it", rule: "9111 §5.2.2.5", modified: 100 * time.Minute, fields: []string{"Cache-Control: no-store"}},
		{name: "private goes before it", rule: "9111 §5.2.2.7", modified: 100 * time.Minute, fields: []string{"Cache-Control: private"}},

		{name: "the ttl goes before it", rule: "9111 §4.2.2", modified: 100 * time.Minute, ttl: time.Minute, fresh: time.Minute},
		{name: "the ttl goes before it, be it longer", rule: "9111 §4.2.2", modified: 100 * time.Minute, ttl: time.Hour, fresh: time.Hour},
		{name: "the ttl alone gives an hour to what was just modified", rule: "9111 §4.2.2", ttl: time.Hour, fresh: time.Hour},
		{name: "no ttl is for 404", rule: "9111 §4.2.2", status: 404, modified: 100 * time.Minute, ttl: time.Hour, fresh: 10 * time.Minute},
		{name: "a ttl of the status goes before it", rule: "9111 §4.2.2", status: 404, modified: 100 * time.Minute,
			options: []cachette.Option{heuristic, cachette.WithStatusTTL(404, time.Minute)}, fresh: time.Minute},
		{name: "a function that gives a ttl goes before it", rule: "9111 §4.2.2", modified: 100 * time.Minute,
			options: []cachette.Option{heuristic, cachette.WithTTLFunc(func(*gin.Context) time.Duration { return time.Minute })}, fresh: time.Minute},
		{name: "a function that gives none does not", rule: "9111 §4.2.2", modified: 100 * time.Minute,
			options: []cachette.Option{heuristic, cachette.WithTTLFunc(func(*gin.Context) time.Duration { return 0 })}, fresh: 10 * time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					if row.status == 0 {
						row.status = http.StatusOK
					}
					if row.target == "" {
						row.target = "/"
					}
					options := row.options
					if options == nil {
						options = []cachette.Option{heuristic}
					}
					handler, runs := counted(func(c *gin.Context) {
						if row.modified != 0 {
							c.Header("Last-Modified", time.Now().Add(-row.modified).UTC().Format(http.TimeFormat))
						}
						addFields(c, row.fields)
						c.Status(row.status)
						if row.status != http.StatusNoContent {
							c.String(row.status, "page")
						}
					})
					s.GET("/", cachette.Cached(row.ttl, options...), handler)
					s.get(row.target)
					ask := func(want bool) {
						t.Helper()
						before := runs.Load()
						if a := s.get(row.target); a.hit() != want || (runs.Load() == before) != want || a.status != row.status {
							t.Errorf("RFC %s: %d (%s), hit: want %t", row.rule, a.status, a.cacheStatus(), want)
						}
					}
					if row.fresh == 0 {
						ask(false)
						return
					}
					a := s.get(row.target)
					if want := fmt.Sprintf("cachette; hit; ttl=%d", row.fresh/time.Second); a.cacheStatus() != want {
						t.Errorf("RFC %s: Cache-Status %q, want %q", row.rule, a.cacheStatus(), want)
					}
					time.Sleep(row.fresh - time.Millisecond)
					ask(true)
					time.Sleep(time.Millisecond)
					ask(false)
				})
			})
		})
	}
}
