package values

import "sync"

// loading is a load, by what it is there for: a value of a cache.
type loading struct {
	of   *Store
	name string
}

// waits are which loads wait for which values, of all caches of the process. Two that wait for each other would do so until their time is over.
type waits struct {
	mu sync.Mutex
	on map[loading]map[loading]int // how many loads of a value wait for which others
}

var waiting waits

// add notes that a load waits for a value, unless the load of that waits for it.
func (w *waits) add(by, value loading) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reaches(value, by, map[loading]bool{}) {
		return false
	}
	if w.on == nil {
		w.on = make(map[loading]map[loading]int)
	}
	if w.on[by] == nil {
		w.on[by] = make(map[loading]int)
	}
	w.on[by][value]++
	return true
}

// remove takes back one add.
func (w *waits) remove(by, value loading) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on[by][value]--; w.on[by][value] == 0 {
		delete(w.on[by], value)
	}
	if len(w.on[by]) == 0 {
		delete(w.on, by)
	}
}

// reaches tells whether the load of one value waits for another one, by whatever others.
func (w *waits) reaches(from, to loading, seen map[loading]bool) bool {
	if from == to {
		return true
	}
	seen[from] = true
	for next := range w.on[from] {
		if !seen[next] && w.reaches(next, to, seen) {
			return true
		}
	}
	return false
}
