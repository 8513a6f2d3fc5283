package purge_test

import (
	"cmp"
	"context"
	"flag"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/purge/sim"
)

// unlogged is a log of tags in which nothing was ever purged.
type unlogged struct{ purge.Log }

func (u unlogged) Since(c context.Context, key string, from purge.Position) ([]string, purge.Position, bool, error) {
	if isTagLog(key) {
		return nil, from, true, nil
	}
	return u.Log.Since(c, key, from)
}

func isTagLog(key string) bool { return strings.HasSuffix(key, "lt") }

// wide deletes a mark more than it is told to.
type wide struct {
	purge.Marks
	f *fleet
}

func (w wide) Delete(c context.Context, keys ...string) error {
	err := w.Marks.Delete(c, keys...)
	delete(w.f.w.Store.Marks, w.f.key(allKnown[0][0], 0))
	return err
}

// silent has a full store take nothing, and says that it does.
type silent struct{ purge.Log }

func (s silent) Append(c context.Context, key string, keep int, ttl time.Duration, records ...string) error {
	_ = s.Log.Append(c, key, keep, ttl, records...)
	return nil
}

func (s silent) Purge(c context.Context, log string, keep int, ttl time.Duration, records []string, keys ...string) error {
	_ = s.Log.Purge(c, log, keep, ttl, records, keys...)
	return nil
}

// settled says that a purge is done whose record the log did not get, once the log is deleted: behind the marks, or with none of them deleted again.
type settled struct {
	purge.Log
	marks  purge.Marks
	behind bool
}

func (s settled) Purge(c context.Context, log string, keep int, ttl time.Duration, records []string, keys ...string) error {
	err := s.Log.Purge(c, log, keep, ttl, records, keys...)
	if err == nil {
		return nil
	}
	if s.behind && s.marks.Delete(c, keys...) != nil {
		return err
	}
	return s.marks.Delete(c, log)
}

// mistakes are what the simulator must find: first those of the model that the protocol was designed by, then others. Those that are named in
// mistakes of a store or a user are there.
var mistakes = []mistake{
	with("no look at the log", func(_ *fleet, o *purge.Options) { o.Log = unlogged{logOf(o)} }),
	like("the position read late", wrong{name: func(w *wrong, t *purge.Ticket, late []purge.Scope) (bool, error) {
		if t.Position() != "" {
			end, err := w.Log.End(ctx, t.TagLog(), time.Hour)
			if err != nil {
				return false, err
			}
			t.SetPosition(end)
		}
		return w.Shared.Name(ctx, t, late, 0)
	}}),
	like("a position noted for the process's last fill, not for this one", wrong{
		begin: func(w *wrong, l *purge.Look, f purge.Fill) (purge.Ticket, error) {
			t, err := w.Shared.Begin(ctx, l, f)
			if t.Position() != "" {
				w.noted[t.TagLog()] = t.Position()
			}
			return t, err
		},
		name: func(w *wrong, t *purge.Ticket, late []purge.Scope) (bool, error) {
			if t.Position() != "" {
				t.SetPosition(w.noted[t.TagLog()])
			}
			return w.Shared.Name(ctx, t, late, 0)
		},
	}),
	like("a noted position that is used when its second is over", wrong{begin: func(w *wrong, l *purge.Look, f purge.Fill) (purge.Ticket, error) {
		t, err := w.Shared.Begin(ctx, l, f)
		if t.Position() != "" {
			t.SetPosition(cmp.Or(w.noted[t.TagLog()], t.Position()))
			w.noted[t.TagLog()] = t.Position()
		}
		return t, err
	}}),
	like("the log before the mark", wrong{name: logFirst}),
	like("in the log only behind", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		if err := w.DeleteOf(ctx, scopes...); err != nil {
			return w.Shared.Purge(ctx, scopes...)
		}
		if err := w.AppendTo(ctx, scopes...); err != nil {
			return w.Shared.Purge(ctx, scopes...)
		}
		return nil
	}}),
	{name: "a full store, the log left", store: sim.Mistakes{KeepsLog: true}},
	{name: "marks deleted before the log has the record", store: sim.Mistakes{DeletesFirst: true}},
	with("a log that got no record deleted behind the marks", func(_ *fleet, o *purge.Options) { o.Log = settled{logOf(o), o.Marks, false} }),
	with("a log that got no record deleted behind marks that are deleted again", func(_ *fleet, o *purge.Options) {
		o.Log = settled{logOf(o), o.Marks, true}
	}),
	{name: "a purge replaces, and is repeated", store: sim.Mistakes{Replaces: true}},
	{name: "an add is repeated with its word", store: sim.Mistakes{RepeatsWord: true}},
	{name: "a life lengthened by writing back", store: sim.Mistakes{WritesBack: true}},
	{name: "queued before it was looked at", user: user{queuesEarly: true}},
	{name: "a follower that compares nothing", user: user{followsUnasked: true}},

	{name: "a log that was lost is taken for an empty one", store: sim.Mistakes{ForgetsRecords: true}},
	{name: "a queue that compares nothing", user: user{servesQueueUnasked: true}},
	{name: "a 304 forgets the old tags", user: user{forgetsOldTags: true}},
	with("a full store that says nothing", func(_ *fleet, o *purge.Options) { o.Log = silent{logOf(o)} }),
	like("owed forgotten", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		err := w.Shared.Purge(ctx, scopes...)
		w.ForgetOwed()
		return err
	}}),
	like("pay deletes one mark of two", wrong{pay: func(w *wrong) error { return w.PayHalf(ctx) }}),
	like("a debt taken off before it is paid", wrong{pay: func(w *wrong) error { return w.SettleFirst(ctx) }}),
	like("words from before a payment", wrong{
		judge: func(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, bool) {
			w.UnpaidSince(l)
			return w.Shared.Judge(l, b)
		},
		state: func(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, error) {
			w.UnpaidSince(l)
			return w.Shared.State(ctx, l, b)
		},
	}),
	like("a look-up that is not complete", wrong{begin: incomplete, judge: equalWords, state: equalWordsRead}),
	like("late tags taken for guessed ones", wrong{name: func(w *wrong, t *purge.Ticket, late []purge.Scope) (bool, error) {
		words, err := w.Marks.Add(ctx, time.Hour, w.f.newWord, t.KeysOf(late)...)
		if err != nil {
			return false, err
		}
		for i := range late {
			t.Guess(purge.Mark{Scope: late[i], Word: words[i]})
		}
		return w.Shared.Name(ctx, t, late, 0)
	}}),
	like("soft taken for hard", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		return w.Shared.Purge(ctx, turned(scopes, true)...)
	}}),
	like("hard taken for soft", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		return w.Shared.Purge(ctx, turned(scopes, false)...)
	}}),
	like("a debt of a hard purge taken for one of a soft purge", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		return w.PurgeOwingSoftly(ctx, scopes...)
	}}),
	like("a debt of a hard purge paid as one of a soft purge", wrong{pay: func(w *wrong) error { return w.PaySoftly(ctx) }}),
	like("the words of the hard marks taken behind the handler", wrong{name: func(w *wrong, t *purge.Ticket, late []purge.Scope) (bool, error) {
		kept, err := w.Shared.Name(ctx, t, late, 0)
		if !kept || err != nil || len(t.Basis.Marks) == 0 {
			return kept, err
		}
		return w.takeHardAgain(t)
	}}),
	like("a hard mark that is there, whatever its word is", wrong{
		judge: func(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, bool) {
			return w.Shared.Judge(l, l.AnyHard(b))
		},
		state: func(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, error) {
			if left, err := w.Shared.State(ctx, l, b); l == nil || left != purge.Gone || err != nil {
				return left, err
			}
			left, _ := w.Shared.Judge(l, l.AnyHard(b))
			return left, nil
		},
	}),
	like("hard marks as another look has read them", wrong{state: func(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, error) {
		if l == nil {
			l = w.LookOf(b)
		}
		l.ShareHard(&w.hards)
		left, err := w.Shared.State(ctx, l, b)
		l.ShareHard(&w.hards)
		return left, err
	}}),
	like("marks beside a path left by soft purges", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		if !scopes[0].Soft {
			return w.Shared.Purge(ctx, scopes...)
		}
		return w.PurgeWithoutOwn(ctx, scopes...)
	}}),
	{name: "a 304 that keeps the words of what it confirms", user: user{keepsOldWords: true}},
	like("gone taken for stale", wrong{
		judge: func(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, bool) {
			left, ok := w.Shared.Judge(l, b)
			return max(left, purge.Stale), ok
		},
	}),
	like("stale taken for valid", wrong{
		judge: func(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, bool) {
			left, ok := w.Shared.Judge(l, b)
			if left == purge.Stale {
				left = purge.Valid
			}
			return left, ok
		},
	}),
	like("a follower whose late tags are not looked for", wrong{follow: func(w *wrong, l *purge.Look, t *purge.Ticket, _ []purge.Scope) (purge.State, error) {
		return w.Shared.Follow(ctx, l, t, nil)
	}}),
	like("a follower that compares late tags alone", wrong{follow: func(w *wrong, l *purge.Look, t *purge.Ticket, late []purge.Scope) (purge.State, error) {
		own := *t
		left, err := w.Shared.Name(ctx, &own, late, 0)
		if left {
			return purge.Valid, err
		}
		return purge.Gone, err
	}}),
	with("a purge of a prefix that does not wait", func(_ *fleet, o *purge.Options) {
		o.Wait = func(context.Context, time.Duration) error { return nil }
	}),
	with("a view that is good for longer than a purge waits", func(f *fleet, o *purge.Options) {
		o.Every = 4 * every
		o.Wait = func(c context.Context, _ time.Duration) error { return f.w.Wait(c, every) }
	}),
	like("the pulse deleted before the record is written", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		if scopes[0].Kind != purge.All && scopes[0].Kind != purge.Prefix {
			return w.Shared.Purge(ctx, scopes...)
		}
		if err := w.DeleteOf(ctx, scopes...); err != nil {
			return w.Shared.Purge(ctx, scopes...)
		}
		if err := w.AppendTo(ctx, scopes...); err != nil {
			return w.Shared.Purge(ctx, scopes...)
		}
		return w.f.w.Wait(ctx, every+every/16)
	}}),
	with("the log of prefixes read before the pulse", func(_ *fleet, o *purge.Options) {
		p := &pulseLast{Marks: o.Marks, Log: logOf(o)}
		o.Marks, o.Log = p, p
	}),
	like("marks beside a path left by others", wrong{purge: func(w *wrong, scopes ...purge.Scope) error {
		if err := w.PurgeWithoutOwn(ctx, scopes...); err != nil {
			return w.Shared.Purge(ctx, scopes...)
		}
		return nil
	}}),
	like("marks beside a path that are another fill's", wrong{begin: func(w *wrong, l *purge.Look, f purge.Fill) (purge.Ticket, error) {
		t, err := w.Shared.Begin(ctx, l, f)
		if f.Own {
			t.Exclusive()
		}
		return t, err
	}}),
	like("marks beside a path that another fill has taken since", wrong{purgeBy: func(w *wrong, t *purge.Ticket, scopes ...purge.Scope) error {
		return w.PurgeByUnasked(ctx, t, scopes...)
	}}),
	like("a view that is good whatever the pulse is", wrong{judge: func(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, bool) {
		w.RenewAnyway(l)
		return w.Shared.Judge(l, b)
	}}),
	like("fills that begin together, of which one has the words of another", wrong{together: func(w *wrong, l []*purge.Look, f []purge.Fill) ([]purge.Ticket, []error) {
		t, errs := w.Shared.BeginMany(ctx, l, f)
		t[0].Basis.Marks, t[1].Basis.Marks = t[1].Basis.Marks, t[0].Basis.Marks
		return t, errs
	}}),
	with("a purge that hits another page", func(f *fleet, o *purge.Options) { o.Marks = wide{o.Marks, f} }),
	like("a fill refused without a reason", wrong{name: func(w *wrong, t *purge.Ticket, late []purge.Scope) (bool, error) {
		kept, err := w.Shared.Name(ctx, t, late, 0)
		return kept && !w.f.chance(5), err
	}}),
}

// pulseLast reads the log of prefixes before it adds the pulse.
type pulseLast struct {
	purge.Marks
	purge.Log
	last, end purge.Position
	records   []string
	complete  bool
	read      bool
}

func (p *pulseLast) Add(c context.Context, ttl time.Duration, word func() string, keys ...string) (words []string, err error) {
	if keys[0] == purge.PulseKey("", false) {
		if p.last == "" {
			p.end, err = p.Log.End(c, purge.PrefixLog("", false), ttl)
		} else {
			p.records, p.end, p.complete, err = p.Log.Since(c, purge.PrefixLog("", false), p.last)
		}
		if err != nil {
			return nil, err
		}
		p.read = p.last == "" || p.complete
	}
	return p.Marks.Add(c, ttl, word, keys...)
}

func (p *pulseLast) End(c context.Context, key string, ttl time.Duration) (purge.Position, error) {
	if key != purge.PrefixLog("", false) || !p.read {
		return p.Log.End(c, key, ttl)
	}
	if p.last == "" {
		p.last, p.read = p.end, false
	}
	return p.end, nil
}

func (p *pulseLast) Since(c context.Context, key string, from purge.Position) ([]string, purge.Position, bool, error) {
	if key != purge.PrefixLog("", false) || !p.read || from != p.last {
		return p.Log.Since(c, key, from)
	}
	p.last, p.read = p.end, false
	return p.records, p.end, true, nil
}

// logFirst looks into the log before it takes the words.
func logFirst(w *wrong, t *purge.Ticket, late []purge.Scope) (bool, error) {
	fresh := slices.DeleteFunc(slices.Clone(late), func(s purge.Scope) bool {
		return slices.ContainsFunc(t.Basis.Marks, func(m purge.Mark) bool { return m.Scope == s })
	})
	if len(fresh) == 0 || t.Position() == "" {
		return w.Shared.Name(ctx, t, late, 0)
	}
	records, _, complete, err := w.Log.Since(ctx, t.TagLog(), t.Position())
	if err != nil || !complete {
		return false, err
	}
	for _, s := range fresh {
		if purge.LogHas(records, s) {
			return false, nil
		}
	}
	words, err := w.Marks.Add(ctx, time.Hour, w.f.newWord, t.KeysOf(fresh)...)
	if err != nil {
		return false, err
	}
	for i := range fresh {
		t.Guess(purge.Mark{Scope: fresh[i], Word: words[i]})
	}
	return w.Shared.Name(ctx, t, late, 0)
}

// incomplete takes no word where the look-up found none.
func incomplete(w *wrong, l *purge.Look, f purge.Fill) (purge.Ticket, error) {
	t, err := w.Shared.Begin(ctx, l, f)
	if l != nil && err == nil {
		t.Basis.Marks = l.WordsOf(f.Known)
	}
	return t, err
}

// equalWords takes a mark that is not there, and was not, for the same.
func equalWords(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, bool) {
	own := *b
	own.Marks = slices.DeleteFunc(slices.Clone(b.Marks), func(m purge.Mark) bool {
		return m.Word == "" && l.WordsOf([]purge.Scope{m.Scope})[0].Word == ""
	})
	return w.Shared.Judge(l, &own)
}

func equalWordsRead(w *wrong, l *purge.Look, b *purge.Basis) (purge.State, error) {
	own := *b
	own.Marks = slices.DeleteFunc(slices.Clone(b.Marks), func(m purge.Mark) bool { return m.Word == "" })
	return w.Shared.State(ctx, l, &own)
}

// takeHardAgain has a ticket go on with the words that the hard marks have now.
func (w *wrong) takeHardAgain(t *purge.Ticket) (bool, error) {
	var scopes []purge.Scope
	for _, m := range t.Basis.Marks {
		scopes = append(scopes, m.Scope)
	}
	words, err := w.Marks.Add(ctx, time.Hour, w.f.newWord, t.HardKeysOf(scopes)...)
	if err != nil {
		return false, err
	}
	marks := slices.Clone(t.Basis.Marks)
	for i, word := range words {
		marks[i].Hard = word
	}
	t.Basis.Marks = marks
	return true, nil
}

func turned(scopes []purge.Scope, soft bool) []purge.Scope {
	list := slices.Clone(scopes)
	for i := range list {
		list[i].Soft = soft
	}
	return list
}

func (f *fleet) newWord() string {
	f.words++
	return "wrong" + time.Duration(f.words).String()
}

var within = flag.Int("within", 100_000, "in how many schedules each mistake must be found")

// known are schedules that find a mistake which many others do not. They are tried first, and the others where they find it no longer.
var known = map[string]int{
	"a position noted for the process's last fill, not for this one":       256741,
	"a near tier that takes any mark for its own":                          148788,
	"marks beside a path left by soft purges":                              61776,
	"a log that got no record deleted behind marks that are deleted again": 60088,
	"the pulse of another partition":                                       49123,
	"a near tier that reads marks before its place":                        33932,
	"a near tier that keeps what was purged while it was read":             33932,
	"the log of prefixes read before the pulse":                            28976,
	"an add is repeated with its word":                                     21689,
	"debts settled for all partitions when one has taken them":             10748,
	"a debt of a tag settled for all partitions when one has taken it":     10748,
	"marks deleted before the log has the record":                          10385,
	"a near tier that keeps before all know of it":                         7675,
	"a 304 forgets the old tags":                                           7574,
	"the log of tags of another partition":                                 7471,
	"debts of another partition":                                           7061,
	"marks beside a path that are another fill's":                          6069,
	"a 304 that keeps the words of what it confirms":                       5872,
	"a process that has looked once whether there are near tiers":          5736,
	"marks beside a path left by others":                                   5050,
	"near tiers that are told before the marks are deleted":                2927,
	"a follower whose late tags are not looked for":                        2926,
	"a near tier that keeps by an older view of prefixes":                  2675,
	"marks beside a path that another fill has taken since":                2631,
	"a purge of a prefix that does not wait":                               2552,
	"a full store, the log left":                                           2451,
	"words from before a payment":                                          2323,
	"pay deletes one mark of two":                                          2204,
	"a debt taken off before it is paid":                                   1933,
	"stale taken for valid":                                                1802,
	"a log that got no record deleted behind the marks":                    1447,
	"a follower that compares late tags alone":                             1436,
	"a follower that compares nothing":                                     1436,
	"an arrangement that cannot be told is taken for the last one":         1069,
}

// TestMistakes holds that the simulator finds each mistake.
func TestMistakes(t *testing.T) {
	all := slices.Concat(mistakes, nearMistakes, spreadMistakes)
	var next, missed atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			f := newFleet()
			defer func() { f.w.Close() }()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(all) {
					return
				}
				m := &all[i]
				if s, bad := f.find(m); bad != "" {
					t.Logf("%s: found in schedule %d: %s", m.name, s, bad)
				} else {
					missed.Add(1)
					t.Errorf("%s: not found", m.name)
				}
			}
		})
	}
	workers.Wait()
}

// find returns the first schedule that finds a mistake, and what it sees.
func (f *fleet) find(m *mistake) (schedule int, bad string) {
	if s, ok := known[m.name]; ok {
		if bad := f.run(uint64(s), m, false); bad != "" {
			return s, bad
		}
	}
	for s := range *within {
		if bad := f.run(uint64(s), m, false); bad != "" {
			return s, bad
		}
	}
	return 0, ""
}

// logOf is the log of a store, also where the plan has none.
func logOf(o *purge.Options) purge.Log { return o.Marks.(purge.Log) }
