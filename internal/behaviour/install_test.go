package behaviour_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

func zero() (cachette.Config, error) { return cachette.Config{}, nil }

func TestInstallRefuses(t *testing.T) {
	broken := errors.New("no configuration today")
	for _, tt := range []struct {
		name   string
		engine *gin.Engine
		cfg    func() (cachette.Config, error)
		is     error
		says   []string
	}{
		{"a nil engine", nil, zero, cachette.ErrInvalid, []string{"engine is nil"}},
		{"a nil function", gin.New(), nil, cachette.ErrInvalid, []string{"cfgFunc is nil"}},
		{"an error of the function", gin.New(), func() (cachette.Config, error) { return cachette.Config{}, broken },
			broken, []string{"configuration"}},
		{"a wrong configuration, with all its mistakes", gin.New(), func() (cachette.Config, error) {
			return cachette.Config{TTL: time.Hour + time.Second, Backend: "sqlite", BodyLimit: -1}, nil
		}, nil, []string{"TTL (CACHETTE_TTL)", "Backend (CACHETTE_BACKEND)", "BodyLimit (CACHETTE_BODY_LIMIT)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cache, err := cachette.Install(tt.engine, tt.cfg)
			if err == nil || cache != nil {
				t.Fatalf("Install = %v, %v; want nil and an error", cache, err)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("the error %q is not %q", err, tt.is)
			}
			for _, part := range tt.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error %q does not say %q", err, part)
				}
			}
			if tt.engine != nil && len(tt.engine.Handlers) != 0 {
				t.Error("the engine has got a middleware all the same")
			}
		})
	}
}

// A mistake in the configuration is told in the same words, wherever it is found, each on a line that makes sense by itself.
func TestInstallTellsMistakesAlike(t *testing.T) {
	const want = "cachette: TTL (CACHETTE_TTL): 2h is out of range: give 1 s to 3600 s\n" +
		"cachette: BodyLimit (CACHETTE_BODY_LIMIT): 2 MiB is more than the whole memory limit of 1 MiB: give less, or a larger " +
		"MemoryLimit (CACHETTE_MEMORY_LIMIT)"
	config := cachette.Config{TTL: 2 * time.Hour, MemoryLimit: 1 << 20, BodyLimit: 2 << 20}
	for name, cfgFunc := range map[string]func() (cachette.Config, error){
		"a Config":            func() (cachette.Config, error) { return config, nil },
		"a Config, validated": func() (cachette.Config, error) { return config, config.Validate() },
		"the environment":     cachette.FromEnv,
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CACHETTE_TTL", "2h")
			t.Setenv("CACHETTE_MEMORY_LIMIT", "1MiB")
			t.Setenv("CACHETTE_BODY_LIMIT", "2MiB")
			_, err := cachette.Install(gin.New(), cfgFunc)
			if err == nil || err.Error() != want {
				t.Errorf("it says %v\nwant %s", err, want)
			}
			var mistake *cachette.ConfigError
			if !errors.As(err, &mistake) || mistake.Field != "TTL" {
				t.Errorf("the first mistake is %v", mistake)
			}
		})
	}
}

func TestInstallAfterFailure(t *testing.T) {
	engine := gin.New()
	if _, err := cachette.Install(engine, func() (cachette.Config, error) { return cachette.Config{TTL: -1}, nil }); err == nil {
		t.Fatal("a negative TTL passed")
	}
	cache, err := cachette.Install(engine, zero)
	if err != nil {
		t.Fatalf("after a failed Install: %v", err)
	}
	defer cache.Close()
	if _, err := cachette.Install(engine, zero); !errors.Is(err, cachette.ErrInstalled) {
		t.Errorf("a second Install: %v; want ErrInstalled", err)
	}
	other, err := cachette.Install(gin.New(), zero)
	if err != nil {
		t.Fatalf("on another engine: %v", err)
	}
	defer other.Close()
}

// Without a cache, Get and Cached panic with a message that says what to do: also on a route that is older than the
// cache, since gin gives a route the middleware that there is when it is registered.
func TestWithoutInstall(t *testing.T) {
	uses := map[string][]gin.HandlerFunc{
		"Get":    {func(c *gin.Context) { cachette.Get(c) }},
		"Cached": {cachette.Cached(time.Minute), text("hello")},
	}
	for name, handlers := range uses {
		for _, installed := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				engine := gin.New()
				engine.GET("/", handlers...)
				if installed {
					cache, err := cachette.Install(engine, func() (cachette.Config, error) { return cachette.Config{EarlierRoutes: true}, nil })
					if err != nil {
						t.Fatal(err)
					}
					defer cache.Close()
				}
				defer func() {
					err, ok := recover().(error)
					if !ok || !strings.Contains(err.Error(), "cachette.Install") {
						t.Errorf("panicked with %v; want what to do about it", err)
					}
				}()
				engine.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
				t.Error("no panic")
			})
		}
	}
}

func TestGetReturnsTheEnginesCache(t *testing.T) {
	first, second := newSite(t), newSite(t)
	for _, s := range []*site{first, second} {
		s.GET("/", func(c *gin.Context) {
			if cachette.Get(c) != s.cache {
				t.Error("not the cache of this engine")
			}
			if cachette.Get(c.Copy()) != s.cache {
				t.Error("not the cache of this engine, from a copy of the context")
			}
		})
		s.get("/")
	}
}

// A Cached handler that two engines share serves each from its own cache.
func TestCachedOnTwoEngines(t *testing.T) {
	cached := cachette.Cached(time.Minute)
	first, second := newSite(t), newSite(t)
	first.GET("/", cached, text("first"))
	second.GET("/", cached, text("second"))
	for range 2 {
		if a := first.get("/"); a.body != "first" {
			t.Errorf("the first engine answered %q", a.body)
		}
		if a := second.get("/"); a.body != "second" {
			t.Errorf("the second engine answered %q", a.body)
		}
	}
}

func TestCachedRefuses(t *testing.T) {
	for name, make := range map[string]func(){
		"a negative ttl":             func() { cachette.Cached(-time.Second) },
		"a nil option":               func() { cachette.Cached(0, nil) },
		"no parameters":              func() { cachette.WithQueryParams() },
		"no key part":                func() { cachette.WithKeyPart(nil) },
		"an empty namespace":         func() { cachette.WithNamespace("") },
		"a status that is no status": func() { cachette.WithStatusTTL(99, time.Second) },
		"an interim status":          func() { cachette.WithStatusTTL(103, time.Second) },
		"206":                        func() { cachette.WithStatusTTL(206, time.Second) },
		"416":                        func() { cachette.WithStatusTTL(416, time.Second) },
		"304":                        func() { cachette.WithStatusTTL(304, time.Second) },
		"a status without a ttl":     func() { cachette.WithStatusTTL(404, 0) },
		"a body limit of nothing":    func() { cachette.WithBodyLimit(0) },
		"no stale-while-revalidate":  func() { cachette.WithStaleWhileRevalidate(0) },
		"a negative stale-if-error":  func() { cachette.WithStaleIfError(-1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				err, ok := recover().(error)
				if !ok || !errors.Is(err, cachette.ErrInvalid) {
					t.Errorf("panicked with %v; want ErrInvalid", err)
				}
			}()
			make()
			t.Error("no panic")
		})
	}
}

// After Close the routes go on without a cache, and everything else says ErrClosed.
func TestClose(t *testing.T) {
	s := newSite(t)
	handler, runs := counted(text("hello"))
	s.GET("/", cachette.Cached(time.Minute), handler)
	s.get("/")
	for range 2 {
		if err := s.cache.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	for range 2 {
		if a := s.get("/"); a.body != "hello" || a.hit() || a.cacheStatus() != "cachette; fwd=bypass; detail=disabled" {
			t.Errorf("after Close: %v", a)
		}
	}
	if runs.Load() != 3 {
		t.Errorf("the handler ran %d times, want 3", runs.Load())
	}
	s.POST("/", text("changed"))
	if a := s.do(http.MethodPost, "/"); a.body != "changed" {
		t.Errorf("a POST after Close: %v", a)
	}

	ctx := context.Background()
	var value string
	for name, use := range map[string]func() error{
		"Put":            func() error { return s.cache.Put(ctx, "k", "v", 0) },
		"Fetch":          func() error { return s.cache.Fetch(ctx, "k", &value) },
		"FetchWithTTL":   func() error { _, err := s.cache.FetchWithTTL(ctx, "k", &value); return err },
		"Delete":         func() error { _, err := s.cache.Delete(ctx, "k"); return err },
		"ClearNamespace": func() error { return s.cache.ClearNamespace(ctx, "n") },
		"Flush":          func() error { return s.cache.Flush(ctx) },
		"FlushExpired":   func() error { _, err := s.cache.FlushExpired(ctx); return err },
		"PurgePath":      func() error { return s.cache.PurgePath(ctx, "/") },
		"Ping":           func() error { return s.cache.Ping(ctx) },
	} {
		if err := use(); !errors.Is(err, cachette.ErrClosed) {
			t.Errorf("%s after Close: %v; want ErrClosed", name, err)
		}
	}
}
