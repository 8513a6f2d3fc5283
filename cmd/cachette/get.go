package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/target"
)

const getHelp = `Shows the value that Put, or another program, has stored under a key, and where there is none the one that Remember has. KEY is as
the program gives it, without the key prefix. A value that is no text is shown in hexadecimal, and of a long one the beginning. What
codec it was made by the store does not say: it is not decoded.

Values of Remember are those of a service: without CACHETTE_SERVICE or -service they are not looked for.
`

// get returns the command of that name.
func (c *command) get() func(ctx context.Context, args []string) error {
	all := c.flags.Bool("all", false, "show all of a long value")
	raw := c.flags.Bool("raw", false, "write the value as it is, and nothing else, for another program")
	return func(ctx context.Context, args []string) error {
		if len(args) != 1 {
			return usage("get: give one KEY, in quotes if it has blanks")
		}
		if *raw && c.shown {
			return usage("get -raw: its output would go to the terminal as it is: lead it into a file or a program, or leave -raw out")
		}
		cfg, err := c.configured("")
		if err != nil {
			return err
		}
		r, err := open(cfg)
		if err != nil {
			return err
		}
		defer r.close()
		v, err := r.value(ctx, args[0], c.service.set || cfg.Service != "")
		if err != nil {
			return err
		}
		if *raw && v.found() {
			_, err := c.out.Write(v.data)
			return err
		}
		if *raw {
			return errMiss
		}
		return c.tellValue(r, args[0], v, *all)
	}
}

// value is what is stored under the key of one.
type value struct {
	data       []byte
	left       time.Duration // of a plain one
	remembered *entries.Told // nil for a plain one
	looked     bool          // for one of Remember
	now        time.Time     // when it was looked for
	plain      bool          // it is a plain one
}

func (v *value) found() bool {
	return v.plain || v.remembered != nil && v.remembered.Entry != nil && v.remembered.State != purge.Gone && !v.absent()
}

// absent tells whether what is known is that there is no such value: see cachette.WithNotFoundTTL.
func (v *value) absent() bool { return v.remembered.Entry.Status == http.StatusNotFound }

// value looks for a value, and for one of Remember where there is no other.
func (r *reader) value(ctx context.Context, key string, ofService bool) (v value, err error) {
	item, err := r.entries.GetValue(ctx, target.Value(r.cfg.KeyPrefix, key))
	v.now = time.Now()
	if err == nil {
		v.data, v.left, v.plain = item.Value, item.ExpiresAt.Sub(v.now), true
		return v, nil
	}
	if !errors.Is(err, drivers.ErrMiss) || !ofService {
		if errors.Is(err, drivers.ErrMiss) {
			err = nil
		}
		return v, r.fail("get", key, err)
	}
	targets := target.Values{Prefix: r.cfg.KeyPrefix, Service: r.service, Release: r.release, Tagged: r.entries.Sharded()}
	told, err := r.entries.Tell(ctx, &target.Target{Key: string(targets.AppendKey(nil, key))})
	if err != nil {
		return v, r.fail("get", key, err)
	}
	v.remembered, v.looked = &told, true
	if told.Entry != nil {
		v.data = told.Entry.Body
	}
	return v, nil
}

// tellValue tells what was found under a key.
func (c *command) tellValue(r *reader, key string, v value, all bool) error {
	c.tellStore(r.cfg)
	switch {
	case v.plain:
		c.line("value", "of %s, %s, for another %s", quoted(key), sized(len(v.data)), briefly(v.left))
		c.showValue(v.data, all)
		return nil
	case v.remembered != nil && v.remembered.Entry != nil:
		what := sized(len(v.data))
		if v.absent() {
			what = "that there is none, as its load has said"
		}
		c.line("value", "of Remember, of %s, %s, of the service %s", quoted(key), what, serviceOf(r.cfg))
		c.tellEntry(v.remembered, v.now)
		if !v.found() {
			return errMiss
		}
		c.showValue(v.data, all)
		return nil
	case v.looked:
		c.line("nothing", "is stored under %s, by Put, or by Remember of the service %s", quoted(key), serviceOf(r.cfg))
	default:
		c.line("nothing", "is stored under %s by Put; to look for a value of Remember, say of which service: CACHETTE_SERVICE or -service", quoted(key))
	}
	return errMiss
}
