package coding_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzip"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// compressor is a middleware that compresses what is written to it for clients that accept gzip, whatever that is. early tells whether it says so before
// anything is written, as that of gin-contrib does.
func compressor(early bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !strings.Contains(c.GetHeader("Accept-Encoding"), "gzip") {
			return
		}
		w := &compressed{ResponseWriter: c.Writer}
		if early {
			w.begin()
		}
		c.Writer = w
		c.Next()
		if w.to != nil {
			_ = w.to.Close()
		}
	}
}

type compressed struct {
	gin.ResponseWriter
	to     *gzip.Writer
	passes bool
}

func (w *compressed) begin() {
	w.to = gzip.NewWriter(w.ResponseWriter)
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Add("Vary", "Accept-Encoding")
}

func (w *compressed) Write(b []byte) (int, error) {
	if w.to == nil && !w.passes {
		if w.passes = w.Header().Get("Content-Encoding") != ""; !w.passes { // what is coded is left alone
			w.begin()
		}
	}
	if w.passes {
		return w.ResponseWriter.Write(b)
	}
	w.Header().Del("Content-Length")
	return w.to.Write(b)
}

func (w *compressed) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// TestCompressorOutside: with a compressor outside each answer is right, and coded once. One that leaves alone what is coded does so with hits.
func TestCompressorOutside(t *testing.T) {
	for name, early := range map[string]bool{"one that says so early": true, "one that leaves alone what is coded": false} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(s *site) {
				s.Use(compressor(early))
				s.answers("/", "application/json", page, `ETag: "v1"`)
				for i := range 4 {
					a := s.get("/", gzipped)
					if a.Header.Get("Content-Encoding") != "gzip" || decode(s.t, "gzip", a.Body) != page {
						s.t.Errorf("request %d: %v", i, a.Header)
					}
					if ours := a.Header.Get("ETag") != `"v1"`; ours != (!early && i > 1) {
						s.t.Errorf("request %d has the tag %s", i, a.Header.Get("ETag"))
					}
				}
				if a := s.get("/"); a.Body != page || a.Header.Get("Content-Encoding") != "" {
					s.t.Errorf("without Accept-Encoding: %v", a.Header)
				}
				if s.runs.Load() != 1 {
					s.t.Errorf("the handler has run %d times", s.runs.Load())
				}
			})
		})
	}
}

// TestCompressorOutsideVaries: each answer names Accept-Encoding once, whoever has asked first, also where a compressor outside names it for some clients
// alone, as that of gin-contrib does (RFC 9110 §12.5.5).
func TestCompressorOutsideVaries(t *testing.T) {
	for _, first := range []string{gzipped, "Accept-Encoding: br"} {
		t.Run(first, func(t *testing.T) {
			onEach(t, func(s *site) {
				s.Use(compressor(true))
				s.answers("/", "application/json", page)
				for i, accept := range []string{first, gzipped, "Accept-Encoding: br", "Accept-Encoding: br", "Accept-Encoding: identity"} {
					if a := s.get("/", accept); !slices.Equal(a.Header["Vary"], []string{"Accept-Encoding"}) || a.Hit() != (i > 0) {
						s.t.Errorf("request %d: %v", i, a.Header)
					}
				}
			})
		})
	}
}

// TestCompressorInside: a compressor among the handlers has nothing to do, and makes no variants.
func TestCompressorInside(t *testing.T) {
	onEach(t, func(s *site) {
		s.GET("/", cachette.Cached(time.Hour, cachette.WithCompression()), compressor(true), s.handler("application/json", page))
		for i, accept := range []string{gzipped, gzipped, "Accept-Encoding: br", "Accept-Encoding: br", "Accept-Encoding: identity", gzipped} {
			a := s.get("/", accept)
			want := ""
			switch i {
			case 3:
				want = "br"
			case 5:
				want = "gzip"
			}
			if got := a.Header.Get("Content-Encoding"); got != want || decode(s.t, got, a.Body) != page || a.Hit() != (i > 0) {
				s.t.Errorf("request %d: %v", i, a.Header)
			}
		}
	})
}

// TestSeenAgain: what stands outside sees what the client accepts once the handlers have run, also where they have made another request of theirs.
func TestSeenAgain(t *testing.T) {
	onEach(t, func(s *site) {
		var inside, outside []string
		s.Use(func(c *gin.Context) {
			c.Next()
			outside = append(outside, c.GetHeader("Accept-Encoding"))
		})
		s.GET("/", cachette.Cached(time.Hour, cachette.WithCompression()), func(c *gin.Context) {
			inside = append(inside, c.GetHeader("Accept-Encoding"))
			c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), key{}, "value"))
			c.String(http.StatusOK, "%s", page)
		})
		s.get("/", gzipped)
		if len(inside) != 1 || inside[0] != "" || len(outside) != 1 || outside[0] != "gzip" {
			s.t.Errorf("inside %q, outside %q", inside, outside)
		}
	})
}

type key struct{}

// TestToldOnce: the log tells once for a route that its hits are compressed anew, and of none that is not.
func TestToldOnce(t *testing.T) {
	for _, test := range []struct {
		name string
		body string
		use  bool
		want int
	}{
		{"a compressor outside", page, true, 1},
		{"none", page, false, 0},
		{"a small page", "small", true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			s := newSite(t, func(c *cachette.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			if test.use {
				s.Use(compressor(true))
			}
			s.GET("/", cachette.Cached(time.Hour), s.handler("text/plain", test.body))
			for range 4 {
				s.get("/", gzipped)
			}
			if got := strings.Count(log.String(), "compresses each hit of this route anew"); got != test.want {
				t.Errorf("it is told %d times, want %d", got, test.want)
			}
		})
	}
}

// TestConfigured: the Config has all routes coded, but for those that say otherwise, also around or inside of others.
func TestConfigured(t *testing.T) {
	s := newSite(t, func(c *cachette.Config) { c.Compression = true })
	with, without := cachette.WithCompression(), cachette.WithoutCompression()
	s.GET("/all", cachette.Cached(time.Hour), s.handler("text/plain", page))
	s.GET("/not", cachette.Cached(time.Hour, without), s.handler("text/plain", page))
	s.GET("/inner", cachette.Cached(time.Hour, without), cachette.Cached(time.Hour, with), s.handler("text/plain", page))
	s.GET("/outer", cachette.Cached(time.Hour, with), cachette.Cached(time.Hour), s.handler("text/plain", page))
	s.GET("/between", cachette.Cached(time.Hour, with), func(*gin.Context) {}, cachette.Cached(time.Hour, cachette.WithKeyPart(part)), s.handler("text/plain", page))
	for path, want := range map[string]string{"/all": "gzip", "/not": "", "/inner": "", "/outer": "gzip", "/between": "gzip"} {
		s.warm(path, "gzip")
		a := s.get(path, gzipped)
		if a.Header.Get("Content-Encoding") != want || !a.Hit() || decode(t, want, a.Body) != page {
			t.Errorf("%s: %v", path, a.Header)
		}
		if (a.Header.Get("Vary") == "") != (want == "") {
			t.Errorf("%s: Vary is %q", path, a.Header["Vary"])
		}
	}
}

func part(*gin.Context) string { return "part" }

// TestContradicting: options that contradict each other are a mistake in the program.
func TestContradicting(t *testing.T) {
	defer func() {
		if p := recover(); p == nil {
			t.Error("it does not panic")
		}
	}()
	cachette.Cached(time.Hour, cachette.WithCompression(), cachette.WithoutCompression())
}

// TestSwitchedOff: a route that is to be left as it is serves no forms of pages that another release of the program has stored.
func TestSwitchedOff(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		store := cachettetest.NewStore()
		before, after := newSite(t, store.Use), newSite(t, store.Use)
		before.answers("/", "text/plain", page)
		before.warm("/", "gzip")
		after.GET("/", cachette.Cached(time.Hour, cachette.WithoutCompression()), after.handler("text/plain", page))
		for range 3 {
			if a := after.get("/", gzipped); a.Header.Get("Content-Encoding") != "" || a.Body != page || !a.Hit() {
				t.Errorf("%v", a.Header)
			}
		}
	})
}

// TestOfOne: a coded form of a user's page is that user's.
func TestOfOne(t *testing.T) {
	onEach(t, func(s *site) {
		s.GET("/", cachette.Cached(time.Hour, cachette.WithCompression(), cachette.WithIdentity(func(c *gin.Context) string { return c.GetHeader("X-User") })),
			func(c *gin.Context) {
				c.Header("Cache-Control", "private, max-age=60")
				c.String(http.StatusOK, "%s", c.GetHeader("X-User")+page)
			})
		for range 4 {
			for _, user := range []string{"anna", "ben"} {
				a := s.get("/", gzipped, "X-User: "+user)
				if decode(s.t, a.Header.Get("Content-Encoding"), a.Body) != user+page {
					s.t.Errorf("%s: %v", user, a.Header)
				}
			}
		}
	})
}

// TestShared: a process finds in the store the form that another one has made, and a page that is made anew with the same bytes has its form already.
func TestShared(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		store := cachettetest.NewStore()
		on := func(c *cachette.Config) { c.Driver = store.Driver() }
		one, other := newSite(t, on), newSite(t, on)
		for _, s := range []*site{one, other} {
			s.answers("/", "text/plain", page)
			s.warm("/", "gzip")
			if a := s.get("/", gzipped); a.Header.Get("Content-Encoding") != "gzip" {
				t.Errorf("it is not coded: %v", a.Header)
			}
		}
		if err := one.Cache.PurgePath(t.Context(), "/"); err != nil {
			t.Fatal(err)
		}
		one.get("/", gzipped)
		if a := one.get("/", gzipped); a.Header.Get("Content-Encoding") != "gzip" || one.runs.Load() != 2 {
			t.Errorf("made anew: %v", a.Header)
		}
		sets := 0
		for _, o := range store.Operations() {
			if o.Name == "set" && strings.Contains(o.Key, "~r:z") {
				sets++
			}
		}
		if sets != 1 {
			t.Errorf("a form was stored %d times", sets)
		}
	})
}

// TestHostileForm: what is in the store and is no form of the page is not served.
func TestHostileForm(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		store := cachettetest.NewStore()
		on := func(c *cachette.Config) { c.Driver = store.Driver() }
		one := newSite(t, on)
		one.answers("/", "text/plain", page)
		one.answers("/other", "text/plain", "other"+page)
		one.warm("/", "gzip")
		one.warm("/other", "gzip")
		var forms []string
		for _, key := range store.Keys() {
			if strings.Contains(key, "~r:z") {
				forms = append(forms, key)
			}
		}
		if len(forms) != 2 {
			t.Fatalf("the store has the forms %q", forms)
		}
		first, err := store.Peek(forms[0])
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string][]byte{"cut off": first.Value[:len(first.Value)-1], "none": []byte("none"), "of another page": first.Value} {
			for _, key := range forms {
				if err := store.Driver().Set(t.Context(), key, value, time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			s := newSite(t, on)
			s.answers("/", "text/plain", page)
			s.answers("/other", "text/plain", "other"+page)
			for path, want := range map[string]string{"/": page, "/other": "other" + page} {
				for range 3 {
					if a := s.get(path, gzipped); decode(t, a.Header.Get("Content-Encoding"), a.Body) != want {
						t.Errorf("%s, %s: %v", name, path, a.Header)
					}
				}
			}
		}
	})
}
