package purge_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/purge/sim"
)

// protocols are what the contract is asked of. Each constructor returns one that nothing was purged in.
var protocols = map[string]func() purge.Protocol{
	"local":         func() purge.Protocol { return purge.NewLocal() },
	"shared":        func() purge.Protocol { return newWith() },
	"shared, nears": func() purge.Protocol { p := newShared(); p.NewTier(time.Hour, time.Hour); return p },
	"sharded":       func() purge.Protocol { return newSharded() },
	"shared, many":  func() purge.Protocol { return together{newShared()} },
	"sharded, many": func() purge.Protocol { return together{newSharded()} },
	"arranged": func() purge.Protocol {
		return newSharded(func(o *purge.Options) {
			o.Arrangement = func(context.Context) (string, error) { return "as it is", nil }
		})
	},
}

func newShared() *purge.Shared { return newWith() }

func newSharded(options ...func(*purge.Options)) *purge.Shared {
	return newWith(append(options, func(o *purge.Options) { o.Sharded = true })...)
}

func newWith(options ...func(*purge.Options)) *purge.Shared {
	w := &sim.World{}
	w.Reset()
	return onWorld(w, options...)
}

// onWorld returns a process on the store of a world.
func onWorld(w *sim.World, options ...func(*purge.Options)) *purge.Shared {
	o := purge.Options{Marks: &w.Store, Log: &w.Store, Now: w.Now, Beside: inTurn,
		Wait: func(_ context.Context, d time.Duration) error { w.Clock = w.Clock.Add(d); return nil }}
	for _, option := range options {
		option(&o)
	}
	return purge.NewShared(o)
}

// inTurn does several things one after the other, for a world has one thread.
func inTurn(n int, do func(i int)) {
	for i := range n {
		do(i)
	}
}

var (
	path   = purge.Scope{Kind: purge.Path, Name: "/a/1"}
	host   = purge.OfHostPath("h", "/a/1")
	space  = purge.Scope{Kind: purge.Namespace, Name: "n"}
	alice  = purge.Scope{Kind: purge.Identity, Name: "alice"}
	tag    = purge.Scope{Kind: purge.Tag, Name: "t"}
	group  = purge.Scope{Kind: purge.Group, Name: "t"}
	all    = purge.Scope{Kind: purge.All}
	prefix = purge.Scope{Kind: purge.Prefix, Name: "/a/"}
)

// TestContract holds what a purge of each kind leaves of an entry, by when the purge came and when the tags were named.
func TestContract(t *testing.T) {
	known := []purge.Scope{path, host, space, alice}
	late := []purge.Scope{tag, group}
	for _, test := range []struct {
		name                   string
		purged                 purge.Scope
		duringKept             bool        // a fill is kept whose purge came while its handler ran
		duringLeft, behindLeft purge.State // what is left of the entry, where the purge came then, or when it was kept
	}{
		{"the path", path, true, purge.Gone, purge.Gone},
		{"the path softly", path.Softly(), true, purge.Stale, purge.Stale},
		{"the path on its host softly", host.Softly(), true, purge.Stale, purge.Stale},
		{"its namespace softly", space.Softly(), true, purge.Stale, purge.Stale},
		{"its identity softly", alice.Softly(), true, purge.Stale, purge.Stale},
		{"its group softly", group.Softly(), false, purge.Gone, purge.Stale},
		{"another path softly", purge.Scope{Kind: purge.Path, Name: "/a/2"}.Softly(), true, purge.Valid, purge.Valid},
		{"the path on its host", host, true, purge.Gone, purge.Gone},
		{"its namespace", space, true, purge.Gone, purge.Gone},
		{"its identity", alice, true, purge.Gone, purge.Gone},
		{"its tag", tag, false, purge.Gone, purge.Gone},
		{"its tag softly", tag.Softly(), false, purge.Gone, purge.Stale},
		{"its group", group, false, purge.Gone, purge.Gone},
		{"everything", all, true, purge.Gone, purge.Gone},
		{"everything softly", all.Softly(), true, purge.Stale, purge.Stale},
		{"its prefix", prefix, true, purge.Gone, purge.Gone},
		{"its prefix softly", prefix.Softly(), true, purge.Stale, purge.Stale},
		{"another path", purge.Scope{Kind: purge.Path, Name: "/a/2"}, true, purge.Valid, purge.Valid},
		{"the path on another host", purge.OfHostPath("i", "/a/1"), true, purge.Valid, purge.Valid},
		{"a tag of the group's name, not its own", purge.Scope{Kind: purge.Tag, Name: "u"}, true, purge.Valid, purge.Valid},
		{"a namespace of the tag's name", purge.Scope{Kind: purge.Namespace, Name: "t"}, true, purge.Valid, purge.Valid},
		{"another prefix", purge.Scope{Kind: purge.Prefix, Name: "/b"}, true, purge.Valid, purge.Valid},
	} {
		for name, protocol := range protocols {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				p := protocol()
				during, behind := begin(t, p, known), begin(t, p, known)
				keep(t, p, &behind, late, true)
				must(t, p.Purge(ctx, test.purged))
				keep(t, p, &during, late, test.duringKept)
				if test.duringKept {
					left(t, p, "of a fill that was under way", &during.Basis, test.duringLeft)
				}
				left(t, p, "of an entry", &behind.Basis, test.behindLeft)
				after := begin(t, p, known)
				keep(t, p, &after, late, true)
				left(t, p, "of a fill that came behind", &after.Basis, purge.Valid)
			})
		}
	}
}

// TestGuessed holds that a tag which was guessed needs no log, and is nothing to a fill that does not name it.
func TestGuessed(t *testing.T) {
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			p := protocol()
			fill := purge.Fill{Known: []purge.Scope{path}, Guessed: []purge.Scope{tag}}
			with, without := beginWith(t, p, fill), beginWith(t, p, fill)
			keep(t, p, &with, []purge.Scope{tag}, true)
			keep(t, p, &without, nil, true)
			late := beginWith(t, p, fill)
			keep(t, p, &late, []purge.Scope{group}, false) // it has noted no position
			must(t, p.Purge(ctx, tag))
			left(t, p, "of a fill that named it", &with.Basis, purge.Gone)
			left(t, p, "of one that did not", &without.Basis, purge.Valid)
		})
	}
}

// TestFollow holds which purges part a follower from its flight.
func TestFollow(t *testing.T) {
	for name, protocol := range protocols {
		for _, test := range []struct {
			name   string
			purged []purge.Scope
			want   purge.State
		}{
			{"nothing", nil, purge.Valid},
			{"what it stands on", []purge.Scope{path}, purge.Gone},
			{"a tag that has no name yet", []purge.Scope{tag}, purge.Gone},
			{"another tag", []purge.Scope{{Kind: purge.Tag, Name: "u"}}, purge.Valid},
			{"its prefix", []purge.Scope{prefix}, purge.Gone},
		} {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				p := protocol()
				flight := begin(t, p, []purge.Scope{path})
				must(t, p.Purge(ctx, test.purged...))
				look := p.Look(path)
				must(t, p.NotePosition(ctx, look))
				got, err := p.Follow(ctx, look, &flight, []purge.Scope{tag})
				if must(t, err); got != test.want {
					t.Errorf("the flight is %s to the follower", names[got])
				}
			})
		}
	}
}

// TestSoftAndHard holds what several purges of one scope, soft and hard ones, leave of what was filled before the first one, and behind each.
func TestSoftAndHard(t *testing.T) {
	for _, scope := range []purge.Scope{path, host, space, alice, tag, group, prefix, all} {
		for _, test := range []struct {
			name  string
			purge []bool // whether each is soft
			want  []purge.State
		}{
			{"softly", []bool{true}, []purge.State{purge.Stale, purge.Valid}},
			{"softly twice", []bool{true, true}, []purge.State{purge.Stale, purge.Stale, purge.Valid}},
			{"softly, then hard", []bool{true, false}, []purge.State{purge.Gone, purge.Gone, purge.Valid}},
			{"hard, then softly", []bool{false, true}, []purge.State{purge.Gone, purge.Stale, purge.Valid}},
			{"softly twice, then hard", []bool{true, true, false}, []purge.State{purge.Gone, purge.Gone, purge.Gone, purge.Valid}},
			{"softly, hard, softly", []bool{true, false, true}, []purge.State{purge.Gone, purge.Gone, purge.Stale, purge.Valid}},
		} {
			for name, protocol := range protocols {
				t.Run(fmt.Sprintf("%s/%c %s", name, scope.Kind, test.name), func(t *testing.T) {
					p := protocol()
					fill := func() *purge.Basis {
						ticket := begin(t, p, []purge.Scope{path, host, space, alice})
						keep(t, p, &ticket, []purge.Scope{tag, group}, true)
						return &ticket.Basis
					}
					filled := []*purge.Basis{fill()}
					for _, soft := range test.purge {
						scope.Soft = soft
						must(t, p.Purge(ctx, scope))
						filled = append(filled, fill())
					}
					for i, basis := range filled {
						left(t, p, fmt.Sprintf("of what was filled behind %d of the purges", i), basis, test.want[i])
					}
				})
			}
		}
	}
}

// TestSoftOfNothingInUse holds that what a soft purge has made stale is gone behind a hard one, also where nothing was filled in between.
func TestSoftOfNothingInUse(t *testing.T) {
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			p := protocol()
			entry := begin(t, p, []purge.Scope{path, host})
			for range 3 {
				must(t, p.Purge(ctx, path.Softly()))
				runtime.GC()
				left(t, p, "behind a soft purge", &entry.Basis, purge.Stale)
			}
			must(t, p.Purge(ctx, path))
			left(t, p, "behind a hard one", &entry.Basis, purge.Gone)
		})
	}
}

// TestFollowSoftly holds that no follower gets, as if it were fresh, what was purged softly before it came.
func TestFollowSoftly(t *testing.T) {
	for name, protocol := range protocols {
		for _, purged := range []purge.Scope{path, tag, prefix, all} {
			t.Run(fmt.Sprintf("%s/%c", name, purged.Kind), func(t *testing.T) {
				p := protocol()
				flight := begin(t, p, []purge.Scope{path})
				must(t, p.Purge(ctx, purged.Softly()))
				look := p.Look(path)
				must(t, p.NotePosition(ctx, look))
				got, err := p.Follow(ctx, look, &flight, []purge.Scope{tag})
				if must(t, err); got == purge.Valid {
					t.Error("the flight is valid to the follower")
				}
			})
		}
	}
}

// TestPurgeBy holds that the response of a request outlives its own purge, and no other's.
func TestPurgeBy(t *testing.T) {
	type step func(p purge.Protocol, ticket *purge.Ticket) error
	own := func(p purge.Protocol, ticket *purge.Ticket) error { return p.PurgeBy(ctx, ticket, path, host) }
	other := func(p purge.Protocol, _ *purge.Ticket) error { return p.Purge(ctx, path) }
	softly := func(p purge.Protocol, _ *purge.Ticket) error { return p.Purge(ctx, path.Softly()) }
	for name, protocol := range protocols {
		for _, test := range []struct {
			name  string
			steps []step
			want  purge.State
		}{
			{"own", []step{own}, purge.Valid},
			{"own, twice", []step{own, own}, purge.Valid},
			{"another's first", []step{other, own}, purge.Gone},
			{"another's last", []step{own, other}, purge.Gone},
			{"another's soft one first", []step{softly, own}, purge.Gone},
			{"another's soft one last", []step{own, softly}, purge.Stale},
			{"another's soft one last, and its own once more", []step{own, softly, own}, purge.Gone},
			{"another's soft one and a hard one last", []step{own, softly, other}, purge.Gone},
		} {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				p := protocol()
				before := begin(t, p, []purge.Scope{path})
				ticket := beginWith(t, p, purge.Fill{Known: []purge.Scope{path, host, space}, Own: true})
				for _, step := range test.steps {
					must(t, step(p, &ticket))
				}
				left(t, p, "of its own response", &ticket.Basis, test.want)
				left(t, p, "of what was stored", &before.Basis, purge.Gone)
			})
		}
	}
}

// TestMadeOfNothing holds that what no fill has made is not valid.
func TestMadeOfNothing(t *testing.T) {
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) { left(t, protocol(), "of nothing", &purge.Basis{}, purge.Gone) })
	}
}

func begin(t *testing.T, p purge.Protocol, known []purge.Scope) purge.Ticket {
	t.Helper()
	return beginWith(t, p, purge.Fill{Known: known, Late: true})
}

func beginWith(t *testing.T, p purge.Protocol, fill purge.Fill) purge.Ticket {
	t.Helper()
	ticket, err := p.Begin(ctx, nil, fill)
	must(t, err)
	return ticket
}

func keep(t *testing.T, p purge.Protocol, ticket *purge.Ticket, late []purge.Scope, want bool) {
	t.Helper()
	kept, err := p.Name(ctx, ticket, late, time.Minute)
	if must(t, err); kept != want {
		t.Fatalf("a fill is kept: %t", kept)
	}
}

func left(t *testing.T, p purge.Protocol, of string, basis *purge.Basis, want purge.State) {
	t.Helper()
	got, err := p.State(ctx, nil, basis)
	if must(t, err); got != want {
		t.Errorf("what is left %s is %s", of, names[got])
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
