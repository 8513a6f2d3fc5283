package behaviour_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// With WithIdentity the cache is a private one for each identity (RFC 9111 §1): it keeps what is private (§5.2.2.7) and what answers
// credentials (§3.5), for one identity each. All else that forbids storing goes on to do so. A request without an identity has
// nothing to do with the cache. Where a part of the key alone tells users apart, it is a shared cache as ever.

// saidOf are what responses say of who may have them. kept tells whether a cache for one identity keeps them, and shared whether one
// that only keys by a part does, for requests with Authorization and without.
var saidOf = []struct {
	name       string
	fields     []string
	kept       bool
	part, auth bool
}{
	{"nothing", nil, true, true, false},
	{"max-age", []string{"Cache-Control: max-age=60"}, true, true, false},
	{"private", []string{"Cache-Control: private"}, true, false, false},
	{"private, max-age", []string{"Cache-Control: private, max-age=60"}, true, false, false},
	{"private for this kind of cache (RFC 9213)", []string{"CDN-Cache-Control: private, max-age=60"}, true, false, false},
	{"public", []string{"Cache-Control: public"}, true, true, true},
	{"s-maxage (RFC 9111 §3.5)", []string{"Cache-Control: s-maxage=60"}, true, true, true},
	{"must-revalidate (RFC 9111 §3.5)", []string{"Cache-Control: must-revalidate, max-age=60"}, true, true, true},
	{"no-store", []string{"Cache-Control: no-store"}, false, false, false},
	{"no-store, private", []string{"Cache-Control: no-store, private"}, false, false, false},
	{"no-store, public", []string{"Cache-Control: no-store, public, max-age=60"}, false, false, false},
	{"a cookie", []string{"Set-Cookie: a=b"}, false, false, false},
	{"a cookie, private", []string{"Set-Cookie: a=b", "Cache-Control: private, max-age=60"}, false, false, false},
	{"Vary: *", []string{"Vary: *"}, false, false, false},
	{"Vary: Cookie, private", []string{"Vary: Cookie", "Cache-Control: private"}, true, false, false},
	{"stale", []string{"Cache-Control: max-age=0"}, false, false, false},
}

func TestIdentityAndWhatResponsesSay(t *testing.T) {
	byUser := func(c *gin.Context) string {
		return strings.TrimPrefix(c.GetHeader("Authorization")+strings.TrimPrefix(c.GetHeader("X-User"), "-"), "Bearer ")
	}
	for _, said := range saidOf {
		for _, row := range []struct {
			name   string
			option cachette.Option
			field  string
			kept   bool
			nobody bool // what is kept for the others is kept for nobody in particular, too
		}{
			{"identity", cachette.WithIdentity(byUser), "X-User: ", said.kept, false},
			{"identity, Authorization", cachette.WithIdentity(byUser), "Authorization: Bearer ", said.kept, false},
			{"part", cachette.WithKeyPart(byUser), "X-User: ", said.part, true},
			{"part, Authorization", cachette.WithKeyPart(byUser), "Authorization: Bearer ", said.auth, said.part},
		} {
			t.Run(said.name+"/"+row.name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					s.GET("/page", cachette.Cached(time.Minute, row.option), func(c *gin.Context) {
						text("page of "+byUser(c), said.fields...)(c)
					})
					nobody := visitor{page: "page of ", never: !row.nobody}
					if row.field == "X-User: " && row.nobody {
						nobody.never = !row.kept
					}
					inOrders(t, s, "/page", []visitor{
						{fields: []string{row.field + "alice"}, page: "page of alice", never: !row.kept},
						{fields: []string{row.field + "bob"}, page: "page of bob", never: !row.kept},
						nobody,
					})
				})
			})
		}
	}
}

// Nor does anybody get another's page by another way of asking: for its header alone, for a part, or with a tag that is another's.
func TestIdentityHoldsForAllRequests(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		page := []gin.HandlerFunc{cachette.Cached(time.Minute, cachette.WithIdentity(userOf)), func(c *gin.Context) {
			c.Header("X-For", userOf(c))
			c.Header("ETag", `"of-`+userOf(c)+`"`)
			c.Header("Content-Location", "/page")
			c.Header("Cache-Control", "private, max-age=60")
			c.String(http.StatusOK, "page of %s", userOf(c))
		}}
		s.GET("/page", page...)
		s.HEAD("/page", page...)
		s.POST("/page", page...)
		alice, bob, nobody := cachettetest.As("alice", "X-User: alice"), cachettetest.As("bob", "X-User: bob"), cachettetest.As("nobody")
		s.tested.NeverShared("/page", alice, bob, nobody)
		if err := s.cache.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.do(http.MethodPost, "/page", "X-User: alice")
		s.tested.Hit("/page", "X-User: alice")
		for _, user := range []string{"bob", ""} {
			for _, ask := range [][]string{
				{http.MethodHead},
				{http.MethodGet, "If-None-Match: *"},
				{http.MethodGet, "Cache-Control: only-if-cached"},
				{http.MethodGet},
			} {
				a := s.do(ask[0], "/page", append([]string{"X-User: " + user}, ask[1:]...)...)
				if got := a.header.Get("X-For"); got != user && a.status != http.StatusGatewayTimeout || strings.Contains(a.body, "alice") {
					t.Errorf("%q who asks with %q is given %d %q of %q (%s)", user, ask, a.status, a.body, got, a.cacheStatus())
				}
			}
		}
	})
}

// Requests of one identity share a fill, those of two do not, and those without one wait for no other and ask the store for nothing.
func TestIdentityTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newShelf()
		s := newSite(t, store.on)
		page, gate, arrived, _ := gated(pageOf)
		s.GET("/page", cachette.Cached(time.Minute, cachette.WithIdentity(userOf)), page)
		users := []string{"alice", "bob", "alice", "bob", "alice"}
		answers := together(len(users), func(i int) string {
			a := s.get("/page", "X-User: "+users[i])
			if want := fmt.Sprintf("page of %q of %q", users[i], ""); a.body != want {
				return fmt.Sprintf("%s is given %q (%s)", users[i], a.body, a.cacheStatus())
			}
			return ""
		})
		synctest.Wait()
		if n := len(arrived); n != 2 {
			t.Errorf("%d fills for two identities", n)
		}
		store.asked()
		const strangers = 5
		others := together(strangers, func(int) answer { return s.get("/page") })
		synctest.Wait()
		if n := len(arrived); n != 2+strangers {
			t.Errorf("%d of %d requests without an identity have come to the handler", n-2, strangers)
		}
		if n := store.asked(); n != 0 {
			t.Errorf("the store was asked %d times for requests without an identity", n)
		}
		close(gate)
		for range users {
			if problem := await(t, "an answer", answers); problem != "" {
				t.Error(problem)
			}
		}
		for range strangers {
			if a := await(t, "an answer", others); a.body != `page of "" of ""` || a.hit() {
				t.Errorf("a stranger is given %q (%s)", a.body, a.cacheStatus())
			}
		}
		before := store.asked()
		s.get("/page")
		if n := store.asked(); n != 0 {
			t.Errorf("behind it the store was asked %d times (%d before)", n, before)
		}
	})
}

// What tells users apart is a secret at times: it is in no key, no entry, no log and no Cache-Status, in whatever spelling.
func TestIdentityIsNowhere(t *testing.T) {
	const user, tenant, session, token = "alice+1@example.com", "acme, inc.", "s3cr3t~session", "Bearer t0k3n"
	for _, crated := range []bool{false, true} {
		store, log := newShelf(), new(journal)
		s := newSite(t, func(cfg *cachette.Config) {
			cfg.Driver = store
			if crated {
				cfg.Driver = crate{store}
			}
		}, log.in)
		s.GET("/page", cachette.Cached(time.Minute, cachette.WithCacheStatusKey(), cachette.WithCookie("sid"), cachette.WithVary("X-Api-Key"),
			cachette.WithKeyPart(func(*gin.Context) string { return tenant }), cachette.WithIdentity(func(*gin.Context) string { return user })),
			cachette.Cached(time.Minute, cachette.WithCookie("sid")),
			text("page", "Vary: Cookie, Authorization", "Cache-Control: private"))
		for i := range 3 {
			a := s.get("/page", "Cookie: sid="+session, "X-Api-Key: "+session, "Authorization: "+token)
			if a.hit() != (i > 0) {
				t.Errorf("request %d: %s", i, a.cacheStatus())
			}
			for name, values := range a.header {
				nowhere(t, name+" of the response", strings.Join(values, "\n"), user, tenant, session, token)
			}
		}
		nowhere(t, "the log", log.String(), user, tenant, session, token)
		for _, key := range store.keys(func(string) bool { return true }) {
			item, err := store.Get(context.Background(), key)
			if err != nil {
				t.Fatal(err)
			}
			nowhere(t, "a key", key, user, tenant, session, token)
			nowhere(t, "the entry of "+key, string(item.Value), user, tenant, session, token)
		}
		if n := len(store.keys(isResponse)); n != 2 { // the record of what it varies by, and the page
			t.Errorf("%d responses are stored", n)
		}
	}
}

// nowhere holds that a text holds none of some secrets.
func nowhere(t *testing.T, what, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		for _, spelt := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), fmt.Sprintf("%q", secret),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
			fmt.Sprintf("%x", secret)} {
			if strings.Contains(text, spelt) {
				t.Errorf("%s holds %q", what, spelt)
			}
		}
	}
}

// WithCookie tells apart all that a handler can see of the cookie: that there is none, that it is empty, that there are several.
func TestWithCookie(t *testing.T) {
	page := func(c *gin.Context) {
		var values []string
		for _, cookie := range c.Request.CookiesNamed("sid") {
			values = append(values, cookie.Value)
		}
		c.String(http.StatusOK, "%q", values)
	}
	s := newSite(t)
	s.GET("/page", cachette.Cached(time.Minute, cachette.WithCookie("sid")), page)
	var visitors []visitor
	for _, row := range []struct {
		page   string
		fields []string
	}{
		{`[]`, nil},
		{`[""]`, []string{"Cookie: sid="}},
		{`["a"]`, []string{"Cookie: sid=a"}},
		{`["A"]`, []string{"Cookie: sid=A"}},
		{`["a" "b"]`, []string{"Cookie: sid=a; sid=b"}},
		{`["b" "a"]`, []string{"Cookie: sid=b; other=1; sid=a"}},
		{`["a" "a"]`, []string{"Cookie: sid=a", "Cookie: sid=a"}},
		{`["" "a"]`, []string{"Cookie: sid=; sid=a"}},
		{`["a=b"]`, []string{"Cookie: sid=a=b"}},
	} {
		visitors = append(visitors, visitor{fields: row.fields, page: row.page})
	}
	inOrders(t, s, "/page", visitors)
	for _, same := range [][2]string{ // what net/http takes for the same, or for no cookie at all
		{"Cookie: sid=a", "Cookie: other=2; sid=a"},
		{"Cookie: other=1", "Cookie: sid2=a; SID=a; xsid=a"},
	} {
		one, other := s.get("/page?same", same[0]), s.get("/page?same", same[1])
		if one.body != other.body || !other.hit() {
			t.Errorf("%s and %s: %s and %s (%s)", same[0], same[1], one.body, other.body, other.cacheStatus())
		}
	}
}
