package entries

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/target"
)

// spread is a driver of two servers, "first" and "second": the tag of a key tells which one keeps it, and the first has those without. Each
// operation on a server can be made to fail.
type spread struct {
	*able
	word atomic.Pointer[string] // of the arrangement; nil where it cannot be told
}

func newSpread(t *testing.T) *spread {
	s := &spread{able: newAble(t)}
	s.arrange("one")
	return s
}

func (s *spread) arrange(word string) { s.word.Store(&word) }

func (*spread) Sharded() bool { return true }

func (*spread) ServerOf(key string) string {
	for i := target.Partitions / 2; i < target.Partitions; i++ {
		if strings.Contains(key, target.Tag(i)) {
			return "second"
		}
	}
	return "first"
}

// Arrangement implements [drivers.Arranged].
func (s *spread) Arrangement(context.Context) (string, error) {
	if word := s.word.Load(); word != nil {
		return *word, nil
	}
	return "", errors.New("a server does not answer")
}

// Add implements [drivers.Adder].
func (s *spread) Add(ctx context.Context, ttl time.Duration, word func() []byte, keys ...string) ([][]byte, error) {
	if err := s.begin(ctx, "set", keys[0]); err != nil {
		return nil, err
	}
	return s.able.Adder.Add(ctx, ttl, word, keys...)
}

// Append implements [drivers.Log].
func (s *spread) Append(ctx context.Context, key string, keep int, ttl time.Duration, records ...[]byte) error {
	if err := s.begin(ctx, "set", key); err != nil {
		return err
	}
	return s.able.Log.Append(ctx, key, keep, ttl, records...)
}

// End implements [drivers.Log].
func (s *spread) End(ctx context.Context, key string, ttl time.Duration) (drivers.Position, error) {
	if err := s.begin(ctx, "set", key); err != nil {
		return "", err
	}
	return s.able.Log.End(ctx, key, ttl)
}

// Since implements [drivers.Log].
func (s *spread) Since(ctx context.Context, key string, from drivers.Position) ([][]byte, drivers.Position, bool, error) {
	if err := s.begin(ctx, "get", key); err != nil {
		return nil, "", false, err
	}
	return s.able.Log.Since(ctx, key, from)
}

// hang has a server answer nothing.
func (s *spread) hang(server string) {
	s.breakdown(func(ctx context.Context, op, key string) error {
		switch {
		case op == "clear": // all of it, which is bounded by nothing else
			return errors.New("a server does not answer")
		case s.ServerOf(key) != server:
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	})
}

// spreadPath is a target whose key has its tag.
func spreadPath(path string) *target.Target {
	return &target.Target{Key: "p:~r:" + target.Tag(target.Partition(path)) + "hq//h" + path, Host: "h", Path: path, Namespaces: []string{"n"}}
}

const spreadPages = 40

func eachPage(do func(of *target.Target, server string)) {
	for i := range spreadPages {
		of := spreadPath(fmt.Sprint("/", i))
		do(of, (*spread)(nil).ServerOf(of.Key))
	}
}

func fillSpread(t *testing.T, s *Store, of *target.Target, body string) {
	t.Helper()
	known := s.Get(t.Context(), of, time.Now())
	ticket := s.Begin(t.Context(), &known, of)
	if _, err := s.Put(of, entry(body), &ticket, time.Now(), nil); err != nil {
		t.Errorf("%s is not kept: %v", of.Path, err)
	}
}

// foundOn returns how many pages of each server are found, by their bodies.
func foundOn(t *testing.T, s *Store) map[string]int {
	t.Helper()
	n := make(map[string]int)
	eachPage(func(of *target.Target, server string) {
		if f := s.Get(t.Context(), of, time.Now()); f.Entry != nil {
			n[server+" "+string(f.Entry.Body)]++
		}
	})
	return n
}

// One server of two that hangs costs the hits of its own pages, and no others. Purges are done on the other one, also of everything, and owed
// to this one, until it is back.
func TestOneServerOfTwoHangs(t *testing.T) {
	for _, hung := range []string{"first", "second"} {
		t.Run("the "+hung, func(t *testing.T) { testOneServerOfTwoHangs(t, hung) })
	}
}

func testOneServerOfTwoHangs(t *testing.T, hung string) {
	up := map[string]string{"first": "second", "second": "first"}[hung]
	for name, purge := range map[string]func(s *Store) error{
		"everything": func(s *Store) error {
			return s.purge(context.Background(), purge.Scope{Kind: purge.All})
		},
		"a flush": func(s *Store) error { return s.Flush(context.Background()) },
		"a namespace": func(s *Store) error {
			_, err := s.ClearNamespace(context.Background(), "n")
			return err
		},
		"each path": func(s *Store) (err error) {
			eachPage(func(of *target.Target, server string) {
				failed := s.PurgePath(context.Background(), of.Path)
				owed := server == hung || (*spread)(nil).ServerOf(target.Tag(0)) == hung // which has the log of near tiers
				if (failed != nil) != owed {
					err = fmt.Errorf("the purge of %s on the %s server returns %v", of.Path, server, failed)
				}
			})
			if err == nil {
				err = errOfHung
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newSpread(t)
				s := on(t, d)
				other := on(t, d)
				has := map[string]int{}
				eachPage(func(of *target.Target, server string) {
					fillSpread(t, s, of, "old")
					has[server]++
				})
				settle(t, s)
				if n := foundOn(t, other); n[up+" old"] != has[up] || n[hung+" old"] != has[hung] {
					t.Fatalf("at first another process finds %v of %v", n, has)
				}
				d.hang(hung)
				began := time.Now()
				for range 3 {
					if n := foundOn(t, s); n[up+" old"] != has[up] || n[hung+" old"] != 0 {
						t.Errorf("while a server hangs %v of %v are found", n, has)
					}
				}
				if took := time.Since(began); took > 10*timeout {
					t.Errorf("look-ups took %v", took)
				}
				if err := purge(s); !errors.Is(err, errOwed) && err != errOfHung {
					t.Fatalf("the purge returns %v", err)
				}
				time.Sleep(2 * time.Second)
				for name, s := range map[string]*Store{"here": s, "elsewhere": other} {
					if n := foundOn(t, s); len(n) > 0 {
						t.Errorf("%s %v are found behind the purge", name, n)
					}
				}
				eachPage(func(of *target.Target, server string) {
					if server == up {
						fillSpread(t, s, of, "new")
					}
				})
				settle(t, s)
				if n := foundOn(t, s); n[up+" new"] != has[up] {
					t.Errorf("of what was filled since %v of %v are found", n, has)
				}
				d.breakdown(nil)
				time.Sleep(time.Minute)
				for name, s := range map[string]*Store{"here": s, "elsewhere": other} {
					if n := foundOn(t, s); n[hung+" old"] > 0 {
						t.Errorf("%s %v are found when it is back", name, n)
					}
				}
				if s.owes() {
					t.Error("something is owed when it is back")
				}
			})
		})
	}
}

var (
	errOwed   = purge.ErrOwed
	errOfHung = errors.New("as it is to be")
)

// What was made where keys were spread otherwise is not found, nor where that cannot be told, and nothing is kept then.
func TestArrangement(t *testing.T) {
	d := newSpread(t)
	s := on(t, d)
	of := spreadPath("/a")
	fillSpread(t, s, of, "one")
	settle(t, s)
	finds := func(s *Store, want string) {
		t.Helper()
		got := ""
		if f := s.Get(t.Context(), of, time.Now()); f.Entry != nil {
			got = string(f.Entry.Body)
		}
		if got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	finds(s, "one")
	d.arrange("other")
	finds(s, "")
	d.arrange("one")
	finds(on(t, d), "one")
	ticket := s.Begin(t.Context(), &Found{}, of)
	d.arrange("other")
	if _, err := s.Put(of, entry("late"), &ticket, time.Now(), nil); err != nil {
		t.Error(err)
	}
	settle(t, s)
	finds(s, "") // its handler ran where keys were spread otherwise

	d.word.Store(nil)
	finds(s, "")
	if ticket := s.Begin(t.Context(), &Found{}, of); ticket.Usable() {
		t.Error("a fill can be kept where the arrangement cannot be told")
	}
	for name, purge := range map[string]func() error{
		"a path":      func() error { return s.PurgePath(t.Context(), "/a") },
		"a namespace": func() error { _, err := s.ClearNamespace(t.Context(), "n"); return err },
		"everything":  func() error { return s.Flush(t.Context()) },
	} {
		if err := purge(); !errors.Is(err, errOwed) {
			t.Errorf("the purge of %s returns %v", name, err)
		}
	}
	d.arrange("one")
}
