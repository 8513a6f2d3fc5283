package mongodb_test

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest"
	"github.com/gin-cachette/cachette/drivers/mongodb"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// connect returns a client of a server for tests, with o on top of its address.
func connect(t testing.TB, o ...*options.ClientOptions) *mongo.Client {
	t.Helper()
	return dial(t, append([]*options.ClientOptions{options.Client().ApplyURI(testservers.Find(t, testservers.MongoDB))}, o...)...)
}

// dial returns a client that is disconnected when the test ends.
func dial(t testing.TB, o ...*options.ClientOptions) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(o...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = client.Disconnect(ctx)
	})
	return client
}

// fresh returns a collection that no other test uses, and that is dropped when the test ends.
func fresh(t testing.TB, client *mongo.Client) *mongo.Collection {
	t.Helper()
	// A database of its own: FerretDB on SQLite interrupts whatever runs in a database when a client gives up what it has asked of it.
	collection := client.Database("cachette_" + rand.Text()).Collection("c")
	t.Cleanup(func() {
		if err := collection.Database().Drop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return collection
}

// newDriver returns a driver on collection.
func newDriver(t testing.TB, collection *mongo.Collection, o mongodb.Options) *mongodb.Driver {
	t.Helper()
	o.Database, o.Collection = collection.Database().Name(), collection.Name()
	d, err := mongodb.New(collection.Database().Client(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestDriver(t *testing.T) {
	t.Parallel()
	client := connect(t)
	var collections sync.Map // by their drivers
	drivertest.Run(t, drivertest.Harness{
		New: func(t testing.TB) drivers.Driver {
			collection := fresh(t, client)
			d := newDriver(t, collection, mongodb.Options{})
			collections.Store(d, collection)
			return d
		},
		Keys: 200, // FerretDB looks at every document for each operation
		Foreign: foreign(func(d drivers.Driver) *mongo.Collection {
			collection, _ := collections.Load(d)
			return collection.(*mongo.Collection)
		}),
		Apart: true,
	})
}
