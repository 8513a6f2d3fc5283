package dynamodb_test

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/dynamodb"
)

// busy is what a server answers that has too much to do, or fails for a while.
var busy = map[string]answer{
	"Throughput":  always(fails("ProvisionedThroughputExceededException", "too busy")),
	"Throttling":  always(fails("ThrottlingException", "Rate exceeded")),
	"Limit":       always(fails("RequestLimitExceeded", "too many requests")),
	"Failing":     always(failure{http.StatusInternalServerError, "InternalServerError", "no"}),
	"Unavailable": always(failure{http.StatusServiceUnavailable, "ServiceUnavailable", "no"}),
	"Unprocessed": func(in object) any { return object{"UnprocessedItems": in["RequestItems"]} },
}

// removals are what goes through the whole table, or through many keys, of which the server has sixty.
var removals = map[string]func(ctx context.Context, d *dynamodb.Driver) (int, error){
	"Clear":  func(ctx context.Context, d *dynamodb.Driver) (int, error) { return d.Clear(ctx, "key:") },
	"Sweep":  func(ctx context.Context, d *dynamodb.Driver) (int, error) { return d.Sweep(ctx) },
	"Delete": func(ctx context.Context, d *dynamodb.Driver) (int, error) { return d.Delete(ctx, many(60)...) },
}

// newBusy returns a server with sixty items, which have expired for Sweep, and the operations that a removal asks it for.
func newBusy(t *testing.T, removal string) (f *fake, operations []string) {
	var items []object
	for _, key := range many(60) {
		item := stored(key)
		if removal == "Sweep" {
			item["expires"] = object{"N": "900000000"} // before the time in a bubble
		}
		items = append(items, item)
	}
	f = newFake(t, map[string]answer{
		"DescribeTimeToLive": always(object{}),
		"Scan":               always(object{"Items": items}),
		"BatchGetItem":       batchGet(t, func([]any) []any { return nil }),
		"BatchWriteItem":     always(object{}),
	})
	return f, map[string][]string{"Clear": {"Scan", "BatchWriteItem"}, "Sweep": {"Scan", "DeleteItem"},
		"Delete": {"BatchGetItem", "BatchWriteItem"}}[removal]
}

// eachBusy runs a test for each of some ways in which a server can be too busy for each request of each removal.
func eachBusy(t *testing.T, ways []string, test func(t *testing.T, f *fake, operation string, how answer, remove func(ctx context.Context, d *dynamodb.Driver) (int, error))) {
	for removal, remove := range removals {
		_, operations := newBusy(t, removal)
		for _, operation := range operations {
			for _, name := range ways {
				how := busy[name]
				if name == "Unprocessed" && operation != "BatchWriteItem" {
					continue
				}
				t.Run(removal+"/"+operation+"/"+name, func(t *testing.T) {
					f, _ := newBusy(t, removal)
					test(t, f, operation, how, remove)
				})
			}
		}
	}
}

// TestBusyForLong: what removes goes on for as long as its context lives, and asks the server less and less often.
func TestBusyForLong(t *testing.T) {
	t.Parallel()
	eachBusy(t, slices.Collect(maps.Keys(busy)), func(t *testing.T, f *fake, operation string, how answer, remove func(ctx context.Context, d *dynamodb.Driver) (int, error)) {
		answer := f.answers[operation]
		synctest.Test(t, func(t *testing.T) {
			d := newDriver(t, f.client(), dynamodb.Options{LeaveTTL: true})
			begun := time.Now()
			f.set(operation, func(in object) any {
				if time.Since(begun) < 8*time.Second {
					return how(in)
				}
				return answer(in)
			})
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			wantCount(t, "the removal", 60)(remove(ctx, d))
			// Up to sixteen requests are under way at once, with half a second between two of one kind.
			if n := len(f.called(operation)); n > 16*2*2*8 {
				t.Errorf("the server was asked %d times in 8 s", n)
			}
		})
	})
}

// TestBusyPastTheContext: the error says both that the time is over and why.
func TestBusyPastTheContext(t *testing.T) {
	t.Parallel()
	eachBusy(t, slices.Collect(maps.Keys(busy)), func(t *testing.T, f *fake, operation string, how answer, remove func(ctx context.Context, d *dynamodb.Driver) (int, error)) {
		f.set(operation, how)
		synctest.Test(t, func(t *testing.T) {
			d := newDriver(t, f.client(), dynamodb.Options{LeaveTTL: true})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			n, err := remove(ctx, d)
			if n != 0 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%d, %v, want an error that wraps context.DeadlineExceeded", n, err)
			}
			code := "capacity"
			if failed, ok := how(object{}).(failure); ok {
				code = failed.code
			}
			wantSaying(t, err, code)
		})
	})
}

// TestBusyForEver: where a context has no end, a server that does nothing is given up after a minute.
func TestBusyForEver(t *testing.T) {
	t.Parallel()
	eachBusy(t, []string{"Throttling", "Unprocessed"}, func(t *testing.T, f *fake, operation string, how answer, remove func(ctx context.Context, d *dynamodb.Driver) (int, error)) {
		f.set(operation, how)
		synctest.Test(t, func(t *testing.T) {
			d := newDriver(t, f.client(), dynamodb.Options{LeaveTTL: true})
			begun := time.Now()
			if _, err := remove(context.Background(), d); err == nil {
				t.Error("no error")
			}
			// The clock is the test's own.
			if waited := time.Since(begun).Round(10 * time.Second); waited != time.Minute {
				t.Errorf("it was given up after %v, want a minute", waited)
			}
		})
	})
}

// purges are what carries out a purge, with the requests that it is made of, for a server that has a log.
var purges = map[string]struct {
	do       func(ctx context.Context, d *dynamodb.Driver) error
	requests []string
}{
	"Delete": {func(ctx context.Context, d *dynamodb.Driver) error { _, err := d.Delete(ctx, many(10)...); return err }, []string{"DeleteItem"}},
	"Append": {func(ctx context.Context, d *dynamodb.Driver) error {
		return d.Append(ctx, "log", 10, long, []byte("record"))
	}, []string{"GetItem", "PutItem", "UpdateItem"}},
}

// eachPurge runs a test for each request of each purge.
func eachPurge(t *testing.T, test func(t *testing.T, f *fake, request string, do func(ctx context.Context, d *dynamodb.Driver) error)) {
	for name, p := range purges {
		for _, request := range p.requests {
			t.Run(name+"/"+request, func(t *testing.T) {
				head := stored("log")
				head["value"] = object{"B": base64.StdEncoding.EncodeToString(make([]byte, 20))}
				f := newFake(t, map[string]answer{"GetItem": always(object{"Item": head}), "UpdateItem": always(object{})})
				synctest.Test(t, func(t *testing.T) { test(t, f, request, p.do) })
			})
		}
	}
}

// TestBusyWhilePurging: a purge goes on for as long as its context lives, too.
func TestBusyWhilePurging(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"Throughput", "Failing"} {
		eachPurge(t, func(t *testing.T, f *fake, request string, do func(ctx context.Context, d *dynamodb.Driver) error) {
			d := newDriver(t, f.client(), dynamodb.Options{LeaveTTL: true})
			begun, answer := time.Now(), f.answers[request]
			f.set(request, func(in object) any {
				if time.Since(begun) < 8*time.Second {
					return busy[how](in)
				}
				return answer(in)
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := do(ctx, d); err != nil {
				t.Errorf("%s: %v", how, err)
			}
		})
	}
}

// TestThrottledIsAnAnswer: a server that throttles works, however an operation ends, and one that fails does not.
func TestThrottledIsAnAnswer(t *testing.T) {
	t.Parallel()
	for name, how := range busy {
		if name == "Unprocessed" {
			continue
		}
		throttled := name != "Failing" && name != "Unavailable"
		eachPurge(t, func(t *testing.T, f *fake, request string, do func(ctx context.Context, d *dynamodb.Driver) error) {
			d := newDriver(t, f.client(), dynamodb.Options{LeaveTTL: true})
			f.set(request, how)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			err := do(ctx, d)
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, drivers.ErrAnswered) != throttled {
				t.Errorf("%s: %v, want an error at the deadline; that it matches ErrAnswered: %t", name, err, throttled)
			}
		})
		t.Run("Get", func(t *testing.T) {
			f := newFake(t, map[string]answer{"GetItem": how})
			_, err := newDriver(t, newClient(t, f.URL), dynamodb.Options{}).Get(t.Context(), "key")
			if err == nil || errors.Is(err, drivers.ErrAnswered) != throttled {
				t.Errorf("%s: Get: %v, want that it matches ErrAnswered: %t", name, err, throttled)
			}
		})
	}
}

// TestRefusedWhileRemoving: what waiting does not mend ends a removal at once.
func TestRefusedWhileRemoving(t *testing.T) {
	for removal, remove := range removals {
		_, operations := newBusy(t, removal)
		for _, operation := range operations {
			t.Run(removal+operation, func(t *testing.T) {
				f, _ := newBusy(t, removal)
				f.set(operation, always(denied))
				_, err := remove(t.Context(), newDriver(t, f.client(), dynamodb.Options{LeaveTTL: true}))
				wantSaying(t, err, "AccessDeniedException")
			})
		}
	}
}

// TestSilentWhileClearing: a clearing whose context has no end is not held for ever by a connection on which nothing comes: it asks again, and
// gives up when that does not help.
func TestSilentWhileClearing(t *testing.T) {
	for name, silences := range map[string]int{"Once": 1, "Twice": 2, "Always": 1 << 30} {
		t.Run(name, func(t *testing.T) {
			f, _ := newBusy(t, "Clear")
			answering := f.client().Options().HTTPClient
			synctest.Test(t, func(t *testing.T) {
				left := silences
				d := newDriver(t, inProcess(func(r *http.Request) (*http.Response, error) {
					if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Scan") && left > 0 {
						left--
						<-r.Context().Done()
						return nil, r.Context().Err()
					}
					return answering.Do(r)
				}), dynamodb.Options{LeaveTTL: true})
				n, err := d.Clear(context.Background(), "key:")
				if name != "Always" && (n != 60 || err != nil) || name == "Always" && err == nil {
					t.Errorf("Clear = %d, %v", n, err)
				}
			})
		})
	}
}
