package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/dynamodb"
)

// stored is an item as the protocol has it. Its value is "v" in base64.
func stored(key string) object {
	return object{"key": object{"S": key}, "value": object{"B": "dg=="}, "expires": object{"N": "9999999999"}}
}

// batchGet answers a BatchGetItem, and leaves undone what leave returns of the keys asked for. It insists on what AWS
// insists on.
func batchGet(t *testing.T, leave func(keys []any) []any) answer {
	return func(in object) any {
		out := object{"Responses": object{}, "UnprocessedKeys": object{}}
		for table, request := range in["RequestItems"].(object) {
			keys := request.(object)["Keys"].([]any)
			if request.(object)["ConsistentRead"] != true {
				t.Error("a read is not consistent")
			}
			if len(keys) > 100 {
				return fails("ValidationException", "too many keys")
			}
			seen := map[string]bool{}
			for _, key := range keys {
				name := fmt.Sprint(key)
				if seen[name] {
					return fails("ValidationException", "duplicates")
				}
				seen[name] = true
			}
			undone := leave(keys)
			var items []object
			for _, key := range keys[len(undone):] {
				items = append(items, stored(key.(object)["key"].(object)["S"].(string)))
			}
			out["Responses"].(object)[table] = items
			if len(undone) > 0 {
				out["UnprocessedKeys"].(object)[table] = object{"Keys": undone, "ConsistentRead": true}
			}
		}
		return out
	}
}

func many(n int) (keys []string) {
	for i := range n {
		keys = append(keys, fmt.Sprintf("key:%d", i))
	}
	return keys
}

// The keys that a server leaves undone are asked for again.
func TestUnprocessedKeys(t *testing.T) {
	for name, leave := range map[string]func(round int, keys []any) []any{
		"None":       func(int, []any) []any { return nil },
		"HalfOnce":   func(round int, keys []any) []any { return keys[:len(keys)/2*(1-min(round, 1))] },
		"AllOnce":    func(round int, keys []any) []any { return keys[:len(keys)*(1-min(round, 1))] },
		"AlwaysHalf": func(_ int, keys []any) []any { return keys[:len(keys)/2] },
	} {
		t.Run(name, func(t *testing.T) {
			round := -1
			f := newFake(t, map[string]answer{"BatchGetItem": batchGet(t, func(keys []any) []any {
				round++
				return leave(round, keys)
			})})
			d := newDriver(t, newClient(t, f.URL), dynamodb.Options{})
			keys := many(90)
			values, err := d.GetValues(t.Context(), append(keys, keys...)...)
			if err != nil || len(values) != 180 || slices.ContainsFunc(values, func(v []byte) bool { return string(v) != "v" }) {
				t.Errorf("GetValues = %q, %v, want 180 times v", values, err)
			}
		})
	}
}

// A server that leaves everything undone is asked until ctx ends.
func TestUnprocessedAlways(t *testing.T) {
	f := newFake(t, nil)
	d := newDriver(t, newClient(t, f.URL), dynamodb.Options{})
	for name, do := range map[string]func(ctx context.Context) error{
		"BatchGetItem":   func(ctx context.Context) error { _, err := d.GetValues(ctx, "a", "b"); return err },
		"BatchWriteItem": func(ctx context.Context) error { _, err := d.Clear(ctx, ""); return err },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		asked := 0
		leave := func(answer answer) answer {
			return func(in object) any {
				if asked++; asked == 4 {
					cancel()
				}
				return answer(in)
			}
		}
		f.set("Scan", always(object{"Items": []object{stored("a"), stored("b")}}))
		f.set("BatchGetItem", leave(batchGet(t, func(keys []any) []any { return keys })))
		f.set("BatchWriteItem", leave(func(in object) any { return object{"UnprocessedItems": in["RequestItems"]} }))
		if err := do(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want an error that wraps context.Canceled", name, err)
		}
		if n := len(f.called(name)); n != 4 {
			t.Errorf("%s: the server was asked %d times, want 4", name, n)
		}
	}
}

// With no deadline it is asked some ten times, over some seconds.
func TestUnprocessedIsBounded(t *testing.T) {
	d := newDriver(t, newClient(t, "http://127.0.0.1:1"), dynamodb.Options{})
	synctest.Test(t, func(t *testing.T) {
		begun, calls := time.Now(), 0
		err := d.Finish(t.Context(), 5, func() (int, error) { calls++; return 5, nil })
		wantSaying(t, err, "5 keys", "capacity")
		// The clock is the test's own: this is how long the driver has waited between them.
		if waited := time.Since(begun); calls != 10 || waited < 20*time.Millisecond || waited > 10*time.Second {
			t.Errorf("%d calls in %v, want 10 within 10 s", calls, waited)
		}
		calls = 0
		err = d.Finish(t.Context(), 50, func() (int, error) { calls++; return 50 - calls, nil })
		if err != nil || calls != 50 {
			t.Errorf("a server that does one at a time: %v after %d calls", err, calls)
		}
	})
}

// Clear counts right where a server deletes in part, and asks for no more than 25 at once.
func TestUnprocessedItems(t *testing.T) {
	var items []object
	for _, key := range many(60) {
		items = append(items, stored(key))
	}
	deleted := map[string]bool{}
	round := 0
	f := newFake(t, map[string]answer{
		"Scan": func(in object) any {
			if in["ConsistentRead"] != true {
				t.Error("a read is not consistent")
			}
			if in["ExclusiveStartKey"] == nil {
				return object{"Items": items[:40], "LastEvaluatedKey": object{"key": items[39]["key"]}}
			}
			return object{"Items": items[40:]}
		},
		"BatchWriteItem": func(in object) any {
			undone := object{}
			for table, requests := range in["RequestItems"].(object) {
				requests := requests.([]any)
				if len(requests) > 25 {
					return fails("ValidationException", "too many requests")
				}
				round++
				half := len(requests) / 2 * (round % 2)
				for _, request := range requests[half:] {
					deleted[fmt.Sprint(request)] = true
				}
				if half > 0 {
					undone[table] = requests[:half]
				}
			}
			return object{"UnprocessedItems": undone}
		},
	})
	d := newDriver(t, newClient(t, f.URL), dynamodb.Options{})
	wantCount(t, "Clear", 60)(d.Clear(t.Context(), "key:"))
	if len(deleted) != 60 {
		t.Errorf("%d items were deleted, want 60", len(deleted))
	}
}

// Every read is consistent.
func TestConsistentGet(t *testing.T) {
	f := newFake(t, map[string]answer{"GetItem": always(object{"Item": stored("key")})})
	d := newDriver(t, newClient(t, f.URL), dynamodb.Options{})
	wantValue(t, d, "key", "v")
	if err := d.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	calls := f.called("GetItem")
	for _, call := range calls {
		if call.in["ConsistentRead"] != true {
			t.Error("a read is not consistent")
		}
	}
	if len(calls) != 2 {
		t.Errorf("%d requests for a Get and a Ping", len(calls))
	}
}

// A server that is too busy is asked again, three times in all.
func TestThrottled(t *testing.T) {
	isolate(t)
	busy := fails("ProvisionedThroughputExceededException", "too busy")
	for _, row := range []struct {
		name  string
		get   answer
		want  int
		fails bool
	}{
		{"Once", inTurn(busy, object{"Item": stored("key")}), 2, false},
		{"Always", always(busy), 3, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t, nil)
			d := openURL(t, f.URL)
			f.set("GetItem", row.get)
			already := len(f.called("GetItem"))
			_, err := d.Get(t.Context(), "key")
			var throttled *types.ProvisionedThroughputExceededException
			if row.fails != errors.As(err, &throttled) {
				t.Errorf("Get: %v", err)
			}
			if n := len(f.called("GetItem")) - already; n != row.want {
				t.Errorf("the server was asked %d times, want %d", n, row.want)
			}
		})
	}
}

// More keys than a request takes, more bytes than an answer.
func TestMoreThanABatch(t *testing.T) {
	t.Parallel()
	d, _ := freshDriver(t)
	keys := many(330)
	write := func() {
		t.Helper()
		for _, key := range keys[:310] {
			set(t, d, key, key, long)
		}
	}
	write()
	values, err := d.GetValues(t.Context(), keys...)
	if err != nil || len(values) != len(keys) {
		t.Fatalf("GetValues = %d values, %v", len(values), err)
	}
	for i, value := range values {
		if i < 310 && string(value) != keys[i] || i >= 310 && value != nil {
			t.Errorf("value %d is %q", i, value)
		}
	}
	wantCount(t, "Delete", 310)(d.Delete(t.Context(), append(keys, keys...)...))
	write()
	wantCount(t, "Clear", 310)(d.Clear(t.Context(), "key:"))

	large := strings.Repeat("v", 350<<10)
	for _, key := range keys[:6] {
		set(t, d, key, large, long)
	}
	values, err = d.GetValues(t.Context(), keys[:6]...)
	if err != nil || slices.ContainsFunc(values, func(v []byte) bool { return string(v) != large }) {
		t.Errorf("GetValues of 2 MB: %v", err)
	}
}

// Between batches a closed driver is noticed.
func TestCloseDuringABatch(t *testing.T) {
	f := newFake(t, map[string]answer{"BatchGetItem": batchGet(t, func(keys []any) []any { return keys })})
	d := newDriver(t, newClient(t, f.URL), dynamodb.Options{})
	go func() {
		for i := 0; i < 5000 && len(f.called("BatchGetItem")) == 0; i++ {
			time.Sleep(time.Millisecond)
		}
		_ = d.Close()
	}()
	if _, err := d.GetValues(t.Context(), "a", "b"); !errors.Is(err, drivers.ErrClosed) {
		t.Errorf("GetValues: %v, want ErrClosed", err)
	}
}
