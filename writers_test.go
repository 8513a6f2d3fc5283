package cachette_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// lateWriter is a writer of middleware that adds to the header when it first passes something on, and reads its context at each write.
// One that holds back passes a bare header on only with what comes after it.
type lateWriter struct {
	gin.ResponseWriter
	c     *gin.Context
	set   func(http.Header)
	holds bool
	done  bool
}

func (w *lateWriter) send() {
	if !w.done {
		w.done = true
		w.set(w.Header())
	}
}

func (w *lateWriter) Write(b []byte) (int, error) {
	w.send()
	_ = w.c.Request.URL.Path + fmt.Sprint(len(w.c.Errors))
	return w.ResponseWriter.Write(b)
}

func (w *lateWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (w *lateWriter) WriteHeaderNow() {
	if !w.holds {
		w.send()
		w.ResponseWriter.WriteHeaderNow()
	}
}

func (w *lateWriter) Flush() {
	w.send()
	w.ResponseWriter.Flush()
}

// What a writer outside says as the header goes out, whenever it does, counts, whatever the size of the body: one user's page is none for
// another. The handler may go on with the header and the context meanwhile: nothing of either is used beside it.
func TestLateWriters(t *testing.T) {
	set := map[string]func(user string) func(http.Header){
		"a cookie": func(user string) func(http.Header) { return func(h http.Header) { h.Add("Set-Cookie", "sid="+user) } },
		"Vary":     func(string) func(http.Header) { return func(h http.Header) { h.Add("Vary", "X-User") } },
	}
	first := map[string]func(w gin.ResponseWriter){
		"a write": func(gin.ResponseWriter) {}, "the header": gin.ResponseWriter.WriteHeaderNow, "a flush": gin.ResponseWriter.Flush,
	}
	for what, says := range set {
		for how, begin := range first {
			for _, holds := range []bool{false, true} {
				for _, size := range []int{20, 3_000, 20_000, 200_000} {
					t.Run(fmt.Sprintf("%s, at %s, held back %t, %d bytes", what, how, holds, size), func(t *testing.T) {
						s := newSite(t)
						s.Use(func(c *gin.Context) {
							c.Writer = &lateWriter{c.Writer, c, says(c.GetHeader("X-User")), holds, false}
						})
						s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
							h := c.Writer.Header()
							begin(c.Writer)
							_, _ = c.Writer.WriteString("for " + c.GetHeader("X-User") + strings.Repeat(".", size))
							for i := range 10 { // too late for the header, but allowed
								h.Set("X-After", fmt.Sprint(i))
								c.Request = c.Request.WithContext(c.Request.Context())
							}
						})
						server := s.listen()
						for _, user := range []string{"ann", "bob"} {
							a := fetch(t, server, http.MethodGet, "/", "X-User: "+user)
							if !strings.HasPrefix(a.body, "for "+user+".") || len(a.body) != len("for "+user)+size {
								t.Errorf("%s got %.20q, %d bytes (%s)", user, a.body, len(a.body), a.cacheStatus())
							}
							if a.header.Get("X-After") != "" {
								t.Error("what was set after the header was final went out with it")
							}
						}
					})
				}
			}
		}
	}
}

// A page of which a part is what another route has for one user is none for others, however much of it was written before.
func TestPrivatePart(t *testing.T) {
	for _, size := range []int{10, 3_000, 30_000} {
		s := newSite(t)
		s.GET("/part", cachette.Cached(time.Minute), func(c *gin.Context) {
			c.Header("Cache-Control", "private")
			c.String(http.StatusOK, "for "+c.GetHeader("X-User"))
		})
		s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
			_, _ = c.Writer.WriteString(strings.Repeat(".", size))
			r := c.Request.Clone(c.Request.Context())
			r.URL.Path, r.RequestURI = "/part", "/part"
			s.ServeHTTP(c.Writer, r)
		})
		for _, user := range []string{"ann", "bob"} {
			if a := s.get("/", "X-User: "+user); !strings.HasSuffix(a.body, "for "+user) {
				t.Errorf("after %d bytes, %s got a page that ends with %q", size, user, a.body[max(0, len(a.body)-10):])
			}
		}
	}
}

// A handler that goes on by HandleContext, or writes to the writer below, does so after what it has written.
func TestOrderOfWrites(t *testing.T) {
	for _, size := range []int{100, 3_000, 30_000} {
		for _, wrapped := range []bool{false, true} {
			s := newSite(t)
			if wrapped {
				s.Use(func(c *gin.Context) { c.Writer = &changing{c.Writer, func(s string) string { return s }} })
			}
			s.GET("/foot", func(c *gin.Context) { c.String(http.StatusOK, "foot") })
			s.GET("/on", cachette.Cached(time.Minute), func(c *gin.Context) {
				_, _ = c.Writer.WriteString(strings.Repeat(".", size))
				c.Request.URL.Path = "/foot"
				s.HandleContext(c)
			})
			s.GET("/below", cachette.Cached(time.Minute), func(c *gin.Context) {
				_, _ = c.Writer.WriteString(strings.Repeat(".", size))
				_, _ = c.Writer.(interface{ Unwrap() http.ResponseWriter }).Unwrap().Write([]byte("foot"))
			})
			server := s.listen()
			for _, path := range []string{"/on", "/below"} {
				a := fetch(t, server, http.MethodGet, path)
				if a.body != strings.Repeat(".", size)+"foot" {
					t.Errorf("%s, wrapped %t: %d bytes, foot at %d", path, wrapped, len(a.body), strings.Index(a.body, "foot"))
				}
			}
		}
	}
}
