package values

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/target"
)

// KeyErrors is the error of an operation on several keys that has failed for some of them, by these keys: each is a *cachette.OpError, or
// the error of a load, and the others are done. [errors.Is] and [errors.As] look at all of them.
type KeyErrors map[string]error

// Error tells what went wrong with the first of the keys, in the order of the alphabet, and which others there are.
func (e KeyErrors) Error() string {
	keys := slices.Sorted(maps.Keys(e))
	switch len(keys) {
	case 0:
		return "cachette: no key has failed"
	case 1:
		return e[keys[0]].Error()
	}
	const shown = 5
	var others []string
	for _, key := range keys[1:min(len(keys), 1+shown)] {
		others = append(others, fmt.Sprintf("%.64q", key))
	}
	if len(keys) > 1+shown {
		others = append(others, "…")
	}
	return fmt.Sprintf("%v; and of %d more keys: %s", e[keys[0]], len(keys)-1, strings.Join(others, ", "))
}

// Unwrap returns the errors, in the order of their keys.
func (e KeyErrors) Unwrap() (errs []error) {
	for _, key := range slices.Sorted(maps.Keys(e)) {
		errs = append(errs, e[key])
	}
	return errs
}

// orNil returns the error of what has failed, if anything has.
func (e KeyErrors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// ByKey returns the error of what has become of names, by their places: that there is no value is none.
func ByKey(names []string, errs []error) error {
	failed := make(KeyErrors)
	for i, err := range errs {
		if err != nil && err != ErrNotFound {
			failed[names[i]] = err
		}
	}
	return failed.orNil()
}

// Named returns keys, each once, with their names. That two have the same name is an error.
func Named[K comparable](keys []K, name func(K) string) (distinct []K, names []string, err error) {
	seen, by := make(map[K]bool, len(keys)), make(map[string]K, len(keys))
	for _, key := range keys {
		if seen[key] {
			continue
		}
		seen[key] = true
		named := name(key)
		if other, taken := by[named]; taken {
			return nil, nil, fmt.Errorf("%w: the keys %v and %v have the same name, %.64q; give each its own", argument.Err, other, key, named)
		}
		by[named] = key
		distinct, names = append(distinct, key), append(names, named)
	}
	return distinct, names, nil
}

// What is asked of a store at once.
const (
	severalKeys  = 1000
	severalBytes = 8 << 20 // of values that are put
)

// Several is what programs do with several plain values at once: those that lie in the store as the codec has made them.
type Several struct {
	Store  *entries.Store
	Prefix string
	Op     string
	Fail   func(op, key string, err error) error // says what was tried; nil for nil
}

// failed notes what has become of keys, by their places in the operation that err is of.
func (s *Several) failed(errs KeyErrors, names []string, err error) {
	for i, name := range names {
		if of := guard.ErrorOf(err, i); of != nil {
			errs[name] = s.Fail(s.Op, name, of)
		}
	}
}

func (s *Several) keys(names []string) []string {
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = target.Value(s.Prefix, name)
	}
	return full
}

// Fetch gives take the bytes of the values under keys, those that are there, each once. The error is [KeyErrors].
func (s *Several) Fetch(ctx context.Context, names []string, take func(name string, data []byte) error) error {
	errs := make(KeyErrors)
	for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(names))), severalKeys) {
		found, err := s.Store.GetValues(ctx, s.keys(some))
		s.failed(errs, some, err)
		for i, name := range some {
			if found[i] == nil {
				continue
			}
			if err := take(name, found[i]); err != nil {
				errs[name] = s.Fail(s.Op, name, err)
			}
		}
	}
	return errs.orNil()
}

// Put stores what encode makes of each key. The error is [KeyErrors].
func (s *Several) Put(ctx context.Context, ttl time.Duration, names []string, encode func(name string) ([]byte, error)) error {
	errs := make(KeyErrors)
	var some []string
	var made [][]byte
	size := 0
	store := func() {
		s.failed(errs, some, s.Store.SetValues(ctx, ttl, s.keys(some), made))
		some, made, size = nil, nil, 0
	}
	for _, name := range names {
		data, err := encode(name)
		if err != nil {
			errs[name] = s.Fail(s.Op, name, err)
			continue
		}
		if len(some) == severalKeys || len(some) > 0 && size+len(data) > severalBytes {
			store()
		}
		some, made, size = append(some, name), append(made, data), size+len(data)
	}
	if len(some) > 0 {
		store()
	}
	return errs.orNil()
}
