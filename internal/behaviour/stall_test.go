package behaviour_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Behind a writer of middleware a response may have to wait for its client: for its header to go out, in a flush, or on a connection
// that holds no more. Clients that take nothing, however many, cost the others less than a second together, and no run for each of them.
func TestStallsDoNotAddUp(t *testing.T) {
	for name, write := range map[string]func(c *gin.Context){
		"as the header goes out": func(c *gin.Context) { c.String(http.StatusOK, large[:fifth]) },
		"in a write":             func(c *gin.Context) { c.String(http.StatusOK, large[:10_000]) },
		"in a flush": func(c *gin.Context) {
			c.String(http.StatusOK, "begin, ")
			c.Writer.Flush()
			c.String(http.StatusOK, "end")
		},
		"in an Unwrap": func(c *gin.Context) {
			c.String(http.StatusOK, large[:fifth])
			_ = c.Writer.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
		},
	} {
		for _, clients := range []int{1, 20} {
			t.Run(fmt.Sprint(name, "/", clients), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t)
					var runs atomic.Int64
					s.Use(wraps)
					s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
						runs.Add(1)
						write(c)
					})
					p, stop := pipe(s)
					defer stop()
					for range clients {
						p.dial(t, "/")
					}
					const others = 100 // more than may run the handler
					began := time.Now()
					answers := together(others, func(int) answer { return s.get("/") })
					for range others {
						if a := <-answers; a.status != http.StatusOK || a.body == "" {
							t.Errorf("%d, %d bytes", a.status, len(a.body))
						}
					}
					if waited, n := time.Since(began), int(runs.Load()); waited >= time.Second || n > 2*clients+5 {
						t.Errorf("the others waited for %v, and the handler ran %d times", waited, n)
					}
					if a := s.get("/"); !a.hit() {
						t.Errorf("then: %s", a.cacheStatus())
					}
				})
			})
		}
	}
}

// Clients that are only slow have no more run the handler than a handler that fails has: a few at a time.
func TestSlowClientsHaveFewRunTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		var running, most, runs atomic.Int64
		s.Use(wraps)
		s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
			runs.Add(1)
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(200 * time.Millisecond)
			running.Add(-1)
			c.String(http.StatusOK, large[:500_000])
		})
		p, stop := pipe(s)
		defer stop()
		const clients = 100
		done := make(chan error)
		for range clients {
			client, server := net.Pipe()
			p.conns <- server
			go func() {
				defer func() { _ = client.Close() }()
				_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
				for err == nil {
					time.Sleep(60 * time.Millisecond)
					_, err = io.CopyN(io.Discard, client, 10_000)
				}
				done <- err
			}()
		}
		for range clients {
			if err := <-done; err != io.EOF {
				t.Error(err)
			}
		}
		if most.Load() > 4 || runs.Load() > clients/2 {
			t.Errorf("the handler ran %d times, %d at once", runs.Load(), most.Load())
		}
	})
}

// What such a response waits for is none of what is kept: when its client has gone, it is stored.
func TestStalledIsStoredInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := roomy(t, wraps)
		client, server := net.Pipe()
		p, stop := pipe(s)
		defer stop()
		p.conns <- server
		if _, err := io.WriteString(client, "GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		_ = client.Close()
		synctest.Wait()
		if a := s.get("/page"); !a.hit() || a.body != large[:fifth] {
			t.Errorf("%s, %d bytes", a.cacheStatus(), len(a.body))
		}
	})
}

// Over HTTP/2 without TLS, as gin serves it, a client that does not read holds nobody, nor the handler.
func TestSlowClientOfH2C(t *testing.T) {
	for name, write := range map[string]func(c *gin.Context){
		"one write": func(c *gin.Context) { c.String(http.StatusOK, large) },
		"flushed": func(c *gin.Context) {
			for i := range 100 {
				c.String(http.StatusOK, large[i*5000:(i+1)*5000])
				c.Writer.Flush()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.UseH2C = true
			var runs atomic.Int64
			done := make(chan bool, 10)
			s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
				runs.Add(1)
				write(c)
				done <- true
			})
			server := httptest.NewServer(s.Handler())
			t.Cleanup(server.Close)
			protocols := new(http.Protocols)
			protocols.SetUnencryptedHTTP2(true)
			transport := &http.Transport{Protocols: protocols, HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10}}
			t.Cleanup(transport.CloseIdleConnections)
			r, err := http.NewRequest(http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "example.com"
			response, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.ProtoMajor != 2 {
				t.Fatalf("it is %s", response.Proto)
			}
			await(t, "the handler's end", done)
			a := s.get("/") // which may wait for its fill
			if runs.Load() != 1 || a.status != http.StatusOK {
				t.Errorf("another client: %s, after %d runs", a.cacheStatus(), runs.Load())
			}
			if body, err := io.ReadAll(response.Body); err != nil || string(body) != a.body {
				t.Errorf("it gets %d bytes of %d in the end: %v", len(body), len(a.body), err)
			}
		})
	}
}
