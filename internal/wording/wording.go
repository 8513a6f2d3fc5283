// Package wording has messages say nothing twice. Each error has to make sense by itself, and so begins with the package that
// it is of; where one is told inside another, that has been said.
package wording

import (
	"slices"
	"strings"
)

// separator stands between what a message says first and what explains it.
const separator = ": "

// Rest returns what is left of a message after words that have been said: without those of its own parts, each up to a colon,
// that are among them. What stands in quotes, and all that follows, is left as it is: it is the message of somebody else. Each
// line is a message of its own, as those of joined errors are.
func Rest(message string, said ...string) string {
	lines := strings.Split(message, "\n")
	for i, line := range lines {
		lines[i] = rest(line, said)
	}
	return strings.Join(lines, "\n")
}

func rest(line string, said []string) string {
	var kept []string
	for {
		repeated := slices.IndexFunc(said, func(part string) bool { return strings.HasPrefix(line, part+separator) })
		if repeated >= 0 {
			line = line[len(said[repeated])+len(separator):]
			continue
		}
		part, after, found := strings.Cut(line, separator)
		if !found || strings.ContainsAny(part, "\"'`") {
			return strings.Join(append(kept, line), separator)
		}
		kept, line = append(kept, part), after
	}
}

// Behind returns err as it reads after words that have been said. It is err all the same, for errors.Is and errors.As.
func Behind(err error, said ...string) error {
	text := err.Error()
	rest := Rest(text, said...)
	if rest == text {
		return err
	}
	return &behind{err, rest}
}

type behind struct {
	err  error
	text string
}

func (b *behind) Error() string { return b.text }
func (b *behind) Unwrap() error { return b.err }
