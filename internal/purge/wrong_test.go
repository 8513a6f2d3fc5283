package purge_test

import (
	"context"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
)

// wrong is a protocol of which a part is overridden.
type wrong struct {
	*purge.Shared
	f     *fleet
	hards []purge.Mark              // words of hard marks that were read
	noted map[string]purge.Position // by log of tags: a position in it

	begin    func(*wrong, *purge.Look, purge.Fill) (purge.Ticket, error)
	together func(*wrong, []*purge.Look, []purge.Fill) ([]purge.Ticket, []error)
	name     func(*wrong, *purge.Ticket, []purge.Scope) (bool, error)
	judge    func(*wrong, *purge.Look, *purge.Basis) (purge.State, bool)
	state    func(*wrong, *purge.Look, *purge.Basis) (purge.State, error)
	follow   func(*wrong, *purge.Look, *purge.Ticket, []purge.Scope) (purge.State, error)
	purge    func(*wrong, ...purge.Scope) error
	purgeBy  func(*wrong, *purge.Ticket, ...purge.Scope) error
	pay      func(*wrong) error
	near     wrongTier
}

func (w *wrong) Begin(c context.Context, l *purge.Look, f purge.Fill) (purge.Ticket, error) {
	if w.begin != nil {
		return w.begin(w, l, f)
	}
	return w.Shared.Begin(c, l, f)
}

func (w *wrong) BeginMany(c context.Context, l []*purge.Look, f []purge.Fill) ([]purge.Ticket, []error) {
	switch {
	case w.together != nil:
		return w.together(w, l, f)
	case w.begin == nil:
		return w.Shared.BeginMany(c, l, f)
	}
	tickets, errs := make([]purge.Ticket, len(f)), make([]error, len(f))
	for i := range f {
		tickets[i], errs[i] = w.begin(w, l[i], f[i])
	}
	return tickets, errs
}

func (w *wrong) Name(c context.Context, t *purge.Ticket, late []purge.Scope, ttl time.Duration) (bool, error) {
	if w.name != nil {
		return w.name(w, t, late)
	}
	return w.Shared.Name(c, t, late, ttl)
}

func (w *wrong) Judge(l *purge.Look, b *purge.Basis) (purge.State, bool) {
	if w.judge != nil {
		return w.judge(w, l, b)
	}
	return w.Shared.Judge(l, b)
}

func (w *wrong) State(c context.Context, l *purge.Look, b *purge.Basis) (purge.State, error) {
	if w.state != nil {
		return w.state(w, l, b)
	}
	return w.Shared.State(c, l, b)
}

func (w *wrong) Follow(c context.Context, l *purge.Look, t *purge.Ticket, late []purge.Scope) (purge.State, error) {
	if w.follow != nil {
		return w.follow(w, l, t, late)
	}
	return w.Shared.Follow(c, l, t, late)
}

func (w *wrong) Purge(c context.Context, scopes ...purge.Scope) error {
	if w.purge != nil {
		return w.purge(w, scopes...)
	}
	return w.Shared.Purge(c, scopes...)
}

func (w *wrong) PurgeBy(c context.Context, t *purge.Ticket, scopes ...purge.Scope) error {
	if w.purgeBy != nil {
		return w.purgeBy(w, t, scopes...)
	}
	return w.Shared.PurgeBy(c, t, scopes...)
}

func (w *wrong) Pay(c context.Context) error {
	if w.pay != nil {
		return w.pay(w)
	}
	return w.Shared.Pay(c)
}

func (w *wrong) tier() nearTier {
	own := w.near
	own.Tier = w.NewTier(nearBound, nearBound)
	return own
}

// like is a mistake of the protocol: one of its parts is as w has it.
func like(name string, w wrong) mistake {
	return mistake{name: name, shared: func(f *fleet, o *purge.Options) protocol {
		own := w
		own.f, own.Shared, own.noted = f, purge.NewShared(*o), make(map[string]purge.Position)
		return &own
	}}
}

// with is a mistake of what a Shared is made of.
func with(name string, change func(f *fleet, o *purge.Options)) mistake {
	return mistake{name: name, shared: func(f *fleet, o *purge.Options) protocol {
		change(f, o)
		return right{purge.NewShared(*o)}
	}}
}
