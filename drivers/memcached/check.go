package memcached

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/address"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
)

// place returns where the settings say that the servers are.
func place(settings drivers.Settings) address.Place {
	return address.PlaceIn(settings.URL, "MemcachedHost", "CACHETTE_MEMCACHED_HOST", settings.MemcachedHost)
}

// check returns what is wrong with the hosts or the URL. It reads no file that the URL names.
func check(settings drivers.Settings) []drivers.Problem {
	at := place(settings)
	if problem := at.Problem("memcached", formHost, checkHost); problem != "" {
		return []drivers.Problem{{Setting: at.Setting, Text: problem}}
	}
	return nil
}

const formHost = "host or host:port, or /path/memcached.sock for a socket, several separated by commas, or " +
	"memcached://user:password@host:port, or memcacheds:// for TLS"

// poolSize is the option of a URL that says how many idle connections to each server are kept.
const poolSize = "pool_size"

// dialTimeout is the option of a URL that says how long making a connection may take.
const dialTimeout = "dial_timeout"

// forms are what these two may be.
var forms = map[string]address.Form{
	poolSize:    address.Connections,
	dialTimeout: address.Timeout,
}

// tlsOptions are those of a URL that are of TLS, and allOptions all.
var (
	tlsOptions = []string{tlsfiles.CA, tlsfiles.Cert, tlsfiles.Key, tlsfiles.ServerName}
	allOptions = append([]string{dialTimeout, poolSize}, tlsOptions...)
)

func checkHost(raw string) string {
	if strings.Contains(raw, "://") {
		return checkURL(raw)
	}
	if problem := checkHosts(raw, false); problem != "" {
		return problem + ": give " + formHost
	}
	return ""
}

func checkHosts(hosts string, inURL bool) string {
	all := strings.Split(hosts, ",")
	if problem := address.Separated(all); problem != "" {
		return problem
	}
	for i, host := range all {
		if problem := checkServer(host, inURL); problem != "" {
			return address.Ordinal(i, len(all)) + problem
		}
	}
	servers := parseHosts(hosts, inURL)
	for i, server := range servers {
		if slices.Contains(servers[:i], server) {
			return address.Ordinal(i, len(all)) + "it is named twice: name each server once"
		}
	}
	return ""
}

// checkServer checks a host, or the path of a socket. Outside of a URL, what looks like one may have a password in it.
func checkServer(server string, inURL bool) string {
	isPath := strings.HasPrefix(server, "/")
	switch {
	case !isPath && strings.ContainsAny(server, "/@"), strings.HasPrefix(server, "//"), !inURL && strings.ContainsAny(server, "@?#"):
		return "it is a host or the path of a socket, which begins with a slash, and no URL"
	case !isPath:
		return address.Host(server)
	case inURL:
		path, err := url.PathUnescape(server)
		if err != nil {
			return "the path has a % that begins no escape"
		}
		return address.Socket(path)
	}
	return address.Socket(server)
}

// checkURL takes a URL apart by hand, as it is none where it names several hosts.
func checkURL(raw string) string {
	if problem := address.Scheme(raw, formHost, scheme, schemeTLS); problem != "" {
		return problem
	}
	used, rest, _ := strings.Cut(raw, "://")
	malformed := func(what string) string { return what + ": give " + formHost + "; " + address.HintEscape }

	if userinfo, after, found := strings.Cut(rest, "@"); found {
		if strings.Contains(after, "@") {
			return malformed("the user name and password cannot be told from the rest")
		}
		if problem := checkUser(userinfo); problem != "" {
			return malformed(problem)
		}
		rest = after
	}
	hosts, query, _ := strings.Cut(rest, "?")
	hosts = strings.TrimSuffix(hosts, "/")
	for host := range strings.SplitSeq(hosts, ",") {
		isPath := strings.HasPrefix(host, "/")
		if strings.Contains(rest, "#") || !isPath && strings.Contains(host, "/") {
			return malformed("nothing may follow the hosts but options, after a ?")
		}
		if isPath && used == schemeTLS {
			return "a socket takes no TLS: give memcached://"
		}
	}
	if problem := checkHosts(hosts, true); problem != "" {
		return malformed(problem)
	}
	return checkOptions(query, used == schemeTLS)
}

// checkUser checks what stands before the @. The protocol separates the two by a space.
func checkUser(userinfo string) string {
	user, password, _ := strings.Cut(userinfo, ":")
	if strings.ContainsAny(user, "/?#") || strings.ContainsAny(password, "/?#:") {
		return "the user name and password cannot be told from the rest"
	}
	if !address.IsEscaped(user) || !address.IsEscaped(password) {
		return "the user name or password has a % that begins no escape"
	}
	if user == "" || password == "" {
		return "a user and a password belong together, and one of them is missing"
	}
	plain, _ := url.PathUnescape(user + password)
	if strings.ContainsFunc(plain, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "Memcached takes no space and no control character in a user name or password"
	}
	return ""
}

func checkOptions(query string, tls bool) string {
	given := make(map[string]bool)
	for option := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(option, "=")
		value, err := url.QueryUnescape(value)
		switch {
		case query == "":
			continue
		case !slices.Contains(allOptions, name):
			return address.Unknown(name, allOptions)
		case given[name]:
			return "the option " + name + " is given twice"
		case err != nil || value == "":
			return "the option " + name + " has no value, or one that cannot be read; " + address.HintEscape
		case name == poolSize || name == dialTimeout:
			if form := forms[name]; !form.Good(value) {
				return "the option " + name + " cannot be read: give " + form.Want
			}
		case !tls:
			return "the option " + name + " is of TLS: give memcacheds://"
		case name == tlsfiles.ServerName && address.Name(value) != "":
			return "the option " + name + " is no name of a host"
		}
		given[name] = true
	}
	if given[tlsfiles.Cert] != given[tlsfiles.Key] {
		return "its options tls_cert_file and tls_key_file belong together, and one of them is missing"
	}
	return ""
}
