package address

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/internal/wording"
)

// Unknown says of an option of a URL that it is none of known, and which of them may have been meant. A name that may hold a part of a
// password is not shown.
func Unknown(name string, known []string) string {
	const longest = 48
	shown := fmt.Sprintf("option %q", name)
	letters := func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' }
	if name == "" || len(name) > longest || strings.ContainsFunc(name, letters) {
		shown = "option of a name that is not shown, for it may hold a password"
	}
	if near := wording.Nearest(name, known); near != "" {
		return fmt.Sprintf("it has no %s: did you mean %s?", shown, near)
	}
	return fmt.Sprintf("it has no %s: give any of %s", shown, strings.Join(slices.Sorted(slices.Values(known)), ", "))
}
