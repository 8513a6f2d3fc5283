package cachette

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/keys"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/serve"
	"github.com/gin-cachette/cachette/internal/store"
	"github.com/gin-cachette/cachette/internal/wording"
)

// Install puts a cache on an engine, as cfgFunc configures it: [FromEnv], or a function of your own. It is called once
// for each engine, and before routes and groups are made, since gin gives them the middleware that is there by then.
//
// It fails when an argument is nil, when cfgFunc does, when the Config is wrong (with all of its mistakes at once, each
// a [*ConfigError]), when the store cannot be opened, with [ErrInstalled] when the engine has a cache already, and when it
// has routes already, unless the Config allows EarlierRoutes. Nothing has then changed.
//
// The cache is to be closed when the engine is done with.
func Install(engine *gin.Engine, cfgFunc func() (Config, error)) (*Cache, error) {
	if engine == nil {
		return nil, fmt.Errorf("%w: Install: engine is nil; give the *gin.Engine that the routes are registered on", ErrInvalid)
	}
	if cfgFunc == nil {
		return nil, fmt.Errorf("%w: Install: cfgFunc is nil; give FromEnv, or a function that returns a Config", ErrInvalid)
	}
	forget, err := installed.claim(engine)
	if err != nil {
		return nil, err
	}
	cache, err := open(engine, cfgFunc)
	if err != nil {
		forget()
		return nil, err
	}
	installed.own(engine, cache)
	engine.Use(cache.middleware)
	return cache, nil
}

// openTimeout bounds how long a backend may take to open.
const openTimeout = 30 * time.Second

// open makes the cache that cfgFunc describes.
func open(engine *gin.Engine, cfgFunc func() (Config, error)) (*Cache, error) {
	cfg, err := cfgFunc()
	if err != nil {
		return nil, configError(err)
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := checkRoutes(engine, cfg.EarlierRoutes); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	driver, err := openDriver(cfg)
	if err != nil {
		return nil, err
	}
	c := &Cache{
		encoder: openEncoder(cfg),
		backend: cfg.Backend,
		prefix:  cfg.KeyPrefix,
		ttl:     cfg.TTL,
		timeout: cfg.OperationTimeout,
	}
	switch {
	case cfg.Disabled:
		c.backend = "none"
	case cfg.Driver != nil:
		c.backend = fmt.Sprintf("%T", cfg.Driver)
	}
	if cfg.Disabled {
		cfg.Logger.Info("cachette: the cache is disabled: no store is opened, and nothing is cached; CACHETTE_DISABLED, or Config.Disabled, says so")
	}
	c.store = guard.New(driver, cfg.OperationTimeout, cfg.Logger)
	if cfg.Service == "" && c.store.Objects() == nil && !cfg.Disabled {
		cfg.Logger.Warn("cachette: the program has no name of its own, so it shares cached responses with whatever else has this store, "+
			"the same KeyPrefix and no name; set CACHETTE_SERVICE, or Config.Service", "backend", c.backend)
	}
	if unused := cfg.unused(); len(unused) > 0 && cfg.Driver == nil && !cfg.Disabled {
		cfg.Logger.Warn("cachette: these settings belong to another backend than the one in use, so they do nothing; set CACHETTE_BACKEND, or "+
			"Config.Backend, if that is meant", "settings", unused, "backend", cfg.Backend)
	}
	c.taker, _ = c.encoder.(encoders.Taker)
	c.responses = store.New(store.Options{Store: c.store, Prefix: cfg.KeyPrefix, KeepStale: cfg.KeepStale, Log: cfg.Logger})
	c.server = serve.New(serve.Options{
		Owner: c, Store: c.responses, Engine: engine, Prefix: cfg.KeyPrefix, Service: keys.Service(cfg.Service, cfg.Version),
		BodyLimit: cfg.BodyLimit, CaptureLimit: max(cfg.MemoryLimit/4, 4*cfg.BodyLimit), Log: cfg.Logger, Disabled: cfg.Disabled, ProxyScheme: cfg.ProxyScheme,
		Middleware: nameOf(c.middleware), Handler: nameOf(Cached(0)), Keyed: engineField == nil,
	})
	c.frame = serve.NewFrame(c.server)
	return c, nil
}

// configError returns the error of a cfgFunc as Install gives it: the mistakes that FromEnv and Validate find are told in the same
// words, whoever has found them.
func configError(err error) error {
	if mistake := new(ConfigError); errors.As(err, &mistake) && strings.HasPrefix(err.Error(), "cachette: ") {
		return err
	}
	return fmt.Errorf("cachette: configuration: %w", wording.Behind(err, "cachette"))
}

// unused returns the variables of the stores that are named beside the one in use.
func (c *Config) unused() (variables []string) {
	for _, store := range []struct{ backend, field, value string }{
		{"redis", "RedisURL", c.RedisURL}, {"memcached", "MemcachedHost", c.MemcachedHost}, {"mongodb", "MongoDBURL", c.MongoDBURL},
		{"dynamodb", "DynamoDBURL", c.DynamoDBURL},
	} {
		if store.value != "" && store.backend != c.Backend {
			variables = append(variables, variableOf(store.field))
		}
	}
	return variables
}

// checkRoutes refuses an engine that has routes already.
func checkRoutes(engine *gin.Engine, allowed bool) error {
	routes := engine.Routes()
	if len(routes) == 0 || allowed {
		return nil
	}
	const shown = 5
	var names []string
	for _, route := range routes[:min(len(routes), shown)] {
		names = append(names, route.Method+" "+route.Path)
	}
	if more := len(routes) - shown; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Errorf("%w: Install: the engine has routes that were registered before, and these have no cache: %s; call Install "+
		"before the routes are registered, or set Config.EarlierRoutes if they need none", ErrInvalid, strings.Join(names, ", "))
}

// nameOf returns the name that gin has for a handler.
func nameOf(handler gin.HandlerFunc) string {
	return runtime.FuncForPC(reflect.ValueOf(handler).Pointer()).Name()
}

func openDriver(cfg Config) (drivers.Driver, error) {
	switch {
	case cfg.Disabled:
		return disabled{}, nil
	case cfg.Driver != nil:
		return cfg.Driver, nil
	}
	opener, ok := drivers.Lookup(cfg.Backend)
	if !ok { // Validate has seen to it
		return nil, fmt.Errorf("%w: backend %q is not linked", ErrInvalid, cfg.Backend)
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	driver, err := opener(ctx, cfg.settings())
	if err != nil {
		return nil, &OpError{Op: "open", Backend: cfg.Backend, Err: err}
	}
	return driver, nil
}

func openEncoder(cfg Config) encoders.Encoder {
	if cfg.Encoder != nil {
		return cfg.Encoder
	}
	encoder, _ := encoders.Lookup(cfg.Codec) // Validate has seen to it
	return encoder
}

// middleware gives each request its cache, and has unsafe ones that succeed invalidate what they outdate.
func (c *Cache) middleware(ctx *gin.Context) {
	frame, answered := c.server.Enter(ctx, c.frame)
	if answered {
		return
	}
	ctx.Set(serve.FrameKey{}, frame)
	if !rfc9111.IsSafe(ctx.Request.Method) {
		c.server.Invalidate(ctx)
	}
}

// errNotInstalled is what Get and Cached panic with.
var errNotInstalled = errors.New("cachette: this route has no cache: call cachette.Install(engine, …) before the route, and the " +
	"group that it is in, are made, since gin gives them only the middleware that the engine has by then")
