package serve

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/target"
	"github.com/gin-cachette/cachette/internal/values"
)

// tagsKey is the key, in a gin.Context, of what handlers have tagged its response with.
type tagsKey struct{}

// Tag notes tags of the response that a request is about to get, or has got: for what stands inside of the handler that says so, and for what
// that is inside of itself.
func Tag(c *gin.Context, names []string) {
	said, _ := c.Get(tagsKey{})
	before, _ := said.([]string)
	c.Set(tagsKey{}, append(before[:len(before):len(before)], names...))
	if x := exchangeOf(c); x != nil {
		x.tag(names)
	}
}

// tag tags the response of an exchange, and of those whose handlers have an engine serve it.
func (x *exchange) tag(names []string) {
	if len(names) > 0 {
		x.Borrow(values.Loan{Tags: names})
	}
}

// tagBeforehand tags the response with what is said of it before its handlers run, and returns that.
func (x *exchange) tagBeforehand() []string {
	x.around.loan.To(&x.tags, &x.ends) // what lends it has lent it to what this goes into
	x.tag(x.around.rt.Tags)
	for _, of := range x.around.rt.TagsFrom {
		x.tag(of(x.c))
	}
	if said, ok := x.c.Get(tagsKey{}); ok {
		x.tag(said.([]string))
	}
	return x.tags.All()
}

// groupBy notes the groups that a response says it is in (RFC 9875 §2).
func (x *exchange) groupBy(header http.Header) {
	names, _ := rfc9111.ParseGroups(header["Cache-Groups"])
	x.groups = x.groups[:0]
	for _, name := range names {
		x.groups = append(x.groups, groupScope(x.target.Host, name))
		if len(name) > argument.MaxTag || len(names) > argument.MaxTags {
			x.tags.Fail(fmt.Errorf("%w: Cache-Groups has %d groups, of which %.64q has %d bytes; %d groups of %d bytes can be kept",
				argument.Err, len(names), name, len(name), argument.MaxTags, argument.MaxTag))
		}
	}
}

// groupScope returns the scope of a group, which is one of an origin's: the scheme does not tell origins apart here, as it does not elsewhere.
func groupScope(host, group string) purge.Scope {
	return purge.Scope{Kind: purge.Group, Name: host + "#" + group}
}

// mistagged tells whether the response cannot be kept with its tags, and says so once for a route.
func (x *exchange) mistagged() bool {
	problem := x.tags.Problem()
	if problem != nil {
		x.s.tellOnce("tags", x.c.FullPath(), "cachette: a response is not stored since its tags cannot be kept", "error", problem)
	}
	return problem != nil
}

// name has what an entry is tagged with count, before anybody but its own client is given it.
func (x *exchange) name(t *target.Target, e *response.Entry) error {
	s := x.s
	err := s.entries.Name(x.request.Context(), t, &x.ticket, append(s.entries.Tags(x.tags.All()), x.groups...), e, s.clock.now())
	if err == nil {
		return nil
	}
	s.counts.Untagged.Add(1)
	if errors.Is(err, entries.ErrPurged) && !s.entries.Logs() {
		s.tellOnce("late tags", x.c.FullPath(), "cachette: the store has no log of purges, so a response whose tags become known in the handler is stored the second time at the earliest")
	}
	s.log.Debug("cachette: a response was not stored", "error", err)
	return err
}
