package target

import (
	"net/url"
	"slices"
	"strings"
)

// QueryOf returns what of the query enters the key, and whether there is any.
func (s *Scheme) QueryOf(u *url.URL) (query string, ok bool) {
	switch query = s.Simpler(u.RawQuery); s.query {
	case WholeQuery:
		if strings.IndexByte(query, '#') >= 0 { // doubled, so that it is not taken for what begins a variant
			return strings.ReplaceAll(query, "#", "##"), true
		}
		return query, query != "" || u.ForceQuery
	case ListedOnly:
		query = s.listed(query)
		return query, query != ""
	}
	return "", false
}

// listed returns the listed parameters of a query. All of it counts where it cannot be read: a handler that asks for the error,
// as gin's ShouldBind does, then sees none of them.
func (s *Scheme) listed(query string) string {
	if query == "" {
		return ""
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return beyond + url.QueryEscape(query)
	}
	var b strings.Builder
	for _, name := range s.params {
		writeParam(&b, name, values[name])
		for _, entry := range mapEntries(values, name) {
			writeParam(&b, entry, values[entry])
		}
	}
	return b.String()
}

func writeParam(b *strings.Builder, name string, values []string) {
	for _, value := range values {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(value))
	}
}

// mapEntries returns the names of the parameters that gin's QueryMap takes for entries of a map of that name, in order:
// filter[color] of filter.
func mapEntries(values url.Values, name string) (entries []string) {
	for entry := range values {
		if rest, ok := strings.CutPrefix(entry, name); ok && strings.HasPrefix(rest, "[") {
			entries = append(entries, entry)
		}
	}
	slices.Sort(entries)
	return entries
}
