package purge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/target"
)

// TestCommandsOfAPurge holds that a purge asks each server side by side, and has all its marks there deleted by one command. What goes into
// the logs of a server's partitions goes into all of them side by side, and has their marks deleted in the same commands.
func TestCommandsOfAPurge(t *testing.T) {
	const parts = target.Partitions / 2 // on each server
	for _, test := range []struct {
		name   string
		purged []purge.Scope
		asked  int   // commands to the second server
		beside []int // how many things are done side by side: the servers, with the look for near tiers, and what each has for its logs
	}{
		{"a path", []purge.Scope{onSecond}, 1, []int{2}},
		{"a namespace", []purge.Scope{space}, 1, []int{3}},
		{"a namespace, and a path", []purge.Scope{space, onSecond}, 1, []int{3}},
		{"several identities", []purge.Scope{alice, alice.Softly(), space}, 1, []int{3}},
		{"a tag", []purge.Scope{tag}, parts, []int{3, parts, parts}},
		{"two tags and a group", []purge.Scope{tag, group, tag.Softly()}, parts, []int{3, parts, parts}},
		{"everything", []purge.Scope{all}, parts, []int{3, parts, parts}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, beside := newHalves(), []int(nil)
			p := onWorld(h.World, func(o *purge.Options) {
				o.Sharded, o.Marks, o.Log = true, h.client, h.client
				o.Server = func(key string) string { return strconv.Itoa(h.client.Server(key)) }
				o.Beside = func(n int, do func(i int)) {
					beside = append(beside, n)
					inTurn(n, do)
				}
			})
			must(t, p.Purge(ctx, test.purged...))
			if h.asked != test.asked || !slices.Equal(beside, test.beside) {
				t.Errorf("the second server is asked %d times, want %d; side by side are %v, want %v", h.asked, test.asked, beside, test.beside)
			}
		})
	}
}

// TestNearLogOfALostServer holds that a purge which cannot tell near tiers, since the server of their logs is lost, is done on the others all the
// same, and owed: near tiers are told when it is back.
func TestNearLogOfALostServer(t *testing.T) {
	for _, scope := range []purge.Scope{onSecond, space, tag} {
		t.Run(fmt.Sprintf("%c %s", scope.Kind, scope.Name), func(t *testing.T) {
			h := newHalves()
			process := func() *purge.Shared {
				return onWorld(h.World, func(o *purge.Options) { o.Sharded, o.Marks, o.Log = true, h.client, h.client })
			}
			here, there := process(), process()
			second := begin(t, there, []purge.Scope{onSecond, space, tag})
			tier := there.NewTier(time.Hour, time.Hour)
			must(t, tier.Look(ctx))
			h.Clock = h.Clock.Add(2 * time.Second)
			must(t, tier.Look(ctx))
			near, ok := tier.Keep(tier.Begin(h.Now()), &second.Basis, "key")
			if state := tier.Left(&near); !ok || state != purge.Valid {
				t.Fatalf("it is kept near: %v, and is %s", ok, names[state])
			}
			h.away[0] = true
			if err := here.Purge(ctx, scope); !errors.Is(err, purge.ErrOwed) {
				t.Fatalf("the error is %v", err)
			}
			left(t, there, "elsewhere, of what is on the second server", &second.Basis, purge.Gone)
			h.away[0] = false
			must(t, here.Pay(ctx))
			must(t, tier.Look(ctx))
			if state := tier.Left(&near); state != purge.Gone {
				t.Errorf("near tiers hear that it is %s", names[state])
			}
		})
	}
}

// adds is a store that notes which marks are added.
type adds struct {
	purge.Marks
	keys []string
}

func (a *adds) Add(c context.Context, ttl time.Duration, word func() string, keys ...string) ([]string, error) {
	a.keys = append(a.keys, keys...)
	return a.Marks.Add(c, ttl, word, keys...)
}

// TestLivesOfPartitions holds that a namespace's mark in one partition is not taken to live as long as that in another.
func TestLivesOfPartitions(t *testing.T) {
	h := newHalves()
	store := &adds{Marks: h.client}
	p := onWorld(h.World, func(o *purge.Options) { o.Sharded, o.Marks, o.Log = true, store, h.client })
	const long = 240 * time.Hour
	second := []purge.Scope{onSecond, space}
	beginWith(t, p, purge.Fill{Known: second, TTL: time.Hour})
	beginWith(t, p, purge.Fill{Known: []purge.Scope{onFirst, space}, TTL: long})
	beginWith(t, p, purge.Fill{Known: []purge.Scope{onFirst, space}, TTL: long})
	look := p.Look(second...)
	words, err := h.client.Words(ctx, look.Keys()...)
	must(t, err)
	look.Read(words)
	store.keys = nil
	_, err = p.Begin(ctx, look, purge.Fill{Known: second, TTL: long})
	must(t, err)
	if want := purge.KeyOf(space, onSecond.Name, true); !slices.Contains(store.keys, want) {
		t.Errorf("its life is not lengthened: the marks that are added are %q, and %q is not among them", store.keys, want)
	}
}
