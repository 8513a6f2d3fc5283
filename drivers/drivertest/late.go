package drivertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/internal/bounded"
)

// A change is an operation that changes the store, on keys of its own. direct is a driver that reaches the server past the proxy.
type change struct {
	name    string
	prepare func(ctx context.Context) error                   // what is there before; nil for nothing
	call    func(ctx context.Context, d drivers.Driver) error // what ends with its context
	done    func(ctx context.Context) bool                    // whether the server has carried it out
	then    func(ctx context.Context) error                   // what another does then
	check   func(ctx context.Context) error                   // whether the store still has what that has left
}

// changes are those that a driver has. The keys begin with a prefix.
func changes(direct drivers.Driver, key string) []change {
	put := func(key, value string, ttl time.Duration) func(context.Context) error {
		return func(ctx context.Context) error { return direct.Set(ctx, key, []byte(value), ttl) }
	}
	remove := func(ctx context.Context) error { _, err := direct.Delete(ctx, key); return err }
	clear := func(ctx context.Context) error { _, err := direct.Clear(ctx, key); return err }
	has := func(key, want string) func(context.Context) error {
		return func(ctx context.Context) error { return holds(ctx, direct, key, want) }
	}
	is := func(key, want string) func(context.Context) bool {
		return func(ctx context.Context) bool { return holds(ctx, direct, key, want) == nil }
	}
	setOld := func(ctx context.Context, d drivers.Driver) error { return d.Set(ctx, key, []byte("old"), long) }
	deleteIt := func(ctx context.Context, d drivers.Driver) error { _, err := d.Delete(ctx, key); return err }
	clearIt := func(ctx context.Context, d drivers.Driver) error { _, err := d.Clear(ctx, key); return err }
	all := []change{
		{"SetThenSet", nil, setOld, is(key, "old"), put(key, "new", long), has(key, "new")},
		{"SetThenDelete", nil, setOld, is(key, "old"), remove, has(key, "")},
		{"SetThenClear", nil, setOld, is(key, "old"), clear, has(key, "")},
		{"DeleteThenSet", put(key, "old", long), deleteIt, is(key, ""), put(key, "new", long), has(key, "new")},
		{"ClearThenSet", put(key+"/", "old", long), clearIt, is(key+"/", ""), put(key+"/", "new", long), has(key+"/", "new")},
	}
	if _, ok := direct.(drivers.BatchSetter); ok {
		setValues := func(ctx context.Context, d drivers.Driver) error {
			return errors.Join(d.(drivers.BatchSetter).SetValues(ctx, long, []string{key}, [][]byte{[]byte("old")})...)
		}
		all = append(all, change{"SetValuesThenSet", nil, setValues, is(key, "old"), put(key, "new", long), has(key, "new")})
	}
	if _, ok := direct.(drivers.Inserter); ok {
		insert := func(ctx context.Context, d drivers.Driver) error {
			_, err := d.(drivers.Inserter).Insert(ctx, key, []byte("old"), long)
			return err
		}
		all = append(all, change{"InsertThenDelete", nil, insert, is(key, "old"), remove, has(key, "")})
	}
	if _, ok := direct.(drivers.Adder); ok {
		add := func(ctx context.Context, d drivers.Driver) error {
			_, err := d.(drivers.Adder).Add(ctx, long, func() []byte { return []byte("word") }, key)
			return err
		}
		lengthened := func(ctx context.Context) bool {
			item, err := direct.Get(ctx, key)
			return err == nil && time.Until(item.ExpiresAt) > long/3
		}
		all = append(all,
			change{"AddThenDelete", nil, add, is(key, "word"), remove, has(key, "")},
			change{"AddToLengthenThenDelete", put(key, "word", time.Minute), add, lengthened, remove, has(key, "")})
	}
	if log, ok := direct.(drivers.Log); ok {
		all = append(all, appending(log, key))
		if _, ok := direct.(drivers.Purger); ok {
			all = append(all, purgingBehind(appending(log, key), key, put, is, has))
		}
	}
	return all
}

// purgingBehind is a purge whose record is appended as that of a change is. It deletes a mark, which another one adds then.
func purgingBehind(c change, key string, put func(key, value string, ttl time.Duration) func(context.Context) error,
	is func(key, want string) func(context.Context) bool, has func(key, want string) func(context.Context) error) change {
	mark := key + " mark"
	both := func(one, other func(context.Context) error) func(context.Context) error {
		return func(ctx context.Context) error { return cmp.Or(one(ctx), other(ctx)) }
	}
	appended := c.done
	c.name = "PurgeThenEnd"
	c.prepare = both(c.prepare, put(mark, "old", long))
	c.call = func(ctx context.Context, d drivers.Driver) error {
		return d.(drivers.Purger).Purge(ctx, key, keep, long, [][]byte{[]byte("record")}, mark)
	}
	c.done = func(ctx context.Context) bool { return appended(ctx) && is(mark, "")(ctx) }
	c.then = both(c.then, put(mark, "new", long))
	c.check = both(c.check, has(mark, "new"))
	return c
}

// appending is a write of a log, that is begun anew behind it.
func appending(log drivers.Log, key string) change {
	var begin, again drivers.Position
	end := func(position *drivers.Position) func(ctx context.Context) error {
		return func(ctx context.Context) (err error) {
			*position, err = log.End(ctx, key, long)
			return err
		}
	}
	records := func(ctx context.Context, from drivers.Position) (int, error) {
		records, _, complete, err := log.Since(ctx, key, from)
		if err == nil && !complete {
			err = errors.New("the log is another one than before")
		}
		return len(records), err
	}
	return change{
		"AppendThenEnd", end(&begin),
		func(ctx context.Context, d drivers.Driver) error {
			return d.(drivers.Log).Append(ctx, key, keep, long, []byte("record"))
		},
		func(ctx context.Context) bool {
			n, err := records(ctx, begin)
			return err == nil && n > 0
		},
		end(&again),
		func(ctx context.Context) error {
			n, err := records(ctx, again)
			if err == nil && n != 0 {
				err = fmt.Errorf("the log has %d records more", n)
			}
			return err
		},
	}
}

// holds says what is under a key, if it is not a value; none where that is empty.
func holds(ctx context.Context, d drivers.Driver, key, want string) error {
	item, err := d.Get(ctx, key)
	switch {
	case errors.Is(err, drivers.ErrMiss) && want == "":
		return nil
	case err == nil && want != "" && string(item.Value) == want:
		return nil
	case errors.Is(err, drivers.ErrMiss):
		return fmt.Errorf("the store has nothing, want %q", want)
	case err != nil:
		return err
	case want == "":
		return fmt.Errorf("the store has %s, want nothing", show(string(item.Value)))
	default:
		return fmt.Errorf("the store has %s, want %q", show(string(item.Value)), want)
	}
}

// late is what is looked at once the client of a store has had the time to repeat what its caller has given up.
type late struct {
	name  string
	check func(t *testing.T) error
}

// testLateWrites has callers give up what they write, has another one write behind that, and looks whether that stays.
func testLateWrites(t *testing.T, s faults) {
	all := slices.Concat(givenUp(t, s), sentOnce(t, s), lostWords(t, s))
	time.Sleep(s.Repeats)
	for _, l := range all {
		s.run(t, l.name, l.check)
	}
}

// abandoned are changes that callers have asked for at the same time, through a proxy, and have given up.
type abandoned struct {
	name string
	fail func(t *testing.T, a *abandoned) error

	changes []change
	proxy   *proxy.Proxy
	driver  drivers.Driver
	err     error
}

func givenUp(t *testing.T, s faults) (all []late) {
	var cases []*abandoned
	for _, how := range []struct {
		name    string
		callers int
		fail    func(t *testing.T, a *abandoned) error
	}{
		{"Silent", 8, silent(false)},
		{"Cut", 8, silent(true)},
		{"Lost", 1, lost},
	} {
		for i, c := range changes(s.direct, "") {
			a := &abandoned{name: c.name + how.name, fail: how.fail}
			for range how.callers {
				a.changes = append(a.changes, changes(s.direct, s.keys())[i])
			}
			a.proxy, a.driver = s.proxied(t)
			cases = append(cases, a)
			all = append(all, late{a.name, a.check})
		}
	}
	together(len(cases), func(i int) {
		a := cases[i]
		if a.err = a.prepare(t); a.err == nil {
			a.err = a.fail(t, a)
		}
	})
	return all
}

// silent has nothing reach the server. The client finds that out by its own timeouts, or at once where the connections are cut.
func silent(cut bool) func(t *testing.T, a *abandoned) error {
	return func(t *testing.T, a *abandoned) error {
		a.proxy.Hang()
		defer func() {
			a.proxy.Resume()
			if cut {
				a.proxy.Cut()
			}
		}()
		return a.giveUp(t, nil)
	}
}

// lost has the server carry the change out, and drops its answer. The connection is cut when another one has written.
func lost(t *testing.T, a *abandoned) error {
	carriedOut, goOn := make(chan struct{}), make(chan struct{})
	a.proxy.LoseAnswerIf(func() bool {
		if !a.changes[0].done(t.Context()) {
			return false
		}
		close(carriedOut)
		<-goOn
		return true
	})
	defer close(goOn)
	return a.giveUp(t, carriedOut)
}

// sentOnce has the answer to what is sent once, as the driver promises, lost to callers that go on waiting.
func sentOnce(t *testing.T, s faults) (all []late) {
	for i, c := range changes(s.direct, "") {
		if !slices.ContainsFunc(s.Once, func(operation string) bool { return strings.HasPrefix(c.name, operation) }) {
			continue
		}
		a := &abandoned{name: c.name + "LostToThePatient", changes: changes(s.direct, s.keys())[i : i+1]}
		a.proxy, a.driver = s.proxied(t)
		if a.err = a.prepare(t); a.err == nil {
			a.err = lostToThePatient(t, a)
		}
		all = append(all, late{a.name, a.check})
	}
	return all
}

// lostToThePatient has the server carry the change out, and another one write behind that, while the answer is lost. The caller goes on waiting: the
// change is made once all the same. It may be told that it has failed.
func lostToThePatient(t *testing.T, a *abandoned) error {
	c, carriedOut := a.changes[0], make(chan error, 1)
	a.proxy.LoseAnswerIf(func() bool {
		if !c.done(t.Context()) {
			return false
		}
		a.proxy.LoseAnswerIf(nil)
		carriedOut <- within(t, ample, c.then)
		return true
	})
	_ = returns("it", func() error {
		return within(t, 5*short, func(ctx context.Context) error { return c.call(ctx, a.driver) })
	})
	select {
	case err := <-carriedOut:
		return err
	default:
		return errors.New("no answer could be lost: nothing was carried out when it came")
	}
}

func (a *abandoned) prepare(t *testing.T) error {
	for _, w := range a.changes {
		if w.prepare != nil {
			if err := within(t, ample, w.prepare); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveUp has all call at once, and give up; and then another one write. Where the server carries it out, the callers give up behind that.
func (a *abandoned) giveUp(t *testing.T, carriedOut chan struct{}) error {
	errs := make([]error, len(a.changes))
	together(len(a.changes), func(i int) {
		ctx, end := ending(t.Context(), i, short)
		defer end()
		if carriedOut != nil {
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(t.Context())
			defer cancel()
			go func() {
				select {
				case <-carriedOut:
					cancel()
				case <-ctx.Done():
				}
			}()
		}
		errs[i] = returns("it", func() error {
			err := a.changes[i].call(ctx, a.driver)
			if err == nil {
				return errors.New("it has succeeded, though no answer came")
			}
			if ctx.Err() == nil { // its connection was closed before, since another caller had given up on the server
				return nil
			}
			if !errors.Is(err, ctx.Err()) {
				return fmt.Errorf("the error is %v, want one that wraps %v", err, ctx.Err())
			}
			return nil
		})
	})
	for _, w := range a.changes {
		errs = append(errs, within(t, ample, w.then))
	}
	return some(errs)
}

func (a *abandoned) check(t *testing.T) error {
	if a.err != nil {
		return a.err
	}
	var errs []error
	for _, w := range a.changes {
		if err := within(t, ample, w.check); err != nil {
			errs = append(errs, fmt.Errorf("after another has written: %w", err))
		}
	}
	return some(errs)
}

// ending returns a context that ends after d, in one of the ways in which contexts end.
func ending(ctx context.Context, i int, d time.Duration) (context.Context, func()) {
	switch i % 3 {
	case 0:
		return context.WithTimeout(ctx, d)
	case 1:
		ctx := bounded.New(ctx, d) // as cachette bounds operations
		return ctx, ctx.Cancel
	default:
		ctx, cancel := context.WithCancel(ctx)
		timer := time.AfterFunc(d, cancel)
		return ctx, func() { timer.Stop(); cancel() }
	}
}

// word is the word of an Add, whose answer was lost after another had removed the word.
type word struct {
	key   string
	proxy *proxy.Proxy

	mu      sync.Mutex
	made    int
	removed []string
	err     error
}

// lostWords has words removed while the answers to the Adds that wrote them are lost: they never come back, though the caller may be patient.
func lostWords(t *testing.T, s faults) (all []late) {
	if _, ok := s.direct.(drivers.Adder); !ok {
		return nil
	}
	for name, times := range map[string]int{"WordLost": 1, "WordLostAgain": 3} {
		p, d := s.proxied(t)
		w := &word{key: s.keys(), proxy: p}
		w.lose(t, s.direct, times)
		_ = within(t, 5*short, func(ctx context.Context) error {
			_, err := d.(drivers.Adder).Add(ctx, long, w.make, w.key)
			return err
		})
		all = append(all, late{name, func(t *testing.T) error { return w.check(t, s.direct) }})
	}
	return all
}

func (w *word) make() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.made++
	return fmt.Appendf(nil, "word %d", w.made)
}

// lose removes the word, and loses the answer, as often as that.
func (w *word) lose(t *testing.T, direct drivers.Driver, times int) {
	w.proxy.LoseAnswerIf(func() bool {
		item, err := direct.Get(t.Context(), w.key)
		if errors.Is(err, drivers.ErrMiss) {
			return false // not written yet
		}
		_, removal := direct.Delete(t.Context(), w.key)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.removed, w.err = append(w.removed, string(item.Value)), errors.Join(w.err, err, removal)
		if times > 1 {
			w.lose(t, direct, times-1)
		}
		return true
	})
}

func (w *word) check(t *testing.T, direct drivers.Driver) error {
	item, err := direct.Get(t.Context(), w.key)
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.removed
	if err == nil {
		seen = append(seen, string(item.Value))
	}
	switch {
	case err != nil && !errors.Is(err, drivers.ErrMiss), w.err != nil:
		return errors.Join(err, w.err)
	case len(w.removed) == 0:
		return errors.New("no answer could be lost: no word was there when it came")
	case len(slices.Compact(slices.Sorted(slices.Values(seen)))) < len(seen):
		return fmt.Errorf("the store has had the words %q, of which one came back after it was removed", seen)
	}
	return nil
}
