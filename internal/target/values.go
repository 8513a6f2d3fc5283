package target

import (
	"fmt"
	"strings"

	"github.com/gin-cachette/cachette/internal/argument"
)

// Values says how the values are found that are loaded when they are missing. Their key is
//
//	prefix [beginning] "~r:" [tag] "v" ["l"] ["@" service] "/" rest
//
// where beginning is all of the name up to its last colon, so that what begins with a namespace's name and a colon has a key that does so, too,
// as the key of a plain value has; with an l it is that of the lease of its load. service is as for a response: releases of a program may have changed the type of a value.
type Values struct {
	Prefix  string
	Service string // whose tags values have: see [Service]; of all its versions
	Release string // whose values they are: of its version alone
	Tagged  bool   // the store has several servers: see [Tag]
}

// Name is that by which purges know a value.
func (v *Values) Name(name string) string { return v.Service + "/" + name }

// Lease returns the key of the lease of a load.
func (v *Values) Lease(name string) string { return string(v.appendKey(nil, "vl", name)) }

// AppendKey appends the key of a value.
func (v *Values) AppendKey(b []byte, name string) []byte { return v.appendKey(b, "v", name) }

func (v *Values) appendKey(b []byte, kind, name string) []byte {
	last := strings.LastIndexByte(name, ':') + 1
	b = append(b, v.Prefix...)
	if last > 0 {
		b = append(b, escapeMarker(name[:last])...)
	}
	b = append(b, marker...)
	if v.Tagged {
		b = append(b, Tag(Partition(v.Name(name)))...)
	}
	b = append(append(append(b, kind...), v.Release...), '/')
	return append(b, name[last:]...)
}

// The namespaces that a name can begin with: each is a mark that a hit reads, and all their names are as long as the name is by the number of them.
const (
	maxNamespaces     = 128
	maxNamespaceBytes = 64 << 10
)

// Target returns where a value is kept, and by what purges can name it: itself, and each namespace that its name begins with. Where these are too
// many the error says so, and the value cannot be kept.
func (v *Values) Target(name string) (t Target, err error) {
	t = Target{Key: string(v.AppendKey(nil, name)), Value: v.Name(name)}
	room := maxNamespaceBytes
	for i := range len(name) {
		if name[i] != ':' || i == 0 {
			continue
		}
		if room -= i; room < 0 || len(t.Namespaces) == maxNamespaces {
			return t, fmt.Errorf("%w: the key %.64q… has too many colons, each of which ends a namespace that it is in: there can be %d, of %d bytes together; "+
				"write what comes from outside in another way, or as a hash", argument.Err, name, maxNamespaces, maxNamespaceBytes)
		}
		t.Namespaces = append(t.Namespaces, name[:i])
	}
	return t, nil
}
