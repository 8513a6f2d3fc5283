package main

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// What the example tells its reader to try comes out as it says.
func TestWhatItTellsToTry(t *testing.T) {
	endpoint, table := testservers.Find(t, testservers.DynamoDB), "cachette-example-"+rand.Text()
	t.Cleanup(func() { deleteTable(t, endpoint, table) })
	t.Setenv("CACHETTE_DYNAMODB_URL", endpoint)
	t.Setenv("CACHETTE_TABLE_NAME", table)
	t.Setenv("CACHETTE_OPERATION_TIMEOUT", "10s")
	gin.SetMode(gin.TestMode)
	r := gin.New()
	cache, err := cachette.Install(r, config)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	routes(r)

	for _, step := range []struct {
		what, method, path, cacheStatus, body string
		status                                int
	}{
		{"a miss", "GET", "/page", "cachette; fwd=uri-miss; stored", "made at ", 200},
		{"a hit", "GET", "/page", "cachette; hit; ttl=", "made at ", 200},
		{"no value", "GET", "/greeting", "", "there is no greeting", 404},
		{"a value is put", "PUT", "/greeting/hello", "", "put", 200},
		{"and fetched", "GET", "/greeting", "", "hello, for another ", 200},
	} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(step.method, step.path, nil))
		if w.Code != step.status || !strings.HasPrefix(w.Header().Get("Cache-Status"), step.cacheStatus) ||
			!strings.HasPrefix(w.Body.String(), step.body) {
			t.Errorf("%s: %d, Cache-Status %q, %q; want %d, %q, %q", step.what, w.Code, w.Header().Get("Cache-Status"), w.Body,
				step.status, step.cacheStatus, step.body)
		}
	}
}

func deleteTable(t *testing.T, endpoint, table string) {
	client := dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	if _, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
		t.Error(err)
	}
}

// Without an environment it is DynamoDB Local; with a region it is AWS.
func TestConfig(t *testing.T) {
	for _, row := range []struct{ region, url, want string }{
		{"", "", localURL},
		{"", "http://localhost:9000", "http://localhost:9000"},
		{"eu-central-1", "", ""},
		{"eu-central-1", "http://localhost:9000", "http://localhost:9000"},
	} {
		for variable, value := range map[string]string{
			"CACHETTE_REGION": row.region, "CACHETTE_DYNAMODB_URL": row.url,
		} {
			given(t, variable, value)
		}
		cfg, err := config()
		if err != nil || cfg.Backend != "dynamodb" || cfg.Region != row.region || cfg.DynamoDBURL != row.want {
			t.Errorf("with the region %q and the URL %q: %q, %q, %q, %v",
				row.region, row.url, cfg.Backend, cfg.Region, cfg.DynamoDBURL, err)
		}
	}
}

// given sets a variable for the test, or takes it away.
func given(t *testing.T, variable, value string) {
	t.Helper()
	t.Setenv(variable, value)
	if value == "" {
		os.Unsetenv(variable)
	}
}

// One URL may say it all.
func TestConfigByURL(t *testing.T) {
	t.Setenv("CACHETTE_URL", "dynamodb://eu-central-1/pages")
	cfg, err := config()
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		t.Error(err)
	}
}
