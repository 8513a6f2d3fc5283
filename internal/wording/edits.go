package wording

import "strings"

// Nearest returns the one of known names that differs least from a name, by two characters and half of it at most, or nothing. Case and underscores make no
// difference: that is how people, and the names of clients, differ.
func Nearest(name string, known []string) string {
	plain := func(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
	best, least := "", min(2, len(plain(name))/2)+1
	for _, candidate := range known {
		if d := Edits(plain(name), plain(candidate)); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// Edits returns how many bytes have to be put in, taken out or replaced to make one name of another (Levenshtein).
func Edits(from, to string) int {
	row := make([]int, len(to)+1) // of from as far as it was looked at, to each beginning of to
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		before := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := before
			if from[i] != to[j] {
				replaced++
			}
			before = row[j+1]
			row[j+1] = min(replaced, before+1, row[j]+1)
		}
	}
	return row[len(to)]
}
