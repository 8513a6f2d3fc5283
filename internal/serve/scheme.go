package serve

import (
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
)

// Secure tells whether a request counts as one over TLS: by its connection, or by what a trusted proxy says.
func (s *Server) Secure(c *gin.Context) bool {
	if s.proxies != nil {
		if scheme := forwardedScheme(c.Request.Header); scheme != "" && s.proxies.trusts(c.Request.RemoteAddr) {
			return scheme == "https"
		}
	}
	return c.Request.TLS != nil
}

func schemeOf(tls bool) string {
	if tls {
		return "https"
	}
	return "http"
}

// disputed tells whether a trusted proxy names two schemes for a request: a proxy that sets one of the fields as a rule passes
// on what a client has made up in the other.
func (s *Server) disputed(r *http.Request) bool {
	if s.proxies == nil || len(r.Header["X-Forwarded-Proto"]) == 0 || len(r.Header["Forwarded"]) == 0 {
		return false
	}
	a, b := lastMember(r.Header["X-Forwarded-Proto"]), forwardedProto(r.Header["Forwarded"])
	return a != "" && b != "" && !strings.EqualFold(a, b) && s.proxies.trusts(r.RemoteAddr)
}

// forwardedScheme returns the scheme that the nearest proxy says a request came with, by X-Forwarded-Proto or Forwarded;
// empty where it says none that is known.
func forwardedScheme(h http.Header) string {
	scheme := ""
	if lines := h["X-Forwarded-Proto"]; len(lines) > 0 {
		scheme = lastMember(lines)
	} else if lines := h["Forwarded"]; len(lines) > 0 {
		scheme = forwardedProto(lines)
	}
	switch {
	case strings.EqualFold(scheme, "https"):
		return "https"
	case strings.EqualFold(scheme, "http"):
		return "http"
	}
	return ""
}

// forwardedProto returns what the nearest proxy says in Forwarded of the scheme (RFC 7239 §5.4).
func forwardedProto(lines []string) (proto string) {
	rest, pair := lines[len(lines)-1], ""
	for end := false; !end; {
		rest, pair, end = lastPair(rest)
		if name, value, _ := strings.Cut(pair, "="); strings.EqualFold(strings.Trim(name, " \t"), "proto") {
			return unquoted(strings.Trim(value, " \t"))
		}
	}
	return ""
}

// lastPair splits the last pair off a line of Forwarded, at a semicolon or a comma that is in no quotes (RFC 7239 §4), and tells
// whether it is the first one of its member. It reads from the end, which the nearest proxy wrote: a quote that a client left open
// before is no part of that.
func lastPair(line string) (rest, pair string, first bool) {
	quoted := false
	for i := len(line) - 1; i >= 0; i-- {
		switch c := line[i]; {
		case c == '"' && !escaped(line, i):
			quoted = !quoted
		case !quoted && (c == ';' || c == ','):
			return line[:i], line[i+1:], c == ','
		}
	}
	return "", line, true
}

// escaped tells whether an odd number of backslashes stands before a byte (RFC 9110 §5.6.4).
func escaped(line string, i int) bool {
	before := strings.TrimRight(line[:i], `\`)
	return (i-len(before))%2 == 1
}

// unquoted returns the value of a token or a quoted string (RFC 9110 §5.6.4).
func unquoted(value string) string {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return value
	}
	var b strings.Builder
	for i := 1; i < len(value)-1; i++ {
		if value[i] == '\\' && i < len(value)-2 {
			i++
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

// lastMember returns the last member of a list of tokens: what the nearest proxy has added.
func lastMember(lines []string) string {
	line := lines[len(lines)-1]
	return strings.Trim(line[strings.LastIndexByte(line, ',')+1:], " \t")
}

// maxPeers bounds how many peers are remembered to be proxies, or not.
const maxPeers = 1024

// proxies tells which peers are proxies that the engine trusts.
type proxies struct {
	engine *gin.Engine

	mu    sync.Mutex
	known map[string]bool // by address, without a port
}

// trusts tells whether the engine trusts the peer of a connection to speak for its clients (gin.Engine.SetTrustedProxies).
func (p *proxies) trusts(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	trusted, ok := p.known[host]
	if !ok {
		trusted = p.ask(remote)
		if p.known == nil || len(p.known) >= maxPeers {
			p.known = make(map[string]bool)
		}
		p.known[host] = trusted
	}
	return trusted
}

// ask has the engine tell the client's address of a request that the peer forwards. gin has no other way to ask.
func (p *proxies) ask(remote string) bool {
	if !p.engine.ForwardedByClientIP || len(p.engine.RemoteIPHeaders) == 0 {
		return false
	}
	const client = "203.0.113.254" // an address for documentation (RFC 5737), which no peer has, not even httptest's
	c := gin.CreateTestContextOnly(&discard{header: make(http.Header)}, p.engine)
	c.Request = &http.Request{RemoteAddr: remote, Header: http.Header{}}
	c.Request.Header.Set(p.engine.RemoteIPHeaders[0], client)
	return c.RemoteIP() != client && c.ClientIP() == client
}
