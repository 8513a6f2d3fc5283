package behaviour_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// listen serves the site on a real socket.
func (s *site) listen() *httptest.Server {
	s.t.Helper()
	server := httptest.NewServer(s)
	s.t.Cleanup(server.Close)
	return server
}

// fetch sends a request over a socket and reads the whole answer.
func fetch(t testing.TB, server *httptest.Server, method, path string, fields ...string) answer {
	t.Helper()
	a, err := tryFetch(context.Background(), server, method, path, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// tryFetch does what fetch does, and may fail.
func tryFetch(ctx context.Context, server *httptest.Server, method, path string, fields ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, server.URL+path, nil)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Accept-Encoding", "identity") // the client would otherwise add its own, and decode
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ":")
		r.Header.Set(name, strings.TrimSpace(value))
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{status: response.StatusCode, header: response.Header, body: string(body)}, err
}

// dial opens a connection to a server and sends what is given.
func dial(t testing.TB, server *httptest.Server, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

// A response that is sent bit by bit reaches its client bit by bit, and none waits for its end: not the next one that
// asks for it either.
func TestStreamsArriveAtOnce(t *testing.T) {
	s := newSite(t)
	steps := []chan string{make(chan string), make(chan string)}
	begun := make(chan chan string, len(steps))
	for _, step := range steps {
		begun <- step
	}
	s.GET("/events", cachette.Cached(time.Minute), func(c *gin.Context) {
		step := <-begun
		c.Header("Content-Type", "text/event-stream")
		c.Stream(func(w io.Writer) bool {
			select {
			case line, more := <-step:
				_, _ = io.WriteString(w, line)
				return more
			case <-c.Request.Context().Done():
				return false
			}
		})
	})
	server := s.listen()
	var clients []*bufio.Reader
	for i, step := range steps { // each while those before it still stream
		_, client := dial(t, server, "GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
		clients = append(clients, client)
		step <- fmt.Sprintf("data: %d\n", i)
		expectLine(t, client, fmt.Sprintf("data: %d", i))
	}
	for i, step := range steps {
		step <- fmt.Sprintf("data: %d again\n", i)
		expectLine(t, clients[i], fmt.Sprintf("data: %d again", i))
		close(step)
	}
}

// findLine reads on to a line that begins with prefix.
func findLine(r *bufio.Reader, prefix string) (string, error) {
	for {
		line, err := r.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		if err != nil || strings.HasPrefix(line, prefix) {
			return line, err
		}
	}
}

func expectLine(t testing.TB, r *bufio.Reader, prefix string) {
	t.Helper()
	if line, err := findLine(r, prefix); err != nil {
		t.Fatalf("no line %q came: %q, %v", prefix, line, err)
	}
}

// Trailers are no part of what is stored: a hit has the same content and none of them, neither as trailers nor as fields.
func TestTrailers(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		handler, runs := counted(func(c *gin.Context) {
			c.Header("Trailer", "X-Sum")
			c.Header("Content-Type", "text/plain")
			_, _ = c.Writer.WriteString("content")
			c.Header("X-Sum", "42")
			c.Header(http.TrailerPrefix+"X-Late", "43")
		})
		s.GET("/", cachette.Cached(time.Minute), handler)
		server := s.listen()
		for range 2 {
			response, err := server.Client().Get(server.URL + "/")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil || string(body) != "content" {
				t.Errorf("body %q, %v", body, err)
			}
			hit := strings.HasPrefix(response.Header.Get("Cache-Status"), "cachette; hit")
			if _, ok := response.Header["X-Sum"]; ok {
				t.Errorf("hit %v: the trailer is among the fields: %v", hit, response.Header)
			}
			if _, ok := response.Trailer["X-Late"]; ok == hit {
				t.Errorf("hit %v: trailers %v", hit, response.Trailer)
			}
		}
		if n := runs.Load(); n != 1 {
			t.Errorf("the handler ran %d times", n)
		}
	})
}

// Interim responses (RFC 9110 §15.2) reach the client at once, each of them, and change nothing about the final one.
func TestInterimResponses(t *testing.T) {
	for _, row := range []struct {
		name string
		send func(w gin.ResponseWriter)
	}{
		{"WriteHeader", func(w gin.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints) }},
		{"WriteHeader and WriteHeaderNow", func(w gin.ResponseWriter) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeaderNow()
		}},
		{"102 and 103", func(w gin.ResponseWriter) {
			w.WriteHeader(http.StatusProcessing)
			w.WriteHeader(http.StatusEarlyHints)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			hinted := make(chan struct{}, 1)
			handler, runs := counted(func(c *gin.Context) {
				c.Header("Link", "</style.css>; rel=preload")
				row.send(c.Writer)
				<-hinted // the client has the hints before there is anything else
				c.JSON(http.StatusNotFound, gin.H{"a": 1})
			})
			s.GET("/", cachette.Cached(time.Minute, cachette.WithStatusTTL(http.StatusNotFound, time.Minute)), handler)
			server := s.listen()

			var links []string
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
				Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
					if status == http.StatusEarlyHints {
						links = append(links, h.Get("Link"))
						hinted <- struct{}{}
					}
					return nil
				},
			})
			miss, err := tryFetch(ctx, server, http.MethodGet, "/")
			if err != nil {
				t.Fatal(err)
			}
			if len(links) != 1 || links[0] != "</style.css>; rel=preload" {
				t.Errorf("the hints came as %q", links)
			}
			hit := fetch(t, server, http.MethodGet, "/")
			if !hit.hit() || runs.Load() != 1 {
				t.Errorf("the second answer is %q after %d runs", hit.cacheStatus(), runs.Load())
			}
			for _, a := range []answer{miss, hit} {
				if a.status != http.StatusNotFound || a.body != `{"a":1}` ||
					a.header.Get("Content-Type") != "application/json; charset=utf-8" {
					t.Errorf("final answer %d %q of type %q", a.status, a.body, a.header.Get("Content-Type"))
				}
			}
		})
	}
}

// A hijacked connection is the handler's; nothing of it is stored.
func TestHijack(t *testing.T) {
	s := newSite(t)
	handler, runs := counted(func(c *gin.Context) {
		conn, rw, err := c.Writer.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		if !c.Writer.Written() {
			t.Error("the writer of a hijacked connection says that nothing was written")
		}
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("echo " + line)
		_ = rw.Flush()
	})
	s.GET("/ws", cachette.Cached(time.Minute), handler)
	server := s.listen()
	for i, fields := range []string{"Connection: Upgrade\r\nUpgrade: echo\r\n", "", "Connection: Upgrade\r\nUpgrade: echo\r\n"} {
		conn, r := dial(t, server, "GET /ws HTTP/1.1\r\nHost: h\r\n"+fields+"\r\n")
		expectLine(t, r, "HTTP/1.1 101")
		_, _ = io.WriteString(conn, "hello\n")
		expectLine(t, r, "echo hello")
		if n := int(runs.Load()); n != i+1 {
			t.Errorf("after %d connections the handler ran %d times", i+1, n)
		}
	}
}

// unhijackable is a connection that cannot be handed over, as those of HTTP/2 are.
type unhijackable struct{ *httptest.ResponseRecorder }

func (unhijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, http.ErrNotSupported
}

// A handler that cannot have the connection answers as it does without a cache, and what it says is not stored.
func TestHijackFails(t *testing.T) {
	s := newSite(t)
	bare := gin.New()
	handler, runs := counted(func(c *gin.Context) {
		if _, _, err := c.Writer.Hijack(); err != nil {
			c.String(http.StatusUpgradeRequired, "another protocol, please")
		}
	})
	s.GET("/", cachette.Cached(time.Minute, cachette.WithStatusTTL(http.StatusUpgradeRequired, time.Minute)), handler)
	bare.GET("/", handler)
	var codes []int
	for _, engine := range []http.Handler{bare, s, s} {
		w := unhijackable{httptest.NewRecorder()}
		engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		codes = append(codes, w.Code)
		if body := w.Body.String(); body != "another protocol, please" {
			t.Errorf("the client got %q", body)
		}
	}
	if codes[0] != codes[1] || codes[0] != codes[2] || runs.Load() != 3 {
		t.Errorf("without a cache %d, with one %d and %d, after %d runs", codes[0], codes[1], codes[2], runs.Load())
	}
}

// Clients of HTTP/1.0, and connections that are used again, get hits whose length is right.
func TestHitsOnTheWire(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		large := strings.Repeat("0123456789abcdef", 40_000)
		s.GET("/large", cachette.Cached(time.Minute), text(large))
		s.GET("/small", cachette.Cached(time.Minute), text("small"))
		s.GET("/none", cachette.Cached(time.Minute), func(c *gin.Context) { c.Status(http.StatusNoContent) })
		s.HEAD("/large", cachette.Cached(time.Minute), text(large))
		server := s.listen()

		_, r := dial(t, server, strings.Repeat("GET /large HTTP/1.1\r\nHost: h\r\n\r\n"+
			"GET /small HTTP/1.1\r\nHost: h\r\n\r\n"+
			"GET /none HTTP/1.1\r\nHost: h\r\n\r\n"+
			"HEAD /large HTTP/1.1\r\nHost: h\r\n\r\n", 3))
		for i := range 12 {
			method, want := http.MethodGet, []string{large, "small", "", ""}[i%4]
			if i%4 == 3 {
				method = http.MethodHead
			}
			response, err := http.ReadResponse(r, &http.Request{Method: method})
			if err != nil {
				t.Fatalf("answer %d on the connection: %v", i, err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil || string(body) != want {
				t.Errorf("answer %d: %d bytes, want %d; %v", i, len(body), len(want), err)
			}
			if hit := strings.Contains(response.Header.Get("Cache-Status"), "; hit"); hit != (i >= 3) {
				t.Errorf("answer %d: Cache-Status %q", i, response.Header.Get("Cache-Status"))
			}
			if method == http.MethodHead && response.ContentLength != -1 {
				t.Errorf("answer %d to HEAD: Content-Length %d, which the handler has not declared", i, response.ContentLength)
			}
		}
		_, r = dial(t, server, "GET /large HTTP/1.0\r\nHost: h\r\n\r\n")
		response, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != large || len(response.TransferEncoding) > 0 {
			t.Errorf("HTTP/1.0: %d bytes, transfer coding %v, %v", len(body), response.TransferEncoding, err)
		}
	})
}

// A request with content, or for no path at all, is answered by its handler: nothing in its key tells it from others.
func TestRequestsWithoutKey(t *testing.T) {
	for _, row := range []struct {
		name     string
		requests []string
	}{
		{"content", []string{
			"GET /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na",
			"GET /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nb",
			"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n",
		}},
		{"content in chunks", []string{
			"GET /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
			"GET /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n",
			"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n",
		}},
		{"opaque targets", []string{
			"GET x:a HTTP/1.1\r\nHost: h\r\n\r\n",
			"GET x:b HTTP/1.1\r\nHost: h\r\n\r\n",
		}},
		{"absolute targets", []string{
			"GET http://a/echo HTTP/1.1\r\nHost: h\r\n\r\n",
			"GET http://b/echo HTTP/1.1\r\nHost: h\r\n\r\n",
			"GET http://b HTTP/1.1\r\nHost: h\r\n\r\n",
			"GET http://b/ HTTP/1.1\r\nHost: h\r\n\r\n",
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			s.Use(cachette.Cached(time.Minute))
			echo := func(c *gin.Context) {
				content, err := io.ReadAll(c.Request.Body)
				if err != nil {
					t.Error(err)
				}
				c.String(http.StatusOK, "%s %s %s", c.Request.Host, c.Request.RequestURI, content)
			}
			s.GET("/echo", echo)
			s.NoRoute(echo)
			server := s.listen()
			seen := make(map[string]string)
			for _, request := range row.requests {
				_, r := dial(t, server, request)
				response, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				if other, known := seen[string(body)]; known {
					t.Errorf("%q got what was made for %q: %q", request, other, body)
				}
				seen[string(body)] = request
			}
		})
	}
}

// What else a handler can do with gin's writer, it can do inside of the cache.
func TestWriterExtras(t *testing.T) {
	s := newSite(t)
	s.GET("/", cachette.Cached(time.Minute), func(c *gin.Context) {
		if c.Writer.Pusher() != nil {
			t.Error("there is a Pusher on HTTP/1.1")
		}
		select {
		case <-c.Writer.CloseNotify():
			t.Error("the client is said to be gone")
		default:
		}
		controller := http.NewResponseController(c.Writer)
		if err := controller.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			t.Error(err)
		}
		if err := controller.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		if c.Writer.Written() || c.Writer.Size() != -1 || c.Writer.Status() != http.StatusOK {
			t.Errorf("at the beginning: %v, %d, %d", c.Writer.Written(), c.Writer.Size(), c.Writer.Status())
		}
		c.String(http.StatusAccepted, "body")
		if !c.Writer.Written() || c.Writer.Size() != 4 || c.Writer.Status() != http.StatusAccepted {
			t.Errorf("at the end: %v, %d, %d", c.Writer.Written(), c.Writer.Size(), c.Writer.Status())
		}
	})
	if a := fetch(t, s.listen(), http.MethodGet, "/"); a.status != http.StatusAccepted || a.body != "body" {
		t.Errorf("%d %q", a.status, a.body)
	}
}

// Over HTTP/2 hits are what they are over HTTP/1.1, and a client that resets its stream leaves nothing behind.
func TestHTTP2(t *testing.T) {
	s := newSite(t)
	handler, runs := counted(func(c *gin.Context) {
		if pusher := c.Writer.Pusher(); pusher == nil {
			t.Error("there is no Pusher on HTTP/2")
		}
		text(strings.Repeat("page ", 10_000), "X-A: 1", "X-A: 2")(c)
	})
	s.GET("/", cachette.Cached(time.Minute), handler)
	server := httptest.NewUnstartedServer(s)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	for i := range 3 {
		response, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.ProtoMajor != 2 || len(body) != 50_000 || len(response.Header["X-A"]) != 2 {
			t.Errorf("answer %d: %s, %d bytes, %v, %v", i, response.Proto, len(body), response.Header["X-A"], err)
		}
	}
	if n := runs.Load(); n != 1 {
		t.Errorf("the handler ran %d times", n)
	}
}
