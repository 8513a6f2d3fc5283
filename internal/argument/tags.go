package argument

import (
	"fmt"
	"slices"
	"sync"
)

// Tags are those of one response, or of one value, named from whatever goroutine. The zero Tags are none.
type Tags struct {
	mu    sync.Mutex
	names []string
	wrong error // why it cannot be kept with them
}

// Add adds tags, once each.
func (t *Tags) Add(names ...string) {
	if len(names) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		problem := Tag(name)
		switch {
		case t.wrong != nil || slices.Contains(t.names, name):
		case problem != "":
			t.wrong = fmt.Errorf("%w: %s", Err, problem)
		case len(t.names) == MaxTags:
			t.wrong = fmt.Errorf("%w: there are more than %d tags; name what many things have in common", Err, MaxTags)
		default:
			t.names = append(t.names, name)
		}
	}
}

// Fail notes that nothing can be kept with what it is tagged with.
func (t *Tags) Fail(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrong = why
}

// All returns the tags.
func (t *Tags) All() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.names[:len(t.names):len(t.names)]
}

// Problem returns what is wrong with them, or nil.
func (t *Tags) Problem() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wrong
}
