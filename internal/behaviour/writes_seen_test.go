package behaviour_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
)

// padded is a gin.ResponseWriter of a middleware's, which sends what it gets at once.
type padded struct{ gin.ResponseWriter }

func (p padded) Write(data []byte) (int, error) {
	n, err := p.ResponseWriter.Write(data)
	p.Flush()
	return n, err
}

// A client that has seen anything of the answer to its write does not get the page from before, though the handler still runs: over each version
// of HTTP, and however the answer is sent.
func TestWritesInvalidateBeforeTheyAreSeen(t *testing.T) {
	body := func(n int) gin.HandlerFunc {
		return func(c *gin.Context) { _, _ = c.Writer.Write(bytes.Repeat([]byte("x"), n)) }
	}
	inSteps := func(c *gin.Context) {
		for range 100 {
			_, _ = c.Writer.WriteString("a hundred bytes, or so; a hundred bytes, or so; a hundred bytes, or so; a hundred bytes, or so")
		}
	}
	answers := map[string][]gin.HandlerFunc{
		"nothing":      {func(c *gin.Context) { c.Status(http.StatusNoContent) }},
		"a header":     {func(c *gin.Context) { c.Status(http.StatusNoContent); c.Writer.WriteHeaderNow() }},
		"a byte":       {body(1)},
		"what is held": {body(2048)},
		"a byte more":  {body(2049)},
		"much":         {body(1 << 20)},
		"in steps":     {inSteps},
		"copied": {func(c *gin.Context) {
			_, _ = io.Copy(c.Writer, io.LimitReader(bytes.NewReader(make([]byte, 1<<16)), 1<<15))
		}},
		"flushed":         {body(1), func(c *gin.Context) { c.Writer.Flush() }},
		"flushed at once": {func(c *gin.Context) { c.Writer.Flush() }},
		"by a controller": {body(1), func(c *gin.Context) { _ = http.NewResponseController(c.Writer).Flush() }},
		"by what is within": {func(c *gin.Context) {
			w := c.Writer.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
		}},
		"a connection": {func(c *gin.Context) {
			if c.Request.ProtoMajor > 1 {
				c.String(http.StatusOK, "x")
				return
			}
			connection, _, err := c.Writer.Hijack()
			if err == nil {
				_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
				_ = connection.Close()
			}
		}},
	}
	for name, handlers := range answers {
		for _, row := range []struct {
			name string
			http int
			wrap bool
		}{{"HTTP/1.1", 1, false}, {"HTTP/2", 2, false}, {"behind a middleware's writer", 1, true}} {
			t.Run(name+"/"+row.name, func(t *testing.T) {
				t.Parallel()
				var version atomic.Int64
				version.Store(1)
				engine := gin.New()
				if row.wrap {
					engine.Use(func(c *gin.Context) { c.Writer = padded{c.Writer}; c.Next() })
				}
				cachettetest.On(t, engine)
				engine.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) { c.String(http.StatusOK, "version %d", version.Load()) })
				seen := make(chan struct{})
				last := func(*gin.Context) {
					select { // the client has looked, or sees nothing before the handler returns
					case <-seen:
					case <-time.After(100 * time.Millisecond):
					}
				}
				engine.POST("/page", append(append([]gin.HandlerFunc{func(*gin.Context) { version.Store(2) }}, handlers...), last)...)
				server := httptest.NewUnstartedServer(engine)
				server.EnableHTTP2 = row.http == 2
				server.StartTLS()
				defer server.Close()
				get := func() string {
					response, err := server.Client().Get(server.URL + "/page")
					if err != nil {
						t.Fatal(err)
					}
					defer response.Body.Close()
					got, _ := io.ReadAll(response.Body)
					return string(got)
				}
				if got := get(); got != "version 1" {
					t.Fatalf("at first: %q", got)
				}
				response, err := server.Client().Post(server.URL+"/page", "text/plain", nil)
				if err != nil || response.ProtoMajor != row.http {
					t.Fatal(response, err)
				}
				if got := get(); got != "version 2" {
					t.Errorf("a client that has seen the answer to its write got %q", got)
				}
				close(seen)
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if got := get(); got != "version 2" {
					t.Errorf("behind it: %q", got)
				}
			})
		}
	}
}
