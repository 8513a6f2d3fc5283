package cachette

import (
	"errors"
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/engines"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/flight"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/sampled"
	"github.com/gin-cachette/cachette/internal/serve"
	"github.com/gin-cachette/cachette/internal/target"
	"github.com/gin-cachette/cachette/internal/values"
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
	forget, ok := installed.Claim(engine)
	if !ok {
		return nil, ErrInstalled
	}
	cache, err := open(engine, cfgFunc)
	if err != nil {
		forget()
		return nil, err
	}
	installed.Own(engine, cache)
	engine.Use(cache.middleware)
	return cache, nil
}

// installed are the engines that have a cache.
var installed engines.Table[Cache]

// middlewareName is what gin calls the middleware of each cache.
var middlewareName = engines.NameOf((*Cache)(nil).middleware)

// open makes the cache that cfgFunc describes.
func open(engine *gin.Engine, cfgFunc func() (Config, error)) (*Cache, error) {
	cfg, observer, err := configured(cfgFunc)
	if err != nil {
		return nil, err
	}
	if err := engines.CheckRoutes(engine, cfg.EarlierRoutes); err != nil {
		return nil, err
	}
	cfg.Logger = sampled.Logger(cfg.Logger)
	driver, err := cfg.Open()
	if err != nil {
		return nil, &OpError{Op: "open", Backend: cfg.Backend, Err: err}
	}
	c := &Cache{
		encoder: cfg.OpenEncoder(),
		backend: cfg.Opened(),
		prefix:  cfg.KeyPrefix,
		ttl:     cfg.TTL,
		timeout: cfg.OperationTimeout,
	}
	c.store = guard.New(driver, cfg.OperationTimeout, cfg.Logger)
	onRequest := c.observe(observer, cfg.Logger) // before anything is asked of the store
	cfg.Tell(c.backend, c.store.Objects() != nil)
	bodies := max(cfg.MemoryLimit/4, 4*cfg.BodyLimit) // what may be captured at once, and what may wait for the store
	service, release := target.Service(cfg.Service, ""), target.Service(cfg.Service, cfg.Version)
	near, forms, err := cfg.OpenNear(c.store)
	if err != nil {
		return nil, errors.Join(&OpError{Op: "open", Backend: c.backend, Err: err}, c.store.Close())
	}
	c.responses = entries.New(entries.Options{
		Store: c.store, Prefix: cfg.KeyPrefix, Service: service, KeepStale: cfg.KeepStale, Log: cfg.Logger, Waiting: bodies, Near: near, Forms: forms,
	})
	tagFields, _ := argument.TagFields(cfg.TagHeader) // which was checked
	leases := flight.NewLeases(c.store, cfg.Lease, c.responses.Waker())
	c.server = serve.New(serve.Options{
		Owner: c, Store: c.responses, Engine: engine, Prefix: cfg.KeyPrefix, Service: release,
		BodyLimit: cfg.BodyLimit, CaptureLimit: bodies, Log: cfg.Logger, Disabled: cfg.Disabled, ProxyScheme: cfg.ProxyScheme,
		Middleware: middlewareName, Handler: engines.NameOf(Cached(0)), Keyed: !engines.Known(), InvalidateOn: rfc9111.Invalidation(cfg.InvalidateOn),
		TagFields: tagFields, Leases: leases, Observe: onRequest, Describe: c.describe, Audit: cfg.Audit, AuditStops: cfg.AuditStops, Compression: cfg.Compression,
	})
	c.frame = serve.NewFrame(c.server)
	c.values = values.New(values.Options{
		Store: c.responses, Codec: c.encoder.Name(), Log: cfg.Logger, OnBad: func() { c.server.Counts().Untagged.Add(1) },
		Leases:  leases,
		Targets: target.Values{Prefix: cfg.KeyPrefix, Service: service, Release: release},
	})
	return c, nil
}

// middleware gives each request its cache, and has unsafe ones invalidate what they outdate.
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
