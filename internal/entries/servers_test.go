package entries

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
)

// several is a driver of several servers. A key's server is what stands before its first colon; that of marks is "p".
type several struct{ *flaky }

func (several) Sharded() bool { return true }

func (several) ServerOf(key string) string {
	server, _, _ := strings.Cut(key, ":")
	return server
}

// hang has servers say nothing.
func (f *flaky) hang(servers ...string) {
	f.breakdown(func(ctx context.Context, op, key string) error {
		if op != "clear" && slices.Contains(servers, several{}.ServerOf(key)) {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
}

func (f *flaky) put(t *testing.T, key string) {
	t.Helper()
	if err := f.Driver.Set(t.Context(), key, []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
}

// Values are removed whose servers answer, and the others are owed, as the error says: these are misses until that is carried out, and
// those are not.
func TestDeletesOfSeveralServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f := newFlaky(t)
		s := on(t, several{f})
		keys := []string{"a:1", "b:1", "c:1", "b:2"}
		for _, key := range keys {
			f.put(t, key)
		}
		f.hang("b")
		n, err := s.DeleteValues(t.Context(), nil, keys...)
		if n != 2 || !errors.Is(err, purge.ErrOwed) || !strings.Contains(err.Error(), "b: ") {
			t.Errorf("%d are removed, %v; want 2, and an error that names the server", n, err)
		}
		for i, key := range keys {
			if owed := strings.HasPrefix(key, "b:"); guard.ErrorOf(err, i) != nil != owed || s.deletes.owed(key) > 0 != owed {
				t.Errorf("%s: %v; it is owed: %t", key, guard.ErrorOf(err, i), s.deletes.owed(key) > 0)
			}
		}
		f.breakdown(nil)
		f.put(t, "a:1") // by another process
		for _, key := range []string{"a:1", "b:1"} {
			if _, err := s.GetValue(t.Context(), key); errors.Is(err, drivers.ErrMiss) != (key == "b:1") {
				t.Errorf("%s: %v", key, err)
			}
		}
		time.Sleep(longestPause)
		synctest.Wait()
		if _, err := f.Driver.Get(t.Context(), "b:1"); !errors.Is(err, drivers.ErrMiss) || s.owes() {
			t.Errorf("once it is back: %v; something is owed: %t", err, s.owes())
		}
	})
}

// What is owed to a server that is back is carried out, whatever is owed to another one that is not: removals, and purges, which come first.
func TestPayingBesideADeadServer(t *testing.T) {
	for name, dead := range map[string][]string{"of values": {"b"}, "of marks": {"p"}, "of both": {"b", "p"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, f := newFlaky(t)
				s := on(t, several{f})
				f.hang("a", "b", "c", "p")
				for i := range 250 {
					for _, server := range []string{"a", "b", "c"} {
						key := fmt.Sprint(server, ":", i)
						f.put(t, key)
						_, _ = s.DeleteValues(t.Context(), nil, key)
					}
				}
				_ = s.PurgePath(t.Context(), "/a")
				f.hang(dead...)
				time.Sleep(longestPause + 5*timeout)
				for key := range s.deletes.all() {
					if !slices.Contains(dead, several{}.ServerOf(key)) {
						t.Fatalf("%s and others are still owed to a server that is back", key)
					}
				}
				f.breakdown(nil)
				time.Sleep(longestPause + 5*timeout)
				if s.owes() {
					t.Error("something is owed when all are back")
				}
			})
		})
	}
}

// tagged is a driver of three servers that keep keys by their tags.
type tagged struct{ several }

func (tagged) ServerOf(key string) string {
	_, tag, _ := strings.Cut(key, "{")
	tag, _, _ = strings.Cut(tag, "}")
	return fmt.Sprint("server", (len(tag)+int((tag + " ")[0]))%3)
}

// A clearing that is owed to one server of several waits until all answer: what the others get meanwhile is not taken once a while.
func TestClearingBesideADeadServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f := newFlaky(t)
		s := on(t, tagged{several{f}})
		f.put(t, "p:n:old")
		f.breakdown(func(_ context.Context, op, key string) error {
			if op == "clear" {
				_, _ = f.Driver.Clear(t.Context(), "p:n:") // on the servers that answer
			} else if (tagged{}).ServerOf(key) != "server1" {
				return nil
			}
			return errors.New("it refuses connections")
		})
		if _, err := s.ClearNamespace(t.Context(), "n"); !errors.Is(err, purge.ErrOwed) {
			t.Errorf("%v, want an error that it is owed", err)
		}
		f.put(t, "p:n:new")
		time.Sleep(10 * time.Minute)
		if _, err := f.Driver.Get(t.Context(), "p:n:new"); err != nil {
			t.Errorf("what came behind the clearing: %v", err)
		}
		f.breakdown(nil)
		time.Sleep(longestPause)
		if _, err := f.Driver.Get(t.Context(), "p:n:new"); !errors.Is(err, drivers.ErrMiss) || s.owes() {
			t.Errorf("when all are back: %v; something is owed: %t", err, s.owes())
		}
	})
}
