package options

import (
	"slices"
	"time"

	"github.com/gin-cachette/cachette/internal/values"
)

// Value says something of how a value is to be kept.
type Value = func(*values.Use)

// ValueTags is WithTags for a value. Bad tags keep it from being kept: they are often made of a request's.
func ValueTags(tags ...string) Value {
	return func(u *values.Use) {
		if len(u.Tags) == 0 { // as a rule, and each hit comes here
			u.Tags = tags
		} else {
			u.Tags = slices.Concat(u.Tags, tags)
		}
	}
}

// ValueStaleWhileRevalidate is WithStaleWhileRevalidate for a value.
func ValueStaleWhileRevalidate(window time.Duration) Value {
	return func(u *values.Use) { u.StaleWhileRevalidate = window }
}

// ValueStaleIfError is WithStaleIfError for a value.
func ValueStaleIfError(window time.Duration) Value {
	return func(u *values.Use) { u.StaleIfError = window }
}

// ValuePatience is WithPatience for a value.
func ValuePatience(wait time.Duration) Value { return func(u *values.Use) { u.Patience = wait } }

// ValueJitter is WithJitter for a value.
func ValueJitter(part float64) Value {
	mustJitter(part)
	return func(u *values.Use) { u.Jitter = part }
}

// ValueEarlyRefresh is WithEarlyRefresh for a value.
func ValueEarlyRefresh(beta float64) Value {
	mustBeta(beta)
	return func(u *values.Use) { u.EarlyRefresh = beta }
}

// ValueLease is WithLease for a value.
func ValueLease(most time.Duration) Value {
	mustLease(most)
	return func(u *values.Use) { u.Lease = &most }
}

// NotFoundTTL is WithNotFoundTTL.
func NotFoundTTL(ttl time.Duration) Value {
	mustLast("WithNotFoundTTL: the ttl", ttl)
	return func(u *values.Use) { u.NotFound = ttl }
}

// LoadTimeout is WithLoadTimeout.
func LoadTimeout(timeout time.Duration) Value {
	mustLast("WithLoadTimeout: the timeout", timeout)
	return func(u *values.Use) { u.Timeout = timeout }
}

// WithoutDependencies is cachette's.
func WithoutDependencies() Value { return func(u *values.Use) { u.Independent = true } }

// LentLifetime is WithLentLifetime.
func LentLifetime() Value { return func(u *values.Use) { u.Lifetime = true } }
