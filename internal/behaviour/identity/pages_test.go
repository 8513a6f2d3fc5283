package identity_test

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// traits are what tells requests apart: as a client sends them, or as a handler sees them.
type traits struct {
	authorization, cookie, tenant, kind string // header fields
	scheme, host                        string
	came                                string // the target as it came, with its query
	path                                string // as the route sees it
}

// user returns whom a request is from, "" for nobody in particular. Credentials and cookie never name two different ones.
func user(t traits) string {
	if name, ok := strings.CutPrefix(t.authorization, "Bearer "); ok {
		return name
	}
	return cookieUser(t)
}

// cookieUser returns whom the session's cookie names.
func cookieUser(t traits) string {
	name, _, _ := strings.Cut(sessions(t), " ")
	return name
}

// sessions returns the values of all cookies of the session, of which an attacker sends several.
func sessions(t traits) string {
	var values []string
	for pair := range strings.SplitSeq(t.cookie, "; ") {
		if value, ok := strings.CutPrefix(pair, "session="); ok {
			values = append(values, value)
		}
	}
	return strings.Join(values, " ")
}

func tenant(t traits) string { return t.tenant }
func kind(t traits) string   { return t.kind }

// someTenant returns the tenant for half of the kinds, as a part does that tells only some requests apart.
func someTenant(t traits) string {
	if len(t.kind)%2 == 0 {
		return ""
	}
	return t.tenant + "/" + t.kind
}

// nobody returns what a page for everybody shows.
func nobody(t traits) traits {
	t.authorization, t.cookie, t.tenant, t.kind = "", "", "", ""
	return t
}

// onlyUser returns what a page shows that is the same however the user has logged in.
func onlyUser(t traits) traits {
	name := user(t)
	t = nobody(t)
	t.authorization = "Bearer " + name
	return t
}

// field returns the request field of a name.
func (t traits) field(name string) string {
	switch name {
	case "Authorization":
		return t.authorization
	case "Cookie":
		return t.cookie
	case "X-Tenant":
		return t.tenant
	case "X-Kind":
		return t.kind
	}
	panic("behaviour: no page varies by " + name)
}

// query returns the query of a target.
func (t traits) query() string {
	_, query, _ := strings.Cut(t.came, "?")
	return query
}

// namespaces are those that routes put their responses in.
var namespaces = [...]string{"n1", "n2", "n3"}

// versions are those of the data that a page stands on: a change of the data raises one.
type versions struct {
	path, came, all int64 // of every host
	here, hereCame  int64 // of the page's own: a write changes these (RFC 9111 §4.4)
	spaces          [len(namespaces)]int64
}

// page is what a handler saw, and the data that it read, when it began. Its text stands in the body, in the tag and in a field
// of the answer, so that each of them tells whose page it is.
type page struct {
	route  string
	status int
	vary   string
	saw    traits
	read   versions
	run    string // the request that the handler ran for; "-" where answers of different runs are to be alike
	spoilt string // why nobody else may have it: the handler fails behind it, or the client wants nothing stored
}

// String returns the text of the page: no character of it needs quoting in an entity tag.
func (p *page) String() string {
	fields := []string{
		p.route, strconv.Itoa(p.status), p.vary, p.saw.authorization, p.saw.cookie, p.saw.tenant, p.saw.kind, p.saw.scheme,
		p.saw.host, p.saw.came, p.saw.path, p.run, p.spoilt,
	}
	for i, field := range fields {
		fields[i] = url.QueryEscape(field)
	}
	for _, version := range append([]int64{p.read.path, p.read.came, p.read.all, p.read.here, p.read.hereCame}, p.read.spaces[:]...) {
		fields = append(fields, strconv.FormatInt(version, 10))
	}
	return strings.Join(fields, "|")
}

// parsePage reads what page.String returned.
func parsePage(text string) (p page, err error) {
	numbers := []*int64{&p.read.path, &p.read.came, &p.read.all, &p.read.here, &p.read.hereCame}
	for i := range p.read.spaces {
		numbers = append(numbers, &p.read.spaces[i])
	}
	var status string
	words := []*string{
		&p.route, &status, &p.vary, &p.saw.authorization, &p.saw.cookie, &p.saw.tenant, &p.saw.kind, &p.saw.scheme,
		&p.saw.host, &p.saw.came, &p.saw.path, &p.run, &p.spoilt,
	}
	fields := strings.Split(text, "|")
	if len(fields) != len(words)+len(numbers) {
		return p, fmt.Errorf("%q is not the text of a page", text)
	}
	for i, word := range words {
		if *word, err = url.QueryUnescape(fields[i]); err != nil {
			return p, fmt.Errorf("%q is not the text of a page: %w", text, err)
		}
	}
	for i, number := range numbers {
		if *number, err = strconv.ParseInt(fields[len(words)+i], 10, 64); err != nil {
			return p, fmt.Errorf("%q is not the text of a page: %w", text, err)
		}
	}
	p.status, err = strconv.Atoi(status)
	return p, err
}

// bodyOf returns the body of the page with a text: its text, as often as makes for its size.
func bodyOf(text string, large bool) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(text))
	size := 300 + int(hash.Sum32()%3000)
	if large {
		size = 60_000
	}
	return strings.Repeat(text+"\n", 1+size/len(text))
}

// tagOf returns the entity tag of the page with a text.
func tagOf(text string) string { return `"` + text + `"` }

// scope is what a purge can name: a path, a namespace, or all.
type scope struct {
	version atomic.Int64 // of the data
	floor   atomic.Int64 // the version that was there before the last purge that has returned: nothing older may be served
}

// change changes the data, and returns the version that it then has.
func (s *scope) change() int64 { return s.version.Add(1) }

// purged notes that a purge has returned which came behind the change to a version.
func (s *scope) purged(version int64) {
	for {
		old := s.floor.Load()
		if old >= version || s.floor.CompareAndSwap(old, version) {
			return
		}
	}
}

// scopes are the data of an engine, or of several that share a store.
type scopes struct {
	known  sync.Map
	failed sync.Map // by request: the floors when its handler answered with an error
}

func (s *scopes) of(name string) *scope {
	if found, ok := s.known.Load(name); ok {
		return found.(*scope)
	}
	found, _ := s.known.LoadOrStore(name, new(scope))
	return found.(*scope)
}

func (s *scopes) path(path string) *scope      { return s.of("path " + path) }
func (s *scopes) on(host, path string) *scope  { return s.of("host " + host + " path " + path) }
func (s *scopes) namespace(name string) *scope { return s.of("namespace " + name) }
func (s *scopes) all() *scope                  { return s.of("all") }

// read returns the versions that there are for a path and a target on a host.
func (s *scopes) read(host, path, came string) versions {
	return s.each(host, path, came, func(one *scope) int64 { return one.version.Load() })
}

// floors returns the oldest versions that may be served from here on.
func (s *scopes) floors(host, path, came string) versions {
	return s.each(host, path, came, func(one *scope) int64 { return one.floor.Load() })
}

func (s *scopes) each(host, path, came string, number func(*scope) int64) (v versions) {
	v.path, v.came, v.all = number(s.path(path)), number(s.path(pathOf(came))), number(s.all())
	v.here, v.hereCame = number(s.on(host, path)), number(s.on(host, pathOf(came)))
	for i, name := range namespaces {
		v.spaces[i] = number(s.namespace(name))
	}
	return v
}

// pathOf returns the path of a target, as purges name it.
func pathOf(target string) string {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return target
	}
	return u.Path
}
