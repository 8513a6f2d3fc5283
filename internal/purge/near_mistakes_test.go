package purge_test

import (
	"context"
	"slices"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
)

// wrongTier is a near tier of which a part is overridden.
type wrongTier struct {
	*purge.Tier
	look func(*purge.Tier) error
	keep func(*purge.Tier, purge.Reading, *purge.Basis, string) (purge.Basis, bool)
}

func (w wrongTier) Look(c context.Context) error {
	if w.look != nil {
		return w.look(w.Tier)
	}
	return w.Tier.Look(c)
}

func (w wrongTier) Keep(r purge.Reading, b *purge.Basis, key string) (purge.Basis, bool) {
	if w.keep != nil {
		return w.keep(w.Tier, r, b, key)
	}
	return w.Tier.Keep(r, b, key)
}

// untold is a log in which near tiers are told nothing, or not all.
type untold struct {
	purge.Log
	but func(record string) bool // what they are told; nil for nothing
}

func (u untold) Append(c context.Context, key string, keep int, ttl time.Duration, records ...string) error {
	if purge.IsNear(key) {
		if u.but == nil {
			return nil
		}
		records = slices.DeleteFunc(slices.Clone(records), func(record string) bool { return !u.but(record) })
		if len(records) == 0 {
			return nil
		}
	}
	return u.Log.Append(c, key, keep, ttl, records...)
}

// nearMistakes are those of near tiers, and of what they are told.
var nearMistakes = []mistake{
	with("near tiers that are not told", func(_ *fleet, o *purge.Options) { o.Log = untold{logOf(o), nil} }),
	with("near tiers that are not told of prefixes", func(_ *fleet, o *purge.Options) {
		o.Log = untold{logOf(o), func(record string) bool { return record != purge.Everything }}
	}),
	{name: "near tiers that are told before the marks are deleted", shared: func(f *fleet, o *purge.Options) protocol {
		log := logOf(o)
		o.Log = untold{log, nil}
		own := wrong{f: f, Shared: purge.NewShared(*o)}
		own.purge = func(w *wrong, scopes ...purge.Scope) error {
			if err := log.Append(ctx, purge.NearLog(f.plan.sharded()), o.Keep, time.Hour, w.NearRecords(scopes...)...); err != nil {
				return w.Shared.Purge(ctx, scopes...)
			}
			return w.Shared.Purge(ctx, scopes...)
		}
		return &own
	}},
	like("a process that has looked once whether there are near tiers", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		w.KeepNears()
		return w.Shared.Purge(ctx, scopes...)
	}}),
	like("a near tier that does not hear its own process", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		return w.Untiered(func() error { return w.Shared.Purge(ctx, scopes...) })
	}}),
	like("a near tier that does not listen", wrong{near: wrongTier{look: func(t *purge.Tier) error { return t.LookDeaf(ctx) }}}),
	like("a near tier that keeps before all know of it", wrong{near: wrongTier{look: func(t *purge.Tier) error { return t.LookAtOnce(ctx) }}}),
	like("a near tier that takes any mark for its own", wrong{near: wrongTier{look: func(t *purge.Tier) error { return t.LookUnannounced(ctx) }}}),
	like("a near tier that keeps by an older view of prefixes", wrong{near: wrongTier{look: func(t *purge.Tier) error { return t.LookWithViews(ctx) }}}),
	like("a near tier that hears of what is owed before it is", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		return w.PurgeOwingUnheard(ctx, scopes...)
	}}),
	like("a near tier that keeps what was purged while it was read", wrong{near: wrongTier{
		keep: func(t *purge.Tier, _ purge.Reading, b *purge.Basis, key string) (purge.Basis, bool) {
			return t.Keep(t.Begin(time.Unix(1_000_000_000, 0)), b, key)
		},
	}}),
	{name: "a near tier that reads marks before its place", user: user{marksBeforePlace: true}},
}
