package target

import (
	"net/url"
	"slices"
	"strings"
)

// names are names of parameters. One that ends in "*" stands for all that begin so; each stands also for the map that gin's QueryMap reads:
// filter for filter[color].
type names struct {
	whole    map[string]bool
	prefixes []string
}

func namesOf(list []string) (n names) {
	for _, name := range list {
		if prefix, ok := strings.CutSuffix(name, "*"); ok {
			n.prefixes = append(n.prefixes, prefix)
			continue
		}
		if n.whole == nil {
			n.whole = make(map[string]bool)
		}
		n.whole[name] = true
	}
	return n
}

func (n *names) empty() bool { return len(n.whole)+len(n.prefixes) == 0 }

func (n *names) have(name string) bool {
	if n.whole[name] {
		return true
	}
	if i := strings.IndexByte(name, '['); i >= 0 && n.whole[name[:i]] {
		return true
	}
	return slices.ContainsFunc(n.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// param is a parameter of a query, as it stands there.
type param struct{ name, text string }

// Simpler returns a query as it counts, and as handlers are to see it: without the parameters that are ignored, and sorted by name where the
// route wants that. What is left keeps its spelling, and the values of one name their order. A query that cannot be read counts whole: a
// handler that asks for the error sees it.
func (s *Scheme) Simpler(query string) string {
	if s.ignored.empty() && !s.sorted || query == "" || !readable(query) {
		return query
	}
	var room [16]param
	params, length := room[:0], 0
	for text := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(text, "=")
		if strings.ContainsAny(name, "%+") {
			name, _ = url.QueryUnescape(name) // it is readable
		}
		if text != "" && !s.ignored.have(name) {
			params = append(params, param{name, text})
			length += len(text) + 1
		}
	}
	byName := func(a, b param) int { return strings.Compare(a.name, b.name) }
	unsorted := s.sorted && !slices.IsSortedFunc(params, byName)
	if length-1 == len(query) && !unsorted { // as a rule, and each hit comes here
		return query
	}
	if unsorted {
		slices.SortStableFunc(params, byName)
	}
	var b strings.Builder
	b.Grow(length)
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.text)
	}
	return b.String()
}

// SimplerLine returns the target of a request line (RFC 9112 §3.2) with its query as it counts.
func (s *Scheme) SimplerLine(line string) string {
	path, query, _ := strings.Cut(line, "?")
	simpler := s.Simpler(query)
	switch {
	case simpler == query:
		return line
	case simpler == "":
		return path
	}
	return path + "?" + simpler
}

// mostParams are so many as net/url takes at most, as long as GODEBUG does not say otherwise. To sort more takes far longer than to read them.
const mostParams = 10_000

// readable tells whether url.ParseQuery reads a query without an error.
func readable(query string) bool {
	if strings.Count(query, "&") >= mostParams {
		return false
	}
	for i := 0; i < len(query); i++ {
		switch query[i] {
		case ';':
			return false
		case '%':
			if i+2 >= len(query) || !isHex(query[i+1]) || !isHex(query[i+2]) {
				return false
			}
			i += 2
		}
	}
	return true
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }
