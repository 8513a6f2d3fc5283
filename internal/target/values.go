package target

import "strings"

// Values says how the values are found that are loaded when they are missing. Their key is
//
//	prefix [beginning] "~r:" [tag] "v" ["@" service] "/" rest
//
// where beginning is all of the name up to its last colon, so that what begins with a namespace's name and a colon has a key that does so, too,
// as the key of a plain value has. service is as for a response: releases of a program may have changed the type of a value.
type Values struct {
	Prefix  string
	Service string // whose tags values have: see [Service]; of all its versions
	Release string // whose values they are: of its version alone
	Tagged  bool   // the store has several servers: see [Tag]
}

// Name is that by which purges know a value.
func (v *Values) Name(name string) string { return v.Service + "/" + name }

// AppendKey appends the key of a value.
func (v *Values) AppendKey(b []byte, name string) []byte {
	last := strings.LastIndexByte(name, ':') + 1
	b = append(b, v.Prefix...)
	if last > 0 {
		b = append(b, escapeMarker(name[:last])...)
	}
	b = append(b, marker...)
	if v.Tagged {
		b = append(b, Tag(Partition(v.Name(name)))...)
	}
	b = append(append(append(b, 'v'), v.Release...), '/')
	return append(b, name[last:]...)
}

// Target returns where a value is kept, and by what purges can name it: itself, and each namespace that its name begins with.
func (v *Values) Target(name string) Target {
	t := Target{Key: string(v.AppendKey(nil, name)), Value: v.Name(name)}
	for i := range len(name) {
		if name[i] == ':' && i > 0 {
			t.Namespaces = append(t.Namespaces, name[:i])
		}
	}
	return t
}
