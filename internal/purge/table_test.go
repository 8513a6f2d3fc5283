package purge_test

import (
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gin-cachette/cachette/internal/purge"
)

// TestTable holds which stamps a purge puts out of date: those that were taken before it and that it concerns, and no others.
func TestTable(t *testing.T) {
	type held struct {
		own    bool // the stamp of /a in the namespace of the row
		others bool // all stamps of other paths in other namespaces
		within bool // all stamps of other paths in the namespace n
	}
	path := func(p *purge.Table) { p.Path("/a") }
	namespace := func(p *purge.Table) { p.Namespace("n") }
	for _, test := range []struct {
		name  string
		purge func(*purge.Table)
		space string
		want  held
	}{
		{"nothing", func(*purge.Table) {}, "n", held{own: true, others: true, within: true}},
		{"the path", path, "n", held{own: false, others: true, within: true}},
		{"the path, in no namespace", path, "", held{own: false, others: true, within: true}},
		{"the namespace", namespace, "n", held{own: false, others: true, within: false}},
		{"everything", (*purge.Table).All, "n", held{}},
		{"everything, in no namespace", (*purge.Table).All, "", held{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := purge.NewTable()
			stamp := table.Stamp("/a", "", in(test.space))
			const many = 100
			var others, within [many]purge.Stamp
			for i := range many {
				name := strconv.Itoa(i)
				others[i], within[i] = table.Stamp("/"+name, "", in("other"+name)), table.Stamp("/"+name, "", in("n"))
			}
			test.purge(table)
			if got := table.Holds(&stamp); got != test.want.own {
				t.Errorf("the stamp holds: %t", got)
			}
			count := func(stamps []purge.Stamp) (n int) {
				for i := range stamps {
					if table.Holds(&stamps[i]) {
						n++
					}
				}
				return n
			}
			if n := count(others[:]); test.want.others && n < many || !test.want.others && n > 0 {
				t.Errorf("%d of %d stamps of other paths hold", n, many)
			}
			if n := count(within[:]); test.want.within && n < many || !test.want.within && n > 0 {
				t.Errorf("%d of %d stamps in the namespace hold", n, many)
			}
			later := table.Stamp("/a", "", in(test.space))
			if !table.Holds(&later) {
				t.Error("a stamp that was taken after the purge does not hold")
			}
			test.purge(table)
			if got := table.Holds(&later); got != test.want.own {
				t.Errorf("after another purge it holds: %t", got)
			}
		})
	}
}

// TestNoNamespace holds that no purge of a namespace concerns what is in none, whatever slot it takes.
func TestNoNamespace(t *testing.T) {
	table := purge.NewTable()
	stamp := table.Stamp("/a", "", in(""))
	for i := range 10_000 {
		table.Namespace(strconv.Itoa(i))
	}
	if !table.Holds(&stamp) {
		t.Error("it does")
	}
}

// TestPathsAndNamespacesApart holds that a purge of a path is none of the namespace of the same name, nor the other way.
func TestPathsAndNamespacesApart(t *testing.T) {
	for i := range 20 {
		name := "/" + strconv.Itoa(i)
		table := purge.NewTable()
		path, namespace := table.Stamp(name, "", in("other")), table.Stamp("/other", "", in(name))
		table.Namespace(name)
		if !table.Holds(&path) || table.Holds(&namespace) {
			t.Errorf("a purge of the namespace %s is one of the path", name)
		}
		namespace = table.Stamp("/other", "", in(name))
		table.Path(name)
		if table.Holds(&path) || !table.Holds(&namespace) {
			t.Errorf("a purge of the path %s is one of the namespace", name)
		}
	}
}

// TestOthersStay holds that any number of purges of other paths, used or not, leaves a stamp alone, and that what is not in use any
// more takes no room.
func TestOthersStay(t *testing.T) {
	table := purge.NewTable()
	stamp := table.Stamp("/a", "", in("n"))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 200_000 {
		name := "/" + strconv.Itoa(i)
		if i%2 == 0 {
			table.Stamp(name, "", in(name))
		}
		table.Path(name)
		table.Namespace(name)
	}
	for i := range 200_000 {
		table.Stamp("/x"+strconv.Itoa(i), "", nil)
	}
	runtime.GC()
	for i := range 100_000 { // has what is left removed
		table.Stamp("/y"+strconv.Itoa(i), "", nil)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if !table.Holds(&stamp) {
		t.Error("the stamp of another path and namespace does not hold")
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("the table has grown by %d KiB", grown>>10)
	}
	runtime.KeepAlive(table)
}

// TestTablesApart holds that the caches of one program do not purge one another.
func TestTablesApart(t *testing.T) {
	one, other := purge.NewTable(), purge.NewTable()
	stamp := other.Stamp("/a", "", in("n"))
	one.Path("/a")
	one.Namespace("n")
	one.All()
	if !other.Holds(&stamp) {
		t.Error("a purge of one is a purge of the other")
	}
}

// TestConcurrentPurges holds that no stamp outlives a purge that began after it was taken, and that none ends without one.
func TestConcurrentPurges(t *testing.T) {
	table := purge.NewTable()
	var begun, done atomic.Int64 // purges
	stop := make(chan struct{})
	var fills sync.WaitGroup
	for range 4 {
		fills.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ended := done.Load()
				if begun.Load() != ended {
					continue // one is under way, and the stamp may come before it or after
				}
				stamp := table.Stamp("/a", "", in("n"))
				if !table.Holds(&stamp) && begun.Load() == ended {
					t.Error("a stamp ends without a purge")
					return
				}
			}
		})
	}
	purges := []func(){func() { table.Path("/a") }, func() { table.Namespace("n") }, table.All}
	for i := range 3000 {
		stamp := table.Stamp("/a", "", in("n"))
		begun.Add(1)
		purges[i%len(purges)]()
		done.Add(1)
		if table.Holds(&stamp) {
			t.Errorf("a stamp outlives purge %d", i)
			break
		}
	}
	close(stop)
	fills.Wait()
}

// in is the list of one namespace, or of none.
func in(namespace string) []string {
	if namespace == "" {
		return nil
	}
	return []string{namespace}
}

// TestSeveralScopes holds that a stamp of two paths and several namespaces is out of date once any of them was purged.
func TestSeveralScopes(t *testing.T) {
	for name, purged := range map[string]func(*purge.Table){
		"the path":             func(p *purge.Table) { p.Path("/a") },
		"the path as it came":  func(p *purge.Table) { p.Path("/x/a") },
		"the first namespace":  func(p *purge.Table) { p.Namespace("n") },
		"the second namespace": func(p *purge.Table) { p.Namespace("o") },
	} {
		table := purge.NewTable()
		stamp := table.Stamp("/a", "/x/a", []string{"n", "o"})
		if !table.Holds(&stamp) {
			t.Errorf("%s: it does not hold at first", name)
		}
		purged(table)
		if table.Holds(&stamp) {
			t.Errorf("%s was purged, and it holds", name)
		}
	}
}

// TestPathBy holds that a stamp survives the purges of the one that holds it, and those alone, whatever their order.
func TestPathBy(t *testing.T) {
	own := func(p *purge.Table, s *purge.Stamp) { p.PathBy(s, "/a") }
	came := func(p *purge.Table, s *purge.Stamp) { p.PathBy(s, "/mount/a") }
	other := func(p *purge.Table, _ *purge.Stamp) { p.Path("/a") }
	namespace := func(p *purge.Table, _ *purge.Stamp) { p.Namespace("n") }
	type purges []func(*purge.Table, *purge.Stamp)
	for _, test := range []struct {
		name   string
		purges purges
		holds  bool
	}{
		{"own", purges{own}, true},
		{"own, of the path that came", purges{came}, true},
		{"own, twice", purges{own, came, own}, true},
		{"another's first", purges{other, own}, false},
		{"another's last", purges{own, other}, false},
		{"another's in between", purges{own, other, own}, false},
		{"another's of the namespace", purges{own, namespace, own}, false},
		{"all", purges{own, func(p *purge.Table, _ *purge.Stamp) { p.All() }, own}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := purge.NewTable()
			stamp, before := table.Stamp("/a", "/mount/a", in("n")), table.Stamp("/a", "/mount/a", in("n"))
			for _, one := range test.purges {
				one(table, &stamp)
			}
			if got := table.Holds(&stamp); got != test.holds {
				t.Errorf("the stamp holds: %t", got)
			}
			if table.Holds(&before) {
				t.Error("a stamp of somebody else's holds")
			}
		})
	}
}
