package rfc9111

import "strings"

// ParseGroups reads a Cache-Groups or Cache-Group-Invalidation field (RFC 9875 §2 and §3), a List of Strings of structured fields (RFC
// 9651 §3.1), in which each group stands once, in the order of the field. Case tells groups apart, and parameters say nothing. A field that does
// not parse, or has a member of another type, is ignored as a whole, as structured fields are (RFC 9651 §4.2): ok is false. It is true for
// no field at all.
func ParseGroups(lines []string) (groups []string, ok bool) {
	p := sfParser{s: strings.Join(lines, ",")}
	seen := make(map[string]bool)
	_, ok = p.members(func() bool {
		item, parsed := p.bareItem()
		if !parsed || !item.isString || !p.parameters() {
			return false
		}
		if !seen[item.text] {
			seen[item.text] = true
			groups = append(groups, item.text)
		}
		return true
	})
	if !ok {
		return nil, false
	}
	return groups, true
}
