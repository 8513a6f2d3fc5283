package dynamodb

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/address"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
)

// The options of a URL, beside those of tlsfiles.
const (
	optEndpoint = "endpoint"
	optPool     = "pool_size"    // how many connections there are at most
	optDial     = "dial_timeout" // how long making a connection may take
)

var options = map[string]address.Form{
	optEndpoint:         address.Text,
	optPool:             address.Connections,
	optDial:             address.Timeout,
	tlsfiles.CA:         address.Text,
	tlsfiles.Cert:       address.Text,
	tlsfiles.Key:        address.Text,
	tlsfiles.ServerName: address.Text,
}

// place is what settings say of where the table is, and how it is reached.
type place struct {
	drivers.Settings
	options map[string]string // of the URL
}

// fromURL returns the place that settings name, with what their URL says, if there is one, and what is wrong with it.
func fromURL(settings drivers.Settings) (place, string) {
	p := place{Settings: settings}
	if settings.URL == "" {
		return p, ""
	}
	u, err := url.Parse(settings.URL)
	switch {
	case err != nil || u.Scheme != scheme:
		return p, "it cannot be read as a URL: give " + formURL
	case u.User != nil:
		return p, "it takes no user and password, for credentials come from the AWS chain: give " + formURL
	case u.Host == "":
		return p, "the region is missing: give " + formURL
	case u.Port() != "":
		return p, "a host and port stand where the region is to be: give " + formURL
	case strings.Contains(strings.Trim(u.Path, "/"), "/"):
		return p, "more than the table stands behind the region: give " + formURL
	case u.Fragment != "" || !address.HaveValues(u.RawQuery, "&"):
		return p, "what follows the table are not options of the form name=value: give " + formURL
	}
	given, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return p, "its options cannot be read: give " + formURL
	}
	p.options = make(map[string]string, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		form, known := options[name]
		values := given[name]
		if !known {
			return p, address.Unknown(name, slices.Collect(maps.Keys(options)))
		}
		if len(values) > 1 {
			return p, "the option " + name + " is given twice"
		}
		if !form.Good(values[0]) {
			return p, fmt.Sprintf("the option %s cannot be read: give %s", name, form.Want)
		}
		p.options[name] = values[0]
	}
	p.Region, p.TableName, p.DynamoDBURL = u.Host, strings.Trim(u.Path, "/"), p.options[optEndpoint]
	return p, p.checkTLS()
}

// checkTLS says what is wrong with the options for TLS. It reads no file.
func (p place) checkTLS() string {
	for _, name := range []string{tlsfiles.CA, tlsfiles.Cert, tlsfiles.Key, tlsfiles.ServerName} {
		if p.options[name] != "" && strings.HasPrefix(p.DynamoDBURL, "http://") {
			return fmt.Sprintf("the option %s is for TLS: give an endpoint that begins with https://", name)
		}
	}
	if (p.options[tlsfiles.Cert] == "") != (p.options[tlsfiles.Key] == "") {
		return fmt.Sprintf("the options %s and %s belong together: give both or none", tlsfiles.Cert, tlsfiles.Key)
	}
	return ""
}

// hasTLS tells whether there are options for TLS.
func (p place) hasTLS() bool {
	return p.options[tlsfiles.CA] != "" || p.options[tlsfiles.Cert] != "" || p.options[tlsfiles.ServerName] != ""
}

// pool returns how many connections there may be, 0 for any number, and how many are kept for later.
func (p place) pool() (most, idle int) {
	most, _ = strconv.Atoi(p.options[optPool])
	if most > 0 {
		return most, most
	}
	return 0, idleConnections
}

// dialTimeout returns how long making a connection may take.
func (p place) dialTimeout() time.Duration {
	if given, ok := address.Span(p.options[optDial]); ok {
		return given
	}
	return callTimeout
}
