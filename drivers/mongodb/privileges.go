package mongodb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// needed are the actions that a user has to be allowed on the collection. Without the one that makes indexes, and lists them, the driver
// goes on with a warning.
// https://www.mongodb.com/docs/manual/reference/privilege-actions/
var needed = []string{"find", "insert", "update", "remove"}

// forbidden returns which of the needed actions the server does not allow, as far as it says what it allows: not where it asks for no user,
// nor where it does not know the question. Asking changes nothing.
func (d *Driver) forbidden(ctx context.Context) []string {
	answer, err := send(ctx, func(ctx context.Context) (bson.Raw, error) {
		return d.collection.Database().RunCommand(ctx, bson.D{{Key: "connectionStatus", Value: 1}, {Key: "showPrivileges", Value: true}}).Raw()
	})
	if err != nil {
		return nil
	}
	privileges, ok := answer.Lookup("authInfo", "authenticatedUserPrivileges").ArrayOK()
	if users, _ := answer.Lookup("authInfo", "authenticatedUsers").ArrayOK(); !ok || isEmpty(users) {
		return nil
	}
	var allowed []string
	all, _ := privileges.Values()
	for _, one := range all {
		privilege, _ := one.DocumentOK()
		if resource, ok := privilege.Lookup("resource").DocumentOK(); !ok || !d.covers(resource) {
			continue
		}
		actions, _ := privilege.Lookup("actions").ArrayOK()
		names, _ := actions.Values()
		for _, action := range names {
			name, _ := action.StringValueOK()
			allowed = append(allowed, name)
		}
	}
	if slices.Contains(allowed, "anyAction") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(needed), func(action string) bool { return slices.Contains(allowed, action) })
}

func isEmpty(array bson.RawArray) bool {
	values, err := array.Values()
	return err != nil || len(values) == 0
}

// covers tells whether the collection belongs to a resource. An empty name stands for all.
// https://www.mongodb.com/docs/manual/reference/resource-document/
func (d *Driver) covers(resource bson.Raw) bool {
	if any, _ := resource.Lookup("anyResource").BooleanOK(); any {
		return true
	}
	database, isOne := resource.Lookup("db").StringValueOK()
	collection, _ := resource.Lookup("collection").StringValueOK()
	return isOne && (database == "" || database == d.collection.Database().Name()) && (collection == "" || collection == d.collection.Name())
}

// forbids says what a user lacks.
func forbids(actions []string, of commands) string {
	return fmt.Sprintf("the server does not allow this user to %s on the collection %s.%s: the cache needs %s, which the role readWrite has",
		strings.Join(actions, ", "), of.Database().Name(), of.Name(), strings.Join(needed, ", "))
}
