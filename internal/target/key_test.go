package target_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/target"
)

// request returns a request as the server would make it of a request line's target and a host.
func request(t testing.TB, target, host string) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Request{Method: http.MethodGet, URL: u, Host: host, RequestURI: target}
}

// key returns the key of a request that is not one over TLS.
func key(s *target.Scheme, r *http.Request, part string) string {
	return s.Target(r, false, target.Said{Part: part}).Key
}

// TestKey pins the format, since stores are shared and outlive a program: to change it is to lose what they hold.
func TestKey(t *testing.T) {
	scheme := func(namespace string, query target.Query, params ...string) target.Scheme {
		return target.NewScheme(target.Route{Prefix: "p:", Namespaces: namespaces(namespace), Query: query, Params: params})
	}
	for _, test := range []struct {
		name   string
		scheme target.Scheme
		target string
		host   string
		part   string
		want   string
	}{
		{"a path", scheme("", target.WholeQuery), "/a", "h", "", "p:~r:hq//h/a"},
		{"a query", scheme("", target.WholeQuery), "/a?b=c", "h", "", "p:~r:hq//h/a?b=c"},
		{"a query with a number sign", scheme("", target.WholeQuery), "/a?b#c", "h", "", "p:~r:hq//h/a?b##c"},
		{"a namespace", scheme("n", target.WholeQuery), "/a", "h", "", "p:n:~r:hq//h/a"},
		{"no query wanted", scheme("", target.NoQuery), "/a?b=c", "h", "", "p:~r:hp//h/a"},
		{"a parameter wanted", scheme("", target.ListedOnly, "b"), "/a?b=c&d=e", "h", "", "p:~r:hldU__5q7EF2_cGSES//h/a?b=c"},
		{"several parameters wanted", scheme("", target.ListedOnly, "b", "a", ""), "/a?=&b=c&a=d", "h", "",
			"p:~r:hl_Ls8Hb7B57fVLS5A//h/a?=&a=d&b=c"},
		{"a parameter of nothing", scheme("", target.ListedOnly, ""), "/?=", "h", "", "p:~r:hllR3O46ek86rGfsdq//h/?="},
		{"a part", scheme("", target.WholeQuery), "/a", "h", "x", "p:~r:hq+LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE//h/a"},
		{"a host and a port", scheme("", target.WholeQuery), "/a", "Example.AZ:8080", "", "p:~r:hq//Example.AZ:8080/a"},
		{"an address", scheme("", target.WholeQuery), "/a", "[::1]:80", "", "p:~r:hq//[::1]:80/a"},
		{"no host", scheme("", target.WholeQuery), "/a", "", "", "p:~r:hq///a"},
		{"a host of another route's form", scheme("", target.WholeQuery), "/a", "h/a?b#c%", "",
			"p:~r:hq//h%2fa%3fb%23c%25/a"},
		{"no path", scheme("", target.WholeQuery), "*", "h", "", "p:~r:hq//h%!%!*"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := key(&test.scheme, request(t, test.target, test.host), test.part); got != test.want {
				t.Errorf("the key is\n%s, want\n%s", got, test.want)
			}
		})
	}
	for _, test := range []struct {
		name  string
		route target.Route
		tls   bool
		said  target.Said
		want  string
	}{
		{name: "TLS", tls: true, want: "p:~r:sq//h/a"},
		{name: "inside of another", route: target.Route{Depth: 1}, want: "p:~r:hqn//h/a"},
		{name: "inside of two, over TLS", route: target.Route{Depth: 2}, tls: true, want: "p:~r:sqnn//h/a"},
		{name: "parameters that are ignored", route: target.Route{Ignored: []string{"b", "a", "b"}}, want: "p:~r:hqicG72UKYXiZ2DQYbG//h/a"},
		{name: "a sorted query", route: target.Route{Sorted: true, Depth: 1}, want: "p:~r:hqon//h/a"},
		{name: "several namespaces", route: target.Route{Namespaces: []string{"n", "o"}}, want: "p:n:~r:hq//h/a"},
		{name: "a service", route: target.Route{Service: target.Service("shop", "")}, want: "p:~r:hq@C8tI_huF//h/a"},
		{name: "an identity", said: target.Said{Identity: "x"}, want: "p:~r:hq!LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE//h/a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.route.Prefix, test.route.Query = "p:", target.WholeQuery
			s := target.NewScheme(test.route)
			if got := s.Target(request(t, "/a", "h"), test.tls, test.said).Key; got != test.want {
				t.Errorf("the key is %s, want %s", got, test.want)
			}
		})
	}
	t.Run("variants and parts", func(t *testing.T) {
		for got, want := range map[string]string{
			target.Variant("k", ""): "k", target.Variant("k", "v"): "k#v", target.Target{Key: "k"}.Part().Key: "k#p",
			target.Target{Key: target.Variant("k", "v")}.Part().Key: "k#v#p", target.Marks("p:") + "m": "p:~r:m",
		} {
			if got != want {
				t.Errorf("the key is %s, want %s", got, want)
			}
		}
	})
}

// TestDifferentTargets holds that requests whose targets differ have different keys: pairs that caches have mixed up.
func TestDifferentTargets(t *testing.T) {
	for _, test := range []struct {
		name string
		a, b string
	}{
		{"an escaped slash", "/a%2Fb", "/a/b"},
		{"an escaped escape", "/a%252Fb", "/a%2Fb"},
		{"an escaped slash, where another byte is not escaped as it should be", "/a%2Fb{", "/a/b{"},
		{"the same, beside one where it is", "/a%2Fb{", "/a/b%7B"},
		{"the same, beyond ASCII", "/a%2Fbä", "/a/bä"},
		{"a byte that is not escaped as it should be", "/a{", "/a%7B"},
		{"the case of an escape", "/%c3%a4", "/%C3%A4"},
		{"an escape that need not be", "/%61", "/a"},
		{"a slash at the end", "/a/", "/a"},
		{"two slashes", "//a", "/a"},
		{"the case of a path", "/A", "/a"},
		{"an escaped question mark", "/a%3Fb", "/a?b"},
		{"an escaped number sign", "/a%23b", "/a#b"},
		{"a number sign in the path or the query", "/a#b?c", "/a?b#c"},
		{"an escaped ampersand", "/?a=1%26b=2", "/?a=1&b=2"},
		{"an escaped equals sign", "/?a%3Db=", "/?a=b="},
		{"a plus", "/?a=+", "/?a=%2B"},
		{"a plus and a space", "/?a=+", "/?a=%20"},
		{"a parameter without a value", "/?x", "/?x="},
		{"an empty query", "/?", "/"},
		{"order", "/?a=1&b=2", "/?b=2&a=1"},
		{"repetition", "/?a=1&a=1", "/?a=1"},
		{"a semicolon", "/?a=1;b=2", "/?a=1&b=2"},
		{"another question mark", "/?a?b", "/?a%3Fb"},
		{"a number sign in the query", "/?a#b", "/?a%23b"},
		{"two number signs in the query", "/?a##b", "/?a#b"},
		{"a number sign in the query, and the question mark elsewhere", "/a?b#c", "/ab?#c"},
		{"an empty query and one of a number sign", "/?#", "/?"},
		{"no path", "http:x", "http:y"},
		{"no path, and what looks like one", "http:x/y", "http:x%2Fy"},
		{"no path, with a query", "http:x?y", "http:y?x"},
		{"no path and the root", "http://h", "/"},
		{"a star and no path", "*", "http://h"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := target.NewScheme(target.Route{Query: target.WholeQuery})
			if a, b := key(&s, request(t, test.a, "h"), ""), key(&s, request(t, test.b, "h"), ""); a == b {
				t.Errorf("%s and %s have the key %s", test.a, test.b, a)
			}
		})
	}
}

// TestSameTargets holds that the ways to write one request have one key.
func TestSameTargets(t *testing.T) {
	s := target.NewScheme(target.Route{Query: target.WholeQuery})
	want := key(&s, request(t, "/a?b", "example.com"), "")
	for name, r := range map[string]*http.Request{
		"another method":        {Method: http.MethodHead, URL: &url.URL{Path: "/a", RawQuery: "b"}, Host: "example.com"},
		"a raw path of no need": {URL: &url.URL{Path: "/a", RawPath: "/a", RawQuery: "b"}, Host: "example.com"},
	} {
		if got := key(&s, r, ""); got != want {
			t.Errorf("%s makes the key %s, not %s", name, got, want)
		}
	}
}

// A request whose target came in another form than its route sees it has a key of its own (RFC 9112 §3.2, RFC 9110 §7.1), and
// tells the path that came. A query that the route does not key by makes no difference.
func TestTargetsAsTheyCame(t *testing.T) {
	for _, test := range []struct {
		name       string
		line, sees string // the target on the request line, and the URL that the route sees
		query      target.Query
		own        bool   // the key is another than that of a request which came as the route sees it
		came       string // the path, where it is another
	}{
		{"as it is seen", "/a?b", "/a?b", target.WholeQuery, false, ""},
		{"escaped as the client did", "/a%2Fb{?c", "/a%2Fb{?c", target.WholeQuery, false, ""},
		{"an empty query", "/a?", "/a?", target.WholeQuery, false, ""},
		{"a prefix less", "/app/a?b", "/a?b", target.WholeQuery, true, "/app/a"},
		{"an escaped prefix less", "/%61pp/a", "/a", target.WholeQuery, true, "/app/a"},
		{"a slash that was unescaped", "/a%2Fb", "/a/b", target.WholeQuery, true, ""},
		{"a query less", "/a?b&c", "/a?b", target.WholeQuery, true, ""},
		{"a query less, without a query in the key", "/a?b&c", "/a?b", target.NoQuery, false, ""},
		{"a query less, with some of it in the key", "/a?b&c", "/a?b", target.ListedOnly, false, ""},
		{"a listed parameter less", "/a?b=1&c", "/a?c", target.ListedOnly, true, ""},
		{"a listed parameter more", "/a", "/a?b=1", target.ListedOnly, true, ""},
		{"another value of a listed parameter", "/a?b=1", "/a?b=2", target.ListedOnly, true, ""},
		{"the same value of a listed parameter, escaped", "/a?b=%31", "/a?b=1", target.ListedOnly, false, ""},
		{"a query less that cannot be read", "/a?b=1&;", "/a?b=1", target.ListedOnly, true, ""},
		{"another value of a parameter, without a query in the key", "/a?b=1", "/a?b=2", target.NoQuery, false, ""},
		{"a prefix and a query less, without a query in the key", "/app/a?b&c", "/a?b", target.NoQuery, true, "/app/a"},
		{"an absolute form (RFC 9112 §3.2.2)", "http://h/a?b", "http://h/a?b", target.WholeQuery, true, ""},
		{"an absolute form that was rewritten", "http://h/app/a", "http://h/a", target.WholeQuery, true, "/app/a"},
		{"what cannot be read", "::", "/a", target.WholeQuery, true, ""},
		{"nothing, as in a request that a test has made", "", "/a", target.WholeQuery, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := target.NewScheme(target.Route{Query: test.query, Params: []string{"b"}})
			r := request(t, test.sees, "h")
			r.RequestURI = test.line
			plain := r.Clone(t.Context())
			plain.URL.Scheme, plain.URL.Host = "", ""
			plain.RequestURI = strings.TrimPrefix(test.sees, "http://h")
			got, without := s.Target(r, false, target.Said{}), s.Target(plain, false, target.Said{})
			if own := got.Key != without.Key; own != test.own || got.Came != test.came || got.Path != plain.URL.Path {
				t.Errorf("the target is %+v, beside one of %s", got, without.Key)
			}
		})
	}
	t.Run("two prefixes", func(t *testing.T) {
		s := target.NewScheme(target.Route{Query: target.NoQuery})
		came := func(line, sees string) string {
			r := request(t, sees, "h")
			r.RequestURI = line
			return key(&s, r, "")
		}
		if a, b, c := came("/x/a?q=1", "/a?q=1"), came("/y/a?q=1", "/a?q=1"), came("/x/a?q=2", "/a?q=2"); a == b || a != c {
			t.Errorf("the keys are %s, %s, %s", a, b, c)
		}
		if a, b := came("/x/a?q=1", "/a"), came("/x/a?q=2", "/a"); a == b {
			t.Errorf("where the rewrite of the path has taken the query, the key of both is %s", a)
		}
	})
}

// TestListedAsTheyCame holds that both count, the listed parameters that came and those that a middleware has left: gin keeps the
// query that a handler asks for from the first time that one is asked for.
func TestListedAsTheyCame(t *testing.T) {
	s := target.NewScheme(target.Route{Query: target.ListedOnly, Params: []string{"a", "b"}})
	seen := map[string]string{}
	for _, line := range []string{"/p", "/p?a=1", "/p?a=2", "/p?b=1", "/p?a=1&b=1", "/p?a=?a", "/p?;", "http://h/p", "http://h/p?a=1", "http://h/p?a=2"} {
		for _, sees := range []string{"/p", "/p?a=1", "/p?a=2", "/p?b=1", "/p?;"} {
			r := request(t, sees, "h")
			r.RequestURI = line
			got, name := key(&s, r, ""), line+" seen as "+sees
			if other, ok := seen[got]; ok {
				t.Errorf("%s, %s: the key of both is %s", other, name, got)
			}
			seen[got] = name
		}
	}
}

// TestRestOfTheURL holds that what a middleware writes into the URL beside path and query counts, each part of it.
func TestRestOfTheURL(t *testing.T) {
	s := target.NewScheme(target.Route{Query: target.NoQuery})
	seen := map[string]string{}
	for name, set := range map[string]func(*url.URL){
		"nothing": func(*url.URL) {}, "a host": func(u *url.URL) { u.Host = "a" }, "another host": func(u *url.URL) { u.Host = "b" },
		"a scheme": func(u *url.URL) { u.Scheme = "a" }, "a user": func(u *url.URL) { u.User = url.User("a") },
		"a user of no name": func(u *url.URL) { u.User = url.User("") }, "a fragment": func(u *url.URL) { u.Fragment = "a" },
		"a password": func(u *url.URL) { u.User = url.UserPassword("a", "b") }, "an opaque part": func(u *url.URL) { u.Opaque = "a" },
	} {
		r := request(t, "/p", "h")
		r.RequestURI = "/p"
		set(r.URL)
		got := key(&s, r, "")
		if other, ok := seen[got]; ok {
			t.Errorf("%s, %s: the key of both is %s", other, name, got)
		}
		if strings.Contains(got, "b@") || strings.Contains(got, ":b") {
			t.Errorf("%s: a password in the key %s", name, got)
		}
		seen[got] = name
	}
}

// TestRewrittenPath holds that the path which the handlers see counts, whatever a middleware leaves in the raw one.
func TestRewrittenPath(t *testing.T) {
	s := target.NewScheme(target.Route{Query: target.WholeQuery})
	key := func(path, raw string) string {
		return key(&s, &http.Request{URL: &url.URL{Path: path, RawPath: raw}, Host: "h"}, "")
	}
	if a, b := key("/tenant-a/x/y", "/x%2Fy"), key("/tenant-b/x/y", "/x%2Fy"); a == b {
		t.Errorf("two tenants have the key %s", a)
	}
	if a, b := key("/x/y", "/x%2Fy?z"), key("/x/y", "/x%2Fy"); a == b {
		t.Errorf("two raw paths have the key %s", a)
	}
	if a, b := key("a?b", ""), key("a", ""); a == b || strings.Contains(a, "?") {
		t.Errorf("the keys are %s and %s", a, b)
	}
}

// TestListedParameters holds that with ListedOnly the listed parameters count and nothing else does.
func TestListedParameters(t *testing.T) {
	for _, test := range []struct {
		name   string
		params []string
		a, b   string
		same   bool
	}{
		{"another parameter", []string{"a"}, "/?a=1&b=2", "/?a=1", true},
		{"another parameter alone", []string{"a"}, "/?b=2", "/", true},
		{"the order of different ones", []string{"a", "b"}, "/?a=1&b=2", "/?b=2&a=1", true},
		{"the order of equal ones", []string{"a"}, "/?a=1&a=2", "/?a=2&a=1", false},
		{"repetition", []string{"a"}, "/?a=1&a=1", "/?a=1", false},
		{"the value", []string{"a"}, "/?a=1", "/?a=2", false},
		{"the name", []string{"a", "b"}, "/?a=1", "/?b=1", false},
		{"the case of a name", []string{"a", "A"}, "/?a=1", "/?A=1", false},
		{"absent or empty", []string{"a"}, "/?a=", "/", false},
		{"empty in two ways", []string{"a"}, "/?a=", "/?a", true},
		{"all empty or none there", []string{"a", "b"}, "/?a=&b=", "/?b=", false},
		{"an empty query", []string{"a"}, "/?", "/", true},
		{"escaped in two ways", []string{"a"}, "/?a=%41+%20", "/?%61=A%20+", true},
		{"an escaped ampersand", []string{"a", "b"}, "/?a=1%26b=2", "/?a=1&b=2", false},
		{"an escaped equals sign", []string{"a", "a=1"}, "/?a%3D1=2", "/?a=1%3D2", false},
		{"a number sign", []string{"a"}, "/?a=#", "/?a=%23", true},
		{"a semicolon", []string{"a"}, "/?a=1;b=2", "/", false}, // url.ParseQuery drops it, and tells of an error
		{"a semicolon elsewhere", []string{"a"}, "/?a=1&;", "/?a=1", false},
		{"what is no escape", []string{"a"}, "/?a=%zz", "/", false},
		{"what is no escape elsewhere", []string{"a"}, "/?a=1&x=%zz", "/?a=1", false},
		{"two that are no escapes", []string{"a"}, "/?a=1&x=%zz", "/?a=1&x=%zy", false},
		{"one that is no escape", []string{"a"}, "/?a=1&x=%zz", "/?a=1&x=%zz", true},
		{"what is no escape, and the same as a value", []string{"a"}, "/?a=%zz", "/?a=%25zz", false},
		{"a query that looks like one that cannot be read", []string{"%!;"}, "/?;", "/?%25!%3B", false},
		{"a name of nothing", []string{""}, "/?=1", "/", false},
		{"an entry of a map, as gin's QueryMap reads it", []string{"a"}, "/?a[x]=1", "/?a[x]=2", false},
		{"another entry of a map", []string{"a"}, "/?a[x]=1", "/?a[y]=1", false},
		{"the order of entries", []string{"a"}, "/?a[x]=1&a[y]=2", "/?a[y]=2&a[x]=1", true},
		{"an entry of another map", []string{"a"}, "/?ab[x]=1", "/", true},
		{"a name that begins alike", []string{"a"}, "/?ab=1", "/", true},
		{"a name and value of nothing", []string{""}, "/?=", "/", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := target.NewScheme(target.Route{Query: target.ListedOnly, Params: test.params})
			a, b := key(&s, request(t, test.a, "h"), ""), key(&s, request(t, test.b, "h"), "")
			if same := a == b; same != test.same {
				t.Errorf("by %q, %s and %s have the keys\n%s and\n%s", test.params, test.a, test.b, a, b)
			}
		})
	}
	t.Run("the list", func(t *testing.T) {
		seen := map[string]string{}
		for _, params := range [][]string{nil, {""}, {"a"}, {"a", "b"}, {"a&b"}, {"a", ""}, {"ab"}, {"a%26b"}, {"A"}} {
			s := target.NewScheme(target.Route{Query: target.ListedOnly, Params: params})
			got, list := key(&s, request(t, "/", "h"), ""), fmt.Sprintf("%q", params)
			if other, ok := seen[got]; ok {
				t.Errorf("by %s and by %s, the key is %s", other, list, got)
			}
			seen[got] = list
		}
	})
	t.Run("however they are listed", func(t *testing.T) {
		listed := []string{"b", "a", "b"}
		one := target.NewScheme(target.Route{Query: target.ListedOnly, Params: listed})
		two := target.NewScheme(target.Route{Query: target.ListedOnly, Params: []string{"a", "b"}})
		r := request(t, "/?b=2&a=1", "h")
		if a, b := key(&one, r, ""), key(&two, r, ""); a != b {
			t.Errorf("the keys are %s and %s", a, b)
		}
		if !slices.Equal(listed, []string{"b", "a", "b"}) {
			t.Errorf("the caller's list is now %q", listed)
		}
	})
}

// TestHosts holds that no host can be taken for another part of a key, or for another host.
func TestHosts(t *testing.T) {
	s := target.NewScheme(target.Route{Query: target.WholeQuery})
	seen := map[string]string{}
	for _, r := range []struct{ host, target string }{
		{"h", "/a"}, {"h/a", "/"}, {"h%2fa", "/"}, {"h%2Fa", "/"}, {"H", "/"}, {"h?a", "/"}, {"h%3fa", "/"}, {"h#a", "/"}, {"h",
			"/?a"}, {"h", "/"},
		{"h%", "/"}, {"h%25", "/"}, {"", "/h/a"}, {"", "/"}, {"h:80", "/"}, {"h*", "http://h"}, {"h", "*"}, {"h%!%!",
			"http://h"},
		{"h%!", "*"}, {"h ", "/"}, {"h\x00", "/"}, {"h\xff", "/"}, {"hÄ", "/"}, {"hä", "/"}, {"+h", "/"}, {"//h", "/"},
	} {
		got := key(&s, request(t, r.target, r.host), "")
		name := r.host + " " + r.target
		if other, ok := seen[got]; ok && other != name {
			t.Errorf("%q and %q have the key %q", other, name, got)
		}
		seen[got] = name
	}
}

// TestValue holds that other programs find a value under its very key, and that a name which looks like the key of a
// response is not.
func TestValue(t *testing.T) {
	for name, want := range map[string]string{
		"": "p:", "a": "p:a", "a:b": "p:a:b", "a b\n\x00ä": "p:a b\n\x00ä", "~": "p:~", "~r": "p:~r", "r:": "p:r:",
		"a~r:b": "p:a~r:b",
		"~r:":   "p:~~r:", "~r:hq//h/": "p:~~r:hq//h/", "a:~r:b": "p:a:~~r:b", "a:~r:~r:": "p:a:~~r:~~r:",
		"~~r:": "p:~~~~r:", "~~~r:": "p:~~~~~~r:", "a~:~r:": "p:a~:~~r:", "a~~r:": "p:a~~r:", ":~r:": "p::~~r:", "~s:": "p:~s:",
		"r:~r:": "p:r:~~r:", "~~": "p:~~", "a:~~~": "p:a:~~~", "~r~r:": "p:~r~r:",
	} {
		if got := target.Value("p:", name); got != want {
			t.Errorf("the key of %q is %q, want %q", name, got, want)
		}
	}
}

// TestAsItCame holds of which requests it is known without a doubt that nothing has changed their targets, and that no path of theirs
// has escapes.
func TestAsItCame(t *testing.T) {
	for _, test := range []struct {
		line string
		url  url.URL
		want bool
	}{
		{"/", url.URL{Path: "/"}, true},
		{"/a/b", url.URL{Path: "/a/b"}, true},
		{"/a?", url.URL{Path: "/a", ForceQuery: true}, true},
		{"/a?b", url.URL{Path: "/a", RawQuery: "b"}, true},
		{"/a?b?/#", url.URL{Path: "/a", RawQuery: "b?/#"}, true},

		{"", url.URL{Path: "/a"}, false},
		{"/a", url.URL{Path: "/b"}, false},
		{"/a", url.URL{Path: "/a/b"}, false},
		{"/a/b", url.URL{Path: "/a"}, false},
		{"/a", url.URL{Path: "/a", RawQuery: "b"}, false},
		{"/a", url.URL{Path: "/a", ForceQuery: true}, false},
		{"/a?b", url.URL{Path: "/a"}, false},
		{"/a?b", url.URL{Path: "/a", RawQuery: "c"}, false},
		{"/a?b", url.URL{Path: "/a", ForceQuery: true}, false},
		{"/ab", url.URL{Path: "/a", RawQuery: "b"}, false},
		{"/a?b", url.URL{Path: "/a?b"}, false},
		{"/a%2Fb", url.URL{Path: "/a/b", RawPath: "/a%2Fb"}, false},
		{"/a%b", url.URL{Path: "/a%b"}, false},
		{"/a#b", url.URL{Path: "/a#b"}, false},
		{"*", url.URL{Path: "*"}, false},
		{"", url.URL{}, false},
		{"/a", url.URL{Path: "/a", Scheme: "http"}, false},
		{"/a", url.URL{Path: "/a", Host: "h"}, false},
		{"/a", url.URL{Path: "/a", User: url.User("u")}, false},
		{"/a", url.URL{Path: "/a", Opaque: "o"}, false},
		{"/a", url.URL{Path: "/a", Fragment: "f"}, false},
		{"/a", url.URL{Path: "/a", RawFragment: "f"}, false},
		{"/a", url.URL{Path: "/a", OmitHost: true}, false},
	} {
		if got := target.AsItCame(&http.Request{RequestURI: test.line, URL: &test.url}); got != test.want {
			t.Errorf("%q, seen as %+v: %t", test.line, test.url, got)
		}
	}
}

// TestAuthority holds which hosts a purge takes for one (RFC 9110 §4.2.3).
func TestAuthority(t *testing.T) {
	for host, want := range map[string]string{
		"example.com": "example.com", "Example.COM": "example.com", "example.com:80": "example.com", "example.com:443": "example.com",
		"example.com:8080": "example.com:8080", "example.com:80:443": "example.com:80", "[::1]:80": "[::1]", "[::80]": "[::80]", "": "",
	} {
		if got := target.Authority(host); got != want {
			t.Errorf("%q is %q, want %q", host, got, want)
		}
	}
}

// TestService holds that keys have nothing of a service without name and version, and tell all others apart.
func TestService(t *testing.T) {
	if got := target.Service("", ""); got != "" {
		t.Errorf("of nothing, keys have %q", got)
	}
	seen := map[string]string{}
	for _, service := range [][2]string{{"shop", ""}, {"", "shop"}, {"shop", "1"}, {"shop", "2"}, {"shop&1", ""}, {"shop%261", ""}, {"blog", "1"}} {
		got, name := target.Service(service[0], service[1]), strings.Join(service[:], " and ")
		if other, ok := seen[got]; ok || got == "" {
			t.Errorf("%s, %s: keys of both have %q", other, name, got)
		}
		seen[got] = name
	}
}
