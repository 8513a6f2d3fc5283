package behaviour_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Requests that wait for another's response (RFC 9111 §4) go their own way as soon as its header shows that they cannot have it,
// however long it takes from there, and do not queue up behind one another.
func TestFollowersAreLetGo(t *testing.T) {
	const clients = 20
	for _, row := range []struct {
		name   string
		status int
		fields []string // of the response
		inner  []cachette.Option
		nested bool // a Cached with these options is inside
	}{
		{name: "a status that is not kept", status: 404},
		{name: "one that is private", status: 200, fields: []string{"Cache-Control: private"}},
		{name: "one that varies by anything", status: 200, fields: []string{"Vary: *"}},
		{name: "one that is too large, as it declares", status: 200, fields: []string{"Content-Length: 3000"}},
		{name: "one that a route inside is for", status: 200, nested: true, inner: []cachette.Option{cachette.WithKeyPart(userOf)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					var runs atomic.Int64
					come, end := make(chan struct{}), make(chan struct{})
					handlers := []gin.HandlerFunc{cachette.Cached(time.Minute, cachette.WithBodyLimit(1000)), func(*gin.Context) { <-come }}
					if row.nested {
						handlers = append(handlers, cachette.Cached(time.Minute, row.inner...))
					}
					s.GET("/", append(handlers, func(c *gin.Context) {
						runs.Add(1)
						if !row.nested { // which is known before there is a header
							addFields(c, row.fields)
							c.Status(row.status)
							c.Writer.Flush()
						}
						<-end
						c.String(row.status, strings.Repeat("new", 1000))
					})...)
					answers := together(clients, func(i int) answer { return s.get("/", "X-User: "+string(rune('a'+i))) })
					synctest.Wait()
					close(come)
					synctest.Wait()
					if n := runs.Load(); n != clients {
						t.Errorf("%d of %d clients have come to the handler", n, clients)
					}
					close(end)
					for range clients {
						if a := await(t, "an answer", answers); a.status != row.status {
							t.Errorf("%d (%s)", a.status, a.cacheStatus())
						}
					}
				})
			})
		})
	}
}

// A page that a handler makes of another route's answer is for those alone for whom that one is, also where the answer and not the
// route says so (RFC 9111 §5.2.2.7).
func TestPageMadeOfAPrivateOne(t *testing.T) {
	for _, row := range []struct {
		field string
		kept  bool
	}{
		{"X-Nothing: 1", true}, {"Cache-Control: private", false}, {"Cache-Control: no-store", false}, {"Set-Cookie: a=b", false}, {"Vary: *", false},
	} {
		t.Run(row.field, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/part", cachette.Cached(time.Minute), text("part", row.field))
				s.GET("/page", cachette.Cached(time.Minute), func(c *gin.Context) {
					w := httptest.NewRecorder()
					s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/part", nil).WithContext(c.Request.Context()))
					c.String(http.StatusOK, "page of "+w.Body.String())
				})
				s.get("/page")
				if a := s.get("/page"); a.hit() != row.kept || a.body != "page of part" {
					t.Errorf("%q (%s), kept: want %t", a.body, a.cacheStatus(), row.kept)
				}
			})
		})
	}
}

// A field that the route keys by already makes no variants beside (the documentation of WithVary): each would cost the store one
// more key, and a hit one more reading.
func TestKeyedFieldMakesNoVariants(t *testing.T) {
	store := newShelf()
	s := newSite(t, store.on)
	s.GET("/", cachette.Cached(time.Minute, cachette.WithVary("X-User")), func(c *gin.Context) {
		c.Header("Vary", "X-User")
		c.String(http.StatusOK, "page for "+c.GetHeader("X-User"))
	})
	for range 2 {
		for _, user := range []string{"alice", "bob"} {
			if a := s.get("/", "X-User: "+user); a.body != "page for "+user {
				t.Errorf("%s is given %q", user, a.body)
			}
		}
	}
	if keys := store.keys(isResponse); len(keys) != 2 {
		t.Errorf("two responses have the keys %q", keys)
	}
}

// A function that gives no time to live says that a response is not to be kept, which is nothing to warn of.
func TestNoTTLIsNoMistake(t *testing.T) {
	for ttl, told := range map[time.Duration]bool{0: false, -1: false, time.Millisecond: false, time.Hour: false, 1: true, time.Millisecond - 1: true} {
		t.Run(ttl.String(), func(t *testing.T) {
			log := new(journal)
			s := newSite(t, log.in)
			s.GET("/", cachette.Cached(0, cachette.WithTTLFunc(always(ttl))), text("page"))
			s.get("/")
			if strings.Contains(log.String(), "less than a millisecond") != told {
				t.Errorf("told: want %t; the log: %s", told, log)
			}
		})
	}
}

// A stale response that a client will not have is stale first, and only a fresh one is refused because of what the client asks
// (RFC 9211 §2.2).
func TestForwardOfWhatIsStale(t *testing.T) {
	for _, row := range []struct {
		after time.Duration
		want  string
	}{
		{time.Minute - 1, "cachette; fwd=request; stored"}, {time.Minute, "cachette; fwd=stale; stored"}, {time.Hour, "cachette; fwd=stale; stored"},
	} {
		t.Run(row.after.String(), func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store, func(cfg *cachette.Config) { cfg.KeepStale = 24 * time.Hour })
					s.GET("/", cachette.Cached(time.Minute), text("page", `ETag: "v1"`))
					s.get("/")
					time.Sleep(row.after)
					if a := s.get("/", "Cache-Control: no-cache"); a.cacheStatus() != row.want {
						t.Errorf("Cache-Status %q, want %q", a.cacheStatus(), row.want)
					}
				})
			})
		})
	}
}
