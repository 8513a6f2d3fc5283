package suite

import (
	"fmt"
	"maps"
	"slices"
)

// Record is what the repository says of the outcome.
type Record struct {
	// Verdicts are those of an earlier run. Where there are none, any verdict will do.
	Verdicts map[string]Verdict

	// Reasons say, by id, why a required or optimal test does not pass. Each such test needs one and no other test
	// may have one, but for those of Surrogate-Control, which need none.
	Reasons map[string]string
}

// Difference is a test whose verdict is not what the record says.
type Difference struct {
	ID   string
	Text string // what is wrong, for a person
}

// Differences returns where verdicts and the record part ways, in the order of the suite.
func (r Record) Differences(definitions Definitions, verdicts map[string]Verdict) (differences []Difference) {
	known := make(map[string]bool)
	compare := func(test Test, needsReason bool) {
		known[test.ID] = true
		verdict := verdicts[test.ID]
		text := ""
		if was, recorded := r.Verdicts[test.ID]; len(r.Verdicts) > 0 && (!recorded || was != verdict) {
			text += fmt.Sprintf(", but %q is recorded", was)
		}
		missed := needsReason && test.Kind != Check && verdict != Pass
		if _, explained := r.Reasons[test.ID]; missed && !explained {
			text += ", and nobody said why"
		} else if !missed && explained {
			text += ", and there is a reason why it would not pass"
		}
		if text != "" {
			differences = append(differences, Difference{test.ID, fmt.Sprintf("%s, %s: %s%s", test.ID, test.Kind, verdict, text)})
		}
	}
	for _, test := range definitions.Tests {
		compare(test, true)
	}
	for _, test := range definitions.Surrogate {
		compare(test, false)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Reasons)) {
		if !known[id] {
			differences = append(differences, Difference{id, id + ": there is a reason for a test that the suite does not have"})
		}
	}
	return differences
}

// Unexplained returns the required and optimal tests of another version of the suite than the recorded one that do not
// pass and have no reason, in the order of the suite.
func (r Record) Unexplained(definitions Definitions, verdicts map[string]Verdict) (differences []Difference) {
	for _, test := range Misses(definitions.Tests, verdicts) {
		if _, explained := r.Reasons[test.ID]; !explained {
			text := fmt.Sprintf("%s, %s: %s, and nobody said why", test.ID, test.Kind, verdicts[test.ID])
			differences = append(differences, Difference{test.ID, text})
		}
	}
	return differences
}

// Shifts returns the tests that both another version of the suite and the record have, and that come out well in one of
// them only, in the order of the suite. Versions ask some questions as tests of another kind, so yes counts as pass here.
func (r Record) Shifts(definitions Definitions, verdicts map[string]Verdict) (differences []Difference) {
	well := func(v Verdict) bool { return v == Pass || v == Yes }
	for _, test := range definitions.All() {
		verdict := verdicts[test.ID]
		if was, recorded := r.Verdicts[test.ID]; recorded && well(was) != well(verdict) {
			text := fmt.Sprintf("%s, %s: %s; %q is recorded of the pinned suite", test.ID, test.Kind, verdict, was)
			differences = append(differences, Difference{test.ID, text})
		}
	}
	return differences
}
