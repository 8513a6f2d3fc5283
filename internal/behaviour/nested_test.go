package behaviour_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What the routes say that a request is inside of adds up: key parts, identities, fields, cookies, skips and namespaces of all
// of them count, however one comes to be inside of another, and whichever of them says it. The rule is the documentation of
// Cached: a Cached inside of another narrows what is shared, and never widens it.

// visitor is a client that has pages of its own.
type visitor struct {
	fields []string // of its requests
	page   string   // what the handler makes for it
	never  bool     // nothing is kept for it
}

// userOf and tenantOf tell who sends a request.
func userOf(c *gin.Context) string {
	if user, err := c.Cookie("user"); err == nil {
		return user
	}
	return c.GetHeader("X-User")
}

func tenantOf(c *gin.Context) string { return c.GetHeader("X-Tenant") }

// pageOf answers with what depends on the visitor.
func pageOf(c *gin.Context) { c.String(http.StatusOK, "page of %q of %q", userOf(c), tenantOf(c)) }

// telling is a way in which routes tell visitors apart. Each of its options stands on a Cached of its own.
type telling struct {
	name     string
	options  []cachette.Option
	visitors []visitor
}

var tellings = []telling{
	{"a part", []cachette.Option{cachette.WithKeyPart(userOf)}, []visitor{
		{fields: []string{"X-User: alice"}, page: `page of "alice" of ""`},
		{fields: []string{"X-User: bob"}, page: `page of "bob" of ""`},
		{page: `page of "" of ""`},
	}},
	{"an identity", []cachette.Option{cachette.WithIdentity(userOf)}, []visitor{
		{fields: []string{"X-User: alice"}, page: `page of "alice" of ""`},
		{fields: []string{"X-User: bob"}, page: `page of "bob" of ""`},
		{page: `page of "" of ""`, never: true},
	}},
	{"a field", []cachette.Option{cachette.WithVary("x-user")}, []visitor{
		{fields: []string{"X-User: alice"}, page: `page of "alice" of ""`},
		{fields: []string{"X-User: bob"}, page: `page of "bob" of ""`},
		{page: `page of "" of ""`},
	}},
	{"a cookie", []cachette.Option{cachette.WithCookie("user")}, []visitor{
		{fields: []string{"Cookie: user=alice"}, page: `page of "alice" of ""`},
		{fields: []string{"Cookie: user=bob"}, page: `page of "bob" of ""`},
		{page: `page of "" of ""`},
	}},
	{"a skip", []cachette.Option{cachette.WithSkip(func(c *gin.Context) bool { return userOf(c) != "" })}, []visitor{
		{fields: []string{"X-User: alice"}, page: `page of "alice" of ""`, never: true},
		{fields: []string{"X-User: bob"}, page: `page of "bob" of ""`, never: true},
		{page: `page of "" of ""`},
	}},
	{"two parts", []cachette.Option{cachette.WithKeyPart(tenantOf), cachette.WithKeyPart(userOf)}, []visitor{
		{fields: []string{"X-Tenant: a", "X-User: ab"}, page: `page of "ab" of "a"`},
		{fields: []string{"X-Tenant: aa", "X-User: b"}, page: `page of "b" of "aa"`},
		{fields: []string{"X-Tenant: aab"}, page: `page of "" of "aab"`},
		{fields: []string{"X-User: aab"}, page: `page of "aab" of ""`},
	}},
	{"an identity and a field", []cachette.Option{cachette.WithIdentity(userOf), cachette.WithVary("X-Tenant")}, []visitor{
		{fields: []string{"X-Tenant: a", "X-User: alice"}, page: `page of "alice" of "a"`},
		{fields: []string{"X-Tenant: b", "X-User: alice"}, page: `page of "alice" of "b"`},
		{fields: []string{"X-Tenant: a", "X-User: bob"}, page: `page of "bob" of "a"`},
		{fields: []string{"X-Tenant: a"}, page: `page of "" of "a"`, never: true},
	}},
}

// lead has another path of the engine answer, by HandleContext.
func lead(s *site, path string, before ...gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		for _, prepare := range before {
			prepare(c)
		}
		c.Request.URL.Path = path
		s.HandleContext(c)
	}
}

type ownKey struct{}

// ownContext and ownCopy replace the request, as middleware does that traces or has a deadline.
func ownContext(c *gin.Context) {
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), ownKey{}, "own"))
}

func ownCopy(c *gin.Context) { c.Request = c.Request.Clone(c.Request.Context()) }

// alone replaces the request by one that has nothing of its context.
func alone(c *gin.Context) { c.Request = c.Request.WithContext(context.Background()) }

// nesting is a way in which three Cached come to be inside of one another for /page.
type nesting struct {
	name  string
	mount func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc)
}

func (n nesting) String() string { return n.name }

var nestings = []nesting{
	{"engine, group and route", func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc) {
		s.Use(l[0])
		s.Group("/", l[1]).GET("/page", l[2], handler)
	}},
	{"handlers between", func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc) {
		s.GET("/page", l[0], func(c *gin.Context) { c.Next() }, l[1], func(*gin.Context) {}, l[2], handler)
	}},
	{"requests of their own between", func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc) {
		s.GET("/page", l[0], ownContext, l[1], ownCopy, l[2], handler)
	}},
	{"one within a handler of the program's", func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc) {
		s.GET("/page", l[0], func(c *gin.Context) { l[1](c) }, l[2], handler)
	}},
	{"HandleContext behind the first", func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc) {
		s.GET("/page", l[0], lead(s, "/inner"))
		s.GET("/inner", l[1], l[2], handler)
	}},
	{"HandleContext behind each, with requests of their own", func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc) {
		s.GET("/page", l[0], lead(s, "/second", ownContext))
		s.GET("/second", l[1], lead(s, "/third", ownCopy))
		s.GET("/third", l[2], handler)
	}},
	{"HandleContext behind each, with requests that have nothing of the one before", func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc) {
		s.GET("/page", l[0], lead(s, "/second", alone))
		s.GET("/second", alone, l[1], alone, lead(s, "/third"))
		s.GET("/third", l[2], handler)
	}},
	{"HandleContext through routes that are not cached", func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc) {
		s.GET("/page", lead(s, "/first"))
		s.GET("/first", l[0], l[1], lead(s, "/second", ownContext))
		s.GET("/second", lead(s, "/third", ownCopy))
		s.GET("/third", l[2], handler)
	}},
	{"the engine's ServeHTTP", func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc) {
		s.GET("/page", l[0], l[1], func(c *gin.Context) {
			r := c.Request.Clone(c.Request.Context())
			r.URL.Path = "/inner"
			s.ServeHTTP(c.Writer, r)
		})
		s.GET("/inner", l[2], handler)
	}},
}

// levels returns three Cached, of which the ones from at on have one of the options each, and the innermost has others besides.
func levels(at int, options []cachette.Option, innermost ...cachette.Option) (l [3]gin.HandlerFunc) {
	own := [3][]cachette.Option{2: innermost}
	for i, option := range options {
		own[(at+i)%3] = append(own[(at+i)%3], option)
	}
	for i := range l {
		l[i] = cachette.Cached(time.Minute, own[i]...)
	}
	return l
}

// orders returns orders of n things in which each of them stands before and behind each other one, and in every place.
func orders(n int) (all [][]int) {
	for first := range n {
		there, back := make([]int, n), make([]int, n)
		for i := range n {
			there[i], back[i] = (first+i)%n, (first+n-i)%n
		}
		all = append(all, there, back)
	}
	return all
}

// inOrders has visitors ask for a path twice, in all orders, and holds that each gets its own page, and the second time
// out of the cache. fields are sent by all.
func inOrders(t *testing.T, s *site, path string, visitors []visitor, fields ...string) {
	t.Helper()
	inSome(t, orders(len(visitors)), s, path, visitors, fields...)
}

// inSome is inOrders for some orders.
func inSome(t *testing.T, orders [][]int, s *site, path string, visitors []visitor, fields ...string) {
	t.Helper()
	for i, order := range orders {
		target := fmt.Sprintf("%s?order=%d", path, i)
		for round := range 2 {
			for _, who := range order {
				v := visitors[who]
				a := s.get(target, append(append([]string{}, fields...), v.fields...)...)
				if a.body != v.page || a.status != http.StatusOK {
					t.Errorf("order %v: %q is given %d %q (%s)", order, v.fields, a.status, a.body, a.cacheStatus())
				}
				said := a.header["Cache-Status"] // one that a route has given up may have left a member of its own
				if hit := len(said) > 0 && strings.HasPrefix(said[len(said)-1], "cachette; hit"); hit != (round > 0 && !v.never) {
					t.Errorf("order %v, round %d: %q is given what %q says", order, round+1, v.fields, a.header["Cache-Status"])
				}
			}
		}
	}
}

// nested is one way of three Cached to tell visitors apart: what, by which of them, how they come to be inside of one another, and on
// which store.
type nested struct {
	telling
	at    int
	mount func(s *site, l [3]gin.HandlerFunc, handler gin.HandlerFunc)
	store func(*cachette.Config)
	turn  int // says in which orders the visitors come
}

// eachNested runs a test in such ways, each in a bubble, where no store is slow. It can take what tells apart, from where, and one way of
// being inside to show a mistake, so the first two are one dimension.
func eachNested(t *testing.T, test func(t *testing.T, n nested)) {
	t.Helper()
	inNestings(t, nestings, test)
}

// eachTelling is eachNested for a test that has its own way of being inside of one another.
func eachTelling(t *testing.T, test func(t *testing.T, n nested)) {
	t.Helper()
	inNestings(t, []nesting{{name: "its own way"}}, test)
}

func inNestings(t *testing.T, nestings []nesting, test func(t *testing.T, n nested)) {
	t.Helper()
	var tells []nested
	var names []string
	for _, telling := range tellings {
		for at, from := range []string{"first", "second", "third"} {
			tells = append(tells, nested{telling: telling, at: at})
			names = append(names, telling.name+" from the "+from)
		}
	}
	eachPair(t, func(t *testing.T, where []int) {
		synctest.Test(t, func(t *testing.T) {
			n := tells[where[0]]
			n.mount, n.store, n.turn = nestings[where[1]].mount, stores[where[2]].use, where[1]+where[2]
			test(t, n)
		})
	}, names, named(nestings), named(stores))
}

// inTurn returns two of the orders, or with -every all of them.
func (n *nested) inTurn() [][]int {
	all := orders(len(n.visitors))
	if *every {
		return all
	}
	first := 2 * (n.turn % len(n.visitors))
	return all[first : first+2]
}

// Whichever of three routes inside of one another tells visitors apart, each gets its own page: in whatever order, and also
// those for which the route adds nothing to the key.
func TestNestedTellsApart(t *testing.T) {
	eachNested(t, func(t *testing.T, n nested) {
		s := newSite(t, n.store)
		n.mount(s, levels(n.at, n.options), pageOf)
		inSome(t, n.inTurn(), s, "/page", n.visitors)
	})
}

// The same where the routes outside pass the request on, since a precondition is the handler's to evaluate (RFC 9110 §13.1.1),
// and the one inside ignores it.
func TestNestedInAPassedRequest(t *testing.T) {
	eachNested(t, func(t *testing.T, n nested) {
		s := newSite(t, n.store)
		n.mount(s, levels(n.at, n.options, cachette.WithoutRequestDirectives()), pageOf)
		inSome(t, n.inTurn(), s, "/page", n.visitors, "If-Match: *")
	})
}

// Namespaces of all routes hold for a response, and no other.
func TestNestedNamespaces(t *testing.T) {
	for _, nesting := range nestings {
		for namespace, gone := range map[string]bool{"first": true, "second": true, "third": true, "fourth": false} {
			t.Run(nesting.name+"/"+namespace, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					nesting.mount(s, levels(0, []cachette.Option{cachette.WithNamespace("first"), cachette.WithNamespace("second"),
						cachette.WithNamespace("third")}), pageOf)
					s.get("/page")
					if a := s.get("/page"); !a.hit() {
						t.Fatalf("before: %s", a.cacheStatus())
					}
					if err := s.cache.ClearNamespace(t.Context(), namespace); err != nil {
						t.Fatal(err)
					}
					if a := s.get("/page"); a.hit() == gone {
						t.Errorf("behind ClearNamespace: %s", a.cacheStatus())
					}
				})
			})
		}
	}
}

// An engine within another one, each with a cache, is as much inside of its routes.
func TestNestedEngines(t *testing.T) {
	eachTelling(t, func(t *testing.T, n nested) {
		outer, inner := newSite(t, n.store), newSite(t, n.store)
		l := levels(n.at, n.options)
		outer.GET("/page", l[0], l[1], gin.WrapH(inner))
		inner.GET("/page", l[2], pageOf)
		inSome(t, n.inTurn(), outer, "/page", n.visitors)
	})
}

// A handler may make its page of others that it has the engine serve. Its page is kept if these are for all, and not if
// a route of theirs tells apart what its own does not.
func TestPageMadeOfOthers(t *testing.T) {
	for _, row := range []struct {
		name         string
		outer, inner []cachette.Option
		kept         bool
	}{
		{name: "for all", kept: true},
		{name: "for all, under other keys", inner: []cachette.Option{cachette.WithPathKey(), cachette.WithNamespace("parts")}, kept: true},
		{name: "a part of the page's own", outer: []cachette.Option{cachette.WithKeyPart(userOf)}, kept: true},
		{name: "a part of the fragment's", inner: []cachette.Option{cachette.WithKeyPart(userOf)}},
		{name: "an identity", inner: []cachette.Option{cachette.WithIdentity(userOf)}},
		{name: "a cookie", inner: []cachette.Option{cachette.WithCookie("user")}},
		{name: "a field", inner: []cachette.Option{cachette.WithVary("X-User")}},
		{name: "a skip", inner: []cachette.Option{cachette.WithSkip(func(*gin.Context) bool { return true })}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/page", cachette.Cached(time.Minute, row.outer...), func(c *gin.Context) {
					r := c.Request.Clone(c.Request.Context())
					r.URL.Path, r.RequestURI = "/fragment", "/fragment"
					w := httptest.NewRecorder()
					s.ServeHTTP(w, r)
					c.String(http.StatusOK, "a page of %s", w.Body)
				})
				s.GET("/fragment", cachette.Cached(time.Minute, row.inner...), func(c *gin.Context) {
					if row.kept && row.outer == nil {
						c.String(http.StatusOK, "parts for all")
						return
					}
					c.String(http.StatusOK, "parts for %q", userOf(c))
				})
				for i, user := range []string{"alice", "bob", "", "alice"} {
					want := fmt.Sprintf("a page of parts for %q", user)
					if row.kept && row.outer == nil {
						want = "a page of parts for all"
					}
					a := s.get("/page", "X-User: "+user, "Cookie: user="+user)
					if a.body != want || i == 3 && a.hit() != row.kept {
						t.Errorf("%q is given %q (%s)", user, a.body, a.cacheStatus())
					}
				}
			})
		})
	}
}
