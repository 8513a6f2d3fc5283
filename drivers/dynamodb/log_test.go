package dynamodb_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
)

// TestLogOfTheClient: what the AWS SDK logs goes to the logger of the driver. It does so where a server says a date that is
// none.
func TestLogOfTheClient(t *testing.T) {
	isolate(t)
	f := newFake(t, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", "yesterday")
		f.ServeHTTP(w, r)
	}))
	defer server.Close()
	var log bytes.Buffer
	_, err := openWith(t, t.Context(), drivers.Settings{
		DynamoDBURL: server.URL, OperationTimeout: time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, `level=WARN msg="cachette: dynamodb: the client logs" line="failed to parse response Date`) {
		t.Errorf("the log has no line of the SDK:\n%s", text)
	}
}
