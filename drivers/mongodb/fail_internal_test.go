package mongodb

import (
	"context"
	"errors"
	"testing"
	"time"
)

// unnoticed is a context whose deadline is over, and whose own timer has not told it yet.
type unnoticed struct{ context.Context }

func (unnoticed) Deadline() (time.Time, bool) { return time.Now().Add(-time.Microsecond), true }

// An error that comes of the deadline matches it, also where the client has noticed it first.
func TestErrorAtTheDeadline(t *testing.T) {
	d := new(Driver)
	err := d.fail(unnoticed{t.Context()}, "get", errors.New("use of closed network connection"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	early, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if err := d.fail(early, "get", errors.New("refused")); errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("before the deadline: %v", err)
	}
}
