package behaviour_test

import (
	"context"
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

// timed is an answer, and how long a client has waited for it.
type timed struct {
	answer
	took time.Duration
}

// takes returns a handler whose first run is over at once and each later one after a while. It numbers its pages.
func takes(d time.Duration, fields ...string) (gin.HandlerFunc, *atomic.Int64) {
	var runs atomic.Int64
	return func(c *gin.Context) {
		n := runs.Add(1)
		if n > 1 {
			time.Sleep(d)
		}
		addFields(c, fields)
		c.String(http.StatusOK, "version %d", n)
	}, &runs
}

// crowd has clients ask for a page at once, as by net/http.
func (s *site) crowd(n int, method, target string, fields ...string) []timed {
	began := time.Now()
	answers := together(n, func(int) timed {
		a := s.served(s.t.Context(), method, target, fields...)
		return timed{a, time.Since(began)}
	})
	all := make([]timed, n)
	for i := range all {
		all[i] = await(s.t, "an answer", answers)
	}
	return all
}

// With a handler that hangs all clients are answered when the route's patience is over, whatever window lets them have the stale page and
// whatever they ask for, and the handler runs once an expiry; what it makes is there for the next (RFC 5861 §3, §4).
func TestPatience(t *testing.T) {
	patient := cachette.WithPatience(100 * time.Millisecond)
	for name, row := range map[string]struct {
		options []cachette.Option
		fields  []string
	}{
		"nothing says for how long":               {},
		"stale-while-revalidate":                  {options: []cachette.Option{cachette.WithStaleWhileRevalidate(time.Minute)}},
		"stale-if-error":                          {options: []cachette.Option{cachette.WithStaleIfError(time.Minute)}},
		"stale-while-revalidate, by the response": {fields: []string{"Cache-Control: max-age=60, stale-while-revalidate=60"}},
		"stale-if-error, by the response":         {fields: []string{"Cache-Control: max-age=60, stale-if-error=60"}},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := takes(5*time.Second, append(row.fields, `ETag: "v"`)...)
				s.Match([]string{http.MethodGet, http.MethodHead}, "/", cachette.Cached(time.Minute, append(row.options, patient)...), handler)
				s.get("/")
				for version := range 3 {
					time.Sleep(time.Minute)
					for i, client := range []struct {
						status int
						method string
						fields []string
					}{
						{http.StatusOK, http.MethodGet, nil},
						{http.StatusOK, http.MethodHead, nil},
						{http.StatusNotModified, http.MethodGet, []string{"If-None-Match", `"v"`}},
						{http.StatusPartialContent, http.MethodGet, []string{"Range", "bytes=0-1"}},
					} {
						clients := 20
						if i+version == 0 {
							clients = 500
						}
						for _, a := range s.crowd(clients, client.method, "/", client.fields...) {
							if a.took != 100*time.Millisecond || a.status != client.status || !strings.HasSuffix(a.cacheStatus(), "; detail=patience") || !a.hit() {
								t.Fatalf("%s %q: %d after %v (%s)", client.method, client.fields, a.status, a.took, a.cacheStatus())
							}
							if want := fmt.Sprintf("version %d", version+1); client.status == http.StatusOK && client.method == http.MethodGet && a.body != want {
								t.Fatalf("%q, want %q", a.body, want)
							}
						}
					}
					time.Sleep(5 * time.Second)
					s.settle()
					if a := s.get("/"); !a.hit() || a.body != fmt.Sprintf("version %d", version+2) || runs.Load() != int64(version+2) {
						t.Fatalf("when the handler is done: %q (%s), after %d runs", a.body, a.cacheStatus(), runs.Load())
					}
				}
			})
		})
	}
}

// Of several processes that share a store one runs the handler, and the clients of all wait for what it makes, as long as their patience lasts.
func TestPatienceOfSeveralProcesses(t *testing.T) {
	for _, works := range []time.Duration{50 * time.Millisecond, 5 * time.Second} {
		t.Run(works.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				depot := farDepot()
				var runs atomic.Int64
				var sites []*site
				for range 4 {
					s := newSite(t, func(c *cachette.Config) { c.Driver, c.Lease = depot, 10*time.Second })
					s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour), cachette.WithPatience(time.Second)), func(c *gin.Context) {
						n := runs.Add(1)
						if n > 1 {
							time.Sleep(works)
						}
						c.String(http.StatusOK, "version %d", n)
					})
					sites = append(sites, s)
				}
				sites[0].get("/")
				for version := 1; version < 4; version++ {
					time.Sleep(61 * time.Second)
					want := fmt.Sprintf("version %d", version)
					if works < time.Second {
						want = fmt.Sprintf("version %d", version+1)
					}
					crowds := together(len(sites), func(i int) []timed { return sites[i].crowd(20, http.MethodGet, "/") })
					for range sites {
						for _, a := range await(t, "a crowd", crowds) {
							if a.body != want || a.took > time.Second+100*time.Millisecond { // the store takes 20 ms each time
								t.Errorf("%q after %v (%s), want %q", a.body, a.took, a.cacheStatus(), want)
							}
						}
					}
					time.Sleep(10 * time.Second)
					if n := runs.Load(); n != int64(version+1) {
						t.Errorf("the handler ran %d times", n)
					}
				}
			})
		})
	}
}

// A handler that is quicker than the patience is waited for: all clients get its page, and it runs once.
func TestPatienceWithAQuickHandler(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		handler, runs := takes(99 * time.Millisecond)
		s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Minute), cachette.WithPatience(100*time.Millisecond)), handler)
		s.get("/")
		for version := 2; version < 5; version++ {
			time.Sleep(time.Minute)
			for _, a := range s.crowd(100, http.MethodGet, "/") {
				if a.took != 99*time.Millisecond || a.body != fmt.Sprintf("version %d", version) || a.cacheStatus() != "cachette; fwd=stale; collapsed" {
					t.Fatalf("%q after %v (%s)", a.body, a.took, a.cacheStatus())
				}
			}
			s.settle()
		}
		if runs.Load() != 4 {
			t.Errorf("the handler ran %d times", runs.Load())
		}
	})
}

// No client is given what it, or the response, does not let it have stale (RFC 9111 §4.2.4, §5.2.1), however long the handler takes.
func TestNoPatience(t *testing.T) {
	for name, row := range map[string]struct {
		control string        // of the response
		asks    string        // of the request
		after   time.Duration // the response went stale
		status  int           // 200 with the next version unless given
	}{
		"must-revalidate":                          {control: "max-age=60, must-revalidate, stale-if-error=60"},
		"proxy-revalidate":                         {control: "max-age=60, proxy-revalidate, stale-if-error=60"},
		"s-maxage (RFC 9111 §5.2.2.10)":            {control: "s-maxage=60, stale-while-revalidate=60"},
		"no-cache in the response":                 {control: "max-age=60, no-cache, stale-while-revalidate=60"},
		"no-cache":                                 {control: "max-age=60, stale-while-revalidate=60", asks: "no-cache"},
		"no-store":                                 {control: "max-age=60, stale-while-revalidate=60", asks: "no-store"},
		"max-age":                                  {control: "max-age=60, stale-while-revalidate=60", asks: "max-age=600"},
		"max-stale=0":                              {control: "max-age=60, stale-while-revalidate=60", asks: "max-stale=0", after: time.Second},
		"min-fresh":                                {control: "max-age=60, stale-while-revalidate=60", asks: "min-fresh=1"},
		"only-if-cached":                           {control: "max-age=60, stale-if-error=60", asks: "only-if-cached", status: http.StatusGatewayTimeout},
		"behind stale-while-revalidate":            {control: "max-age=60, stale-while-revalidate=60", after: 61 * time.Second},
		"behind it by the end of the wait":         {control: "max-age=60, stale-while-revalidate=60", after: 59950 * time.Millisecond},
		"behind stale-if-error":                    {control: "max-age=60, stale-if-error=60", after: 61 * time.Second},
		"behind a minute where nothing says so":    {control: "max-age=60", after: 61 * time.Second},
		"the client's stale-if-error, and max-age": {control: "max-age=60", asks: "stale-if-error=60, max-age=600"},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, _ := takes(5*time.Second, "Cache-Control: "+row.control, `ETag: "v"`)
				s.GET("/", cachette.Cached(time.Hour, cachette.WithPatience(100*time.Millisecond)), handler)
				s.get("/")
				time.Sleep(time.Minute + row.after)
				a := s.crowd(1, http.MethodGet, "/", "Cache-Control", row.asks)[0]
				if row.status != 0 {
					if a.status != row.status || a.took != 0 {
						t.Errorf("%d after %v", a.status, a.took)
					}
					return
				}
				if a.took != 5*time.Second || a.body != "version 2" {
					t.Errorf("%q after %v (%s)", a.body, a.took, a.cacheStatus())
				}
			})
		})
	}
}

// A refresh that fails lets the clients go that wait for it, with the stale page, and for a moment those that come then do not wait. What the
// handler takes back is not given to them.
func TestPatienceWithAHandlerThatFails(t *testing.T) {
	for name, row := range map[string]struct {
		fails  func(c *gin.Context)
		status int // of what the clients get that wait; the stale page unless given
	}{
		"panics":     {fails: func(*gin.Context) { panic("broken") }},
		"500":        {fails: func(c *gin.Context) { c.String(http.StatusInternalServerError, "broken") }},
		"aborts":     {fails: func(c *gin.Context) { c.AbortWithStatus(http.StatusTooManyRequests) }},
		"cut off":    {fails: func(c *gin.Context) { c.Header("Content-Length", "100"); c.String(http.StatusOK, "half") }},
		"404":        {fails: func(c *gin.Context) { c.String(http.StatusNotFound, "gone") }, status: http.StatusNotFound},
		"is private": {fails: func(c *gin.Context) { c.Header("Cache-Control", "private"); c.String(http.StatusAccepted, "yours") }, status: http.StatusAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				fails := false
				handler, runs := counted(func(c *gin.Context) {
					if fails {
						time.Sleep(50 * time.Millisecond)
						row.fails(c)
						return
					}
					c.String(http.StatusOK, "page")
				})
				s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour), cachette.WithPatience(100*time.Millisecond)), handler)
				s.get("/")
				time.Sleep(2 * time.Minute)
				fails = true
				for _, a := range s.crowd(50, http.MethodGet, "/") {
					switch {
					case row.status != 0 && a.status != row.status, row.status == 0 && (a.body != "page" || a.took != 50*time.Millisecond):
						t.Fatalf("%d %q after %v (%s)", a.status, a.body, a.took, a.cacheStatus())
					}
				}
				if row.status != 0 {
					return
				}
				answers := together(50, func(int) answer { return s.get("/") }) // at once
				for range 50 {
					if a := await(t, "an answer", answers); a.body != "page" {
						t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
					}
				}
				time.Sleep(time.Second)
				if a := s.crowd(1, http.MethodGet, "/")[0]; a.took != 0 || a.body != "page" || runs.Load() != 2 {
					t.Errorf("a second later: %q after %v (%s), and %d runs", a.body, a.took, a.cacheStatus(), runs.Load())
				}
				fails = false
				time.Sleep(5 * time.Second)
				if a := s.crowd(1, http.MethodGet, "/")[0]; a.body != "page" || runs.Load() != 3 || strings.Contains(a.cacheStatus(), "ttl=-") {
					t.Errorf("once it works: %q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}

// A refresh that is known to be in vain, and goes on, is not repeated at once either.
func TestPatienceWithAHandlerThatFailsForLong(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		fails := false
		handler, runs := counted(func(c *gin.Context) {
			if fails {
				c.String(http.StatusInternalServerError, "broken")
				time.Sleep(20 * time.Second)
				return
			}
			c.String(http.StatusOK, "page")
		})
		s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithPatience(100*time.Millisecond)), handler)
		s.get("/")
		time.Sleep(2 * time.Minute)
		fails = true
		for range 3 {
			for _, a := range s.crowd(10, http.MethodGet, "/") {
				if a.body != "page" {
					t.Errorf("%d %q (%s)", a.status, a.body, a.cacheStatus())
				}
			}
			time.Sleep(time.Second)
		}
		if n := runs.Load(); n != 2 {
			t.Errorf("%d runs, want 2", n)
		}
		time.Sleep(time.Minute)
	})
}

// A client for which nothing can be refreshed, since it is given a cookie that the page may belong to, gets a page of its own.
func TestPatienceForAForeignCookie(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/form", cachette.Cached(time.Minute, cachette.WithStaleIfError(time.Hour), cachette.WithPatience(time.Second)), form)
		h := tokens(s, false)
		send(t, h, http.MethodGet, "/form", "Cookie: shared=1")
		time.Sleep(2 * time.Minute)
		for _, want := range []string{"form with token=1", "form with token=2"} {
			if a := send(t, h, http.MethodGet, "/form"); a.body != want {
				t.Errorf("%q (%s), want %q", a.body, a.cacheStatus(), want)
			}
		}
	})
}

// A client that leaves while it waits holds up nothing, and what runs goes on.
func TestPatientClientLeaves(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		handler, runs := takes(5 * time.Second)
		s.GET("/", cachette.Cached(time.Minute, cachette.WithPatience(time.Second)), handler)
		s.get("/")
		time.Sleep(time.Minute)
		ctx, leave := context.WithCancel(t.Context())
		left := later(func() answer { return s.served(ctx, http.MethodGet, "/") })
		synctest.Wait()
		leave()
		if a := await(t, "who left", left); a.body != "" {
			t.Errorf("it got %d %q", a.status, a.body)
		}
		if a := s.crowd(1, http.MethodGet, "/")[0]; a.took != time.Second || a.body != "version 1" {
			t.Errorf("the next: %q after %v (%s)", a.body, a.took, a.cacheStatus())
		}
		time.Sleep(5 * time.Second)
		s.settle()
		if a := s.get("/"); !a.hit() || a.body != "version 2" || runs.Load() != 2 {
			t.Errorf("at last: %q (%s), after %d runs", a.body, a.cacheStatus(), runs.Load())
		}
	})
}

// A handler that never returns does not keep the page stale for ever: another one runs beside it.
func TestPatienceWithAHandlerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		never := make(chan struct{})
		var runs atomic.Int64
		s.GET("/", cachette.Cached(time.Minute, cachette.WithStaleWhileRevalidate(time.Hour), cachette.WithPatience(time.Second)), func(c *gin.Context) {
			n := runs.Add(1)
			if n == 2 {
				<-never
			}
			c.String(http.StatusOK, "version %d", n)
		})
		s.get("/")
		time.Sleep(time.Minute)
		for range 15 {
			s.get("/")
			time.Sleep(time.Second)
		}
		if a := s.get("/"); !a.hit() || a.body != "version 3" {
			t.Errorf("%q (%s), after %d runs", a.body, a.cacheStatus(), runs.Load())
		}
		close(never)
	})
}

// Patience holds in what is inside of the route that says so, which may say otherwise.
func TestPatienceOfAnOuterRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		waits := map[string]time.Duration{"/as-outside": time.Second, "/its-own": 2 * time.Second, "/alone": 3 * time.Second}
		group := s.Group("/", cachette.Cached(time.Minute, cachette.WithPatience(time.Second)))
		handler, _ := takes(5 * time.Second)
		own, _ := takes(5 * time.Second)
		alone, _ := takes(5 * time.Second)
		group.GET("/as-outside", cachette.Cached(time.Minute), handler)
		group.GET("/its-own", cachette.Cached(time.Minute, cachette.WithPatience(2*time.Second)), own)
		s.GET("/alone", cachette.Cached(time.Minute), cachette.Cached(time.Minute, cachette.WithPatience(3*time.Second)), alone)
		for path := range waits {
			s.get(path)
		}
		time.Sleep(time.Minute)
		for path, want := range waits {
			if a := s.crowd(1, http.MethodGet, path)[0]; a.took != want || a.body != "version 1" {
				t.Errorf("%s: %q after %v, want %v (%s)", path, a.body, a.took, want, a.cacheStatus())
			}
		}
	})
}
