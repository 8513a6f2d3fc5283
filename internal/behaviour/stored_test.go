package behaviour_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// sameAnswer fails unless two answers agree in status, body and every field but for Age, Cache-Status, Date, and ETag
// where the cache made it.
func sameAnswer(t testing.TB, miss, hit answer) {
	t.Helper()
	if hit.status != miss.status || hit.body != miss.body {
		t.Errorf("the miss is %d %.80q, the hit %d %.80q", miss.status, miss.body, hit.status, hit.body)
	}
	a, b := miss.header.Clone(), hit.header.Clone()
	if len(a["Etag"]) == 0 {
		delete(b, "Etag")
	}
	for _, h := range []http.Header{a, b} {
		delete(h, "Age")
		delete(h, "Cache-Status")
		delete(h, "Date") // net/http adds one to a miss, which may be a second later than the cache's
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("the miss has %v, the hit %v", a, b)
	}
}

// A hit is the miss that it replaces: status, every value of every field, body. What net/http adds is the same, too, for
// it is given the same.
func TestHitEqualsMiss(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	if err := os.WriteFile(page, []byte("<p>from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("large ", 50_000)
	forAll := []cachette.Option{cachette.WithStatusTTL(http.StatusFound, time.Minute), cachette.WithSetCookie(),
		cachette.WithStatusTTL(http.StatusNotFound, time.Minute), cachette.WithStatusTTL(http.StatusTeapot, time.Minute)}
	for _, row := range []struct {
		name    string
		handler gin.HandlerFunc
	}{
		{"string", func(c *gin.Context) { c.String(http.StatusOK, "text") }},
		{"JSON", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"a": 1}) }},
		{"indented JSON", func(c *gin.Context) { c.IndentedJSON(http.StatusOK, gin.H{"a": 1}) }},
		{"XML", func(c *gin.Context) { c.XML(http.StatusOK, []int{1, 2}) }},
		{"YAML", func(c *gin.Context) { c.YAML(http.StatusTeapot, gin.H{"a": 1}) }},
		{"data", func(c *gin.Context) { c.Data(http.StatusOK, "image/x", []byte{0, 1, 255, '\n', '\r'}) }},
		{"data with no type", func(c *gin.Context) { _, _ = c.Writer.Write([]byte("<html>")) }},
		{"data from a reader", func(c *gin.Context) {
			c.DataFromReader(http.StatusOK, 4, "a/b", strings.NewReader("four"), map[string]string{"X-One": "1"})
		}},
		{"data from a reader without length", func(c *gin.Context) {
			c.DataFromReader(http.StatusOK, -1, "a/b", strings.NewReader("some"), nil)
		}},
		{"several writes", func(c *gin.Context) {
			_, _ = c.Writer.WriteString("one, ")
			_, _ = c.Writer.Write([]byte("two, "))
			_, _ = io.WriteString(c.Writer, "three, ")
			_, _ = fmt.Fprintf(c.Writer, "%d", 4)
		}},
		{"a status, then writes", func(c *gin.Context) {
			c.Status(http.StatusTeapot)
			_, _ = c.Writer.WriteString("tea")
		}},
		{"WriteHeader twice", func(c *gin.Context) {
			c.Writer.WriteHeader(http.StatusNotFound)
			c.Writer.WriteHeader(http.StatusTeapot)
			_, _ = c.Writer.WriteString("tea")
		}},
		{"WriteHeaderNow", func(c *gin.Context) {
			c.Header("X-One", "1")
			c.Writer.WriteHeaderNow()
			_, _ = c.Writer.WriteString("body")
		}},
		{"a field set behind the header", func(c *gin.Context) {
			c.Header("X-One", "1")
			c.String(http.StatusOK, "body")
			c.Header("X-One", "2")
			c.Header("X-Late", "1")
		}},
		{"flushes", func(c *gin.Context) {
			c.Header("Content-Type", "text/plain")
			c.Writer.Flush()
			_, _ = c.Writer.WriteString("one ")
			c.Writer.Flush()
			_, _ = c.Writer.WriteString("two")
		}},
		{"flushes of a ResponseController", func(c *gin.Context) {
			c.Header("Content-Type", "text/plain")
			_, _ = c.Writer.WriteString("one ")
			if err := http.NewResponseController(c.Writer).Flush(); err != nil {
				t.Error(err)
			}
			_, _ = c.Writer.WriteString("two")
		}},
		{"a stream that ends", func(c *gin.Context) {
			c.Header("Content-Type", "text/plain")
			n := 0
			c.Stream(func(w io.Writer) bool { n++; _, _ = fmt.Fprintf(w, "%d", n); return n < 5 })
		}},
		{"large", func(c *gin.Context) { c.String(http.StatusOK, large) }},
		{"large, with its length", func(c *gin.Context) {
			c.Header("Content-Length", strconv.Itoa(len(large)))
			c.String(http.StatusOK, large)
		}},
		{"empty", func(c *gin.Context) { c.String(http.StatusOK, "") }},
		{"no content", func(c *gin.Context) { c.Status(http.StatusNoContent) }},
		{"no content, at once", func(c *gin.Context) { c.AbortWithStatus(http.StatusNotFound) }},
		{"JSON where no content is allowed", func(c *gin.Context) { c.JSON(http.StatusNoContent, gin.H{}) }},
		{"redirect, 301", func(c *gin.Context) { c.Redirect(http.StatusMovedPermanently, "/there?a=1&b=<2>") }},
		{"redirect, 302", func(c *gin.Context) { c.Redirect(http.StatusFound, "there") }},
		{"file", func(c *gin.Context) { c.File(page) }},
		{"file of a file system", func(c *gin.Context) { c.FileFromFS("page.html", gin.Dir(dir, false)) }},
		{"attachment", func(c *gin.Context) { c.FileAttachment(page, "ü.html") }},
		{"no such file", func(c *gin.Context) { c.File(filepath.Join(dir, "none")) }},
		{"many values", func(c *gin.Context) {
			h := c.Writer.Header()
			h["Link"] = []string{"<a>; rel=next", "<b>; rel=prev"}
			h["Vary"] = []string{"Accept", "Accept-Language, X-Y"}
			h["Set-Cookie"] = []string{"a=1; Path=/", "b=2; HttpOnly", "a=1; Path=/"}
			h["X-Empty"] = []string{""}
			h["Warning"] = []string{`199 - "one"`, `199 - "two"`}
			c.String(http.StatusOK, "body")
		}},
		{"fields of the cache's own concern", func(c *gin.Context) {
			c.Header("Cache-Control", `max-age=60, must-revalidate, x="y, z"`)
			c.Header("CDN-Cache-Control", "max-age=90")
			c.Header("Expires", "Thu, 01 Jan 2054 00:00:00 GMT")
			c.Header("Last-Modified", "Thu, 01 Jan 2004 00:00:00 GMT")
			c.Header("ETag", `W/"weak"`)
			c.Header("Date", time.Now().UTC().Format(http.TimeFormat))
			c.String(http.StatusOK, "body")
		}},
		{"content coding of its own", func(c *gin.Context) {
			c.Header("Content-Encoding", "br")
			c.Header("Vary", "Accept-Encoding")
			c.Data(http.StatusOK, "text/plain", []byte{1, 2, 3})
		}},
		{"a name that is not canonical", func(c *gin.Context) {
			c.Writer.Header()["x-lower"] = []string{"1"}
			c.String(http.StatusOK, "body")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				handler, runs := counted(row.handler)
				ended := make(chan struct{}, 1) // a client may have all of a response before its chain is through
				s.GET("/", func(c *gin.Context) {
					c.Next()
					ended <- struct{}{}
				}, cachette.Cached(time.Minute, forAll...), handler)
				server := s.listen()
				var answers []answer
				for range 3 {
					answers = append(answers, fetch(t, server, http.MethodGet, "/"))
					await(t, "the end of the chain", ended)
				}
				miss, hit, again := answers[0], answers[1], answers[2]
				if miss.hit() || !hit.hit() || !again.hit() || runs.Load() != 1 {
					t.Fatalf("%q, %q, %q after %d runs", miss.cacheStatus(), hit.cacheStatus(), again.cacheStatus(), runs.Load())
				}
				// net/http gives a short answer its length (RFC 9112 §6) unless the handler flushes, which a hit does not.
				if len(miss.header["Content-Length"]) == 0 {
					delete(hit.header, "Content-Length")
					delete(again.header, "Content-Length")
				}
				sameAnswer(t, miss, hit)
				sameAnswer(t, miss, again)
			})
		})
	}
}

// Fields that concern a connection, or that a directive names, are not part of a stored response (RFC 9111 §3.1).
func TestFieldsNotStored(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		s.GET("/", cachette.Cached(time.Minute), text("body", "Connection: X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5",
			"Proxy-Authenticate: Basic", "Upgrade: h2c", "Te: trailers", "X-End: 1", "Age: 5",
			`Cache-Control: max-age=3600000000, private="X-Mine", no-cache="X-Checked, Set-Cookie"`, "X-Mine: 1", "X-Checked: 1",
			"Set-Cookie: a=1", "Date: Thu, 01 Jan 2026 00:00:00 GMT"))
		miss, hit := s.get("/"), s.get("/")
		if !hit.hit() || hit.body != "body" {
			t.Fatalf("%q: %q", hit.cacheStatus(), hit.body)
		}
		for _, name := range []string{"Connection", "X-Hop", "Keep-Alive", "Proxy-Authenticate", "Upgrade", "Te", "X-Mine",
			"X-Checked", "Set-Cookie"} {
			if len(miss.header[name]) == 0 || len(hit.header[name]) > 0 {
				t.Errorf("%s: %q on the miss, %q on the hit", name, miss.header[name], hit.header[name])
			}
		}
		if hit.header.Get("X-End") != "1" {
			t.Errorf("X-End: %q", hit.header["X-End"])
		}
		if date := hit.header["Date"]; !reflect.DeepEqual(date, miss.header["Date"]) { // RFC 9110 §6.6.1
			t.Errorf("Date: %q", date)
		}
		if age := hit.header["Age"]; len(age) != 1 || len(age[0]) < 2 { // it is as old as its Date says
			t.Errorf("Age: %q", age)
		}
	})
}

// What is stored is a copy: nothing that anybody does to the header or the body afterwards changes it.
func TestStoredIsACopy(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		body := []byte("body")
		var handlers http.Header
		s.GET("/", func(c *gin.Context) {
			c.Next()
			c.Writer.Header().Set("X-One", "outside") // on hits, too
			c.Writer.Header().Add("X-Many", "outside")
			c.Writer.Header().Del("X-Two")
		}, cachette.Cached(time.Minute), func(c *gin.Context) {
			handlers = c.Writer.Header()
			handlers["X-One"] = []string{"1"}
			handlers["X-Two"] = []string{"2"}
			handlers["X-Many"] = []string{"a", "b"}
			c.Data(http.StatusOK, "text/plain", body)
			body[0] = 'X'
			handlers["X-Many"][0] = "X"
			handlers["X-One"][0] = "X"
		})
		s.get("/")
		handlers.Set("X-One", "Y")
		clear(handlers)
		for i := range 3 {
			a := s.get("/")
			if !a.hit() || a.body != "body" || a.header.Get("X-One") != "1" || a.header.Get("X-Two") != "2" ||
				!reflect.DeepEqual(a.header["X-Many"], []string{"a", "b"}) {
				t.Errorf("hit %d: %q %v", i, a.body, a.header)
			}
		}
	})
}
