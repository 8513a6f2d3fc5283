package behaviour_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// RFC 9111 §4.4 has answers of 2xx and 3xx invalidate. Config.InvalidateOn and the function InvalidateOn say which do instead, on all
// routes and on single ones.

// invalidating returns whether an answer is to invalidate by a word.
func invalidating(word string, status int) bool {
	switch word {
	case "none":
		return false
	case "success":
		return status/100 == 2
	case "", "non-error":
		return status/100 == 2 || status/100 == 3
	}
	return true
}

// onAll returns what gives a site the word for all its routes.
func onAll(word string) func(*cachette.Config) {
	return func(cfg *cachette.Config) { cfg.InvalidateOn = word }
}

// saying returns the handler that says the word, or one that says nothing.
func saying(word string) gin.HandlerFunc {
	if word == "" {
		return func(*gin.Context) {}
	}
	return cachette.InvalidateOn(word)
}

// unsafes are the ways of an unsafe request for /page to a handler that answers it. word is the one that is said on its way.
var unsafes = []struct {
	name  string
	mount func(s *site, word string, answer gin.HandlerFunc)
}{
	{"on the route", func(s *site, word string, answer gin.HandlerFunc) { s.POST("/page", saying(word), answer) }},
	{"on a group", func(s *site, word string, answer gin.HandlerFunc) { s.Group("/", saying(word)).POST("/page", answer) }},
	{"on the engine", func(s *site, word string, answer gin.HandlerFunc) {
		s.Use(saying(word))
		s.POST("/page", answer)
	}},
	{"on the route of a group that says otherwise", func(s *site, word string, answer gin.HandlerFunc) {
		if word == "" {
			s.POST("/page", answer)
			return
		}
		s.Group("/", saying("none"), saying("any")).POST("/page", saying(word), answer)
	}},
	{"in the handler", func(s *site, word string, answer gin.HandlerFunc) {
		s.POST("/page", func(c *gin.Context) { saying(word)(c); answer(c) })
	}},
	{"on a cached route", func(s *site, word string, answer gin.HandlerFunc) {
		s.POST("/page", cachette.Cached(time.Hour), saying(word), answer)
	}},
	{"where no route is", func(s *site, word string, answer gin.HandlerFunc) { s.NoRoute(saying(word), answer) }},
	{"where the method has none", func(s *site, word string, answer gin.HandlerFunc) {
		s.HandleMethodNotAllowed = true
		s.NoMethod(saying(word), answer)
	}},
	{"before HandleContext", func(s *site, word string, answer gin.HandlerFunc) {
		s.POST("/page", saying(word), lead(s, "/inner"))
		s.POST("/inner", answer)
	}},
	{"behind HandleContext", func(s *site, word string, answer gin.HandlerFunc) {
		s.POST("/page", lead(s, "/inner"))
		s.POST("/inner", saying(word), answer)
	}},
	{"with a request of another context", func(s *site, word string, answer gin.HandlerFunc) { s.POST("/page", alone, saying(word), answer) }},
	{"before an engine within", func(s *site, word string, answer gin.HandlerFunc) {
		inner := gin.New()
		inner.POST("/page", answer)
		s.POST("/page", saying(word), gin.WrapH(inner))
	}},
	{"in an engine within", func(s *site, word string, answer gin.HandlerFunc) {
		inner := gin.New()
		inner.POST("/page", saying(word), answer)
		s.POST("/page", gin.WrapH(inner))
	}},
	{"in an engine at a mount", func(s *site, word string, answer gin.HandlerFunc) {
		inner := gin.New()
		inner.POST("/inner", saying(word), answer)
		s.POST("/page", func(c *gin.Context) {
			r := c.Request.Clone(c.Request.Context())
			r.URL.Path = "/inner" // as http.StripPrefix does
			inner.ServeHTTP(c.Writer, r)
		})
	}},
	{"in an engine within that has a cache", func(s *site, word string, answer gin.HandlerFunc) {
		inner := newSite(s.t)
		inner.POST("/page", saying(word), answer)
		s.POST("/page", gin.WrapH(inner))
	}},
}

// Wherever it is said which answers invalidate, it holds, and goes before what holds for all routes.
func TestInvalidateOn(t *testing.T) {
	statuses := []int{http.StatusOK, http.StatusNoContent, http.StatusSeeOther, http.StatusForbidden, http.StatusServiceUnavailable}
	type saying struct{ word, all string }
	var sayings []saying
	for _, all := range []string{"", "non-error", "success", "none"} {
		for _, word := range []string{"", "none", "success", "non-error", "any"} {
			sayings = append(sayings, saying{word, all})
		}
	}
	eachPair(t, func(t *testing.T, where []int) {
		way, said, store := unsafes[where[0]], sayings[where[1]], stores[where[2]].use
		s := newSite(t, store, onAll(said.all))
		status := 0
		s.GET("/page", cachette.Cached(time.Hour), text("page"))
		way.mount(s, said.word, func(c *gin.Context) { c.Status(status) })
		holds := said.word
		if holds == "" {
			holds = said.all
		}
		for _, status = range statuses {
			s.get("/page")
			if a := s.do(http.MethodPost, "/page"); a.status != status {
				t.Fatalf("the POST is answered with %d, want %d", a.status, status)
			}
			if a := s.get("/page"); a.hit() == invalidating(holds, status) {
				t.Errorf("behind %d: %s", status, a.cacheStatus())
			}
		}
	}, namesOf(len(unsafes), func(i int) string { return unsafes[i].name }),
		namesOf(len(sayings), func(i int) string { return fmt.Sprintf("%q, all %q", sayings[i].word, sayings[i].all) }), named(stores))
}

// What is said on the way to an engine within holds for the cache of that one as well.
func TestInvalidateOnHoldsWithin(t *testing.T) {
	for _, word := range []string{"", "none", "any"} {
		eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
			outer, inner := newSite(t, store), newSite(t, store, onAll("success"))
			outer.POST("/page", saying(word), gin.WrapH(inner))
			status := 0
			inner.GET("/page", cachette.Cached(time.Hour), text("page"))
			inner.POST("/page", func(c *gin.Context) { c.Status(status) })
			for _, status = range []int{http.StatusOK, http.StatusSeeOther, http.StatusForbidden} {
				inner.get("/page")
				outer.do(http.MethodPost, "/page")
				holds := word
				if holds == "" {
					holds = "success"
				}
				if a := inner.get("/page"); a.hit() == invalidating(holds, status) {
					t.Errorf("%q, behind %d: %s", word, status, a.cacheStatus())
				}
			}
		})
	}
}

// What is said of a request says nothing of others that its handler makes with its context, as a batch does.
func TestInvalidateOnIsOfOneRequest(t *testing.T) {
	const page = "http://example.com/page"
	for _, row := range []struct{ name, method, target string }{
		{"of another path", http.MethodPost, "http://example.com/batch"},
		{"of another host", http.MethodPost, "http://other.example/page"},
		{"of another method", http.MethodPut, page},
	} {
		for word, status := range map[string]int{"none": http.StatusOK, "any": http.StatusForbidden} {
			t.Run(row.name+"/"+word, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					s.GET("/page", cachette.Cached(time.Hour), text("page"))
					s.NoRoute(func(c *gin.Context) {
						if c.GetHeader("X-Batch") == "" {
							c.Status(status)
							return
						}
						cachette.InvalidateOn(word)(c)
						r, err := http.NewRequestWithContext(c.Request.Context(), http.MethodPost, page, nil)
						if err != nil {
							t.Error(err)
						}
						s.ServeHTTP(httptest.NewRecorder(), r)
						c.Status(http.StatusForbidden)
					})
					s.get(page)
					s.do(row.method, row.target, "X-Batch: 1")
					if a := s.get(page); a.hit() == (word == "none" || row.target == page) {
						t.Errorf("behind the batch: %s", a.cacheStatus())
					}
				})
			})
		}
	}
}

// Location and Content-Location go with what is said, and only those of a success count (RFC 9111 §4.4).
func TestInvalidateOnByLocation(t *testing.T) {
	for _, field := range []string{"Location", "Content-Location"} {
		for _, all := range []string{"", "success", "none"} {
			for _, word := range []string{"", "none", "success", "any"} {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store, onAll(all))
					status := 0
					s.GET("/page", cachette.Cached(time.Hour), text("page"))
					s.POST("/pages", saying(word), func(c *gin.Context) {
						c.Header(field, "/page")
						c.Status(status)
					})
					holds := word
					if holds == "" {
						holds = all
					}
					for _, status = range []int{http.StatusCreated, http.StatusSeeOther, http.StatusConflict} {
						s.get("/page")
						s.do(http.MethodPost, "/pages")
						if a := s.get("/page"); a.hit() == (status == http.StatusCreated && invalidating(holds, status)) {
							t.Errorf("%s, %q, all %q, behind %d: %s", field, word, all, status, a.cacheStatus())
						}
					}
				})
			}
		}
	}
}

// A handler that panics may have written: any is for it, too, whether something outside makes an answer of it or not.
func TestInvalidateOnPanic(t *testing.T) {
	for _, word := range []string{"", "none", "success", "any"} {
		for _, inside := range []bool{false, true} {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				recovers := gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) })
				s.GET("/page", cachette.Cached(time.Hour), text("page"))
				handlers := []gin.HandlerFunc{saying(word), func(*gin.Context) { panic("far") }}
				if inside {
					handlers = append([]gin.HandlerFunc{recovers}, handlers...)
				}
				s.POST("/page", handlers...)
				s.get("/page")
				func() {
					defer func() { _ = recover() }()
					s.do(http.MethodPost, "/page")
				}()
				if a := s.get("/page"); a.hit() == (word == "any") {
					t.Errorf("%q, recovered inside %t: %s", word, inside, a.cacheStatus())
				}
			})
		}
	}
}

// What a guard refuses before any is said invalidates nothing.
func TestInvalidateOnBehindAGuard(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/page", cachette.Cached(time.Hour), text("page"))
		s.POST("/page", func(c *gin.Context) { c.AbortWithStatus(http.StatusUnauthorized) }, cachette.InvalidateOn("any"), text("done"))
		s.get("/page")
		s.do(http.MethodPost, "/page")
		if a := s.get("/page"); !a.hit() {
			t.Error(a.cacheStatus())
		}
	})
}

// What a POST leaves for later GETs (RFC 9110 §9.3.3) is left whatever invalidates; what else is stored for the path goes or stays as
// is said.
func TestInvalidateOnPosted(t *testing.T) {
	for _, word := range []string{"", "none", "success", "any"} {
		eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
			s := newSite(t, store)
			s.Match([]string{http.MethodGet, http.MethodPost}, "/page", saying(word), cachette.Cached(time.Hour), func(c *gin.Context) {
				c.Header("Content-Location", c.Request.RequestURI)
				c.Header("Cache-Control", "max-age=60")
				c.String(http.StatusOK, c.Request.Method)
			})
			s.get("/page?q=1")
			s.get("/page?q=2")
			s.do(http.MethodPost, "/page?q=1")
			if a := s.get("/page?q=1"); !a.hit() || a.body != http.MethodPost {
				t.Errorf("%q, what was posted: %q (%s)", word, a.body, a.cacheStatus())
			}
			if a := s.get("/page?q=2"); a.hit() != (word == "none") {
				t.Errorf("%q, what is beside it: %s", word, a.cacheStatus())
			}
		})
	}
}

// Where nothing would be invalidated, it does nothing: for safe methods, on engines without a cache, or with one that is switched off
// or closed, or older than it, and in a context that has no request.
func TestInvalidateOnWithoutACache(t *testing.T) {
	off, closed := newSite(t, func(cfg *cachette.Config) { cfg.Disabled, cfg.InvalidateOn = true, "none" }), newSite(t)
	if err := closed.cache.Close(); err != nil {
		t.Fatal(err)
	}
	bare := &site{Engine: gin.New(), t: t}
	older := newSiteOn(t, func(e *gin.Engine) { e.Any("/page", cachette.InvalidateOn("any"), text("page")) },
		func(cfg *cachette.Config) { cfg.EarlierRoutes = true })
	for name, s := range map[string]*site{"off": off, "closed": closed, "bare": bare, "older": older, "on": newSite(t)} {
		if s != older {
			s.Any("/page", cachette.InvalidateOn("any"), text("page"))
		}
		for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodPost, http.MethodDelete} {
			if a := s.do(method, "/page"); a.status != http.StatusOK || a.body != "page" {
				t.Errorf("%s: %s: %d %q", name, method, a.status, a.body)
			}
		}
	}
	cachette.InvalidateOn("none")(new(gin.Context))

	s := newSite(t)
	s.GET("/page", cachette.Cached(time.Hour), cachette.InvalidateOn("any"), text("page"))
	s.HEAD("/page", cachette.InvalidateOn("any"), text("page"))
	s.get("/page")
	s.do(http.MethodHead, "/page")
	if a := s.get("/page"); !a.hit() {
		t.Errorf("behind requests with safe methods: %s", a.cacheStatus())
	}
}

// A word that names no answers is told at once, with those that do.
func TestInvalidateOnRefuses(t *testing.T) {
	for _, word := range []string{"", "None", "2xx", "always"} {
		func() {
			defer func() {
				err, ok := recover().(error)
				if !ok || !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), `"non-error"`) {
					t.Errorf("%q: panicked with %v", word, err)
				}
			}()
			cachette.InvalidateOn(word)
			t.Errorf("%q: no panic", word)
		}()
	}
}

// What handlers do to the request of a write is there for those outside, as it is without a cache: its context, and its form, whose
// files net/http removes.
func TestRequestOfAWrite(t *testing.T) {
	s := newSiteOn(t, func(e *gin.Engine) {
		e.Use(func(c *gin.Context) {
			came := c.Request
			c.Next()
			if c.Request.Context().Value(ownKey{}) != "own" {
				t.Error("what a handler put into the context is gone")
			}
			if came.MultipartForm == nil || len(came.MultipartForm.File) != 1 || came.PostForm.Get("a") != "1" {
				t.Errorf("the request has the form %v, %v", came.PostForm, came.MultipartForm)
			}
		})
	})
	s.POST("/page", func(c *gin.Context) {
		if _, err := c.MultipartForm(); err != nil {
			t.Error(err)
		}
		c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), ownKey{}, "own"))
	})
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "name")
	if err == nil {
		_, err = file.Write(make([]byte, 1000))
	}
	if err := errors.Join(err, form.WriteField("a", "1"), form.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, s.listen().URL+"/page", &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}
