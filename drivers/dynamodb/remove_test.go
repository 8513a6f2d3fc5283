package dynamodb_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers/dynamodb"
)

// Of several that remove one key at the same time, by Delete of a few, one is told of it.
func TestDeleteAtOnce(t *testing.T) {
	d, _ := freshDriver(t)
	keys := many(16)
	for _, key := range keys {
		set(t, d, key, "value", long)
	}
	counts := make(chan int)
	for range 4 {
		go func() {
			n, err := d.Delete(t.Context(), keys...)
			if err != nil {
				t.Error(err)
			}
			counts <- n
		}()
	}
	total := 0
	for range 4 {
		total += <-counts
	}
	if total != len(keys) {
		t.Errorf("they were told of %d, want %d", total, len(keys))
	}
}

// Clear counts ten thousand entries right, and none that has expired, beside others that stay.
func TestClearTenThousand(t *testing.T) {
	t.Parallel()
	endpoint, table := prepared(t)
	client := newClient(t, endpoint)
	const live, expired, other = 10_000, 500, 500
	var requests []types.WriteRequest
	write := func(prefix, expires string, count int) {
		for i := range count {
			requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{
				Item: item{"key": s(prefix + strconv.Itoa(i)), "value": b("v"), "expires": n(expires)}}})
		}
	}
	write("many:", "9999999999", live)
	write("many:expired:", "1700000000", expired)
	write("man:", "9999999999", other)
	for batch := range slices.Chunk(requests, 25) {
		if _, err := client.BatchWriteItem(t.Context(), &sdk.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{table: batch},
		}); err != nil {
			t.Fatal(err)
		}
	}
	d := newDriver(t, client, dynamodb.Options{Table: table})
	wantCount(t, "Clear", live)(d.Clear(t.Context(), "many:"))
	if left := (&store{client, table}).all(t); len(left) != other {
		t.Errorf("%d items are left, want %d", len(left), other)
	}
	wantCount(t, "Clear", other)(d.Clear(t.Context(), ""))
}

// A key that is set again after Sweep has seen that it expired stays, whoever set it.
func TestSweepSparesTheRevived(t *testing.T) {
	endpoint, table := prepared(t)
	st := &store{newClient(t, endpoint), table}
	python := func(expires string) item { return item{"key": s("k"), "value": b("v"), "expires": n(expires)} }
	ours := func(expires, exact string) item {
		it := python(expires)
		it["expires_ms"] = n(exact)
		return it
	}
	for _, row := range []struct {
		name         string
		expired, now item
		swept        int
	}{
		{"OursByUs", ours("1699999999", "1700000000123"), ours("9999999999", "10000000000123"), 0},
		{"OursByUsInTheSameSecond", ours("1699999999", "1700000000123"), ours("1699999999", "1700000000124"), 0},
		{"OursByPython", ours("1699999999", "1700000000123"), python("9999999999"), 0},
		{"OursByPythonInTheSameSecond", ours("1699999999", "1700000000123"), python("1699999999"), 0},
		{"Python'sByUs", python("1700000000"), ours("1700000000", "1700000001123"), 0},
		{"Python'sByPython", python("1700000000"), python("9999999999"), 0},
		{"NotRevived", ours("1699999999", "1700000000123"), ours("1699999999", "1700000000123"), 1},
		{"Python'sNotRevived", python("1700000000"), python("1700000000"), 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			st.put(t, row.expired)
			revive := roundTripper(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DeleteItem") {
					st.put(t, row.now)
				}
				return http.DefaultTransport.RoundTrip(r)
			})
			client := newClient(t, endpoint, func(o *sdk.Options) { o.HTTPClient = &http.Client{Transport: revive} })
			d := newDriver(t, client, dynamodb.Options{Table: table, LeaveTTL: true})
			wantCount(t, "Sweep", row.swept)(d.Sweep(t.Context()))
			if left := st.get(t, "k") != nil; left == (row.swept > 0) {
				t.Errorf("the item is left: %t", left)
			}
		})
	}
}

// When a server refuses in the middle, the operation fails, and tells how far it has come.
func TestRefusedInTheMiddle(t *testing.T) {
	var items []object
	for _, key := range many(60) {
		items = append(items, stored(key))
	}
	expired := slices.Clone(items)
	for i := range expired {
		expired[i] = maps.Clone(expired[i])
		expired[i]["expires"] = object{"N": "1700000000"}
	}
	for _, row := range []struct {
		name    string
		answers map[string]answer
		do      func(d *dynamodb.Driver) (int, error)
		want    int
	}{
		{"GetValues", map[string]answer{"BatchGetItem": inTurn(object{}, denied)}, func(d *dynamodb.Driver) (int, error) {
			values, err := d.GetValues(t.Context(), many(150)...)
			return len(values), err
		}, 0},
		{"Delete", map[string]answer{"DeleteItem": inTurn(object{"Attributes": stored("key:0")}, denied)},
			func(d *dynamodb.Driver) (int, error) { return d.Delete(t.Context(), many(16)...) }, 1},
		{"DeleteMany", map[string]answer{"BatchGetItem": batchGet(t, func([]any) []any { return nil }), "BatchWriteItem": inTurn(object{}, denied)},
			func(d *dynamodb.Driver) (int, error) { return d.Delete(t.Context(), many(250)...) }, 25},
		{"Clear", map[string]answer{"Scan": always(object{"Items": items}), "BatchWriteItem": inTurn(object{}, denied)},
			func(d *dynamodb.Driver) (int, error) { return d.Clear(t.Context(), "key:") }, 25},
		{"ClearScan", map[string]answer{"Scan": inTurn(object{"Items": items, "LastEvaluatedKey": object{"key": object{"S": "key:59"}}},
			denied), "BatchWriteItem": always(object{})},
			func(d *dynamodb.Driver) (int, error) { return d.Clear(t.Context(), "key:") }, 60},
		{"Sweep", map[string]answer{"Scan": always(object{"Items": expired}), "DeleteItem": inTurn(object{}, denied),
			"DescribeTimeToLive": always(object{})},
			func(d *dynamodb.Driver) (int, error) { return d.Sweep(t.Context()) }, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t, row.answers)
			n, err := row.do(newDriver(t, newClient(t, f.URL), dynamodb.Options{LeaveTTL: true}))
			wantSaying(t, err, "AccessDeniedException")
			if got, want := errors.Is(err, errors.ErrUnsupported), strings.HasPrefix(row.name, "Clear"); got != want { // a clearing is not owed for ever
				t.Errorf("the error matches errors.ErrUnsupported: %t, want %t: %v", got, want, err)
			}
			// A request that has succeeded may be cut short by the failure of another before it is counted.
			if n > row.want || row.name == "ClearScan" && n != row.want {
				t.Errorf("%d were counted, want %d", n, row.want)
			}
		})
	}
}

// A key that is given twice is asked for once.
func TestDeleteAsksOnce(t *testing.T) {
	f := newFake(t, nil)
	d := newDriver(t, newClient(t, f.URL), dynamodb.Options{})
	wantCount(t, "Delete", 0)(d.Delete(t.Context(), "a", "b", "a"))
	if n := len(f.called("DeleteItem")); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

// However many keys there are, no more than some requests are under way, and there is no request for each key.
func TestDeleteIsBounded(t *testing.T) {
	f := newFake(t, map[string]answer{"BatchGetItem": batchGet(t, func([]any) []any { return nil }), "BatchWriteItem": always(object{})})
	fake := f.client().Options().HTTPClient
	for _, row := range []struct{ keys, live, requests, most int }{
		{1, 0, 1, 1},
		{16, 0, 16, 16},
		{17, 17, 1 + 1, 1},
		{100, 100, 1 + 4, 4},
		{500, 500, 5 + 20, 16},
		{2000, 2000, 20 + 80, 16},
	} {
		synctest.Test(t, func(t *testing.T) {
			var now, most, all atomic.Int64
			d := newDriver(t, inProcess(func(r *http.Request) (*http.Response, error) {
				defer now.Add(-1)
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				if !strings.Contains(r.Header.Get("X-Amz-Target"), "Describe") {
					all.Add(1)
				}
				time.Sleep(time.Millisecond) // until all that may be under way are
				return fake.Do(r)
			}), dynamodb.Options{})
			wantCount(t, "Delete", row.live)(d.Delete(t.Context(), many(row.keys)...))
			if most, all := int(most.Load()), int(all.Load()); most != row.most || all != row.requests {
				t.Errorf("%d keys: %d requests, %d of them under way at once, want %d and %d", row.keys, all, most, row.requests, row.most)
			}
		})
	}
}

// Delete of many counts as that of a few does: what is live, and its own.
func TestDeleteOfManyCounts(t *testing.T) {
	d, st := freshDriver(t)
	keys := many(60)
	long := strings.Repeat("k", 3000)
	keys = append(keys, "", "not UTF-8 \xff", long+"1", long+"2")
	for _, key := range keys[20:] {
		set(t, d, key, "value", time.Hour)
	}
	st.put(t, item{"key": s("key:0"), "value": b("v"), "expires": n("1700000000")})
	other := st.mapped(t)[0] // as if SHA-256 had been broken
	other["key_bytes"] = b("other")
	st.put(t, other)
	set(t, d, "kept", "value", time.Hour)
	wantCount(t, "Delete", 43)(d.Delete(t.Context(), append(keys, keys...)...))
	if left := st.all(t); len(left) != 1 {
		t.Errorf("%d items are left, want the one that was not named", len(left))
	}
}
