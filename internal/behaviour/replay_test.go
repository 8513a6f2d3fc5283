package behaviour_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// edit changes all values of a header where they are, and writes behind them.
func edit(h http.Header) {
	for _, values := range h {
		for i := range values {
			values[i] += " edited"
		}
		_ = append(values, "more")
	}
}

// Values that an answer has in its header are its own: middleware outside that edits them in place changes no other answer, and
// a handler that edits the preconditions that it is asked to confirm changes nothing that is stored.
func TestFieldsEditedInPlace(t *testing.T) {
	const modified = "Thu, 02 Jan 2020 00:00:00 GMT"
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		outside := func(c *gin.Context) {
			h := c.Writer.Header()
			h.Add("Vary", "X-Outside")
			h.Add("Cache-Status", "outside")
			c.Next()
			edit(h) // the client has its copy by now
		}
		handler := func(c *gin.Context) {
			if c.GetHeader("If-Modified-Since") != "" {
				edit(c.Request.Header)
				c.Status(http.StatusNotModified)
				return
			}
			c.Header("Last-Modified", modified)
			c.Writer.Header().Add("Vary", "X-Inside")
			c.Writer.Header()["Link"] = []string{"<a>", "<b>"}
			c.Header("Content-Type", "text/plain") // gin's own values are in a slice for all
			c.String(http.StatusOK, "body")
		}
		s.GET("/others", outside, cachette.Cached(time.Minute), handler)
		s.GET("/alone", func(c *gin.Context) { c.Next(); edit(c.Writer.Header()) }, cachette.Cached(time.Minute), handler)
		for _, path := range []string{"/others", "/alone"} {
			for _, row := range []struct {
				query, field string
				status       int
			}{
				{"", "X-A: 1", http.StatusOK}, // two misses of which there is nothing else to say
				{"?b", "X-A: 1", http.StatusOK},
				{"", "X-A: 1", http.StatusOK},
				{"", "X-A: 1", http.StatusOK},
				{"", "Range: bytes=1-2", http.StatusPartialContent},
				{"", "Range: bytes=1-2", http.StatusPartialContent},
				{"", "If-Modified-Since: " + modified, http.StatusNotModified},
				{"", "If-Modified-Since: " + modified, http.StatusNotModified},
				{"", "Cache-Control: no-cache", http.StatusOK}, // confirmed by the handler
				{"", "X-A: 1", http.StatusOK},
			} {
				a := s.get(path+row.query, row.field)
				want := http.Header{"Last-Modified": {modified}, "Link": {"<a>", "<b>"}, "Vary": {"X-Inside"}}
				members := 1
				if path == "/others" {
					want["Vary"] = []string{"X-Outside", "X-Inside"}
					members = 2
				}
				for name, values := range want {
					if !reflect.DeepEqual(a.header[name], values) {
						t.Errorf("%s%s %q: %s is %q, want %q", path, row.query, row.field, name, a.header[name], values)
					}
				}
				for name, values := range a.header {
					if slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, "edited") }) {
						t.Errorf("%s%s %q: %s is %q", path, row.query, row.field, name, values)
					}
				}
				if a.status != row.status || len(a.header["Cache-Status"]) != members || len(a.header["Age"]) > 1 {
					t.Errorf("%s%s %q: %d %v", path, row.query, row.field, a.status, a.header)
				}
			}
		}
	})
}

// sent returns what a server sends on a connection of its own, to the last byte: status line, fields and content, with the
// chunks that the content comes in.
func sent(t testing.TB, server *httptest.Server, method, path, proto string) string {
	t.Helper()
	_, r := dial(t, server, method+" "+path+" "+proto+"\r\nHost: h\r\nConnection: close\r\n\r\n")
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

// settled returns what was sent without the fields in which a hit may differ from the miss that it replaces: Age,
// Cache-Status, the cache's own ETag, Date, which may be a second later, and where its chunks end (RFC 9112 §7.1). hit tells whether it
// is one.
func settled(all string) (rest string, hit bool) {
	head, content, _ := strings.Cut(all, "\r\n\r\n")
	var kept []string
	for _, line := range strings.Split(head, "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "Age", "Date", "Etag":
		case "Cache-Status":
			hit = strings.HasPrefix(value, "cachette; hit")
		case "Transfer-Encoding":
			all, err := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(content)))
			content = fmt.Sprintf("%s (in chunks, %v)", all, err)
			kept = append(kept, line)
		default:
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\r\n") + "\r\n\r\n" + content, hit
}

// What the handler of wired answers, by the parts of its path.
var (
	wiredStatuses = []int{http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusNoContent, http.StatusMovedPermanently,
		http.StatusNotFound, http.StatusServiceUnavailable}
	wiredBodies = map[string]string{
		"bare":  "", // nothing written, not even the header
		"empty": "",
		"short": "<html>short",
		"full":  strings.Repeat("x", 2048), // what net/http holds back to see whether more comes
		"large": "<?xml?>" + strings.Repeat("large ", 5000),
	}
	wiredFields = map[string]func(http.Header){
		"set":   func(h http.Header) { h.Set("Content-Type", "a/b") },
		"unset": func(http.Header) {},
		"nil":   func(h http.Header) { h["Content-Type"] = nil }, // net/http then looks for none
		"empty": func(h http.Header) { h.Set("Content-Type", "") },
		"coded": func(h http.Header) { h.Set("Content-Encoding", "br") },
		"exact": func(h http.Header) { h.Set("X-Content-Type-Options", "nosniff") },
	}
)

// wired answers as the path says: its status, what it writes, whether it declares the length, and its fields.
func wired(c *gin.Context) {
	body := wiredBodies[c.Param("body")]
	wiredFields[c.Param("fields")](c.Writer.Header())
	if c.Param("length") == "declared" {
		c.Header("Content-Length", strconv.Itoa(len(body)))
	}
	status, _ := strconv.Atoi(c.Param("status"))
	c.Status(status)
	if c.Param("body") != "bare" {
		c.Writer.WriteHeaderNow()
	}
	if body != "" {
		_, _ = c.Writer.Write([]byte(body))
	}
}

// wiredPaths returns all paths that wired answers.
func wiredPaths() (paths []string) {
	for _, status := range wiredStatuses {
		for body, content := range wiredBodies {
			if status == http.StatusNoContent && content != "" {
				continue
			}
			for _, length := range []string{"declared", "undeclared"} {
				for fields := range wiredFields {
					paths = append(paths, fmt.Sprintf("/%d/%s/%s/%s/", status, body, length, fields))
				}
			}
		}
	}
	slices.Sort(paths) // those of maps come in any order
	return paths
}

// A hit is the miss that it replaces on the wire too, byte for byte, for GET and for HEAD: net/http tells the end of the content
// (RFC 9112 §6), its length (RFC 9110 §8.6) and its type (§8.3) from what it is given, and it is given the same.
func TestHitEqualsMissOnTheWire(t *testing.T) {
	var options []cachette.Option
	for _, status := range wiredStatuses {
		options = append(options, cachette.WithStatusTTL(status, time.Minute))
	}
	servers := make([]*httptest.Server, len(stores))
	for i, kind := range stores {
		s := newSite(t, kind.use)
		const route = "/:status/:body/:length/:fields/*protocol"
		s.GET(route, cachette.Cached(time.Minute, options...), wired)
		s.HEAD(route, cachette.Cached(time.Minute, options...), wired)
		servers[i] = s.listen()
	}
	paths, protocols := wiredPaths(), []string{"HTTP/1.0", "HTTP/1.1"}
	eachPair(t, func(t *testing.T, where []int) {
		path, protocol, server := paths[where[0]], protocols[where[1]], servers[where[2]]
		var misses [2]string
		for i := range 4 {
			method := []string{"HEAD", "GET"}[i%2]
			got, hit := settled(sent(t, server, method, path+protocol, protocol))
			if hit != (i > 1) {
				t.Errorf("answer %d to %s is a hit: %v", i, method, hit)
			}
			if i < 2 {
				misses[i] = got
			} else if got != misses[i%2] {
				t.Errorf("%s: the miss is\n%.200q, the hit\n%.200q", method, misses[i%2], got)
			}
		}
	}, paths, protocols, named(stores))
}

// changing is a writer of a middleware that changes the content.
type changing struct {
	gin.ResponseWriter
	change func(string) string
}

func (w *changing) Write(b []byte) (int, error) {
	_, err := w.ResponseWriter.Write([]byte(w.change(string(b))))
	return len(b), err
}

func (w *changing) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// Middleware outside that changes the content does so on hits as on misses, for GET and HEAD: the cache declares no length that
// the handler has not (RFC 9110 §8.6).
func TestContentChangedOutside(t *testing.T) {
	changed := func(change func(string) string) gin.HandlerFunc {
		return func(c *gin.Context) { c.Writer = &changing{c.Writer, change} }
	}
	for _, row := range []struct {
		name    string
		outside gin.HandlerFunc
	}{
		{"longer", changed(func(s string) string { return strings.ReplaceAll(s, " ", "  ") })},
		{"shorter", changed(func(s string) string { return strings.ReplaceAll(s, " ", "") })},
		{"nothing left", changed(func(string) string { return "" })},
		{"another type", changed(func(s string) string { return "<html>" + s })},
		{"more behind it", func(c *gin.Context) { c.Next(); _, _ = c.Writer.WriteString(" and more") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				for path, body := range map[string]string{"/short": "a b c", "/large": strings.Repeat("a b c ", 5000), "/empty": ""} {
					handler := func(c *gin.Context) {
						if c.Writer.WriteHeaderNow(); body != "" {
							_, _ = c.Writer.Write([]byte(body))
						}
					}
					s.GET(path, row.outside, cachette.Cached(time.Minute), handler)
					s.HEAD(path, row.outside, cachette.Cached(time.Minute), handler)
				}
				server := s.listen()
				for _, path := range []string{"/short", "/large", "/empty"} {
					var misses [2]string
					for i := range 4 {
						a, hit := settled(sent(t, server, []string{"HEAD", "GET"}[i%2], path, "HTTP/1.1"))
						if hit != (i > 1) {
							t.Errorf("answer %d to %s is a hit: %v", i, path, hit)
						}
						if i < 2 {
							misses[i] = a
						} else if a != misses[i%2] {
							t.Errorf("%s: the miss is\n%.200q, the hit\n%.200q", path, misses[i%2], a)
						}
					}
				}
			})
		})
	}
}

// A hit for HEAD says what one for GET does (RFC 9110 §9.3.2), the type that net/http finds included, over HTTP/2 as well, and
// to what is no server of net/http; that gets no content.
func TestHeadSaysWhatGetSays(t *testing.T) {
	for _, row := range []struct {
		name  string
		set   func(http.Header)
		write string
		kind  []string // Content-Type
	}{
		{"type set", func(h http.Header) { h.Set("Content-Type", "a/b") }, "<html>", []string{"a/b"}},
		{"type found", func(http.Header) {}, "<html>", []string{"text/html; charset=utf-8"}},
		{"type found, which is not to be", func(h http.Header) { h.Set("X-Content-Type-Options", "nosniff") }, "<html>",
			[]string{"text/html; charset=utf-8"}},
		{"type of what is large", func(http.Header) {}, strings.Repeat("text ", 5000), []string{"text/plain; charset=utf-8"}},
		{"type suppressed", func(h http.Header) { h["Content-Type"] = nil }, "<html>", nil},
		{"coded", func(h http.Header) { h.Set("Content-Encoding", "br") }, "<html>", nil},
		{"empty", func(http.Header) {}, "", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler := func(c *gin.Context) {
					row.set(c.Writer.Header())
					_, _ = c.Writer.WriteString(row.write)
				}
				s.GET("/", cachette.Cached(time.Minute), handler)
				s.HEAD("/", cachette.Cached(time.Minute), handler)
				server := httptest.NewUnstartedServer(s)
				server.EnableHTTP2 = true
				server.StartTLS()
				t.Cleanup(server.Close)
				for name, do := range map[string]func(method string) answer{
					"recorder": func(method string) answer { return s.do(method, "/") },
					"HTTP/2": func(method string) answer {
						r, err := http.NewRequest(method, server.URL, nil)
						if err != nil {
							t.Fatal(err)
						}
						response, err := server.Client().Do(r)
						if err != nil {
							t.Fatal(err)
						}
						defer func() { _ = response.Body.Close() }()
						body, err := io.ReadAll(response.Body)
						if err != nil || response.ProtoMajor != 2 {
							t.Fatal(response.Proto, err)
						}
						return answer{response.StatusCode, response.Header, string(body)}
					},
				} {
					do("GET")
					get, head := do("GET"), do("HEAD")
					if !get.hit() || !head.hit() || get.body != row.write || head.body != "" {
						t.Errorf("%s: GET %.40q (%s), HEAD %.40q (%s)", name, get.body, get.cacheStatus(), head.body, head.cacheStatus())
					}
					if kind := head.header["Content-Type"]; name == "HTTP/2" && !slices.Equal(kind, row.kind) {
						t.Errorf("%s: Content-Type %q, want %q", name, kind, row.kind)
					}
					if row.write == "" { // as for a handler, no content may be content that was left out
						delete(get.header, "Content-Length")
					}
					head.body = get.body
					sameAnswer(t, get, head)
				}
			})
		})
	}
}

// The entity tag that the cache makes tells its own copies of a content apart, and no more: it is weak (RFC 9110 §8.8.3.3), so
// what is coded outside has it too, and it resumes no download (§13.1.5). It is made where there is no validator, and
// stands where middleware outside has set none.
func TestMadeTag(t *testing.T) {
	const modified = "Thu, 02 Jan 2020 00:00:00 GMT"
	outer := func(c *gin.Context) { c.Header("ETag", `"outside"`) }
	none := func(*gin.Context) {}
	for _, row := range []struct {
		name    string
		outside gin.HandlerFunc
		fields  []string // of the handler; one without a value is taken away
		tag     string   // of hits; "made" stands for one of the cache's own
	}{
		{"no validator", none, nil, "made"},
		{"an entity tag", none, []string{`ETag: "v1"`}, `"v1"`},
		{"a date", none, []string{"Last-Modified: " + modified}, ""},
		{"both", none, []string{"Last-Modified: " + modified, `ETag: W/"v1"`}, `W/"v1"`},
		{"an entity tag from outside", outer, nil, `"outside"`},
		{"an entity tag from outside, taken away", outer, []string{"ETag:"}, ""},
		{"coded outside", gzipped(true, true), nil, "made"},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				s.GET("/", row.outside, cachette.Cached(time.Minute), func(c *gin.Context) {
					for _, field := range row.fields {
						name, value, _ := strings.Cut(field, ":")
						c.Header(name, strings.TrimSpace(value)) // which deletes what has no value
					}
					c.String(http.StatusOK, strings.Repeat("0123456789", 100))
				})
				s.get("/")
				hit := s.get("/")
				tag := hit.header.Get("Etag")
				if !hit.hit() || len(hit.header["Etag"]) > 1 || tag != row.tag && (row.tag != "made" || !strings.HasPrefix(tag, `W/"`)) {
					t.Fatalf("%s, Etag %q, want %q", hit.cacheStatus(), hit.header["Etag"], row.tag)
				}
				if row.tag != "made" {
					return
				}
				for _, coding := range []string{"gzip", "identity"} {
					accept := "Accept-Encoding: " + coding
					s.get("/", accept) // it may have a variant of its own
					if other := s.get("/", accept); !other.hit() || other.header.Get("Etag") != tag {
						t.Errorf("%s: Etag %q, want %q (%s)", coding, other.header["Etag"], tag, other.cacheStatus())
					}
					for _, have := range []string{tag, tag[2:], `"other", ` + tag} { // §8.8.3.2
						if a := s.get("/", accept, "If-None-Match: "+have); a.status != http.StatusNotModified || !a.hit() {
							t.Errorf("%s, to a client that has %s: %d (%s)", coding, have, a.status, a.cacheStatus())
						}
					}
					for _, have := range []string{tag, tag[2:]} {
						a := s.get("/", accept, "Range: bytes=0-9", "If-Range: "+have)
						if a.status != http.StatusOK || len(plain(t, a)) != 1000 || !a.hit() {
							t.Errorf("%s, the rest of what has %s: %d, %d bytes (%s)", coding, have, a.status, len(a.body), a.cacheStatus())
						}
					}
				}
			})
		})
	}
}
