package cachette

import (
	"context"
	"fmt"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/bounded"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/serve"
)

// Purge says what [Cache.Purge] removes: every response that any of its fields names. What the method for one field says of it, as
// [Cache.PurgePath] of a path, holds here, too. In JSON its fields have their names in lower case, words joined by an underscore.
type Purge struct {
	Paths      []string `json:"paths,omitempty"`      // of every host: see [Cache.PurgePath]
	URLs       []string `json:"urls,omitempty"`       // of one host each, such as https://shop.example/products; of all queries and both schemes
	Prefixes   []string `json:"prefixes,omitempty"`   // see [Cache.PurgePrefix]
	Namespaces []string `json:"namespaces,omitempty"` // with the values in them: see [Cache.ClearNamespace]
	Tags       []string `json:"tags,omitempty"`       // see [Cache.Invalidate]
	Groups     []string `json:"groups,omitempty"`     // of one origin each, as https://shop.example#products: what responses say by Cache-Groups (RFC 9875)
	Identities []string `json:"identities,omitempty"` // see [Cache.PurgeIdentity]
	KeyParts   []string `json:"key_parts,omitempty"`  // what a function of [WithKeyPart] has returned, such as a tenant
	Everything bool     `json:"everything,omitempty"` // all responses, and the values of [Remember]; those of [Cache.Put] stay

	// Soft makes stale what is named, as if its lifetime had ended, in place of removing it: the next request validates it by its ETag or
	// Last-Modified, or is served stale while it is refreshed, where stale-while-revalidate says so, and it may stand in for an error, where
	// stale-if-error does (RFC 5861). Their windows begin when it is asked for. What has none of these, or must-revalidate, is never
	// served without its handler. Values of [Remember] become stale, too; those of [Cache.Put] in a namespace have no stale form, and stay.
	Soft bool `json:"soft,omitempty"`
}

// Purge removes what p names, by about as many operations of the store as one of these things alone takes. Where something is wrong with p,
// nothing is removed, and the error, which matches [ErrInvalid], says what, and of more than 16 things how many more there are. With Prefixes or
// Everything it takes a second longer where the store is shared: see [Cache.PurgePrefix].
//
// When the store does not answer, that is the error, and the purge is owed: see [Cache].
func (c *Cache) Purge(ctx context.Context, p Purge) error {
	if p.Soft {
		return c.purge(ctx, "purge", "", p)
	}
	return c.purge(ctx, "purge", "", p, p.Namespaces...)
}

// purge removes what p names, and the values of namespaces.
func (c *Cache) purge(ctx context.Context, op, name string, p Purge, namespaces ...string) error {
	scopes, err := c.scopes(p)
	if err != nil {
		return c.fail(op, name, err)
	}
	ctx = argument.Context(ctx)
	if len(namespaces) > 0 { // which takes as long as there are many
		beyond, cancel := bounded.Beyond(ctx, c.timeout)
		defer cancel()
		ctx = beyond
	}
	err = c.responses.Purge(ctx, namespaces, scopes...)
	c.server.LogUnheard(ctx, err)
	c.server.Purged(serve.Purge(p))
	return c.fail(op, name, err)
}

// scopes returns what a purge names, or why it cannot be carried out.
func (c *Cache) scopes(p Purge) ([]purge.Scope, error) {
	scopes, err := c.server.Scopes((*serve.Purge)(&p))
	if err == nil && c.closed.Load() {
		err = ErrClosed
	}
	return scopes, err
}

// OnPurge has the function hear called with what this process purges from now on, for what else has to hear of it, such as a proxy in front:
// what methods of the cache purge, where Flush is Everything, and what requests with unsafe methods do, which are URLs, escaped as
// clients ask for them and without a query. hear is called when the purge is carried out, or owed to the store, and before the method
// returns or the client can see its answer: what takes long belongs in a goroutine of hear's own. A request with an unsafe method is
// told of when its last handler has returned, since a middleware may commit the change only then; where its answer goes out sooner, as one that is
// flushed, has more than 2,048 bytes or stands behind a middleware's writer, before that as well. Several functions are called in the order in which they were given, each with slices of its own; a panic of one is logged.
func (c *Cache) OnPurge(hear func(Purge)) {
	if hear == nil {
		panic(fmt.Errorf("%w: OnPurge: hear is nil; give a function that takes a Purge", ErrInvalid))
	}
	c.server.OnPurge(func(p serve.Purge) { hear(Purge(p)) })
}

// PurgePath removes the responses that are stored for a path: those of every host, query, key part, variant and
// namespace. A response whose handler began before the purge is not stored either. path is absolute, as clients ask for it, and
// escaped as in a URL. What names no path is an error that matches [ErrInvalid]: a query, since all of a path's are purged together, a
// fragment, blanks around it, or the pattern of a route, such as /products/:id. Where the path was rewritten before
// it came to the route, as by http.StripPrefix, both forms name its responses. Where the engine removes extra slashes
// (gin.Engine.RemoveExtraSlash), all forms that come to one path name the same responses.
//
// When the store does not answer, that is the error, and the purge is owed: see [Cache].
func (c *Cache) PurgePath(ctx context.Context, path string) error {
	return c.purge(ctx, "purge", path, Purge{Paths: []string{path}})
}

// Invalidate removes the responses that any of tags was said of, by [WithTags], [WithTagsFrom] or [Tag], and the values of [Remember], by
// [WithTags] or [TagValue], with the responses that were made of them. It takes as long with a million of
// them as with none: none of them is touched, and what is in the store expires. A response whose handler began before is not stored either, also
// if it says its tags later. Bad tags are an error that matches [ErrInvalid], and nothing is removed then: see [Tag].
// Tags are those of a service, in all its versions and of all hosts: with another [Config.Service], as other programs have by default, it removes
// nothing of this one's.
//
// When the store does not answer, that is the error, and the purge is owed: see [Cache].
func (c *Cache) Invalidate(ctx context.Context, tags ...string) error {
	return c.purge(ctx, "invalidate", "", Purge{Tags: tags})
}

// Expire does what [Cache.Invalidate] does softly: the responses and values become stale, and are not removed. See Soft of [Purge].
func (c *Cache) Expire(ctx context.Context, tags ...string) error {
	return c.purge(ctx, "expire", "", Purge{Tags: tags, Soft: true})
}

// PurgePrefix removes the responses that are stored for all paths that begin with prefix: /blog/ names what lies beneath, /blog that as well,
// the page itself, and /blogger. All that is said of [Cache.PurgePath] holds here, too; a prefix has at most 1,024 bytes, without escapes. It
// takes as long with a million responses as with none: none of them is touched, and what is in the store expires. Other processes notice
// within a second. So with a store that several may share it returns when that second is over, whether ctx has ended or not. With a
// driver that has no [drivers.Log] it removes all responses.
func (c *Cache) PurgePrefix(ctx context.Context, prefix string) error {
	return c.purge(ctx, "purge", prefix, Purge{Prefixes: []string{prefix}})
}

// PurgeIdentity removes the responses that are stored for one identity, as a function of [WithIdentity] has returned it, of all paths: what
// one user has changed is gone for that user alone. An empty identity is an error, since nothing is stored for it.
//
// When the store does not answer, that is the error, and the purge is owed: see [Cache].
func (c *Cache) PurgeIdentity(ctx context.Context, identity string) error {
	return c.purge(ctx, "purge", "", Purge{Identities: []string{identity}}) // whom it names is for no log
}

// PurgeNamespace removes the responses of the routes that [WithNamespace] put in a namespace, and the values of [Remember] whose keys begin with its
// name and a colon. It takes as long with a million of them, or of other keys in the store, as with none: none is touched. The values of [Cache.Put]
// in it stay: see [Cache.ClearNamespace].
//
// When the store does not answer, that is the error, and the purge is owed: see [Cache].
func (c *Cache) PurgeNamespace(ctx context.Context, namespace string) error {
	return c.purge(ctx, "purge", namespace, Purge{Namespaces: []string{namespace}})
}

// ClearNamespace removes the responses of the routes that [WithNamespace] put in a namespace, and the values whose keys begin with its name
// and a colon. Responses are gone everywhere at once, however many there are: none of them is touched, and what is in the store
// expires. Values are looked for among all keys of the store, of whatever program, and removed one by one, before it returns, which takes the
// longer the more keys there are: [Cache.PurgeNamespace] leaves them. An empty namespace, and one that ends with a colon, is an error. With a store that can never list its keys, values stay, and the error matches [errors.ErrUnsupported].
func (c *Cache) ClearNamespace(ctx context.Context, namespace string) error {
	return c.purge(ctx, "clear", namespace, Purge{Namespaces: []string{namespace}}, namespace)
}

// ClearNamespaceCount does what [Cache.ClearNamespace] does, removes the responses from the store as well, and returns how many of both it
// removed; a response that varies counts once for each variant and once for the record that tells them apart, and one that is in several
// namespaces is removed by a clearing of the first: by those of the others it is just never served again, and does not count.
func (c *Cache) ClearNamespaceCount(ctx context.Context, namespace string) (int, error) {
	p := Purge{Namespaces: []string{namespace}}
	if _, err := c.scopes(p); err != nil {
		return 0, c.fail("clear", namespace, err)
	}
	ctx, cancel := bounded.Beyond(argument.Context(ctx), c.timeout)
	defer cancel()
	n, err := c.responses.ClearNamespace(ctx, namespace)
	c.server.Purged(serve.Purge(p))
	return n, c.fail("clear", namespace, err)
}
