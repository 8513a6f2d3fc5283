package guard_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/internal/guard"
)

// modelBreaker is what a breaker is to do, of one server and kind of operations, where one comes after the other.
type modelBreaker struct {
	failures int
	pause    time.Duration
	retryAt  time.Time
}

// refuses tells whether an operation is not to reach the server.
func (b *modelBreaker) refuses() bool { return b.failures >= 3 && time.Now().Before(b.retryAt) }

// learn notes how an operation ended that did.
func (b *modelBreaker) learn(worked bool) {
	if worked {
		b.failures = 0
		return
	}
	if b.failures++; b.failures < 3 {
		return
	}
	b.pause = min(2*b.pause, 4*time.Second)
	if b.failures == 3 {
		b.pause = time.Second
	}
	b.retryAt = time.Now().Add(b.pause)
}

// model is a store of several servers, of which each may fail, as simple as can be.
type model struct {
	values   map[string]string
	down     map[string]error
	breakers map[string]*modelBreaker
}

// ask returns what notes the answer of a server to an operation of a kind, and the error that it is.
func (m *model) ask(kind, server string) (learn func(), err error) {
	b := m.breakers[kind+server]
	if b == nil {
		b = &modelBreaker{}
		m.breakers[kind+server] = b
	}
	if b.refuses() {
		return func() {}, guard.ErrUnavailable
	}
	err = m.down[server]
	return func() { b.learn(err == nil) }, err
}

// Whatever is asked of several servers that fail and come back, each key fares as it would if its server were the only one.
func TestModel(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &model{values: map[string]string{}, down: map[string]error{}, breakers: map[string]*modelBreaker{}}
				d := &several{values: map[string]string{}, fault: func(_ context.Context, server string) error { return m.down[server] }}
				var driver drivers.Driver = d
				if seed%2 == 0 {
					driver = adding{d}
				}
				r := &modelRun{Rand: rand.New(rand.NewPCG(seed, 0)), t: t, model: m, store: guard.New(driver, timeout, quiet), adds: seed%2 == 0}
				for range 300 {
					r.step()
				}
			})
		})
	}
}

type modelRun struct {
	*rand.Rand
	t     *testing.T
	model *model
	store *guard.Store
	adds  bool
}

func (r *modelRun) step() {
	switch r.IntN(10) {
	case 0:
		time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
	case 1:
		server := []string{"a", "b", "c", ""}[r.IntN(4)]
		r.model.down[server] = nil
		if r.IntN(2) == 0 {
			r.model.down[server] = errNo
		}
	case 2, 3:
		r.set()
	case 4, 5, 6:
		r.get()
	case 7, 8:
		r.delete()
	default:
		r.add()
	}
}

// keys returns up to seven keys of three servers, and of none that is known; some may stand there twice.
func (r *modelRun) keys() []string {
	keys := make([]string, 1+r.IntN(7))
	for i := range keys {
		keys[i] = []string{"a:", "b:", "c:", ""}[r.IntN(4)] + fmt.Sprint(r.IntN(3))
	}
	return keys
}

func serverOf(key string) string { return (&several{}).ServerOf(key) }

// each asks the model for the servers of keys, and has what they do compared with what the guard has done.
func (r *modelRun) each(kind string, keys []string, err error, do func(i int, key string)) {
	r.t.Helper()
	asked, learnt := map[string]error{}, []func(){}
	for i, key := range keys {
		server := serverOf(key)
		want, known := asked[server]
		if !known {
			var learn func()
			learn, want = r.model.ask(kind, server)
			asked[server], learnt = want, append(learnt, learn)
		}
		if got := guard.ErrorOf(err, i); !errors.Is(got, want) || want == nil && got != nil {
			r.t.Fatalf("%s of %s of %q: %v, want %v", kind, key, keys, got, want)
		}
		if want == nil {
			do(i, key)
		}
	}
	for _, learn := range learnt {
		learn()
	}
}

func (r *modelRun) set() {
	key, value := r.keys()[0], fmt.Sprint(r.IntN(1000))
	err := r.store.Set(r.t.Context(), key, []byte(value), time.Hour)
	r.each("writes", []string{key}, err, func(int, string) { r.model.values[key] = value })
}

func (r *modelRun) get() {
	keys := r.keys()
	values, err := r.store.GetValues(r.t.Context(), keys...)
	r.each("reads", keys, err, func(i int, key string) {
		if want, there := r.model.values[key]; string(values[i]) != want || (values[i] != nil) != there {
			r.t.Fatalf("%s of %q is %q, want %q", key, keys, values[i], want)
		}
	})
}

func (r *modelRun) delete() {
	keys := r.keys()
	n, err := r.store.Delete(r.t.Context(), keys...)
	r.each("removals", keys, err, func(_ int, key string) {
		if _, there := r.model.values[key]; there {
			n--
		}
		delete(r.model.values, key)
	})
	if n != 0 {
		r.t.Fatalf("a removal of %q counts %d more than it should", keys, n)
	}
}

func (r *modelRun) add() {
	if !r.adds {
		return // it is made of other operations
	}
	keys := r.keys()
	values, err := r.store.Add(r.t.Context(), time.Hour, func() []byte { return []byte("added") }, keys...)
	r.each("writes", keys, err, func(i int, key string) {
		if _, there := r.model.values[key]; !there {
			r.model.values[key] = "added"
		}
		if string(values[i]) != r.model.values[key] {
			r.t.Fatalf("%s of %q is %q, want %q", key, keys, values[i], r.model.values[key])
		}
	})
}
