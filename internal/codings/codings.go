// Package codings has the content codings that are linked into a program.
package codings

import "sync/atomic"

// Path is that of the package that links some.
const Path = "github.com/gin-cachette/cachette/compress"

// Coding is a content coding (RFC 9110 §8.4.1).
type Coding struct {
	Name   string                            // as Content-Encoding and Accept-Encoding have it
	Encode func(body []byte) ([]byte, error) // codes a body, of which it changes nothing and keeps nothing
}

// Set is codings, the one that is preferred first, and their names in the same order.
type Set struct {
	All   []Coding
	Names []string
}

var linked atomic.Pointer[Set]

// Link makes codings available, the one that is preferred first. It is called from an init function.
func Link(codings ...Coding) {
	set := &Set{All: codings}
	for _, coding := range codings {
		set.Names = append(set.Names, coding.Name)
	}
	linked.Store(set)
}

// Linked returns the codings that are linked into this program; nil for none.
func Linked() *Set { return linked.Load() }
