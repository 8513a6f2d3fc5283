package config

import (
	"strings"

	"github.com/gin-cachette/cachette/internal/wording"
)

// checkAround finds what stands around a value and is no part of it: what a file ends with, or what a shell would have
// taken off.
func checkAround(value string) string {
	if strings.TrimFunc(value, wording.IsBlank) != value {
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
