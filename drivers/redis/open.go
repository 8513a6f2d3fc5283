package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

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
	err = d.probe(ctx, t, settings)
	if d.Sharded() {
		d.routes.learn(ctx) // one of its servers may be down
	}
	if mistake := mistake(""); errors.As(err, &mistake) {
		_ = d.Close()
		return nil, err
	}
	reason := refusal(err)
	if record := (tls.RecordHeaderError{}); err != nil && (reason == "" || errors.As(err, &record)) {
		reason = cmp.Or(t.mismatch(ctx), reason)
	}
	if reason != "" {
		_ = d.Close()
		return nil, fmt.Errorf("%s: %w", reason, tlsfiles.Advised(err))
	}
	if err != nil && settings.Logger != nil {
		heard := "the server does not answer"
		if isForeign(err) {
			heard = "the server answers, but not as Redis does"
		}
		settings.Logger.Warn("cachette: redis: "+heard+"; the cache will use it once it does", "setting", at.Named, "error", err)
	}
	return d, nil
}

// isForeign tells whether the client has not understood an answer. Its error has no type.
func isForeign(err error) bool {
	return strings.Contains(err.Error(), "can't parse") || strings.Contains(err.Error(), "invalid reply")
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
