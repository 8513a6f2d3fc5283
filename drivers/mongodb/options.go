package mongodb

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/drivers/internal/address"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
)

// theirs are the options of a URL that MongoDB's client knows, in any case. It ignores others, with a word in a log that is off.
// https://www.mongodb.com/docs/manual/reference/connection-string-options/
var theirs = strings.Fields(`
	appName authMechanism authMechanismProperties authSource compressors connect connectTimeoutMS directConnection
	enableOverloadRetargeting heartbeatFrequencyMS heartbeatIntervalMS journal loadBalanced localThresholdMS maxAdaptiveRetries
	maxConnecting maxIdleTimeMS maxPoolSize maxStaleness maxStalenessSeconds minPoolSize readConcernLevel readPreference
	readPreferenceTags replicaSet retryReads retryWrites serverMonitoringMode serverSelectionTimeoutMS socketTimeoutMS srvMaxHosts
	srvServiceName ssl sslCertificateAuthorityFile sslClientCertificateKeyFile sslClientCertificateKeyPassword sslInsecure timeoutMS
	tls tlsCAFile tlsCertificateFile tlsCertificateKeyFile tlsCertificateKeyFilePassword tlsDisableCertificateRevocationCheck
	tlsDisableOCSPEndpointCheck tlsInsecure tlsPrivateKeyFile w zlibCompressionLevel zstdCompressionLevel`)

// option is one that the URLs of all backends have in common.
type option struct {
	theirs string // what MongoDB's client calls it; empty for one that is read here
	address.Form
	translated func(value string) string // what the client takes for a good value; nil for the same
}

var ours = map[string]option{
	"client_name":        {"appName", address.Text, nil},
	"conn_max_idle_time": {"maxIdleTimeMS", lasting, milliseconds},
	"dial_timeout":       {"connectTimeoutMS", address.Timeout, milliseconds},
	"min_idle_conns":     {"minPoolSize", address.Count, nil},
	"pool_size":          {"maxPoolSize", address.Connections, nil},
	"skip_verify":        {"tlsInsecure", address.Flag, func(value string) string { return strconv.FormatBool(address.IsOn(value)) }},
	tlsfiles.CA:          {"", address.Text, nil},
	tlsfiles.Cert:        {"", address.Text, nil},
	tlsfiles.Key:         {"", address.Text, nil},
	tlsfiles.ServerName:  {"", address.Text, nil},
}

// lasting is one that the client's milliseconds can tell.
var lasting = address.Duration(func(span time.Duration) bool { return span == 0 || span >= time.Millisecond })

func milliseconds(value string) string {
	span, _ := address.Span(value)
	return strconv.FormatInt(span.Milliseconds(), 10)
}

// repeatable is an option that may be given more than once: the client tries one set of tags after the other.
const repeatable = "readpreferencetags"

// query is what stands behind the ? of a URL.
type query struct {
	client []string          // for the client, as they stand in a URL
	tls    map[string]string // those of tlsfiles
	names  map[string]string // of all, as they were given, by what the client calls them in lower case
}

// parseQuery reads the options of a URL that was found good otherwise, or returns what is wrong with them. It shows no value.
func parseQuery(raw string) (*query, string) {
	q := &query{tls: make(map[string]string), names: make(map[string]string)}
	for _, pair := range strings.FieldsFunc(raw, func(r rune) bool { return r == '&' || r == ';' }) {
		if problem := q.add(pair); problem != "" {
			return nil, problem
		}
	}
	if (q.tls[tlsfiles.Cert] == "") != (q.tls[tlsfiles.Key] == "") {
		return nil, fmt.Sprintf("the options %s and %s belong together, and one of them is missing", tlsfiles.Cert, tlsfiles.Key)
	}
	return q, ""
}

func (q *query) add(pair string) string {
	name, value, _ := strings.Cut(pair, "=")
	name, _ = url.QueryUnescape(name)
	called := name
	if known, ok := ours[name]; ok {
		plain, _ := url.QueryUnescape(value)
		if !known.Good(plain) {
			return fmt.Sprintf("the option %s cannot be read: give %s", name, known.Want)
		}
		translated := plain
		if known.translated != nil {
			translated = known.translated(plain)
		}
		if called = known.theirs; called != "" {
			q.client = append(q.client, called+"="+url.QueryEscape(translated))
		} else {
			called, q.tls[name] = name, plain
		}
	} else if isTheirs := func(known string) bool { return strings.EqualFold(known, name) }; slices.ContainsFunc(theirs, isTheirs) {
		q.client = append(q.client, pair)
	} else {
		return address.Unknown(name, append(slices.Collect(maps.Keys(ours)), theirs...))
	}
	called = strings.ToLower(called)
	before, again := q.names[called]
	switch {
	case again && called == repeatable:
	case again && before == name:
		return "the option " + name + " is given twice"
	case again:
		return fmt.Sprintf("the options %s and %s are the same: give one of them", before, name)
	}
	q.names[called] = name
	return ""
}

// secure returns whether the options have the connections use TLS, and what is wrong with it: the client goes without TLS where an
// option that is of no use without does not ask for it, too.
func (q *query) secure(srv bool) (tls bool, problem string) {
	asked, given := srv, ""
	for name, as := range q.names {
		switch {
		case name == "tls" || name == "ssl":
		case name == "tlsinsecure" || name == "sslinsecure" || strings.HasSuffix(name, "password"):
			given = as
		case strings.HasPrefix(name, "tls") || strings.HasPrefix(name, "ssl"):
			given, asked = as, true
		}
	}
	for _, pair := range q.client {
		switch strings.ToLower(pair) {
		case "tls=true", "ssl=true":
			asked = true
		case "tls=false", "ssl=false":
			if asked = false; given != "" {
				return false, "the option " + given + " is for TLS, which is switched off: give tls=true"
			}
			return false, ""
		}
	}
	if given != "" && !asked {
		return false, "the option " + given + " is for TLS: give tls=true, too"
	}
	return asked, ""
}
