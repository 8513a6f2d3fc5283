package purge_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
)

// spreadMistakes are those that only a store of several servers shows.
var spreadMistakes = []mistake{
	with("the pulse of another partition", func(_ *fleet, o *purge.Options) { o.Marks = onePulse{o.Marks} }),
	like("a purge of everything that skips a partition", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		return w.PurgeBut(ctx, pathOf(0), scopes...)
	}}),
	like("debts settled for all partitions when one has taken them", wrong{pay: func(w *wrong) error { return w.PaySettlingAll(ctx, true, false) }}),
	like("a debt of a tag settled for all partitions when one has taken it", wrong{pay: func(w *wrong) error {
		return w.PaySettlingAll(ctx, false, true)
	}}),
	like("a purge of a namespace that skips a partition", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		return w.PurgeBesides(ctx, pathOf(0), scopes...)
	}}),
	with("the log of tags of another partition", func(_ *fleet, o *purge.Options) { o.Log = oneTagLog{logOf(o)} }),
	with("a namespace's mark added in one partition and judged in another", func(_ *fleet, o *purge.Options) { o.Marks = addsElsewhere{o.Marks} }),
	like("a purge that one partition has taken is done", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		return w.PurgeSome(ctx, scopes...)
	}}),
	like("debts of another partition", wrong{
		judge: func(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, bool) {
			return w.JudgeElsewhere(l, b, pathOf(0), pathOf(1))
		},
		state: func(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, error) {
			return w.StateElsewhere(ctx, l, b, pathOf(0), pathOf(1))
		},
	}),
	with("no arrangement", func(_ *fleet, o *purge.Options) { o.Arrangement = nil }),
	like("the arrangement read behind the handler", wrong{name: func(w *wrong, t *purge.Ticket, late []purge.Scope) (bool, error) {
		kept, err := w.Shared.Name(ctx, t, late, 0)
		if kept && err == nil {
			err = w.Rearrange(ctx, t)
		}
		return kept, err
	}}),
	with("the arrangement is no part of the place", func(_ *fleet, o *purge.Options) {
		if told := o.Arrangement; told != nil {
			o.Arrangement = func(c context.Context) (string, error) {
				_, err := told(c)
				return "any", err
			}
		}
	}),
	like("a purge that does not ask for the arrangement", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		return w.PurgeUnarranged(ctx, scopes...)
	}}),
	with("an arrangement remembered for too long", func(f *fleet, o *purge.Options) {
		told, word, at := o.Arrangement, "", time.Time{}
		if told != nil {
			o.Arrangement = func(c context.Context) (string, error) {
				if f.w.Clock.Sub(at) < 8*every {
					return word, nil
				}
				next, err := told(c)
				if err == nil {
					word, at = next, f.w.Clock
				}
				return next, err
			}
		}
	}),
	with("an arrangement that cannot be told is taken for the last one", func(_ *fleet, o *purge.Options) {
		told, word := o.Arrangement, "first"
		if told != nil {
			o.Arrangement = func(c context.Context) (string, error) {
				if next, err := told(c); err == nil {
					word = next
				}
				return word, nil
			}
		}
	}),
}

// onePulse takes the pulse of one page's partition for that of each.
type onePulse struct{ purge.Marks }

func (o onePulse) Words(c context.Context, keys ...string) ([]string, error) {
	return o.Marks.Words(c, ofOnePulse(keys)...)
}

func (o onePulse) Add(c context.Context, ttl time.Duration, word func() string, keys ...string) ([]string, error) {
	return o.Marks.Add(c, ttl, word, ofOnePulse(keys)...)
}

// oneTagLog has fills ask the log of tags of one page's partition, also those of the other.
type oneTagLog struct{ purge.Log }

func (o oneTagLog) End(c context.Context, key string, ttl time.Duration) (purge.Position, error) {
	return o.Log.End(c, ofOneTagLog(key), ttl)
}

func (o oneTagLog) Since(c context.Context, key string, from purge.Position) ([]string, purge.Position, bool, error) {
	return o.Log.Since(c, ofOneTagLog(key), from)
}

func ofOneTagLog(key string) string {
	if strings.HasSuffix(key, "}lt") {
		return purge.TagLog(pathOf(1), true)
	}
	return key
}

// addsElsewhere adds the marks of what has no path in one page's partition.
type addsElsewhere struct{ purge.Marks }

func (a addsElsewhere) Add(c context.Context, ttl time.Duration, word func() string, keys ...string) ([]string, error) {
	elsewhere := slices.Clone(keys)
	for _, scope := range []purge.Scope{{Kind: purge.Namespace, Name: "n"}, {Kind: purge.Identity, Name: "i"}} {
		if i := slices.Index(keys, purge.KeyOf(scope, pathOf(0), true)); i >= 0 {
			elsewhere[i] = purge.KeyOf(scope, pathOf(1), true)
		}
	}
	return a.Marks.Add(c, ttl, word, elsewhere...)
}

func ofOnePulse(keys []string) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		if list[i] = key; strings.HasSuffix(key, "}le") {
			list[i] = purge.PulseKey(pathOf(1), true)
		}
	}
	return list
}
