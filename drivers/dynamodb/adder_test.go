package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gin-cachette/cachette/drivers/dynamodb"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// lossy loses the answer to the first PutItem, and calls lost before the client hears of it.
type lossy struct {
	lost func()
	done atomic.Bool
}

func (l *lossy) Do(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultClient.Do(r)
	if err == nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutItem") && l.done.CompareAndSwap(false, true) {
		response.Body.Close()
		l.lost()
		return nil, errors.New("connection reset by peer")
	}
	return response, err
}

// TestRepeatedAddHasAnotherWord loses the answer to an Add, and removes what was added before it is repeated: the word that was
// removed must not come back.
func TestRepeatedAddHasAnotherWord(t *testing.T) {
	endpoint := testservers.Find(t, testservers.DynamoDB)
	table := freshTable(t, endpoint)
	past := newDriver(t, newClient(t, endpoint), dynamodb.Options{Table: table, LeaveTTL: true})
	var removed string
	l := &lossy{lost: func() {
		item, err := past.Get(context.Background(), "key")
		if removed = string(item.Value); err == nil {
			_, err = past.Delete(context.Background(), "key")
		}
		if err != nil {
			t.Error(err)
		}
	}}
	client := newClient(t, endpoint, func(o *sdk.Options) { o.HTTPClient = l })
	d := newDriver(t, client, dynamodb.Options{Table: table, LeaveTTL: true})
	var n atomic.Int64
	got, err := d.Add(t.Context(), time.Minute, func() []byte { return fmt.Append(nil, "word ", n.Add(1)) }, "key")
	if err != nil {
		t.Fatal(err)
	}
	if removed == "" || string(got[0]) == removed {
		t.Errorf("Add = %q, after %q was added and removed", got[0], removed)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
}
