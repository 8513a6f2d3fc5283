package behaviour_test

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// send sends a request with content through the engine. fields are lines such as "Content-Type: text/plain".
func (s *site) send(method, target, content string, fields ...string) answer {
	s.t.Helper()
	return s.sendBody(method, target, strings.NewReader(content), fields...)
}

// sendBody does what send does, with a body of another kind.
func (s *site) sendBody(method, target string, body io.Reader, fields ...string) answer {
	s.t.Helper()
	r := httptest.NewRequest(method, target, body)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ":")
		r.Header.Add(name, strings.TrimSpace(value))
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	s.settle()
	return answer{status: w.Code, header: w.Result().Header, body: w.Body.String()}
}

// echo answers with what a handler can see of the content of its request, of a long one with the beginning and a digest.
func echo(c *gin.Context) {
	content, err := io.ReadAll(c.Request.Body)
	c.String(http.StatusOK, "%s %.40q of %d, declared %d %q, by %q, a digest of %x, then %v", c.Request.Method, content, len(content), c.Request.ContentLength,
		c.Request.TransferEncoding, c.Request.Header["Content-Type"], sha256.Sum256(content), err)
}

// query mounts a handler for QUERY, and by WithBodyKey for POST.
func (s *site) query(path string, ttl time.Duration, handler gin.HandlerFunc, opts ...cachette.Option) {
	s.Handle("QUERY", path, cachette.Cached(ttl, opts...), handler)
	s.POST(path, cachette.Cached(ttl, append(opts, cachette.WithBodyKey())...), handler)
}

// Each content has a result of its own, by each method, and none has that of a GET.
func TestQuery(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.query("/search", time.Minute, echo)
		s.GET("/search", cachette.Cached(time.Minute), echo)
		seen := make(map[string]bool)
		for _, method := range []string{"GET", "QUERY", "POST"} {
			for _, content := range []string{"", "a", "b", "a ", strings.Repeat("a", 1<<20)} {
				if method == "GET" && content != "" {
					continue
				}
				for _, kind := range []string{"text/plain", "application/json"} {
					if method == "GET" && kind != "text/plain" {
						continue
					}
					first := s.send(method, "/search", content, "Content-Type: "+kind)
					second := s.send(method, "/search", content, "Content-Type: "+kind)
					if first.cacheStatus() != "cachette; fwd=uri-miss; stored" || !second.hit() || first.body != second.body || seen[first.body] {
						t.Errorf("%s of %d bytes of %s: %.80q (%s), %.80q (%s)", method, len(content), kind, first.body, first.cacheStatus(), second.body, second.cacheStatus())
					}
					seen[first.body] = true
				}
			}
		}
	})
}

// askedFor is a request of a row, and what is to be seen of its answer.
type askedFor struct {
	method  string // QUERY unless given
	target  string // /q unless given
	content string
	fields  []string // beside a Content-Type
	status  int      // 200 unless given
	said    string   // what Cache-Status begins with, behind "cachette; "; "hit" unless given
	body    string   // of which the answer's has this; nothing for any
	header  string   // a line of the answer's header; nothing for any
}

const missed, passed = "fwd=uri-miss; stored", "fwd=uri-miss"

// RFC 10008, sentence by sentence, as far as it concerns a server with a cache.
func TestQueryByTheRFC(t *testing.T) {
	result := text("result")
	for _, row := range []struct {
		section, says string
		handler       gin.HandlerFunc
		asks          []askedFor
	}{
		{"2", "the content of the request and its media type define the query", echo, []askedFor{
			{content: "a", said: missed, body: `"a"`}, {content: "b", said: missed, body: `"b"`}, {content: "a", body: `"a"`},
			{content: "a", fields: []string{"Content-Type: application/sql"}, said: missed, body: "application/sql"},
		}},
		{"2", "servers MUST fail the request if the Content-Type is missing: that is the handler's, and what it answers is not kept", func(c *gin.Context) {
			if c.GetHeader("Content-Type") == "" {
				c.String(http.StatusBadRequest, "of no type")
				return
			}
			result(c)
		}, []askedFor{
			{content: "a", said: missed}, {content: "a", fields: []string{"Content-Type:"}, status: 400, said: passed, body: "of no type"},
			{content: "a", fields: []string{"Content-Type:"}, status: 400, said: passed}, {content: "a"},
		}},
		{"2", "the target URI's query part takes part in identifying the resource", echo, []askedFor{
			{content: "a", target: "/q?x=1", said: missed}, {content: "a", target: "/q?x=2", said: missed}, {content: "a", target: "/q", said: missed},
			{content: "a", target: "/q?x=1"},
		}},
		{"2", "QUERY requests are safe: one invalidates nothing", result, []askedFor{
			{method: "GET", said: missed}, {content: "a", said: missed}, {content: "b", said: missed}, {method: "GET"}, {content: "a"},
		}},
		{"2", "this does not prevent the server from creating additional resources: nor do they invalidate", text("result", "Location: /q", "Content-Location: /q/1"), []askedFor{
			{method: "GET", said: missed}, {content: "a", said: missed, header: "Location: /q"}, {method: "GET"}, {content: "a", header: "Content-Location: /q/1"},
		}},
		{"2", "a 200 says that the results are the content of the response", result, []askedFor{{content: "a", said: missed, body: "result"}, {content: "a", body: "result"}}},
		{"2.1", "a problem with requests where content and metadata are inconsistent MUST be rejected with a 4xx: each field has results of its own", echo, []askedFor{
			{content: "a", fields: []string{"Content-Encoding: gzip"}, said: missed}, {content: "a", said: missed},
			{content: "a", fields: []string{"Content-Encoding: gzip"}}, {content: "a", fields: []string{"Content-Language: de"}, said: missed},
			{content: "a", fields: []string{"Content-Digest: sha-256=:AA==:"}, said: missed}, {content: "a"},
		}},
		{"2.1", "415 where the media type is not supported; Accept-Query informs the client", func(c *gin.Context) {
			c.Header("Accept-Query", `"application/sql"`)
			c.Status(http.StatusUnsupportedMediaType)
		}, []askedFor{{content: "a", status: 415, said: passed, header: `Accept-Query: "application/sql"`}, {content: "a", status: 415, said: passed}}},
		{"2.1", "400 where it is inconsistent with the content", func(c *gin.Context) { c.Status(http.StatusBadRequest) }, []askedFor{
			{content: "a", status: 400, said: passed}, {content: "a", status: 400, said: passed}}},
		{"2.1", "422 where the query cannot be processed", func(c *gin.Context) { c.Status(http.StatusUnprocessableEntity) }, []askedFor{
			{content: "a", status: 422, said: passed}, {content: "a", status: 422, said: passed}}},
		{"2.1", "one that says for how long it is fresh is kept (RFC 9111 §3)", func(c *gin.Context) {
			c.Header("Cache-Control", "max-age=60")
			c.Status(http.StatusUnprocessableEntity)
		}, []askedFor{{content: "a", status: 422, said: missed}, {content: "a", status: 422}}},
		{"2.1", "406 where the response media type is not supported; what Accept selects is told apart by Vary", func(c *gin.Context) {
			c.Header("Vary", "Accept")
			if c.GetHeader("Accept") == "text/csv" {
				c.String(http.StatusNotAcceptable, "no csv")
				return
			}
			c.String(http.StatusOK, "for %s", c.GetHeader("Accept"))
		}, []askedFor{
			{content: "a", fields: []string{"Accept: text/plain"}, said: missed, body: "for text/plain"},
			{content: "a", fields: []string{"Accept: text/csv"}, status: 406, said: "fwd=vary-miss"},
			{content: "a", fields: []string{"Accept: text/html"}, said: "fwd=vary-miss; stored", body: "for text/html"},
			{content: "a", fields: []string{"Accept: text/plain"}, body: "for text/plain"},
			{content: "b", fields: []string{"Accept: text/plain"}, said: missed},
		}},
		{"2.2", "the equivalent resource responds to GET, and takes content and metadata into account: it is another one", echo, []askedFor{
			{content: "", said: missed, body: "QUERY"}, {method: "GET", said: missed, body: "GET"}, {content: "", body: "QUERY"}, {method: "GET", body: "GET"},
			{content: "a", said: missed, body: "QUERY"},
		}},
		{"2.3", "a client can send a GET for the Content-Location: the cache asks the handler for that", text("result", "Content-Location: /q"), []askedFor{
			{content: "a", said: missed, header: "Content-Location: /q"}, {content: "a", header: "Content-Location: /q"}, {method: "GET", said: missed},
		}},
		{"2.4", "a server can assign a URI to the equivalent resource, in the Location of the 2xx response", text("result", "Location: /stored/1"), []askedFor{
			{content: "a", said: missed, header: "Location: /stored/1"}, {content: "a", header: "Location: /stored/1"},
		}},
		{"2.5", "301 and 308: the target resource has moved permanently", moved(http.StatusPermanentRedirect), []askedFor{
			{content: "a", status: 308, said: missed, header: "Location: /elsewhere"}, {content: "a", status: 308, header: "Location: /elsewhere"},
			{content: "b", status: 308, said: missed},
		}},
		{"2.5", "302 and 307: it has moved for a while", moved(http.StatusTemporaryRedirect), []askedFor{
			{content: "a", status: 307, said: passed, header: "Location: /elsewhere"}, {content: "a", status: 307, said: passed},
		}},
		{"2.5", "303: the query can be accomplished by a GET; it is not kept unless it says so (RFC 9110 §15.4.4)", moved(http.StatusSeeOther), []askedFor{
			{content: "a", status: 303, said: passed, header: "Location: /elsewhere"}, {content: "a", status: 303, said: passed},
		}},
		{"2.6", "a conditional QUERY requests that the results be returned only under the circumstances (If-None-Match)", text("result", `ETag: "v"`), []askedFor{
			{content: "a", said: missed}, {content: "a", fields: []string{`If-None-Match: "v"`}, status: 304}, {content: "a", fields: []string{`If-None-Match: "w"`}, body: "result"},
			{content: "b", fields: []string{`If-None-Match: "v"`}, status: 304, said: missed}, {content: "b", body: "result"},
		}},
		{"2.6", "If-Modified-Since", text("result", "Last-Modified: Sun, 01 Nov 2026 00:00:00 GMT"), []askedFor{
			{content: "a", said: missed}, {content: "a", fields: []string{"If-Modified-Since: Sun, 01 Nov 2026 00:00:00 GMT"}, status: 304},
			{content: "a", fields: []string{"If-Modified-Since: Sat, 31 Oct 2026 00:00:00 GMT"}, body: "result"},
		}},
		{"2.6", "If-Match is the handler's (RFC 9111 §4.3.2)", result, []askedFor{{content: "a", said: missed}, {content: "a", fields: []string{"If-Match: *"}, said: "fwd=bypass; detail=precondition"}}},
		{"2.7", "the response to a QUERY is cacheable; a cache MAY use it to satisfy subsequent QUERY requests", result, []askedFor{{content: "a", said: missed}, {content: "a"}}},
		{"2.7", "… as per RFC 9111 §4: no-store", text("result", "Cache-Control: no-store"), []askedFor{{content: "a", said: passed}, {content: "a", said: passed}}},
		{"2.7", "… private", text("result", "Cache-Control: private"), []askedFor{{content: "a", said: passed}, {content: "a", said: passed}}},
		{"2.7", "… a request with Authorization (§3.5)", result, []askedFor{{content: "a", fields: []string{"Authorization: x"}, said: passed}, {content: "a", said: missed}}},
		{"2.7", "… the request's no-cache (§5.2.1.4)", result, []askedFor{{content: "a", said: missed}, {content: "a", fields: []string{"Cache-Control: no-cache"}, said: "fwd=request; stored"}, {content: "a"}}},
		{"2.7", "… the request's only-if-cached (§5.2.1.7)", result, []askedFor{{content: "a", fields: []string{"Cache-Control: only-if-cached"}, status: 504, said: "detail=only-if-cached"}, {content: "a", said: missed},
			{content: "a", fields: []string{"Cache-Control: only-if-cached"}}}},
		{"2.7", "the cache key MUST incorporate the request content and related metadata", echo, []askedFor{
			{content: `{"a":1}`, said: missed}, {content: `{"a": 1}`, said: missed}, {content: `{"a":1}`}, {content: `{"a": 1}`},
		}},
		{"2.7", "no transformation (no-transform) is what is done anyway", echo, []askedFor{
			{content: `{"a":1}`, said: missed}, {content: `{"a":1}`, fields: []string{"Cache-Control: no-transform"}}, {content: ` {"a":1}`, fields: []string{"Cache-Control: no-transform"}, said: missed}}},
		{"2.8", "the semantics of range requests are identical to those for GET", result, []askedFor{
			{content: "a", said: missed}, {content: "a", fields: []string{"Range: bytes=1-2"}, status: 206, body: "es", header: "Content-Range: bytes 1-2/6"},
			{content: "b", fields: []string{"Range: bytes=1-2"}, said: missed, body: "result"}, {content: "b", fields: []string{"Range: bytes=9-"}, status: 416},
		}},
		{"3", "Accept-Query applies to every URI with the path: the cache passes it on", text("result", `Accept-Query: "a/b", c/*`), []askedFor{
			{content: "a", said: missed, header: `Accept-Query: "a/b", c/*`}, {content: "a", header: `Accept-Query: "a/b", c/*`}}},
		{"4", "content that is normalised otherwise than the resource does could return an incorrect response: nothing is", echo, []askedFor{
			{content: "a", said: missed}, {content: "A", said: missed}, {content: "a\n", said: missed}, {content: "a", fields: []string{"Content-Type: TEXT/plain"}, said: missed}, {content: "a"}}},
	} {
		t.Run(row.section+" "+row.says, func(t *testing.T) {
			s := newSite(t)
			for _, method := range []string{"QUERY", http.MethodGet} {
				s.Handle(method, "/q", cachette.Cached(time.Minute), row.handler)
			}
			for i, one := range row.asks {
				s.asks(t, i, one)
			}
		})
	}
}

// moved returns a handler that redirects.
func moved(status int) gin.HandlerFunc {
	return func(c *gin.Context) { c.Redirect(status, "/elsewhere") }
}

// asks sends a request of a row, and looks at its answer.
func (s *site) asks(t *testing.T, i int, ask askedFor) {
	t.Helper()
	or := func(text, unless string) string {
		if text == "" {
			return unless
		}
		return text
	}
	fields := append([]string{"Content-Type: text/plain"}, ask.fields...)
	if len(ask.fields) > 0 && strings.HasPrefix(ask.fields[0], "Content-Type:") {
		fields = ask.fields
		if ask.fields[0] == "Content-Type:" {
			fields = ask.fields[1:]
		}
	}
	a := s.send(or(ask.method, "QUERY"), or(ask.target, "/q"), ask.content, fields...)
	status := ask.status
	if status == 0 {
		status = http.StatusOK
	}
	name, value, _ := strings.Cut(ask.header, ": ")
	if said := "cachette; " + or(ask.said, "hit"); a.status != status || !strings.HasPrefix(a.cacheStatus(), said) || said == "cachette; "+passed && strings.Contains(a.cacheStatus(), "stored") ||
		!strings.Contains(a.body, ask.body) || ask.header != "" && a.header.Get(name) != value {
		t.Errorf("request %d is answered with %d %q (%s) %v, want %+v", i, a.status, a.body, a.cacheStatus(), a.header, ask)
	}
}

// Explain tells of the result for the content that a request has, and leaves that as it was.
func TestExplainQuery(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.query("/search", time.Minute, echo)
		for _, method := range []string{"QUERY", http.MethodPost} {
			s.send(method, "/search", "before") // of a POST, the first one tells that it only reads
			s.send(method, "/search", "content")
			for content, outcome := range map[string]string{"content": "hit", "another": "miss"} {
				r := httptest.NewRequest(method, "/search", strings.NewReader(content))
				x, err := s.cache.Explain(t.Context(), r)
				if err != nil || x.Outcome != outcome || x.Parts == nil || !x.Parts.Content {
					t.Errorf("%s of %s: %+v, %v", method, content, x, err)
				}
				if left, err := io.ReadAll(r.Body); string(left) != content || err != nil {
					t.Errorf("%s: %q is left of %q, %v", method, left, content, err)
				}
			}
		}
	})
}

// A POST that only reads invalidates nothing, also where something before Cached answers it, once it is known what its route does.
func TestPostThatOnlyReadsInvalidatesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/search", cachette.Cached(time.Minute), echo)
		s.POST("/search", func(c *gin.Context) {
			if c.GetHeader("X-Guard") != "" {
				c.AbortWithStatus(http.StatusOK)
			}
		}, cachette.Cached(time.Minute, cachette.WithBodyKey(), cachette.WithSkip(func(c *gin.Context) bool { return c.GetHeader("X-Skip") != "" })), echo)
		s.send(http.MethodPost, "/search", "before")
		s.get("/search")
		s.send(http.MethodPost, "/search", "content")
		s.send(http.MethodPost, "/search", "content")
		s.send(http.MethodPost, "/search", "content", "X-Guard: yes")
		s.send(http.MethodPost, "/search", "content", "X-Skip: yes")
		if !s.get("/search").hit() {
			t.Error("a POST that only reads has dropped the page of its URL")
		}
		if !s.send(http.MethodPost, "/search", "content").hit() {
			t.Error("a POST that only reads has dropped the result of another")
		}
	})
}
