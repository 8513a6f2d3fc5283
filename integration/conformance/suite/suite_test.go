package suite_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/integration/conformance/suite"
)

const definitionsJSON = `{
	"version": "1.2.3",
	"suites": [
		{"id": "one", "tests": [
			{"id": "base", "name": "Does it? [yes](https://example.com) | no", "kind": "check"},
			{"id": "must", "name": "must", "depends_on": ["base"]},
			{"id": "should", "name": "should", "kind": "optimal", "depends_on": ["must"]}
		]},
		{"id": "two", "tests": [{"id": "alone", "name": "alone", "kind": "required"}]}
	],
	"surrogate": [{"id": "s", "tests": [{"id": "extra", "name": "extra", "kind": "optimal"}]}]
}`

func definitions(t *testing.T) suite.Definitions {
	t.Helper()
	var d suite.Definitions
	if err := json.Unmarshal([]byte(definitionsJSON), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// verdicts judges what the suite would print as results.
func verdicts(t *testing.T, results string) map[string]suite.Verdict {
	t.Helper()
	parsed := make(map[string]suite.Result)
	if err := json.Unmarshal([]byte(results), &parsed); err != nil {
		t.Fatal(err)
	}
	return suite.Judge(definitions(t).All(), parsed)
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name, results string
		want          map[string]suite.Verdict
	}{
		{"all well", `{"base": true, "must": true, "should": true, "alone": true, "extra": true}`,
			map[string]suite.Verdict{"base": "yes", "must": "pass", "should": "pass", "alone": "pass", "extra": "pass"}},
		{"all failed", `{"base": ["Assertion", "x"], "must": ["Assertion", "x"], "alone": ["FetchError", "x"], "extra": ["Assertion", "x"]}`,
			map[string]suite.Verdict{"base": "no", "must": "dependency_fail", "should": "untested", "alone": "fail", "extra": "optional_fail"}},
		{"a dependency's dependency", `{"base": ["Setup", "x"], "must": true, "should": true, "alone": ["Setup", "x"], "extra": ["Setup", "retry"]}`,
			map[string]suite.Verdict{"base": "setup_fail", "must": "dependency_fail", "should": "dependency_fail", "alone": "setup_fail", "extra": "retry"}},
		{"the suite failed", `{"base": true, "must": true, "should": ["Setup", ""], "alone": false, "extra": ["Assertion"]}`,
			map[string]suite.Verdict{"base": "yes", "must": "pass", "should": "setup_fail", "alone": "harness_fail", "extra": "optional_fail"}},
		{"no answer in time", `{"base": true, "must": true, "should": true, "alone": ["AbortError", "x"], "extra": true}`,
			map[string]suite.Verdict{"base": "yes", "must": "pass", "should": "pass", "alone": "harness_fail", "extra": "pass"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := verdicts(t, test.results); !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	for _, bad := range []string{`1`, `[]`, `["a", 1]`, `{}`} {
		if err := json.Unmarshal([]byte(bad), new(suite.Result)); err == nil {
			t.Errorf("%s was taken for a result", bad)
		}
	}
	if err := json.Unmarshal([]byte(`{"suites": []}`), new(suite.Definitions)); err == nil {
		t.Error("a suite without tests was taken for one")
	}
}

func TestParseSingle(t *testing.T) {
	for output, want := range map[string]suite.Result{
		"Running x\n=== - \n✅ - \n": {Succeeded: true},
		"Y - ":                      {Succeeded: true},
		"a\nN - Response 2 does not come from cache": {Error: "Assertion", Message: "Response 2 does not come from cache"},
		"a\n⛔️ - a - b\n":                            {Error: "Assertion", Message: "a - b"},
		"a\n🔹 - Response 1 status is 502, not 200":   {Error: "Setup", Message: "Response 1 status is 502, not 200"},
		"a\n↻ - retry\n\n":                           {Error: "Setup", Message: "retry"},
	} {
		if got, err := suite.ParseSingle(output); got != want || err != nil {
			t.Errorf("%q: got %+v, %v", output, got, err)
		}
	}
	for _, output := range []string{"", "Running x\n", "✅ - \nError: gone"} {
		if got, err := suite.ParseSingle(output); err == nil {
			t.Errorf("%q: got %+v", output, got)
		}
	}
}

func TestDifferences(t *testing.T) {
	const (
		good   = `{"base": true, "must": true, "should": true, "alone": true, "extra": ["Assertion", "x"]}`
		missed = `{"base": true, "must": ["Assertion", "x"], "should": true, "alone": true, "extra": ["Assertion", "x"]}`
	)
	why := map[string]string{"must": "since", "should": "since"}
	for _, test := range []struct {
		name, results, recorded string
		reasons                 map[string]string
		want                    string // the ids
	}{
		{"a first run", good, "", nil, ""},
		{"nothing new", good, good, nil, ""},
		{"misses without a reason", missed, "", nil, "must should"},
		{"recorded misses without a reason", missed, missed, nil, "must should"},
		{"misses with a reason", missed, missed, why, ""},
		{"worse than recorded, in spite of a reason", missed, good, why, "must should"},
		{"better than recorded", good, missed, nil, "must should"},
		{"a reason for what passes", good, good, map[string]string{"alone": "since"}, "alone"},
		{"a reason for a check", good, good, map[string]string{"base": "since"}, "base"},
		{"a reason for no test", good, good, map[string]string{"gone": "since"}, "gone"},
		{"another answer to a check",
			`{"base": ["Assertion", "x"], "must": true, "should": true, "alone": true}`, good, why, "base must should extra"},
	} {
		t.Run(test.name, func(t *testing.T) {
			record := suite.Record{Reasons: test.reasons}
			if test.recorded != "" {
				record.Verdicts = verdicts(t, test.recorded)
			}
			var ids []string
			for _, difference := range record.Differences(definitions(t), verdicts(t, test.results)) {
				ids = append(ids, difference.ID)
				if !strings.HasPrefix(difference.Text, difference.ID) {
					t.Errorf("%q does not begin with the test's id", difference.Text)
				}
			}
			if got := strings.Join(ids, " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestAnotherVersion compares with the record what another version of the suite finds.
func TestAnotherVersion(t *testing.T) {
	const (
		good   = `{"base": true, "must": true, "should": true, "alone": true, "extra": ["Assertion", "x"]}`
		missed = `{"base": true, "must": ["Assertion", "x"], "should": true, "alone": true, "extra": ["Assertion", "x"]}`
	)
	text := func(differences []suite.Difference) string {
		var ids []string
		for _, difference := range differences {
			ids = append(ids, difference.ID)
			if !strings.HasPrefix(difference.Text, difference.ID+", ") {
				t.Errorf("%q does not begin with the test's id", difference.Text)
			}
		}
		return strings.Join(ids, " ")
	}
	for _, test := range []struct {
		name, results       string
		recorded            map[string]suite.Verdict
		reasons             map[string]string
		unexplained, shifts string // the ids
	}{
		{"all as recorded", good, verdicts(t, good), nil, "", ""},
		{"a miss", missed, verdicts(t, good), nil, "must should", "must should"},
		{"a miss with a reason", missed, verdicts(t, good), map[string]string{"must": "since"}, "should", "must should"},
		{"better, in spite of a reason", good, verdicts(t, missed), map[string]string{"must": "since"}, "", "must should"},
		{"tests that the record lacks", good, map[string]suite.Verdict{"gone": suite.Fail}, nil, "", ""},
		{"a question that became a test", good, map[string]suite.Verdict{"must": suite.Yes, "alone": suite.No}, nil, "", "alone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			record := suite.Record{Verdicts: test.recorded, Reasons: test.reasons}
			if got := text(record.Unexplained(definitions(t), verdicts(t, test.results))); got != test.unexplained {
				t.Errorf("without a reason are %q, want %q", got, test.unexplained)
			}
			if got := text(record.Shifts(definitions(t), verdicts(t, test.results))); got != test.shifts {
				t.Errorf("other than recorded are %q, want %q", got, test.shifts)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	got := suite.Summary(definitions(t), verdicts(t, `{"base": ["Assertion", "x"], "must": true, "should": true, "alone": true}`))
	want := `required: 1 of 2 passed, 0 failed, 0 set-up failed, 1 dependency failed
optimal: 0 of 1 passed, 0 failed, 0 set-up failed, 1 dependency failed
check: 1 of 1 answered, 0 yes, 1 no, 0 set-up failed, 0 dependency failed
surrogate-control, required: 0 of 0 passed, 0 failed, 0 set-up failed, 0 dependency failed
surrogate-control, optimal: 0 of 1 passed, 0 failed, 0 set-up failed, 0 dependency failed, 1 not run
surrogate-control, check: 0 of 0 answered, 0 yes, 0 no, 0 set-up failed, 0 dependency failed
`
	if got != want {
		t.Errorf("got:\n%s", got)
	}
}

func TestSummaryWithoutSurrogate(t *testing.T) {
	d := definitions(t)
	d.Surrogate = nil
	if got := suite.Summary(d, verdicts(t, `{}`)); strings.Contains(got, "surrogate") {
		t.Errorf("got:\n%s", got)
	}
}

func TestMarkdownJoinsReasons(t *testing.T) {
	page := suite.Markdown(definitions(t),
		verdicts(t, `{"base": true, "must": ["Setup", "x"], "should": true, "alone": true}`),
		map[string]string{"must": "a", "should": "a"})
	if strings.Contains(page, "`must`, `should`") {
		t.Error("tests of different kinds share a row")
	}

	var d suite.Definitions
	if err := json.Unmarshal([]byte(`{"suites": [{"tests": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}]}`), &d); err != nil {
		t.Fatal(err)
	}
	page = suite.Markdown(d, map[string]suite.Verdict{"a": "fail", "b": "fail", "c": "fail"},
		map[string]string{"a": "x", "b": "x", "c": "y"})
	for _, row := range []string{"| `a`, `b` | required | fail | x |\n", "| `c` | required | fail | y |\n"} {
		if !strings.Contains(page, row) {
			t.Errorf("the page lacks %q:\n%s", row, page)
		}
	}
}

func TestMarkdown(t *testing.T) {
	page := suite.Markdown(definitions(t),
		verdicts(t, `{"base": true, "must": ["Assertion", "x"], "should": true, "alone": true}`),
		map[string]string{"must": "a | b", "should": "c"})
	for _, row := range []string{
		"http-cache-tests 1.2.3, ",
		"| required | 1 | 2 | 1 | 0 | 0 |\n",
		"| optimal | 0 | 1 | 0 | 0 | 1 |\n",
		"| `must` | required | fail | a \\| b |\n",
		"| `should` | optimal | dependency failed | c |\n",
		"| Does it? [yes](https://example.com) \\| no | `base` | yes |\n",
	} {
		if !strings.Contains(page, row) {
			t.Errorf("the page lacks %q:\n%s", row, page)
		}
	}
}

// Caches that others have tested are judged as ours is: a test whose dependency failed has not passed.
func TestScores(t *testing.T) {
	var caches []suite.Published
	err := json.Unmarshal([]byte(`[
		{"name": "a browser", "type": "browser", "version": "1", "results": {"base": true, "must": true, "alone": true}},
		{"name": "less", "type": "rev-proxy", "version": "2", "results": {"base": ["Assertion", "x"], "must": true, "should": true, "alone": true}},
		{"name": "more", "type": "cdn", "version": "3|4", "results": {"base": true, "must": true, "should": true}},
		{"name": "most", "type": "rev-proxy", "version": "5", "results": {"base": true, "must": true, "should": true, "alone": true}}
	]`), &caches)
	if err != nil {
		t.Fatal(err)
	}
	want := `| cache | version | required | optimal | not run |
| --- | --- | ---: | ---: | ---: |
| most | 5 | 2 of 2 | 1 of 1 | 0 |
| more | 3\|4 | 1 of 2 | 1 of 1 | 1 |
| less | 2 | 1 of 2 | 0 of 1 | 0 |
`
	if got := suite.Scores(definitions(t), caches); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
