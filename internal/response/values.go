package response

import (
	"slices"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// ValuesOf returns the values that fields give a name, in whatever spelling.
func ValuesOf(fields []Field, name string) (values []string) {
	for i := range fields {
		if f := &fields[i]; f.Change != Remove && len(f.Name) == len(name) && rfc9111.Canonical(f.Name) == name {
			values = append(values, f.Values...)
		}
	}
	return values
}

// AddValue returns fields with one more value of a name.
func AddValue(fields []Field, name, value string) []Field {
	if i := index(fields, name); i >= 0 && fields[i].Change != Remove {
		fields[i].Values = append(slices.Clip(fields[i].Values), value)
		return fields
	}
	return append(fields, Field{Name: name, Values: []string{value}, Change: Append})
}
