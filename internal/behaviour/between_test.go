package behaviour_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What stands between two Cached belongs to what the inner one sees: the inner one keys by the target, the header and the cookies
// that reach it, and the outer one must not answer in its place by less. What the outer one sees counts as well: what it would not
// share, the inner one does not share either, whatever was taken away from the request in between. The rule is that a Cached
// inside of another never widens what is shared; RFC 9111 §3.5 and §4.1 are what each of the two goes by.

// cookied is a visitor whose cookie alone names the user.
func cookied(user, page string) visitor {
	return visitor{fields: []string{"Cookie: user=" + user}, page: page}
}

// A request that is rewritten between two routes, for some visitors and not for others, is told apart by what it is then.
func TestRewrittenBetween(t *testing.T) {
	anonymous := visitor{page: `"" of "", "" on example.com`}
	for _, row := range []struct {
		name     string
		outer    []cachette.Option
		between  func(c *gin.Context, user string)
		inner    []cachette.Option
		fields   []string // of the response
		visitors []visitor
	}{
		{name: "the path", between: func(c *gin.Context, user string) { c.Request.URL.Path = "/of/" + user },
			visitors: []visitor{cookied("alice", `"alice" of "", "" on example.com`), cookied("bob", `"bob" of "", "" on example.com`), anonymous}},
		{name: "the query", between: func(c *gin.Context, user string) { c.Request.URL.RawQuery += "&user=" + user },
			visitors: []visitor{cookied("alice", `"alice" of "", "alice" on example.com`), cookied("bob", `"bob" of "", "bob" on example.com`), anonymous}},
		{name: "the query, which alone counts", between: func(c *gin.Context, user string) { c.Request.URL.RawQuery += "&user=" + user },
			inner:    []cachette.Option{cachette.WithQueryParams("user", "order")},
			visitors: []visitor{cookied("alice", `"alice" of "", "alice" on example.com`), cookied("bob", `"bob" of "", "bob" on example.com`), anonymous}},
		{name: "the host", between: func(c *gin.Context, user string) { c.Request.Host = user + ".example" },
			visitors: []visitor{cookied("alice", `"alice" of "", "" on alice.example`), cookied("bob", `"bob" of "", "" on bob.example`), anonymous}},
		{name: "a field that the response varies by (RFC 9111 §4.1)", between: func(c *gin.Context, user string) { c.Request.Header.Set("X-Tenant", user) },
			fields:   []string{"Vary: X-Tenant"},
			visitors: []visitor{cookied("alice", `"alice" of "alice", "" on example.com`), cookied("bob", `"bob" of "bob", "" on example.com`), anonymous}},
		{name: "the same, which the route outside keys by", outer: []cachette.Option{cachette.WithVary("X-Tenant")},
			between: func(c *gin.Context, user string) { c.Request.Header.Set("X-Tenant", user) }, fields: []string{"Vary: X-Tenant"},
			visitors: []visitor{cookied("alice", `"alice" of "alice", "" on example.com`), cookied("bob", `"bob" of "bob", "" on example.com`), anonymous}},
		{name: "the same, and other keys inside", outer: []cachette.Option{cachette.WithVary("X-Tenant")},
			between: func(c *gin.Context, user string) { c.Request.Header.Set("X-Tenant", user) }, fields: []string{"Vary: X-Tenant"},
			inner:    []cachette.Option{cachette.WithNamespace("inside")},
			visitors: []visitor{cookied("alice", `"alice" of "alice", "" on example.com`), cookied("bob", `"bob" of "bob", "" on example.com`), anonymous}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				rewrite := func(c *gin.Context) {
					if user, err := c.Cookie("user"); err == nil {
						row.between(c, user)
					}
				}
				s.GET("/page", cachette.Cached(time.Minute, row.outer...), rewrite, cachette.Cached(time.Minute, row.inner...),
					func(c *gin.Context) {
						for _, field := range row.fields {
							name, value, _ := strings.Cut(field, ": ")
							c.Writer.Header().Add(name, value)
						}
						c.String(http.StatusOK, "%q of %q, %q on %s", userOf(c), tenantOf(c), c.Query("user"), c.Request.Host)
					})
				inOrders(t, s, "/page", row.visitors)
			})
		})
	}
}

// A guard between two routes guards what the inner one has: each request goes through it, and what it answers is no page.
func TestGuardBetween(t *testing.T) {
	for _, row := range []struct {
		name  string
		inner []cachette.Option
	}{
		{"nothing said inside", nil},
		{"a part inside", []cachette.Option{cachette.WithKeyPart(tenantOf)}},
		{"an identity inside", []cachette.Option{cachette.WithIdentity(userOf)}},
		{"other keys inside", []cachette.Option{cachette.WithPathKey()}},
		{"a namespace inside", []cachette.Option{cachette.WithNamespace("inside")}},
	} {
		for name, refuse := range map[string]gin.HandlerFunc{
			"403":           func(c *gin.Context) { c.AbortWithStatus(http.StatusForbidden) },
			"403 with JSON": func(c *gin.Context) { c.AbortWithStatusJSON(http.StatusForbidden, gin.H{"error": "no"}) },
			"a redirect": func(c *gin.Context) {
				c.Redirect(http.StatusFound, "/login")
				c.Abort()
			},
			"200 with a form": func(c *gin.Context) {
				c.String(http.StatusOK, "log in")
				c.Abort()
			},
		} {
			t.Run(row.name+"/"+name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					guard, guards := counted(func(c *gin.Context) {
						if userOf(c) == "" {
							refuse(c)
						}
					})
					s.Group("/", cachette.Cached(time.Minute), guard).GET("/page", cachette.Cached(time.Minute, row.inner...), text("page"))
					strangers := func() {
						t.Helper()
						for range 2 {
							if a := s.get("/page"); a.body == "page" || a.hit() {
								t.Errorf("a stranger is given %d %q (%s)", a.status, a.body, a.cacheStatus())
							}
						}
					}
					strangers()
					for i := range 3 {
						if a := s.get("/page", "X-User: alice"); a.body != "page" || a.hit() != (i > 0) {
							t.Errorf("alice is given %d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					}
					strangers()
					if n := guards.Load(); n != 7 {
						t.Errorf("the guard ran for %d requests of 7", n)
					}
				})
			})
		}
	}
}

// Credentials that the outer route has seen count inside, though a guard between the two has taken them off the request: what
// is made for a request with Authorization is for no other client, unless it says so (RFC 9111 §3.5) or an identity is named.
func TestCredentialsTakenOffBetween(t *testing.T) {
	for _, row := range []struct {
		name    string
		inner   []cachette.Option
		control string
		shared  bool // between all
		kept    bool // for each
	}{
		{name: "nothing said"},
		{name: "other keys inside", inner: []cachette.Option{cachette.WithPathKey()}},
		{name: "a freshness of its own", control: "max-age=60"},
		{name: "public", control: "public", shared: true, kept: true},
		{name: "s-maxage", control: "s-maxage=60", shared: true, kept: true},
		{name: "an identity", kept: true, inner: []cachette.Option{cachette.WithIdentity(func(c *gin.Context) string { return c.GetString("user") })}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				for _, way := range []string{"between", "HandleContext"} {
					s := newSite(t, store)
					check := func(c *gin.Context) {
						c.Set("user", c.GetHeader("Authorization"))
						c.Request = c.Request.Clone(c.Request.Context())
						if user := c.GetHeader("Authorization"); user != "" {
							c.Request.Header.Set("X-User", user)
							c.Request.Header.Del("Authorization")
						}
					}
					page := func(c *gin.Context) {
						if row.control != "" {
							c.Header("Cache-Control", row.control)
						}
						if row.shared {
							c.String(http.StatusOK, "for all")
							return
						}
						c.String(http.StatusOK, "for %q", userOf(c))
					}
					inner := cachette.Cached(time.Minute, row.inner...)
					if way == "between" {
						s.GET("/page", cachette.Cached(time.Minute), check, inner, page)
					} else {
						s.GET("/page", cachette.Cached(time.Minute), lead(s, "/inner", check))
						s.GET("/inner", func(c *gin.Context) { c.Set("user", c.GetHeader("X-User")) }, inner, page)
					}
					for i, user := range []string{"alice", "bob", "alice", "bob"} {
						want := `for "` + user + `"`
						if row.shared {
							want = "for all"
						}
						a := s.get("/page", "Authorization: "+user)
						if a.body != want || a.hit() != (row.kept && (i >= 2 || row.shared && i > 0)) {
							t.Errorf("%s, request %d: %s is given %q (%s)", way, i+1, user, a.body, a.cacheStatus())
						}
					}
					if a := s.get("/page"); a.body != `for ""` && !row.shared {
						t.Errorf("%s: a stranger is given %q (%s)", way, a.body, a.cacheStatus())
					}
				}
			})
		})
	}
}

// What a route says of the query holds inside at any depth: what any of them names counts, and a route that says nothing between
// two others takes none of it back.
func TestQueryThroughThreeRoutes(t *testing.T) {
	whole, path := []cachette.Option(nil), []cachette.Option{cachette.WithPathKey()}
	listed := func(names ...string) []cachette.Option { return []cachette.Option{cachette.WithQueryParams(names...)} }
	for _, row := range []struct {
		name   string
		levels [3][]cachette.Option
		shared string // the parameters that do not count, of a, b and c
	}{
		{"nothing said", [3][]cachette.Option{whole, whole, whole}, ""},
		{"nothing but the path, innermost", [3][]cachette.Option{whole, whole, path}, "a b c"},
		{"nothing but the path, outermost", [3][]cachette.Option{path, whole, whole}, ""},
		{"one each", [3][]cachette.Option{listed("a"), listed("b"), listed("c")}, ""},
		{"one each for two", [3][]cachette.Option{listed("a"), path, listed("c")}, "b"},
		{"listed outermost, nothing said, nothing but the path", [3][]cachette.Option{listed("a"), whole, path}, "b c"},
		{"listed outermost, nothing said, another", [3][]cachette.Option{listed("a"), whole, listed("b")}, "c"},
		{"listed in the middle, nothing but the path", [3][]cachette.Option{whole, listed("a"), path}, "b c"},
		{"listed outermost, nothing said further in", [3][]cachette.Option{listed("a"), path, whole}, ""},
		{"listed outermost, nothing but the path further in", [3][]cachette.Option{listed("a"), path, path}, "b c"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, nesting := range nestings {
				s := newSite(t)
				var l [3]gin.HandlerFunc
				for i := range l {
					l[i] = cachette.Cached(time.Minute, row.levels[i]...)
				}
				nesting.mount(s, l, func(c *gin.Context) {
					c.String(http.StatusOK, "a=%s b=%s c=%s", c.Query("a"), c.Query("b"), c.Query("c"))
				})
				s.get("/page?a=0&b=0&c=0")
				for _, name := range []string{"a", "b", "c"} {
					target := strings.Replace("/page?a=0&b=0&c=0", name+"=0", name+"=1", 1)
					a := s.get(target)
					if shared := strings.Contains(row.shared, name); a.hit() != shared || !shared && !strings.Contains(a.body, name+"=1") {
						t.Errorf("%s: %s is given %q (%s)", nesting.name, target, a.body, a.cacheStatus())
					}
				}
			}
		})
	}
}

// What the inner route alone decides is not waited for in the outer one: once that is known to step aside, requests that come
// together go on together to what stands between the two.
func TestOuterRouteHoldsNoneUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		between, gate, arrived, _ := gated(func(*gin.Context) {})
		s.Group("/", cachette.Cached(time.Minute), between).GET("/page", cachette.Cached(time.Minute, cachette.WithKeyPart(userOf)), pageOf)
		first := later(func() answer { return s.get("/page") })
		await(t, "the first", arrived)
		gate <- struct{}{}
		await(t, "the answer to the first", first)
		const requests = 10
		answers := together(requests, func(i int) answer { return s.get("/page", fmt.Sprintf("X-User: %d", i)) })
		synctest.Wait()
		if n := len(arrived); n != requests {
			t.Errorf("%d of %d requests have come to what stands between the two", n, requests)
		}
		close(gate)
		for range requests {
			await(t, "an answer", answers)
		}
	})
}
