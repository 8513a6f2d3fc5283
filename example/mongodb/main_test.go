package main

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// What the example tells its reader to try comes out as it says.
func TestWhatItTellsToTry(t *testing.T) {
	url := testservers.Find(t, testservers.MongoDB)
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Fatal(err)
	}
	collection := client.Database("cachette_example").Collection("c" + rand.Text())
	t.Cleanup(func() {
		if err := collection.Drop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := client.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("CACHETTE_MONGODB_URL", url)
	t.Setenv("CACHETTE_DATABASE_NAME", collection.Database().Name())
	t.Setenv("CACHETTE_TABLE_NAME", collection.Name())
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
	// The value lies there as other programs read it.
	found, err := collection.FindOne(t.Context(), bson.D{{Key: "key", Value: "cachette:greeting"}}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	if _, value, _ := found.Lookup("value").BinaryOK(); string(value) != "hello" {
		t.Errorf("what lies in the collection is %v", found)
	}
}

// Without an environment it is the MongoDB of docker-compose.yml.
func TestConfig(t *testing.T) {
	for _, row := range []struct{ url, want string }{
		{"", localURL},
		{"mongodb://db.example:27018", "mongodb://db.example:27018"},
	} {
		t.Setenv("CACHETTE_MONGODB_URL", row.url)
		if row.url == "" {
			os.Unsetenv("CACHETTE_MONGODB_URL")
		}
		cfg, err := config()
		if err != nil || cfg.Backend != "mongodb" || cfg.MongoDBURL != row.want {
			t.Errorf("with the URL %q: %q, %q, %v", row.url, cfg.Backend, cfg.MongoDBURL, err)
		}
	}
}

// One URL may say it all.
func TestConfigByURL(t *testing.T) {
	t.Setenv("CACHETTE_URL", "mongodb://cache.example")
	cfg, err := config()
	if err == nil {
		err = cfg.Validate()
	}
	if err != nil {
		t.Error(err)
	}
}
