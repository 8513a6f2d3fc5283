package behaviour_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Nobody ever gets what was made for another, however many ask at once, and however a response says whom it is for.
func TestNobodyGetsAnothers(t *testing.T) {
	credentials := func(user string) string { return "Authorization: Bearer " + user }
	cookie := func(user string) string { return "Cookie: session=" + user }
	who := func(c *gin.Context) string {
		if user, ok := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer "); ok {
			return user
		}
		user, _ := c.Cookie("session")
		return user
	}
	part := cachette.WithKeyPart(who)
	for _, row := range []struct {
		name    string
		field   func(user string) string
		options []cachette.Option
		fields  []string // of the response
	}{
		{name: "Authorization (RFC 9111 §3.5)", field: credentials},
		{name: "Authorization, max-age (RFC 9111 §3.5)", field: credentials, fields: []string{"Cache-Control: max-age=60"}},
		{name: "private (RFC 9111 §5.2.2.7)", field: cookie, fields: []string{"Cache-Control: private"}},
		{name: "private, max-age", field: cookie, fields: []string{"Cache-Control: private, max-age=60"}},
		{name: "no-store (RFC 9111 §5.2.2.5)", field: cookie, fields: []string{"Cache-Control: no-store"}},
		{name: "private for this kind of cache (RFC 9213 §2.1)", field: cookie,
			fields: []string{"CDN-Cache-Control: private", "Cache-Control: max-age=60"}},
		{name: "Vary: Cookie (RFC 9111 §4.1)", field: cookie, fields: []string{"Vary: Cookie"}},
		{name: "Vary: Authorization, public", field: credentials,
			fields: []string{"Vary: Authorization", "Cache-Control: public, max-age=60"}},
		{name: "Vary of several lines", field: cookie, fields: []string{"Vary: Accept", "Vary: Accept-Language, cookie"}},
		{name: "Vary: *", field: cookie, fields: []string{"Vary: *"}},
		{name: "Set-Cookie", field: cookie, fields: []string{"Set-Cookie: a=b", "Cache-Control: public, max-age=60"}},
		{name: "key part of the credentials", field: credentials, options: []cachette.Option{part},
			fields: []string{"Cache-Control: private, max-age=60"}},
		{name: "key part of the cookie", field: cookie, options: []cachette.Option{part}},
		{name: "no-cache with a validator of one's own", field: cookie,
			fields: []string{"Cache-Control: no-cache, private", `ETag: "v"`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/", cachette.Cached(time.Minute, row.options...), func(c *gin.Context) {
					text("for "+who(c), row.fields...)(c)
				})
				users := []string{"alice", "bob", "carol", "dave"}
				workers, rounds := 8, length(15, 60)
				var wg sync.WaitGroup
				for worker := range workers {
					wg.Go(func() {
						random := rand.New(rand.NewPCG(1, uint64(worker)))
						for range rounds {
							user := users[random.IntN(len(users))]
							fields := []string{row.field(user)}
							switch random.IntN(6) {
							case 0:
								fields = append(fields, "Cache-Control: no-cache")
							case 1:
								fields = append(fields, "Cache-Control: max-stale")
							case 2:
								_ = s.cache.PurgePath(t.Context(), "/")
							}
							if a := s.get("/", fields...); a.body != "for "+user {
								t.Errorf("%s got %q (%s)", user, a.body, a.cacheStatus())
							}
						}
					})
				}
				wg.Wait()
				if a := s.get("/"); a.body != "for " { // a stranger
					t.Errorf("a stranger got %q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}

// A response to a request with credentials is for others only if it says so (RFC 9111 §3.5), and one that was made for
// nobody in particular is no answer to a request with credentials unless it says so.
func TestCredentials(t *testing.T) {
	for _, row := range []struct {
		name, control string
		shared        bool
	}{
		{"nothing", "", false},
		{"max-age", "max-age=60", false},
		{"no-cache and max-age", "no-cache, max-age=60", false},
		{"public", "public", true},
		{"s-maxage", "s-maxage=60", true},
		{"must-revalidate", "must-revalidate, max-age=60", true},
		{"proxy-revalidate", "proxy-revalidate, max-age=60", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(func(c *gin.Context) {
					if row.control != "" {
						c.Header("Cache-Control", row.control)
					}
					c.String(http.StatusOK, "body")
				})
				s.GET("/:page", cachette.Cached(time.Minute), handler)
				s.get("/a", "Authorization: alice")
				if a := s.get("/a"); a.hit() != row.shared {
					t.Errorf("a stranger behind alice: %s", a.cacheStatus())
				}
				s.get("/b")
				if a := s.get("/b", "Authorization: alice"); a.hit() != row.shared {
					t.Errorf("alice behind a stranger: %s after %d runs", a.cacheStatus(), runs.Load())
				}
			})
		})
	}
}

// Set-Cookie is stored only where the route says so, with all its values.
func TestSetCookie(t *testing.T) {
	s := newSite(t)
	handler := text("body", "Set-Cookie: a=1", "Set-Cookie: b=2")
	s.GET("/plain", cachette.Cached(time.Minute), handler)
	s.GET("/allowed", cachette.Cached(time.Minute, cachette.WithSetCookie()), handler)
	s.GET("/named", cachette.Cached(time.Minute), text("body", "Set-Cookie: a=1", `Cache-Control: max-age=60, no-cache="Set-Cookie"`))
	for range 2 {
		s.get("/plain")
		s.get("/allowed")
		s.get("/named")
	}
	if a := s.get("/plain"); a.hit() {
		t.Errorf("without leave: %s", a.cacheStatus())
	}
	if a := s.get("/allowed"); !a.hit() || fmt.Sprint(a.header["Set-Cookie"]) != "[a=1 b=2]" {
		t.Errorf("with leave: %s %v", a.cacheStatus(), a.header["Set-Cookie"])
	}
	if a := s.get("/named"); len(a.header["Set-Cookie"]) > 0 { // RFC 9111 §5.2.2.4
		t.Errorf("as the response has it left out: %v", a.header["Set-Cookie"])
	}
}
