package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/entries"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/response"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/serve"
	"github.com/gin-cachette/cachette/internal/target"
)

const explainHelp = `Tells what the store has for the page of a URL, for how long it is fresh, which purges it stands on, and whether they have left it.

The program's routes are not known here. So it is looked for under the keys that a route has without options, or with WithPathKey, in a
group with a Cached of its own or not, by http and https (behind a proxy that speaks http to the program, a page is one of http). What
else tells the route's pages apart has to be said by flags: -namespace, -query, -ignored, -tracking, -sorted, -vary, -part, -identity, -cookie. A page that varies by request
fields (Vary) is that of a client without them unless -H gives them. The result of a QUERY, or of a POST that only reads, is that of its
-content with its Content-Type.
`

// explain returns the command of that name.
func (c *command) explain() func(ctx context.Context, args []string) error {
	var p page
	c.flags.Func("H", "a request `field`, as \"Accept-Language: de\"; may be repeated", p.addField)
	c.flags.StringVar(&p.namespace, "namespace", "", "the first `namespace` of the route's WithNamespace, from the outermost group on")
	c.flags.Func("query", "the `names` of the route's WithQueryParams, separated by commas", func(names string) error {
		p.params = strings.Split(names, ",")
		return nil
	})
	c.flags.Func("ignored", "the `names` of the route's WithIgnoredQueryParams, separated by commas", func(names string) error {
		p.ignored = append(p.ignored, strings.Split(names, ",")...)
		return nil
	})
	c.flags.BoolVar(&p.tracking, "tracking", false, "the route has WithoutTrackingParams")
	c.flags.BoolVar(&p.sorted, "sorted", false, "the route has WithSortedQuery")
	c.flags.Func("part", "what the function of the route's WithKeyPart returns; may be repeated, in the order of the options", p.addPart)
	c.flags.Func("cookie", "the cookie of the route's WithCookie, as `name=value`; counts as a -part", p.addCookie)
	c.flags.Func("vary", "the `names` of the route's WithVary, separated by commas", func(names string) error {
		for name := range strings.SplitSeq(names, ",") {
			p.vary = append(p.vary, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
		slices.Sort(p.vary)
		return nil
	})
	c.flags.Func("identity", "whom the function of the route's WithIdentity names; may be repeated", func(name string) error {
		p.identities = append(p.identities, name)
		return nil
	})
	p.content.flagsIn(c.flags)
	return func(ctx context.Context, args []string) error {
		if len(args) != 1 {
			return usage("explain: give one URL, as https://shop.example/products?page=1, in quotes")
		}
		_, err := argument.URL(&url.URL{}, args[0], "")
		if err != nil {
			return usage(err.Error())
		}
		request, err := argument.Page(ctx, args[0], nil, func(string) bool { return false })
		if err != nil {
			return usage(err.Error())
		}
		for name, values := range p.header {
			request.Header[name] = values
		}
		if p.contentKey, err = p.content.key(request); err != nil {
			return err
		}
		cfg, err := c.configured("Pages are those of a service.")
		if err != nil {
			return err
		}
		r, err := open(cfg)
		if err != nil {
			return err
		}
		defer r.close()
		return c.explainPage(ctx, r, request, &p)
	}
}

// page is what a person says of a page beside its URL.
type page struct {
	header     http.Header
	namespace  string
	params     []string
	ignored    []string
	tracking   bool
	sorted     bool
	parts      []string
	vary       []string // sorted
	identities []string
	content    content
	contentKey string // what keys have of it
}

func (p *page) addField(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.TrimSpace(name) != name {
		return errors.New(`give a field as "Accept-Language: de"`)
	}
	if p.header == nil {
		p.header = make(http.Header)
	}
	p.header.Add(name, strings.TrimSpace(value))
	return nil
}

func (p *page) addPart(part string) error {
	p.parts = append(p.parts, part)
	return nil
}

func (p *page) addCookie(cookie string) error {
	_, value, ok := strings.Cut(cookie, "=")
	if !ok {
		return errors.New("give a cookie as name=value")
	}
	return p.addPart(fmt.Sprintf("=%q", value)) // as options.Cookie has it
}

// keyed is a target that a route may make of a page's request.
type keyed struct {
	of target.Target
	by string
}

// keys returns where a page may be.
func (r *reader) keys(request *http.Request, p *page) (keys []keyed) {
	route := target.Route{Prefix: r.cfg.KeyPrefix, Service: r.release, Tagged: r.entries.Sharded()}
	if p.namespace != "" {
		route.Namespaces = []string{p.namespace}
	}
	queries := []target.Query{target.WholeQuery, target.NoQuery}
	if len(p.params) > 0 {
		queries, route.Params = []target.Query{target.ListedOnly}, p.params
	}
	route.Ignored, route.Sorted = p.ignored, p.sorted
	if p.tracking {
		route.Ignored = append(slices.Clip(route.Ignored), target.Tracking...)
	}
	secure := request.TLS != nil
	parts := p.parts
	if len(p.vary) > 0 {
		parts = append(slices.Clip(parts), rfc9111.VariantKey(p.vary, request.Header))
	}
	said := target.Said{Identity: serve.Texts(p.identities...), Content: p.contentKey}
	if slices.ContainsFunc(parts, func(part string) bool { return part != "" }) {
		said.Part = serve.Texts(parts...)
	}
	for _, query := range queries {
		for route.Depth = range 2 {
			for _, tls := range []bool{secure, !secure} {
				route.Query = query
				scheme := target.NewScheme(route)
				of := scheme.Target(request, tls, said)
				if slices.ContainsFunc(keys, func(k keyed) bool { return k.of.Key == of.Key }) {
					continue
				}
				scheme.Loosen(&of, request.URL, nil)
				keys = append(keys, keyed{of, words(query, route.Depth, tls)})
			}
		}
	}
	return keys
}

// declared returns keys with those to which the last responses for the path lead, by what they have declared of the query.
func (r *reader) declared(ctx context.Context, keys []keyed) (all []keyed, err error) {
	for _, k := range keys {
		all = append(all, k)
		declared, err := r.entries.Declared(ctx, &k.of)
		if err != nil {
			return nil, err
		}
		if declared != nil {
			k.of.Key = k.of.Under(declared)
			k.by += ", by No-Vary-Search: " + declared.String()
			all = append(all, k)
		}
	}
	return all, nil
}

func words(query target.Query, depth int, tls bool) string {
	by := map[target.Query]string{target.WholeQuery: "the whole query", target.NoQuery: "no query", target.ListedOnly: "the parameters of -query"}[query]
	if depth > 0 {
		by += ", inside of another Cached"
	}
	if tls {
		return "https, " + by
	}
	return "http, " + by
}

// explainPage tells what is stored for a page.
func (c *command) explainPage(ctx context.Context, r *reader, request *http.Request, p *page) error {
	c.tellStore(r.cfg)
	c.line("service", "%s", serviceOf(r.cfg))
	keys, err := r.declared(ctx, r.keys(request, p))
	if err != nil {
		return r.fail("explain", "", err)
	}
	found, hit := false, false
	for _, k := range keys {
		told, err := r.entries.Tell(ctx, &target.Target{Key: k.of.Key, Header: request.Header})
		if err != nil {
			return r.fail("explain", "", err)
		}
		if told.Entry == nil && told.Variants == nil {
			continue
		}
		found = true
		hit = c.tellPage(k, &told, time.Now()) || hit
	}
	if hit {
		return nil
	}
	if found {
		return errMiss
	}
	return c.tellNothing(ctx, r, request, keys)
}

// tellNothing tells that nothing was found, where it was looked for, and where else it may be.
func (c *command) tellNothing(ctx context.Context, r *reader, request *http.Request, keys []keyed) error {
	c.line("nothing", "is stored for %s of %s, of this service. It was looked for under", quoted(request.RequestURI), quoted(request.Host))
	for _, k := range keys {
		c.line("", "%s (%s)", visible(k.of.Key), k.by)
	}
	there, err := r.entries.Standing(ctx, purge.Scope{Kind: purge.Path, Name: request.URL.Path})
	if err != nil {
		return r.fail("explain", "", err)
	}
	if there[0] {
		c.line("but", "under another key something is stored for the path, or was not long ago: of another host, query, content,")
		c.line("", "Content-Type, service or version, or of a route with options that flags say (-tracking, -part, …): see cachette explain -h")
	} else {
		c.line("nor", "is anything under another key with this key prefix: the path has no mark. No page was stored, or all were purged")
	}
	return errMiss
}

// tellPage tells what is stored under the key of a page, and whether it would be a hit for a client that asks for nothing in particular.
func (c *command) tellPage(k keyed, told *entries.Told, now time.Time) bool {
	c.printf("\n")
	c.line("key", "%s (%s)", visible(k.of.Key), visible(k.by))
	if told.Variants != nil {
		c.line("vary", "the page varies by %s", visible(strings.Join(told.Variants.Fields, ", ")))
	}
	if told.Entry == nil {
		c.line("nothing", "is stored for these fields of the request; give those of the client by -H")
		c.tellMarks(told)
		return false
	}
	e := told.Entry
	c.line("page", "status %d, %s", e.Status, sized(len(e.Body)))
	// Others than those that say how it is cached are its own affair, and may be secret.
	for _, name := range []string{"Content-Type", "Cache-Control", "Etag", "Last-Modified", "Vary"} {
		if values := response.ValuesOf(e.Fields, name); values != nil {
			c.line("", "%s: %s", name, visible(strings.Join(values, ", ")))
		}
	}
	return c.tellEntry(told, now)
}

// tellEntry tells how old an entry is, what it stands on, and what that comes to: whether it is a hit.
func (c *command) tellEntry(told *entries.Told, now time.Time) bool {
	m := &told.Entry.Meta
	age, left := m.Age(now), m.Fresh(now)
	c.line("stored", "%s ago, at %s", briefly(now.Sub(m.ResponseTime)), m.ResponseTime.UTC().Format("2006-01-02 15:04:05 UTC"))
	c.line("freshness", "%s of lifetime - %s of age = %s (RFC 9111 §4.2)", briefly(m.Lifetime), briefly(age), briefly(left))
	for _, window := range []struct {
		of   time.Duration
		what string
	}{
		{m.StaleWhileRevalidate, "served stale while it is refreshed (RFC 5861 §3)"},
		{m.StaleIfError, "stands in for errors (RFC 5861 §4)"},
		{m.Patience, "is waited for before a stale one is served"},
	} {
		if window.of > 0 {
			c.line("", "%s: %s", window.what, briefly(window.of))
		}
	}
	c.tellMarks(told)
	is, hit := verdict(told, m, left, now)
	c.line("so it is", "%s", is)
	return hit
}

// verdict says what an entry is for a client that asks for nothing in particular.
func verdict(told *entries.Told, m *rfc9111.Metadata, left time.Duration, now time.Time) (is string, hit bool) {
	use := m.Judge(&rfc9111.RequestDirectives{}, now)
	switch {
	case told.State == purge.Gone:
		return "a miss: it was purged, or its marks were lost", false
	case told.State == purge.Stale && !told.Entry.Lingers():
		return "a miss: it was purged softly, and is of no use stale", false
	case told.State == purge.Stale:
		return "stale: it was purged softly", false
	case m.NoCache:
		return "validated before each use: the response says no-cache (RFC 9111 §5.2.2.4)", false
	case use == rfc9111.Serve:
		return "a hit for another " + briefly(left), true
	case use == rfc9111.ServeAndRefresh:
		return "a stale hit, and refreshed in the background", true
	case m.MustRevalidate:
		return "stale, and validated: it must not be served stale (RFC 9111 §4.2.4)", false
	}
	return "stale since " + briefly(-left), false
}

// tellMarks tells what an entry stands on, and what purges have left of that.
func (c *command) tellMarks(told *entries.Told) {
	what := "stands on"
	for _, mark := range told.Marks {
		c.line(what, "%s: %s", mark.Scope, mark.State)
		what = ""
	}
}
