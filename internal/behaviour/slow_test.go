package behaviour_test

import (
	"context"
	"io"
	"net"
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

// smallBuffers is a listener whose connections hold little of what is sent.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(16 << 10)
	}
	return conn, err
}

// listenNarrowly serves the site over such connections.
func (s *site) listenNarrowly() *httptest.Server {
	server := httptest.NewUnstartedServer(s)
	server.Listener = smallBuffers{server.Listener}
	server.Start()
	s.t.Cleanup(server.Close)
	return server
}

// stalled returns a client, of a server, that asks for a path and reads nothing of the answer.
func stalled(t *testing.T, server *httptest.Server, path string) net.Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(64 << 10) // a window smaller than a write would have the kernel probe it, with pauses
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: example.com\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

var large = strings.Repeat("0123456789abcdef", 1<<16-1) // more than sockets hold, and less than the limit of a body

// A client that does not read holds no other: what its request has made is complete, shared and stored when the handler is done; and when
// it reads after all, it gets it.
func TestSlowClient(t *testing.T) {
	for name, write := range map[string]func(c *gin.Context){
		"one write": func(c *gin.Context) { c.String(http.StatusOK, large) },
		"many": func(c *gin.Context) {
			for rest := large; rest != ""; {
				n := min(len(rest), 5000)
				_, _ = io.WriteString(c.Writer, rest[:n])
				rest = rest[n:]
			}
		},
		"flushed": func(c *gin.Context) {
			_, _ = io.WriteString(c.Writer, large[:100])
			c.Writer.Flush()
			_, _ = io.WriteString(c.Writer, large[100:])
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				gate, arrived, done := make(chan struct{}), make(chan int, 10), make(chan struct{}, 10)
				s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
					arrived <- 1
					<-gate
					write(c)
					done <- struct{}{}
				})
				server := s.listenNarrowly()
				slow := stalled(t, server, "/")
				await(t, "the slow client's request", arrived)
				others := together(5, func(int) answer { return s.get("/") })
				close(gate)
				await(t, "the handler's end", done)
				for range 5 {
					if a := await(t, "another client's answer", others); a.body != large {
						t.Errorf("another client got %d bytes (%s)", len(a.body), a.cacheStatus())
					}
				}
				if a := s.get("/"); !a.hit() || len(arrived) != 0 {
					t.Errorf("then: %s, after %d more runs", a.cacheStatus(), len(arrived))
				}
				_ = slow.SetDeadline(time.Now().Add(patience))
				if got, err := io.ReadAll(io.LimitReader(slow, 20_000)); len(got) < 20_000 || !strings.HasPrefix(string(got), "HTTP/1.1 200 OK") {
					t.Errorf("the slow client: %d bytes, %v", len(got), err)
				}
			})
		})
	}
}

// Nor does one that is given what is stored in place of an error: the others go on before it is written to.
func TestSlowClientOfAStandIn(t *testing.T) {
	s := newSite(t)
	gate, arrived := make(chan struct{}), make(chan int, 100)
	fails := false
	s.GET("/", cachette.Cached(time.Millisecond, cachette.WithStaleIfError(time.Hour)), func(c *gin.Context) {
		if !fails {
			c.String(http.StatusOK, large)
			return
		}
		arrived <- 1
		<-gate
		c.Status(http.StatusServiceUnavailable)
	})
	s.get("/")
	fails = true
	time.Sleep(2 * time.Millisecond) // it is stale now
	stalled(t, s.listenNarrowly(), "/")
	await(t, "the slow client's request", arrived)
	others := together(5, func(int) answer { return s.get("/") })
	close(gate)
	for range 5 {
		if a := await(t, "another client's answer", others); a.body != large {
			t.Errorf("another client got %d bytes (%s)", len(a.body), a.cacheStatus())
		}
	}
}

// A handler that sets a deadline for each write does not wait for its client (http.ResponseController).
func TestSlowClientWithDeadlines(t *testing.T) {
	s := newSite(t)
	done := make(chan error, 1)
	s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
		controller := http.NewResponseController(c.Writer)
		var err error
		for rest := large; rest != "" && err == nil; rest = rest[min(len(rest), 50_000):] {
			err = controller.SetWriteDeadline(time.Now().Add(time.Hour))
			_, _ = io.WriteString(c.Writer, rest[:min(len(rest), 50_000)])
		}
		done <- err
	})
	stalled(t, s.listenNarrowly(), "/")
	if err := await(t, "the handler's end", done); err != nil {
		t.Error(err)
	}
}

// Where middleware stands outside of Cached, what it sets as the header goes out has to be known first: a client that keeps its writer
// from returning is waited for a second, and then another request leads.
func TestSlowClientBehindMiddleware(t *testing.T) {
	s := newSite(t)
	s.Use(func(c *gin.Context) {
		c.Writer = &changing{c.Writer, func(s string) string { return s }}
	})
	var runs atomic.Int64
	arrived := make(chan int, 10)
	s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
		arrived <- int(runs.Add(1))
		c.String(http.StatusOK, large)
	})
	stalled(t, s.listenNarrowly(), "/")
	await(t, "the slow client's request", arrived)
	if a := s.get("/"); a.body != large {
		t.Errorf("another client got %d bytes", len(a.body))
	}
	if a := s.get("/"); !a.hit() || runs.Load() > 2 {
		t.Errorf("then: %s after %d runs", a.cacheStatus(), runs.Load())
	}
}

// The bodies that are being captured have a bound together. What goes beyond it passes, is not stored, and is counted.
func TestCapturesAreBounded(t *testing.T) {
	s := newSite(t, func(cfg *cachette.Config) { cfg.MemoryLimit, cfg.BodyLimit = 1<<20, 1<<18 }) // so that captures have 1 MiB
	gate, arrived := make(chan struct{}), make(chan int, 100)
	half := large[:1<<17]
	s.GET("/:id", cachette.Cached(time.Minute), func(c *gin.Context) {
		_, _ = io.WriteString(c.Writer, half)
		arrived <- 1
		<-gate
		_, _ = io.WriteString(c.Writer, "end")
	})
	const requests = 40
	answers := together(requests, func(i int) answer { return s.get("/" + string(rune('A'+i))) })
	for range requests {
		await(t, "the handlers", arrived)
	}
	close(gate)
	for range requests {
		if a := await(t, "an answer", answers); a.body != half+"end" {
			t.Errorf("%d bytes", len(a.body))
		}
	}
	uncaptured := s.cache.Stats().Uncaptured
	if uncaptured < requests/2 || uncaptured >= requests {
		t.Errorf("%d of %d were not captured", uncaptured, requests)
	}
	if a := s.get("/later"); a.body != half+"end" {
		t.Error("the page is another")
	}
	if a := s.get("/later"); !a.hit() || s.cache.Stats().Uncaptured != uncaptured {
		t.Errorf("the room is not given back: %s", a.cacheStatus())
	}
}

// A response that is flushed is waited for a second: a reverse proxy flushes whatever has no length.
func TestFlushedIsWaitedFor(t *testing.T) {
	for takes, want := range map[time.Duration]int64{900 * time.Millisecond: 1, 3 * time.Second: 10} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t)
			var runs atomic.Int64
			s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
				runs.Add(1)
				_, _ = io.WriteString(c.Writer, "pa")
				c.Writer.Flush()
				time.Sleep(takes)
				_, _ = io.WriteString(c.Writer, "ge")
			})
			answers := together(10, func(int) answer { return s.get("/") })
			for range 10 {
				if a := await(t, "an answer", answers); a.body != "page" {
					t.Errorf("%q", a.body)
				}
			}
			if n := runs.Load(); n != want {
				t.Errorf("a response that takes %v: the handler ran %d times, want %d", takes, n, want)
			}
		})
	}
}

// Only what shows that responses are for one client, or for none to keep, has the next requests not wait for one another.
func TestRefusedOnce(t *testing.T) {
	for name, row := range map[string]struct {
		first func(c *gin.Context)
		runs  int64
	}{
		"406":         {func(c *gin.Context) { c.Status(http.StatusNotAcceptable) }, 1},
		"404":         {func(c *gin.Context) { c.Status(http.StatusNotFound) }, 1},
		"500":         {func(c *gin.Context) { c.Status(http.StatusInternalServerError) }, 1},
		"aborted":     {func(c *gin.Context) { c.String(http.StatusOK, "no"); c.Abort() }, 1},
		"max-age=0":   {func(c *gin.Context) { c.Header("Cache-Control", "max-age=0"); c.String(http.StatusOK, "no") }, 1},
		"too large":   {func(c *gin.Context) { c.String(http.StatusOK, strings.Repeat("x", 1000)) }, 1},
		"private":     {func(c *gin.Context) { c.Header("Cache-Control", "private"); c.String(http.StatusOK, "no") }, 20},
		"no-store":    {func(c *gin.Context) { c.Header("Cache-Control", "no-store"); c.String(http.StatusOK, "no") }, 20},
		"Set-Cookie":  {func(c *gin.Context) { c.SetCookie("a", "b", 0, "", "", false, false); c.String(http.StatusOK, "no") }, 20},
		"Vary: *":     {func(c *gin.Context) { c.Header("Vary", "*"); c.String(http.StatusOK, "no") }, 20},
		"credentials": {func(c *gin.Context) { c.String(http.StatusOK, "no") }, 1}, // of that request alone
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				first, runs := true, new(atomic.Int64)
				s.GET("/", cachette.Cached(time.Minute, cachette.WithBodyLimit(500)), func(c *gin.Context) {
					if first {
						row.first(c)
						return
					}
					runs.Add(1)
					time.Sleep(time.Second)
					c.String(http.StatusOK, "page")
				})
				if name == "credentials" {
					s.get("/", "Authorization: Bearer x")
				} else {
					s.get("/")
				}
				first = false
				answers := together(20, func(int) answer { return s.get("/") })
				for range 20 {
					await(t, "an answer", answers)
				}
				if runs.Load() != row.runs {
					t.Errorf("the handler ran %d times for 20 requests, want %d", runs.Load(), row.runs)
				}
			})
		})
	}
}

// A leader whose client leaves while the cache asks the store hands the lead on.
func TestLeaderLeavesAtTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newShelf()
		store.breakdown(func(context.Context, call) error { time.Sleep(20 * time.Millisecond); return nil })
		s := newSite(t, store.on)
		var runs atomic.Int64
		s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
			runs.Add(1)
			time.Sleep(time.Second)
			c.String(http.StatusOK, "page")
		})
		ctx, leave := context.WithCancel(t.Context())
		leader := s.asking(ctx, "/")
		time.Sleep(time.Millisecond)
		answers := together(30, func(int) answer { return s.get("/") })
		time.Sleep(45 * time.Millisecond)
		leave()
		for range 30 {
			if a := await(t, "an answer", answers); a.body != "page" {
				t.Errorf("%d %q", a.status, a.body)
			}
		}
		await(t, "the leader's end", leader)
		if n := runs.Load(); n > 1 {
			t.Errorf("the handler ran %d times", n)
		}
	})
}
