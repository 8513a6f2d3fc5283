package cachette

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

const formMemcachedHost = "host or host:port, or /path/memcached.sock for a socket, several separated by commas, or " +
	"memcached://user:password@host:port, or memcacheds:// for TLS"

// memcachedOptions are those of a URL. All are of TLS.
var memcachedOptions = []string{"tls_ca_file", "tls_cert_file", "tls_key_file", "tls_server_name"}

func checkMemcachedHost(raw string) string {
	if strings.Contains(raw, "://") {
		return checkMemcachedURL(raw)
	}
	if problem := checkMemcachedHosts(raw, false); problem != "" {
		return problem + ": give " + formMemcachedHost
	}
	return ""
}

func checkMemcachedHosts(hosts string, inURL bool) string {
	all := strings.Split(hosts, ",")
	if problem := checkSeparated(all); problem != "" {
		return problem
	}
	for i, host := range all {
		if problem := checkMemcachedServer(host, inURL); problem != "" {
			return ordinal(i, len(all)) + problem
		}
	}
	return ""
}

// checkMemcachedServer checks a host, or the path of a socket. Outside of a URL, what looks like one may have a password in it.
func checkMemcachedServer(server string, inURL bool) string {
	isPath := strings.HasPrefix(server, "/")
	switch {
	case !isPath && strings.ContainsAny(server, "/@"), strings.HasPrefix(server, "//"), !inURL && strings.ContainsAny(server, "@?#"):
		return "it is a host or the path of a socket, which begins with a slash, and no URL"
	case !isPath:
		return checkAddress(server)
	case inURL:
		path, err := url.PathUnescape(server)
		if err != nil {
			return "the path has a % that begins no escape"
		}
		return checkSocket(path)
	}
	return checkSocket(server)
}

// checkMemcachedURL takes a URL apart by hand, as it is none where it names several hosts.
func checkMemcachedURL(raw string) string {
	if problem := checkScheme(raw, formMemcachedHost, "memcached", "memcacheds"); problem != "" {
		return problem
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	malformed := func(what string) string { return what + ": give " + formMemcachedHost + "; " + hintEscape }

	if userinfo, after, found := strings.Cut(rest, "@"); found {
		if strings.Contains(after, "@") {
			return malformed("the user name and password cannot be told from the rest")
		}
		if problem := checkMemcachedUser(userinfo); problem != "" {
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
		if isPath && scheme == "memcacheds" {
			return "a socket takes no TLS: give memcached://"
		}
	}
	if problem := checkMemcachedHosts(hosts, true); problem != "" {
		return malformed(problem)
	}
	return checkMemcachedOptions(query, scheme == "memcacheds")
}

// checkMemcachedUser checks what stands before the @. The protocol separates the two by a space.
func checkMemcachedUser(userinfo string) string {
	user, password, _ := strings.Cut(userinfo, ":")
	if strings.ContainsAny(user, "/?#") || strings.ContainsAny(password, "/?#:") {
		return "the user name and password cannot be told from the rest"
	}
	if !isEscaped(user) || !isEscaped(password) {
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

func checkMemcachedOptions(query string, tls bool) string {
	given := make(map[string]bool)
	for option := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(option, "=")
		value, err := url.QueryUnescape(value)
		switch {
		case query == "":
			continue
		case !slices.Contains(memcachedOptions, name):
			return fmt.Sprintf("it has no option %s: give any of %s", shownOption(name), list(memcachedOptions))
		case given[name]:
			return "its option " + name + " is given twice"
		case err != nil || value == "":
			return "its option " + name + " has no value, or one that cannot be read; " + hintEscape
		case !tls:
			return "its option " + name + " is of TLS: give memcacheds://"
		case name == "tls_server_name" && checkHostName(value) != "":
			return "its option " + name + " is no name of a host"
		}
		given[name] = true
	}
	if given["tls_cert_file"] != given["tls_key_file"] {
		return "its options tls_cert_file and tls_key_file belong together, and one of them is missing"
	}
	return ""
}

// shownOption returns a name for a message, if it looks like one: what stands there in a URL that is malformed may be a
// part of a password.
func shownOption(name string) string {
	if name == "" || len(name) > 32 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "of that name (not shown, for it may hold a password)"
	}
	return name
}
