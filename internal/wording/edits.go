package wording

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
