package encoders

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

var registry = struct {
	sync.RWMutex
	encoders map[string]Encoder
}{encoders: make(map[string]Encoder)}

// Register makes an encoder available under its name: a codec's package calls it from its init function, and a
// program links the codec by importing that package. It panics if encoder is nil, if its name is empty, or if the
// name is taken.
func Register(encoder Encoder) {
	registry.Lock()
	defer registry.Unlock()
	if encoder == nil {
		panic("cachette: encoders.Register: the encoder is nil")
	}
	name := encoder.Name()
	if name == "" {
		panic("cachette: encoders.Register: the name is empty")
	}
	if _, taken := registry.encoders[name]; taken {
		panic(fmt.Sprintf("cachette: encoders.Register: %q is registered already", name))
	}
	registry.encoders[name] = encoder
}

// Linked returns the names of the encoders linked into this program, sorted.
func Linked() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.encoders))
}

// Lookup returns the encoder registered under name, and whether there is one.
func Lookup(name string) (Encoder, bool) {
	registry.RLock()
	defer registry.RUnlock()
	encoder, ok := registry.encoders[name]
	return encoder, ok
}
