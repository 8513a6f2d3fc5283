package behaviour_test

import (
	"bufio"
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
	client, server := net.Pipe()
	p.conns <- server
	t.Cleanup(func() { _ = client.Close() })
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

// A client that takes something, as little as it is, is cut off only where there is none that takes nothing, and the slowest one first.
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
		time.Sleep(11 * time.Second)
		if n := s.cache.Stats().CutOff; n != 1 || len(slow[0]) != 1 {
			t.Fatalf("%d are cut off, with %d of the slowest, while none has taken nothing for ten seconds", n, len(slow[0]))
		}
		p.dial(t, "/stalled-too")
		time.Sleep(5 * time.Second)
		if n := s.cache.Stats().CutOff; n != 2 {
			t.Errorf("%d are cut off then", n)
		}
		for i, taken := range slow[1:] {
			if n := <-taken; n < fifth {
				t.Errorf("slow reader %d was cut off after %d bytes", i+1, n)
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
