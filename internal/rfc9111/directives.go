package rfc9111

import (
	"net/http"
	"strings"
	"time"
)

// maxDelta is what a delta-seconds value too large to represent is read as (RFC 9111 §1.2.2).
const maxDelta = (1 << 31) * time.Second

// Delta is an optional delta-seconds argument of a directive.
type Delta struct {
	Set   bool          // the directive is there
	Valid bool          // its argument is a non-negative integer, and it is not there twice with different ones
	Value time.Duration // whole seconds, only if Valid
}

// add reads one more occurrence of a directive. Occurrences that disagree make the whole invalid, which for
// freshness means stale: the second of the two readings that RFC 9111 §4.2.1 offers.
func (d *Delta) add(arg string, malformed bool) {
	value, ok := parseDelta(arg)
	ok = ok && !malformed
	if d.Set && (!d.Valid || !ok || value != d.Value) {
		d.Valid, d.Value = false, 0
		return
	}
	if !ok {
		value = 0
	}
	d.Set, d.Valid, d.Value = true, ok, value
}

// parseDelta reads delta-seconds = 1*DIGIT (RFC 9111 §1.2.2); a value that overflows is read as 2^31.
func parseDelta(s string) (time.Duration, bool) {
	if s == "" {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		if n < 1<<32 {
			n = n*10 + int64(c-'0')
		}
	}
	return min(time.Duration(min(n, 1<<31))*time.Second, maxDelta), true
}

// ResponseDirectives is the cache control of a response (RFC 9111 §5.2.2, RFC 5861 §3 and §4).
type ResponseDirectives struct {
	NoStore         bool
	MustRevalidate  bool
	ProxyRevalidate bool
	MustUnderstand  bool
	Public          bool

	NoCache       bool     // unqualified: any use needs validation
	NoCacheFields []string // qualified: only these fields may not be used without it; canonical names
	Private       bool     // unqualified: not for a shared cache
	PrivateFields []string // qualified: only these fields may not be stored; canonical names

	MaxAge               Delta
	SMaxAge              Delta
	StaleWhileRevalidate Delta
	StaleIfError         Delta
}

// RequestDirectives is the cache control of a request (RFC 9111 §5.2.1, RFC 5861 §4).
type RequestDirectives struct {
	NoCache      bool
	NoStore      bool
	OnlyIfCached bool

	MaxAge       Delta
	MinFresh     Delta
	StaleIfError Delta
	MaxStale     Delta
	AnyStale     bool // max-stale without an argument
}

// ParseResponse reads a response's Cache-Control field lines.
func ParseResponse(lines []string) ResponseDirectives {
	var d ResponseDirectives
	for _, line := range lines {
		scan(line, d.add)
	}
	return d
}

func (d *ResponseDirectives) add(name, arg string, malformed bool) {
	switch name {
	case "no-store":
		d.NoStore = true
	case "must-revalidate":
		d.MustRevalidate = true
	case "proxy-revalidate":
		d.ProxyRevalidate = true
	// These two permit what is forbidden without them, and have no argument: with one, nobody knows what was meant.
	case "must-understand":
		d.MustUnderstand = d.MustUnderstand || arg == "" && !malformed
	case "public":
		d.Public = d.Public || arg == "" && !malformed
	case "no-cache":
		qualify(arg, malformed, &d.NoCache, &d.NoCacheFields)
	case "private":
		qualify(arg, malformed, &d.Private, &d.PrivateFields)
	case "max-age":
		d.MaxAge.add(arg, malformed)
	case "s-maxage":
		d.SMaxAge.add(arg, malformed)
	case "stale-while-revalidate":
		d.StaleWhileRevalidate.add(arg, malformed)
	case "stale-if-error":
		d.StaleIfError.add(arg, malformed)
	}
}

// qualify reads the argument of no-cache or private: a list of field names, or none, which means the whole response.
// A list that names nothing, or holds what is no name, is read as none, the stricter of the two.
func qualify(arg string, malformed bool, whole *bool, fields *[]string) {
	names, ok := fieldNames(arg)
	if malformed || !ok || len(names) == 0 {
		*whole = true
		return
	}
	*fields = append(*fields, names...)
}

// fieldNames reads a comma-separated list of field names into their canonical form. ok is false when there is
// something in it that is no field name.
func fieldNames(list string) (names []string, ok bool) {
	ok = true
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.Trim(name, " \t"); name != "" {
			names = append(names, http.CanonicalHeaderKey(name))
			ok = ok && strings.IndexFunc(name, notInToken) < 0
		}
	}
	return names, ok
}

// notInToken tells whether a character may not stand in a token (RFC 9110 §5.6.2).
func notInToken(r rune) bool {
	return r > 0x7e || !isLower(byte(r)) && !isUpper(byte(r)) && !isDigit(byte(r)) &&
		strings.IndexByte("!#$%&'*+-.^_`|~", byte(r)) < 0
}

// ParseRequest reads what a request's Cache-Control field asks of a cache or, where there is none, its Pragma
// field: "no-cache" there is read as it is in Cache-Control (RFC 9111 §5.4 deprecates it; old clients still send it).
// An argument that cannot be read is ignored with its directive.
func ParseRequest(h http.Header) RequestDirectives {
	var d RequestDirectives
	lines, ok := h["Cache-Control"]
	if !ok {
		for _, line := range h["Pragma"] {
			scan(line, func(name, _ string, _ bool) { d.NoCache = d.NoCache || name == "no-cache" })
		}
		return d
	}
	for _, line := range lines {
		scan(line, d.add)
	}
	return d
}

func (d *RequestDirectives) add(name, arg string, malformed bool) {
	value, ok := parseDelta(arg)
	ok = ok && !malformed
	// A directive given twice is read as the stricter of the two.
	atMost := func(into *Delta) {
		if ok && (!into.Set || value < into.Value) {
			*into = Delta{Set: true, Valid: true, Value: value}
		}
	}
	switch name {
	case "no-cache":
		d.NoCache = true
	case "no-store":
		d.NoStore = true
	case "only-if-cached":
		d.OnlyIfCached = true
	case "max-age":
		atMost(&d.MaxAge)
	case "stale-if-error":
		atMost(&d.StaleIfError)
	case "max-stale":
		atMost(&d.MaxStale)
		d.AnyStale = !d.MaxStale.Set && (d.AnyStale || arg == "" && !malformed)
	case "min-fresh":
		if ok && value >= d.MinFresh.Value {
			d.MinFresh = Delta{Set: true, Valid: true, Value: value}
		}
	}
}

// scan calls yield for each directive of a Cache-Control field line (RFC 9111 §5.2):
//
//	cache-directive = token [ "=" ( token / quoted-string ) ]
//
// name is in lower case and arg unquoted. malformed tells of white space around "=", an empty argument, an
// unterminated string or something behind one: the directive is there, but its argument cannot be trusted. An
// unterminated string ends at the next comma, so that it does not hide the directives behind it.
func scan(line string, yield func(name, arg string, malformed bool)) {
	for i := 0; i < len(line); {
		switch line[i] {
		case ' ', '\t', ',':
			i++
			continue
		}
		start := i
		for i < len(line) && line[i] != '=' && line[i] != ',' {
			i++
		}
		name := strings.TrimRight(line[start:i], " \t")
		malformed := i-start != len(name) && i < len(line) && line[i] == '='
		arg := ""
		if i < len(line) && line[i] == '=' {
			var bad bool
			arg, i, bad = scanArgument(line, i+1)
			malformed = malformed || bad
		}
		yield(strings.ToLower(name), arg, malformed)
	}
}

// scanArgument reads the argument that begins at line[i] and returns it with the index of the comma behind it.
func scanArgument(line string, i int) (arg string, next int, malformed bool) {
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i, malformed = i+1, true
	}
	if i < len(line) && line[i] == '"' {
		if arg, next, closed := unquote(line, i+1); closed {
			malformed = malformed || arg == ""
			for ; next < len(line) && line[next] != ','; next++ {
				malformed = malformed || (line[next] != ' ' && line[next] != '\t')
			}
			return arg, next, malformed
		}
		malformed = true
	}
	start := i
	for i < len(line) && line[i] != ',' {
		i++
	}
	arg = strings.TrimRight(line[start:i], " \t")
	return arg, i, malformed || arg == ""
}

// unquote reads the inside of a quoted-string that begins at line[i] (RFC 9110 §5.6.4) and returns it with the index
// behind its closing quote, and whether there was one.
func unquote(line string, i int) (value string, next int, closed bool) {
	start := i
	var b []byte // only once a backslash makes the value differ from the text
	for ; i < len(line); i++ {
		switch line[i] {
		case '"':
			if b == nil {
				return line[start:i], i + 1, true
			}
			return string(b), i + 1, true
		case '\\':
			if b == nil {
				b = append(make([]byte, 0, len(line)-start), line[start:i]...)
			}
			if i+1 < len(line) {
				i++
			}
		}
		if b != nil {
			b = append(b, line[i])
		}
	}
	return "", i, false
}
