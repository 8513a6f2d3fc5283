package target_test

import (
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/target"
)

func TestSimpler(t *testing.T) {
	for _, test := range []struct {
		name    string
		ignored []string
		sorted  bool
		query   string
		want    string
	}{
		{"nothing to do", []string{"x"}, false, "a=1&b=2", "a=1&b=2"},
		{"at the beginning", []string{"x"}, false, "x=1&a=1", "a=1"},
		{"in the middle", []string{"x"}, false, "a=1&x=1&b=2", "a=1&b=2"},
		{"at the end", []string{"x"}, false, "a=1&x=1", "a=1"},
		{"all", []string{"x", "y"}, false, "x=1&y=2&x=3", ""},
		{"without a value", []string{"x"}, false, "x&a", "a"},
		{"with an empty value", []string{"x"}, false, "x=&a=", "a="},
		{"an escaped name", []string{"x_y"}, false, "x%5Fy=1&a=1", "a=1"},
		{"a plus in a name", []string{"x y"}, false, "x+y=1&x%20y=2&x%2By=3", "x%2By=3"},
		{"another case", []string{"x"}, false, "X=1", "X=1"},
		{"another spelling of what is left", []string{"x"}, false, "x=1&%61=%31&a=+", "%61=%31&a=+"},
		{"a name in a value", []string{"x"}, false, "a=x&b=x=1", "a=x&b=x=1"},
		{"an escaped ampersand", []string{"x"}, false, "a=1%26x=2", "a=1%26x=2"},
		{"a longer name", []string{"x"}, false, "xy=1&yx=2", "xy=1&yx=2"},
		{"a beginning", []string{"x_*"}, false, "x_=1&x_a=1&x=2&xa=3", "x=2&xa=3"},
		{"a map", []string{"x"}, false, "x[a]=1&x%5Bb%5D=2&y[x]=3", "y[x]=3"},
		{"no name", []string{"x"}, false, "=1&x=1", "=1"},
		{"nothing between two", []string{"x"}, false, "a=1&&b=2&", "a=1&b=2"},
		{"a semicolon", []string{"x"}, true, "x=1;b=2&a=1", "x=1;b=2&a=1"},
		{"an escape that is none", []string{"x"}, true, "x=1&b=%zz&a=1", "x=1&b=%zz&a=1"},
		{"an escape that ends early", []string{"x"}, true, "x=1&a=%4", "x=1&a=%4"},
		{"as many as can be read", []string{"x"}, true, "b=1&a=2" + strings.Repeat("&x", 9_998), "a=2&b=1"},
		{"more than can be read", []string{"x"}, true, "b=1&a=2" + strings.Repeat("&x", 9_999), "b=1&a=2" + strings.Repeat("&x", 9_999)},
		{"empty", []string{"x"}, true, "", ""},

		{"order of names", nil, true, "b=1&a=2", "a=2&b=1"},
		{"order of values", nil, true, "b=2&a=1&b=1&a=0", "a=1&a=0&b=2&b=1"},
		{"order by name, not by its spelling", nil, true, "b=1&%61=2&a=3", "%61=2&a=3&b=1"},
		{"sorted", nil, true, "a=2&b=1", "a=2&b=1"},
		{"sorted by name, and not by what is behind it", nil, true, "a-b=1&a=2", "a=2&a-b=1"},
		{"both", []string{"x"}, true, "b=1&x=1&a=2", "a=2&b=1"},
		{"neither", nil, false, "b=1&&a=2", "b=1&&a=2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := target.NewScheme(target.Route{Query: target.WholeQuery, Ignored: test.ignored, Sorted: test.sorted})
			if got := s.Simpler(test.query); got != test.want {
				t.Errorf("%q is %q, want %q", test.query, got, test.want)
			}
			line, want := "/p?"+test.query, "/p?"+test.want
			if test.want == "" && test.query != "" {
				want = "/p"
			}
			if got := s.SimplerLine(line); got != want {
				t.Errorf("the line is %q, want %q", got, want)
			}
		})
	}
}

// FuzzSimpler holds that what is left of a query is what a handler would have found of it.
func FuzzSimpler(f *testing.F) {
	f.Add("a=1&x=2&b=3&x_1=4&a=%31")
	f.Add("b&&a=;&x")
	f.Add("x%5fy=1&=&x[%5d=2")
	s := target.NewScheme(target.Route{Query: target.WholeQuery, Ignored: []string{"x", "x_*"}, Sorted: true})
	f.Fuzz(func(t *testing.T, query string) {
		got := s.Simpler(query)
		if again := s.Simpler(got); again != got {
			t.Errorf("%q is %q, and that is %q", query, got, again)
		}
		want, err := url.ParseQuery(query)
		if err != nil {
			if got != query {
				t.Errorf("%q cannot be read, and is %q", query, got)
			}
			return
		}
		maps.DeleteFunc(want, func(name string, _ []string) bool {
			base, _, _ := strings.Cut(name, "[")
			return base == "x" || strings.HasPrefix(name, "x_")
		})
		values, err := url.ParseQuery(got)
		if err != nil || !maps.EqualFunc(values, want, slices.Equal) {
			t.Errorf("of %q is left %v (%v), want %v", query, values, err, want)
		}
	})
}

// The list that docs/keys.md has is the one in use.
func TestTrackingIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/keys.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range regexp.MustCompile(`(?m)^\| [^|\x60]+ \| ((?:\x60[^\x60]+\x60(?:, )?)+) \|$`).FindAllStringSubmatch(string(page), -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			told = append(told, strings.Trim(name, "`"))
		}
	}
	slices.Sort(told)
	if want := slices.Sorted(slices.Values(target.Tracking)); !slices.Equal(told, want) {
		t.Errorf("docs/keys.md has\n%q, want\n%q", told, want)
	}
}
