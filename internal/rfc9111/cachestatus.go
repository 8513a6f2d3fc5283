package rfc9111

import (
	"strconv"
	"strings"
	"time"
)

// CacheName is how this cache calls itself in Cache-Status (RFC 9211 §2).
const CacheName = "cachette"

// Forward is why a request went to its handler (RFC 9211 §2.2).
type Forward string

// The reasons to forward a request.
const (
	ForwardBypass   Forward = "bypass"    // the cache was configured, or told, not to handle it
	ForwardMethod   Forward = "method"    // the method's semantics require it
	ForwardURIMiss  Forward = "uri-miss"  // nothing is stored for the URI
	ForwardVaryMiss Forward = "vary-miss" // something is stored for the URI, but Vary selects none of it
	ForwardRequest  Forward = "request"   // a fresh response is stored, but the request asks for more
	ForwardStale    Forward = "stale"     // what is stored is stale
	ForwardPartial  Forward = "partial"   // what is stored is only a part of what was asked for
)

// CacheStatus tells how a cache handled a request (RFC 9211).
type CacheStatus struct {
	Hit       bool
	Forward   Forward       // not with Hit
	Status    int           // fwd-status: what the handler answered, where the client gets another status
	TTL       time.Duration // with HasTTL: how long the response stays fresh; negative when stale
	HasTTL    bool
	Stored    bool
	Collapsed bool
	Key       string // shown only where a route asks for it
	Detail    string // a token
}

// String returns the field's value, one List member (RFC 9211 §2).
func (s *CacheStatus) String() string {
	b := make([]byte, 0, 64)
	b = append(b, CacheName...)
	if s.Hit {
		b = append(b, "; hit"...)
	}
	if s.Forward != "" {
		b = append(append(b, "; fwd="...), s.Forward...)
	}
	if s.Status != 0 {
		b = strconv.AppendInt(append(b, "; fwd-status="...), int64(s.Status), 10)
	}
	if s.HasTTL {
		b = strconv.AppendInt(append(b, "; ttl="...), floorSeconds(s.TTL), 10)
	}
	if s.Stored {
		b = append(b, "; stored"...)
	}
	if s.Collapsed {
		b = append(b, "; collapsed"...)
	}
	if s.Key != "" {
		b = append(append(b, "; key="...), quoteString(s.Key)...)
	}
	if s.Detail != "" {
		b = append(append(b, "; detail="...), s.Detail...)
	}
	return string(b)
}

// floorSeconds rounds down, so that a response stale by half a second has a ttl of -1 and not of 0.
func floorSeconds(d time.Duration) int64 {
	seconds := int64(d / time.Second)
	if d < 0 && d%time.Second != 0 {
		seconds--
	}
	return seconds
}

// quoteString writes a String of structured fields (RFC 8941 §4.1.6), which is ASCII: any other byte is percent-encoded.
func quoteString(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20 || c > 0x7e:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
