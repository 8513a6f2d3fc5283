// Package cachettetest helps to test routes that are cached: an engine with a cache on it, a store of bytes that fails when the
// test says so, and time that passes when the test says so.
//
// An [Engine] keeps responses as live objects in memory, as the inmemory backend does, unless [Store.Use] gives it a store of
// bytes, as those of other processes are. docs/testing.md has examples.
package cachettetest

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Engine is a gin engine with a cache on it.
type Engine struct {
	*gin.Engine
	Cache *cachette.Cache

	t  testing.TB
	by asking
}

// asking is how assertions ask for a page.
type asking struct {
	method  string // GET unless given
	content string
	fields  []string
}

// New returns an engine with a cache, which is closed when the test ends. It logs nothing. configure, if any, changes the
// Config, which is the zero one otherwise. A Config that is wrong ends the test.
func New(t testing.TB, configure ...func(*cachette.Config)) *Engine {
	t.Helper()
	return On(t, gin.New(), configure...)
}

// On is New on an engine that the test has made.
func On(t testing.TB, engine *gin.Engine, configure ...func(*cachette.Config)) *Engine {
	t.Helper()
	cache, err := cachette.Install(engine, func() (cachette.Config, error) {
		cfg := cachette.Config{Logger: slog.New(slog.DiscardHandler)}
		for _, change := range configure {
			change(&cfg)
		}
		return cfg, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Engine{Engine: engine, Cache: cache, t: t}
}

// Do sends a request through the engine and returns its answer. fields are lines such as "Range: bytes=0-1". What the cache has then to
// store is in the store, or is known not to be: see [cachette.Cache.Settle].
func (e *Engine) Do(method, target string, fields ...string) Answer {
	e.t.Helper()
	a := Do(e.t, e.Engine, method, target, fields...)
	_ = e.Cache.Settle(e.t.Context()) // it fails where the test is over, or the cache is closed
	return a
}

// Get sends a GET through the engine and returns its answer.
func (e *Engine) Get(target string, fields ...string) Answer {
	e.t.Helper()
	return e.Do(http.MethodGet, target, fields...)
}

// Send does what Do does for a request with content, as a QUERY has (RFC 10008): Send("QUERY", "/products", "select …", "Content-Type: application/sql").
func (e *Engine) Send(method, target, content string, fields ...string) Answer {
	e.t.Helper()
	a := do(e.t, e.Engine, httptest.NewRequest(method, target, strings.NewReader(content)), fields)
	_ = e.Cache.Settle(e.t.Context()) // as in Do
	return a
}

// By returns the engine with assertions that ask by another method, with content, and with fields beside those that they are given, such as the type of the
// content: By("QUERY", "select …", "Content-Type: application/sql").NeverShared("/products", ann, bob).
func (e *Engine) By(method, content string, fields ...string) *Engine {
	by := *e
	by.by = asking{method, content, fields}
	return &by
}

// method returns the method by which assertions ask.
func (e *Engine) method() string {
	if e.by.method == "" {
		return http.MethodGet
	}
	return e.by.method
}

// ask asks for a page as assertions do.
func (e *Engine) ask(target string, fields ...string) Answer {
	e.t.Helper()
	a := e.askAlone(target, fields...)
	_ = e.Cache.Settle(e.t.Context()) // as in Do
	return a
}

// askAlone does what ask does, and waits for nothing else.
func (e *Engine) askAlone(target string, fields ...string) Answer {
	e.t.Helper()
	var content io.Reader
	if e.by.content != "" {
		content = strings.NewReader(e.by.content)
	}
	return do(e.t, e.Engine, httptest.NewRequest(e.method(), target, content), slices.Concat(fields, e.by.fields))
}

// Do sends a request to a handler and returns its answer. fields are lines such as "Range: bytes=0-1". It waits for nothing else, as a
// client does.
func Do(t testing.TB, handler http.Handler, method, target string, fields ...string) Answer {
	t.Helper()
	return do(t, handler, httptest.NewRequest(method, target, nil), fields)
}

// do has a handler answer a request that is given fields.
func do(t testing.TB, handler http.Handler, r *http.Request, fields []string) Answer {
	t.Helper()
	for _, field := range fields {
		name, value, ok := strings.Cut(field, ":")
		if !ok {
			t.Fatalf("%q is no header field", field)
		}
		r.Header.Add(name, strings.TrimSpace(value))
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return Answer{Status: w.Code, Header: w.Result().Header, Body: w.Body.String()}
}

// Answer is what a client gets.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// CacheStatus returns what cachette says of how the answer came about (RFC 9211): docs/cache-status.md has all of it.
func (a Answer) CacheStatus() string { return a.Header.Get("Cache-Status") }

// Hit tells whether the answer came out of the cache.
func (a Answer) Hit() bool { return strings.HasPrefix(a.CacheStatus(), "cachette; hit") }
