package wording

import (
	"fmt"
	"strings"
)

// Operation returns what went wrong with an operation on a backend's key, or on nothing in particular where key is empty: without what
// the driver or codec repeats of that.
func Operation(op, key, backend string, err error) string {
	const longest = 64 // of a key: an error is for reading
	if len(key) > longest {
		key = key[:longest] + "…"
	}
	tried := op
	if key != "" {
		tried = fmt.Sprintf("%s %q", op, key)
	}
	// A driver's name is that of its package, *redis.Driver for instance, where the program has made it.
	driver, _, _ := strings.Cut(strings.TrimPrefix(backend, "*"), ".")
	why := Rest(fmt.Sprint(err), "cachette", backend, driver, op, tried)
	return fmt.Sprintf("%s on %s: %s", tried, backend, why)
}
