package entries

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A removal that comes while an older write of its key is under way holds, also where nothing more may wait: the write is not found any
// more, and does not outlive the removal in the store.
func TestRemovalBehindAWriteUnderWay(t *testing.T) {
	for name, fill := range map[string]func(q *queue){
		"room":    func(*queue) {},
		"no room": func(q *queue) { q.number.Add(maxWaiting) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, f := open(t, false)
				f.breakdown(func(_ context.Context, op, key string) error {
					if op == "set" && key == "key /a" {
						time.Sleep(timeout / 2)
					}
					return nil
				})
				mustPut(t, s, "/a", "old")
				synctest.Wait() // it is under way
				fill(s.queue)
				s.Remove(t.Context(), "key /a")
				if got := found(t, s, "/a", nil); got != "" {
					t.Errorf("found %q, which is removed", got)
				}
				time.Sleep(2 * longestPause)
				if got := found(t, s, "/a", nil); got != "" {
					t.Errorf("found %q once all was carried out", got)
				}
			})
		})
	}
}

// A removal whose place a later write takes, which then fails, is carried out all the same.
func TestRemovalReplacedByAWriteThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := open(t, false)
		keep(t, s, "/a", "", "old", nil)
		settle(t, s)
		f.breakdown(func(_ context.Context, op, key string) error {
			if op == "set" && strings.HasPrefix(key, "key ") {
				return errors.New("no")
			}
			return nil
		})
		release := hold(t, s)
		s.Remove(t.Context(), "key /a")
		became := mustPut(t, s, "/a", "new")
		mustPut(t, s, "/a", "newer")
		release()
		settle(t, s)
		if err := <-became; err == nil {
			t.Error("it was stored")
		}
		if got := found(t, s, "/a", nil); got != "" {
			t.Errorf("found %q, which was removed", got)
		}
	})
}

// A write that takes the place of a removal, or of a write that others are to be told of, tells of it, also where there was nothing when its
// own fill began.
func TestWriteInPlaceOfARemovalTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, false)
		keep(t, s, "/a", "", "old", nil)
		settle(t, s)
		release := hold(t, s)
		defer release()
		s.Remove(t.Context(), "key /a")
		mustPut(t, s, "/a", "new")
		if w, ok := s.queue.find("key /a"); !ok || w.entry == nil || !w.tells {
			t.Errorf("what waits is %+v, want an entry that tells of what it replaces", w)
		}
	})
}
