package mongodb

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
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

// clientURL returns a URL as the client takes it, without what is read here, and the options of TLS that are; nil for none. What is wrong
// with another part of the URL is left to the client.
func clientURL(settings drivers.Settings) (string, *tls.Config, error) {
	raw, behind, _ := strings.Cut(place(settings).Raw, "?")
	if behind == "" {
		return place(settings).Raw, nil, nil
	}
	q, problem := parseQuery(behind)
	if problem != "" {
		return "", nil, fmt.Errorf("mongodb: %s: %s", place(settings).Named, problem)
	}
	secure, problem := q.secure(strings.HasPrefix(raw, "mongodb+srv:"))
	if problem != "" {
		return "", nil, fmt.Errorf("mongodb: %s: %s", place(settings).Named, problem)
	}
	if len(q.tls) == 0 {
		return raw + "?" + strings.Join(q.client, "&"), nil, nil
	}
	config, err := tlsfiles.Read(func(name string) string { return q.tls[name] })
	if err != nil {
		return "", nil, fmt.Errorf("mongodb: %s: %w", place(settings).Named, err)
	}
	if secure && q.names["tls"] == "" && q.names["ssl"] == "" {
		q.client = append(q.client, "tls=true")
	}
	return raw + "?" + strings.Join(q.client, "&"), config, nil
}

// mergeTLS adds what was read here to what the client has read.
func mergeTLS(o *options.ClientOptions, own *tls.Config) {
	if own == nil {
		return
	}
	if theirs := o.TLSConfig; theirs != nil {
		own.InsecureSkipVerify = theirs.InsecureSkipVerify
		if own.RootCAs == nil {
			own.RootCAs = theirs.RootCAs
		}
		if own.Certificates == nil {
			own.Certificates = theirs.Certificates
		}
	}
	o.SetTLSConfig(own)
}
