package cachettetest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/gin-cachette/cachette"
)

// User is one of those who ask for a page: what a client sends that makes it that user's.
type User struct {
	name   string
	fields []string
	mark   string
}

// As returns a user by a name, for messages, and the fields that the client sends: As("ann", "Cookie: session=1").
func As(name string, fields ...string) User { return User{name: name, fields: fields} }

// Marked returns the user with a text that each of the user's own pages has, in the body or a field, and no page of another user: for pages that
// are another each time, which cannot be compared.
func (u User) Marked(mark string) User {
	u.mark = mark
	return u
}

// SharedBetween fails the test unless a page that was made for either of two users answers the other: the key has nothing in it that tells them
// apart. It purges the path of the page.
func (e *Engine) SharedBetween(target string, a, b User) {
	e.t.Helper()
	for _, pair := range [][2]User{{a, b}, {b, a}} {
		e.forget(target, false)
		first := e.ask(target, pair[0].fields...)
		if first.Hit() {
			e.t.Errorf("%s %s is a hit for %s though its path was purged: %s", e.method(), target, pair[0].name, first.how())
		}
		if second := e.ask(target, pair[1].fields...); !second.Hit() {
			e.t.Errorf("%s %s: the page made for %s (%s) does not answer %s: %s", e.method(), target, pair[0].name, first.how(), pair[1].name, second.how())
		}
	}
}

// NeverShared fails the test if a page that was made for one of the users is given to another, and says whose page was given to whom, and how it came
// about. What each user is to have it learns from the handler, with nothing stored. Then they ask behind each other, in all pairs: for the page, its
// header, ranges of it, with the entity tag of the other one, for what is stored alone and for what is stale, behind a soft purge, and all at once. They
// ask by GET and HEAD, unless [Engine.By] says otherwise.
//
// The pages of two users have to differ, or nothing can be told: a user whose page is another each time is [User.Marked]. The test also fails where
// they do not. It purges the path of the page, and nothing else.
func (e *Engine) NeverShared(target string, users ...User) {
	e.t.Helper()
	if len(users) < 2 {
		e.t.Errorf("NeverShared(%q): give two users or more", target)
		return
	}
	s := &shared{e: e, target: target, told: make(map[string]bool)}
	if !s.learn(users) {
		return
	}
	for _, first := range s.owners {
		for _, second := range s.owners {
			if first != second {
				s.behind(first, second)
			}
		}
	}
	for range atOnce {
		e.forget(target, false)
		s.together()
		s.together() // with something stored
	}
}

const atOnce = 10 // times that all users ask together

// shared is a run of NeverShared.
type shared struct {
	e      *Engine
	target string
	owners []*owner

	mu   sync.Mutex
	told map[string]bool
}

// owner is a user, and what is that user's own.
type owner struct {
	User
	page   Answer
	steady http.Header // the fields that are the same each time
	tags   []string    // the entity tags that the page had
}

// variable are the fields that say nothing of whose page it is: they change with time, or are the cache's own.
var variable = []string{"Age", "Date", "Cache-Status", "Etag", "Content-Length", "Content-Range", "Accept-Ranges", "Expires"}

// learn gets each user's page with nothing stored, and tells whether they can be told apart.
func (s *shared) learn(users []User) bool {
	s.e.t.Helper()
	for _, u := range users {
		o := &owner{User: u, steady: make(http.Header)}
		var pages [2]Answer
		for i := range pages {
			s.e.forget(s.target, false)
			pages[i] = s.e.ask(s.target, u.fields...)
			o.note(pages[i])
			o.note(s.e.ask(s.target, u.fields...)) // what is stored may have an entity tag of the cache's
		}
		o.page = pages[0]
		for name, values := range pages[0].Header {
			if slices.Equal(values, pages[1].Header[name]) && !slices.Contains(variable, name) {
				o.steady[name] = values
			}
		}
		switch {
		case u.mark == "" && (pages[0].Body != pages[1].Body || pages[0].Status != pages[1].Status):
			s.e.t.Errorf("%s %s: the page of %s is another each time, so whose it is cannot be told: say by As(…).Marked(…) what its own page has", s.e.method(), s.target, u.name)
			return false
		case u.mark != "" && !o.page.has(u.mark):
			s.e.t.Errorf("%s %s: the page of %s does not have its mark %q", s.e.method(), s.target, u.name, u.mark)
			return false
		}
		for _, other := range s.owners {
			if other.owns(&o.page) && o.owns(&other.page) || other.marks(&o.page) || o.marks(&other.page) {
				s.e.t.Errorf("%s %s: %s and %s get the same page without a cache (%d, %.60q), so whose it is cannot be told: give users whose pages differ",
					s.e.method(), s.target, other.name, u.name, o.page.Status, o.page.Body)
				return false
			}
		}
		s.owners = append(s.owners, o)
	}
	return true
}

// note notes the entity tag of a page that is a user's own. What is stored may be another's: then it is not.
func (o *owner) note(a Answer) {
	if tag := a.Header.Get("Etag"); tag != "" && (o.page.Status == 0 || o.owns(&a)) && !slices.Contains(o.tags, tag) {
		o.tags = append(o.tags, tag)
	}
}

// has tells whether a page has a text, in its body or a field.
func (a *Answer) has(text string) bool {
	if strings.Contains(a.Body, text) {
		return true
	}
	for _, values := range a.Header {
		if strings.Contains(strings.Join(values, "\n"), text) {
			return true
		}
	}
	return false
}

// marks tells whether a page has the user's mark.
func (o *owner) marks(a *Answer) bool { return o.mark != "" && a.has(o.mark) }

// owns tells whether a whole page is one of the user's.
func (o *owner) owns(a *Answer) bool {
	if o.mark != "" {
		return a.has(o.mark)
	}
	return a.Status == o.page.Status && a.Body == o.page.Body && o.ownsHeader(a.Header)
}

// ownsHeader tells whether a header has what that of the user's page has each time.
func (o *owner) ownsHeader(h http.Header) bool {
	for name, values := range o.steady {
		if !slices.Equal(h[name], values) {
			return false
		}
	}
	return true
}

// behind has one user ask behind another, in each way, with the other's page stored: as it is, and purged softly.
func (s *shared) behind(first, second *owner) {
	s.e.t.Helper()
	ways := [][]string{
		nil,
		{"Range: bytes=1-"},
		{"Range: bytes=-4"},
		{"If-None-Match: "}, // with the tag of the other's page
		{"Cache-Control: max-stale"},
		{"Cache-Control: only-if-cached, max-stale"},
	}
	for _, soft := range []bool{false, true} {
		for _, fields := range ways {
			s.pair(first, second, soft, s.e.method(), fields, s.e.ask)
		}
		if s.e.method() == http.MethodGet {
			s.pair(first, second, soft, http.MethodHead, nil, func(target string, fields ...string) Answer { return s.e.Do(http.MethodHead, target, fields...) })
		}
	}
}

// pair has one user ask in one way behind another.
func (s *shared) pair(first, second *owner, soft bool, method string, fields []string, ask func(target string, fields ...string) Answer) {
	s.e.t.Helper()
	s.e.forget(s.target, false)
	s.check(first, s.e.method(), nil, "with nothing stored", s.e.ask(s.target, first.fields...))
	kept := s.e.ask(s.target, first.fields...) // which may bring it near
	s.check(first, s.e.method(), nil, "with the own page stored", kept)
	when := "behind " + first.name
	if soft {
		s.e.forget(s.target, true)
		when += ", whose page is stale by then"
	}
	if len(fields) == 1 && fields[0] == "If-None-Match: " {
		fields = []string{fields[0] + kept.Header.Get("Etag")}
	}
	s.check(second, method, fields, when, ask(s.target, slices.Concat(second.fields, fields)...))
	s.check(first, s.e.method(), nil, "behind "+second.name, s.e.ask(s.target, first.fields...))
}

// together has all users ask at once, and then waits until what they have made is stored.
func (s *shared) together() {
	s.e.t.Helper()
	begin := make(chan struct{})
	var wait sync.WaitGroup
	answers := make([]Answer, 2*len(s.owners))
	for i := range answers {
		wait.Go(func() {
			<-begin
			answers[i] = s.e.askAlone(s.target, s.owners[i%len(s.owners)].fields...)
		})
	}
	close(begin)
	wait.Wait()
	_ = s.e.Cache.Settle(s.e.t.Context())
	for i := range answers {
		s.check(s.owners[i%len(s.owners)], s.e.method(), nil, "when all ask at once", answers[i])
	}
}

// check fails the test unless an answer is one that the user may have.
func (s *shared) check(o *owner, method string, fields []string, when string, a Answer) {
	s.e.t.Helper()
	if method == s.e.method() && len(fields) == 0 && o.owns(&a) {
		o.note(a)
	}
	for _, other := range s.owners {
		if other != o && other.isGiven(method, &a, o) {
			s.tell(o.name+" "+other.name, "%s %s: %s was given the page of %s: %s%s%s; %s. What tells them apart is not in the key: see WithIdentity, WithCookie, "+
				"WithVary and WithKeyPart, or have the handler say private", s.e.method(), s.target, o.name, other.name, method, asked(fields), when, a.how())
			return
		}
	}
	if method == s.e.method() && len(fields) == 0 && !o.owns(&a) {
		s.tell(o.name, "%s %s: %s was given a page that is of none of the users: %s%s%s; %s, %.60q", s.e.method(), s.target, o.name, method, asked(fields), when, a.how(), a.Body)
	}
}

func asked(fields []string) string {
	if len(fields) == 0 {
		return " "
	}
	return fmt.Sprintf(" with %q ", fields)
}

// tell fails the test, once for each pair of users.
func (s *shared) tell(once, format string, args ...any) {
	s.e.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.told[once] {
		s.told[once] = true
		s.e.t.Errorf(format, args...)
	}
}

// isGiven tells whether an answer to another user is, or tells of, this user's page, and not of the other's own.
func (o *owner) isGiven(method string, a *Answer, to *owner) bool {
	if tag := a.Header.Get("Etag"); tag != "" && slices.Contains(o.tags, tag) && !slices.Contains(to.tags, tag) {
		return true
	}
	if o.mark != "" || to.marks(a) {
		return o.marks(a)
	}
	switch {
	case a.Status == http.StatusPartialContent:
		mine, other := partOf(a, o.page.Body), partOf(a, to.page.Body)
		return mine && !other || mine && o.ownsHeader(a.Header) && !to.ownsHeader(a.Header)
	case a.Status == http.StatusNotModified, method == http.MethodHead:
		return a.Hit() && o.ownsHeader(a.Header) && !to.ownsHeader(a.Header)
	}
	return o.owns(a) && !to.owns(a)
}

// partOf tells whether an answer in part is one of a body.
func partOf(a *Answer, body string) bool {
	var from, last, whole int
	if _, err := fmt.Sscanf(a.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &last, &whole); err != nil {
		return false
	}
	return whole == len(body) && from <= last && last < whole && body[from:last+1] == a.Body
}

// forget purges the path of a page.
func (e *Engine) forget(target string, soft bool) {
	e.t.Helper()
	path, _, _ := strings.Cut(target, "?")
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		path = u.EscapedPath()
	}
	if err := e.Cache.Purge(context.WithoutCancel(e.t.Context()), cachette.Purge{Paths: []string{path}, Soft: soft}); err != nil {
		e.t.Fatal(err)
	}
}
