package behaviour_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Whatever the content, and however it is sent, none is answered with what another one has led to. -every sends 100,000 of them.
func TestQueryOfRandomContents(t *testing.T) {
	const senders = 8
	n := 4_000
	if *every {
		n = 100_000
	}
	for _, kind := range stores {
		t.Run(kind.name, func(t *testing.T) {
			s := newSite(t, kind.use)
			all := func(c *gin.Context) {
				content, err := io.ReadAll(c.Request.Body)
				c.String(http.StatusOK, "%s %q %q %v", c.Request.Method, c.Request.Header.Get("Content-Type"), content, err)
			}
			s.query("/search", time.Minute, all)
			server := httptest.NewServer(s)
			defer server.Close()
			var hits atomic.Int64
			var clients sync.WaitGroup
			for sender := range senders {
				clients.Go(func() {
					random := rand.New(rand.NewPCG(uint64(sender), 10008))
					for range n / senders / len(stores) {
						hit, err := sendRandom(random, server)
						if err != nil {
							t.Error(err)
							return
						}
						if hit {
							hits.Add(1)
						}
					}
				})
			}
			clients.Wait()
			if hits.Load() == 0 {
				t.Error("there was no hit")
			}
		})
	}
}

// sendRandom sends a content, and tells whether its answer was a hit. One of two is of a few, most of which another one begins or ends with; the
// others were never sent before, and begin as one of them.
func sendRandom(random *rand.Rand, server *httptest.Server) (hit bool, err error) {
	pieces := []string{"", "a", "b", "ab", "&", "=", "\x00", "\n", "#", "/", "text/plain", strings.Repeat("a", 2047), strings.Repeat("a", 2048)}
	content := ""
	for range random.IntN(4) {
		content += pieces[random.IntN(len(pieces))]
	}
	if random.IntN(2) == 0 {
		content += strconv.FormatUint(random.Uint64(), 36)
	}
	method, kind := []string{"QUERY", http.MethodPost}[random.IntN(2)], []string{"text/plain", "text/html", "a"}[random.IntN(3)]
	var body io.Reader = strings.NewReader(content)
	if random.IntN(2) == 0 {
		body = struct{ io.Reader }{body} // which is sent in chunks
	}
	r, err := http.NewRequest(method, server.URL+"/search", body)
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", kind)
	response, err := server.Client().Do(r)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return false, err
	}
	if want := fmt.Sprintf("%s %q %q %v", method, kind, content, nil); string(got) != want {
		return false, fmt.Errorf("%s of %.60q as %s: %s", method, content, kind, got)
	}
	return strings.Contains(response.Header.Get("Cache-Status"), "; hit"), nil
}

// Requests with the same content that miss together are one run of the handler, and those with another one have their own.
func TestQueriesCollapse(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		var runs atomic.Int64
		s.query("/search", time.Minute, func(c *gin.Context) {
			runs.Add(1)
			time.Sleep(time.Second)
			echo(c)
		})
		for _, method := range []string{"QUERY", http.MethodPost} {
			runs.Store(0)
			s.send(method, "/search", "before") // the first content of a route may pass by
			runs.Store(0)
			wrong := together(20, func(i int) string {
				body := s.send(method, "/search", fmt.Sprint("content ", i%2)).body
				if want := fmt.Sprintf("%s \"content %d\"", method, i%2); !strings.HasPrefix(body, want) {
					return fmt.Sprintf("%s: %.60q, want %s", method, body, want)
				}
				return ""
			})
			for range 20 {
				if text := <-wrong; text != "" {
					t.Error(text)
				}
			}
			if runs.Load() != 2 {
				t.Errorf("%s: the handler ran %d times for two contents", method, runs.Load())
			}
		}
	})
}

// A refresh in the background has the content of the request that has set it off.
func TestQueryRefresh(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		version := 1
		s.query("/search", 10*time.Second, func(c *gin.Context) {
			content, _ := io.ReadAll(c.Request.Body)
			c.String(http.StatusOK, "%s %s %d", c.Request.Method, content, version)
		}, cachette.WithStaleWhileRevalidate(time.Minute))
		for _, method := range []string{"QUERY", http.MethodPost} {
			version = 1
			s.send(method, "/search", "warm")
			s.send(method, "/search", "content")
			time.Sleep(11 * time.Second)
			version = 2
			if got := s.send(method, "/search", "content"); got.body != method+" content 1" {
				t.Errorf("%s, stale: %s", method, got.body)
			}
			time.Sleep(time.Second)
			if got := s.send(method, "/search", "content"); got.body != method+" content 2" || !got.hit() {
				t.Errorf("%s, refreshed: %s, %s", method, got.body, got.cacheStatus())
			}
		}
	})
}

// A purge of a path, and a write to it, drop what QUERYs of it have led to, and a QUERY drops nothing (RFC 9110 §9.2.1, RFC 9111 §4.4).
func TestQueryAndPurges(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.query("/search", time.Minute, echo)
		s.GET("/search", cachette.Cached(time.Minute), echo)
		s.PUT("/search", func(c *gin.Context) { c.Status(http.StatusNoContent) })
		for what, purge := range map[string]func(){
			"a purge of the path": func() {
				if err := s.cache.PurgePath(t.Context(), "/search"); err != nil {
					t.Error(err)
				}
			},
			"a write": func() { s.do(http.MethodPut, "/search") },
		} {
			for _, method := range []string{"QUERY", http.MethodPost} {
				s.get("/search")
				s.send(method, "/search", "first")
				s.send(method, "/search", "content")
				if !s.send(method, "/search", "content").hit() || !s.get("/search").hit() {
					t.Errorf("%s: no hit before %s", method, what)
				}
				purge()
				if s.send(method, "/search", "content").hit() {
					t.Errorf("%s: a hit after %s", method, what)
				}
			}
		}
	})
}
