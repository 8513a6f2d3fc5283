package rfc9111

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Search says in what the queries of URLs may differ that have the same response (No-Vary-Search, draft-ietf-httpbis-no-vary-search). The zero
// value is the default: in nothing.
type Search struct {
	Names    []string // decoded, sorted: of parameters that count for nothing, or, with Except, of those that count alone
	Except   bool
	AnyOrder bool // parameters of different names may come in any order
}

// Default tells whether queries may differ in nothing.
func (s *Search) Default() bool { return len(s.Names) == 0 && !s.Except && !s.AnyOrder }

// ParseSearch reads a No-Vary-Search field (draft-ietf-httpbis-no-vary-search §4). What does not parse, or has a known member of another type, says
// nothing: the default is returned for it, and ok is false.
func ParseSearch(lines []string) (s Search, ok bool) {
	p := sfParser{s: strings.Join(lines, ",")}
	var order sfMember
	lists := make(map[string]searchList)
	_, ok = p.members(func() bool {
		key, ok := p.key()
		if !ok {
			return false
		}
		member, list := sfMember{isTrue: true}, searchList{}
		if p.take('=') {
			if member, list, ok = p.searchValue(); !ok {
				return false
			}
		}
		switch key {
		case "key-order":
			order = member
		case "params", "except":
			lists[key] = list
		}
		return p.parameters()
	})
	params, hasParams := lists["params"]
	except, hasExcept := lists["except"]
	if !ok || order != (sfMember{}) && !order.isTrue && !order.isFalse || hasParams && hasExcept || hasParams && !params.valid || hasExcept && !except.valid {
		return Search{}, false
	}
	s = Search{Names: params.names, Except: hasExcept, AnyOrder: order.isTrue}
	if hasExcept {
		s.Names = except.names
	}
	slices.Sort(s.Names)
	s.Names = slices.Compact(s.Names)
	return s, true
}

// String returns it as a field value that has one form for all that mean the same (RFC 9651 §3.1, §3.2, §3.3.3). Names are escaped, so that
// any can be a String.
func (s *Search) String() string {
	var b []byte
	if s.AnyOrder {
		b = append(b, "key-order"...)
	}
	if len(s.Names) == 0 && !s.Except {
		return string(b)
	}
	if s.AnyOrder {
		b = append(b, ", "...)
	}
	if s.Except {
		b = append(b, "except=("...)
	} else {
		b = append(b, "params=("...)
	}
	for i, name := range s.Names {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(appendForm(append(b, '"'), name), '"')
	}
	return string(append(b, ')'))
}

// searchList is the value of params or except.
type searchList struct {
	names []string
	valid bool // it is an Inner List of Strings
}

// searchValue parses an Item, or an Inner List with what it has of Strings.
func (p *sfParser) searchValue() (item sfMember, list searchList, ok bool) {
	if !p.take('(') {
		item, ok = p.bareItem()
		return item, list, ok
	}
	list.valid = true
	for {
		p.spaces()
		if p.take(')') {
			return sfMember{text: "("}, list, true // of no type that key-order can have
		}
		item, ok := p.bareItem()
		if !ok || !p.parameters() || p.done() || p.s[p.i] != ' ' && p.s[p.i] != ')' {
			return sfMember{}, searchList{}, false
		}
		list.valid = list.valid && item.isString
		name, _ := formDecoded(item.text)
		list.names = append(list.names, name)
	}
}

// mostParams are so many that whoever needs more has another way, and fewer than net/url is made to take.
const mostParams = 100

// AppendForm appends to b the form that a query has in common with those of URLs that are equivalent (§5), and with no others. It is for one that is not
// the default.
//
// A query that net/url does not read as browsers do stands for itself alone, which §6 allows: a semicolon, an escape that is none, what is no UTF-8, and more
// parameters than it takes. Of such a query handlers do not see what others would be given: of q=a;b they see no q, and of q=a%3Bb they do.
func (s *Search) AppendForm(b []byte, query string) []byte {
	if strings.Count(query, "&") >= mostParams {
		return appendForm(append(b, '!'), query) // which no other form has
	}
	type pair struct{ name, value string }
	var room [8]pair
	pairs := room[:0]
	for text := range strings.SplitSeq(query, "&") {
		if text == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(text, "=")
		name, nameOK := formDecoded(rawName)
		value, valueOK := formDecoded(rawValue)
		if !nameOK || !valueOK || strings.IndexByte(text, ';') >= 0 {
			return appendForm(append(b, '!'), query)
		}
		if _, named := slices.BinarySearch(s.Names, name); named == s.Except {
			pairs = append(pairs, pair{name, value})
		}
	}
	if s.AnyOrder {
		slices.SortStableFunc(pairs, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	}
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = appendForm(append(appendForm(b, p.name), '='), p.value)
	}
	return b
}

// formDecoded decodes a name or a value as the parser of application/x-www-form-urlencoded does: an escape that is none stays as it is, and what
// is no UTF-8 becomes U+FFFD. ok is false where it has either.
func formDecoded(text string) (decoded string, ok bool) {
	if strings.IndexByte(text, '%') < 0 && strings.IndexByte(text, '+') < 0 && utf8.ValidString(text) {
		return text, true
	}
	ok = true
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(text) && hexDigit(text[i+1]) >= 0 && hexDigit(text[i+2]) >= 0:
			b = append(b, byte(hexDigit(text[i+1])<<4|hexDigit(text[i+2])))
			i += 2
		default:
			ok = ok && c != '%'
			b = append(b, c)
		}
	}
	if !utf8.Valid(b) {
		return string([]rune(string(b))), false
	}
	return string(b), ok
}

// hexDigit returns the value of a digit, or -1.
func hexDigit(c byte) int {
	if isUpper(c) {
		c += 'a' - 'A'
	}
	return strings.IndexByte("0123456789abcdef", c)
}

// appendForm escapes what parts of a form are told apart by, and nothing else that could be.
func appendForm(b []byte, text string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		if c := text[i]; isLower(c) || isUpper(c) || isDigit(c) || strings.IndexByte("-._~", c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}
