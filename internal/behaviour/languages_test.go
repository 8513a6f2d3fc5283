package behaviour_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// inLanguages is a page that says what languages its handler was asked for.
func inLanguages(c *gin.Context) {
	c.Header("Vary", "Accept-Language")
	c.String(http.StatusOK, "%q", c.Request.Header["Accept-Language"])
}

// rankings are the ways in which a route can be told that the order of languages counts for nothing.
var rankings = []struct {
	name         string
	outer, inner []cachette.Option // outer is nil for one Cached alone
}{
	{"one", nil, []cachette.Option{cachette.WithUnrankedLanguages()}},
	{"one, keyed by them", nil, []cachette.Option{cachette.WithUnrankedLanguages(), cachette.WithVary("Accept-Language")}},
	{"outer", []cachette.Option{cachette.WithUnrankedLanguages()}, nil},
	{"outer of one that is keyed by them", []cachette.Option{cachette.WithUnrankedLanguages()}, []cachette.Option{cachette.WithVary("Accept-Language")}},
	{"inner", []cachette.Option{}, []cachette.Option{cachette.WithUnrankedLanguages()}},
	{"both", []cachette.Option{cachette.WithUnrankedLanguages()}, []cachette.Option{cachette.WithUnrankedLanguages()}},
}

func mountRanked(s *site, outer, inner []cachette.Option, between ...gin.HandlerFunc) {
	handlers := append(between, cachette.Cached(time.Minute, append(inner, cachette.WithStaleWhileRevalidate(time.Hour))...), inLanguages)
	group := s.Group("/")
	if outer != nil {
		group.Use(cachette.Cached(time.Minute, outer...))
	}
	group.GET("/page", handlers...)
	group.HEAD("/page", handlers...)
}

// Where only weights rank languages, requests that differ in nothing but their order share a response, and handlers see them in one order
// (RFC 9110 §12.5.4): what they make of it is then the same.
func TestUnrankedLanguages(t *testing.T) {
	for _, ranking := range rankings {
		t.Run(ranking.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				mountRanked(s, ranking.outer, ranking.inner)
				for _, row := range []struct{ name, method, ask, body, status string }{
					{"the first", "GET", "Accept-Language: en, de", `["de, en"]`, "fwd=uri-miss; stored"},
					{"the same", "GET", "Accept-Language: en, de", `["de, en"]`, "hit"},
					{"in another order", "GET", "Accept-Language: de,  en", `["de, en"]`, "hit"},
					{"HEAD", "HEAD", "Accept-Language: en, de", "", "hit"},
					{"on two lines", "GET", "Accept-Language: en\nAccept-Language: de", `["de, en"]`, "hit"},
					{"with a weight", "GET", "Accept-Language: de;q=0.5, en", `["en, de;q=0.5"]`, "fwd="},
					{"with a weight, in another order", "GET", "Accept-Language: en, de;q=0.5", `["en, de;q=0.5"]`, "hit"},
					{"what is no list of languages", "GET", "Accept-Language: en, d_e", `["en, d_e"]`, "fwd="},
					{"what is none in another order", "GET", "Accept-Language: d_e, en", `["d_e, en"]`, "fwd="},
					{"none", "GET", "Accept: text/plain", "[]", "fwd="},
				} {
					if ranking.name == "inner" && row.status == "hit" && row.name != "the same" {
						row.status = "" // the outer one looks up by the client's order, and finds what the inner one has stored or does not
					}
					a := s.do(row.method, "/page", strings.Split(row.ask, "\n")...)
					if a.body != row.body || !strings.Contains(a.cacheStatus(), row.status) {
						t.Errorf("%s: %s (%s), want %s (%s)", row.name, a.body, a.cacheStatus(), row.body, row.status)
					}
					if strings.Contains(row.ask, "_") || ranking.name == "inner" {
						continue
					}
					if x := explained(t, s, http.MethodGet, "/page", strings.Split(row.ask, "\n")...); x.Outcome != "hit" {
						t.Errorf("%s is explained as a %s", row.name, x.Outcome)
					}
				}
			})
		})
	}
	t.Run("not said", func(t *testing.T) {
		s := newSite(t)
		mountRanked(s, nil, nil)
		for _, ask := range []string{"en, de", "de, en"} {
			if a := s.get("/page", "Accept-Language: "+ask); a.hit() || a.body != `["`+ask+`"]` {
				t.Errorf("%s: %s (%s)", ask, a.body, a.cacheStatus())
			}
		}
	})
}

// Requests that come together share one fill, whatever the order of their languages is, and one refresh.
func TestUnrankedLanguagesTogether(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		handler, gate, _, runs := gated(inLanguages)
		s.GET("/page", cachette.Cached(time.Minute, cachette.WithUnrankedLanguages(), cachette.WithStaleWhileRevalidate(time.Hour)), handler)
		orders := []string{"de, en, fr", "fr, de, en", "en, fr, de"}
		ask := func(i int) answer { return s.get("/page", "Accept-Language: "+orders[i%len(orders)]) }
		answers := together(12, ask)
		synctest.Wait()
		close(gate)
		for range 12 {
			if a := await(t, "an answer", answers); a.body != `["de, en, fr"]` {
				t.Errorf("%s (%s)", a.body, a.cacheStatus())
			}
		}
		if n := runs.Load(); n != 1 {
			t.Errorf("%d fills", n)
		}
		time.Sleep(2 * time.Minute)
		for i := range orders {
			if a := ask(i); !a.hit() || a.body != `["de, en, fr"]` {
				t.Errorf("%s (%s)", a.body, a.cacheStatus())
			}
			synctest.Wait()
		}
		if n := runs.Load(); n != 2 {
			t.Errorf("%d runs: one fill and one refresh are wanted", n)
		}
	})
}

// What is near a process answers whatever the order of the languages is.
func TestUnrankedLanguagesNear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newDepot()
		s := newSite(t, func(c *cachette.Config) { c.Driver, c.Near = store, 1<<20 })
		mountRanked(s, nil, []cachette.Option{cachette.WithUnrankedLanguages()})
		time.Sleep(5500 * time.Millisecond) // between two looks
		for range 4 {
			s.get("/page", "Accept-Language: en, de")
		}
		store.asked()
		if a := s.get("/page", "Accept-Language: de, en"); !a.hit() || a.body != `["de, en"]` || store.asked() > 0 {
			t.Errorf("%s (%s)", a.body, a.cacheStatus())
		}
	})
}

// What stands outside of Cached sees the client's request before and behind it, with what handlers have made of the request, and have read of
// its form.
func TestUnrankedLanguagesAreSeenInsideAlone(t *testing.T) {
	for _, row := range []struct {
		name    string
		handler gin.HandlerFunc
		want    string
	}{
		{"as it came", func(*gin.Context) {}, "en, de"},
		{"another request", func(c *gin.Context) { c.Request = c.Request.WithContext(t.Context()) }, "en, de"},
		{"another language", func(c *gin.Context) { c.Request.Header.Set("Accept-Language", "fr") }, "en, de"},
		{"another request with another language", func(c *gin.Context) {
			c.Request = c.Request.Clone(t.Context())
			c.Request.Header.Set("Accept-Language", "fr")
		}, "fr"},
		{"a form", func(c *gin.Context) { _, _ = c.MultipartForm() }, "en, de"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			var before, behind string
			s.Use(func(c *gin.Context) {
				before = c.GetHeader("Accept-Language")
				c.Next()
				behind = c.GetHeader("Accept-Language")
			})
			s.Any("/page", cachette.Cached(time.Minute, cachette.WithUnrankedLanguages()), row.handler, inLanguages)
			r := httptest.NewRequest(http.MethodPost, "/page", strings.NewReader("--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\n1\r\n--b--\r\n"))
			r.Header = http.Header{"Accept-Language": {"en, de"}, "Content-Type": {"multipart/form-data; boundary=b"}}
			s.ServeHTTP(httptest.NewRecorder(), r)
			if before != "en, de" || behind != row.want {
				t.Errorf("POST: outside is seen %q, then %q", before, behind)
			}
			if read := row.name == "a form"; (r.MultipartForm != nil) != read {
				t.Errorf("the client's request has the form %v", r.MultipartForm)
			}
			for range 2 {
				s.get("/page", "Accept-Language: en, de")
				if before != "en, de" || behind != row.want && behind != "en, de" {
					t.Errorf("GET: outside is seen %q, then %q", before, behind)
				}
			}
		})
	}
}
