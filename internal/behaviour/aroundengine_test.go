package behaviour_test

import (
	"context"
	"fmt"
	"io"
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

// What stands around the engine sees a client's response and not that of a refresh in the background (RFC 5861 §3), which goes
// through the engine alone. It counts all the same: that of the client whose request has set the refresh off.

type tokenKey struct{}

// tokens returns a handler around another one that gives each client without a cookie one, and all handlers inside its token.
func tokens(inner http.Handler, late bool) http.Handler {
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("Cookie")
		if token == "" {
			token = fmt.Sprintf("token=%d", n.Add(1))
			if late {
				w = &setsAtCommit{ResponseWriter: w, line: token}
			} else {
				w.Header().Add("Set-Cookie", token)
			}
		}
		inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, token)))
	})
}

// setsAtCommit sets a cookie when the header goes out.
type setsAtCommit struct {
	http.ResponseWriter
	line string
}

func (w *setsAtCommit) WriteHeader(status int) {
	w.Header().Add("Set-Cookie", w.line)
	w.ResponseWriter.WriteHeader(status)
}

// form answers with a page in which the client's token is.
func form(c *gin.Context) {
	token, _ := c.Request.Context().Value(tokenKey{}).(string)
	c.String(http.StatusOK, "form with %s", token)
}

// eachWait runs a test with options that have stale pages refreshed in the background.
func eachWait(t *testing.T, name string, test func(t *testing.T, options []cachette.Option)) {
	for wait, options := range map[string][]cachette.Option{
		"at once":  {cachette.WithStaleWhileRevalidate(time.Hour)},
		"patience": {cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithPatience(time.Second)},
	} {
		t.Run(name+"/"+wait, func(t *testing.T) { test(t, options) })
	}
}

// A client that is given a cookie has no page made for others.
func TestRefreshForAForeignCookie(t *testing.T) {
	for _, late := range []bool{false, true} {
		eachWait(t, fmt.Sprintf("at the commit: %t", late), func(t *testing.T, options []cachette.Option) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					s.GET("/form", cachette.Cached(time.Minute, options...), form)
					h := tokens(s, late)
					send(t, h, http.MethodGet, "/form", "Cookie: shared=1") // which the page does not depend on, as the cookie is there
					time.Sleep(2 * time.Minute)
					for range 3 {
						if a := send(t, h, http.MethodGet, "/form"); a.body != "form with shared=1" || !a.hit() {
							t.Errorf("a client without a cookie is given %q (%s)", a.body, a.cacheStatus())
						}
						synctest.Wait()
					}
				})
			})
		})
	}
}

// commits is a writer of its own around the engine, which adds nothing.
type commits struct{ http.ResponseWriter }

// Where what stands around the engine has a writer of its own, and adds nothing, the page is refreshed. The request that sets this off gets the
// stale page at once; others wait as long as the route does.
func TestRefreshWithinAForeignWriter(t *testing.T) {
	eachWait(t, "nothing added", func(t *testing.T, options []cachette.Option) {
		eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
			s := newSite(t, store)
			handler, runs := takes(500 * time.Millisecond)
			s.GET("/page", cachette.Cached(time.Minute, options...), handler)
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(commits{w}, r) })
			send(t, h, http.MethodGet, "/page")
			time.Sleep(2 * time.Minute)
			began := time.Now()
			if a := send(t, h, http.MethodGet, "/page"); a.body != "version 1" || time.Since(began) > 0 {
				t.Errorf("the first is given %q after %v (%s)", a.body, time.Since(began), a.cacheStatus())
			}
			want := "version 1"
			if len(options) > 1 {
				want = "version 2"
			}
			if a := send(t, h, http.MethodGet, "/page"); a.body != want {
				t.Errorf("the second is given %q (%s), want %s", a.body, a.cacheStatus(), want)
			}
			time.Sleep(time.Second)
			if a := send(t, h, http.MethodGet, "/page"); a.body != "version 2" || !a.hit() || runs.Load() != 2 {
				t.Errorf("then %q (%s), of %d runs", a.body, a.cacheStatus(), runs.Load())
			}
		})
	})
}

// A client for which what stands around the engine says that nothing is to be stored has nothing stored for others.
func TestRefreshForAForeignCacheControl(t *testing.T) {
	for _, control := range []string{"Cache-Control: private", "Cache-Control: no-store", "CDN-Cache-Control: no-store"} {
		eachWait(t, control, func(t *testing.T, options []cachette.Option) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					s.GET("/form", cachette.Cached(time.Minute, options...), form)
					h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if user := r.Header.Get("Cookie"); user != "" {
							name, value, _ := strings.Cut(control, ": ")
							w.Header().Set(name, value)
							r = r.WithContext(context.WithValue(r.Context(), tokenKey{}, user))
						}
						s.ServeHTTP(w, r)
					})
					send(t, h, http.MethodGet, "/form")
					time.Sleep(2 * time.Minute)
					send(t, h, http.MethodGet, "/form", "Cookie: user=ann")
					synctest.Wait()
					if a := send(t, h, http.MethodGet, "/form"); a.body != "form with " {
						t.Errorf("behind a request of ann another client is given %q (%s)", a.body, a.cacheStatus())
					}
				})
			})
		})
	}
}

// What clients' pages vary by, those of a refresh do too.
func TestRefreshForAForeignVary(t *testing.T) {
	for _, late := range []bool{false, true} {
		eachWait(t, fmt.Sprintf("at the commit: %t", late), func(t *testing.T, options []cachette.Option) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					s.GET("/form", cachette.Cached(time.Minute, options...), form)
					inner := tokens(s, false)
					h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if late {
							w = &variesAtCommit{w}
						} else {
							w.Header().Add("Vary", "Cookie")
						}
						inner.ServeHTTP(w, r)
					})
					for range 3 {
						for _, user := range []string{"ann", "bob"} {
							a := send(t, h, http.MethodGet, "/form", "Cookie: user="+user)
							if a.body != "form with user="+user {
								t.Errorf("%s is given %q (%s)", user, a.body, a.cacheStatus())
							}
							synctest.Wait()
						}
						time.Sleep(2 * time.Minute)
					}
					if a := send(t, h, http.MethodGet, "/form", "Cookie: user=cid"); a.body != "form with user=cid" {
						t.Errorf("cid is given %q (%s)", a.body, a.cacheStatus())
					}
				})
			})
		})
	}
}

// variesAtCommit adds to Vary when the header goes out.
type variesAtCommit struct{ http.ResponseWriter }

func (w *variesAtCommit) WriteHeader(status int) {
	w.Header().Add("Vary", "Cookie")
	w.ResponseWriter.WriteHeader(status)
}

// Of several servers, Cache.Refresh goes through that by which clients of the page's host come.
func TestRefreshThroughItsOwnServer(t *testing.T) {
	s := newSite(t)
	s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, "by "+c.GetHeader("X-Door")) })
	door := func(name string) *httptest.Server {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("X-Door", name)
			s.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		return server
	}
	front, back := door("front"), door("back")
	for _, server := range []*httptest.Server{front, back} {
		fetchPage(t, server.URL+"/page")
	}
	for range 2 {
		for name, server := range map[string]*httptest.Server{"front": front, "back": back} {
			if err := s.cache.Refresh(t.Context(), server.URL+"/page"); err != nil {
				t.Error(err)
			}
			if a := fetchPage(t, server.URL+"/page"); a.body != "by "+name || !a.hit() {
				t.Errorf("%s: %q (%s)", name, a.body, a.cacheStatus())
			}
		}
	}
	if err := s.cache.Refresh(t.Context(), "http://elsewhere.example/page"); err == nil || !strings.Contains(err.Error(), "several servers") {
		t.Errorf("a host that came by none of them: %v", err)
	}
}

// Hosts that a client makes up do not keep Cache.Refresh from the server of a page that is asked for behind them.
func TestRefreshBehindMadeUpHosts(t *testing.T) {
	s := newSite(t)
	s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, "by "+c.GetHeader("X-Door")) })
	through := func(name, host string) {
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("X-Door", name)
			s.ServeHTTP(w, r)
		})}
		r := httptest.NewRequest(http.MethodGet, "http://"+host+"/page", nil)
		server.Handler.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, server)))
	}
	through("back", "back.example")
	for i := range 1000 {
		through("front", fmt.Sprintf("made-up-%d.example", i))
	}
	through("front", "shop.example")
	if err := s.cache.Refresh(t.Context(), "http://shop.example/page"); err != nil {
		t.Error(err)
	}
	if a := s.get("http://shop.example/page"); a.body != "by front" {
		t.Errorf("%q", a.body)
	}
}

// Cache.Refresh goes the way that clients' requests go: through all that the server has around the engine.
func TestRefreshThroughTheServer(t *testing.T) {
	page := func(s *site) *atomic.Int64 {
		handler, runs := numbered()
		s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) {
			c.Header("X-Saw", c.Request.URL.Path+" "+c.Request.RequestURI+" "+c.GetHeader("X-Tenant"))
			handler(c)
		})
		return runs
	}
	for _, row := range []struct {
		name   string
		around func(s *site) http.Handler
		path   string
		fails  string // what Refresh says; empty where it succeeds
		warm   string // a path that is asked for first, if not the page's
	}{
		{name: "nothing", around: func(s *site) http.Handler { return s }, path: "/page"},
		{name: "a mount", path: "/shop/page", around: func(s *site) http.Handler { return http.StripPrefix("/shop", s) }},
		{name: "mounts of which one has been seen", path: "/b/page", warm: "/a/page", around: func(s *site) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/a/", http.StripPrefix("/a", s))
			mux.Handle("/b/", http.StripPrefix("/b", s))
			return mux
		}},
		{name: "a tenant", path: "/t/acme/page", around: func(s *site) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				tenant, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/t/"), "/")
				r.Header.Set("X-Tenant", tenant)
				http.StripPrefix("/t/"+tenant, s).ServeHTTP(w, r)
			})
		}},
		{name: "a cookie", path: "/page", warm: "/elsewhere", fails: "detail=set-cookie", around: func(s *site) http.Handler { return tokens(s, false) }},
		{name: "a cookie at the commit", path: "/page", warm: "/elsewhere", fails: "not stored", around: func(s *site) http.Handler { return tokens(s, true) }},
		{name: "a guard", path: "/page", warm: "/page", fails: "status 401", around: func(s *site) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				s.ServeHTTP(w, r)
			})
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				runs := page(s)
				s.GET("/elsewhere", cachette.Cached(time.Hour), text("elsewhere"))
				server := httptest.NewServer(row.around(s))
				defer server.Close()
				if row.warm != "" {
					fetchPage(t, server.URL+row.warm, "Authorization: x")
				}
				before := fetchPage(t, server.URL+row.path)
				ran := runs.Load()
				err := s.cache.Refresh(t.Context(), server.URL+row.path)
				if row.fails != "" {
					if err == nil || !strings.Contains(err.Error(), row.fails) {
						t.Errorf("Refresh: %v", err)
					}
					return
				}
				if err != nil || runs.Load() != ran+1 {
					t.Fatalf("Refresh: %v, %d runs", err, runs.Load()-ran)
				}
				behind := fetchPage(t, server.URL+row.path)
				if !behind.hit() || behind.body != fmt.Sprintf("version %d", ran+1) || behind.header.Get("X-Saw") != before.header.Get("X-Saw") {
					t.Errorf("behind it: %q that saw %q (%s), where clients see %q", behind.body, behind.header.Get("X-Saw"), behind.cacheStatus(), before.header.Get("X-Saw"))
				}
			})
		})
	}
}

// fetchPage asks a server for a URL.
func fetchPage(t *testing.T, target string, fields ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: response.StatusCode, header: response.Header, body: string(body)}
}

// Where no server is known, as in tests, Refresh goes through the engine alone. A route of which it was seen that a client without
// a cookie is given one is left alone then, and so is one whose pages vary by what the refresh does not say.
func TestRefreshThroughTheEngineAlone(t *testing.T) {
	for _, row := range []struct {
		name   string
		around func(s *site) http.Handler
		first  []string
		fails  string
	}{
		{"a cookie", func(s *site) http.Handler { return tokens(s, false) }, nil, "detail=set-cookie"},
		{"a cookie at the commit", func(s *site) http.Handler { return tokens(s, true) }, nil, "detail=set-cookie"},
		{"a cookie of those who have one", func(s *site) http.Handler { return tokens(s, true) }, []string{"Cookie: a=1"}, ""},
		{"Vary", func(s *site) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Vary", "Cookie")
				s.ServeHTTP(w, r)
			})
		}, []string{"Cookie: a=1"}, "detail=vary"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/form", cachette.Cached(time.Hour), form)
				send(t, row.around(s), http.MethodGet, "/form", row.first...)
				err := s.cache.Refresh(t.Context(), "http://example.com/form")
				if row.fails == "" && err != nil || row.fails != "" && (err == nil || !strings.Contains(err.Error(), row.fails)) {
					t.Errorf("Refresh: %v", err)
				}
			})
		})
	}
}
