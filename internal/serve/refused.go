package serve

import (
	"sync"
	"time"
)

// Refused is a request whose response was not stored, or for which nothing was looked up. It has nothing that the client has made up.
type Refused struct {
	Time   time.Time
	Method string // GET, HEAD, POST or QUERY: others have no such reason
	Status int    // that the client got
}

// lastRefused are the last of those with one reason. A ring a reason is not pushed out by the busiest one.
type lastRefused struct {
	mu   sync.Mutex
	ring [8]Refused
	n    uint64 // how many there were
}

func (l *lastRefused) add(of Refused) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring[l.n%uint64(len(l.ring))] = of
	l.n++
}

// read returns them, the latest first.
func (l *lastRefused) read() []Refused {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := min(l.n, uint64(len(l.ring)))
	last := make([]Refused, 0, kept)
	for i := range kept {
		last = append(last, l.ring[(l.n-1-i)%uint64(len(l.ring))])
	}
	return last
}
