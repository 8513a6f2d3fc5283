package rfc9111

import (
	"net/http"
	"time"
)

// LifetimeFrom tells which field of a response gives it its freshness lifetime, by which directive and section, and what that comes to when it was
// received; an empty origin where no field does (RFC 9111 §4.2.1).
func LifetimeFrom(h http.Header, received time.Time) (origin string, lifetime time.Duration) {
	d, targeted := cacheControl(h)
	lifetime, declared := declaredLifetime(&Exchange{Header: h, ResponseTime: received}, &d, targeted)
	field := "Cache-Control"
	for _, name := range TargetedFields {
		if _, ok := h[name]; ok && targeted {
			field = name
			break
		}
	}
	switch {
	case !declared:
		return "", 0
	case d.SMaxAge.Set:
		return "s-maxage of " + field + " (RFC 9111 §5.2.2.10)", lifetime
	case d.MaxAge.Set:
		return "max-age of " + field + " (RFC 9111 §5.2.2.1)", lifetime
	}
	return "Expires (RFC 9111 §5.3)", lifetime
}
