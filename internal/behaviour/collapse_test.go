package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// gated returns a handler that waits at a gate, and says so on arrived, before it goes on. It counts its runs.
func gated(handler gin.HandlerFunc) (h gin.HandlerFunc, gate chan struct{}, arrived chan int, runs *atomic.Int64) {
	gate, arrived, runs = make(chan struct{}), make(chan int, 1000), new(atomic.Int64)
	h = func(c *gin.Context) {
		arrived <- int(runs.Add(1))
		select {
		case <-gate:
		case <-c.Request.Context().Done():
		}
		handler(c)
	}
	return h, gate, arrived, runs
}

// Requests that miss together have one of them run the handler, and all get the same bytes (RFC 9111 §4).
func TestOneFill(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store)
			handler, gate, _, runs := gated(func(c *gin.Context) {
				c.Header("X-Many", "a")
				c.Writer.Header().Add("X-Many", "b")
				for i := range 10 { // a body appended to by each Write of each filler would show
					c.String(http.StatusOK, "%d,", i)
				}
			})
			s.GET("/", cachette.Cached(time.Minute), handler)
			const n = 100
			answers := together(n, func(int) answer { return s.get("/") })
			synctest.Wait()
			close(gate)
			collapsed := 0
			for range n {
				a := await(t, "an answer", answers)
				if a.status != http.StatusOK || a.body != "0,1,2,3,4,5,6,7,8,9," || len(a.header["X-Many"]) != 2 {
					t.Errorf("%d %q %v", a.status, a.body, a.header["X-Many"])
				}
				if strings.Contains(a.cacheStatus(), "fwd=uri-miss") && strings.Contains(a.cacheStatus(), "; collapsed") {
					collapsed++
				}
			}
			if runs.Load() != 1 || collapsed != n-1 {
				t.Errorf("the handler ran %d times, %d requests were collapsed", runs.Load(), collapsed)
			}
		})
	})
}

// A response that is not for everybody goes to no request that waited for it: each runs the handler itself.
func TestNotShared(t *testing.T) {
	for _, row := range []struct {
		name    string
		fields  []string // of each request
		options []cachette.Option
		handler func(c *gin.Context, body string)
	}{
		{name: "private (RFC 9111 §5.2.2.7)", handler: func(c *gin.Context, body string) {
			c.Header("Cache-Control", "private, max-age=60")
			c.String(http.StatusOK, body)
		}},
		{name: "no-store (RFC 9111 §5.2.2.5)", handler: func(c *gin.Context, body string) {
			c.Header("Cache-Control", "no-store")
			c.String(http.StatusOK, body)
		}},
		{name: "Vary: * (RFC 9111 §4.1)", handler: func(c *gin.Context, body string) {
			c.Header("Vary", "Accept, *")
			c.String(http.StatusOK, body)
		}},
		{name: "Set-Cookie", handler: func(c *gin.Context, body string) {
			c.SetCookie("session", body, 60, "/", "", false, true)
			c.String(http.StatusOK, body)
		}},
		{name: "max-age=0 (RFC 9111 §4.2)", handler: func(c *gin.Context, body string) {
			c.Header("Cache-Control", "max-age=0")
			c.String(http.StatusOK, body)
		}},
		{name: "404", handler: func(c *gin.Context, body string) { c.String(http.StatusNotFound, body) }},
		{name: "500", handler: func(c *gin.Context, body string) { c.String(http.StatusInternalServerError, body) }},
		{name: "aborted", handler: func(c *gin.Context, body string) { c.AbortWithStatusJSON(http.StatusForbidden, body) }},
		{name: "with an error", handler: func(c *gin.Context, body string) {
			_ = c.Error(errors.New("no"))
			c.String(http.StatusOK, body)
		}},
		{name: "aborted behind the page", handler: func(c *gin.Context, body string) {
			c.String(http.StatusOK, body)
			c.Abort()
		}},
		{name: "Authorization (RFC 9111 §3.5)", fields: []string{"Authorization: Bearer x"},
			handler: func(c *gin.Context, body string) { c.String(http.StatusOK, body) }},
		{name: "no-store asked (RFC 9111 §5.2.1.5)", fields: []string{"Cache-Control: no-store"},
			handler: func(c *gin.Context, body string) { c.String(http.StatusOK, body) }},
		{name: "over the limit", options: []cachette.Option{cachette.WithBodyLimit(3)},
			handler: func(c *gin.Context, body string) { c.String(http.StatusOK, body) }},
		{name: "over the limit, as declared", options: []cachette.Option{cachette.WithBodyLimit(3)},
			handler: func(c *gin.Context, body string) {
				c.Header("Content-Length", strconv.Itoa(len(body)))
				c.String(http.StatusOK, body)
			}},
		{name: "too short", handler: func(c *gin.Context, body string) {
			c.Header("Content-Length", "1000")
			c.String(http.StatusOK, body)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					var serial atomic.Int64
					handler, gate, _, runs := gated(func(c *gin.Context) {
						row.handler(c, fmt.Sprintf("body %d", serial.Add(1)))
					})
					s.GET("/", cachette.Cached(time.Minute, row.options...), handler)
					const n = 20
					answers := together(n, func(int) answer { return s.get("/", row.fields...) })
					synctest.Wait()
					close(gate)
					seen := make(map[string]bool)
					for range n {
						a := await(t, "an answer", answers)
						if a.body == "" || seen[a.body] {
							t.Errorf("%q went to two clients", a.body)
						}
						seen[a.body] = true
						if strings.Contains(a.cacheStatus(), "collapsed") || a.hit() {
							t.Errorf("Cache-Status %q", a.cacheStatus())
						}
					}
					if runs.Load() != n {
						t.Errorf("the handler ran %d times for %d clients", runs.Load(), n)
					}
				})
			})
		})
	}
}

// Requests for a key whose response turned out to be for one client do not line up behind one another again.
func TestNoQueueForPrivateResponses(t *testing.T) {
	for _, row := range []struct {
		name   string
		fields string
		queue  bool
	}{
		{"a request of no particular kind", "Accept: */*", false},
		{"a request for a range says nothing of the others", "Range: bytes=0-1", true},
		{"a request with credentials says nothing of the others", "Authorization: Bearer x", true},
		{"a client that has the response says nothing of the others", `If-None-Match: "v1"`, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				handler, gate, arrived, _ := gated(func(c *gin.Context) {
					if c.GetHeader("If-None-Match") == `"v1"` {
						c.Status(http.StatusNotModified)
						return
					}
					text("body", "Cache-Control: private")(c)
				})
				s.GET("/", cachette.Cached(time.Minute), handler)
				ask := func(fields string) {
					asking := later(func() answer { return s.get("/", fields) })
					await(t, "the request", arrived)
					gate <- struct{}{}
					await(t, "its answer", asking)
				}
				if strings.HasPrefix(row.fields, "If-None-Match") {
					ask("Accept: */*") // from here on the handler sees what clients have
					time.Sleep(4 * time.Second)
				}
				ask(row.fields)
				if strings.HasPrefix(row.fields, "If-None-Match") {
					time.Sleep(4 * time.Second) // the first one is forgotten
				}

				answers := together(10, func(int) answer { return s.get("/") })
				synctest.Wait()
				if n := len(arrived); n != 1 && row.queue || n != 10 && !row.queue {
					t.Errorf("%d of 10 are in the handler", n)
				}
				close(gate)
				for range 10 {
					await(t, "an answer", answers)
				}
			})
		})
	}
}

// A request that waited for another variant than the one that was made gets one of its own, made once (RFC 9111 §4.1).
func TestVariantsTogether(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store)
			handler, gate, _, runs := gated(func(c *gin.Context) {
				c.Header("Vary", "Accept-Language")
				c.String(http.StatusOK, "in %s", c.GetHeader("Accept-Language"))
			})
			s.GET("/", cachette.Cached(time.Minute), handler)
			languages := []string{"de", "en", "fr", "nl"}
			type outcome struct {
				language string
				answer
			}
			answers := together(40, func(i int) outcome {
				language := languages[i%len(languages)]
				return outcome{language, s.get("/", "Accept-Language: "+language)}
			})
			synctest.Wait()
			close(gate)
			for range 40 {
				if o := await(t, "an answer", answers); o.body != "in "+o.language {
					t.Errorf("the one that asked for %s got %q", o.language, o.body)
				}
			}
			if n := runs.Load(); n != int64(len(languages)) {
				t.Errorf("the handler ran %d times for %d languages", n, len(languages))
			}
		})
	})
}

// Requests that are for one client, or for something else, wait for no other.
func TestRequestsThatDoNotWait(t *testing.T) {
	for _, row := range []struct{ name, method, target, field string }{
		{"no-store", http.MethodGet, "/", "Cache-Control: no-store"},
		{"credentials", http.MethodGet, "/", "Authorization: Basic eA=="},
		{"POST", http.MethodPost, "/", "Accept: */*"},
		{"upgrade", http.MethodGet, "/", "Upgrade: echo\r\nConnection: Upgrade"},
		{"another path", http.MethodGet, "/other", "Accept: */*"},
		{"another query", http.MethodGet, "/?q", "Accept: */*"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				handler, gate, arrived, _ := gated(text("body"))
				s.Any("/", cachette.Cached(time.Minute), handler)
				s.Any("/other", cachette.Cached(time.Minute), handler)
				leader := later(func() answer { return s.get("/") })
				await(t, "the leader", arrived)
				other := later(func() answer { return s.do(row.method, row.target, strings.Split(row.field, "\r\n")...) })
				synctest.Wait()
				if len(arrived) != 1 {
					t.Error("it waits")
				}
				close(gate)
				await(t, "the leader's answer", leader)
				await(t, "the other's answer", other)
			})
		})
	}
}

// Requests for a part of a page, or for its header, wait for the fill of the page that is under way, and are answered from it (RFC 9110
// §9.3.2, §14.2).
func TestPartsFollow(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store)
			handler, gate, arrived, runs := gated(text("body", `ETag: "v1"`))
			s.Any("/", cachette.Cached(time.Minute), handler)
			leader := later(func() answer { return s.get("/") })
			await(t, "the leader", arrived)
			part := later(func() answer { return s.get("/", "Range: bytes=1-2") })
			head := later(func() answer { return s.do(http.MethodHead, "/") })
			synctest.Wait()
			close(gate)
			await(t, "the leader's answer", leader)
			if a := await(t, "the part", part); a.status != http.StatusPartialContent || a.body != "od" {
				t.Errorf("the part: %d %q (%s)", a.status, a.body, a.cacheStatus())
			}
			if a := await(t, "the header", head); a.status != http.StatusOK || a.body != "" || a.header.Get("ETag") != `"v1"` {
				t.Errorf("the header: %d %q %v", a.status, a.body, a.header)
			}
			if runs.Load() != 1 {
				t.Errorf("the handler ran %d times", runs.Load())
			}
		})
	})
}

// Requests that want what is fresh enough take what was just made, if it is (RFC 9111 §5.2.1.1, §5.2.1.3).
func TestFreshEnough(t *testing.T) {
	for field, runs := range map[string]int64{
		"Cache-Control: max-age=10": 1, "Cache-Control: min-fresh=10": 1, "Cache-Control: min-fresh=61": 3,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t)
			handler, gate, arrived, ran := gated(text("body"))
			s.GET("/", cachette.Cached(time.Minute), handler)
			leader := later(func() answer { return s.get("/") })
			await(t, "the leader", arrived)
			others := together(2, func(int) answer { return s.get("/", field) })
			synctest.Wait()
			close(gate)
			await(t, "the leader's answer", leader)
			for range 2 {
				await(t, "an answer", others)
			}
			if ran.Load() != runs {
				t.Errorf("%s: the handler ran %d times, want %d", field, ran.Load(), runs)
			}
		})
	}
}

// They never lead others: what they make is none for all.
func TestPartsDoNotLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		handler, gate, arrived, runs := gated(func(c *gin.Context) { c.Status(http.StatusServiceUnavailable) })
		s.Any("/", cachette.Cached(time.Minute), handler)
		leader := later(func() answer { return s.get("/") })
		await(t, "the leader", arrived)
		part := later(func() answer { return s.get("/", "Range: bytes=1-2") })
		synctest.Wait()
		head := later(func() answer { return s.do(http.MethodHead, "/") })
		synctest.Wait()
		last := later(func() answer { return s.get("/") })
		synctest.Wait()
		close(gate)
		for _, a := range []<-chan answer{leader, part, head, last} {
			await(t, "an answer", a)
		}
		if runs.Load() != 4 {
			t.Errorf("the handler ran %d times", runs.Load())
		}
	})
}

// Requests that want the handler asked anew (RFC 9111 §5.2.1) share a run of it that begins after they came.
func TestReloadsShare(t *testing.T) {
	for _, field := range []string{
		"Cache-Control: no-cache", "Cache-Control: max-age=0", "Pragma: no-cache",
	} {
		t.Run(field, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					var run atomic.Int64
					handler, gate, arrived, runs := gated(func(c *gin.Context) { c.String(http.StatusOK, "version %d", run.Add(1)) })
					s.GET("/", cachette.Cached(time.Minute), handler)
					leader := later(func() answer { return s.get("/") })
					await(t, "the leader", arrived)
					reloads := together(10, func(int) answer { return s.get("/", field) })
					synctest.Wait()
					if len(arrived) != 0 {
						t.Errorf("%d run the handler beside the one under way", len(arrived))
					}
					close(gate)
					if a := await(t, "the leader's answer", leader); a.body != "version 1" {
						t.Errorf("the first: %q", a.body)
					}
					for range 10 {
						if a := await(t, "a reload", reloads); a.body != "version 2" {
							t.Errorf("a reload: %q (%s)", a.body, a.cacheStatus())
						}
					}
					if a := s.get("/"); a.body != "version 2" || !a.hit() || runs.Load() != 2 {
						t.Errorf("afterwards: %q (%s) after %d runs", a.body, a.cacheStatus(), runs.Load())
					}
				})
			})
		})
	}
}

// A client that has the response which it waited for gets 304 (RFC 9111 §4.3.2).
func TestFollowerWithValidator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		handler, gate, arrived, runs := gated(text("body", `ETag: "v1"`))
		s.GET("/", cachette.Cached(time.Minute), handler)
		leader := later(func() answer { return s.get("/") })
		await(t, "the leader", arrived)
		has := later(func() answer { return s.get("/", `If-None-Match: "v1"`) })
		hasOther := later(func() answer { return s.get("/", `If-None-Match: "v0"`) })
		synctest.Wait()
		close(gate)
		await(t, "the leader's answer", leader)
		if a := await(t, "the answer", has); a.status != http.StatusNotModified || a.body != "" {
			t.Errorf("the client that has it got %d %q", a.status, a.body)
		}
		if a := await(t, "the answer", hasOther); a.status != http.StatusOK || a.body != "body" {
			t.Errorf("the client that has another got %d %q", a.status, a.body)
		}
		if runs.Load() != 1 {
			t.Errorf("the handler ran %d times", runs.Load())
		}
	})
}

// A request whose lookup missed just before another's fill was stored finds what that left, and runs no handler.
func TestMissBesideAFill(t *testing.T) {
	store := newShelf()
	s := newSite(t, store.on)
	handler, runs := counted(text("body"))
	s.GET("/", cachette.Cached(time.Minute), handler)
	reached, goOn := make(chan struct{}, 1), make(chan struct{})
	var slow atomic.Bool
	slow.Store(true)
	store.delay(func(c call) {
		if isResponse(c.key) && slow.CompareAndSwap(true, false) {
			reached <- struct{}{}
			<-goOn
		}
	})
	late := later(func() answer { return s.get("/") })
	await(t, "the first lookup", reached)
	if a := s.get("/"); a.hit() { // fills meanwhile
		t.Errorf("the fill: %q", a.cacheStatus())
	}
	close(goOn)
	if a := await(t, "the late answer", late); a.body != "body" || runs.Load() != 1 {
		t.Errorf("%q %q after %d runs", a.body, a.cacheStatus(), runs.Load())
	}
}

// asking is a request through the engine whose client can leave.
func (s *site) asking(ctx context.Context, target string) <-chan answer {
	return later(func() answer {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil).WithContext(ctx))
		return answer{status: w.Code, header: w.Result().Header, body: w.Body.String()}
	})
}
