package house

import (
	"go/ast"
	"slices"
	"testing"
)

// floors are the packages, from the roof down: each imports what stands below it, or what is of its own floor. A folder
// stands for those in it that have no floor of their own.
var floors = []string{
	"internal/house", "internal/behaviour", "internal/config/configtest", "internal/response/wiretest", "example",
	"cachettetest", "dashboard", "invalidation", "cmd",
	"metrics/otel", "metrics/prometheus",
	"metrics/internal",
	".", // the root
	"internal/config",
	"internal/options",
	"internal/engines",
	"internal/serve",
	"internal/audit",
	"internal/values",
	"internal/entries",
	"internal/flight",
	"internal/purge",
	"internal/guard",
	"internal/event",
	"internal/response",
	"internal/target",
	"internal/rfc9111",
	"internal/takers",
	"drivers/all", "drivers/drivertest", "drivers/dynamodb", "drivers/inmemory", "drivers/memcached", "drivers/mongodb", "drivers/redis",
	"drivers/internal",
	"drivers",
	"encoders/all", "encoders/csv", "encoders/feather", "encoders/json", "encoders/msgpack", "encoders/orjson", "encoders/parquet",
	"encoders/pickle", "encoders/vanilla",
	"encoders/internal/jsontest", "encoders/internal/frame",
	"encoders/encodertest",
	"encoders/internal",
	"encoders",
	"compress",
	"audit",
	"internal/testservers",
	"internal/argument",
	"internal/bounded",
	"internal/codings",
	"internal/sampled",
	"internal/wording",
}

// upward are the imports of today that go up. It may only become shorter.
var upward = map[[2]string]bool{
	{"internal/response", "internal/purge"}: true, // an entry has the marks that it was filled under
}

// floorOf returns on which floor a package stands, the roof being 0.
func floorOf(t *testing.T, folder string) int {
	t.Helper()
	best := -1
	for i, floor := range floors {
		if isIn(folder, floor) && (best < 0 || len(floor) > len(floors[best])) {
			best = i
		}
	}
	if best < 0 {
		t.Errorf("%s has no floor: give it one in the list, where what it imports stands below it", folder)
	}
	return best
}

// TestImportsPointDown: code imports what stands below it. Tests may look at what they like.
func TestImportsPointDown(t *testing.T) {
	used := make(map[[2]string]bool)
	for _, f := range goFiles(t) {
		if f.isTest {
			continue
		}
		above := floorOf(t, f.folder())
		for _, imported := range f.imports {
			pair := [2]string{f.folder(), imported}
			switch below := floorOf(t, imported); {
			case below < above && upward[pair]:
				used[pair] = true
			case below < above && !isRoof(f.folder(), imported):
				t.Errorf("%s imports %s, which stands above %s", f.name, imported, f.folder())
			}
		}
	}
	for pair := range upward {
		if !used[pair] {
			t.Errorf("%s does not import %s any more: take it out of the list", pair[0], pair[1])
		}
	}
}

// isRoof reports whether a package is one that only links others, which stand beside it.
func isRoof(folder, imported string) bool {
	return (folder == "drivers/all" || folder == "encoders/all") && isIn(imported, folder[:len(folder)-len("/all")])
}

// asking are the packages of today, beside the guard, that ask what a driver can do. It may only become shorter.
var asking = []string{}

// TestOneDoor: what a driver can do beside the five methods is asked by the guard alone.
func TestOneDoor(t *testing.T) {
	var found []string
	for _, f := range goFiles(t) {
		// A driver, and what tests or wraps drivers, is no user of them.
		if f.isTest || isIn(f.folder(), "drivers") || f.folder() == "internal/guard" || isIn(f.folder(), "example") || isIn(f.folder(), "internal/behaviour") {
			continue
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			var asked ast.Expr
			switch n := n.(type) {
			case *ast.TypeAssertExpr:
				asked = n.Type
			case *ast.CaseClause:
				for _, expr := range n.List {
					if selects(expr, "drivers") {
						asked = expr
					}
				}
			}
			if selects(asked, "drivers") && !slices.Contains(found, f.folder()) {
				found = append(found, f.folder())
			}
			return true
		})
	}
	for _, folder := range found {
		if !slices.Contains(asking, folder) {
			t.Errorf("%s asks what a driver can do: have internal/guard offer it", folder)
		}
	}
	for _, folder := range asking {
		if !slices.Contains(found, folder) {
			t.Errorf("%s does not ask what a driver can do any more: take it out of the list", folder)
		}
	}
}

// selects reports whether an expression is an exported type of a package.
func selects(expr ast.Expr, pkg string) bool {
	selector, ok := expr.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	name, ok := selector.X.(*ast.Ident)
	return ok && name.Name == pkg && selector.Sel.IsExported()
}
