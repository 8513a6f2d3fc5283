package purge_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/purge/sim"
	"github.com/gin-cachette/cachette/internal/target"
)

// halves is a world whose store has two servers: the first one has the first half of the partitions, and what has no tag.
type halves struct {
	*sim.World
	client sim.Client
	away   [2]bool
	asked  int // commands to the second server
}

func newHalves() *halves {
	h := &halves{World: &sim.World{}}
	h.Reset()
	h.client = sim.Client{Store: &h.Store, Server: func(key string) int {
		for i := range target.Partitions / 2 {
			if strings.HasPrefix(key, "~r:"+target.Tag(i)) || !strings.HasPrefix(key, "~r:{") {
				return 0
			}
		}
		return 1
	}}
	h.Away = func(server int) sim.Fault {
		h.asked += server
		if h.away[server] {
			return sim.Refused
		}
		return sim.Fine
	}
	return h
}

func (h *halves) process() *purge.Shared {
	return onWorld(h.World, func(o *purge.Options) { o.Sharded, o.Marks, o.Log = true, h.client, h.client })
}

// Paths on the first and on the second server.
var (
	onFirst  = purge.Scope{Kind: purge.Path, Name: "/a/1"}
	onSecond = purge.Scope{Kind: purge.Path, Name: "/a/2"}
)

// TestPurgeOfSeveralServers holds that a purge is done where the servers have taken it, and owed for the others alone.
func TestPurgeOfSeveralServers(t *testing.T) {
	for _, test := range []struct {
		name             string
		purged           []purge.Scope
		done             bool
		here, there      purge.State // on the first, in this process and in another one, while the second is away
		behind, elseback purge.State // on the second, in this process when it is back, and in the other one before it is paid
	}{
		{"a path of the first", []purge.Scope{onFirst}, true, purge.Gone, purge.Gone, purge.Valid, purge.Valid},
		{"a path of the second", []purge.Scope{onSecond}, false, purge.Valid, purge.Valid, purge.Gone, purge.Valid},
		{"one of each", []purge.Scope{onFirst, onSecond}, false, purge.Gone, purge.Gone, purge.Gone, purge.Valid},
		{"everything", []purge.Scope{all}, false, purge.Gone, purge.Gone, purge.Gone, purge.Valid},
		{"everything softly", []purge.Scope{all.Softly()}, false, purge.Stale, purge.Stale, purge.Stale, purge.Valid},
		{"a prefix", []purge.Scope{prefix}, false, purge.Gone, purge.Gone, purge.Gone, purge.Valid},
		{"their namespace", []purge.Scope{space}, false, purge.Gone, purge.Gone, purge.Gone, purge.Valid},
		{"their identity", []purge.Scope{alice}, false, purge.Gone, purge.Gone, purge.Gone, purge.Valid},
		{"their tag", []purge.Scope{tag}, false, purge.Gone, purge.Gone, purge.Gone, purge.Valid},
		{"their tag softly", []purge.Scope{tag.Softly()}, false, purge.Stale, purge.Stale, purge.Stale, purge.Valid},
		{"a tag of other pages", []purge.Scope{{Kind: purge.Tag, Name: "u"}}, false, purge.Valid, purge.Valid, purge.Valid, purge.Valid},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHalves()
			here, there := h.process(), h.process()
			both := []purge.Scope{space, alice, tag, tag.Softly()}
			first, second := begin(t, here, append(both, onFirst)), begin(t, here, append(both, onSecond))
			left(t, there, "elsewhere, at first", &first.Basis, purge.Valid)
			left(t, there, "elsewhere, at first", &second.Basis, purge.Valid)

			h.away[1] = true
			err := here.Purge(ctx, test.purged...)
			if test.done != (err == nil) || !test.done && !errors.Is(err, purge.ErrOwed) {
				t.Fatalf("the error is %v", err)
			}
			h.Clock = h.Clock.Add(2 * every)
			left(t, here, "of what is on the first server", &first.Basis, test.here)
			left(t, there, "of it elsewhere", &first.Basis, test.there)
			if got := here.Owed() > 0; got == test.done {
				t.Errorf("something is owed: %t", got)
			}
			fill := begin(t, here, append(both, onFirst))
			left(t, here, "of what is filled on the first server then", &fill.Basis, purge.Valid)
			if err := here.Pay(ctx); test.done != (err == nil) {
				t.Errorf("paying while it is away: %v", err)
			}
			left(t, here, "of that behind a payment that failed", &fill.Basis, purge.Valid)

			h.away[1] = false
			left(t, here, "of what is on the second server", &second.Basis, test.behind)
			left(t, there, "of it elsewhere, while it is owed", &second.Basis, test.elseback)
			must(t, here.Pay(ctx))
			h.Clock = h.Clock.Add(2 * every)
			left(t, there, "of it elsewhere, when it is paid", &second.Basis, test.behind)
			left(t, here, "of it when it is paid", &second.Basis, test.behind)
			left(t, here, "of what was filled on the first server", &fill.Basis, purge.Valid)
			if here.Owed() != 0 {
				t.Errorf("%d are still owed", here.Owed())
			}
		})
	}
}

// TestPayingSeveralServers holds that what one server has is paid while another one is away, which is asked a few times for all that it has.
func TestPayingSeveralServers(t *testing.T) {
	h := newHalves()
	p := h.process()
	var first, second int
	h.away = [2]bool{true, true}
	for i := range 2_000 {
		scope := of("/" + strconv.Itoa(i))
		if target.Partition(scope.Name) < target.Partitions/2 {
			first++
		} else {
			second++
		}
		if err := p.Purge(ctx, scope); !errors.Is(err, purge.ErrOwed) {
			t.Fatal(err)
		}
	}
	h.away[0], h.asked = false, 0
	if err := p.Pay(ctx); err == nil {
		t.Error("all is paid")
	}
	if p.Owed() != second {
		t.Errorf("%d of %d are owed, of which the server that is away has %d", p.Owed(), first+second, second)
	}
	if h.asked > target.Partitions/2 {
		t.Errorf("the server that is away was asked %d times", h.asked)
	}
	h.away[1] = false
	must(t, p.Pay(ctx))
	if p.Owed() != 0 {
		t.Errorf("%d are still owed", p.Owed())
	}
}

// TestOwedTagsToOneServer holds that a tag is one debt, in however many partitions it is owed, and that it is paid in them alone.
func TestOwedTagsToOneServer(t *testing.T) {
	h := newHalves()
	p := h.process()
	h.away[1] = true
	tags := func(i int) purge.Scope { return purge.Scope{Kind: purge.Tag, Name: strconv.Itoa(i)} }
	const owed = 400
	for i := range owed {
		_ = p.Purge(ctx, tags(i))
		_ = p.Purge(ctx, tags(i))
	}
	if p.Owed() != owed {
		t.Errorf("%d are owed, want %d", p.Owed(), owed)
	}
	kept := begin(t, p, []purge.Scope{onFirst, tags(1)})
	if err := p.Pay(ctx); err == nil || p.Owed() != owed {
		t.Errorf("paying while it is away: %v, %d are owed", err, p.Owed())
	}
	h.away[1] = false
	must(t, p.Pay(ctx))
	if p.Owed() != 0 {
		t.Errorf("%d are still owed", p.Owed())
	}
	left(t, p, "on the first server", &kept.Basis, purge.Valid)
}

// TestOwedAnew holds that what is owed to one server and then to another is owed to both, that what one of them takes is owed to the other,
// and that a path is owed whichever partition an entry is in.
func TestOwedAnew(t *testing.T) {
	h := newHalves()
	p := h.process()
	first, second := begin(t, p, []purge.Scope{onFirst, space}), begin(t, p, []purge.Scope{onSecond, space})
	rewritten := begin(t, p, []purge.Scope{onFirst, onSecond})
	left(t, p, "of two paths, neither of which was purged", &rewritten.Basis, purge.Valid)
	wantLeft := func(what string, onFirst, onSecond purge.State) {
		t.Helper()
		left(t, p, "on the first server, "+what, &first.Basis, onFirst)
		left(t, p, "on the second server, "+what, &second.Basis, onSecond)
	}
	var before *purge.Look // of the second page: behind the first purge, and before the second one reaches it
	for server := range h.away {
		before = p.Look(onSecond, space)
		words, err := h.client.Words(ctx, before.Keys()...)
		must(t, err)
		before.Read(words)
		h.away = [2]bool{server == 1, server == 0}
		if err := p.Purge(ctx, space); !errors.Is(err, purge.ErrOwed) || p.Owed() != 1 {
			t.Errorf("the error is %v, and %d are owed", err, p.Owed())
		}
		h.away = [2]bool{}
	}
	if state, ok := p.Judge(before, &second.Basis); ok && state != purge.Gone {
		t.Errorf("it is %s by what was read before it was purged again", names[state])
	}
	wantLeft("owed to both", purge.Gone, purge.Gone)
	must(t, p.Pay(ctx))

	first, second = begin(t, p, []purge.Scope{onFirst, space}), begin(t, p, []purge.Scope{onSecond, space})
	h.away = [2]bool{true, true}
	_ = p.Purge(ctx, space)
	h.away[0] = false
	if err := p.Pay(ctx); err == nil || p.Owed() != 1 {
		t.Errorf("paying one of two: %v, %d are owed", err, p.Owed())
	}
	first = begin(t, p, []purge.Scope{onFirst, space})
	wantLeft("owed to the second", purge.Valid, purge.Gone)

	_ = p.Purge(ctx, onSecond)
	h.away[1] = false
	left(t, p, "of two paths, of which one is owed", &rewritten.Basis, purge.Gone)
}

// TestLookOfAnotherPartition holds that an entry is not judged by what was read in another partition.
func TestLookOfAnotherPartition(t *testing.T) {
	h := newHalves()
	p := h.process()
	first, second := begin(t, p, []purge.Scope{onFirst, space}), begin(t, p, []purge.Scope{onSecond, space})
	look := p.Look(onFirst, space)
	words, err := h.client.Words(ctx, look.Keys()...)
	must(t, err)
	look.Read(words)
	if _, known := p.Judge(look, &second.Basis); known {
		t.Error("the look of the first page tells what is left of the second")
	}
	for name, basis := range map[string]*purge.Basis{"the first": &first.Basis, "the second": &second.Basis} {
		if state, err := p.State(ctx, look, basis); state != purge.Valid || err != nil {
			t.Errorf("%s is %s, %v", name, names[state], err)
		}
	}
	fill, err := p.Begin(ctx, look, purge.Fill{Known: []purge.Scope{onSecond, space}})
	must(t, err)
	left(t, p, "of a fill that begins with the look of another page", &fill.Basis, purge.Valid)
}

// TestMuchOwedToOneServer holds that too many debts to a server make everything owed where it is, and nowhere else.
func TestMuchOwedToOneServer(t *testing.T) {
	for name, scope := range map[string]func(i int) purge.Scope{
		"paths": func(i int) purge.Scope { return of("/" + strconv.Itoa(i)) },
		"tags":  func(i int) purge.Scope { return purge.Scope{Kind: purge.Tag, Name: strconv.Itoa(i)} },
	} {
		t.Run(name, func(t *testing.T) { testMuchOwed(t, scope) })
	}
}

func testMuchOwed(t *testing.T, scopes func(i int) purge.Scope) {
	h := newHalves()
	p := h.process()
	kept := begin(t, p, []purge.Scope{onFirst})
	h.away[1] = true
	var many []purge.Scope
	for i := 0; len(many) < 11_000; i++ {
		if scope := scopes(i); scope.Kind != purge.Path || target.Partition(scope.Name) >= target.Partitions/2 {
			many = append(many, scope)
		}
	}
	_ = p.Purge(ctx, many...)
	last := onSecond
	if p.Owed() > 1_000 {
		t.Errorf("%d are owed one by one", p.Owed())
	}
	left(t, p, "on the first server", &kept.Basis, purge.Valid)
	if _, err := p.Begin(ctx, nil, purge.Fill{Known: []purge.Scope{last}}); !errors.Is(err, purge.ErrOwed) {
		t.Errorf("a fill of what is owed begins: %v", err)
	}
	h.away[1] = false
	must(t, p.Pay(ctx))
	if p.Owed() != 0 {
		t.Errorf("%d are still owed", p.Owed())
	}
	left(t, p, "on the first server, when it is paid", &kept.Basis, purge.Valid)
}

// TestPathsOfOnePage holds what a purge leaves of a page that was rewritten from one path to another, which are in two partitions.
func TestPathsOfOnePage(t *testing.T) {
	seen, came := onFirst, onSecond
	for _, test := range []struct {
		purged purge.Scope
		want   purge.State
	}{
		{seen, purge.Gone}, {came, purge.Gone}, {all, purge.Gone}, {of("/a/3"), purge.Valid},
		{purge.Scope{Kind: purge.Prefix, Name: "/a/1"}, purge.Gone}, {purge.Scope{Kind: purge.Prefix, Name: "/a/2"}, purge.Gone},
		{purge.Scope{Kind: purge.Prefix, Name: "/b"}, purge.Valid},
	} {
		t.Run(fmt.Sprintf("%c %s", test.purged.Kind, test.purged.Name), func(t *testing.T) {
			p := newHalves().process()
			fill := begin(t, p, []purge.Scope{seen, came})
			must(t, p.Purge(ctx, test.purged))
			left(t, p, "of it", &fill.Basis, test.want)
		})
	}
}

// TestArrangement holds that what was made where keys were spread in one way is gone where they are spread in another, and that nothing is
// valid, kept, or done where that cannot be told.
func TestArrangement(t *testing.T) {
	word, untold := "one", error(nil)
	p := newSharded(func(o *purge.Options) {
		o.Arrangement = func(context.Context) (string, error) { return word, untold }
	})
	one := begin(t, p, []purge.Scope{path})
	left(t, p, "of it", &one.Basis, purge.Valid)
	word = "one more"
	left(t, p, "where keys are spread otherwise", &one.Basis, purge.Gone)
	other := begin(t, p, []purge.Scope{path})
	left(t, p, "of what is made there", &other.Basis, purge.Valid)
	word = "one"
	left(t, p, "of that where keys are spread as before", &other.Basis, purge.Gone)
	left(t, p, "of the first one", &one.Basis, purge.Valid)
	unarranged := other.Basis
	_, end, _ := strings.Cut(string(other.Basis.Place), "\n")
	unarranged.Place = purge.Position(end)
	left(t, p, "of what a release without arrangements has made", &unarranged, purge.Gone)

	untold = errors.New("a server does not answer")
	if state, err := p.State(ctx, nil, &one.Basis); state != purge.Gone || !errors.Is(err, untold) {
		t.Errorf("it is %s where that cannot be told: %v", names[state], err)
	}
	if _, err := p.Begin(ctx, nil, purge.Fill{Known: []purge.Scope{path}}); !errors.Is(err, untold) {
		t.Errorf("a fill begins: %v", err)
	}
	look := p.Look(path)
	if state, ok := p.Judge(look, &one.Basis); ok && state != purge.Gone {
		t.Error("an entry is judged without it")
	}
	if err := p.Purge(ctx, path); !errors.Is(err, purge.ErrOwed) || !errors.Is(err, untold) {
		t.Errorf("a purge returns %v", err)
	}
	if err := p.Pay(ctx); !errors.Is(err, untold) || p.Owed() != 1 {
		t.Errorf("paying returns %v, %d are owed", err, p.Owed())
	}
	untold = nil
	must(t, p.Pay(ctx))
	left(t, p, "behind the purge", &one.Basis, purge.Gone)
}
