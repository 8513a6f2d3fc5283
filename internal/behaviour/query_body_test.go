package behaviour_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/binding"

	"github.com/gin-cachette/cachette"
)

// Handlers see of a request's content what they would see without a cache, whatever becomes of it, and results are those of the content.
func TestQueryContentIsHandedOn(t *testing.T) {
	const limit = 1000
	const unknown = "fwd=bypass; detail=content" // what middleware has read of the first POST of a route is not known
	long := strings.Repeat("long ", 1000)
	broken := errors.New("broken")
	replaced := func(change func(content []byte) io.Reader) gin.HandlerFunc {
		return func(c *gin.Context) {
			content, _ := io.ReadAll(c.Request.Body)
			c.Set("read", string(content))
			c.Request.Body = io.NopCloser(change(content))
		}
	}
	for _, row := range []struct {
		name       string
		body       func() io.Reader
		declared   int64 // 0 for that of the body, -1 for none
		before     gin.HandlerFunc
		said       string // by the first answer; that of a miss unless given
		saidByPost string // where that differs
	}{
		{name: "none", body: func() io.Reader { return http.NoBody }},
		{name: "some", body: func() io.Reader { return strings.NewReader("a") }},
		{name: "as much as may be", body: func() io.Reader { return strings.NewReader(long[:limit]) }},
		{name: "more", body: func() io.Reader { return strings.NewReader(long[:limit+1]) }, said: "fwd=bypass; detail=content-too-large"},
		{name: "chunked", body: func() io.Reader { return strings.NewReader("a") }, declared: -1, saidByPost: unknown},
		{name: "chunked, byte by byte", body: func() io.Reader { return iotest.OneByteReader(strings.NewReader(long[:limit])) }, declared: -1, saidByPost: unknown},
		{name: "chunked, as much as may be, with the end", body: func() io.Reader { return iotest.DataErrReader(strings.NewReader(long[:limit])) }, declared: -1, saidByPost: unknown},
		{name: "chunked, more", body: func() io.Reader { return strings.NewReader(long) }, declared: -1, said: "fwd=bypass; detail=content-too-large"},
		{name: "chunked, more, with the end", body: func() io.Reader { return iotest.DataErrReader(strings.NewReader(long[:limit+1])) }, declared: -1,
			said: "fwd=bypass; detail=content-too-large"},
		{name: "chunked, none", body: func() io.Reader { return strings.NewReader("") }, declared: -1, said: "fwd=bypass; detail=content"},
		{name: "broken off", body: func() io.Reader { return io.MultiReader(strings.NewReader("a"), iotest.ErrReader(broken)) }, declared: 5,
			said: "fwd=bypass; detail=content"},
		{name: "chunked, broken off", body: func() io.Reader { return io.MultiReader(strings.NewReader("a"), iotest.ErrReader(broken)) }, declared: -1,
			said: "fwd=bypass; detail=content"},
		{name: "broken off behind what is read", body: func() io.Reader { return io.MultiReader(strings.NewReader(long), iotest.ErrReader(broken)) }, declared: -1,
			said: "fwd=bypass; detail=content-too-large"},
		{name: "less than declared", body: func() io.Reader { return strings.NewReader("a") }, declared: 5, said: "fwd=bypass; detail=content"},
		{name: "more than declared", body: func() io.Reader { return strings.NewReader("aaaa") }, declared: 2},
		{name: "more than MaxBytesReader lets through", body: func() io.Reader { return strings.NewReader(long[:limit]) }, said: "fwd=bypass; detail=content",
			before: func(c *gin.Context) { c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, 100) }},
		{name: "within MaxBytesReader", body: func() io.Reader { return strings.NewReader("a") },
			before: func(c *gin.Context) { c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, 100) }},
		{name: "read and put back", body: func() io.Reader { return strings.NewReader("aaaa") }, before: replaced(func(b []byte) io.Reader { return bytes.NewReader(b) })},
		{name: "read, and another put in its place", body: func() io.Reader { return strings.NewReader("aaaa") },
			before: replaced(func(b []byte) io.Reader { return strings.NewReader("other") })},
		{name: "read, and none put in its place", body: func() io.Reader { return strings.NewReader("aaaa") },
			before: replaced(func(b []byte) io.Reader { return strings.NewReader("") }), saidByPost: unknown},
		{name: "bound by middleware", body: func() io.Reader { return strings.NewReader(`{"a":1}`) }, saidByPost: unknown,
			before: func(c *gin.Context) {
				var content map[string]any
				_ = c.ShouldBindBodyWith(&content, binding.JSON)
				c.Set("read", fmt.Sprint(content))
			}},
		{name: "read in part by middleware", body: func() io.Reader { return strings.NewReader("aaaa") }, saidByPost: unknown,
			before: func(c *gin.Context) {
				first := make([]byte, 2)
				_, _ = io.ReadFull(c.Request.Body, first)
				c.Set("read", string(first))
			}},
	} {
		for _, method := range []string{"QUERY", http.MethodPost} {
			t.Run(row.name+"/"+method, func(t *testing.T) {
				page := func(c *gin.Context) {
					kind := fmt.Sprintf("no body: %t, keys: %q; ", c.Request.Body == http.NoBody, c.GetString("read"))
					c.Writer.Header().Set("X-Kind", kind)
					echo(c)
				}
				before := row.before
				if before == nil {
					before = func(*gin.Context) {}
				}
				plain, s := gin.New(), newSite(t)
				plain.Handle(method, "/q", before, page)
				s.Handle(method, "/q", before, cachette.Cached(time.Minute, cachette.WithBodyKey(), cachette.WithBodyLimit(limit)), page)
				ask := func(h http.Handler) answer {
					r := httptest.NewRequest(method, "/q", row.body())
					if row.declared != 0 {
						r.ContentLength = row.declared
					}
					if row.declared < 0 {
						r.TransferEncoding = []string{"chunked"}
					}
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					s.settle()
					return answer{status: w.Code, header: w.Result().Header, body: w.Body.String()}
				}
				want := ask(plain)
				for i := range 3 {
					a := ask(s)
					if a.status != want.status || a.body != want.body || a.header.Get("X-Kind") != want.header.Get("X-Kind") {
						t.Errorf("request %d is answered with %d %q %q (%s), want %d %q %q", i, a.status, a.body, a.header.Get("X-Kind"), a.cacheStatus(),
							want.status, want.body, want.header.Get("X-Kind"))
					}
					said := "cachette; hit"
					switch first := "cachette; " + row.said; {
					case row.said != "":
						said = first
					case i == 0 && method == http.MethodPost && row.saidByPost != "":
						said = "cachette; " + row.saidByPost
					case i == 0, i == 1 && method == http.MethodPost && row.saidByPost != "":
						said = "cachette; fwd=uri-miss; stored"
					}
					if got := a.cacheStatus(); !strings.HasPrefix(got, said) && !(i == 1 && method == http.MethodPost && row.before != nil && got == "cachette; fwd=uri-miss; stored") {
						t.Errorf("request %d: %s, want %s", i, got, said)
					}
				}
			})
		}
	}
}

// What middleware has read of a content, and kept, tells results apart, also where it has left the same to be read.
func TestQueryReadByMiddleware(t *testing.T) {
	for name, before := range map[string]gin.HandlerFunc{
		"all of it": func(c *gin.Context) {
			content, _ := io.ReadAll(c.Request.Body)
			c.Set("read", string(content))
		},
		"its beginning": func(c *gin.Context) {
			first := make([]byte, 2)
			_, _ = io.ReadFull(c.Request.Body, first)
			c.Set("read", string(first))
		},
		"all of it, and something else put in its place": func(c *gin.Context) {
			content, _ := io.ReadAll(c.Request.Body)
			c.Set("read", string(content))
			c.Request.Body = io.NopCloser(strings.NewReader("same"))
		},
		"a form": func(c *gin.Context) { c.Set("read", c.PostForm("a")) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.Use(before)
			s.query("/q", time.Minute, func(c *gin.Context) { c.String(http.StatusOK, "%s", c.GetString("read")) })
			for _, method := range []string{"QUERY", http.MethodPost} {
				for range 3 {
					seen := map[string]string{}
					for _, content := range []string{"a=1&same", "b=2&same", "a=3&same"} {
						for _, chunked := range []bool{false, true} {
							var body io.Reader = strings.NewReader(content)
							if chunked {
								body = struct{ io.Reader }{body} // of no length
							}
							a := s.sendBody(method, "/q", body, "Content-Type: application/x-www-form-urlencoded")
							if name != "a form" && !strings.HasPrefix(content, a.body) || a.body == "" && name != "a form" {
								t.Errorf("%s %q is answered with %q (%s)", method, content, a.body, a.cacheStatus())
							}
							if other, ok := seen[content]; ok && other != a.body {
								t.Errorf("%s %q is answered with %q and %q", method, content, other, a.body)
							}
							seen[content] = a.body
						}
					}
					if name == "a form" && method == http.MethodPost && (seen["a=1&same"] != "1" || seen["a=3&same"] != "3" || seen["b=2&same"] != "") {
						t.Errorf("%q", seen)
					}
				}
			}
		})
	}
}

// Over a socket, by HTTP/1.1 and HTTP/2: a content that is awaited by Expect, one that comes in pieces, and trailers.
func TestQueryOverTheWire(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("h2=%t", h2), func(t *testing.T) {
			s := newSite(t)
			s.query("/q", time.Minute, func(c *gin.Context) {
				content, err := io.ReadAll(c.Request.Body)
				c.String(http.StatusOK, "%q %v %d %q %v", content, err, c.Request.ContentLength, c.Request.TransferEncoding, c.Request.Trailer)
			})
			server := httptest.NewUnstartedServer(s)
			server.EnableHTTP2 = h2
			server.StartTLS()
			defer server.Close()
			for _, method := range []string{"QUERY", http.MethodPost} {
				for _, row := range []struct {
					name    string
					body    func() io.Reader
					trailer string
					field   string
					second  string
				}{
					{name: "with a length", body: func() io.Reader { return strings.NewReader("a") }, second: "cachette; hit"},
					{name: "expected", body: func() io.Reader { return strings.NewReader("b") }, field: "Expect: 100-continue", second: "cachette; hit"},
					{name: "in pieces", body: func() io.Reader { return io.MultiReader(strings.NewReader("c"), strings.NewReader("d")) }, second: "cachette; hit"},
					{name: "with a trailer", body: func() io.Reader { return io.MultiReader(strings.NewReader("c"), strings.NewReader("d")) }, trailer: "1", second: "cachette; hit"},
					{name: "with another trailer", body: func() io.Reader { return io.MultiReader(strings.NewReader("c"), strings.NewReader("d")) }, trailer: "2", second: "cachette; hit"},
				} {
					var bodies [2]string
					for i := range bodies {
						r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/q", row.body())
						if err != nil {
							t.Fatal(err)
						}
						if row.trailer != "" {
							r.Trailer = http.Header{"X-Digest": {row.trailer}}
						}
						if name, value, ok := strings.Cut(row.field, ": "); ok {
							r.Header.Set(name, value)
						}
						response, err := server.Client().Do(r)
						if err != nil {
							t.Fatal(err)
						}
						body, err := io.ReadAll(response.Body)
						response.Body.Close()
						bodies[i] = string(body)
						want := []string{"cachette; fwd=uri-miss; stored", row.second}[i]
						if got := response.Header.Get("Cache-Status"); err != nil || !strings.HasPrefix(got, want) || row.trailer != "" && !strings.Contains(bodies[i], "["+row.trailer+"]") {
							t.Errorf("%s %s %d: %q (%s) %v", method, row.name, i, body, got, err)
						}
					}
					if bodies[0] != bodies[1] {
						t.Errorf("%s %s: %q and %q", method, row.name, bodies[0], bodies[1])
					}
				}
			}
		})
	}
}

// Contents that come at the same time take up no more than there is for them: what is beyond passes by, and is handed on.
func TestQueryContentsAreBounded(t *testing.T) {
	const each = 100_000
	s := newSite(t, func(cfg *cachette.Config) { cfg.MemoryLimit, cfg.BodyLimit = 4<<20, each }) // of which an eighth is for contents
	var most atomic.Int64
	s.query("/q", time.Minute, func(c *gin.Context) {
		n, _ := io.Copy(io.Discard, c.Request.Body)
		c.String(http.StatusOK, "%d", n)
	})
	const n = 40
	arrived, gate := make(chan struct{}, n), make(chan struct{})
	answers := together(n, func(i int) answer {
		content := io.MultiReader(strings.NewReader(strings.Repeat("a", each-10)), waits{arrived, gate}, strings.NewReader(fmt.Sprintf("%010d", i)))
		return s.sendBody("QUERY", "/q", content)
	})
	for range n {
		await(t, "a content", arrived)
	}
	close(gate)
	for range n {
		a := await(t, "an answer", answers)
		if a.body != fmt.Sprint(each) {
			t.Errorf("%q (%s)", a.body, a.cacheStatus())
		}
		switch a.cacheStatus() {
		case "cachette; fwd=bypass; detail=content-room":
		case "cachette; fwd=uri-miss; stored":
			most.Add(1)
		default:
			t.Error(a.cacheStatus())
		}
	}
	if kept := most.Load(); kept < 2 || kept > 5 {
		t.Errorf("%d of %d contents of %d bytes were held at a time", kept, n, each)
	}
	if a := s.send("QUERY", "/q", "later"); a.cacheStatus() != "cachette; fwd=uri-miss; stored" {
		t.Errorf("behind them: %s", a.cacheStatus())
	}
}

// waits is a reader of nothing that says that it was come to, and waits for a gate.
type waits struct {
	arrived chan<- struct{}
	gate    <-chan struct{}
}

func (w waits) Read([]byte) (int, error) {
	w.arrived <- struct{}{}
	<-w.gate
	return 0, io.EOF
}
