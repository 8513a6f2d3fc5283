package guard_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers/inmemory"
)

// What a driver that cannot add a value does by Set: a value that is there stays, unless it is soon to end, and what is returned was
// there.
func TestAddBySet(t *testing.T) {
	const ttl = time.Hour
	for name, row := range map[string]struct {
		before time.Duration                                       // what is left of the life of the value that is there; 0 for none
		then   func(ctx context.Context, m *inmemory.Driver) error // behind the Set
		want   string
		writes int
	}{
		"nothing there":             {0, nil, "new", 1},
		"a value":                   {ttl / 2 * 3, nil, "old", 0},
		"a value that ends soon":    {ttl / 3, nil, "new", 1},
		"another adds meanwhile":    {0, func(ctx context.Context, m *inmemory.Driver) error { return m.Set(ctx, "k", []byte("other"), ttl) }, "other", 1},
		"another removes meanwhile": {0, func(ctx context.Context, m *inmemory.Driver) error { _, err := m.Delete(ctx, "k"); return err }, "new", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := open(t)
			memory := b.Driver.(*inmemory.Driver)
			if row.before > 0 {
				if err := memory.Set(t.Context(), "k", []byte("old"), row.before); err != nil {
					t.Fatal(err)
				}
			}
			writes := 0
			b.fault = func(ctx context.Context, op string) error {
				if op == "set" {
					writes++
				} else if writes > 0 && row.then != nil {
					return row.then(ctx, memory)
				}
				return nil
			}
			got, err := s.Add(t.Context(), ttl, func() []byte { return []byte("new") }, "k")
			if err != nil || len(got) != 1 || string(got[0]) != row.want || writes != row.writes {
				t.Errorf("%q (%v) by %d writes, want %q by %d", got, err, writes, row.want, row.writes)
			}
			if item, err := memory.Get(t.Context(), "k"); row.want == "new" && err == nil && time.Until(item.ExpiresAt) < 24*ttl {
				t.Errorf("it lives until %v, and cannot be made to live longer", item.ExpiresAt)
			}
		})
	}
	for _, op := range []string{"get", "set"} {
		s, b := open(t)
		b.fault = func(_ context.Context, asked string) error {
			if asked == op {
				return errNo
			}
			return nil
		}
		if got, err := s.Add(t.Context(), ttl, func() []byte { return []byte("new") }, "k"); !errors.Is(err, errNo) || got != nil {
			t.Errorf("%s fails: %q, %v", op, got, err)
		}
	}
}
