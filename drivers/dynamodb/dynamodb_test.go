package dynamodb_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	"github.com/gin-cachette/cachette/drivers/dynamodb"
	"github.com/gin-cachette/cachette/internal/testservers"
)

const long = time.Hour

func TestDriver(t *testing.T) {
	t.Parallel()
	endpoint := testservers.Find(t, testservers.DynamoDB)
	tables := make(map[drivers.Driver]string)
	drivertest.Run(t, drivertest.Harness{
		New: func(t testing.TB) drivers.Driver {
			table := freshTable(t, endpoint)
			// Sweep has nothing to do where the server removes what has expired, as DynamoDB Local does.
			d := newDriver(t, newClient(t, endpoint), dynamodb.Options{Table: table, LeaveTTL: true})
			tables[d] = table
			return d
		},
		Foreign:    foreign(newClient(t, endpoint), func(d drivers.Driver) string { return tables[d] }),
		Resolution: time.Millisecond,
		MaxValue:   350 << 10,
		Keys:       1000, // TestClearTenThousand has more
	})
}

// newClient returns a client of the test's own, that keeps no connection open after the test.
func newClient(t testing.TB, endpoint string, options ...func(*sdk.Options)) *sdk.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	t.Cleanup(transport.CloseIdleConnections)
	return sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:   &http.Client{Transport: transport},
		// The SDK may close a connection while the answer is on its way, and asks again then.
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
		}),
	}, options...)
}

// freshTable returns the name of a table that is not there, and removes it after the test.
func freshTable(t testing.TB, endpoint string) string {
	t.Helper()
	table := "cachette-test-" + rand.Text()
	client := newClient(t, endpoint)
	t.Cleanup(func() {
		var absent *types.ResourceNotFoundException
		_, err := client.DeleteTable(context.Background(), &sdk.DeleteTableInput{TableName: &table})
		if err != nil && !errors.As(err, &absent) {
			t.Errorf("delete the table %s: %v", table, err)
		}
	})
	return table
}

func newDriver(t testing.TB, client *sdk.Client, options dynamodb.Options) *dynamodb.Driver {
	t.Helper()
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	d, err := dynamodb.New(client, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return d
}

// freshDriver returns a driver on a table of its own, and a client that sees what lies in it.
func freshDriver(t testing.TB) (*dynamodb.Driver, *store) {
	t.Helper()
	endpoint := testservers.Find(t, testservers.DynamoDB)
	table := freshTable(t, endpoint)
	client := newClient(t, endpoint)
	return newDriver(t, client, dynamodb.Options{Table: table, LeaveTTL: true}), &store{client, table}
}

// store is what lies in a table.
type store struct {
	client *sdk.Client
	table  string
}

type item = map[string]types.AttributeValue

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
func b(v string) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(v)} }

// get returns the item whose hash key is key, or nil.
func (st *store) get(t testing.TB, key string) item {
	t.Helper()
	out, err := st.client.GetItem(t.Context(), &sdk.GetItemInput{
		TableName: &st.table, Key: item{"key": s(key)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

func (st *store) put(t testing.TB, it item) {
	t.Helper()
	if _, err := st.client.PutItem(t.Context(), putInput(st, it)); err != nil {
		t.Fatal(err)
	}
}

func set(t testing.TB, d drivers.Driver, key, value string, ttl time.Duration) {
	t.Helper()
	if err := d.Set(t.Context(), key, []byte(value), ttl); err != nil {
		t.Fatalf("Set(%.40q): %v", key, err)
	}
}

func wantValue(t testing.TB, d drivers.Driver, key, value string) {
	t.Helper()
	got, err := d.Get(t.Context(), key)
	if err != nil || string(got.Value) != value {
		t.Errorf("Get(%.40q) = %.40q, %v, want %.40q", key, got.Value, err, value)
	}
}

func wantMiss(t testing.TB, d drivers.Driver, key string) {
	t.Helper()
	if got, err := d.Get(t.Context(), key); !errors.Is(err, drivers.ErrMiss) {
		t.Errorf("Get(%.40q) = %.40q, %v, want ErrMiss", key, got.Value, err)
	}
}

func wantCount(t testing.TB, what string, want int) func(got int, err error) {
	return func(got int, err error) {
		t.Helper()
		if got != want || err != nil {
			t.Errorf("%s = %d, %v, want %d", what, got, err, want)
		}
	}
}

// wantSaying checks that err says each of the texts, and none of the secrets.
func wantSaying(t testing.TB, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q: %v", text, err)
		}
	}
	for _, secret := range []string{secretKey, sessionToken, password} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %q: %v", secret, err)
		}
	}
}

// None of these may ever be shown.
const (
	secretKey    = "wJalrXUtnFEMIsecretKEY"
	sessionToken = "FwoGZXIvYXdzEJrTOKEN"
	password     = "hunter2"
)

func putInput(st *store, it item) *sdk.PutItemInput {
	return &sdk.PutItemInput{TableName: &st.table, Item: it}
}

// all returns every item of the table.
func (st *store) all(t testing.TB) (items []item) {
	t.Helper()
	pages := sdk.NewScanPaginator(st.client, &sdk.ScanInput{TableName: &st.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page.Items...)
	}
	return items
}
