// Package address checks the addresses that stand in the settings of backends: URLs, hosts, and paths of sockets. Each function
// returns what is wrong, or nothing.
//
// Nothing of a URL, nor of a list of hosts, is ever shown in a problem but a scheme: a password may be anywhere in one that
// is malformed, and an error of url.Parse repeats what it was given.
package address

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-cachette/cachette/internal/wording"
)

// HintEscape is for URLs that come apart in the wrong place, mostly at a character of the password.
const HintEscape = "any of / ? # @ : % in a user name or password has to be percent-encoded"

// Scheme checks that raw begins with one of schemes.
func Scheme(raw, form string, schemes ...string) string {
	scheme, _, found := strings.Cut(raw, "://")
	switch {
	case found && slices.Contains(schemes, scheme):
		return ""
	case found && wording.IsScheme(scheme) && wording.Nearest(scheme, schemes) != "":
		return fmt.Sprintf("the scheme %s:// is not one that it takes: did you mean %s://?", scheme, wording.Nearest(scheme, schemes))
	case found && wording.IsScheme(scheme):
		return fmt.Sprintf("the scheme %s:// is not one that it takes: give %s", scheme, form)
	}
	return "it is no URL: give " + form
}

// Separated finds blanks in a list of hosts.
func Separated(hosts []string) string {
	for i, host := range hosts {
		if strings.TrimFunc(host, wording.IsBlank) != host {
			return Ordinal(i, len(hosts)) + "a blank stands beside it, and commas alone separate hosts"
		}
	}
	return ""
}

// Ordinal says which of several hosts is meant, without showing it.
func Ordinal(i, n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("host %d of %d: ", i+1, n)
}

// Host checks a host with or without a port. An IPv6 address stands in brackets.
func Host(address string) string {
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
		if problem := Name(host); problem != "" {
			return problem
		}
	}
	if hasPort && !IsNumber(port, 1, 65535) {
		return "the port is not a number from 1 to 65535"
	}
	return ""
}

// Name checks the name of a host, or an IPv4 address. Underscores are no part of DNS host names, but docker's
// names have them.
func Name(host string) string {
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

// Socket checks the path of a Unix domain socket.
func Socket(path string) string {
	const limit = 107 // bytes, on Linux: sun_path of unix(7), less its null
	switch {
	case strings.Trim(path, "/") == "":
		return "the path of the socket is missing"
	case len(path) > limit:
		return fmt.Sprintf("the path of a socket has at most %d bytes, and this has %d", limit, len(path))
	}
	return ""
}

// IsNumber reports whether text is digits only, and a number from low to high.
func IsNumber(text string, low, high int64) bool {
	if strings.Trim(text, "0123456789") != "" {
		return false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n >= low && n <= high
}

// IsEscaped reports whether each % in text begins an escape.
func IsEscaped(text string) bool {
	_, err := url.PathUnescape(text)
	return err == nil
}

// HaveValues reports whether each of the options in query, separated by any of separators, has a name and a value.
func HaveValues(query, separators string) bool {
	for _, option := range strings.FieldsFunc(query, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if strings.IndexByte(option, '=') < 1 {
			return false
		}
	}
	return true
}
