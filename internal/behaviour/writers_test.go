package behaviour_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"os"
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

// A cache within another's page: what the inner one writes beside its handler never comes to a writer that another cache's recorder is,
// which looks at the header, as the handler does.
func TestEngineInEngine(t *testing.T) {
	for _, size := range []int{100, 3_000, 30_000} {
		outer, inner := newSite(t), newSite(t)
		body := strings.Repeat("0123456789", size/10)
		inner.GET("/part", cachette.Cached(time.Minute), func(c *gin.Context) {
			for i := range 10 {
				_, _ = c.Writer.WriteString(body)
				c.Header("X-Late", fmt.Sprint(i))
			}
		})
		outer.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
			r, _ := http.NewRequest(http.MethodGet, "/part", nil)
			inner.ServeHTTP(c.Writer, r)
		})
		server := outer.listen()
		for range 2 {
			if a := fetch(t, server, http.MethodGet, "/"); a.body != strings.Repeat(body, 10) {
				t.Errorf("%d bytes of %d (%s)", len(a.body), 10*len(body), a.cacheStatus())
			}
		}
	}
}

// A writer of another server than net/http's own may look at the header when the first of the body is written (net/http/cgi does).
func TestCGI(t *testing.T) {
	s := newSite(t)
	s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
		c.Writer.Flush()
		for i := range 100 {
			c.Header("X-Late", fmt.Sprint(i))
			_, _ = c.Writer.WriteString("0123456789")
		}
	})
	for name, value := range map[string]string{"REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "example.com", "REQUEST_URI": "/"} {
		t.Setenv(name, value)
	}
	out, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	stdout := os.Stdout
	os.Stdout = out
	defer func() { os.Stdout = stdout }()
	if err := cgi.Serve(s); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(out.Name())
	if err != nil || !strings.HasSuffix(string(written), strings.Repeat("0123456789", 100)) {
		t.Errorf("%d bytes, %v", len(written), err)
	}
}

// What goes out with the header is what it was when it was final, whatever the handler does to it then, and however much of the body
// was written before; trailers are as the handler leaves them (RFC 9110 §6.5).
func TestHeaderWhenFinal(t *testing.T) {
	for name, handler := range map[string]func(c *gin.Context){
		"a trailer deleted": func(c *gin.Context) {
			c.Header("Trailer", "X-Sum")
			c.Header("X-Sum", "early")
			_, _ = c.Writer.WriteString(strings.Repeat(".", 40_000))
			c.Writer.Header().Del("X-Sum")
		},
		"a trailer set": func(c *gin.Context) {
			c.Header("Trailer", "X-Sum")
			_, _ = c.Writer.WriteString(strings.Repeat(".", 40_000))
			c.Header("X-Sum", "late")
		},
		"trailers taken back": func(c *gin.Context) {
			c.Header("Trailer", "X-Sum")
			c.Header("X-A", "a")
			_, _ = c.Writer.WriteString(strings.Repeat(".", 20_000))
			c.Writer.Header().Del("Trailer")
			c.Header("X-A", "b")
			_, _ = c.Writer.WriteString(strings.Repeat(".", 20_000))
		},
		"a small write first": func(c *gin.Context) {
			c.Header("X-A", "a")
			_, _ = c.Writer.WriteString(strings.Repeat(".", 8_000))
			_, _ = c.Writer.WriteString(strings.Repeat(".", 20_000))
			c.Header("X-A", "b")
			c.Header("X-B", "b")
		},
	} {
		for _, buffers := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, buffered outside %t", name, buffers), func(t *testing.T) {
				var got [2]string
				for i, cached := range []bool{false, true} {
					s := newSite(t)
					if buffers {
						s.Use(func(c *gin.Context) { // sends what is there once it is more than 12 kB
							w := &buffering{ResponseWriter: c.Writer}
							c.Writer = w
							c.Next()
							w.send()
						})
					}
					chain := []gin.HandlerFunc{handler}
					if cached {
						chain = []gin.HandlerFunc{cachette.Cached(time.Minute), handler}
					}
					s.GET("/", chain...)
					response, err := http.Get(s.listen().URL + "/")
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(response.Body)
					_ = response.Body.Close()
					got[i] = fmt.Sprint(response.Header["X-A"], response.Header["X-B"], response.Trailer, len(body), err)
				}
				if got[0] != got[1] {
					t.Errorf("the client gets %s, and without a cache %s", got[1], got[0])
				}
			})
		}
	}
}

// buffering is a writer that holds back what is written until it is more than 12 kB.
type buffering struct {
	gin.ResponseWriter
	held []byte
}

func (w *buffering) Write(b []byte) (int, error) {
	if w.held = append(w.held, b...); len(w.held) > 12_000 {
		w.send()
	}
	return len(b), nil
}

func (w *buffering) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (w *buffering) send() {
	if len(w.held) > 0 {
		_, _ = w.ResponseWriter.Write(w.held)
		w.held = nil
	}
}
