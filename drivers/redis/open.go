package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
	"github.com/gin-cachette/cachette/internal/wording"
)

func init() {
	drivers.Register("redis", drivers.Backend{Open: openByName, Check: check, Schemes: allSchemes})
}

const (
	// openTimeout is how long the opener waits for the server.
	openTimeout = 5 * time.Second
	// leastTimeout is the shortest time that the client waits for a server, lest it drops connections that are only slow.
	leastTimeout = time.Second
)

func openByName(ctx context.Context, settings drivers.Settings) (drivers.Driver, error) {
	d, err := open(ctx, settings)
	if err != nil {
		return nil, fmt.Errorf("redis: %s: %w", place(settings).Named, wording.Behind(err, "redis"))
	}
	return d, nil
}

// open makes a client of its own and a driver on it, and looks whether the server takes it.
func open(ctx context.Context, settings drivers.Settings) (*Driver, error) {
	at := place(settings)
	t, err := parseURL(at.Raw)
	if err != nil {
		return nil, err
	}
	t.setTimeouts(settings.OperationTimeout)
	client := t.client()
	d, err := New(client, Options{})
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	d.own = true
	d.secrets = secrets{t.options.Password, t.options.SentinelPassword}
	if settings.Logger != nil {
		d.unlog = clientLog.add(settings.Logger, d.secrets)
	}

	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	err = d.probe(ctx, t)
	if d.Sharded() {
		d.routes.learn(ctx) // one of its servers may be down
	}
	if errors.Is(err, errClusterNode) {
		_ = d.Close()
		return nil, errClusterNode
	}
	reason := refusal(err)
	if record := (tls.RecordHeaderError{}); err != nil && (reason == "" || errors.As(err, &record)) {
		reason = cmp.Or(t.mismatch(ctx), reason)
	}
	if reason != "" {
		_ = d.Close()
		return nil, fmt.Errorf("%s: %w", reason, err)
	}
	if err != nil && settings.Logger != nil {
		settings.Logger.Warn("cachette: redis: the server does not answer; the cache will use it once it does", "setting", at.Named, "error", err)
	}
	return d, nil
}

// setTimeouts sets what the URL has left open. An operation ends with its context in any case. These bound what it leaves
// behind, and so how long the client takes to notice that a server is back.
func (t *target) setTimeouts(operation time.Duration) {
	o, bound := t.options, max(operation, leastTimeout)
	setDefault(&o.DialTimeout, bound)
	setDefault(&o.ReadTimeout, bound)
	setDefault(&o.WriteTimeout, bound)
	setDefault(&o.PoolTimeout, bound)
	// One more attempt, for a connection that has died unnoticed. The client of a cluster has its own count of attempts.
	if t.kind != cluster {
		setDefault(&o.MaxRetries, 1)
	}
	setDefault(&o.MinRetryBackoff, time.Millisecond)
	setDefault(&o.MaxRetryBackoff, 20*time.Millisecond)
	o.DialerRetries = 1
	o.ContextTimeoutEnabled = true
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// errClusterNode says that a URL of a single server leads to a node of a cluster, which has a part of the keys only.
var errClusterNode = errors.New("the server is part of a cluster: give redis+cluster://, or rediss+cluster:// for TLS")

// probe asks the server whether it takes the client.
func (d *Driver) probe(ctx context.Context, t *target) error {
	if err := d.Ping(ctx); err != nil || t.kind == sentinel || t.kind == cluster {
		return err
	}
	return d.call(ctx, "info", func(ctx context.Context) error {
		// A user who may not ask gets no answer, and no harm is done.
		if info := d.client.Info(ctx, "cluster").Val(); strings.Contains(info, "cluster_enabled:1") {
			return errClusterNode
		}
		return nil
	})
}

// refusal says what a server refuses. It is empty for one that does not answer, or not yet.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	if tlsfiles.IsRefusal(err) {
		return "the server and the client do not agree on TLS"
	}
	if errors.Is(err, redis.Nil) {
		return "the sentinels know no master of that name"
	}
	var reply redis.Error
	if !errors.As(err, &reply) {
		return ""
	}
	text := reply.Error()
	code, _, _ := strings.Cut(text, " ")
	switch code {
	case "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "READONLY":
		return ""
	case "WRONGPASS", "NOAUTH":
		return "the server refuses the user or the password"
	case "NOPERM":
		return "the server forbids the user what the cache needs"
	}
	switch {
	case strings.Contains(text, "max number of clients"):
		return ""
	case strings.Contains(text, "AUTH"), strings.Contains(text, "invalid password"):
		return "the server refuses the user or the password"
	case strings.Contains(text, "DB index"):
		return "the server has no such database"
	case strings.Contains(text, "cluster support disabled"):
		return "the server is no part of a cluster: give redis://, or rediss:// for TLS"
	}
	return "the server refuses the client"
}
