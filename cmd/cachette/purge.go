package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/config"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/target"
)

const purgeHelp = `Removes what is named, in all processes that have this store and key prefix, as the methods of the cache do:

	path /products/7          pages of the path: of every host, query and variant
	url https://host/path     those of one host
	prefix /blog/             of all paths that begin so
	namespace shop            of the routes that WithNamespace put there, and values of Remember
	tag product:42            of one service: what Invalidate does
	group https://host#name   of one origin (Cache-Groups, RFC 9875)
	identity alice            pages of one user, as WithIdentity names them
	part acme                 pages with this part of the key (WithKeyPart)
	key user:42               a value, of Put or of Remember of one service: what Delete does
	all                       all pages, and values of Remember; with -values also those of Put, which others may have written

Several names of a kind may follow. Paths are escaped as in a URL. The kinds that may remove everything ask before they do; -yes answers.
A name that begins with a dash stands behind "--".
`

// kind is one of the things that are purged.
type kind struct {
	name, words string
	ofService   bool // it is of one service
	put         func(p *cachette.Purge, names []string)
}

var kinds = []kind{
	{name: "path", words: "pages of the path %s, of every host", put: func(p *cachette.Purge, names []string) { p.Paths = names }},
	{name: "url", words: "pages of %s, of all queries", put: func(p *cachette.Purge, names []string) { p.URLs = names }},
	{name: "prefix", words: "pages of all paths that begin with %s, of every host", put: func(p *cachette.Purge, names []string) { p.Prefixes = names }},
	{name: "namespace", words: "pages, and values of Remember, in the namespace %s", put: func(p *cachette.Purge, names []string) { p.Namespaces = names }},
	{name: "tag", words: "pages and values with the tag %s", ofService: true, put: func(p *cachette.Purge, names []string) { p.Tags = names }},
	{name: "group", words: "pages of the group %s", put: func(p *cachette.Purge, names []string) { p.Groups = names }},
	{name: "identity", words: "pages of the user %s", put: func(p *cachette.Purge, names []string) { p.Identities = names }},
	{name: "part", words: "pages with the part of the key %s", put: func(p *cachette.Purge, names []string) { p.KeyParts = names }},
	{name: "key", words: "the value under the key %s", ofService: true},
	{name: "all", words: "ALL pages, and all values of Remember", put: func(p *cachette.Purge, _ []string) { p.Everything = true }},
}

// purging is a purge that was asked for.
type purging struct {
	kind   kind
	names  []string
	soft   bool
	values bool
	yes    bool
}

// purge returns the command of that name.
func (c *command) purge() func(ctx context.Context, args []string) error {
	var p purging
	c.flags.BoolVar(&p.soft, "soft", false, "make stale what is named, in place of removing it")
	c.flags.BoolVar(&p.values, "values", false, "of all: the values of Put, too")
	c.flags.BoolVar(&p.yes, "yes", false, "do not ask")
	return func(ctx context.Context, args []string) error {
		if err := p.read(args); err != nil {
			return err
		}
		why := ""
		if p.kind.ofService {
			why = "A " + p.kind.name + " is that of a service."
		}
		cfg, err := c.configured(why)
		if err != nil {
			return err
		}
		c.tellStore(cfg)
		if p.kind.ofService {
			c.line("service", "%s", serviceOf(cfg))
		} else {
			c.line("service", "every one that has this key prefix")
		}
		c.line("removes", "%s", p.words())
		if p.everything() {
			if err := c.confirm(p.yes); err != nil {
				return err
			}
		}
		return c.carryOut(ctx, cfg, &p)
	}
}

// read reads what is to be purged.
func (p *purging) read(args []string) error {
	var all []string
	for _, k := range kinds {
		all = append(all, k.name)
		if len(args) > 0 && args[0] == k.name {
			p.kind, p.names = k, args[1:]
		}
	}
	if len(args) == 0 {
		return usage("purge: say what: " + strings.Join(all, ", ") + "; cachette purge -h has an example of each")
	}
	isAll := p.kind.name == "all"
	switch {
	case p.kind.name == "":
		return usage(fmt.Sprintf("purge: %s is none of the things that are purged: %s", quoted(args[0]), strings.Join(all, ", ")))
	case isAll && len(p.names) > 0:
		return usage("purge all: nothing follows it; " + quoted(p.names[0]) + " does")
	case !isAll && len(p.names) == 0:
		return usage("purge " + p.kind.name + ": name one or more")
	case p.values && !isAll:
		return usage("purge -values is for all; a value is purged by its key")
	case p.soft && (p.kind.name == "key" || p.values):
		return usage("purge -soft: values of Put have no stale form; leave -soft out")
	}
	return nil
}

// everything tells whether it may remove all there is.
func (p *purging) everything() bool {
	if p.kind.name == "prefix" {
		for _, name := range p.names {
			if strings.Trim(name, "/") == "" {
				return true
			}
		}
	}
	return p.kind.name == "all"
}

// words says what is removed.
func (p *purging) words() string {
	var names []string
	for _, name := range p.names {
		names = append(names, quoted(name))
	}
	text := p.kind.words
	if len(names) > 0 {
		text = fmt.Sprintf(text, strings.Join(names, ", "))
	}
	if p.values {
		text = "ALL pages, all values of Remember, and all values of Put"
	}
	if p.soft {
		text += ": softly, they become stale"
	}
	return text
}

// confirm asks a person whether to go on.
func (c *command) confirm(yes bool) error {
	if yes {
		return nil
	}
	if !c.asks {
		return usage("nothing is removed: there is no terminal to ask on; -yes says that it is meant")
	}
	c.printf("Every page is made anew then, by its handler. Go on? Type yes: ")
	answer, _ := bufio.NewReader(c.in).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return usage("nothing is removed: the answer is not yes")
	}
	return nil
}

// carryOut purges, as a program with the same Config does, and tells what came of it.
func (c *command) carryOut(ctx context.Context, cfg config.Config, p *purging) (err error) {
	stood := c.standing(ctx, cfg, p)
	cache, err := install(cfg)
	if err != nil {
		return err
	}
	begin, removed := time.Now(), 0
	switch {
	case p.kind.name == "key":
		removed, err = cache.Delete(ctx, p.names...)
	case p.values:
		err = cache.Flush(ctx)
	default:
		named := cachette.Purge{Soft: p.soft}
		p.kind.put(&named, p.names)
		err = cache.Purge(ctx, named)
	}
	err = named(cfg, err)
	took := time.Since(begin)
	if closing := cache.Close(); err == nil {
		err = closing
	}
	switch {
	case errors.Is(err, cachette.ErrInvalid):
		return usage(strings.TrimPrefix(err.Error(), "cachette: "))
	case errors.Is(err, cachette.ErrOwed): // which a program would go on trying, and this one does not
		return fmt.Errorf("it is not removed everywhere, since the store does not take it: purge it again once the store is back: %w", errors.Unwrap(err))
	case err != nil:
		return err
	}
	c.line("done", "in %s", briefly(took))
	if p.kind.name == "key" {
		c.line("", "%d of Put, of %d", removed, len(p.names))
	}
	for _, name := range stood.none {
		c.line("", "nothing stood on %s: is that the name, %s?", quoted(name), stood.ask)
	}
	return nil
}

// stood is what nothing stood on before a purge.
type stood struct {
	none []string
	ask  string
}

// standing looks, before a purge, whether something stands on what is named: a person who mistypes a name, or has another service or prefix, is told.
// What cannot be looked at is not told of.
func (c *command) standing(ctx context.Context, cfg config.Config, p *purging) (s stood) {
	var of func(r *reader, name string) purge.Scope
	s.ask = "and the store and its key prefix"
	switch p.kind.name {
	case "tag":
		of = func(r *reader, name string) purge.Scope { return r.entries.Tag(name) }
		s.ask += ", and the service"
	case "path":
		of = func(_ *reader, name string) purge.Scope { return purge.Scope{Kind: purge.Path, Name: pathOf(name)} }
	case "namespace":
		of = func(_ *reader, name string) purge.Scope { return purge.Scope{Kind: purge.Namespace, Name: name} }
	case "identity":
		of = func(_ *reader, name string) purge.Scope {
			return purge.Scope{Kind: purge.Identity, Name: target.Name(name)}
		}
	case "part":
		of = func(_ *reader, name string) purge.Scope {
			return purge.Scope{Kind: purge.Part, Name: target.Name(name)}
		}
	default:
		return s
	}
	r, err := open(cfg)
	if err != nil {
		return s
	}
	defer r.close()
	scopes := make([]purge.Scope, len(p.names))
	for i, name := range p.names {
		scopes[i] = of(r, name)
	}
	there, err := r.entries.Standing(ctx, scopes...)
	if err != nil {
		return s
	}
	for i, name := range p.names {
		if !there[i] {
			s.none = append(s.none, name)
		}
	}
	return s
}

// pathOf returns a path without its escapes, as a mark has it.
func pathOf(escaped string) string {
	if u, err := url.ParseRequestURI(escaped); err == nil {
		return u.Path
	}
	return escaped
}
