package cachette

import (
	"errors"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/guard"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/values"
	"github.com/gin-cachette/cachette/internal/wording"
)

// Errors that tell what went wrong, for errors.Is.
var (
	// ErrMiss says that nothing is stored under a key, or not any more.
	ErrMiss = drivers.ErrMiss
	// ErrTooLarge says that a value is larger than the store takes.
	ErrTooLarge = drivers.ErrTooLarge
	// ErrClosed says that the cache was used after Close.
	ErrClosed = drivers.ErrClosed
	// ErrUnavailable says that the store was not asked, since it has not been answering.
	ErrUnavailable = guard.ErrUnavailable
	// ErrOwed says that the store did not take all of a removal yet: see [Cache].
	ErrOwed = purge.ErrOwed
	// ErrUnsupportedType says that the codec cannot take a value, or cannot give one back in the type asked for.
	ErrUnsupportedType = encoders.ErrUnsupportedType
	// ErrNotFound says that there is no such value: a load of [Remember] returns it, and Remember then does.
	ErrNotFound = values.ErrNotFound
	// ErrPanicked says that a load of [Remember] panicked, or ended its goroutine.
	ErrPanicked = values.ErrPanicked
	// ErrInstalled says that an engine has a cache already.
	ErrInstalled = errors.New("cachette: this engine has a cache already: Install is called once for each engine")
	// ErrInvalid says that an argument is out of range; the error tells which one and what would be right.
	ErrInvalid = argument.Err
)

// OpError is an error of one operation on the store. It wraps the driver's or codec's own.
type OpError struct {
	Op      string // "put", "fetch", "delete", …
	Backend string // the name of the backend, or the type of a driver that was given
	Key     string // the key, or namespace, as the caller gave it
	Err     error
}

// KeyErrors is the error of [FetchMany], [PutMany] and [RememberMany], where some of the keys have failed: by key, each an [*OpError], or what a load has
// returned. The other keys are done. [errors.Is] and [errors.As] look at all of them.
type KeyErrors = values.KeyErrors

// Error tells the operation, the backend, the key and what went wrong, without what the driver or codec repeats of that.
func (e *OpError) Error() string {
	return "cachette: " + wording.Operation(e.Op, e.Key, e.Backend, e.Err)
}

// Unwrap returns the error of the driver or codec.
func (e *OpError) Unwrap() error { return e.Err }
