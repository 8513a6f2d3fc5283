package behaviour_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// nests are routes of which a Cached is inside of another, in the ways in which they can be: the outer one goes on by what the two come to,
// or steps aside, or keeps the request away from both.
func nests(s *site, runs *int) {
	handler := func(c *gin.Context) {
		*runs++
		c.Header("Cache-Control", c.Query("cc"))
		c.String(http.StatusOK, "page")
	}
	who := func(c *gin.Context) string { return c.GetHeader("X-User") }
	skip := func(c *gin.Context) bool { return c.Query("skip") != "" }
	between := func(c *gin.Context) {
		if c.Query("stop") != "" {
			c.AbortWithStatus(http.StatusForbidden)
		}
	}
	group := func(path string, opts ...cachette.Option) *gin.RouterGroup {
		return s.Group(path, cachette.Cached(time.Minute, opts...))
	}
	group("/plain").GET("/:n", cachette.Cached(time.Minute), handler)
	group("/parts").GET("/:n", cachette.Cached(time.Minute, cachette.WithKeyPart(who)), handler)
	group("/identity").GET("/:n", cachette.Cached(time.Minute, cachette.WithIdentity(who)), handler)
	group("/around", cachette.WithIdentity(who)).GET("/:n", cachette.Cached(time.Minute, cachette.WithNamespace("inner")), handler)
	group("/skip", cachette.WithSkip(skip)).GET("/:n", cachette.Cached(time.Minute, cachette.WithPathKey()), handler)
	group("/inside").GET("/:n", cachette.Cached(time.Minute, cachette.WithSkip(skip)), handler)
	group("/between").GET("/:n", between, cachette.Cached(time.Minute), handler)
	group("/three").Group("", cachette.Cached(time.Minute, cachette.WithKeyPart(who))).GET("/:n", cachette.Cached(time.Minute, cachette.WithPathKey()), handler)
	group("/deaf", cachette.WithoutRequestDirectives()).GET("/:n", cachette.Cached(time.Second, cachette.WithVary("X-User")), handler)
}

// Where a Cached is inside of another, what is told is what the two do together.
func TestExplainAgreesWithNestedRoutes(t *testing.T) {
	paths := []string{"/plain/1", "/parts/1", "/identity/1", "/around/1", "/skip/1", "/inside/1", "/between/1", "/three/1", "/deaf/1"}
	queries := []string{"", "", "?cc=max-age=5", "?cc=private", "?skip=1", "?stop=1", "?cc=max-age=1,stale-while-revalidate=30"}
	fields := []string{"", "", "X-User: me", "X-User: you", "Cache-Control: no-cache", "Cache-Control: only-if-cached", "Cache-Control: max-stale", "Authorization: Basic eA=="}
	agreesAtRandom(t, nests, []string{http.MethodGet}, paths, queries, fields)
}

// A response tells of itself wherever among several Cached the option stands, by the one that decides; and it is in no stored response.
func TestDebugOfNestedRoutes(t *testing.T) {
	asked := false
	debug := cachette.WithDebug(func(*gin.Context) bool { return asked })
	who := cachette.WithKeyPart(func(c *gin.Context) string { return c.GetHeader("X-User") })
	for name, options := range map[string][2][]cachette.Option{
		"outer": {{debug}, {}}, "inner": {{}, {debug}}, "both": {{debug}, {debug}},
		"outer of parts": {{debug}, {who}}, "inner of parts": {{}, {who, debug}}, "inner inside of parts": {{who}, {debug}},
	} {
		for kind, store := range storesOfEvents {
			t.Run(name+"/"+kind, func(t *testing.T) {
				s := newSite(t, store)
				s.Group("/", cachette.Cached(time.Minute, options[0]...)).GET("/:n", cachette.Cached(time.Minute, options[1]...), text("page"))
				for _, want := range []string{"miss", "hit", "hit"} {
					asked = true
					a := s.get("/1")
					var x cachette.Explanation
					if err := json.Unmarshal([]byte(a.header.Get("Cachette-Debug")), &x); err != nil || x.Outcome != want || a.hit() != (want == "hit") || len(a.header["Cachette-Debug"]) != 1 {
						t.Errorf("%s: %v: %v", want, err, a.header)
					}
					asked = false
					if a := s.get("/1"); !a.hit() || a.header.Get("Cachette-Debug") != "" {
						t.Errorf("not asked: %v", a.header)
					}
				}
			})
		}
	}
}
