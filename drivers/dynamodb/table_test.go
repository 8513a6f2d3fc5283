package dynamodb_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/dynamodb"
	"github.com/gin-cachette/cachette/internal/testservers"
)

func TestNewRefusesNil(t *testing.T) {
	if d, err := dynamodb.New(nil, dynamodb.Options{}); err == nil || d != nil {
		t.Errorf("New(nil) = %v, %v, want an error", d, err)
	}
}

// The table is created as documented, by whoever comes first.
func TestCreated(t *testing.T) {
	endpoint := testservers.Find(t, testservers.DynamoDB)
	name := freshTable(t, endpoint)
	client := newClient(t, endpoint)
	var running sync.WaitGroup
	for range 8 {
		d := newDriver(t, client, dynamodb.Options{Table: name})
		running.Go(func() {
			if err := d.Set(t.Context(), "key", nil, long); err != nil {
				t.Errorf("Set: %v", err)
			}
		})
	}
	running.Wait()
	out, err := client.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	keys := out.Table.KeySchema
	if len(keys) != 1 || *keys[0].AttributeName != "key" || keys[0].KeyType != types.KeyTypeHash ||
		out.Table.AttributeDefinitions[0].AttributeType != types.ScalarAttributeTypeS {
		t.Errorf("the keys are %v %v", keys, out.Table.AttributeDefinitions)
	}
	if mode := out.Table.BillingModeSummary; mode == nil || mode.BillingMode != types.BillingModePayPerRequest {
		t.Errorf("the billing mode is %v", mode)
	}
}

// A zero Options means the table of fastapi-cachette.
func TestDefaultTable(t *testing.T) {
	f := newFake(t, nil)
	wantMiss(t, newDriver(t, newClient(t, f.URL), dynamodb.Options{}), "key")
	if name := f.called("GetItem")[0].in["TableName"]; name != "fastapi-cachette" {
		t.Errorf("the table is %v", name)
	}
}

func TestWrongSchema(t *testing.T) {
	endpoint := testservers.Find(t, testservers.DynamoDB)
	client := newClient(t, endpoint)
	type key struct {
		name string
		kind types.ScalarAttributeType
		role types.KeyType
	}
	for name, keys := range map[string][]key{
		"Name":     {{"id", "S", "HASH"}},
		"Type":     {{"key", "B", "HASH"}},
		"RangeKey": {{"key", "S", "HASH"}, {"at", "N", "RANGE"}},
	} {
		t.Run(name, func(t *testing.T) {
			table := freshTable(t, endpoint)
			input := &sdk.CreateTableInput{TableName: &table, BillingMode: types.BillingModePayPerRequest}
			for _, key := range keys {
				input.AttributeDefinitions = append(input.AttributeDefinitions,
					types.AttributeDefinition{AttributeName: &key.name, AttributeType: key.kind})
				input.KeySchema = append(input.KeySchema, types.KeySchemaElement{AttributeName: &key.name, KeyType: key.role})
			}
			if _, err := client.CreateTable(t.Context(), input); err != nil {
				t.Fatal(err)
			}
			d := newDriver(t, client, dynamodb.Options{Table: table})
			_, err := d.Get(t.Context(), "key")
			wantSaying(t, err, "TableName (CACHETTE_TABLE_NAME)", table, keys[0].name, `the hash key "key" of type S`)
		})
	}
}

var denied = fails("AccessDeniedException", "User: someone is not authorized to perform: dynamodb:Something")

// What a program may do decides whether it can start.
func TestPermissions(t *testing.T) {
	absent := fails("ResourceNotFoundException", "Requested resource not found")
	for _, row := range []struct {
		name    string
		answers map[string]answer
		says    []string // nil if it starts
	}{
		{"OnlyTheItems", map[string]answer{"DescribeTable": always(denied), "DescribeTimeToLive": always(denied),
			"UpdateTimeToLive": always(denied)}, nil},
		{"Nothing", map[string]answer{"DescribeTable": always(denied), "GetItem": always(denied)},
			[]string{"dynamodb:DescribeTable", "dynamodb:GetItem"}},
		{"NotToCreate", map[string]answer{"DescribeTable": always(absent), "CreateTable": always(denied)},
			[]string{"TableName (CACHETTE_TABLE_NAME)", "dynamodb:CreateTable", `"key" of type S`}},
		{"NotToDescribeNorCreate", map[string]answer{"DescribeTable": always(denied), "GetItem": always(absent),
			"CreateTable": always(denied)}, []string{"TableName (CACHETTE_TABLE_NAME)", "dynamodb:CreateTable"}},
		{"NotToDescribeButCreate", map[string]answer{"DescribeTable": always(denied), "GetItem": inTurn(absent, absent, object{}),
			"CreateTable": inTurn(object{}, fails("ResourceInUseException", "Table already exists"))}, nil},
		{"NotToDescribeAnother'sTable", map[string]answer{"DescribeTable": always(denied),
			"GetItem": always(fails("ValidationException", "The provided key element does not match the schema"))},
			[]string{"TableName (CACHETTE_TABLE_NAME)", `"key" of type S`}},
		{"NotToGet", map[string]answer{"GetItem": always(denied)}, []string{"allow dynamodb:GetItem: "}},
		{"NotToGetSeveral", map[string]answer{"BatchGetItem": always(denied)}, []string{"allow dynamodb:BatchGetItem: "}},
		{"NotToPut", map[string]answer{"PutItem": always(denied)}, []string{"allow dynamodb:PutItem: "}},
		{"NotToUpdate", map[string]answer{"UpdateItem": always(denied)}, []string{"allow dynamodb:UpdateItem: "}},
		{"NotToDelete", map[string]answer{"DeleteItem": always(denied)}, []string{"allow dynamodb:DeleteItem: "}},
		{"NotToDeleteSeveral", map[string]answer{"BatchWriteItem": always(denied)}, []string{"allow dynamodb:BatchWriteItem: "}},
		{"NotToWrite", map[string]answer{"PutItem": always(denied), "UpdateItem": always(denied), "DeleteItem": always(denied)},
			[]string{"fastapi-cachette", "allow dynamodb:PutItem, dynamodb:UpdateItem, dynamodb:DeleteItem: "}},
		{"TooBusyToTell", map[string]answer{"BatchGetItem": always(fails("ThrottlingException", "no")),
			"Scan": always(failure{500, "InternalServerError", "no"})}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t, row.answers)
			isolate(t)
			d, err := openSettings(t, f.URL)
			if row.says != nil {
				wantSaying(t, err, append(row.says, "dynamodb: ")...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			set(t, d, "key", "value", long)
		})
	}
}

// Clearing alone wants Scan, which some do not allow: the cache starts without, and says what does not work.
func TestNotToScan(t *testing.T) {
	isolate(t)
	var log bytes.Buffer
	settings := drivers.Settings{DynamoDBURL: newFake(t, map[string]answer{"Scan": always(denied)}).URL,
		Logger: slog.New(slog.NewTextHandler(&log, nil))}
	d, err := openWith(t, t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	set(t, d, "key", "value", long)
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "dynamodb:Scan") || !strings.Contains(text, "Flush") {
		t.Errorf("the log is %q", text)
	}
}

// To ask what a program may do changes nothing, and takes the time of one request.
func TestPermissionsAreAskedWithoutEffect(t *testing.T) {
	isolate(t)
	endpoint, table := prepared(t)
	st := &store{newClient(t, endpoint), table}
	st.put(t, item{"key": s("key"), "value": b("v"), "expires": n("9999999999")})
	if _, err := openWith(t, t.Context(), drivers.Settings{DynamoDBURL: endpoint, TableName: table}); err != nil {
		t.Fatal(err)
	}
	if left := st.all(t); len(left) != 1 || len(left[0]) != 3 {
		t.Errorf("%d items are in the table, want the one that was there", len(left))
	}

	f := newFake(t, nil)
	var together sync.WaitGroup // all have to have asked before one is answered
	together.Add(7)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("X-Amz-Target"), "Describe") {
			together.Done()
			together.Wait()
		}
		f.ServeHTTP(w, r)
	}))
	defer server.Close()
	if _, err := openSettings(t, server.URL); err != nil {
		t.Error(err)
	}
	if n := len(f.called("Scan")); n != 1 {
		t.Errorf("the permissions were asked for %d times", n)
	}
}

// A server that says that the table is ready, and then nothing, is one that does not answer: the cache starts.
func TestPermissionsOfASilentServer(t *testing.T) {
	f := newFake(t, nil)
	isolate(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Scan") {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
		f.ServeHTTP(w, r)
	}))
	defer server.Close()
	d, err := openSettings(t, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	wantMiss(t, d, "key")
	_ = d.Close()
}

// A table takes its time to be created: operations wait for it as long as they may, and it is asked for once.
func TestCreating(t *testing.T) {
	absent := fails("ResourceNotFoundException", "Requested resource not found")
	creating := table("CREATING")
	f := newFake(t, map[string]answer{
		"DescribeTable": inTurn(absent, creating, creating, table("ACTIVE")),
		"CreateTable":   always(object{}),
	})
	d := newDriver(t, newClient(t, f.URL), dynamodb.Options{})
	set(t, d, "key", "value", long)
	if n := len(f.called("CreateTable")); n != 1 {
		t.Errorf("the table was created %d times", n)
	}

	f = newFake(t, map[string]answer{"DescribeTable": always(creating)})
	d = newDriver(t, newClient(t, f.URL), dynamodb.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := d.Set(ctx, "key", nil, long); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Set while the table is created: %v, want an error that wraps context.DeadlineExceeded", err)
	}
	f.set("DescribeTable", always(table("ACTIVE")))
	set(t, d, "key", "value", long)
}

// Many operations ask for the table once, and those that follow a failure are told of it for a second.
func TestPreparedOnce(t *testing.T) {
	f := newFake(t, nil)
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, f.client(), dynamodb.Options{})
		burst := func(what string, wantFailed, wantAsked int) {
			t.Helper()
			errs := make(chan error)
			for range 64 {
				go func() { errs <- d.Ping(t.Context()) }()
			}
			failed := 0
			for range 64 {
				if err := <-errs; err != nil {
					failed++
					wantSaying(t, err, "dynamodb: ping: describe the table")
				}
			}
			if asked := len(f.called("DescribeTable")); failed != wantFailed || asked != wantAsked {
				t.Errorf("%s: %d of 64 operations failed, want %d; the table was asked for %d times, want %d",
					what, failed, wantFailed, asked, wantAsked)
			}
		}
		f.set("DescribeTable", always(failure{500, "InternalServerError", "no"}))
		burst("A server that fails", 64, 1)
		f.set("DescribeTable", always(table("ACTIVE")))
		time.Sleep(999 * time.Millisecond)
		burst("Within a second", 64, 1)
		time.Sleep(time.Millisecond)
		burst("A second later", 0, 2)
		burst("Once it is ready", 0, 2)
	})
}

// Close ends what waits for a server that does not answer, at once.
func TestCloseEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, inProcess(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), dynamodb.Options{})
		begun := time.Now()
		ended := make(chan error)
		go func() { ended <- d.Ping(t.Context()) }()
		synctest.Wait()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, drivers.ErrClosed) {
			t.Errorf("Ping: %v, want ErrClosed", err)
		}
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("it has waited for %v", waited)
		}
	})
}

// A server that does not answer is given up after two seconds, where a context has no end of its own.
func TestPrepareIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, inProcess(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), dynamodb.Options{})
		begun := time.Now()
		if err := d.Ping(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ping: %v, want an error that wraps context.DeadlineExceeded", err)
		}
		if waited := time.Since(begun); waited != 2*time.Second {
			t.Errorf("it has waited for %v, want 2 s", waited)
		}
	})
}

// A table that is never ready is given up after a minute, and not asked for in a storm.
func TestCreatingIsBounded(t *testing.T) {
	f := newFake(t, map[string]answer{"DescribeTable": always(table("CREATING"))})
	synctest.Test(t, func(t *testing.T) {
		d := newDriver(t, f.client(), dynamodb.Options{})
		begun := time.Now()
		err := d.Ping(t.Context())
		if waited := time.Since(begun); err == nil || waited != time.Minute {
			t.Errorf("Ping: %v after %v, want an error after a minute", err, waited)
		}
		if asked := len(f.called("DescribeTable")); asked > 80 {
			t.Errorf("the table was asked for %d times in a minute", asked)
		}
	})
}

// A table that somebody deletes is created again.
func TestCreatedAgain(t *testing.T) {
	endpoint := testservers.Find(t, testservers.DynamoDB)
	name := freshTable(t, endpoint)
	client := newClient(t, endpoint)
	d := newDriver(t, client, dynamodb.Options{Table: name})
	for what, do := range map[string]func() error{
		"Get":       func() error { _, err := d.Get(t.Context(), "key"); return err },
		"Set":       func() error { return d.Set(t.Context(), "key", nil, long) },
		"Delete":    func() error { _, err := d.Delete(t.Context(), "key"); return err },
		"Clear":     func() error { _, err := d.Clear(t.Context(), "key"); return err },
		"GetValues": func() error { _, err := d.GetValues(t.Context(), "key", "other"); return err },
		"Sweep":     func() error { _, err := d.Sweep(t.Context()); return err },
		"Ping":      func() error { return d.Ping(t.Context()) },
	} {
		set(t, d, "key", "value", long)
		if _, err := client.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: &name}); err != nil {
			t.Fatal(err)
		}
		var absent *types.ResourceNotFoundException
		if err := do(); !errors.As(err, &absent) {
			t.Errorf("%s without a table: %v, want an error that wraps the server's", what, err)
		}
		wantMiss(t, d, "key")
	}
}

// DynamoDB removes expired items where it can; where it cannot the driver starts all the same, and says so once.
func TestTimeToLive(t *testing.T) {
	unknown := fails("UnknownOperationException", "")
	off := always(object{"TimeToLiveDescription": object{"TimeToLiveStatus": "DISABLED"}})
	for _, row := range []struct {
		name             string
		describe, update answer // update nil if it must not be asked
		leave            bool
		reaped, warned   bool
	}{
		{"Enabled", always(timeToLive("ENABLED", "expires")), nil, false, true, false},
		{"Enabling", always(timeToLive("ENABLING", "expires")), nil, false, true, false},
		{"EnabledByUs", off, always(object{}), false, true, false},
		{"EnabledByAnotherMeanwhile", off, always(fails("ValidationException", "TimeToLive is already enabled")), false, true, false},
		{"MayNotAsk", always(denied), always(object{}), false, true, false},
		{"MayNot", always(denied), always(denied), false, false, true},
		{"Unknown", always(unknown), always(unknown), false, false, true},
		{"Disabling", always(timeToLive("DISABLING", "expires")), always(fails("ValidationException",
			"Time to live has been modified multiple times within a fixed interval")), false, false, true},
		{"OtherAttribute", always(timeToLive("ENABLED", "ttl")), nil, false, false, true},
		{"Left", off, nil, true, false, false},
		{"LeftEnabled", always(timeToLive("ENABLED", "expires")), nil, true, true, false},
		{"LeftToAnother", always(timeToLive("ENABLED", "ttl")), nil, true, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t, map[string]answer{"DescribeTimeToLive": row.describe, "UpdateTimeToLive": row.update,
				"Scan": always(object{"Items": []object{}})})
			var log bytes.Buffer
			d := newDriver(t, newClient(t, f.URL), dynamodb.Options{LeaveTTL: row.leave, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			set(t, d, "key", "value", long)
			wantCount(t, "Sweep", 0)(d.Sweep(t.Context()))

			// The table vanishes, and is prepared again.
			f.set("GetItem", always(fails("ResourceNotFoundException", "Requested resource not found")))
			if err := d.Ping(t.Context()); err == nil {
				t.Error("Ping without a table: no error")
			}
			f.set("GetItem", always(object{}))
			wantMiss(t, d, "key")

			if scanned := len(f.called("Scan")) > 0; scanned == row.reaped {
				t.Errorf("Sweep has scanned the table: %t", scanned)
			}
			if n := strings.Count(log.String(), "level="); n != map[bool]int{true: 1}[row.warned] {
				t.Errorf("the log has %d lines: %s", n, &log)
			}
			calls := f.called("UpdateTimeToLive")
			if (row.update == nil) != (len(calls) == 0) {
				t.Errorf("the time to live was set %d times", len(calls))
			}
			for _, call := range calls {
				if spec := call.in["TimeToLiveSpecification"].(object); spec["AttributeName"] != "expires" || spec["Enabled"] != true {
					t.Errorf("the time to live was set to %v", spec)
				}
			}
		})
	}
}

// The names of attributes that are words of DynamoDB's language never stand in an expression, and no value is fetched that
// is not wanted.
func TestScanIsNarrow(t *testing.T) {
	f := newFake(t, map[string]answer{"Scan": always(object{}), "DescribeTimeToLive": always(object{}),
		"UpdateTimeToLive": always(denied)})
	d := newDriver(t, newClient(t, f.URL), dynamodb.Options{})
	for _, prefix := range []string{"", "a:", "a:\xff", "\xff", strings.Repeat("k", 3000)} {
		wantCount(t, "Clear", 0)(d.Clear(t.Context(), prefix))
	}
	wantCount(t, "Sweep", 0)(d.Sweep(t.Context()))
	calls := f.called("Scan")
	if len(calls) != 6 {
		t.Fatalf("%d scans", len(calls))
	}
	filters := make([]any, len(calls))
	for i, call := range calls {
		filters[i] = call.in["FilterExpression"]
		if projection := call.in["ProjectionExpression"]; projection != "#k, #e, #m, #b" {
			t.Errorf("the projection is %v", projection)
		}
		for _, name := range call.in["ExpressionAttributeNames"].(object) {
			if name == "value" {
				t.Error("the values are fetched")
			}
		}
	}
	const both, mapped = "begins_with(#k, :marker) OR begins_with(#k, :prefix)", "begins_with(#k, :marker)"
	if want := []any{nil, both, both, nil, mapped, "#e <= :now"}; !slices.Equal(filters, want) {
		t.Errorf("the filters are %q, want %q", filters, want)
	}
}
