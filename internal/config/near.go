package config

import (
	"github.com/gin-cachette/cachette/drivers/inmemory"
	"github.com/gin-cachette/cachette/internal/codings"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/guard"
)

// How much of this process's memory the coded forms of responses take, in front of a store outside of it.
const (
	formsPart  = 8 // of the MemoryLimit
	leastForms = 1 << 20
)

// OpenNear opens what keeps entries, and coded forms, near this process, in front of a store outside of it.
func (c Config) OpenNear(store *guard.Store) (near entries.Near, forms entries.Forms, err error) {
	if c.Disabled || store.Objects() != nil {
		return near, forms, nil
	}
	if c.Near > 0 {
		objects, err := inmemory.New(inmemory.Options{MemoryLimit: c.Near})
		if err != nil {
			return near, forms, err
		}
		near = entries.Near{Objects: objects, Limit: c.Near, Poll: c.NearPoll, Stale: c.NearStaleness, Close: objects.Close, Holds: objects}
	}
	if codings.Linked() != nil {
		objects, err := inmemory.New(inmemory.Options{MemoryLimit: max(leastForms, c.MemoryLimit/formsPart)})
		if err != nil {
			return near, forms, err
		}
		forms = entries.Forms{Objects: objects, Close: objects.Close, Holds: objects}
	}
	return near, forms, nil
}
