package rfc9111

// Invalidation names the answers to an unsafe request by which what is stored for its URI is invalidated (RFC 9111 §4.4).
type Invalidation string

const (
	OnNone     Invalidation = "none"
	OnSuccess  Invalidation = "success"   // 2xx
	OnNonError Invalidation = "non-error" // 2xx and 3xx, as the RFC has it
	OnAny      Invalidation = "any"       // errors as well, and where a handler panics
)

// Has tells whether an answer with a status is one of those.
func (on Invalidation) Has(status int) bool {
	switch on {
	case OnSuccess:
		return status >= 200 && status < 300
	case OnNonError:
		return IsSuccess(status)
	}
	return on == OnAny
}
