package purge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
)

// together is a protocol whose fills begin with others beside them: one of another page, and one of all that the fill stands on.
type together struct{ *purge.Shared }

func (p together) Begin(c context.Context, l *purge.Look, f purge.Fill) (purge.Ticket, error) {
	another := purge.Fill{Known: []purge.Scope{{Kind: purge.Path, Name: "/another"}, space}, Late: f.Late}
	same := f
	same.Own, same.Plain = false, !f.Plain
	tickets, errs := p.BeginMany(c, []*purge.Look{nil, l, nil}, []purge.Fill{another, f, same})
	return tickets[1], errs[1]
}

// commands is a store that notes which marks are added, by the commands, and for how long.
type commands struct {
	purge.Marks
	added [][]string
	lives []time.Duration
	fails error
	panic bool
}

func (c *commands) Add(ctx context.Context, ttl time.Duration, word func() string, keys ...string) ([]string, error) {
	if c.panic {
		panic("driver")
	}
	if c.fails != nil {
		return nil, c.fails
	}
	c.added, c.lives = append(c.added, keys), append(c.lives, ttl)
	return c.Marks.Add(ctx, ttl, word, keys...)
}

// TestBeginMany holds that fills that begin together take each mark once, in one command, for the longest of their times, and that each has its own
// words and its own error.
func TestBeginMany(t *testing.T) {
	h := newHalves()
	store := &commands{Marks: h.client}
	p := onWorld(h.World, func(o *purge.Options) { o.Sharded, o.Marks, o.Log = true, store, h.client })
	var looks []*purge.Look
	var fills []purge.Fill
	for i := range 200 {
		looks = append(looks, nil)
		fills = append(fills, purge.Fill{Known: []purge.Scope{of(fmt.Sprint("/", i/2)), space}, Plain: i%2 == 0, TTL: time.Duration(1+i) * time.Minute})
	}
	begin := func() []purge.Ticket {
		t.Helper()
		tickets, errs := p.BeginMany(ctx, looks, fills)
		must(t, errors.Join(errs...))
		return tickets
	}
	begin() // looks at the logs
	must(t, p.Purge(ctx, space))
	for i := range fills {
		must(t, p.Purge(ctx, fills[i].Known[0]))
	}
	store.added, store.lives = nil, nil
	tickets := begin()
	if len(store.added) != 1 || len(slices.Compact(slices.Sorted(slices.Values(store.added[0])))) != len(store.added[0]) {
		t.Errorf("%d commands: %q; want one, with each mark once", len(store.added), store.added)
	} else if most := 2 * (200*time.Minute + time.Minute); store.lives[0] != most {
		t.Errorf("the marks live for %v, want %v", store.lives[0], most)
	}
	must(t, p.Purge(ctx, fills[100].Known[0]))
	for i := range tickets {
		want := purge.Valid
		if i/2 == 50 {
			want = purge.Gone
		}
		left(t, p, fmt.Sprint("of fill ", i), &tickets[i].Basis, want)
	}
	must(t, p.Purge(ctx, space.Softly()))
	for i := range tickets {
		want := purge.Stale
		if fills[i].Plain || i/2 == 50 {
			want = purge.Gone
		}
		left(t, p, fmt.Sprint("behind a soft purge of the namespace, of fill ", i), &tickets[i].Basis, want)
	}
	store.fails = errors.New("away")
	if _, errs := p.BeginMany(ctx, looks, fills); slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, store.fails) }) {
		t.Errorf("of a store that is away: %v", errs)
	}
	if tickets, errs := p.BeginMany(ctx, nil, nil); len(tickets)+len(errs) > 0 {
		t.Errorf("of none: %v, %v", tickets, errs)
	}
}

// TestBeginManyOwed holds that of fills that begin together only those fail that stand on what is owed.
func TestBeginManyOwed(t *testing.T) {
	h := newHalves()
	p := h.process()
	h.away[1] = true
	_ = p.Purge(ctx, onSecond)
	h.away[1] = false
	tickets, errs := p.BeginMany(ctx, make([]*purge.Look, 3), []purge.Fill{{Known: []purge.Scope{onFirst}}, {Known: []purge.Scope{onSecond}}, {Known: []purge.Scope{of("/a/3")}}})
	if errs[0] != nil || !errors.Is(errs[1], purge.ErrOwed) || errs[2] != nil {
		t.Errorf("they fail with %v", errs)
	}
	left(t, p, "of the first", &tickets[0].Basis, purge.Valid)
	left(t, p, "of the last", &tickets[2].Basis, purge.Valid)
}

// TestPanicBeside holds that a driver that panics on what is done at once does so to the caller, who can recover: elsewhere it would end the program.
func TestPanicBeside(t *testing.T) {
	h := newHalves()
	store := &commands{Marks: h.client, panic: true}
	p := purge.NewShared(purge.Options{Marks: store, Log: h.client, Sharded: true, Now: h.Now})
	defer func() {
		if got := recover(); got != "driver" {
			t.Errorf("the panic is %v", got)
		}
	}()
	_, errs := p.BeginMany(ctx, make([]*purge.Look, 2), []purge.Fill{{Known: []purge.Scope{onFirst}}, {Known: []purge.Scope{onSecond}}})
	t.Errorf("no panic, %v", errs)
}
