package mongodb

import (
	"net/url"
	"strings"
)

// databaseIn returns the database that a connection string names for what is kept, or nothing. One that MongoDB's client does
// not take may have any.
//
// A database there also says where the user is known, unless the option authSource does. admin beside a user is meant for
// that alone: it is MongoDB's own, and nothing is kept in it.
// https://www.mongodb.com/docs/manual/reference/connection-string/
func databaseIn(raw string) string {
	scheme, rest, _ := strings.Cut(raw, "://")
	if scheme != "mongodb" && scheme != "mongodb+srv" {
		return ""
	}
	_, after, user := strings.Cut(rest, "@")
	if user {
		rest = after
	}
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest, "/")
	database, err := url.QueryUnescape(path) // as MongoDB's client does
	if err != nil || user && strings.EqualFold(database, "admin") {
		return ""
	}
	return database
}
