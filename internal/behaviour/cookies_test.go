package behaviour_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// A Set-Cookie on a response as it leaves keeps it from being stored, whoever set it, when and in whatever spelling: the page and
// the cookie may belong together, as the token in a form and the one in a cookie do. What WithForeignCookies names does not
// count, and is not stored either. nginx and Varnish go by the response as it is sent as well.

// committing is a writer outside of the cache that changes the header at the very moment that it goes out, as those of sessions do.
type committing struct {
	gin.ResponseWriter
	change func(http.Header)
}

func (w *committing) commit() {
	if w.change != nil && !w.ResponseWriter.Written() {
		w.change(w.Header())
		w.change = nil
	}
}

func (w *committing) Write(b []byte) (int, error) { w.commit(); return w.ResponseWriter.Write(b) }
func (w *committing) WriteString(s string) (int, error) {
	w.commit()
	return w.ResponseWriter.WriteString(s)
}
func (w *committing) WriteHeaderNow() { w.commit(); w.ResponseWriter.WriteHeaderNow() }
func (w *committing) Flush()          { w.commit(); w.ResponseWriter.Flush() }

// around is the same around an engine, as a handler of net/http is that has nothing to do with gin.
type wrapped struct {
	http.ResponseWriter
	change func(http.Header)
}

func (w *wrapped) WriteHeader(code int) {
	if w.change != nil {
		w.change(w.Header())
		w.change = nil
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *wrapped) Write(b []byte) (int, error) {
	if w.change != nil {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

func (w *wrapped) Flush() { _, _ = w.Write(nil); w.ResponseWriter.(http.Flusher).Flush() }

// outsides are the ways in which what stands outside of the cache changes the header of a response.
var outsides = []struct {
	name string
	bare bool // it does so before the handler runs
	site func(t testing.TB, change func(c *gin.Context, h http.Header), store func(*cachette.Config)) (*site, http.Handler)
}{
	{"before Install", true, func(t testing.TB, change func(*gin.Context, http.Header), store func(*cachette.Config)) (*site, http.Handler) {
		s := newSiteOn(t, func(e *gin.Engine) { e.Use(func(c *gin.Context) { change(c, c.Writer.Header()) }) }, store)
		return s, s
	}},
	{"behind Install", true, func(t testing.TB, change func(*gin.Context, http.Header), store func(*cachette.Config)) (*site, http.Handler) {
		s := newSite(t, store)
		s.Use(func(c *gin.Context) { change(c, c.Writer.Header()) })
		return s, s
	}},
	{"at the commit, before Install", false, func(t testing.TB, change func(*gin.Context, http.Header), store func(*cachette.Config)) (*site, http.Handler) {
		s := newSiteOn(t, func(e *gin.Engine) {
			e.Use(func(c *gin.Context) {
				c.Writer = &committing{c.Writer, func(h http.Header) { change(c, h) }}
			})
		}, store)
		return s, s
	}},
	{"at the commit, behind Install", false, func(t testing.TB, change func(*gin.Context, http.Header), store func(*cachette.Config)) (*site, http.Handler) {
		s := newSite(t, store)
		s.Use(func(c *gin.Context) { c.Writer = &committing{c.Writer, func(h http.Header) { change(c, h) }} })
		return s, s
	}},
	{"at the commit, around the engine", false, func(t testing.TB, change func(*gin.Context, http.Header), store func(*cachette.Config)) (*site, http.Handler) {
		s := newSite(t, store)
		return s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := &gin.Context{Request: r}
			s.ServeHTTP(&wrapped{w, func(h http.Header) { change(c, h) }}, r)
		})
	}},
}

// spellings are ways to set a cookie.
var spellings = map[string]func(h http.Header, value string){
	"Add":            func(h http.Header, value string) { h.Add("Set-Cookie", "sid="+value+"; Path=/") },
	"Set":            func(h http.Header, value string) { h.Set("set-cookie", "sid="+value) },
	"lower case":     func(h http.Header, value string) { h["set-cookie"] = []string{"sid=" + value} },
	"capitals":       func(h http.Header, value string) { h["SET-COOKIE"] = append(h["SET-COOKIE"], "sid="+value) },
	"two of them":    func(h http.Header, value string) { h["Set-Cookie"] = []string{"theme=dark", "sid=" + value} },
	"without a name": func(h http.Header, value string) { h.Add("Set-Cookie", value) },
	"an empty name":  func(h http.Header, value string) { h.Add("Set-Cookie", "="+value) },
	"for another": func(h http.Header, value string) { // so that there are as many fields as before
		h["set-cookie"] = []string{"sid=" + value}
		h.Del("X-Inside")
	},
}

// answers are ways to answer.
var cookieAnswers = map[string]func(c *gin.Context, body string){
	"text":   func(c *gin.Context, body string) { c.String(http.StatusOK, body) },
	"JSON":   func(c *gin.Context, body string) { c.JSON(http.StatusOK, body) },
	"stream": func(c *gin.Context, body string) { c.Writer.Flush(); c.String(http.StatusOK, body) },
	"bits": func(c *gin.Context, body string) {
		c.Status(200)
		c.Writer.WriteHeaderNow()
		c.String(http.StatusOK, body)
	},
	"length": func(c *gin.Context, body string) {
		c.Header("Content-Length", fmt.Sprint(len(body)))
		c.String(http.StatusOK, body)
	},
	"bare":     func(c *gin.Context, body string) { c.Header("X-Body", body); c.Status(http.StatusNoContent) },
	"redirect": func(c *gin.Context, body string) { c.Redirect(http.StatusMovedPermanently, "/to/"+body) },
}

// shown is what an answer shows of its body.
func shown(a answer) string { return a.body + a.header.Get("X-Body") + a.header.Get("Location") }

func TestCookieFromOutside(t *testing.T) {
	for _, outside := range outsides {
		for spelling, set := range spellings {
			for name, answer := range cookieAnswers {
				if name == "bare" && !outside.bare {
					continue // the engine commits behind the chain, where the cache has no say; there is no page either
				}
				t.Run(outside.name+"/"+spelling+"/"+name, func(t *testing.T) {
					eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
						var visitors atomic.Int64
						s, h := outside.site(t, func(c *gin.Context, h http.Header) {
							if _, err := c.Cookie("sid"); err != nil {
								set(h, fmt.Sprintf("v%d", visitors.Add(1)))
							}
						}, store)
						page, runs := counted(func(c *gin.Context) {
							c.Header("X-Inside", "1")
							answer(c, c.Request.Header.Get("X-Token"))
						})
						s.GET("/page", cachette.Cached(time.Minute), page)
						for i := range 3 {
							if a := send(t, h, http.MethodGet, "/page", fmt.Sprintf("X-Token: t%d", i)); a.hit() || !strings.Contains(shown(a), fmt.Sprintf("t%d", i)) {
								t.Errorf("visitor %d is given %q (%s)", i, shown(a), a.cacheStatus())
							}
						}
						if n := runs.Load(); n != 3 {
							t.Errorf("the handler ran %d times for three visitors", n)
						}
						for i := range 2 { // a client that has the cookie is set none
							if a := send(t, h, http.MethodGet, "/page", "Cookie: sid=v1"); a.hit() != (i > 0) {
								t.Errorf("with one, time %d: %s", i+1, a.cacheStatus())
							}
						}
					})
				})
			}
		}
	}
}

// Requests that follow one whose response turns out to have a cookie go to the handler together, and none gets its page.
func TestCookieFromOutsideIsNotFollowed(t *testing.T) {
	for _, outside := range outsides {
		t.Run(outside.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var visitors atomic.Int64
				s, h := outside.site(t, func(_ *gin.Context, h http.Header) {
					h.Add("Set-Cookie", fmt.Sprintf("sid=%d", visitors.Add(1)))
				}, func(*cachette.Config) {})
				page, gate, arrived, _ := gated(func(c *gin.Context) { c.String(http.StatusOK, c.GetHeader("X-Token")) })
				s.GET("/page", cachette.Cached(time.Minute), page)
				const requests = 6
				answers := together(requests, func(i int) string {
					a := send(t, h, http.MethodGet, "/page", fmt.Sprintf("X-Token: t%d", i))
					if want := fmt.Sprintf("t%d", i); a.body != want || len(a.header["Set-Cookie"]) != 1 {
						return fmt.Sprintf("%s is given %q with %q (%s)", want, a.body, a.header["Set-Cookie"], a.cacheStatus())
					}
					return ""
				})
				await(t, "the first", arrived)
				synctest.Wait()
				gate <- struct{}{}
				synctest.Wait()
				if n := len(arrived); n != requests-1 {
					t.Errorf("%d of the %d that followed have come to the handler", n, requests-1)
				}
				close(gate)
				for range requests {
					if problem := await(t, "an answer", answers); problem != "" {
						t.Error(problem)
					}
				}
			})
		})
	}
}

// One line in the log names the cookie and the route, once, and never its value.
func TestCookieIsTold(t *testing.T) {
	log := new(journal)
	s := newSite(t, log.in)
	s.Use(func(c *gin.Context) { c.SetCookie("sid", "s3cr3t", 60, "/", "", true, true) })
	for _, path := range []string{"/one/:id", "/two"} {
		s.GET(path, cachette.Cached(time.Minute), text("page"))
	}
	s.GET("/named", cachette.Cached(time.Minute, cachette.WithForeignCookies("sid")), text("page"))
	s.GET("/nameless", func(c *gin.Context) { c.Writer.Header().Add("Set-Cookie", "s3cr3t") }, cachette.Cached(time.Minute,
		cachette.WithForeignCookies("sid")), text("page"))
	for range 3 {
		for _, target := range []string{"/one/1", "/one/2", "/two", "/named", "/nameless"} {
			s.get(target)
		}
	}
	for route, want := range map[string]int{"route=/one/:id": 1, "route=/two": 1, "route=/named": 0, "cookie=sid": 2, "WithForeignCookies": 3, "route=/nameless": 1, "s3cr3t": 0} {
		if n := strings.Count(log.String(), route); n != want {
			t.Errorf("the log has %q %d times, want %d:\n%s", route, n, want, log)
		}
	}
}

// Cookies that a route names, or allows, and those between two routes.
func TestCookiesAllowed(t *testing.T) {
	foreign, others, allowed := cachette.WithForeignCookies("sid", "theme"), cachette.WithForeignCookies("other"), cachette.WithSetCookie()
	const outside, between, inside = 0, 1, 2
	for _, row := range []struct {
		name         string
		outer, inner []cachette.Option
		where        int // the cookie is set
		kept         bool
		stored       bool // with the cookie
	}{
		{name: "nothing said, outside", where: outside},
		{name: "nothing said, between", where: between},
		{name: "nothing said, inside", where: inside},
		{name: "named by the outer route, outside", outer: []cachette.Option{foreign}, where: outside, kept: true},
		{name: "named by the outer route, between", outer: []cachette.Option{foreign}, where: between, kept: true},
		{name: "named by the outer route, inside", outer: []cachette.Option{foreign}, where: inside},
		{name: "named by the inner route, outside", inner: []cachette.Option{foreign}, where: outside, kept: true},
		{name: "named by the inner route, between", inner: []cachette.Option{foreign}, where: between, kept: true},
		{name: "named by the inner route, inside", inner: []cachette.Option{foreign}, where: inside},
		{name: "named by both, between", outer: []cachette.Option{foreign}, inner: []cachette.Option{foreign}, where: between, kept: true},
		{name: "others named, outside", outer: []cachette.Option{others}, where: outside},
		{name: "others named, between", inner: []cachette.Option{others}, where: between},
		{name: "allowed by the outer route, outside", outer: []cachette.Option{allowed}, where: outside, kept: true},
		{name: "allowed by the outer route, between", outer: []cachette.Option{allowed}, where: between, kept: true},
		{name: "allowed by the outer route, inside", outer: []cachette.Option{allowed}, where: inside, kept: true, stored: true},
		{name: "allowed by the inner route, outside", inner: []cachette.Option{allowed}, where: outside, kept: true},
		{name: "allowed by the inner route, between", inner: []cachette.Option{allowed}, where: between, kept: true},
		{name: "allowed by the inner route, inside", inner: []cachette.Option{allowed}, where: inside, kept: true, stored: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				var set atomic.Int64
				at := func(where int) gin.HandlerFunc {
					return func(c *gin.Context) {
						if where == row.where {
							c.SetCookie("sid", fmt.Sprint(set.Add(1)), 60, "/", "", false, false)
						}
					}
				}
				s.GET("/page", at(outside), cachette.Cached(time.Minute, row.outer...), at(between),
					cachette.Cached(time.Minute, row.inner...), at(inside), text("page"))
				var cookies []string
				for i := range 3 {
					a := s.get("/page")
					if a.hit() != (row.kept && i > 0) {
						t.Errorf("request %d: %s", i+1, a.cacheStatus())
					}
					line, _, _ := strings.Cut(strings.Join(a.header["Set-Cookie"], "|"), ";")
					cookies = append(cookies, line)
				}
				want := []string{"sid=1", "sid=2", "sid=3"}
				if row.stored {
					want = []string{"sid=1", "sid=1", "sid=1"}
				}
				if fmt.Sprint(cookies) != fmt.Sprint(want) {
					t.Errorf("the three clients are set %q, want %q", cookies, want)
				}
			})
		})
	}
}

// Cookies from outside that a route names or allows keep nothing from being stored, whenever they are set, and are each client's own.
func TestCookieFromOutsideAllowed(t *testing.T) {
	for _, outside := range outsides {
		for name, option := range map[string]cachette.Option{"named": cachette.WithForeignCookies("sid"), "allowed": cachette.WithSetCookie()} {
			t.Run(outside.name+"/"+name, func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					var visitors atomic.Int64
					s, h := outside.site(t, func(_ *gin.Context, h http.Header) { h.Add("Set-Cookie", fmt.Sprintf("sid=%d", visitors.Add(1))) }, store)
					s.GET("/page", cachette.Cached(time.Minute, option), text("page"))
					for i := range 3 {
						a := send(t, h, http.MethodGet, "/page")
						if want := fmt.Sprintf("sid=%d", i+1); a.hit() != (i > 0) || strings.Join(a.header["Set-Cookie"], "|") != want {
							t.Errorf("client %d is set %q (%s)", i+1, a.header["Set-Cookie"], a.cacheStatus())
						}
					}
				})
			})
		}
	}
}

// What the outside says at the commit that a response varies by counts (RFC 9111 §4.1), however it says so.
func TestVaryAtTheCommit(t *testing.T) {
	for _, outside := range outsides {
		for name, say := range map[string]func(h http.Header){
			"added":              func(h http.Header) { h.Add("Vary", "X-User") },
			"joined to the line": func(h http.Header) { h.Set("Vary", strings.TrimPrefix(h.Get("Vary")+", X-User", ", ")) },
			"in place of it":     func(h http.Header) { h.Set("Vary", "x-user") },
			"lower case":         func(h http.Header) { h["vary"] = []string{"X-User"} },
			"star":               func(h http.Header) { h.Set("Vary", "*") },
		} {
			for _, inside := range []string{"", "X-Kind"} {
				t.Run(fmt.Sprintf("%s/%s/inside: %q", outside.name, name, inside), func(t *testing.T) {
					eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
						s, h := outside.site(t, func(_ *gin.Context, h http.Header) { say(h) }, store)
						s.GET("/page", cachette.Cached(time.Minute), func(c *gin.Context) {
							if inside != "" {
								c.Writer.Header().Add("Vary", inside)
							}
							c.String(http.StatusOK, "page of %s", userOf(c))
						})
						for round := range 2 {
							for _, user := range []string{"alice", "bob"} {
								a := send(t, h, http.MethodGet, "/page", "X-User: "+user)
								if a.body != "page of "+user || a.hit() != (round > 0 && name != "star") {
									t.Errorf("%s is given %q (%s)", user, a.body, a.cacheStatus())
								}
							}
						}
					})
				})
			}
		}
	}
}
