// Package behaviour holds tests that see cachette as a client does: engines with a cache, driven over HTTP.
package behaviour
