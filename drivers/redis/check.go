package redis

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/address"
)

// formURL is what a good URL looks like, for messages.
const formURL = "redis://user:password@host:port/database, or rediss:// for TLS; of sentinels or a cluster, " +
	"redis+sentinel://user:password@host:port,host:port/master_name/database or redis+cluster://user:password@host:port,host:port; " +
	"of a socket, unix://user:password@/path/redis.sock?db=0"

// place returns where the settings say that the servers are.
func place(settings drivers.Settings) address.Place {
	return address.PlaceIn(settings.URL, "RedisURL", "CACHETTE_REDIS_URL", settings.RedisURL)
}

// check returns what is wrong with the URL. It reads no file that the URL names.
func check(settings drivers.Settings) []drivers.Problem {
	at := place(settings)
	if problem := at.Problem("redis", formURL, checkURL); problem != "" {
		return []drivers.Problem{{Setting: at.Setting, Text: problem}}
	}
	return nil
}

// allSchemes are those of a single server, of sentinels, of a cluster, and of a Unix domain socket; the second s stands for
// TLS.
var allSchemes = []string{"redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster", "unix"}

// checkURL checks a URL.
func checkURL(raw string) string {
	if problem := address.Scheme(raw, formURL, allSchemes...); problem != "" {
		return problem
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	base, kind, _ := strings.Cut(scheme, "+")
	malformed := func(what string) string { return what + ": give " + formURL }

	authority, after := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority, after = rest[:end], rest[end:]
	}
	at := strings.LastIndex(authority, "@") + 1
	hosts := strings.Split(authority[at:], ",")
	if len(hosts) > 1 && kind == "" {
		return malformed("it names several servers, and takes one")
	}
	if problem := address.Separated(hosts); problem != "" {
		return malformed(problem)
	}
	u, err := url.Parse(base + "://" + authority[:at] + hosts[0] + after) // which takes no list of hosts
	if err != nil || strings.Contains(u.Path, "@") || u.Fragment != "" {
		return malformed("it cannot be read as a URL") + "; " + address.HintEscape
	}
	if problem := checkPlace(base, kind, hosts, u.Path); problem != "" {
		return malformed(problem)
	}
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil || !address.HaveValues(u.RawQuery, "&") {
		return "what follows the ? are not options of the form name=value; " + address.HintEscape
	}
	target, secure := kindOf(scheme)
	if problem := checkOptions(target, secure, options); problem != "" {
		return problem
	}
	if database := databaseIn(target, u.Path); database != "" && options.Has("db") && !sameNumber(database, options.Get("db")) {
		return "what follows the host and the option db name two databases: give one of them"
	}
	return ""
}

// databaseIn returns the database that stands in the path of a URL.
func databaseIn(kind kind, path string) string {
	path = strings.Trim(path, "/")
	switch kind {
	case cluster, socket:
		return ""
	case sentinel:
		_, path, _ = strings.Cut(path, "/")
	}
	return path
}

// sameNumber compares two numbers, of which one may have leading zeros.
func sameNumber(a, b string) bool { return strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0") }

// checkPlace checks the hosts and what follows them, or the path of a socket.
func checkPlace(base, kind string, hosts []string, path string) string {
	if base == "unix" {
		if hosts[0] != "" {
			return "a host stands before the path of the socket, which begins with a slash of its own"
		}
		return address.Socket(path)
	}
	for i, host := range hosts {
		if problem := address.Host(host); problem != "" {
			return address.Ordinal(i, len(hosts)) + problem
		}
	}
	return checkPath(kind, path)
}

// checkPath checks what follows the hosts.
func checkPath(kind, path string) string {
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
	if path != "" && !address.IsNumber(path, 0, 1<<31-1) {
		return "what follows the host is not the number of a database"
	}
	return ""
}

// checkOptions checks what stands behind the ?. It shows no value.
func checkOptions(kind kind, secure bool, given url.Values) string {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		option, known := options[name]
		values := given[name]
		if !known {
			return address.Unknown(name, slices.Collect(maps.Keys(options)))
		}
		if len(values) > 1 {
			return fmt.Sprintf("the option %s is given more than once", name)
		}
		if problem := option.problem(name, values[0], kind, secure); problem != "" {
			return fmt.Sprintf("the option %s %s", name, problem)
		}
	}
	return ""
}
