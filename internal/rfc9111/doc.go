// Package rfc9111 says what HTTP caching says, as pure functions of header fields and times.
//
// It covers a shared cache by RFC 9111 (HTTP Caching), with what it takes from RFC 9110 (HTTP Semantics: dates,
// validators, ranges), RFC 5861 (stale-while-revalidate, stale-if-error), RFC 9211 (Cache-Status) and RFC 9213 (targeted
// cache control). It does no input or output, reads no clock and knows no web framework: time is a parameter.
//
// The story, in the order a request meets it: [ParseRequest] reads what the client asks, [Metadata.Judge] decides
// whether a stored response may answer, [NotModified] and [Ranges] shape the answer; when the handler runs,
// [Storable] decides whether its response may be kept and for how long, and [Freshen] updates a stored response from a 304.
package rfc9111
