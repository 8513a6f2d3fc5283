package mongodb_test

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/gin-cachette/cachette/drivers"
)

// foreign puts documents that are no entries into the collection of a driver.
func foreign(collectionOf func(drivers.Driver) *mongo.Collection) map[string]func(t testing.TB, d drivers.Driver, key string) {
	put := func(fields bson.D) func(t testing.TB, d drivers.Driver, key string) {
		return func(t testing.TB, d drivers.Driver, key string) {
			c := collectionOf(d)
			if _, err := c.DeleteMany(t.Context(), bson.D{{Key: "key", Value: key}}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.InsertOne(t.Context(), append(bson.D{{Key: "key", Value: key}}, fields...)); err != nil {
				t.Fatal(err)
			}
		}
	}
	later := time.Now().Add(time.Hour)
	return map[string]func(t testing.TB, d drivers.Driver, key string){
		"Text":     put(bson.D{{Key: "value", Value: "text"}, {Key: "expires", Value: later.Unix()}, {Key: "expires_at", Value: later}}),
		"NoFields": put(nil),
		"NoExpiry": put(bson.D{{Key: "value", Value: []byte("value")}}),
		"Expiry":   put(bson.D{{Key: "value", Value: []byte("value")}, {Key: "expires", Value: "soon"}, {Key: "expires_at", Value: bson.A{1}}}),
	}
}
