package behaviour_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What a request found before it waited for another's fill, and was purged or taken back meanwhile, is neither validated nor
// does it stand in for an error when that fill fails (RFC 9111 §4.3.3, §4.4): the handler's 304 may go by a time that a change
// within the same second leaves as it was.
func TestWhatWasFoundBeforeAWaitIsForgotten(t *testing.T) {
	modified := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		meanwhile func(*site) error
		leader    int // the status of the one that the request waits for
		last      int // that of the request's own run; 200 for what http.ServeContent makes of it
	}{
		"purged, then validated":        {func(s *site) error { return s.cache.PurgePath(s.t.Context(), "/") }, 503, 200},
		"purged, then an error":         {func(s *site) error { return s.cache.PurgePath(s.t.Context(), "/") }, 503, 500},
		"all purged, then validated":    {func(s *site) error { return s.cache.Flush(s.t.Context()) }, 503, 200},
		"taken back, then an error":     {func(*site) error { return nil }, 410, 500},
		"taken back, then made anew":    {func(*site) error { return nil }, 410, 200},
		"purged, and private meanwhile": {func(s *site) error { return s.cache.PurgePath(s.t.Context(), "/") }, 406, 200},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					arrived, gate := make(chan struct{}), make(chan struct{})
					runs, body := 0, "old"
					s.GET("/", cachette.Cached(time.Second, cachette.WithStaleIfError(time.Hour)), func(c *gin.Context) {
						runs++
						switch {
						case runs == 2:
							close(arrived)
							<-gate
							c.String(row.leader, "the leader's")
						case runs == 3 && row.last != http.StatusOK:
							c.String(row.last, "failed")
						default:
							http.ServeContent(c.Writer, c.Request, "a.txt", modified, strings.NewReader(body))
						}
					})
					s.get("/")
					time.Sleep(2 * time.Second)
					leader := later(func() answer { return s.get("/") })
					await(t, "the leader", arrived)
					waits := later(func() answer { return s.get("/") })
					synctest.Wait()
					body = "new"
					if err := row.meanwhile(s); err != nil {
						t.Fatal(err)
					}
					close(gate)
					await(t, "the leader's answer", leader)
					if a := await(t, "the answer of the one that waited", waits); a.body == "old" {
						t.Errorf("what was purged or taken back is served: %d (%s)", a.status, a.cacheStatus())
					}
					if a := s.get("/"); a.body == "old" {
						t.Errorf("and afterwards: %d (%s)", a.status, a.cacheStatus())
					}
				})
			})
		})
	}
}

// lateClient is a writer outside of the engine that adds fields of its client's own as the header goes out.
type lateClient struct {
	http.ResponseWriter
	who string
}

func (w lateClient) add() {
	if w.who != "" {
		w.Header().Set("X-Token", w.who)
		w.Header().Set("Set-Cookie", "session="+w.who)
	}
}
func (w lateClient) WriteHeader(status int)      { w.add(); w.ResponseWriter.WriteHeader(status) }
func (w lateClient) Write(b []byte) (int, error) { w.add(); return w.ResponseWriter.Write(b) }

// A HEAD that freshens a stored response (RFC 9111 §4.3.5) gives it what the route's handlers have set, and nothing that
// middleware outside adds for the client of the HEAD, at whatever moment. Nor does a cookie from there end what is stored.
func TestHeadStoresNothingFromOutside(t *testing.T) {
	for name, options := range map[string][]cachette.Option{
		"plain": nil, "with cookies": {cachette.WithSetCookie()}, "with foreign cookies": {cachette.WithForeignCookies("session")},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				runs := 0
				handler := func(c *gin.Context) {
					runs++
					c.Header("ETag", `"v1"`)
					c.String(http.StatusOK, "page")
				}
				cached := cachette.Cached(time.Minute, options...)
				s.GET("/", cached, handler)
				s.HEAD("/", cached, handler)
				ask := func(method, who string, fields ...string) *httptest.ResponseRecorder {
					w, r := httptest.NewRecorder(), httptest.NewRequest(method, "/", nil)
					if len(fields) == 2 {
						r.Header.Set(fields[0], fields[1])
					}
					s.ServeHTTP(lateClient{w, who}, r)
					return w
				}
				ask(http.MethodGet, "")
				if w := ask(http.MethodHead, "ann", "Cache-Control", "no-cache"); w.Header().Get("X-Token") != "ann" || runs != 2 {
					t.Fatalf("the HEAD: %v, %d runs", w.Header(), runs)
				}
				w := ask(http.MethodGet, "")
				if !strings.Contains(w.Header().Get("Cache-Status"), "; hit") || runs != 2 {
					t.Errorf("a GET behind it: %v, %d runs", w.Header(), runs)
				}
				if w.Header().Get("X-Token") != "" || len(w.Header()["Set-Cookie"]) > 0 {
					t.Errorf("it has another client's fields: %v", w.Header())
				}
			})
		})
	}
}

// A response whose client had left before its header was final is not kept, though it is whole: a handler whose query was
// cancelled may make a page of what it has.
func TestLeftBeforeTheHeader(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
			body := "full list"
			if c.Request.Context().Err() != nil {
				body = "no products found"
			}
			c.DataFromReader(http.StatusOK, int64(len(body)), "text/plain", strings.NewReader(body), nil)
		})
		ctx, leave := context.WithCancel(t.Context())
		leave()
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx))
		if a := s.get("/"); a.hit() || a.body != "full list" {
			t.Errorf("the next client gets %q (%s)", a.body, a.cacheStatus())
		}
		if a := s.get("/"); !a.hit() {
			t.Errorf("and the one behind: %s", a.cacheStatus())
		}
	})
}

// A response that breaks off in a refresh is no more stored than one that breaks off on its way to a client: httputil.ReverseProxy
// says so by a panic, where there is a server to notice.
func TestRefreshThatBreaksOff(t *testing.T) {
	var whole atomic.Bool // read by the backend's own goroutine
	whole.Store(true)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half a page")
		w.(http.Flusher).Flush()
		if !whole.Load() {
			panic(http.ErrAbortHandler)
		}
	}))
	defer backend.Close()
	to, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.GET("/", cachette.Cached(time.Minute), gin.WrapH(httputil.NewSingleHostReverseProxy(to)))
	front := httptest.NewServer(s)
	defer front.Close()
	whole.Store(false)
	if err := s.cache.Refresh(t.Context(), front.URL+"/"); err == nil || !strings.Contains(err.Error(), "broke off") {
		t.Errorf("Refresh: %v", err)
	}
	whole.Store(true)
	response, err := http.Get(front.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if status := response.Header.Get("Cache-Status"); !strings.Contains(status, "fwd=uri-miss") {
		t.Errorf("the next client gets %s", status)
	}
}

// A refresh that a handler asks for is one of a client that sends nothing: what middleware around the engine has put into the
// context of the request that asks, such as a session, is none of the page's.
func TestRefreshCarriesNoValues(t *testing.T) {
	type key struct{}
	s := newSite(t)
	s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
		who, _ := c.Request.Context().Value(key{}).(string)
		c.String(http.StatusOK, "hello %s", who)
	})
	s.POST("/change", func(c *gin.Context) {
		if err := cachette.Get(c).Refresh(c, "/"); err != nil {
			t.Error(err)
		}
	})
	r := httptest.NewRequest(http.MethodPost, "/change", nil)
	s.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), key{}, "admin")))
	if a := s.get("/"); !a.hit() || a.body != "hello " {
		t.Errorf("the page is %q (%s)", a.body, a.cacheStatus())
	}
}

// What middleware around the engine adds as a header goes out counts for a response without content, too: a cookie forbids
// storing, and a field that the response varies by selects. What middleware may make of an error without content is left to it.
func TestHeadersOfNoContentGoOutFirst(t *testing.T) {
	for _, status := range []int{http.StatusNoContent, http.StatusOK, http.StatusNotFound} {
		for name, field := range map[string][2]string{"cookie": {"Set-Cookie", "csrf=1"}, "vary": {"Vary", "Accept-Language"}} {
			t.Run(strings.Join([]string{name, http.StatusText(status)}, " "), func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					s := newSite(t, store)
					s.GET("/", cachette.Cached(time.Minute, cachette.WithStatusTTL(http.StatusNotFound, time.Minute)), func(c *gin.Context) {
						c.Header("X-For", c.GetHeader("Accept-Language"))
						c.Status(status)
					})
					for _, language := range []string{"fr", "en"} {
						w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
						r.Header.Set("Accept-Language", language)
						s.ServeHTTP(adds{w, field}, r)
						if got := w.Header().Get("X-For"); got != language || w.Code != status {
							t.Errorf("%s gets %d for %s (%s)", language, w.Code, got, w.Header().Get("Cache-Status"))
						}
					}
				})
			})
		}
	}
}

// adds is a writer around the engine that adds a field as the header goes out.
type adds struct {
	http.ResponseWriter
	field [2]string
}

func (w adds) WriteHeader(status int) {
	w.Header().Add(w.field[0], w.field[1])
	w.ResponseWriter.WriteHeader(status)
}
