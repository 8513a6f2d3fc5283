package cachette

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-cachette/cachette/internal/mongourl"
)

// What a good value looks like, for messages.
const (
	formRedisURL = "redis://user:password@host:port/database, or rediss:// for TLS; of sentinels or a cluster, " +
		"redis+sentinel://user:password@host:port,host:port/master_name/database or redis+cluster://user:password@host:port,host:port; " +
		"of a socket, unix://user:password@/path/redis.sock?db=0"
	formDynamoDBURL = "http://host:port or https://host:port"
	formMongoDBURL  = "mongodb://user:password@host:port/database, or mongodb+srv://user:password@host/database"
)

// hintEscape is for URLs that come apart in the wrong place, mostly at a character of the password.
const hintEscape = "any of / ? # @ : % in a user name or password has to be percent-encoded"

// Nothing of a URL, nor of a list of hosts, is ever shown in a problem but a scheme: a password may be anywhere in one that
// is malformed, and an error of url.Parse repeats what it was given.

// checkScheme checks that raw begins with one of schemes.
func checkScheme(raw, form string, schemes ...string) string {
	scheme, _, found := strings.Cut(raw, "://")
	switch {
	case found && slices.Contains(schemes, scheme):
		return ""
	case found && isScheme(scheme):
		return fmt.Sprintf("the scheme %s:// is not one that it takes: give %s", scheme, form)
	}
	return "it is no URL: give " + form
}

// isScheme reports whether text looks like a scheme, and nothing else, so that it can be shown.
func isScheme(text string) bool {
	for _, r := range text {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '+' {
			return false
		}
	}
	return text != "" && len(text) <= 16
}

// redisSchemes are those of a single server, of sentinels, of a cluster, and of a Unix domain socket; the second s stands for
// TLS.
var redisSchemes = []string{"redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster", "unix"}

// checkRedisURL checks the form of a URL. What each option may be is left to the driver, which knows.
func checkRedisURL(raw string) string {
	if problem := checkScheme(raw, formRedisURL, redisSchemes...); problem != "" {
		return problem
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	base, kind, _ := strings.Cut(scheme, "+")
	malformed := func(what string) string { return what + ": give " + formRedisURL }

	authority, after := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority, after = rest[:end], rest[end:]
	}
	at := strings.LastIndex(authority, "@") + 1
	hosts := strings.Split(authority[at:], ",")
	if len(hosts) > 1 && kind == "" {
		return malformed("it names several servers, and takes one")
	}
	if problem := checkSeparated(hosts); problem != "" {
		return malformed(problem)
	}
	u, err := url.Parse(base + "://" + authority[:at] + hosts[0] + after) // which takes no list of hosts
	if err != nil || strings.Contains(u.Path, "@") || u.Fragment != "" {
		return malformed("it cannot be read as a URL") + "; " + hintEscape
	}
	if problem := checkRedisPlace(base, kind, hosts, u.Path); problem != "" {
		return malformed(problem)
	}
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil || !haveValues(u.RawQuery, "&") {
		return "what follows the ? are not options of the form name=value; " + hintEscape
	}
	return checkRedisOptions(base, kind, options)
}

// checkRedisPlace checks the hosts and what follows them, or the path of a socket.
func checkRedisPlace(base, kind string, hosts []string, path string) string {
	if base == "unix" {
		if hosts[0] != "" {
			return "a host stands before the path of the socket, which begins with a slash of its own"
		}
		return checkSocket(path)
	}
	for i, host := range hosts {
		if problem := checkAddress(host); problem != "" {
			return ordinal(i, len(hosts)) + problem
		}
	}
	return checkRedisPath(kind, path)
}

// checkSocket checks the path of a Unix domain socket.
func checkSocket(path string) string {
	const limit = 107 // bytes, on Linux: sun_path of unix(7), less its null
	switch {
	case strings.Trim(path, "/") == "":
		return "the path of the socket is missing"
	case len(path) > limit:
		return fmt.Sprintf("the path of a socket has at most %d bytes, and this has %d", limit, len(path))
	}
	return ""
}

// checkRedisPath checks what follows the hosts.
func checkRedisPath(kind, path string) string {
	path = strings.Trim(path, "/")
	switch kind {
	case "cluster":
		if path != "" {
			return "a cluster has no databases, and nothing may follow the hosts"
		}
		return ""
	case "sentinel":
		var master string
		if master, path, _ = strings.Cut(path, "/"); master == "" {
			return "the name of the master is missing, which follows the hosts"
		}
	}
	if path != "" && !isNumber(path, 0, 1<<31-1) {
		return "what follows the host is not the number of a database"
	}
	return ""
}

// checkRedisOptions checks the options that go with some URLs only.
func checkRedisOptions(base, kind string, options url.Values) string {
	for _, name := range []string{"tls_ca_file", "tls_cert_file", "tls_key_file", "tls_server_name", "skip_verify"} {
		if options.Has(name) && base != "rediss" {
			return "its option " + name + " is for TLS: give a URL that begins with rediss"
		}
	}
	for _, name := range []string{"sentinel_username", "sentinel_password"} {
		if options.Has(name) && kind != "sentinel" {
			return "its option " + name + " is for sentinels: give a URL that begins with redis+sentinel or rediss+sentinel"
		}
	}
	switch {
	case !options.Has("db"):
		return ""
	case kind == "cluster":
		return "its option db is not for a cluster, which has no databases"
	case !isNumber(options.Get("db"), 0, 1<<31-1):
		return "its option db is not the number of a database"
	}
	return ""
}

func checkDynamoDBURL(raw string) string {
	if problem := checkScheme(raw, formDynamoDBURL, "http", "https"); problem != "" {
		return problem
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "it cannot be read as a URL: give " + formDynamoDBURL
	case u.User != nil, strings.Contains(u.Path, "@"):
		return "DynamoDB takes no user and password in its URL: give " + formDynamoDBURL +
			", and the credentials in the way of the AWS SDK (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
	case u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return "nothing may follow a ? or a #: give " + formDynamoDBURL
	}
	if problem := checkAddress(u.Host); problem != "" {
		return problem + ": give " + formDynamoDBURL
	}
	return ""
}

// checkMongoDBURL follows the specification of MongoDB's connection strings, which are no URLs where they name several
// hosts. What each option may be is left to the client, which knows.
// https://www.mongodb.com/docs/manual/reference/connection-string/
func checkMongoDBURL(raw string) string {
	if problem := checkScheme(raw, formMongoDBURL, "mongodb", "mongodb+srv"); problem != "" {
		return problem
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	malformed := func(what string) string { return what + ": give " + formMongoDBURL + "; " + hintEscape }

	if userinfo, after, found := strings.Cut(rest, "@"); found {
		user, password, _ := strings.Cut(userinfo, ":")
		if strings.ContainsAny(user, "/?#") || strings.ContainsAny(password, "/?#:") || strings.Contains(after, "@") {
			return malformed("the user name and password cannot be told from the rest")
		}
		if !isEscaped(user) || !isEscaped(password) {
			return malformed("the user name or password has a % that begins no escape")
		}
		if user == "" {
			return malformed("the user name is missing")
		}
		rest = after
	}

	hosts := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		hosts, rest = rest[:end], rest[end:]
	} else {
		rest = ""
	}
	if problem := checkMongoDBHosts(scheme, hosts); problem != "" {
		return malformed(problem)
	}

	if strings.HasPrefix(rest, "?") {
		return "a / has to stand before the ?: give " + formMongoDBURL
	}
	path, query, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "?")
	database, err := url.QueryUnescape(path)
	if err != nil || checkDatabaseSpelling(database) != "" {
		return "what follows the host is not the name of a database: give " + formMongoDBURL
	}
	if isMongoDBsOwn(mongourl.Database(raw)) {
		return "the database that it names is one that MongoDB keeps for itself: give another or none; where the user is " +
			"known is said by the option authSource"
	}
	if !haveValues(query, "&;") || !isEscaped(query) {
		return "what follows the ? are not options of the form name=value: give " + formMongoDBURL
	}
	return ""
}

func checkMongoDBHosts(scheme, hosts string) string {
	all := strings.Split(hosts, ",")
	if problem := checkSeparated(all); problem != "" {
		return problem
	}
	for i, host := range all {
		if socket, err := url.PathUnescape(host); err == nil && strings.HasPrefix(socket, "/") && strings.HasSuffix(socket, ".sock") {
			continue // a Unix domain socket, percent-encoded
		}
		if problem := checkAddress(host); problem != "" {
			return ordinal(i, len(all)) + problem
		}
	}
	if scheme == "mongodb+srv" && (len(all) > 1 || strings.Contains(hosts, ":")) {
		return "mongodb+srv takes one host, without a port"
	}
	return ""
}

// ordinal says which of several hosts is meant, without showing it.
func ordinal(i, n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("host %d of %d: ", i+1, n)
}

// checkAddress checks a host with or without a port. An IPv6 address stands in brackets.
func checkAddress(address string) string {
	var host, port string
	var hasPort bool
	if inner, found := strings.CutPrefix(address, "["); found {
		var after string
		host, after, found = strings.Cut(inner, "]")
		if ip, err := netip.ParseAddr(host); !found || err != nil || !ip.Is6() {
			return "what stands in brackets is no IPv6 address"
		}
		if port, hasPort = strings.CutPrefix(after, ":"); !hasPort && after != "" {
			return "only a port may follow the brackets"
		}
	} else {
		host, port, hasPort = strings.Cut(address, ":")
		if strings.Contains(port, ":") {
			return "an IPv6 address has to stand in brackets"
		}
		if problem := checkHostName(host); problem != "" {
			return problem
		}
	}
	if hasPort && !isNumber(port, 1, 65535) {
		return "the port is not a number from 1 to 65535"
	}
	return ""
}

// checkHostName checks the name of a host, or an IPv4 address. Underscores are no part of DNS host names, but docker's
// names have them.
func checkHostName(host string) string {
	if host == "" {
		return "the host is missing"
	}
	if strings.Trim(host, "0123456789.") == "" {
		if _, err := netip.ParseAddr(host); err != nil {
			return "the host is no IPv4 address"
		}
		return ""
	}
	name := strings.TrimSuffix(host, ".")
	if len(name) > 253 {
		return "the host is longer than 253 characters"
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return "the host has a part that is empty or longer than 63 characters"
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return "the host has a character that no host's name has"
			}
		}
	}
	return ""
}

// isNumber reports whether text is digits only, and a number from low to high.
func isNumber(text string, low, high int64) bool {
	if strings.Trim(text, "0123456789") != "" {
		return false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n >= low && n <= high
}

// isEscaped reports whether each % in text begins an escape.
func isEscaped(text string) bool {
	_, err := url.PathUnescape(text)
	return err == nil
}

// haveValues reports whether each of the options in query, separated by any of separators, has a name and a value.
func haveValues(query, separators string) bool {
	for _, option := range strings.FieldsFunc(query, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if strings.IndexByte(option, '=') < 1 {
			return false
		}
	}
	return true
}
