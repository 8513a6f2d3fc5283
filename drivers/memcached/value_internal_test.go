package memcached

import "testing"

// A line before a value is one only if it is the line of the name that was asked for.
func TestParseValueLine(t *testing.T) {
	for _, row := range []struct {
		line  string
		flags uint32
		size  int
		ok    bool
	}{
		{"VALUE name 0 0", 0, 0, true},
		{"VALUE name 4294967295 1048576", 4294967295, 1048576, true},
		{"VALUE other 0 0", 0, 0, false},
		{"VALUE names 0 0", 0, 0, false},
		{"VALUE name", 0, 0, false},
		{"VALUE name ", 0, 0, false},
		{"VALUE name 0", 0, 0, false},
		{"VALUE name 0 ", 0, 0, false},
		{"VALUE name 0 -1", 0, 0, false},
		{"VALUE name -1 0", 0, 0, false},
		{"VALUE name 4294967296 0", 0, 0, false},
		{"VALUE name 0 2147483648", 0, 0, false},
		{"VALUE name 0 0 7", 0, 0, false}, // with a CAS, which was not asked for
		{"value name 0 0", 0, 0, false},
		{"SERVER_ERROR out of memory", 0, 0, false},
		{"", 0, 0, false},
	} {
		name, flags, size, ok := parseValueLine([]byte(row.line))
		ok = ok && string(name) == "name"
		if ok != row.ok || ok && (flags != row.flags || size != row.size) {
			t.Errorf("%q: %d, %d, %t, want %d, %d, %t", row.line, flags, size, ok, row.flags, row.size, row.ok)
		}
	}
}
