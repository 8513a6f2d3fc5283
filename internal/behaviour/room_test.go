package behaviour_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// pipes is a listener whose connections hold nothing of what is sent: each byte waits until the client takes it. They work within a
// bubble of testing/synctest.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// dial returns a client that asks for a path and has taken nothing of the answer. fields are lines of its header.
func (p *pipes) dial(t *testing.T, path string, fields ...string) *bufio.Reader {
	t.Helper()
	return p.dialFor(t, t.Context(), path, fields...)
}

// dialFor is dial for a client that leaves when a context ends.
func (p *pipes) dialFor(t *testing.T, ctx context.Context, path string, fields ...string) *bufio.Reader {
	t.Helper()
	client, server := net.Pipe()
	p.conns <- server
	context.AfterFunc(ctx, func() { _ = client.Close() })
	if _, err := io.WriteString(client, "GET "+path+" HTTP/1.1\r\nHost: example.com\r\n"+strings.Join(append(fields, "", ""), "\r\n")); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return bufio.NewReader(client)
}

// pipe serves a handler over pipes. It is to be called within a bubble, and stop at the end of it.
func pipe(h http.Handler) (p *pipes, stop func()) {
	p = &pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: h}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(p)
	}()
	return p, func() {
		_ = server.Close()
		<-ended
	}
}

// whole reads a response and returns its body, and whether all of it is there.
func whole(r *bufio.Reader) (body string, ok bool) {
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		return "", false
	}
	data, err := io.ReadAll(response.Body)
	return string(data), err == nil
}

const (
	quarter = 1 << 20    // of the room that all bodies have which are captured, and all that wait
	fifth   = 200 * 1000 // of which five have room in that
)

// roomy returns a site with that room whose pages are a fifth of it each.
func roomy(t *testing.T, handlers ...gin.HandlerFunc) *site {
	s := newSite(t, func(cfg *cachette.Config) { cfg.MemoryLimit, cfg.BodyLimit = 4<<20, 1<<18 })
	s.Use(handlers...)
	s.GET("/:id", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, large[:fifth]) })
	return s
}

// wraps has a writer of middleware stand before Cached, as one that compresses does.
func wraps(c *gin.Context) { c.Writer = &changing{c.Writer, func(s string) string { return s }} }

// Clients that read nothing take no room from what is being captured: what the others ask for is stored, and shared.
func TestStalledClientsTakeNoRoom(t *testing.T) {
	for name, handlers := range map[string][]gin.HandlerFunc{"alone": nil, "behind middleware": {wraps}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := roomy(t, handlers...)
				p, stop := pipe(s)
				defer stop()
				for i := range quarter/fifth + 4 {
					p.dial(t, fmt.Sprint("/stalled", i))
					time.Sleep(2 * time.Second)
				}
				for i := range quarter/fifth + 1 {
					s.get(fmt.Sprint("/page", i))
					if a := s.get(fmt.Sprint("/page", i)); !a.hit() {
						t.Errorf("page %d: %s", i, a.cacheStatus())
					}
				}
				if n := s.cache.Stats().Uncaptured; n != 0 {
					t.Errorf("%d were not captured", n)
				}
			})
		})
	}
}

// What waits for clients is bounded. Beyond, the clients are cut off that have taken nothing for longest; none that takes something, none
// that was waited for less than ten seconds, none whose page was stored before, and none as long as there is room.
func TestStalledClientsAreCutOff(t *testing.T) {
	for name, handlers := range map[string][]gin.HandlerFunc{"alone": nil, "behind middleware": {wraps}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := roomy(t, handlers...)
				p, stop := pipe(s)
				defer stop()
				s.get("/hit")
				var hits, stalls []*bufio.Reader
				for range 10 {
					hits = append(hits, p.dial(t, "/hit"))
				}
				for i := range quarter / fifth {
					stalls = append(stalls, p.dial(t, fmt.Sprint("/stalled", i)))
					time.Sleep(time.Second)
				}
				time.Sleep(time.Minute)
				if n := s.cache.Stats().CutOff; n != 0 {
					t.Fatalf("%d are cut off, with room for all", n)
				}
				for i := range 2 {
					stalls = append(stalls, p.dial(t, fmt.Sprint("/more", i)))
				}
				time.Sleep(5 * time.Second)
				if n := s.cache.Stats().CutOff; n != 2 {
					t.Errorf("%d are cut off", n)
				}
				for i, r := range stalls {
					if body, ok := whole(r); ok != (i >= 2) || ok && body != large[:fifth] {
						t.Errorf("client %d gets %d bytes, all: %v", i, len(body), ok)
					}
				}
				for _, r := range hits {
					if body, ok := whole(r); !ok || body != large[:fifth] {
						t.Errorf("a hit has %d bytes, all: %v", len(body), ok)
					}
				}
			})
		})
	}
}

// reads has a client take so many bytes a second, and returns a channel that tells how many it has taken when it is cut off, or has all.
func reads(r io.Reader, rate int) <-chan int {
	return later(func() (n int) {
		for buf := make([]byte, rate); ; time.Sleep(time.Second) {
			got, err := io.ReadFull(r, buf)
			if n += got; err != nil {
				return n
			}
		}
	})
}

// A client that takes something, as little as it is, is cut off only where those that take less do not hold enough, and the slowest one
// first. Those that take nothing and are too young hold as much as others.
func TestSlowReadersAreCutOffLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := roomy(t)
		p, stop := pipe(s)
		defer stop()
		var slow []<-chan int
		for i := range quarter / fifth {
			slow = append(slow, reads(p.dial(t, fmt.Sprint("/slow", i), "Connection: close"), 500*(i+1)))
		}
		time.Sleep(15 * time.Second)
		p.dial(t, "/stalled")
		time.Sleep(12 * time.Second)
		if n := s.cache.Stats().CutOff; n != 1 || len(slow[0]) != 0 {
			t.Errorf("%d are cut off, while one has taken nothing for ten seconds", n)
		}
		slow = append(slow, reads(p.dial(t, "/slow", "Connection: close"), 5000))
		time.Sleep(15 * time.Second)
		if n := s.cache.Stats().CutOff; n != 2 || len(slow[0]) != 1 {
			t.Errorf("%d are cut off, where none takes nothing", n)
		}
		for i, taken := range slow[1:] {
			if n := <-taken; n < fifth {
				t.Errorf("slow reader %d was cut off after %d bytes", i+1, n)
			}
		}
	})
}

// A client that takes what it is sent is not cut off for the sake of some that take nothing, and come anew before they are.
func TestReadersOutliveThoseThatComeAnew(t *testing.T) {
	for name, n := range map[string]int{"as much as there is room for": quarter / fifth, "far more": 15} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := roomy(t)
				p, stop := pipe(s)
				defer stop()
				reader := reads(p.dial(t, "/reader", "Connection: close"), 6000)
				for i := range 5 {
					ctx, leave := context.WithCancel(t.Context())
					for j := range n {
						p.dialFor(t, ctx, fmt.Sprint("/stalled", i, "-", j))
					}
					time.Sleep(8 * time.Second)
					leave()
				}
				if n := <-reader; n < fifth {
					t.Errorf("the reader was cut off after %d bytes", n)
				}
			})
		})
	}
}

// What counts of a client is how fast it takes what it is sent, not how fast the handler makes that.
func TestSlowHandlersMakeNoSlowReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := roomy(t)
		s.GET("/by-and-by/:id", cachette.Cached(time.Hour), func(c *gin.Context) {
			_, _ = c.Writer.WriteString(large[:5000])
			time.Sleep(5 * time.Minute)
			_, _ = c.Writer.WriteString(large[5000:fifth])
		})
		p, stop := pipe(s)
		defer stop()
		reader := reads(p.dial(t, "/by-and-by/1", "Connection: close"), 4000)
		time.Sleep(5*time.Minute + time.Second)
		var slower []<-chan int
		for i := range quarter / fifth {
			slower = append(slower, reads(p.dial(t, fmt.Sprint("/slower", i), "Connection: close"), 2000+i))
		}
		if n := <-reader; n < fifth {
			t.Errorf("the reader was cut off after %d bytes", n)
		}
		if n := s.cache.Stats().CutOff; n != 1 {
			t.Errorf("%d are cut off", n)
		}
		for _, taken := range slower {
			<-taken
		}
	})
}

// Clients that come again and again and take nothing keep nothing from being captured, though they ask for far more than they may hold.
func TestFloodsTakeNoRoom(t *testing.T) {
	for name, handlers := range map[string][]gin.HandlerFunc{"alone": nil, "behind middleware": {wraps}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := roomy(t, handlers...)
				p, stop := pipe(s)
				defer stop()
				for i := range 20 {
					for j := range quarter / fifth {
						p.dial(t, fmt.Sprint("/stalled", i, "-", j))
					}
					time.Sleep(3 * time.Second)
					before := s.cache.Stats().Uncaptured
					s.get(fmt.Sprint("/page", i))
					if s.cache.Stats().Uncaptured != before {
						t.Errorf("page %d is not captured", i)
					}
				}
			})
		})
	}
}

// opaque is a writer of middleware that does not tell what it stands in front of.
type opaque struct{ to gin.ResponseWriter }

func (w opaque) Header() http.Header                          { return w.to.Header() }
func (w opaque) Write(b []byte) (int, error)                  { return w.to.Write(b) }
func (w opaque) WriteString(s string) (int, error)            { return w.to.WriteString(s) }
func (w opaque) WriteHeader(status int)                       { w.to.WriteHeader(status) }
func (w opaque) WriteHeaderNow()                              { w.to.WriteHeaderNow() }
func (w opaque) Status() int                                  { return w.to.Status() }
func (w opaque) Size() int                                    { return w.to.Size() }
func (w opaque) Written() bool                                { return w.to.Written() }
func (w opaque) Flush()                                       { w.to.Flush() }
func (w opaque) CloseNotify() <-chan bool                     { return w.to.CloseNotify() }
func (w opaque) Pusher() http.Pusher                          { return w.to.Pusher() }
func (w opaque) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.to.Hijack() }

// Clients that cannot be cut off keep nothing from being captured for the others.
func TestThoseThatCannotBeCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := roomy(t)
		s.GET("/opaque/:id", func(c *gin.Context) { c.Writer = opaque{c.Writer} }, cachette.Cached(time.Hour), func(c *gin.Context) {
			c.String(http.StatusOK, large[:fifth])
		})
		p, stop := pipe(s)
		defer stop()
		s.get("/opaque/page")
		if a := s.get("/opaque/page"); !a.hit() {
			t.Errorf("with room for all: %s", a.cacheStatus())
		}
		for i := range 20 {
			p.dial(t, fmt.Sprint("/opaque/", i))
		}
		if err := s.cache.Refresh(t.Context(), "http://example.com/refreshed"); err != nil {
			t.Errorf("a refresh, which has no client: %v", err)
		}
		for i := range quarter/fifth + 1 {
			s.get(fmt.Sprint("/page", i))
			if a := s.get(fmt.Sprint("/page", i)); !a.hit() {
				t.Errorf("page %d: %s", i, a.cacheStatus())
			}
		}
	})
}

// flushes is a writer of middleware that sends each write at once.
type flushes struct{ gin.ResponseWriter }

func (w flushes) Write(b []byte) (int, error) {
	defer w.Flush()
	return w.ResponseWriter.Write(b)
}
func (w flushes) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// sendsAtOnce has such a writer stand before Cached.
func sendsAtOnce(c *gin.Context) { c.Writer = flushes{c.Writer} }

// In whatever way a response comes to wait for a client that takes nothing, what others ask for is captured in the end.
func TestEveryWayToStallEnds(t *testing.T) {
	text := func(sizes ...int) gin.HandlerFunc {
		return func(c *gin.Context) {
			for _, n := range sizes {
				_, _ = c.Writer.WriteString(large[:n])
			}
		}
	}
	for name, row := range map[string]struct {
		clients int
		before  gin.HandlerFunc // before Cached
		around  bool            // what stands around the engine sets a cookie as the header goes out
		handler gin.HandlerFunc
	}{
		"trailer":                  {70, nil, false, func(c *gin.Context) { c.Header("Trailer", "X-Sum"); text(16_000)(c) }},
		"in place":                 {70, wraps, false, text(16_000)},
		"in place, by and by":      {100, wraps, false, text(8_000, 8_000)},
		"flushed by the handler":   {70, wraps, false, func(c *gin.Context) { text(16_000)(c); c.Writer.Flush() }},
		"flushed by middleware":    {500, sendsAtOnce, false, text(2_000)},
		"dropped":                  {500, nil, true, text(2_000, 100_000)},
		"dropped, behind a writer": {70, wraps, true, text(15_000, 1_000)},
		"dropped, and goes on":     {500, nil, true, func(c *gin.Context) { text(2_000)(c); <-c.Request.Context().Done() }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := roomy(t)
				if row.before != nil {
					s.Use(row.before)
				}
				s.GET("/stalled/:id", cachette.Cached(time.Hour), row.handler)
				p, stop := pipe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if row.around {
						w = lateClient{w, "ann"}
					}
					s.ServeHTTP(w, r)
				}))
				defer stop()
				for i := range row.clients {
					p.dial(t, fmt.Sprint("/stalled/", i))
				}
				time.Sleep(time.Minute)
				for i := range quarter/fifth + 1 {
					s.get(fmt.Sprint("/page", i))
					if a := s.get(fmt.Sprint("/page", i)); !a.hit() {
						t.Errorf("page %d: %s", i, a.cacheStatus())
					}
				}
			})
		})
	}
}

// A connection that a handler has taken over takes no room.
func TestTunnelsTakeNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := roomy(t)
		over := make(chan struct{})
		s.GET("/tunnel/:id", cachette.Cached(time.Hour), func(c *gin.Context) {
			_, _ = c.Writer.WriteString(large[:fifth])
			_, _, _ = c.Writer.Hijack() // gin refuses it, since something was written
			<-over
		})
		p, stop := pipe(s)
		defer stop()
		for i := range quarter / fifth {
			go io.Copy(io.Discard, p.dial(t, fmt.Sprint("/tunnel/", i)))
		}
		time.Sleep(time.Second)
		s.get("/page")
		if a := s.get("/page"); !a.hit() {
			t.Error(a.cacheStatus())
		}
		close(over)
		synctest.Wait()
	})
}
