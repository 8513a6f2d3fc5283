package values

import "sync"

// waits are which loads wait for which values, by their names. Two that wait for each other would do so until their time is over.
type waits struct {
	mu sync.Mutex
	on map[string]map[string]int // how many loads of a name wait for which others
}

// add notes that a load waits for a value, unless the load of that waits for it.
func (w *waits) add(load, value string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reaches(value, load, map[string]bool{}) {
		return false
	}
	if w.on == nil {
		w.on = make(map[string]map[string]int)
	}
	if w.on[load] == nil {
		w.on[load] = make(map[string]int)
	}
	w.on[load][value]++
	return true
}

// remove takes back one add.
func (w *waits) remove(load, value string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on[load][value]--; w.on[load][value] == 0 {
		delete(w.on[load], value)
	}
	if len(w.on[load]) == 0 {
		delete(w.on, load)
	}
}

// reaches tells whether the load of one value waits for another one, by whatever others.
func (w *waits) reaches(from, to string, seen map[string]bool) bool {
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
