package options

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/serve"
	"github.com/gin-cachette/cachette/internal/target"
)

// PathKey is WithPathKey.
func PathKey() Option {
	return func(r *serve.Route) {
		const own = "WithPathKey()"
		mustAgree(fmt.Sprintf("WithQueryParams(%s)", quoted(r.Params)), own, r.Query != target.ListedOnly)
		mustAgree(simplifies(r), own, simplifies(r) == "")
		r.Query = target.NoQuery
	}
}

// QueryParams is WithQueryParams.
func QueryParams(names ...string) Option {
	if len(names) == 0 {
		panic(fmt.Errorf("%w: WithQueryParams: no parameter is named; use WithPathKey to key by path alone", argument.Err))
	}
	mustNameParams("WithQueryParams", names)
	if i := slices.IndexFunc(names, func(name string) bool { return strings.Contains(name, "*") }); i >= 0 {
		panic(fmt.Errorf("%w: WithQueryParams(%s): a \"*\" stands for nothing in %q; give the whole name of each parameter that counts", argument.Err,
			quoted(names), names[i]))
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	return func(r *serve.Route) {
		own := fmt.Sprintf("WithQueryParams(%s)", quoted(names))
		mustAgree("WithPathKey()", own, r.Query != target.NoQuery)
		mustAgree(fmt.Sprintf("WithQueryParams(%s)", quoted(r.Params)), own, r.Query == 0 || slices.Equal(r.Params, names))
		mustAgree(simplifies(r), own, simplifies(r) == "")
		r.Query, r.Params = target.ListedOnly, names
	}
}

// mustNameParams panics unless parameters can have these names.
func mustNameParams(option string, names []string) {
	if slices.Contains(names, "") {
		panic(fmt.Errorf("%w: %s(%s): a name is empty; give the names of parameters", argument.Err, option, quoted(names)))
	}
	for _, name := range names {
		if strings.ContainsAny(name, ",;&=?") || strings.TrimSpace(name) != name {
			panic(fmt.Errorf("%w: %s(%s): %q is no name of a parameter; give the names one by one, as "+
				"%[2]s(\"page\", \"sort\")", argument.Err, option, quoted(names), name))
		}
	}
}

// Ignored is WithIgnoredQueryParams.
func Ignored(names ...string) Option {
	const option = "WithIgnoredQueryParams"
	if len(names) == 0 {
		panic(fmt.Errorf("%w: %s: no parameter is named; give the names of those that make no other page", argument.Err, option))
	}
	mustNameParams(option, names)
	for _, name := range names {
		if i := strings.IndexByte(name, '*'); i == 0 || i > 0 && i < len(name)-1 {
			panic(fmt.Errorf("%w: %s(%s): a \"*\" stands at the end of a name, for all that begin with what is before it, and not in %q; "+
				"for those of which none counts there is WithPathKey", argument.Err, option, quoted(names), name))
		}
	}
	names = slices.Clone(names)
	return ignoring(fmt.Sprintf("%s(%s)", option, quoted(names)), names)
}

// WithoutTrackingParams is cachette's.
func WithoutTrackingParams() Option { return ignoring("WithoutTrackingParams()", target.Tracking) }

func ignoring(own string, names []string) Option {
	return func(r *serve.Route) {
		mustCountWhole(r, own)
		for _, name := range names {
			if !slices.Contains(r.Ignored, name) {
				r.Ignored = append(r.Ignored, name)
			}
		}
	}
}

// SortedQuery is WithSortedQuery.
func SortedQuery() Option {
	return func(r *serve.Route) {
		mustCountWhole(r, "WithSortedQuery()")
		r.Sorted = true
	}
}

// mustCountWhole panics where an option says something of the parameters that count, and another one names these.
func mustCountWhole(r *serve.Route, own string) {
	mustAgree("WithPathKey()", own, r.Query != target.NoQuery)
	mustAgree(fmt.Sprintf("WithQueryParams(%s), beside which no other parameter and no order counts", quoted(r.Params)), own, r.Query != target.ListedOnly)
}

// simplifies names an option by which a route's queries are simpler than they come; empty for none.
func simplifies(r *serve.Route) string {
	switch {
	case r.Sorted:
		return "WithSortedQuery()"
	case slices.Contains(r.Ignored, target.Tracking[0]):
		return "WithoutTrackingParams()"
	case len(r.Ignored) > 0:
		return fmt.Sprintf("WithIgnoredQueryParams(%s)", quoted(r.Ignored))
	}
	return ""
}
