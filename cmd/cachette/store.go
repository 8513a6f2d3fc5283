package main

import (
	"errors"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/config"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/target"
)

// configured returns what the environment says, with its defaults. needsService says why the service is to be named; empty where any will do.
func (c *command) configured(needsService string) (config.Config, error) {
	cfg, mistakes, err := config.FromEnv(c.environ)
	if err != nil {
		return cfg, err
	}
	var wrong []error
	for _, mistake := range mistakes {
		wrong = append(wrong, mistake)
	}
	if err := errors.Join(wrong...); err != nil {
		return cfg, usage(strings.TrimPrefix(err.Error(), "cachette: "))
	}
	named := cfg.Service != "" || c.service.set
	if c.service.set {
		cfg.Service = c.service.name
	}
	cfg.Logger, cfg.Near = c.logger(), 0
	cfg = cfg.WithDefaults()
	switch {
	case cfg.Disabled:
		return cfg, usage("CACHETTE_DISABLED is set, so there is no store: unset it")
	case cfg.Backend == "inmemory":
		return cfg, usage("no store is named but memory, which each process has for itself: set CACHETTE_URL to the one that the program has, " +
			"such as redis://localhost:6379/0")
	case needsService != "" && !named:
		return cfg, usage("which service? " + needsService + " Set CACHETTE_SERVICE, or give -service NAME. A program that sets none has the path " +
			`of its main package, which "go version -m PROGRAM" tells as path; one that was made from files has none: -service ""`)
	}
	return cfg, nil
}

// place names the store, without a user, a password or an option.
func place(cfg config.Config) string {
	raw, database := "", ""
	switch {
	case cfg.URL != "":
		raw = cfg.URL
	case cfg.Backend == "redis":
		raw = cfg.RedisURL
	case cfg.Backend == "memcached":
		raw = cfg.MemcachedHost
	case cfg.Backend == "mongodb":
		raw, database = cfg.MongoDBURL, cfg.DatabaseName
	case cfg.Backend == "dynamodb":
		raw, database = cfg.DynamoDBURL, cfg.Region
	}
	name := strings.TrimSpace(cfg.Backend + " " + hosts(raw))
	for _, more := range []string{database, cfg.TableName} {
		if more != "" {
			name += " " + quoted(more)
		}
	}
	return name
}

// hosts returns the hosts and the path of a URL, or of a list of hosts; nothing where a password may be in them.
func hosts(raw string) string {
	if _, rest, ok := strings.Cut(raw, "://"); ok {
		raw = rest
	}
	if end := strings.IndexAny(raw, "?#"); end >= 0 {
		if strings.Contains(raw[end:], "@") { // the password may have the one or the other, and what stands before that be a part of it
			return ""
		}
		raw = raw[:end]
	}
	authority, path, _ := strings.Cut(raw, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	if strings.Contains(path, "@") { // the password has a slash, and what stands before that is a part of it
		return ""
	}
	if path != "" {
		path = "/" + path
	}
	return visible(authority + path)
}

// tellStore tells which store is meant.
func (c *command) tellStore(cfg config.Config) {
	prefix := "no key prefix"
	if cfg.KeyPrefix != "" {
		prefix = "key prefix " + quoted(cfg.KeyPrefix)
	}
	c.line("store", "%s, %s", place(cfg), prefix)
}

// serviceOf names the service that is meant.
func serviceOf(cfg config.Config) string {
	name := "without a name"
	if cfg.Service != "" {
		name = quoted(cfg.Service)
	}
	if cfg.Version != "" {
		return name + " of version " + quoted(cfg.Version)
	}
	return name + ", no version"
}

// reader looks into a store, and changes nothing.
type reader struct {
	cfg     config.Config
	store   *guard.Store
	entries *entries.Store
	service string // as keys have it, of all versions
	release string // of the version
}

// open opens the store for looking into it.
func open(cfg config.Config) (*reader, error) {
	driver, err := cfg.Open()
	if err != nil {
		return nil, &cachette.OpError{Op: "open", Backend: cfg.Backend, Err: err}
	}
	r := &reader{
		cfg: cfg, store: guard.New(driver, cfg.OperationTimeout, cfg.Logger),
		service: target.Service(cfg.Service, ""), release: target.Service(cfg.Service, cfg.Version),
	}
	r.entries = entries.New(entries.Options{Store: r.store, Prefix: cfg.KeyPrefix, Service: r.service, KeepStale: cfg.KeepStale, Log: cfg.Logger})
	return r, nil
}

// fail wraps an error, if it is one, with what was tried.
func (r *reader) fail(op, key string, err error) error {
	if err == nil {
		return nil
	}
	return &cachette.OpError{Op: op, Backend: r.cfg.Backend, Key: key, Err: err}
}

func (r *reader) close() {
	r.entries.Close()
	_ = r.store.Close() // nothing was written
}

// install makes a cache as a program does, on an engine without routes: what it purges holds in all processes. It has what counts for that of cfg.
func install(cfg config.Config) (*cachette.Cache, error) {
	driver, err := cfg.Open()
	if err != nil {
		return nil, &cachette.OpError{Op: "open", Backend: cfg.Backend, Err: err}
	}
	return cachette.Install(gin.New(), func() (cachette.Config, error) {
		return cachette.Config{
			Driver: driver, KeyPrefix: cfg.KeyPrefix, PlainKeys: cfg.PlainKeys, Service: cfg.Service, Version: cfg.Version,
			OperationTimeout: cfg.OperationTimeout, Logger: cfg.Logger,
		}, nil
	})
}

// named has an error of a cache that was given its driver name the backend.
func named(cfg config.Config, err error) error {
	if failed := new(cachette.OpError); errors.As(err, &failed) {
		failed.Backend = cfg.Backend
	}
	return err
}
