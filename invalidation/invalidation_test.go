package invalidation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/cachettetest"
	"github.com/gin-cachette/cachette/invalidation"
)

// site is an engine with pages of a shop, and the endpoint behind a password.
type site struct {
	*cachettetest.Engine
	store *cachettetest.Store
}

func newSite(t *testing.T, configure ...func(*cachette.Config)) site {
	t.Helper()
	store := cachettetest.NewStore()
	s := site{cachettetest.New(t, append(configure, store.Use)...), store}
	page := func(c *gin.Context) { c.String(http.StatusOK, "page") }
	s.GET("/products/:id", cachette.Cached(time.Hour, cachette.WithNamespace("shop")), page)
	s.GET("/about", cachette.Cached(time.Hour), page)
	s.GET("/admin/invalidate", cachette.Cached(time.Hour), page)
	admin := s.Group("/admin", gin.BasicAuth(gin.Accounts{"ann": "secret"}))
	admin.POST("/invalidate", invalidation.Handler(s.Cache))
	admin.PUT("/invalidate", invalidation.Handler(s.Cache))
	return s
}

// post asks the endpoint, and returns its status and what it says.
func (s site) post(t *testing.T, body string, change ...func(*http.Request)) (*httptest.ResponseRecorder, invalidation.Answer) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/admin/invalidate", strings.NewReader(body))
	r.SetBasicAuth("ann", "secret")
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	for _, change := range change {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var a invalidation.Answer
	if w.Code != http.StatusUnauthorized {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Errorf("%d %q: %v", w.Code, w.Body, err)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control: %q", got)
		}
	}
	return w, a
}

func (s site) hits(path string) bool { return s.Get(path).Hit() }

func TestHandler(t *testing.T) {
	for body, gone := range map[string][]string{
		`{"paths": ["/products/1"]}`:                                  {"/products/1"},
		`{"paths": ["/products/1", "/about"]}`:                        {"/products/1", "/about"},
		`{"urls": ["https://example.com/about"]}`:                     {"/about"},
		`{"urls": ["https://other.example/about"]}`:                   nil,
		`{"namespaces": ["shop"]}`:                                    {"/products/1", "/products/2"},
		`{"paths": ["/products/1"], "soft": true}`:                    {"/products/1"},
		`{"everything": true}`:                                        {"/products/1", "/products/2", "/about", "/admin/invalidate"},
		` {"paths": ["/about"], "namespaces": ["shop"], "urls": []} `: {"/products/1", "/products/2", "/about"},
	} {
		t.Run(body, func(t *testing.T) {
			cachettetest.Bubble(t, func(t *testing.T) {
				s := newSite(t)
				paths := []string{"/products/1", "/products/2", "/about", "/admin/invalidate"}
				for _, path := range paths {
					s.Get(path)
				}
				w, a := s.post(t, body)
				var asked cachette.Purge
				if err := json.Unmarshal([]byte(body), &asked); err != nil {
					t.Fatal(err)
				}
				if asked.URLs != nil && len(asked.URLs) == 0 {
					asked.URLs = nil
				}
				if w.Code != http.StatusOK || a.Purged == nil || !reflect.DeepEqual(*a.Purged, asked) || a.Owed || a.Error != "" {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				left := make(map[string]bool)
				for _, path := range paths {
					left[path] = true
				}
				for _, path := range gone {
					left[path] = false
				}
				for _, path := range paths {
					if s.hits(path) != left[path] {
						t.Errorf("behind it, %s is stored: %t", path, !left[path])
					}
				}
			})
		})
	}
}

// What cannot be read, or be purged, is told, and nothing is purged.
func TestHandlerRefuses(t *testing.T) {
	kind := func(kind string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Content-Type", kind) }
	}
	for _, row := range []struct {
		name, body string
		change     func(*http.Request)
		status     int
		says       []string
	}{
		{"no JSON", `paths=/about`, nil, 400, []string{"no purge in JSON", `{"paths": ["/products/7"]}`}},
		{"nothing", ``, nil, 400, []string{"no purge in JSON", "ends too soon"}},
		{"half of it", `{"paths": ["/about"`, nil, 400, []string{"no purge in JSON", "ends too soon"}},
		{"an array", `["/about"]`, nil, 400, []string{"no purge in JSON", "no object"}},
		{"a text for a list", `{"paths": "/about"}`, nil, 400, []string{`"paths" takes no string; give a list of texts`}},
		{"a number in a list", `{"namespaces": ["shop", 7]}`, nil, 400, []string{`"namespaces" takes no number; give a list of texts`}},
		{"a text for a bool", `{"everything": "yes"}`, nil, 400, []string{`"everything" takes no string; give true or false`}},
		{"an unknown field", `{"paths": ["/about"], "page": "/about"}`, nil, 400, []string{`"page" is not a field; there are paths, urls, prefixes, namespaces, `, "key_parts", "everything"}},
		{"a field without its plural", `{"paths": ["/about"], "path": "/about"}`, nil, 400, []string{`"path" is not a field; write "paths"`}},
		{"a field in another case", `{"Paths": ["/about"]}`, nil, 400, []string{`"Paths" is not a field; write "paths"`}},
		{"a field as in Go", `{"KeyParts": ["acme"], "paths": ["/about"]}`, nil, 400, []string{`"KeyParts" is not a field; write "key_parts"`}},
		{"a field twice", `{"paths": ["/about"], "paths": ["/products/1"]}`, nil, 400, []string{`"paths" is given twice`}},
		{"two objects", `{"paths": ["/about"]} {"paths": ["/"]}`, nil, 400, []string{"stands behind the object"}},
		{"nothing is named", `{}`, nil, 400, []string{"names nothing", "or everything"}},
		{"a path that is none", `{"paths": ["/about", "about"], "prefixes": ["/:id/"]}`, nil, 400, []string{`"about" is not a path`, "pattern"}},
		{"too much", `{"paths": ["/about", "` + strings.Repeat("x", invalidation.MaxBody) + `"]}`, nil, 413, []string{"1048576"}},
		{"a form", `{"paths": ["/about"]}`, kind("text/plain"), 415, []string{`"text/plain"`, "application/json"}},
		{"of no type", `{"paths": ["/about"]}`, kind(""), 415, []string{"application/json"}},
		{"another method", `{"paths": ["/about"]}`, func(r *http.Request) { r.Method = http.MethodPut }, 405, []string{"PUT", "POST"}},
		{"without a password", `{"paths": ["/about"]}`, func(r *http.Request) { r.Header.Del("Authorization") }, 401, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			s.Get("/about")
			var changes []func(*http.Request)
			if row.change != nil {
				changes = append(changes, row.change)
			}
			w, a := s.post(t, row.body, changes...)
			if w.Code != row.status || a.Purged != nil {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			for _, gone := range []string{"cachette.Purge", "Go ", "[]string"} {
				if strings.Contains(a.Error, gone) {
					t.Errorf("it speaks of Go: %s", a.Error)
				}
			}
			for _, says := range row.says {
				if !strings.Contains(a.Error, says) {
					t.Errorf("it does not say %s: %s", says, a.Error)
				}
			}
			if !s.hits("/about") {
				t.Error("the page was purged")
			}
		})
	}
}

// A client that sends many wrong things is told some of them, and how many more there are: what the answer costs is not up to it.
func TestHandlerTellsSomeOfMany(t *testing.T) {
	s := newSite(t)
	for field, wrong := range map[string]string{
		"paths": "about", "urls": "about", "prefixes": "blog", "namespaces": "", "tags": "", "groups": "about", "identities": "", "key_parts": "",
	} {
		list := strings.TrimSuffix(strings.Repeat(`"`+wrong+`",`, 1000), ",")
		w, a := s.post(t, `{"`+field+`": [`+list+`]}`)
		if w.Code != http.StatusBadRequest || len(a.Error) > 4096 || !strings.Contains(a.Error, "984 more") {
			t.Errorf("%s: %d, %d bytes: %.300s", field, w.Code, len(a.Error), a.Error)
		}
	}
}

// What the store does not take is owed, and told without what the store says of itself.
func TestHandlerWithoutStore(t *testing.T) {
	cachettetest.Bubble(t, func(t *testing.T) {
		s := newSite(t)
		s.Get("/about")
		s.store.Fail(func(context.Context, cachettetest.Operation) error {
			return errors.New("dial tcp 10.0.0.7:6379: refused")
		})
		w, a := s.post(t, `{"paths": ["/about"]}`)
		if w.Code != http.StatusAccepted || a.Purged == nil || !a.Owed || a.Error == "" || strings.Contains(w.Body.String(), "10.0.0.7") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		s.store.Fail(nil)
		if s.hits("/about") {
			t.Error("a page that is owed is served")
		}
	})
	s := newSite(t)
	if err := s.Cache.Close(); err != nil {
		t.Fatal(err)
	}
	if w, a := s.post(t, `{"paths": ["/about"]}`); w.Code != http.StatusServiceUnavailable || a.Purged != nil || !strings.Contains(a.Error, "closed") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// A store that can never list its keys keeps the values, which is no promise to carry it out. What the store says of itself is for the log.
func TestHandlerOfAStoreThatCannotClear(t *testing.T) {
	for _, row := range []struct {
		name   string
		fail   error
		status int
		says   string
	}{
		{"never", fmt.Errorf("10.0.0.7 lists no keys: %w", errors.ErrUnsupported), http.StatusNotImplemented, "the values of the namespaces stay"},
		{"not yet", errors.New("dial tcp 10.0.0.7:6379: refused"), http.StatusAccepted, "yet"},
	} {
		t.Run(row.name, func(t *testing.T) {
			cachettetest.Bubble(t, func(t *testing.T) {
				var log bytes.Buffer
				s := newSite(t, func(cfg *cachette.Config) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
				s.Get("/products/1")
				s.store.Fail(func(_ context.Context, o cachettetest.Operation) error {
					if o.Name == "clear" {
						return row.fail
					}
					return nil
				})
				w, a := s.post(t, `{"namespaces": ["shop"]}`)
				if w.Code != row.status || a.Purged == nil || !strings.Contains(a.Error, row.says) || strings.Contains(w.Body.String(), "10.0.0.7") {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				if n := strings.Count(log.String(), row.fail.Error()); n != 1 {
					t.Errorf("the log has the error %d times: %s", n, log.String())
				}
				s.store.Fail(nil)
				if s.hits("/products/1") {
					t.Error("the page was not purged")
				}
			})
		})
	}
}

func TestHandlerOfNoCache(t *testing.T) {
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, cachette.ErrInvalid) {
			t.Errorf("it panics with %v", err)
		}
	}()
	invalidation.Handler(nil)
}
