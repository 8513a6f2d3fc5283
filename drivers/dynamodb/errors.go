package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/marked"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
	"github.com/gin-cachette/cachette/internal/bounded"
)

// brief is an error of the SDK without what follows its first line: of a request whose signature is wrong, AWS sends back
// all that was signed, the session token included.
type brief struct{ err error }

func (e brief) Error() string {
	line, _, _ := strings.Cut(e.err.Error(), "\n")
	return line
}

func (e brief) Unwrap() error { return e.err }

// fail makes an error of what an operation on the table ended with. If the table is gone, the next operation creates it.
func (d *Driver) fail(ctx context.Context, ready *readiness, what string, err error) error {
	switch cause := bounded.Err(ctx); {
	case d.closed.Load():
		return fmt.Errorf("dynamodb: %s: %w: %w", what, drivers.ErrClosed, brief{err})
	case isThrottled(err):
		err = marked.Error{Err: err, Kind: drivers.ErrAnswered}
		if cause != nil && !errors.Is(err, cause) {
			return fmt.Errorf("dynamodb: %s: %w: %w", what, cause, brief{err})
		}
	case cause != nil && !errors.Is(err, cause):
		return fmt.Errorf("dynamodb: %s: %w: %w", what, cause, brief{err})
	case codeOf(err) == codeNotFound:
		d.prepared.Forget(ready)
	}
	return fmt.Errorf("dynamodb: %s: %w", what, brief{err})
}

// The codes of errors that mean something to the driver.
const (
	codeNotFound    = "ResourceNotFoundException"
	codeInUse       = "ResourceInUseException"
	codeValidation  = "ValidationException"
	codeConditional = "ConditionalCheckFailedException"
)

// codeOf returns the code of an error that the server has answered with, or "".
func codeOf(err error) string {
	var coded interface{ ErrorCode() string }
	if !errors.As(err, &coded) {
		return ""
	}
	return coded.ErrorCode()
}

// isDenied reports whether the server knows the caller, and forbids what it asks.
func isDenied(err error) bool {
	code := codeOf(err)
	return code == "AccessDeniedException" || code == "AccessDenied"
}

// refusal is an error that will not go away by itself: a program must not start with it.
type refusal struct {
	text string
	err  error // may be nil
}

func (e refusal) Error() string {
	if e.err == nil {
		return e.text
	}
	return e.text + ": " + brief{e.err}.Error()
}

func (e refusal) Unwrap() error { return e.err }

func isTooLarge(err error) bool {
	return codeOf(err) == codeValidation && strings.Contains(err.Error(), "Item size")
}

// isRefusal tells a server that refuses, which will not change by itself, from one that does not answer, or that is too
// busy to.
func isRefusal(err error) bool {
	var known refusal
	if errors.As(err, &known) {
		return true
	}
	if tlsfiles.IsRefusal(err) || errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	if isBusy(err) {
		return false
	}
	var nonsense *smithy.DeserializationError
	status := statusOf(err)
	return status >= 300 && status < 500 || errors.As(err, &nonsense)
}

// isBusy reports whether the server has answered that it is too busy, or that it failed, so that the same may succeed later.
func isBusy(err error) bool {
	status := statusOf(err)
	return isThrottled(err) || status >= 500 || status == http.StatusRequestTimeout
}

// isThrottled reports whether the server, which works, has answered that it is asked more than it is to carry out.
func isThrottled(err error) bool {
	for _, throttled := range retry.DefaultThrottles {
		if throttled.IsErrorThrottle(err).Bool() {
			return true
		}
	}
	return statusOf(err) == http.StatusTooManyRequests
}

// statusOf returns the status that the server has answered with, or 0.
func statusOf(err error) int {
	var answered interface{ HTTPStatusCode() int }
	if !errors.As(err, &answered) {
		return 0
	}
	return answered.HTTPStatusCode()
}
