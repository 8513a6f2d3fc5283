package target

import "strings"

// Kind is what is stored under a key.
type Kind int

// What there is.
const (
	Plain      Kind = iota // a value of Put, or what another program has stored
	Page                   // a response, or a variant or a part of one
	Remembered             // a value of Remember
	Other                  // a mark, a log, a lease, …
)

// KindOf tells what is stored under a key that begins with prefix.
func KindOf(prefix, key string) Kind {
	rest, marked := behindMarker(strings.TrimPrefix(key, prefix))
	if !marked {
		return Plain
	}
	if strings.HasPrefix(rest, "{") { // see Tag
		_, rest, _ = strings.Cut(rest, "}")
	}
	switch {
	case strings.HasPrefix(rest, "vl"):
		return Other
	case strings.HasPrefix(rest, "v"):
		return Remembered
	case strings.HasPrefix(rest, "h"), strings.HasPrefix(rest, "s"):
		// A "#" of a query is doubled; one that is not begins what is said of the response.
		if before, lease := strings.CutSuffix(rest, "#l"); lease && (len(before)-len(strings.TrimRight(before, "#")))%2 == 0 {
			return Other
		}
		if strings.HasSuffix(rest, beyondSearch) && !strings.Contains(rest, "?") { // a query may end so
			return Other
		}
		return Page
	}
	return Other
}

// behindMarker returns what a key without its prefix has behind the marker. That of a value has none at its beginning, nor behind a colon: see escapeMarker.
func behindMarker(key string) (rest string, marked bool) {
	for at := 0; ; {
		i := strings.Index(key[at:], marker)
		if i < 0 {
			return "", false
		}
		if at += i; at == 0 || key[at-1] == ':' {
			return key[at+len(marker):], true
		}
		at += len(marker)
	}
}
