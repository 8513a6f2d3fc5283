package dashboard_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/dashboard"
)

// ask has something explained, as the page does, but for what changes it.
func (s site) ask(body string, changes ...func(*http.Request)) (status int, text, wrong string) {
	s.t.Helper()
	w := s.post("explain", body, changes...)
	var said struct{ Text, Error string }
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		s.t.Errorf("%d %s: %v", w.Code, w.Body, err)
	}
	if strings.ContainsAny(w.Body.String(), "<>") || w.Header().Get("Cache-Control") != "no-store" {
		s.t.Errorf("%q %s", w.Header(), w.Body)
	}
	return w.Code, said.Text, said.Error
}

func TestExplain(t *testing.T) {
	s := newSite(t)
	ran := 0
	s.GET("/page", cachette.Cached(time.Hour), func(c *gin.Context) {
		ran++
		c.Header("Vary", "Accept-Language")
		c.String(http.StatusOK, "page")
	})
	s.Get("/page", "Accept-Language: de")
	before := s.Cache.Stats().Routes["/page"]
	for body, want := range map[string]string{
		`{"url": "http://example.com/page", "fields": ["Accept-Language: de"]}`: "hit",
		`{"url": "http://example.com/page", "fields": ["Accept-Language: fr"]}`: "miss",
		`{"url": "http://other.example/page"}`:                                  "miss",
	} {
		status, text, _ := s.ask(body)
		if status != http.StatusOK || !strings.Contains(text, "outcome    "+want+"\n") || !strings.Contains(text, "/page") {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	if after := s.Cache.Stats().Routes["/page"]; ran != 1 || after.Outcomes != before.Outcomes {
		t.Errorf("the handler ran %d times, and %+v is counted", ran, after.Outcomes)
	}
	for body, says := range map[string]string{
		`{"url": "/page"}`:                     "is no URL with a host",
		`{"url": ""}`:                          "is no URL with a host",
		`{"url": "http://shop.example/a#b"}`:   "fragment",
		`{"url": "<script>alert(1)</script>"}`: "is no URL",
		`{"url": "http://example.com/page", "fields": ["<script>"]}`:                             "is no field",
		`{"url": "http://example.com/page", "fields": [": x"]}`:                                  "is no field",
		`{"url": "http://example.com/page", "fields": ["A(b): x"]}`:                              "is no field",
		`{"url": "http://example.com/page", "fields": ["Accept-Language: de\r\nX-User: admin"]}`: "line break",
		`{"url": "http://example.com/page", "fields": ["Accept-Language: \u007f"]}`:              "control character",
		`url=http://example.com/page`:                                                            "is no JSON",
		`{"url": "` + strings.Repeat("x", 1<<17) + `"}`:                                          "is no JSON",
	} {
		if status, _, wrong := s.ask(body); status != http.StatusBadRequest || !strings.Contains(wrong, says) {
			t.Errorf("%.80s: %d %s", body, status, wrong)
		}
	}
	if status, _, _ := s.ask(`{"url": "http://example.com/page"}`, func(r *http.Request) { r.Method = http.MethodGet }); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", status)
	}
	if status, _, _ := s.ask(`{"url": "http://example.com/page"}`, func(r *http.Request) { r.Header.Del("X-Cachette-Token") }); status != http.StatusForbidden {
		t.Errorf("without a token: %d", status)
	}
}

// A QUERY, and a POST that only reads, are explained by their content.
func TestExplainQuery(t *testing.T) {
	s := newSite(t)
	result := func(c *gin.Context) { c.String(http.StatusOK, "result") }
	s.Handle("QUERY", "/search", cachette.Cached(time.Hour), result)
	s.POST("/search", cachette.Cached(time.Hour, cachette.WithBodyKey()), result)
	for _, method := range []string{"QUERY", http.MethodPost} {
		s.Send(method, "/search", "chair", "Content-Type: text/plain")
		for body, want := range map[string]string{
			`"fields": ["Content-Type: text/plain"], "content": "chair"`: "hit",
			`"fields": ["Content-Type: text/plain"], "content": "table"`: "miss",
			`"content": "chair"`: "miss",
		} {
			status, text, _ := s.ask(`{"method": "` + method + `", "url": "http://example.com/search", ` + body + `}`)
			if status != http.StatusOK || !strings.Contains(text, "outcome    "+want+"\n") || !strings.Contains(text, "a digest of the content") {
				t.Errorf("%s %s: %d %s", method, body, status, text)
			}
		}
	}
	for body, says := range map[string]string{
		`{"url": "http://example.com/search", "content": "chair"}`: "a GET has no content",
		`{"url": "http://example.com/search", "method": "PUT"}`:    "ask for GET, HEAD, QUERY or POST",
	} {
		if status, _, wrong := s.ask(body); status != http.StatusBadRequest || !strings.Contains(wrong, says) {
			t.Errorf("%s: %d %s", body, status, wrong)
		}
	}
}

// Markup in paths, tags and keys is in no answer as such.
func TestMarkupIsText(t *testing.T) {
	const planted = "<script>planted()</script>"
	s := newSite(t, dashboard.WithKeys(), dashboard.WithPurges())
	s.GET("/tagged/*name", cachette.Cached(time.Hour, cachette.WithTags(planted)), func(c *gin.Context) { c.String(http.StatusOK, "page") })
	path := "/tagged/" + url.PathEscape("planted"+planted)
	s.Get(path + "?q=" + url.QueryEscape(planted))
	_, text, _ := s.ask(`{"url": "http://example.com` + path + `?q=` + url.QueryEscape(planted) + `"}`)
	if !strings.Contains(text, "outcome    hit") || strings.Count(text, planted) < 2 {
		t.Errorf("it is not told: %s", text)
	}
	state := s.open("state").Body
	if strings.ContainsAny(state, "<>") || !strings.Contains(state, "planted") {
		t.Errorf("%s", state)
	}
	w, a := s.purge(`{"paths": ["` + planted + `"]}`)
	if w.Code != http.StatusBadRequest || !strings.Contains(a.Error, planted) || strings.ContainsAny(w.Body.String(), "<>") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRefusals(t *testing.T) {
	s := newSite(t)
	for range 3 {
		s.Get("/mine")
	}
	if told := s.state("").Refusals; len(told) != 1 || told[0].Route != "/mine" || told[0].Reason != "private" || told[0].Count != 3 || time.Since(told[0].Last) > time.Hour ||
		len(told[0].Recent) != 3 || told[0].Recent[0].Method != http.MethodGet || told[0].Recent[0].Status != http.StatusOK {
		t.Errorf("%+v", told)
	}
}
