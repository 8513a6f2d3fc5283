package behaviour_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

var (
	every  = flag.Bool("every", false, "run tests of several dimensions in all combinations, not in some that have all pairs, and at full length")
	sample = flag.Int("sample", 20, "in how many combinations such a test runs besides, which are others each time")
)

// length returns how often a test does something that goes wrong by chance: fewer times than with -every.
func length(short, whole int) int {
	if *every {
		return whole
	}
	return short
}

// eachPair runs a test in combinations of what it has several of: in so many that any two values of two dimensions are together in one,
// since it takes two at most to show a mistake, and in a few others at random, for the mistake of which that is not so. A dimension is the
// names of its values; where is the place of each dimension's value. One combination runs again by its name: -every -run 'TestOf/its/name$'.
func eachPair(t *testing.T, test func(t *testing.T, where []int), dimensions ...[]string) {
	t.Helper()
	eachPairOf(t, func([]int) bool { return true }, test, dimensions...)
}

// eachPairOf is eachPair where not all combinations make sense.
func eachPairOf(t *testing.T, sensible func(where []int) bool, test func(t *testing.T, where []int), dimensions ...[]string) {
	t.Helper()
	chosen := product(dimensions, sensible)
	if !*every {
		pairs, others := withAllPairs(chosen)
		rand.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
		chosen = append(pairs, others[:min(*sample, len(others))]...)
	}
	for _, where := range chosen {
		names := make([]string, len(where))
		for d, value := range where {
			names[d] = dimensions[d][value]
		}
		t.Run(strings.Join(names, "/"), func(t *testing.T) { test(t, where) })
	}
}

// product returns all combinations that make sense.
func product(dimensions [][]string, sensible func(where []int) bool) (all [][]int) {
	for where := make([]int, len(dimensions)); ; {
		if sensible(where) {
			all = append(all, append([]int{}, where...))
		}
		d := len(where) - 1
		for ; d >= 0; d-- {
			if where[d]++; where[d] < len(dimensions[d]) {
				break
			}
			where[d] = 0
		}
		if d < 0 {
			return all
		}
	}
}

// pair is a value of one dimension and one of another, behind it.
type pair struct{ dimension, value, other, its int }

func pairsOf(where []int) (all []pair) {
	for i := range where {
		for j := i + 1; j < len(where); j++ {
			all = append(all, pair{i, where[i], j, where[j]})
		}
	}
	return all
}

// withAllPairs divides combinations into few that have all pairs of values that there are, the same each time, and the others.
func withAllPairs(all [][]int) (few, others [][]int) {
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	had := make(map[pair]bool)
	for fresh := len(pairsOf(all[0])); fresh > 0; fresh-- { // first those that have the most
		others = nil
		for _, where := range all {
			n, pairs := 0, pairsOf(where)
			for _, p := range pairs {
				if !had[p] {
					n++
				}
			}
			if n < fresh {
				others = append(others, where)
				continue
			}
			few = append(few, where)
			for _, p := range pairs {
				had[p] = true
			}
		}
		all = others
	}
	return few, others
}

// named returns the names of things.
func named[T fmt.Stringer](things []T) []string {
	return namesOf(len(things), func(i int) string { return things[i].String() })
}

// namesOf returns the names of so many things.
func namesOf(n int, name func(i int) string) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = name(i)
	}
	return names
}

// TestCombinations holds that combinations have all pairs, are few, and are none twice.
func TestCombinations(t *testing.T) {
	for _, sizes := range [][]int{{2, 3}, {3, 3, 3, 3}, {7, 9, 3, 4}, {2, 2, 2, 2, 2, 2, 2}} {
		dimensions := make([][]string, len(sizes))
		for d, n := range sizes {
			dimensions[d] = make([]string, n)
		}
		for name, sensible := range map[string]func([]int) bool{
			"all":            func([]int) bool { return true },
			"some":           func(where []int) bool { return len(where) < 3 || where[0] == 0 || where[1] != 1 },
			"none of a pair": func(where []int) bool { return where[0] != where[1] },
		} {
			all := product(dimensions, sensible)
			want, got, seen := make(map[pair]bool), make(map[pair]bool), make(map[string]bool)
			for _, where := range all {
				for _, p := range pairsOf(where) {
					want[p] = true
				}
			}
			few, others := withAllPairs(all)
			for _, where := range few {
				for _, p := range pairsOf(where) {
					got[p] = true
				}
			}
			for _, where := range append(few, others...) {
				seen[fmt.Sprint(where)] = true
			}
			if len(got) != len(want) || len(seen) != len(all) {
				t.Errorf("%v, %s: %d of %d pairs, %d of %d combinations", sizes, name, len(got), len(want), len(seen), len(all))
			}
		}
	}
}
