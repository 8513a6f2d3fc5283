package redis

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
)

func TestLifetime(t *testing.T) {
	const second = time.Second
	for _, row := range []struct {
		name          string
		before, after time.Duration
		left          time.Duration
		live          bool
	}{
		{"as it is", second, second, second, true},
		{"a millisecond passed", second, second - 1, second - 1, true},
		{"without expiry", noExpiry, noExpiry, forever, true},
		{"replaced by one that lives longer", second, time.Hour, second, true},
		{"replaced by one that lives less", time.Hour, second, second, true},
		{"replaced by one without expiry", second, noExpiry, second, true},
		{"replaced one without expiry", noExpiry, second, second, true},
		{"written before it was read", noKey, second, second, true},
		{"written without expiry before it was read", noKey, noExpiry, forever, true},
		{"expired after it was read", 0, noKey, 0, false},
		{"written and removed", noKey, noKey, 0, false},
		{"one without expiry removed", noExpiry, noKey, 0, false},
		{"its last millisecond", 0, 0, 0, true},
	} {
		if left, live := lifetime(row.before, row.after); left != row.left || live != row.live {
			t.Errorf("%s: %v, %t, want %v, %t", row.name, left, live, row.left, row.live)
		}
	}
}

// busy is a lane all of whose runners are under way.
func busy() *lane { return &lane{runners: maxRunners} }

// TestTakeBack has callers leave while nothing is sent: the lane must forget them, and no other.
func TestTakeBack(t *testing.T) {
	l := busy()
	var jobs []*job
	for range 10 {
		jobs = append(jobs, l.do(t.Context(), nil))
	}
	for _, leaves := range []int{3, 9, 0, 0, 5} { // one twice
		l.takeBack(jobs[leaves])
	}
	stay := map[*job]bool{jobs[1]: true, jobs[2]: true, jobs[4]: true, jobs[6]: true, jobs[7]: true, jobs[8]: true}
	if len(l.queue) != len(stay) {
		t.Fatalf("%d are queued, want %d", len(l.queue), len(stay))
	}
	for place, j := range l.queue {
		if !stay[j] || j.place != place {
			t.Errorf("job %d of the queue is not to be there, or takes itself for job %d", place, j.place)
		}
	}
	batch := l.take()
	l.takeBack(batch[0]) // has no effect any more
	if len(batch) != len(stay) || len(l.queue) != 0 {
		t.Errorf("a batch of %d was taken, and %d are left", len(batch), len(l.queue))
	}
}

// TestCallersThatGoAreForgotten has callers leave while all runners are under way.
func TestCallersThatGoAreForgotten(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // is never dialled
	defer client.Close()
	d, err := New(client, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l := d.routes.of("key")
	l.runners = maxRunners
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, err := d.Get(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get: %v", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.queue); n != 0 {
		t.Errorf("%d are queued", n)
	}
}

// TestTakeAtMost has more callers than a batch takes.
func TestTakeAtMost(t *testing.T) {
	l := busy()
	var jobs []*job
	for range 2*maxBatch + 10 {
		jobs = append(jobs, l.do(t.Context(), nil))
	}
	next := 0
	for _, want := range []int{maxBatch, maxBatch, 10} {
		batch := l.take()
		if len(batch) != want {
			t.Fatalf("a batch has %d, want %d", len(batch), want)
		}
		for _, j := range batch {
			if j != jobs[next] {
				t.Fatalf("job %d is not the next", next)
			}
			next++
		}
		if len(l.queue) > 0 {
			l.takeBack(l.queue[len(l.queue)-1]) // finds its place
			l.queue = append(l.queue, jobs[len(jobs)-1])
			l.queue[len(l.queue)-1].place = len(l.queue) - 1
		}
	}
	if l.take() != nil || l.runners != maxRunners-1 {
		t.Errorf("an empty queue leaves %d runners, want one less", l.runners)
	}
}

// TestOccupy tells when a caller may send by himself.
func TestOccupy(t *testing.T) {
	for name, test := range map[string]struct {
		lane *lane
		want bool
	}{
		"brisk and free":   {&lane{brisk: true}, true},
		"not brisk":        {&lane{}, false},
		"under way":        {&lane{brisk: true, runners: 1}, false},
		"queued":           {&lane{brisk: true, queue: []*job{{}}}, false},
		"closed":           {&lane{brisk: true, closed: true}, false},
		"another does too": {func() *lane { l := &lane{brisk: true}; l.occupy(); return l }(), false},
	} {
		if got := test.lane.occupy(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	for name, l := range map[string]*lane{"Set": {brisk: true, direct: true}, "a client without deadlines": {brisk: true}} {
		var r request = new(setRequest)
		if !l.direct {
			r = new(getRequest)
		}
		if done, err := l.sendAlone(t.Context(), r); done || err != nil || l.runners != 0 {
			t.Errorf("%s is sent by its caller", name)
		}
	}
	l := &lane{brisk: true}
	l.occupy()
	l.leave(true)
	if l.runners != 0 || !l.occupy() {
		t.Error("a lane that was left cannot be occupied again")
	}
	l.leave(false)
	if l.occupy() {
		t.Error("a lane whose server was slow can be occupied")
	}
}

// answer is a request that asks nothing.
type answer struct {
	reads
	settled chan struct{}
}

func (answer) add(context.Context, redis.Pipeliner) {}
func (a answer) settle(time.Time) error             { close(a.settled); return nil }

// TestLeave hands in a request while a caller sends by itself: the request is sent as soon as the caller has done.
func TestLeave(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // a pipeline of nothing dials nothing
	defer client.Close()
	l := &lane{client: client, brisk: true}
	l.occupy()
	a := answer{settled: make(chan struct{})}
	j := &job{request: a, caller: t.Context(), done: make(chan error, 1)}
	l.queue = append(l.queue, j) // without the relief, which would have it sent as well
	l.leave(true)
	select {
	case <-a.settled:
	case <-time.After(10 * time.Second):
		t.Fatal("it is not sent")
	}
	if err := <-j.done; err != nil {
		t.Error(err)
	}
}

func TestClosedLane(t *testing.T) {
	l := busy()
	waiting := l.do(t.Context(), nil)
	l.close()
	for name, j := range map[string]*job{"before": waiting, "after": l.do(t.Context(), nil)} {
		select {
		case err := <-j.done:
			if !errors.Is(err, drivers.ErrClosed) {
				t.Errorf("handed in %s: %v", name, err)
			}
		default:
			t.Errorf("handed in %s: no outcome", name)
		}
	}
	l.relieve() // the timer may have fired
	if l.runners != maxRunners {
		t.Error("a closed lane starts a runner")
	}
}
