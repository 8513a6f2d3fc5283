// Package suite reads what the public HTTP cache test suite defines and reports, and judges it as the suite's own
// pages do.
package suite

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Kind says what a test's answer means.
type Kind string

// The kinds of tests. A test that names none is required.
const (
	Required Kind = "required" // a failure breaks the specification
	Optimal  Kind = "optimal"  // a failure is a missed chance to use the cache
	Check    Kind = "check"    // the answer is neither good nor bad
)

// Test is one test of the suite.
type Test struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"` // in Markdown
	Kind      Kind     `json:"kind"`
	DependsOn []string `json:"depends_on"`
}

// Definitions is what node/definitions.mjs prints, with the suite's groups of tests joined.
type Definitions struct {
	Version   string // of the suite
	Tests     []Test // the suite proper, in its order
	Surrogate []Test // the tests of the Surrogate-Control field, which the suite adds to its own
}

// UnmarshalJSON reads the suite's groups and fills in what they leave out.
func (d *Definitions) UnmarshalJSON(data []byte) error {
	type group struct{ Tests []Test }
	var groups struct {
		Version           string
		Suites, Surrogate []group
	}
	if err := json.Unmarshal(data, &groups); err != nil {
		return err
	}
	join := func(groups []group) (tests []Test) {
		for _, g := range groups {
			tests = append(tests, g.Tests...)
		}
		for i := range tests {
			if tests[i].Kind == "" {
				tests[i].Kind = Required
			}
		}
		return tests
	}
	d.Version, d.Tests, d.Surrogate = groups.Version, join(groups.Suites), join(groups.Surrogate)
	if len(d.Tests) == 0 {
		return fmt.Errorf("the suite defines no tests")
	}
	return nil
}

// All returns every test, those of Surrogate-Control last.
func (d Definitions) All() []Test { return slices.Concat(d.Tests, d.Surrogate) }

// Result is what the suite says of one test. It is true in its JSON where the test succeeded, and the kind of error
// and a message where it did not.
type Result struct {
	Succeeded bool
	Error     string // "Setup", "Assertion", or the name of a JavaScript error
	Message   string
}

// UnmarshalJSON reads true, false or a pair of strings.
func (r *Result) UnmarshalJSON(data []byte) error {
	*r = Result{}
	if json.Unmarshal(data, &r.Succeeded) == nil {
		return nil
	}
	var pair []string
	if err := json.Unmarshal(data, &pair); err != nil || len(pair) == 0 {
		return fmt.Errorf("a result is neither a boolean nor a list of strings: %s", data)
	}
	r.Error = pair[0]
	if len(pair) > 1 {
		r.Message = pair[1]
	}
	return nil
}

// ParseSingle reads the result of a test from what the suite prints when it runs that test alone: its last line is a
// symbol for the verdict, and a message.
func ParseSingle(output string) (Result, error) {
	output = strings.TrimRight(output, "\n ") + " "
	symbol, message, found := strings.Cut(output[strings.LastIndexByte(output, '\n')+1:], " - ")
	message = strings.TrimSpace(message)
	switch {
	case !found:
		return Result{}, fmt.Errorf("the suite printed no result:\n%s", output)
	case symbol == "✅" || symbol == "Y":
		return Result{Succeeded: true}, nil
	case symbol == "🔹" || symbol == "↻":
		return Result{Error: "Setup", Message: message}, nil
	default:
		return Result{Error: "Assertion", Message: message}, nil
	}
}

// Verdict is what a result means for a test of its kind.
type Verdict string

// The verdicts, by the suite's own names.
const (
	Pass           Verdict = "pass"
	Fail           Verdict = "fail"            // of a required test
	OptionalFail   Verdict = "optional_fail"   // of an optimal test
	Yes            Verdict = "yes"             // of a check
	No             Verdict = "no"              // of a check
	SetupFail      Verdict = "setup_fail"      // the test did not come to what it asks
	DependencyFail Verdict = "dependency_fail" // a test that it builds on did not pass
	HarnessFail    Verdict = "harness_fail"    // the suite itself failed
	Retry          Verdict = "retry"           // a request was sent twice
	Untested       Verdict = "untested"        // there is no result
)

// Judge gives a verdict on each test.
func Judge(tests []Test, results map[string]Result) map[string]Verdict {
	byID := make(map[string]Test, len(tests))
	for _, test := range tests {
		byID[test.ID] = test
	}
	verdicts := make(map[string]Verdict, len(tests))
	var judge func(id string) Verdict
	judge = func(id string) Verdict {
		if verdict, done := verdicts[id]; done {
			return verdict
		}
		verdicts[id] = DependencyFail // should tests ever depend on each other in a circle
		verdicts[id] = verdictOf(byID[id], results, judge)
		return verdicts[id]
	}
	for _, test := range tests {
		judge(test.ID)
	}
	return verdicts
}

// verdictOf decides in the order of determineTestResult in the suite's lib/display.mjs (lib/results.mjs in newer ones).
func verdictOf(test Test, results map[string]Result, judge func(id string) Verdict) Verdict {
	result, ran := results[test.ID]
	if !ran {
		return Untested
	}
	for _, id := range test.DependsOn {
		if verdict := judge(id); verdict != Pass && verdict != Yes {
			return DependencyFail
		}
	}
	switch {
	case result.Error == "Setup" && result.Message == "retry":
		return Retry
	case result.Error == "Setup":
		return SetupFail
	case !result.Succeeded && result.Error == "", result.Error == "AbortError": // the latter: no answer in time
		return HarnessFail
	case test.Kind == Check && result.Succeeded:
		return Yes
	case test.Kind == Check:
		return No
	case result.Succeeded:
		return Pass
	case test.Kind == Optimal:
		return OptionalFail
	default:
		return Fail
	}
}
