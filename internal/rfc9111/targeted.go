package rfc9111

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// TargetedFields is the target list of this cache (RFC 9213 §2.2): the fields that, when valid and not empty, replace
// Cache-Control and Expires, the first one first.
var TargetedFields = []string{"Cdn-Cache-Control"}

// ParseTargeted reads a targeted cache-control field (RFC 9213 §2.1), a Dictionary of structured fields (RFC 9651
// §3.2). ok is false when the field is empty or does not parse: it is then to be ignored as a whole.
func ParseTargeted(lines []string) (d ResponseDirectives, ok bool) {
	p := sfParser{s: strings.Join(lines, ",")}
	members, parsed := p.members(func() bool {
		key, ok := p.key()
		member := sfMember{isTrue: true}
		if ok && p.take('=') {
			member, ok = p.value()
		}
		if ok = ok && p.parameters(); ok {
			d.set(key, member)
		}
		return ok
	})
	if !parsed {
		return ResponseDirectives{}, false
	}
	return d, members > 0
}

// set takes one member of the dictionary; the last of several with one key wins (RFC 9651 §3.2). A directive that has no
// argument is the Boolean true (RFC 9213 §2.1). One of another type is there all the same if it forbids something, as it
// is in Cache-Control, and is not there if it permits something.
func (d *ResponseDirectives) set(key string, m sfMember) {
	delta := Delta{Set: true, Valid: m.isInteger && m.integer >= 0}
	if delta.Valid {
		delta.Value = min(time.Duration(min(m.integer, 1<<31))*time.Second, maxDelta)
	}
	switch key {
	case "no-store":
		d.NoStore = !m.isFalse
	case "must-revalidate":
		d.MustRevalidate = !m.isFalse
	case "proxy-revalidate":
		d.ProxyRevalidate = !m.isFalse
	case "must-understand":
		d.MustUnderstand = m.isTrue
	case "public":
		d.Public = m.isTrue
	case "no-cache":
		d.NoCache, d.NoCacheFields = m.qualify()
	case "private":
		d.Private, d.PrivateFields = m.qualify()
	case "max-age":
		d.MaxAge = delta
	case "s-maxage":
		d.SMaxAge = delta
	case "stale-while-revalidate":
		d.StaleWhileRevalidate = delta
	case "stale-if-error":
		d.StaleIfError = delta
	}
}

// sfMember is a member's value as far as cache directives need it: an integer, a boolean, or the text of a string or token.
type sfMember struct {
	isInteger bool
	integer   int64
	isTrue    bool
	isFalse   bool
	isString  bool
	text      string // of a String or a token
}

// qualify reads the value of no-cache or private: the fields that it names, or the whole response.
func (m *sfMember) qualify() (whole bool, fields []string) {
	if !m.isFalse {
		qualify(m.text, false, &whole, &fields)
	}
	return whole, fields
}

// sfParser parses what RFC 9651 §4.2 calls a Dictionary, and a List.
type sfParser struct {
	s string
	i int
}

func (p *sfParser) done() bool { return p.i >= len(p.s) }

func (p *sfParser) take(c byte) bool {
	if p.done() || p.s[p.i] != c {
		return false
	}
	p.i++
	return true
}

func (p *sfParser) spaces() {
	for p.take(' ') {
	}
}

func (p *sfParser) ows() {
	for p.take(' ') || p.take('\t') {
	}
}

// members parses the members of a Dictionary or a List to its end, one of which is what member parses, and returns how many there are (RFC
// 9651 §4.2.1 and §4.2.2).
func (p *sfParser) members(member func() bool) (n int, ok bool) {
	p.spaces()
	for !p.done() {
		if !member() {
			return n, false
		}
		n++
		p.ows()
		if p.done() {
			break
		}
		if !p.take(',') {
			return n, false
		}
		p.ows()
		if p.done() { // a trailing comma fails
			return n, false
		}
	}
	return n, true
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// run takes the longest run of bytes for which in holds.
func (p *sfParser) run(in func(c byte) bool) string {
	start := p.i
	for !p.done() && in(p.s[p.i]) {
		p.i++
	}
	return p.s[start:p.i]
}

// key parses a key (RFC 9651 §4.2.3.3).
func (p *sfParser) key() (string, bool) {
	if p.done() || (!isLower(p.s[p.i]) && p.s[p.i] != '*') {
		return "", false
	}
	return p.run(func(c byte) bool {
		return isLower(c) || isDigit(c) || strings.IndexByte("_-.*", c) >= 0
	}), true
}

// value parses an Item or an Inner List (RFC 9651 §4.2.1.1), without its parameters.
func (p *sfParser) value() (sfMember, bool) {
	if !p.take('(') {
		return p.bareItem()
	}
	for {
		p.spaces()
		if p.take(')') {
			return sfMember{}, true
		}
		if _, ok := p.bareItem(); !ok || !p.parameters() {
			return sfMember{}, false
		}
		if p.done() || (p.s[p.i] != ' ' && p.s[p.i] != ')') {
			return sfMember{}, false
		}
	}
}

// parameters parses and drops parameters (RFC 9651 §4.2.3.2): directives have none that mean anything (RFC 9213 §2.1).
func (p *sfParser) parameters() bool {
	for p.take(';') {
		p.spaces()
		if _, ok := p.key(); !ok {
			return false
		}
		if p.take('=') {
			if _, ok := p.bareItem(); !ok {
				return false
			}
		}
	}
	return true
}

// bareItem parses a bare item (RFC 9651 §4.2.3.1).
func (p *sfParser) bareItem() (sfMember, bool) {
	if p.done() {
		return sfMember{}, false
	}
	switch c := p.s[p.i]; {
	case c == '-' || isDigit(c):
		return p.number()
	case c == '"':
		return p.quoted()
	case c == '*' || isLower(c) || isUpper(c): // a token
		return sfMember{text: p.run(func(c byte) bool { return c == ':' || c == '/' || !notInToken(rune(c)) })}, true
	case c == ':': // a byte sequence
		p.i++
		p.run(func(c byte) bool {
			return isLower(c) || isUpper(c) || isDigit(c) || strings.IndexByte("+/=", c) >= 0
		})
		return sfMember{}, p.take(':')
	case c == '?': // a boolean
		p.i++
		if p.take('1') {
			return sfMember{isTrue: true}, true
		}
		return sfMember{isFalse: true}, p.take('0')
	case c == '@': // a date
		p.i++
		seconds, ok := p.number()
		return sfMember{}, ok && seconds.isInteger
	case strings.HasPrefix(p.s[p.i:], `%"`):
		p.i += len(`%"`)
		return sfMember{}, p.display()
	}
	return sfMember{}, false
}

// display parses a Display String behind its first quote (RFC 9651 §4.2.10). None of the fields that are read here has one that means anything.
func (p *sfParser) display() bool {
	var b []byte
	for ; !p.done(); p.i++ {
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			return utf8.Valid(b)
		case c == '%':
			if p.i+2 >= len(p.s) || isUpper(p.s[p.i+1]) || isUpper(p.s[p.i+2]) || hexDigit(p.s[p.i+1]) < 0 || hexDigit(p.s[p.i+2]) < 0 {
				return false
			}
			b = append(b, byte(hexDigit(p.s[p.i+1])<<4|hexDigit(p.s[p.i+2])))
			p.i += 2
		case c < 0x20 || c > 0x7e:
			return false
		default:
			b = append(b, c)
		}
	}
	return false
}

// number parses an Integer of at most 15 digits or a Decimal of at most 12 and 3 (RFC 9651 §4.2.4).
func (p *sfParser) number() (sfMember, bool) {
	negative := p.take('-')
	whole := p.run(isDigit)
	if whole == "" || len(whole) > 15 {
		return sfMember{}, false
	}
	if p.take('.') {
		fraction := p.run(isDigit)
		return sfMember{}, len(whole) <= 12 && len(fraction) >= 1 && len(fraction) <= 3
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if negative {
		n = -n
	}
	return sfMember{isInteger: true, integer: n}, err == nil
}

// quoted parses a String (RFC 9651 §4.2.5).
func (p *sfParser) quoted() (sfMember, bool) {
	var b strings.Builder
	for p.i++; !p.done(); p.i++ {
		switch c := p.s[p.i]; {
		case c == '"':
			p.i++
			return sfMember{isString: true, text: b.String()}, true
		case c == '\\':
			p.i++
			if p.done() || (p.s[p.i] != '"' && p.s[p.i] != '\\') {
				return sfMember{}, false
			}
			b.WriteByte(p.s[p.i])
		case c < 0x20 || c > 0x7e:
			return sfMember{}, false
		default:
			b.WriteByte(c)
		}
	}
	return sfMember{}, false
}
