package rfc9111

import (
	"slices"
	"strings"
)

// RankedByWeight returns the members of an Accept-Language on one line, in an order that their weights alone decide, the
// preferred ones first: fields whose members differ in nothing but their order come to the same (RFC 9110 §12.5.4). ok is
// false for a field that is so already, and for one that stays as it is: what is no list of languages, or too long a one.
func RankedByWeight(lines []string) (line string, ok bool) {
	length := 0
	for _, line := range lines {
		length += len(line)
	}
	if length == 0 || length > maxListLength {
		return "", false
	}
	joined := strings.Join(lines, ", ")
	var room [8]language
	languages := room[:0]
	for member := range members(joined, false) {
		if member == "" {
			continue
		}
		l, ok := parseLanguage(member)
		if !ok || len(languages) == maxListMembers {
			return "", false
		}
		languages = append(languages, l)
	}
	byRank := func(a, b language) int {
		if a.weight != b.weight {
			return b.weight - a.weight
		}
		return strings.Compare(a.folded, b.folded)
	}
	if len(lines) == 1 && slices.IsSortedFunc(languages, byRank) {
		return "", false
	}
	slices.SortStableFunc(languages, byRank)
	var b strings.Builder
	for i, l := range languages {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(l.member)
	}
	return b.String(), true
}

// language is a member of Accept-Language.
type language struct {
	member string // as it came
	folded string
	weight int // in thousandths
}

// parseLanguage reads a language range and its weight (RFC 9110 §12.5.4).
func parseLanguage(member string) (l language, ok bool) {
	l = language{member: member, folded: fold(member), weight: 1000}
	name, weight, weighed := strings.Cut(member, ";")
	if !isLanguageRange(strings.TrimRight(name, " \t")) {
		return l, false
	}
	if weighed {
		l.weight, ok = parseWeight(strings.TrimLeft(weight, " \t"))
		return l, ok
	}
	return l, true
}

// isLanguageRange tells whether a text is a basic language range (RFC 4647 §2.1).
func isLanguageRange(text string) bool {
	if text == "*" {
		return true
	}
	first := true
	for subtag := range strings.SplitSeq(text, "-") {
		if len(subtag) == 0 || len(subtag) > 8 {
			return false
		}
		for i := range len(subtag) {
			if c := subtag[i]; !isLower(c) && !isUpper(c) && (first || !isDigit(c)) {
				return false
			}
		}
		first = false
	}
	return true
}

// parseWeight reads a weight in thousandths (RFC 9110 §12.4.2).
func parseWeight(text string) (thousandths int, ok bool) {
	if len(text) < 3 || len(text) > 7 || text[0] != 'q' && text[0] != 'Q' || text[1] != '=' {
		return 0, false
	}
	value := text[2:]
	if value[0] != '0' && value[0] != '1' || len(value) > 1 && value[1] != '.' {
		return 0, false
	}
	thousandths, unit := int(value[0]-'0')*1000, 100
	for i := 2; i < len(value); i++ {
		if !isDigit(value[i]) {
			return 0, false
		}
		thousandths += int(value[i]-'0') * unit
		unit /= 10
	}
	return thousandths, thousandths <= 1000
}
