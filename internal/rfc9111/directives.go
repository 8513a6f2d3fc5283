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
	AnyStale     bool // max-stale without an argument

	MaxAge       Delta
	MinFresh     Delta
	StaleIfError Delta
	MaxStale     Delta
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
	// These two permit what is forbidden without them, and have no argument: with one, it is not known what was meant.
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
// A list that names nothing or too much, or holds what is no name, is read as none, the stricter of the two.
func qualify(arg string, malformed bool, whole *bool, fields *[]string) {
	names := *fields
	for name, ok := range fieldNames(arg) {
		if malformed = malformed || !ok || len(names) == maxNames; malformed {
			break
		}
		names = append(names, Canonical(name))
	}
	if malformed || len(names) == len(*fields) {
		*whole = true
		return
	}
	*fields = names
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

// scan calls yield for each directive of a Cache-Control field line (RFC 9111 §5.2) that this cache knows:
//
//	cache-directive = token [ "=" ( token / quoted-string ) ]
//
// name is in lower case and arg unquoted. malformed tells of white space around "=", an empty argument, an unterminated
// string or something behind one: the directive is there, but its argument cannot be trusted. An unterminated string
// ends at the next comma, so that it does not hide the directives behind it.
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
		var arg argument
		if i < len(line) && line[i] == '=' {
			malformed := i-start != len(name)
			arg, i = scanArgument(line, i+1)
			arg.malformed = arg.malformed || malformed
		}
		if name := known(name); name != "" {
			yield(name, arg.value(), arg.malformed)
		}
	}
}

// directives are the names that this cache knows, of both requests and responses.
var directives = [...]string{
	"max-age", "max-stale", "min-fresh", "must-revalidate", "must-understand", "no-cache", "no-store", "no-transform", "only-if-cached",
	"private", "proxy-revalidate", "public", "s-maxage", "stale-if-error", "stale-while-revalidate",
}

// known returns the name of a directive in lower case, and nothing for one that this cache does not know.
func known(name string) string {
	for _, d := range directives {
		if len(d) == len(name) && strings.EqualFold(d, name) { // of one length, so that letters beyond ASCII differ
			return d
		}
	}
	return ""
}

// argument is what follows the name of a directive.
type argument struct {
	text      string // a token, or the inside of a quoted-string
	escaped   bool   // text has quoted pairs (RFC 9110 §5.6.4)
	malformed bool
}

// value returns what the argument says.
func (a *argument) value() string {
	if !a.escaped {
		return a.text
	}
	b := make([]byte, 0, len(a.text))
	for i := 0; i < len(a.text); i++ {
		if a.text[i] == '\\' {
			i++
		}
		b = append(b, a.text[i])
	}
	return string(b)
}

// scanArgument reads the argument that begins at line[i] and returns it with the index of the comma behind it.
func scanArgument(line string, i int) (arg argument, next int) {
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i, arg.malformed = i+1, true
	}
	if i < len(line) && line[i] == '"' {
		if end, escaped := closingQuote(line, i+1); end < len(line) {
			arg.text, arg.escaped = line[i+1:end], escaped
			arg.malformed = arg.malformed || arg.text == ""
			for next = end + 1; next < len(line) && line[next] != ','; next++ {
				arg.malformed = arg.malformed || line[next] != ' ' && line[next] != '\t'
			}
			return arg, next
		}
		arg.malformed = true
	}
	start := i
	for i < len(line) && line[i] != ',' {
		i++
	}
	arg.text = strings.TrimRight(line[start:i], " \t")
	arg.malformed = arg.malformed || arg.text == ""
	return arg, i
}

// closingQuote returns where the quoted-string ends whose inside begins at line[i], or the length of line where it does
// not end, and whether there are quoted pairs in it (RFC 9110 §5.6.4).
func closingQuote(line string, i int) (end int, escaped bool) {
	for ; i < len(line) && line[i] != '"'; i++ {
		if line[i] == '\\' {
			escaped = true
			i++
		}
	}
	return min(i, len(line)), escaped
}
