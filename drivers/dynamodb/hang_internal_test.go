package dynamodb

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// silent is a server that takes requests and says nothing.
type silent struct{ asked atomic.Int64 }

func (s *silent) Do(r *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestPreparingEnds: a server that says nothing is asked for the table once, for two seconds at most, however long the caller may wait. Time
// is that of the test.
func TestPreparingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(silent)
		d, err := New(dynamodb.New(dynamodb.Options{
			Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: server,
		}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		began := time.Now()
		if _, err := d.await(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("await: %v, want an error that wraps context.DeadlineExceeded", err)
		}
		if took := time.Since(began); took > 2*time.Second || server.asked.Load() != 1 {
			t.Errorf("it ended after %v and %d requests, want 2 s and one", took, server.asked.Load())
		}
	})
}
