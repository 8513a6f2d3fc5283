package main

import (
	"context"
	"time"

	"github.com/gin-cachette/cachette/internal/target"
)

const (
	pingHelp = `Asks the store a few times whether it answers, within CACHETTE_OPERATION_TIMEOUT. The first time has the connection in it.
`
	pings = 5
)

// ping returns the command of that name.
func (c *command) ping() func(ctx context.Context, args []string) error {
	return func(ctx context.Context, args []string) error {
		r, err := c.pinged(ctx, args)
		if err == nil {
			r.close()
		}
		return err
	}
}

// pinged tells whether the store answers, and leaves it open if it does.
func (c *command) pinged(ctx context.Context, args []string) (*reader, error) {
	if len(args) > 0 {
		return nil, usage("no arguments are expected; " + quoted(args[0]) + " is one")
	}
	cfg, err := c.configured("")
	if err != nil {
		return nil, err
	}
	c.tellStore(cfg)
	begin := time.Now()
	r, err := open(cfg)
	if err != nil {
		return nil, err
	}
	var first, least time.Duration
	for i := range pings {
		if err := r.store.Ping(ctx, target.Value(cfg.KeyPrefix, "cachette-ping")); err != nil {
			r.close()
			return nil, r.fail("ping", "", err)
		}
		switch took := time.Since(begin); {
		case i == 0:
			first = took
		case i == 1 || took < least:
			least = took
		}
		begin = time.Now()
	}
	c.line("answers", "in %s, %s with the connection", briefly(least), briefly(first))
	return r, nil
}
