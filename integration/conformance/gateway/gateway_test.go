package gateway_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/integration/conformance/gateway"
)

// received is a request as the upstream server saw it, its body read.
type received struct {
	*http.Request
	body string
}

// upstream starts a server that reads one request, sends answer as it is and closes, and returns its address.
func upstream(t *testing.T, answer string) (addr string, requests <-chan received) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	seen := make(chan received, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		body, _ := io.ReadAll(request.Body)
		seen <- received{request, string(body)}
		io.WriteString(conn, answer)
	}()
	return listener.Addr().String(), seen
}

// engine makes a gin engine in front of the server at addr. The handler stands where the conformance run has it: behind
// NoRoute, since gin's router refuses some methods.
func engine(addr string) *gin.Engine {
	gin.SetMode(gin.TestMode)
	engine := gin.New()
	engine.Use(func(c *gin.Context) { c.Header("X-Outer", "1") })
	engine.NoRoute(gateway.Forward(addr))
	return engine
}

// serve starts such an engine and returns its URL.
func serve(t *testing.T, addr string) string {
	t.Helper()
	server := httptest.NewServer(engine(addr))
	t.Cleanup(server.Close)
	return server.URL
}

// do sends a request and returns the response and its whole body.
func do(t *testing.T, method, url, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(content)
}

func TestResponseFraming(t *testing.T) {
	const length5 = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
	for _, test := range []struct {
		name, method, answer string
		status               int
		body                 string
	}{
		{"a length", "GET", length5 + "helloand more", 200, "hello"},
		{"the same length twice", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
		{"until close", "GET", "HTTP/1.1 200 OK\r\n\r\nhello", 200, "hello"},
		{"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 200, "hello"},
		{"chunked over a length", "GET",
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello"},
		{"an unknown transfer coding", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: nonsense\r\n\r\nhello", 200, "hello"},
		{"an unknown transfer coding and a length", "GET",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: nonsense\r\nContent-Length: 2\r\n\r\nhello", 200, "hello"},
		{"HEAD", "HEAD", length5, 200, ""},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""},
		{"an empty body", "GET", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, ""},
		{"a method gin has no router for", "M-SEARCH", length5 + "hello", 200, "hello"},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr, _ := upstream(t, test.answer)
			response, body := do(t, test.method, serve(t, addr)+"/x", "")
			if response.StatusCode != test.status || body != test.body {
				t.Errorf("got %d %q, want %d %q", response.StatusCode, body, test.status, test.body)
			}
		})
	}
}

func TestHeadKeepsLength(t *testing.T) {
	addr, _ := upstream(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
	response, _ := do(t, "HEAD", serve(t, addr)+"/x", "")
	if response.ContentLength != 5 {
		t.Errorf("Content-Length is %d, want 5", response.ContentLength)
	}
}

func TestStatus(t *testing.T) {
	for _, line := range []string{"200 OK", "299 Odd", "499 ", "599", "999 304 Not Generated"} {
		t.Run(line, func(t *testing.T) {
			addr, _ := upstream(t, "HTTP/1.1 "+line+"\r\nContent-Length: 0\r\n\r\n")
			response, _ := do(t, "GET", serve(t, addr)+"/x", "")
			if got := response.Status[:3]; got != line[:3] {
				t.Errorf("got %s, want %s", got, line[:3])
			}
		})
	}
}

func TestResponseHeader(t *testing.T) {
	for _, test := range []struct {
		name, field string
		lines       []string // as the server sends them
		want        []string // as the client gets them
	}{
		{"duplicates in order", "Set-Cookie", []string{"b=2", "a=1"}, []string{"b=2", "a=1"}},
		{"an empty value", "X-Empty", []string{""}, []string{""}},
		{"lists are not joined", "Vary", []string{"A, B", "C"}, []string{"A, B", "C"}},
		{"an invalid Date", "Date", []string{"yesterday"}, []string{"yesterday"}},
		{"the hop's close", "Connection", []string{"close"}, nil},
		{"the hop's keep-alive", "Connection", []string{"Keep-Alive"}, nil},
		{"the origin's Connection", "Connection", []string{"a, b"}, []string{"a, b"}},
		{"both", "Connection", []string{"close", "a, b"}, []string{"a, b"}},
		{"framing", "Transfer-Encoding", []string{"nonsense"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := "HTTP/1.1 200 OK\r\n"
			for _, line := range test.lines {
				answer += test.field + ": " + line + "\r\n"
			}
			addr, _ := upstream(t, answer+"\r\n")

			recorder := record(t, addr, httptest.NewRequest("GET", "/x", nil))
			if got := recorder.Header()[test.field]; !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	for _, test := range []struct {
		name, method, target, body string
		chunked                    bool
	}{
		{"GET", "GET", "/a%2Fb/c?x=1%26y=2&x", "", false},
		{"PUT", "PUT", "/config", "hello", false},
		{"an empty PUT", "PUT", "/config", "", false},
		{"a chunked POST", "POST", "/a", "hello", true},
		{"M-SEARCH", "M-SEARCH", "/a", "hello", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr, requests := upstream(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			request, err := http.NewRequest(test.method, serve(t, addr)+test.target, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if test.chunked {
				request.ContentLength = -1
			}
			request.Host = "shop.example"
			request.Header = http.Header{"Foo": {"1", "2"}, "If-None-Match": {`"a"`}, "Expect": {"100-continue"}}
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()

			got := <-requests
			if got.Method != test.method || got.RequestURI != test.target || got.body != test.body {
				t.Errorf("got %s %s %q", got.Method, got.RequestURI, got.body)
			}
			if test.method == "PUT" && got.Header.Get("Content-Length") == "" {
				t.Error("a PUT went without its Content-Length")
			}
			if got.Host != "shop.example" {
				t.Errorf("Host is %q", got.Host)
			}
			if !slices.Equal(got.Header["Foo"], []string{"1", "2"}) || got.Header.Get("If-None-Match") != `"a"` {
				t.Errorf("header is %v", got.Header)
			}
			if !got.Close {
				t.Error("the server was not asked to close the connection")
			}
			if got.Header.Get("Expect") != "" {
				t.Error("Expect went to the server, and nothing waits for its answer")
			}
		})
	}
}

func TestBadGateway(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":                  "",
		"half a head":              "HTTP/1.1 200 OK\r\nFoo: 1\r\n",
		"no HTTP":                  "SSH-2.0-x\r\n\r\n",
		"a status out of range":    "HTTP/1.1 099 Odd\r\n\r\n",
		"a malformed field":        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"a malformed length":       "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
		"contradicting lengths":    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello",
		"a coding left as it is":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"a protocol never asked":   "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"an interim response only": "HTTP/1.1 100 Continue\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			addr, _ := upstream(t, answer)
			response, body := do(t, "GET", serve(t, addr)+"/x", "")
			if response.StatusCode != http.StatusBadGateway || !strings.HasPrefix(body, "Bad Gateway") {
				t.Errorf("got %d %q", response.StatusCode, body)
			}
			if response.Header.Get("Foo") != "" {
				t.Error("a field of the broken response got through")
			}
		})
	}

	t.Run("no server", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := listener.Addr().String()
		listener.Close()
		if response, _ := do(t, "GET", serve(t, addr)+"/x", ""); response.StatusCode != http.StatusBadGateway {
			t.Errorf("got %d", response.StatusCode)
		}
	})
}

// record serves a request on a recorder, which shows a response as the handler left it, before net/http has its say.
func record(t *testing.T, addr string, request *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	engine(addr).ServeHTTP(recorder, request)
	return recorder
}

func TestTruncatedBody(t *testing.T) {
	for name, answer := range map[string]string{
		"by length": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
		"by chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			addr, _ := upstream(t, answer)
			defer func() {
				if recover() != http.ErrAbortHandler {
					t.Error("half a response was taken for a whole one")
				}
			}()
			record(t, addr, httptest.NewRequest("GET", "/x", nil))
		})
	}
}

// TestNothingAdded guards against the body that gin gives a request without a route.
func TestNothingAdded(t *testing.T) {
	addr, _ := upstream(t, "HTTP/1.1 404 Not Found\r\n\r\n")
	recorder := record(t, addr, httptest.NewRequest("GET", "/x", nil))
	if recorder.Code != 404 || recorder.Body.Len() > 0 || recorder.Header().Get("Content-Type") != "" {
		t.Errorf("got %d %v %q", recorder.Code, recorder.Header(), recorder.Body)
	}
}

// TestClientGone would wait for its server, and so for ever, did the handler not leave when its client does.
func TestClientGone(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		http.ReadRequest(bufio.NewReader(conn))
		cancel()
		io.Copy(io.Discard, conn) // until the other side closes
		conn.Close()
	}()
	recorder := record(t, listener.Addr().String(), httptest.NewRequestWithContext(ctx, "GET", "/x", nil))
	if recorder.Code != http.StatusBadGateway {
		t.Errorf("got %d", recorder.Code)
	}
}

func TestInterimResponses(t *testing.T) {
	addr, _ := upstream(t, "HTTP/1.1 100 Continue\r\n\r\n"+
		"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"+
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nFoo: 1\r\n\r\nhello")
	request, err := http.NewRequest("GET", serve(t, addr)+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	var hints []string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
		hints = append(hints, http.StatusText(code)+" "+header.Get("Link")+header.Get("X-Outer"))
		return nil
	}}
	response, err := http.DefaultTransport.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if response.StatusCode != 200 || string(body) != "hello" || err != nil {
		t.Errorf("got %d %q %v", response.StatusCode, body, err)
	}
	if !slices.Equal(hints, []string{"Early Hints </a.css>"}) {
		t.Errorf("interim responses are %q", hints)
	}
	if response.Header.Get("Foo") != "1" || response.Header.Get("X-Outer") != "1" || response.Header.Get("Link") != "" {
		t.Errorf("header is %v", response.Header)
	}
}
