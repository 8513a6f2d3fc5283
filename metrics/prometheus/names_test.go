package prometheus_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gin-cachette/cachette"
	metrics "github.com/gin-cachette/cachette/metrics/prometheus"
)

var (
	described = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	selector  = regexp.MustCompile(`(cachette_[a-z_]+)(?:\{([^}]*)\})?`)
	matcher   = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
	grouping  = regexp.MustCompile(`(?:by|without|on|ignoring) \(([^)]*)\)`)
	legend    = regexp.MustCompile(`\{\{ *(?:\$labels\.)?([a-z_]+) *\}\}`)
	row       = regexp.MustCompile("(?m)^\\| `(cachette_[a-z_]+)` \\|(?: `cachette\\.[a-z_.]+` \\|)? ([^|]*)\\|")
)

// names returns the labels of each metric, by its name.
func names(t *testing.T) map[string][]string {
	t.Helper()
	descs := make(chan *prometheus.Desc, 100)
	metrics.NewCollector(site(t).Cache).Describe(descs)
	close(descs)
	all := map[string][]string{}
	for desc := range descs {
		found := described.FindStringSubmatch(desc.String())
		if found == nil {
			t.Fatal(desc)
		}
		all[found[1]] = strings.FieldsFunc(found[2], func(r rune) bool { return r == ',' || r == ' ' })
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docs/metrics.md has each metric, with its labels, and no other.
func TestPageHasMetrics(t *testing.T) {
	page := map[string][]string{}
	for _, found := range row.FindAllStringSubmatch(read(t, "../../docs/metrics.md"), -1) {
		page[found[1]] = strings.FieldsFunc(found[2], func(r rune) bool { return strings.ContainsRune("`, ", r) })
	}
	there := names(t)
	if len(there) < 20 || !maps.EqualFunc(page, there, slices.Equal) {
		t.Errorf("the page has %v\nthe collector %v", page, there)
	}
}

// asked holds a query to what there is: metrics, the labels of each, and outcomes.
func asked(t *testing.T, query string) {
	t.Helper()
	there, may, outcomes := names(t), []string{"job", "instance"}, []string{}
	for outcome := range (cachette.Outcomes{}).All() {
		outcomes = append(outcomes, outcome)
	}
	found := selector.FindAllStringSubmatch(query, -1)
	for _, s := range found {
		name := s[1]
		of, ok := there[name]
		if base, isBucket := strings.CutSuffix(name, "_bucket"); isBucket && !ok {
			if of, ok = there[base]; ok {
				may = append(may, "le")
			}
		}
		if !ok {
			t.Errorf("%s: there is no %s", query, name)
		}
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(of, m[1]) && m[1] != "job" && m[1] != "instance" {
				t.Errorf("%s: %s has no label %s", query, name, m[1])
			}
			for _, value := range strings.Split(m[2], "|") {
				if m[1] == "outcome" && !slices.Contains(outcomes, value) {
					t.Errorf("%s: there is no outcome %s", query, value)
				}
			}
		}
		may = append(may, of...)
	}
	for _, g := range grouping.FindAllStringSubmatch(query, -1) {
		for _, label := range strings.Split(g[1], ",") {
			if !slices.Contains(may, strings.TrimSpace(label)) {
				t.Errorf("%s: nothing has a label %s", query, label)
			}
		}
	}
	for _, l := range legend.FindAllStringSubmatch(query, -1) {
		if l[1] != "value" && !slices.Contains(may, l[1]) {
			t.Errorf("%s: nothing has a label %s", query, l[1])
		}
	}
	if len(found) == 0 {
		t.Errorf("%q asks for nothing", query)
	}
}

// The dashboard asks for what there is.
func TestDashboard(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
		Templating struct {
			List []struct{ Type, Query string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	if len(dashboard.Panels) < 10 {
		t.Errorf("%d panels", len(dashboard.Panels))
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			asked(t, target.Expr+" "+target.LegendFormat)
		}
	}
	for _, variable := range dashboard.Templating.List {
		if variable.Type == "query" {
			asked(t, variable.Query)
		}
	}
}

// The alerts ask for what there is, and each has a place in docs/metrics.md that says what to do.
func TestAlerts(t *testing.T) {
	rules := strings.Split(read(t, "alerts.yml"), "- alert: ")[1:]
	if len(rules) < 6 {
		t.Errorf("%d rules", len(rules))
	}
	page := read(t, "../../docs/metrics.md")
	for _, rule := range rules {
		name, rest, _ := strings.Cut(rule, "\n")
		asked(t, rest)
		const where = "runbook_url: https://github.com/gin-cachette/cachette/blob/main/docs/metrics.md#"
		if !strings.Contains(rest, where+strings.ToLower(name)+"\n") || !strings.Contains(page, "\n#### "+name+"\n") {
			t.Errorf("%s has no place in docs/metrics.md", name)
		}
	}
	for _, heading := range regexp.MustCompile(`(?m)^#### (Cachette\w+)$`).FindAllStringSubmatch(page, -1) {
		if !slices.ContainsFunc(rules, func(rule string) bool { return strings.HasPrefix(rule, heading[1]+"\n") }) {
			t.Errorf("docs/metrics.md has %s, which is no alert", heading[1])
		}
	}
}

// Prometheus's own tool takes the rules and what is scraped, where it is installed (Debian's package prometheus).
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed")
	}
	e := site(t)
	visit(e)
	_, text := scrape(t, endpoint(t, metrics.NewCollector(e.Cache)))
	for _, run := range []struct {
		args  []string
		stdin string
	}{{[]string{"check", "rules", "alerts.yml"}, ""}, {[]string{"check", "metrics"}, text}} {
		cmd := exec.Command(promtool, run.args...)
		cmd.Stdin = strings.NewReader(run.stdin)
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", cmd, err, output)
		}
	}
}
