package behaviour_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// rights are what a page of another route says, which is asked for on the way of a request, with its context.
func rights(s *site, c *gin.Context) string {
	r := httptest.NewRequestWithContext(c.Request.Context(), http.MethodGet, "/rights", nil)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Body.String()
}

// What stands before Cached, and what its options call, may ask the engine for other pages with the context of the request. It gets them as it does on the way
// of a client's request, and what is told is about the request.
func TestExplainedRequestsSendOthers(t *testing.T) {
	for name, mount := range map[string]func(s *site, ask func(*gin.Context) string) (gin.HandlerFunc, cachette.Option){
		"a key part": func(s *site, ask func(*gin.Context) string) (gin.HandlerFunc, cachette.Option) {
			return func(*gin.Context) {}, cachette.WithKeyPart(ask)
		},
		"an identity": func(s *site, ask func(*gin.Context) string) (gin.HandlerFunc, cachette.Option) {
			return func(*gin.Context) {}, cachette.WithIdentity(ask)
		},
		"a handler before": func(s *site, ask func(*gin.Context) string) (gin.HandlerFunc, cachette.Option) {
			return func(c *gin.Context) { c.Set("rights", ask(c)) }, cachette.WithKeyPart(func(c *gin.Context) string { return c.GetString("rights") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			s := newSite(t)
			before, option := mount(s, func(c *gin.Context) string {
				got = append(got, rights(s, c))
				return got[len(got)-1]
			})
			s.GET("/rights", cachette.Cached(time.Minute), text("all of them"))
			s.GET("/page", before, cachette.Cached(time.Minute, option), text("page"))
			for _, want := range []string{"miss", "hit"} {
				x := explained(t, s, http.MethodGet, "/page")
				if x.Route != "/page" || x.Outcome != want || x.Parts == nil || x.Parts.Path != "/page" {
					t.Errorf("want %s: %s", want, x)
				}
				if a := s.get("/page"); a.body != "page" {
					t.Errorf("%q", a.body)
				}
			}
			for _, body := range got {
				if body != "all of them" {
					t.Errorf("what was asked for on the way is %q", got)
				}
			}
		})
	}
}

// A middleware that has its own request explained is told so once, and not without end.
func TestExplainOnTheWayOfItself(t *testing.T) {
	s := newSite(t)
	var told []string
	s.GET("/page", func(c *gin.Context) {
		x, err := s.cache.Explain(c, c.Request)
		if err != nil {
			told = append(told, err.Error())
			return
		}
		told = append(told, x.Outcome)
	}, cachette.Cached(time.Minute), text("page"))
	if a := s.get("/page"); a.body != "page" || len(told) != 2 || told[0] == "miss" || told[1] != "miss" {
		t.Errorf("%q, %q", a.body, told)
	}
}

// Whatever a response and its route say, the field that tells of it is visible ASCII (RFC 9110 §5.5).
func TestDebugIsAField(t *testing.T) {
	s := newSite(t)
	const strange = "max-age=60, ext=\"\x01\x08\t\x1b[31m\x7f\u0085\u2028é\xff\""
	debug := cachette.WithDebug(func(*gin.Context) bool { return true })
	s.GET("/p\x7fge\u009b", cachette.Cached(time.Minute, debug), text("page", "Cache-Control: "+strange))
	for range 2 {
		field := s.get("/p%7fge%c2%9b").header.Get("Cachette-Debug")
		if i := strings.IndexFunc(field, func(r rune) bool { return r < ' ' || r > '~' }); field == "" || i >= 0 {
			t.Errorf("at %d: %q", i, field)
		}
	}
}

// As JSON the durations of an explanation name their unit, and it is read again as what it was.
func TestExplanationsAsJSON(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		s := newSite(t)
		s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
			cachettetest.Pass(1500 * time.Microsecond)
			c.Header("Cache-Control", "max-age=2, stale-while-revalidate=30, stale-if-error=60")
			c.String(http.StatusOK, "page")
		})
		s.get("/")
		cachettetest.Pass(2500 * time.Millisecond)
		x := explained(t, s, http.MethodGet, "/")
		x.Stored.Received = x.Stored.Received.UTC()
		text, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"ageMs":2500,`, `"lifetimeMs":2000,`, `"freshMs":-500,`, `"staleWhileRevalidateMs":30000,`, `"staleIfErrorMs":60000,`, `"tookMs":1.5`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("it lacks %s: %s", want, text)
			}
		}
		var again cachette.Explanation
		if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(again.Stored, x.Stored) {
			t.Errorf("%v: %+v\nwas %+v", err, again.Stored, x.Stored)
		}
	})
}
