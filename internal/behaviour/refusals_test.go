package behaviour_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// The last requests with each reason are kept by route, at most eight, and one reason does not push out another. They have nothing that a client
// has made up.
func TestRefusalsHaveTheLastRequests(t *testing.T) {
	const secret = "HUNTER2"
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		skip := cachette.WithSkip(func(c *gin.Context) bool { return c.Query("skip") != "" })
		page := func(c *gin.Context) {
			c.Header("Cache-Control", "private")
			c.String(http.StatusNotFound, "page")
		}
		s.GET("/:n", cachette.Cached(time.Minute, skip), page)
		s.NoRoute(cachette.Cached(time.Minute), page)
		s.get("/" + secret)
		first := time.Now()
		for range 20 {
			time.Sleep(time.Second)
			s.get("/" + secret + "?skip=" + secret)
		}
		s.do(secret, "/a/b")
		text, err := json.Marshal(s.cache.Refusals())
		if err != nil || strings.Contains(string(text), secret) {
			t.Errorf("%v: %s", err, text)
		}
		got := map[string]cachette.RefusalOfRoute{}
		for _, r := range s.cache.Refusals() {
			got[r.Route+" "+r.Reason] = r
		}
		skipped, private := got["/:n skip"], got["/:n private"]
		if len(private.Recent) != 1 || private.Recent[0] != (cachette.RefusedRequest{Time: first, Method: http.MethodGet, Status: http.StatusNotFound}) || private.Last != first {
			t.Errorf("private: %+v", private)
		}
		if len(skipped.Recent) != 8 || skipped.Count != 20 {
			t.Fatalf("skipped: %+v", skipped)
		}
		for i, r := range skipped.Recent {
			if !r.Time.Equal(first.Add(time.Duration(20-i) * time.Second)) {
				t.Errorf("%d: %v", i, r)
			}
		}
	})
}
