package purge_test

import (
	"context"
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
	like("debts settled for all partitions when one has taken them", wrong{pay: func(w *wrong) error { return w.PaySettlingAll(ctx) }}),
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

func ofOnePulse(keys []string) []string {
	list := make([]string, len(keys))
	for i, key := range keys {
		if list[i] = key; strings.HasSuffix(key, "}le") {
			list[i] = purge.PulseKey(pathOf(1), true)
		}
	}
	return list
}
