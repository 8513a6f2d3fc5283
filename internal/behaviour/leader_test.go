package behaviour_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Whatever becomes of the request that fills, those that wait for it get a whole response each.
func TestLeaderFails(t *testing.T) {
	for _, row := range []struct {
		name   string
		leader func(c *gin.Context, leave context.CancelFunc)
	}{
		{"panics before the response", func(*gin.Context, context.CancelFunc) { panic("before") }},
		{"panics within the response", func(c *gin.Context, _ context.CancelFunc) {
			c.String(http.StatusOK, "half a p")
			panic("within")
		}},
		{"aborts the connection", func(c *gin.Context, _ context.CancelFunc) {
			c.String(http.StatusOK, "half a p")
			panic(http.ErrAbortHandler)
		}},
		{"answers with an error", func(c *gin.Context, _ context.CancelFunc) {
			c.String(http.StatusInternalServerError, "broken")
		}},
		{"loses its client before the response", func(c *gin.Context, leave context.CancelFunc) {
			leave()
			unlessLeft(c, "pa", "ge")
		}},
		{"loses its client within the response", func(c *gin.Context, leave context.CancelFunc) {
			unlessLeft(c, "p")
			leave()
			unlessLeft(c, "age")
		}},
		{"streams, and loses its client", func(c *gin.Context, leave context.CancelFunc) {
			page := "page"
			c.Stream(func(w io.Writer) bool { // which ends when the client has left
				_, _ = io.WriteString(w, page[:1])
				page = page[1:]
				leave()
				synctest.Wait()
				return page != ""
			})
		}},
		{"breaks off", func(c *gin.Context, _ context.CancelFunc) {
			c.Header("Content-Length", "100")
			c.String(http.StatusOK, "half a p")
		}},
		{"goes on for ever", func(c *gin.Context, _ context.CancelFunc) {
			c.String(http.StatusOK, "tick")
			c.Writer.Flush()
			<-c.Request.Context().Done()
		}},
		{"hangs", func(c *gin.Context, _ context.CancelFunc) { <-c.Request.Context().Done() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, store)
					s.Use(gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
						c.AbortWithStatus(http.StatusInternalServerError)
					}))
					ctx, leave := context.WithCancel(t.Context())
					defer leave()
					var leads atomic.Bool
					leads.Store(true)
					handler, gate, arrived, _ := gated(func(c *gin.Context) {
						if leads.CompareAndSwap(true, false) {
							row.leader(c, leave)
							return
						}
						c.String(http.StatusOK, "page")
					})
					s.GET("/", cachette.Cached(time.Minute), handler)

					leader := s.asking(ctx, "/")
					await(t, "the leader", arrived)
					answers := together(10, func(int) answer { return s.get("/") })
					synctest.Wait()
					if len(arrived) != 0 {
						t.Fatalf("%d did not wait", len(arrived))
					}
					close(gate)
					for range 10 {
						if a := await(t, "an answer", answers); a.status != http.StatusOK || a.body != "page" {
							t.Errorf("the one that waited got %d %q (%s)", a.status, a.body, a.cacheStatus())
						}
					}
					if a := s.get("/"); a.body != "page" || !a.hit() {
						t.Errorf("afterwards: %d %q (%s)", a.status, a.body, a.cacheStatus())
					}
					leave()
					await(t, "the leader's end", leader)
					if a := s.get("/"); a.body != "page" {
						t.Errorf("after the leader's end: %d %q", a.status, a.body)
					}
				})
			})
		})
	}
}

// unlessLeft writes what a handler writes that looks whether its client is still there.
func unlessLeft(c *gin.Context, texts ...string) {
	for _, text := range texts {
		synctest.Wait()
		if c.Request.Context().Err() == nil {
			c.String(http.StatusOK, text)
		}
	}
}

// A fill whose client has left, and that no other waits for, ends, and what it has made of that is not kept; where it does not look, and
// makes all of its page, that is.
func TestFillWithoutClients(t *testing.T) {
	for name, row := range map[string]struct {
		handler func(c *gin.Context)
		kept    bool
	}{
		"cut short": {func(c *gin.Context) { unlessLeft(c, "page") }, false},
		"broken off": {func(c *gin.Context) {
			if _, err := c.Writer.WriteString("pa"); err == nil {
				_, _ = c.Writer.WriteString("ge")
			}
		}, false},
		"as it was declared": {func(c *gin.Context) { c.Header("Content-Length", "4"); c.String(http.StatusOK, "page") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				ctx, leave := context.WithCancel(t.Context())
				waited, give := context.WithCancel(t.Context())
				handler, gate, arrived, _ := gated(row.handler)
				s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
					handler(c)
				})
				leader := s.asking(ctx, "/")
				await(t, "the leader", arrived)
				follower := s.asking(waited, "/")
				synctest.Wait()
				leave()
				synctest.Wait()
				if len(leader) != 0 {
					t.Error("the handler ends while one waits")
				}
				give()
				await(t, "the follower's end", follower)
				await(t, "the leader's end", leader) // its context is done: the gate stays shut
				close(gate)
				if a := s.get("/"); a.hit() != row.kept {
					t.Errorf("afterwards: %q (%s)", a.body, a.cacheStatus())
				}
			})
		})
	}
}

// A request that waits leaves when its client does, and disturbs no other.
func TestFollowerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		handler, gate, arrived, runs := gated(text("page"))
		s.GET("/", cachette.Cached(time.Minute), handler)
		leader := later(func() answer { return s.get("/") })
		await(t, "the leader", arrived)
		ctx, leave := context.WithCancel(t.Context())
		leaving := s.asking(ctx, "/")
		staying := later(func() answer { return s.get("/") })
		synctest.Wait()
		leave()
		synctest.Wait()
		select {
		case <-leaving:
		default:
			t.Error("the one that left still waits")
		}
		close(gate)
		for _, ch := range []<-chan answer{leader, staying} {
			if a := await(t, "an answer", ch); a.body != "page" {
				t.Errorf("%d %q", a.status, a.body)
			}
		}
		if runs.Load() != 1 {
			t.Errorf("the handler ran %d times", runs.Load())
		}
	})
}

// A deadline that a middleware sets may end while a request waits, with its client still there: it does not get a blank
// page, but what the handler makes of the deadline.
func TestFollowerOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		handler, gate, arrived, _ := gated(func(c *gin.Context) {
			if c.Request.Context().Err() != nil {
				c.String(http.StatusServiceUnavailable, "out of time")
				return
			}
			c.String(http.StatusOK, "page")
		})
		s.Use(func(c *gin.Context) {
			if limit, err := time.ParseDuration(c.GetHeader("X-Limit")); err == nil {
				ctx, cancel := context.WithTimeout(c.Request.Context(), limit)
				defer cancel()
				c.Request = c.Request.WithContext(ctx)
				c.Next()
			}
		})
		s.GET("/", cachette.Cached(time.Minute), handler)
		leader := later(func() answer { return s.get("/", "X-Limit: 1h") })
		await(t, "the leader", arrived)
		a := s.get("/", "X-Limit: 1s") // the bubble's time goes on as all wait
		if a.status != http.StatusServiceUnavailable || a.body != "" {
			t.Errorf("out of time: %d %q", a.status, a.body)
		}
		if len(arrived) != 0 {
			t.Error("the handler runs for one whose time is over")
		}
		close(gate)
		await(t, "the leader's answer", leader)
	})
}

// A client that leaves within a response, over a real connection, leaves nothing behind.
func TestDisconnect(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		ended := make(chan struct{}, 10)
		var slow atomic.Bool
		slow.Store(true)
		s.GET("/", func(c *gin.Context) {
			defer func() { ended <- struct{}{} }()
			c.Next()
		}, cachette.Cached(time.Minute), func(c *gin.Context) {
			c.String(http.StatusOK, "first half, ")
			c.Writer.Flush()
			if slow.Load() {
				<-c.Request.Context().Done() // the handler gives up, as it should
				return
			}
			c.String(http.StatusOK, "second half")
		})
		server := s.listen()
		conn, r := dial(t, server, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		expectLine(t, r, "first half")
		_ = conn.Close()
		await(t, "the end of the handler", ended)
		slow.Store(false)
		for i := range 2 {
			a := fetch(t, server, http.MethodGet, "/", "Host: h")
			if a.body != "first half, second half" || a.hit() != (i > 0) {
				t.Errorf("answer %d: %q (%s)", i, a.body, a.cacheStatus())
			}
		}
	})
}

// A connection that takes no more bytes is nothing to a handler that makes all of its page, nor to that.
func TestWriteFails(t *testing.T) {
	s := newSite(t)
	handler, runs := counted(func(c *gin.Context) {
		c.String(http.StatusOK, "first half, ")
		c.String(http.StatusOK, "second half")
	})
	s.GET("/", cachette.Cached(time.Minute), handler)
	for _, room := range []int{0, 5, len("first half, "), len("first half, ") + 3} {
		w := &full{room: room, header: make(http.Header)}
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	}
	if n := runs.Load(); n != 1 {
		t.Errorf("the handler ran %d times for 4 broken connections", n)
	}
	if a := s.get("/"); !a.hit() || a.body != "first half, second half" {
		t.Errorf("afterwards: %q (%s)", a.body, a.cacheStatus())
	}
}

// full is a connection with room for some bytes.
type full struct {
	room   int
	header http.Header
}

func (w *full) Header() http.Header { return w.header }
func (w *full) WriteHeader(int)     {}
func (w *full) Write(b []byte) (int, error) {
	n := min(len(b), w.room)
	w.room -= n
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}
