package suite

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Published is what the suite's repository has of a cache that was tested by others.
type Published struct {
	Name, Version string
	Type          string // browser, rev-proxy or cdn
	Results       map[string]Result
}

// browser is the type of the caches that are none that several users share.
const browser = "browser"

// Scores renders a table of what shared caches pass, judged as ours is, those that pass most required tests first.
func Scores(definitions Definitions, caches []Published) string {
	type row struct {
		cache             Published
		required, optimal Score
	}
	var rows []row
	for _, cache := range caches {
		if cache.Type == browser {
			continue
		}
		verdicts := Judge(definitions.Tests, cache.Results)
		rows = append(rows, row{cache, ScoreOf(Required, definitions.Tests, verdicts), ScoreOf(Optimal, definitions.Tests, verdicts)})
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.required.Counts[Pass], a.required.Counts[Pass]), cmp.Compare(b.optimal.Counts[Pass], a.optimal.Counts[Pass]))
	})
	var b strings.Builder
	b.WriteString("| cache | version | required | optimal | not run |\n| --- | --- | ---: | ---: | ---: |\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %d of %d | %d of %d | %d |\n", cell(r.cache.Name), cell(r.cache.Version),
			r.required.Counts[Pass], r.required.Total, r.optimal.Counts[Pass], r.optimal.Total, r.required.Counts[Untested]+r.optimal.Counts[Untested])
	}
	return b.String()
}
