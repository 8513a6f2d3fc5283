// Package invalidation has an endpoint by which other programs purge a cache: a CMS that has changed a page, a job that has loaded prices, a
// person with curl.
//
//	admin := engine.Group("/admin", authenticated)
//	admin.POST("/invalidate", invalidation.Handler(cache))
//
//	curl -H "Authorization: Bearer …" -H "Content-Type: application/json" -d '{"paths": ["/products/7"], "prefixes": ["/blog/"]}' https://shop.example/admin/invalidate
//
// It has no authentication of its own, and is nowhere by itself: the program mounts it behind its own.
package invalidation

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/serve"
)

// MaxBody is how many bytes of JSON a request may have.
const MaxBody = 1 << 20

// Answer is what the endpoint answers, as JSON.
type Answer struct {
	// Purged is what was purged, as it was asked for; nil where nothing was. Error says what of it was not.
	Purged *cachette.Purge `json:"purged,omitempty"`

	// Owed says that the store has not taken all of it yet: this process gives out nothing of it, and carries it out once the store is back.
	// Other processes may give it out until then.
	Owed bool `json:"owed,omitempty"`

	// Error is what is wrong, and what would be right. It tells nothing of how the store is reached: what the store said is logged by
	// the Logger of the [cachette.Config].
	Error string `json:"error,omitempty"`
}

// Handler returns the endpoint, which a program mounts by POST behind its own authentication. It takes a [cachette.Purge] in JSON, with
// Content-Type: application/json, which no page of another origin can send unasked, and answers with an [Answer]:
//
//   - 200: it is purged, everywhere.
//   - 202: it is owed.
//   - 400: the body is no such JSON, has a field that is not known or stands twice, or names what cannot be purged. Nothing is purged.
//   - 405, 413, 415: the method is not POST, the body has over [MaxBody] bytes, or it says that it is something else than JSON.
//   - 501: the responses are purged, and the values of the namespaces are not: the store can never list its keys.
//   - 500, 503: the store failed, or the cache is closed.
//
// The request itself invalidates nothing. Handler panics where cache is nil.
func Handler(cache *cachette.Cache) gin.HandlerFunc {
	if cache == nil {
		panic(fmt.Errorf("%w: invalidation.Handler: cache is nil; give the one that Install returned", cachette.ErrInvalid))
	}
	silent := cachette.InvalidateOn("none")
	return func(c *gin.Context) {
		silent(c)
		c.Header("Cache-Control", "no-store")
		p, status, err := read(c)
		if err != nil {
			c.AbortWithStatusJSON(status, Answer{Error: err.Error()})
			return
		}
		c.AbortWithStatusJSON(carryOut(c, cache, p))
	}
}

// read reads what is to be purged, or returns what is wrong and the status that says so.
func read(c *gin.Context) (p cachette.Purge, status int, err error) {
	if c.Request.Method != http.MethodPost {
		c.Header("Allow", http.MethodPost)
		return p, http.StatusMethodNotAllowed, fmt.Errorf("the method is %s; send POST", c.Request.Method)
	}
	if kind, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || kind != "application/json" {
		c.Header("Accept-Post", "application/json")
		return p, http.StatusUnsupportedMediaType, fmt.Errorf("the Content-Type is %.64q; send application/json", c.GetHeader("Content-Type"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, MaxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return p, http.StatusRequestEntityTooLarge, fmt.Errorf("the body has more than %d bytes; send several requests, or name a prefix or a namespace", MaxBody)
	}
	if err != nil {
		return p, http.StatusBadRequest, fmt.Errorf("the body cannot be read: %w", err)
	}
	p, err = parse(body)
	return p, http.StatusBadRequest, err
}

// carryOut purges, and returns what to answer.
func carryOut(c *gin.Context, cache *cachette.Cache, p cachette.Purge) (status int, a Answer) {
	err := cache.Purge(serve.Unheard(argument.Context(c)), p)
	failed := new(cachette.OpError)
	errors.As(err, &failed)
	switch {
	case err == nil:
		return http.StatusOK, Answer{Purged: &p}
	case errors.Is(err, cachette.ErrInvalid):
		return http.StatusBadRequest, Answer{Error: failed.Err.Error()}
	case errors.Is(err, cachette.ErrOwed):
		return http.StatusAccepted, Answer{Purged: &p, Owed: true, Error: "the store does not take all of it yet"}
	case errors.Is(err, cachette.ErrClosed):
		return http.StatusServiceUnavailable, Answer{Error: "the cache is closed"}
	case errors.Is(err, errors.ErrUnsupported):
		return http.StatusNotImplemented, Answer{Purged: &p, Error: "the responses are purged; the values of the namespaces stay, since " +
			"the store can never list its keys"}
	}
	return http.StatusInternalServerError, Answer{Error: "the store failed; the log of the program says how"}
}
