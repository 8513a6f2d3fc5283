package mongodb_test

import (
	"errors"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/mongodb"
)

// A user that lacks a permission is told at the start which one, as far as the server says what it allows.
func TestPrivileges(t *testing.T) {
	some := func(resource bson.D, actions ...string) bson.D {
		return bson.D{{Key: "resource", Value: resource}, {Key: "actions", Value: actions}}
	}
	of := func(database, collection string) bson.D {
		return bson.D{{Key: "db", Value: database}, {Key: "collection", Value: collection}}
	}
	for name, row := range map[string]struct {
		users      bson.A
		privileges bson.A
		want       string // what is missing
	}{
		"NoUser":    {bson.A{}, bson.A{}, ""},
		"ReadOnly":  {bson.A{"u"}, bson.A{some(of("d", ""), "find", "listIndexes")}, "insert, update, remove"},
		"ReadWrite": {bson.A{"u"}, bson.A{some(of("d", ""), "find", "insert", "update", "remove", "createIndex")}, ""},
		"InParts":   {bson.A{"u"}, bson.A{some(of("d", "c"), "find", "insert"), some(of("", "c"), "update"), some(of("", ""), "remove")}, ""},
		"Another":   {bson.A{"u"}, bson.A{some(of("d", "c"), "find", "insert", "update"), some(of("d", "other"), "remove")}, "remove"},
		"Cluster": {bson.A{"u"}, bson.A{some(bson.D{{Key: "cluster", Value: true}}, "find", "insert", "update", "remove")},
			"find, insert, update, remove"},
		"Root": {bson.A{"u"}, bson.A{some(bson.D{{Key: "anyResource", Value: true}}, "anyAction")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			address := newFake(t, onCommand("connectionStatus", func(bson.Raw) bson.D {
				return bson.D{{Key: "ok", Value: 1}, {Key: "authInfo", Value: bson.D{
					{Key: "authenticatedUsers", Value: row.users}, {Key: "authenticatedUserPrivileges", Value: row.privileges},
				}}}
			}))
			_, err := open(t, t.Context(), drivers.Settings{
				MongoDBURL: "mongodb://" + address, DatabaseName: "d", TableName: "c", Logger: (&journal{}).logger(),
			})
			want := "MongoDBURL (CACHETTE_MONGODB_URL): the server does not allow this user to " + row.want + " on the collection d.c"
			if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("open: %v, want %q to be missing", err, row.want)
			}
		})
	}
}

// A user that may not look for documents, or remove them, is refused for ever, so that a clearing is not owed.
func TestForbiddenClear(t *testing.T) {
	for _, command := range []string{"find", "delete"} {
		t.Run(command, func(t *testing.T) {
			address := newFake(t, func(asked bson.Raw) bson.D {
				switch name := nameOf(asked); {
				case name == command:
					return failure(13, "Unauthorized")
				case name == "find":
					return bson.D{{Key: "ok", Value: 1}, {Key: "cursor", Value: bson.D{
						{Key: "id", Value: int64(0)}, {Key: "ns", Value: "d.c"}, {Key: "firstBatch", Value: bson.A{
							bson.D{{Key: "_id", Value: 1}, {Key: "key", Value: "key:1"}},
						}},
					}}}
				}
				return nil
			})
			client := dial(t, options.Client().ApplyURI("mongodb://"+address))
			d := newDriver(t, client.Database("d").Collection("c"), mongodb.Options{})
			if _, err := d.Clear(t.Context(), "key:"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "Unauthorized") {
				t.Errorf("Clear: %v, want the server's refusal, which is one for ever", err)
			}
		})
	}
}
