package cachette

import (
	"strings"
	"unicode"
)

// isBlank reports whether a character is white space, or one that is not seen, as a byte order mark.
func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// checkAround finds what stands around a value and is no part of it: what a file ends with, or what a shell would have
// taken off.
func checkAround(value string) string {
	if strings.TrimFunc(value, isBlank) != value {
		return "a blank, a line break or an invisible character stands before or after the value: leave it out"
	}
	for _, quote := range []string{`"`, "'", "`"} {
		if len(value) > 1 && strings.HasPrefix(value, quote) && strings.HasSuffix(value, quote) {
			return "it stands in quotes, which are a part of it here (a shell takes them off, an env file of docker does not): " +
				"leave them out"
		}
	}
	return ""
}

// checkSeparated finds blanks in a list of hosts.
func checkSeparated(hosts []string) string {
	for i, host := range hosts {
		if strings.TrimFunc(host, isBlank) != host {
			return ordinal(i, len(hosts)) + "a blank stands beside it, and commas alone separate hosts"
		}
	}
	return ""
}
