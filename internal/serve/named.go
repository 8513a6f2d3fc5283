package serve

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"slices"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/purge"
	"github.com/gin-cachette/cachette/internal/target"
)

// Purge is cachette.Purge.
type Purge struct {
	Paths      []string
	URLs       []string
	Prefixes   []string
	Namespaces []string
	Tags       []string
	Groups     []string
	Identities []string
	KeyParts   []string
	Everything bool
	Soft       bool
}

// mostTold is how many of the things that are wrong with a purge its error says: a client may have written the list.
const mostTold = 16

// Scopes returns the scopes of all that a purge names, or an error that has what is wrong with it.
func (s *Server) Scopes(p *Purge) (scopes []purge.Scope, err error) {
	var problems []error
	add := func(scope purge.Scope, problem error) {
		scopes = append(scopes, scope)
		if problem != nil {
			problems = append(problems, problem)
		}
	}
	for _, path := range p.Paths {
		name, problem := s.purgedPath(argument.PurgePath(path, s.HasPattern))
		add(purge.Scope{Kind: purge.Path, Name: name}, problem)
	}
	for _, given := range p.URLs {
		scope, problem := s.purgedURL(given)
		add(scope, problem)
	}
	for _, prefix := range p.Prefixes {
		name, problem := s.purgedPath(argument.PurgePrefix(prefix, s.HasPattern))
		if problem == nil && len(name) > purge.MaxPrefix {
			problem = fmt.Errorf("%w: the prefix %.32q… has %d bytes; give its first %d at most, which are more paths", argument.Err, prefix, len(name), purge.MaxPrefix)
		}
		add(purge.Scope{Kind: purge.Prefix, Name: name}, problem)
	}
	for _, namespace := range p.Namespaces {
		problem := argument.Namespace(namespace)
		if namespace == "" {
			problem = "the namespace is empty; name one, or flush the cache to remove everything"
		}
		add(purge.Scope{Kind: purge.Namespace, Name: namespace}, wrong(problem))
	}
	for _, tag := range p.Tags {
		add(s.entries.Tag(tag), wrong(argument.Tag(tag)))
	}
	for _, group := range p.Groups {
		host, name, problem := argument.Group(group)
		add(groupScope(target.Authority(host), name), problem)
	}
	for _, identity := range p.Identities {
		add(purge.Scope{Kind: purge.Identity, Name: target.Name(identity)}, named("identity", "alice", identity))
	}
	for _, part := range p.KeyParts {
		add(purge.Scope{Kind: purge.Part, Name: target.Name(part)}, named("part of the key", "acme", part))
	}
	if p.Everything {
		add(purge.Scope{Kind: purge.All}, nil)
	}
	if len(scopes) == 0 {
		return nil, fmt.Errorf("%w: the purge names nothing; name a path, say, or everything", argument.Err)
	}
	for i := range scopes {
		scopes[i].Soft = p.Soft
	}
	return scopes, some(problems)
}

// some returns an error that has the first problems, and says how many more there are.
func some(problems []error) error {
	if more := len(problems) - mostTold; more > 0 {
		problems = append(problems[:mostTold], fmt.Errorf("%w: %d more of what it names cannot be purged", argument.Err, more))
	}
	return errors.Join(problems...)
}

func (s *Server) purgedPath(u *url.URL, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return s.PurgedAs(u), nil
}

func (s *Server) purgedURL(given string) (purge.Scope, error) {
	u, err := argument.URL(&url.URL{}, given, "")
	if err != nil {
		return purge.Scope{}, err
	}
	path, err := s.purgedPath(argument.PurgePath(u.RequestURI(), s.HasPattern))
	return purge.OfHostPath(target.Authority(u.Host), path), err
}

// wrong returns the error that says what is wrong, or nil for nothing.
func wrong(problem string) error {
	if problem == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", argument.Err, problem)
}

// named returns an error for a name that is empty, which names nothing.
func named(what, example, name string) error {
	if name != "" {
		return nil
	}
	return fmt.Errorf("%w: the %s is empty, for which nothing is stored; name one, as %q", argument.Err, what, example)
}

// OnPurge has hear told what is purged from here on.
func (s *Server) OnPurge(hear func(Purge)) {
	for {
		before, all := s.hears.Load(), []func(Purge){hear}
		if before != nil {
			all = append(slices.Clone(*before), hear)
		}
		if s.hears.CompareAndSwap(before, &all) {
			return
		}
	}
}

// unheard is the key of a context in which no caller of a purge gets its error.
type unheard struct{}

// Unheard returns a context for a purge whose error no caller gets: it is logged.
func Unheard(ctx context.Context) context.Context { return context.WithValue(ctx, unheard{}, true) }

// LogUnheard logs the error of a purge, if it has one, where no caller gets it.
func (s *Server) LogUnheard(ctx context.Context, err error) {
	if err != nil && ctx.Value(unheard{}) != nil {
		s.log.Warn("cachette: a purge by the invalidation endpoint was not carried out whole", "error", err)
	}
}

// Purged tells the functions of OnPurge what was purged, each by slices of its own. A panic of one concerns nothing else, and is logged.
func (s *Server) Purged(p Purge) {
	hears := s.hears.Load()
	if hears == nil {
		return
	}
	for _, hear := range *hears {
		func() {
			defer func() {
				if panicked := recover(); panicked != nil {
					s.log.Error("cachette: a function of OnPurge panicked", "panic", panicked, "stack", string(debug.Stack()))
				}
			}()
			hear(p.clone())
		}()
	}
}

func (p Purge) clone() Purge {
	for _, list := range []*[]string{&p.Paths, &p.URLs, &p.Prefixes, &p.Namespaces, &p.Tags, &p.Groups, &p.Identities, &p.KeyParts} {
		*list = slices.Clone(*list)
	}
	return p
}
