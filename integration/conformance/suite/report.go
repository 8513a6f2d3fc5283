package suite

import (
	"fmt"
	"strings"
)

// Score counts the verdicts on the tests of one kind.
type Score struct {
	Kind   Kind
	Total  int
	Counts map[Verdict]int
}

// ScoreOf counts the verdicts on those of tests that are of one kind.
func ScoreOf(kind Kind, tests []Test, verdicts map[string]Verdict) Score {
	score := Score{Kind: kind, Counts: make(map[Verdict]int)}
	for _, test := range tests {
		if test.Kind == kind {
			score.Total++
			score.Counts[verdicts[test.ID]]++
		}
	}
	return score
}

// String says how many tests passed, or answered yes or no, and what became of the others.
func (s Score) String() string {
	var b strings.Builder
	if s.Kind == Check {
		yes, no := s.Counts[Yes], s.Counts[No]
		fmt.Fprintf(&b, "%d of %d answered, %d yes, %d no", yes+no, s.Total, yes, no)
	} else {
		fmt.Fprintf(&b, "%d of %d passed, %d failed", s.Counts[Pass], s.Total, s.Counts[Fail]+s.Counts[OptionalFail])
	}
	for _, rest := range []struct {
		verdict Verdict
		name    string
	}{
		{SetupFail, "set-up failed"}, {DependencyFail, "dependency failed"}, {HarnessFail, "harness failed"},
		{Retry, "retried"}, {Untested, "not run"},
	} {
		if n := s.Counts[rest.verdict]; n > 0 || rest.verdict == SetupFail || rest.verdict == DependencyFail {
			fmt.Fprintf(&b, ", %d %s", n, rest.name)
		}
	}
	return b.String()
}

// Summary gives the scores, a line for each kind, with those of Surrogate-Control apart where the suite has them.
func Summary(definitions Definitions, verdicts map[string]Verdict) string {
	var b strings.Builder
	for _, kind := range []Kind{Required, Optimal, Check} {
		fmt.Fprintf(&b, "%s: %s\n", kind, ScoreOf(kind, definitions.Tests, verdicts))
	}
	for _, kind := range []Kind{Required, Optimal, Check} {
		if len(definitions.Surrogate) == 0 {
			break
		}
		fmt.Fprintf(&b, "surrogate-control, %s: %s\n", kind, ScoreOf(kind, definitions.Surrogate, verdicts))
	}
	return b.String()
}

// Misses returns the required and optimal tests among tests that did not pass, in their order.
func Misses(tests []Test, verdicts map[string]Verdict) (misses []Test) {
	for _, test := range tests {
		if test.Kind != Check && verdicts[test.ID] != Pass {
			misses = append(misses, test)
		}
	}
	return misses
}

const intro = `# HTTP cache conformance

What the [public test suite for HTTP caches](https://cache-tests.fyi), http-cache-tests %s, finds when it asks a
gin engine that forwards everything to the suite's server through
` + "`cachette.Cached(0, cachette.WithHeuristicFreshness(), cachette.WithSetCookie(), cachette.WithStaleIfError(time.Hour), cachette.WithUnrankedLanguages())`" + `.
The suite tests shared caches in general, so it counts some optional behaviour, which those options switch on. A server that
closes its connection is a 502 here.

` + "`make conformance`" + ` runs it, and fails where the outcome is not the one recorded here. ` + "`make conformance WRITE=1`" + `
writes this page; it is not edited by hand. A reason for each miss stands in ` + "`reasons.json`" + `.

## Score

`

// Markdown renders the page that tells the outcome. It depends on nothing but its arguments.
func Markdown(definitions Definitions, verdicts map[string]Verdict, reasons map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, intro, definitions.Version)
	b.WriteString("| tests | passed | of | failed | set-up failed | dependency failed |\n")
	b.WriteString("| --- | ---: | ---: | ---: | ---: | ---: |\n")
	row := func(name string, kind Kind, tests []Test) {
		score := ScoreOf(kind, tests, verdicts)
		count := score.Counts
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d |\n", name, count[Pass], score.Total,
			count[Fail]+count[OptionalFail], count[SetupFail], count[DependencyFail])
	}
	row("required", Required, definitions.Tests)
	row("optimal", Optimal, definitions.Tests)
	row("Surrogate-Control, required", Required, definitions.Surrogate)
	row("Surrogate-Control, optimal", Optimal, definitions.Surrogate)
	b.WriteString("\nThe tests of `Surrogate-Control` ask for a field that the suite itself keeps apart from the others. It is " +
		"not\nsupported: its successor is `CDN-Cache-Control` (RFC 9213).\n")

	b.WriteString("\n## Tests that do not pass\n\n")
	b.WriteString("| tests | kind | verdict | why |\n| --- | --- | --- | --- |\n")
	misses := Misses(definitions.Tests, verdicts)
	for len(misses) > 0 {
		// One row for all that have their reason in common.
		first, alike := misses[0], 1
		same := func(test Test) bool {
			return test.Kind == first.Kind && verdicts[test.ID] == verdicts[first.ID] && reasons[test.ID] == reasons[first.ID]
		}
		ids := "`" + first.ID + "`"
		for alike < len(misses) && same(misses[alike]) {
			ids += ", `" + misses[alike].ID + "`"
			alike++
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", ids, first.Kind, phrase(verdicts[first.ID]), cell(reasons[first.ID]))
		misses = misses[alike:]
	}

	b.WriteString("\n## Behaviours\n\nThese have no right answer: the suite only asks what a cache does.\n\n")
	b.WriteString("| question | test | answer |\n| --- | --- | --- |\n")
	for _, test := range definitions.Tests {
		if test.Kind == Check {
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", cell(test.Name), test.ID, phrase(verdicts[test.ID]))
		}
	}
	return b.String()
}

func phrase(v Verdict) string {
	switch v {
	case OptionalFail:
		return "fail"
	case SetupFail:
		return "set-up failed"
	case DependencyFail:
		return "dependency failed"
	case HarnessFail:
		return "harness failed"
	}
	return string(v)
}

// cell makes text fit a cell of a Markdown table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
