package target_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette/internal/target"
)

// tuple is all that may tell two responses apart.
type tuple struct {
	namespace string
	depth     int
	tls       bool
	query     target.Query
	service   string
	part      string
	who       string
	content   string
	host      string
	target    string
	came      string // the target of the request line, where it is another; else empty
	variant   string // of the form that rfc9111.VariantKey gives it
	partial   bool
	ignores   bool // the parameter x
	sorted    bool
}

// variants are of the form that rfc9111.VariantKey gives them.
var variants = []string{"", strings.Repeat("p", 43), strings.Repeat("-", 43)}

func (x tuple) key(t testing.TB) string {
	t.Helper()
	s := target.NewScheme(target.Route{
		Prefix: "p:", Service: target.Service(x.service, ""), Namespaces: namespaces(x.namespace), Query: x.query,
		Params: []string{"a", "b"}, Depth: x.depth, Ignored: x.ignored(), Sorted: x.sorted,
	})
	r := request(t, x.target, x.host)
	if x.came != "" {
		r.RequestURI = x.came
	}
	key := target.Variant(s.Target(r, x.tls, target.Said{Part: x.part, Identity: x.who, Content: x.content}).Key, x.variant)
	if x.partial {
		key = target.Target{Key: key}.Part().Key
	}
	return key
}

func (x tuple) ignored() []string {
	if x.ignores {
		return []string{"x"}
	}
	return nil
}

// seen is the target of a request as the handlers see it.
func (x tuple) seen(line string) string {
	path, query, has := strings.Cut(line, "?")
	if _, err := url.ParseQuery(query); err != nil || query == "" || !x.ignores && !x.sorted {
		return line
	}
	params := slices.DeleteFunc(strings.Split(query, "&"), func(p string) bool { return p == "" || x.ignores && nameOf(p) == "x" })
	if x.sorted {
		slices.SortStableFunc(params, func(a, b string) int { return strings.Compare(nameOf(a), nameOf(b)) })
	}
	if has = has && len(params) > 0; has {
		path += "?"
	}
	return path + strings.Join(params, "&")
}

func nameOf(param string) string {
	name, _, _ := strings.Cut(param, "=")
	name, _ = url.QueryUnescape(name)
	return name
}

// identity is the tuple less what does not tell two responses apart: the query or a part of it.
func (x tuple) identity(t testing.TB) string {
	t.Helper()
	x.target = x.seen(x.target)
	if x.came != "" {
		x.came = x.seen(x.came)
	}
	u := request(t, x.target, "").URL
	query := fmt.Sprintf("%q %t", u.RawQuery, u.ForceQuery)
	switch x.query {
	case target.NoQuery:
		query = ""
	case target.ListedOnly:
		query = listed(u)
	}
	return fmt.Sprintf("%t %t %q %d %t %c %q %q %q %q %q %q %q %q %s %q %q %t",
		x.ignores, x.sorted, x.namespace, x.depth, x.tls, x.query, x.service, x.part, x.who, x.content, x.host, u.Opaque, u.Path, u.RawPath, query, x.cameIdentity(t),
		x.variant, x.partial)
}

// listed is what counts of a query of which a and b are keyed by: all of it where it cannot be read.
func listed(u *url.URL) string {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return u.RawQuery
	}
	return fmt.Sprintf("%q %q", values["a"], values["b"])
}

// cameIdentity is what of the target of the request line can make a difference.
func (x tuple) cameIdentity(t testing.TB) string {
	t.Helper()
	if x.came == "" {
		x.came = x.target
	}
	own, came := request(t, x.target, "").URL, request(t, x.came, "").URL
	relative := came.Scheme == "" && came.Host == ""
	query := ""
	if x.query == target.ListedOnly && listed(own) != listed(came) {
		query = " " + listed(came)
	}
	if x.query != target.WholeQuery {
		own.RawQuery, own.ForceQuery, came.RawQuery, came.ForceQuery = "", false, "", false
	}
	if relative && *own == *came {
		return query
	}
	if x.query != target.WholeQuery {
		x.came, _, _ = strings.Cut(x.came, "?")
	}
	return x.came + query
}

// namespaces is the list of one namespace, or of none.
func namespaces(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// responseKey matches keys of responses, and marks, behind the prefix: in them, and in no value's key, a run of an odd
// number of tildes stands before "r:" at the beginning or behind a colon.
var responseKey = regexp.MustCompile(`(?:^|:)(?:~~)*~r:`)

// odd are strings that a careless key would take for its own separators.
var odd = []string{
	"a", "a:", "a:b", "~r", "~", "~~r", "a:~r", "~r:hq", ":", "a/b", "//", "a#b", "?", "n", "+", "s", "m1", "hq//h/a",
}

// TestKeysAreUnambiguous holds that no two tuples of odd values share a key, and none has that of a value or a mark.
func TestKeysAreUnambiguous(t *testing.T) {
	targets := []string{
		"/a", "/a?b", "/ab?#c", "/a?b#c", "/a%3Fb", "/a%23p", "/a?", "/a?a=1&b=2", "/a?a=1%26b=2", "/a?#p", "/a?#" + variants[1], "/a?a=1#p",
		"/a?b##p", "/a?a=1&x=%zz", "/a?a=1;b=2", "/a?;", "/a?x=1", "/a?b=2&x&a=1", "/a?b=2&a=1&&a=0", "/a%2Fb", "/a/b", "/a%2Fb{", "/a/b{", "*", "http://h", "http:a/b", "/~r:hq//h/a", "//h/a",
	}
	hosts := []string{"h", "H", "", "h/a", "h%2fa", "*", "~r:hq", "h#p"}
	parts := []string{"", "a", "//h/a"}

	seen := map[string]string{}
	add := func(x tuple) {
		key, identity := x.key(t), x.identity(t)
		if other, ok := seen[key]; ok && other != identity {
			t.Fatalf("these have the key %q:\n%s\n%s", key, other, identity)
		}
		seen[key] = identity
	}
	for _, query := range []target.Query{target.WholeQuery, target.NoQuery, target.ListedOnly} {
		for _, target := range targets {
			for _, host := range hosts {
				for _, variant := range variants { // what comes behind the marker
					for _, partial := range []bool{false, true} {
						add(tuple{query: query, target: target, host: host, variant: variant, partial: partial})
					}
				}
			}
			for _, came := range targets {
				for bits := range 4 {
					add(tuple{query: query, target: target, host: "h", came: came, ignores: bits&1 != 0, sorted: bits&2 != 0})
				}
			}
			for _, service := range odd {
				for bits := range 8 {
					add(tuple{
						query: query, target: target, service: service, depth: bits & 1, ignores: bits&2 != 0, sorted: bits&4 != 0,
					})
				}
			}
			for _, namespace := range append([]string{""}, odd...) { // and what comes before it, or right behind
				for _, part := range parts {
					for bits := range 32 {
						x := tuple{
							query: query, target: target, host: "h", namespace: namespace, part: part,
							depth: bits & 1 * 2, tls: bits&2 != 0,
						}
						if bits&4 != 0 {
							x.who = "a"
						}
						if bits&8 != 0 {
							x.service = "a"
						}
						if bits&16 != 0 {
							x.content = "a"
						}
						add(x)
					}
				}
			}
		}
	}
	for _, kind := range []string{"m", "lt", "ln", "la", "lx", "le"} { // of package purge
		mark := target.Marks("p:") + kind + "AbC-_09"
		if other, ok := seen[mark]; ok {
			t.Fatalf("the mark %s is the key of %s", mark, other)
		}
		seen[mark] = "a mark"
	}
	for key := range seen {
		name := strings.TrimPrefix(key, "p:")
		if !responseKey.MatchString(name) {
			t.Fatalf("%q does not look like a response's key", key)
		}
		for _, name := range []string{name, "~" + name, strings.Replace(name, "~r:", "~~r:", 1)} {
			if value := target.Value("p:", name); seen[value] != "" {
				t.Fatalf("the value %q has the key of %s", name, seen[value])
			}
		}
	}
}

// FuzzKeys splits one text into the values of two tuples, at different places: their keys differ if the tuples do.
func FuzzKeys(f *testing.F) {
	f.Add("", "h", "/a/b", "c", "", byte(0), byte(4), byte(5))
	f.Add("a", "h/a", "/a%2Fb{", "a=1&b=2#p", "x", byte(7), byte(1), byte(9))
	f.Add("~r:", "~r:hq", "//h", "#"+variants[1], "~", byte(13), byte(3), byte(3))
	f.Add("", "h", "*", "", "", byte(0x80), byte(0), byte(1))
	f.Fuzz(func(t *testing.T, namespace, host, path, query, part string, bits, cut1, cut2 byte) {
		text := namespace + "\x01" + host + "\x01" + path + "\x01" + query
		other := strings.ReplaceAll(text, "\x01", "")
		i, j := int(cut1)%(len(other)+1), int(cut2)%(len(other)+1)
		if i > j {
			i, j = j, i
		}
		one := tuple{
			namespace: namespace, host: host, target: path + "?" + query, part: part, depth: int(bits & 1), tls: bits&2 != 0,
			query: []target.Query{target.WholeQuery, target.NoQuery, target.ListedOnly}[bits>>2%3], variant: variants[bits>>4%3],
			partial: bits&128 != 0, ignores: cut1&2 != 0, sorted: cut2&2 != 0,
		}
		two := one
		two.namespace, two.host, two.target = "", other[:i], "/"+strings.TrimPrefix(other[i:j], "/")+"?"+other[j:]
		if cut1&1 != 0 {
			two.namespace, two.host, two.variant, two.partial = other[:i], host, "", false
		}
		if cut2&1 != 0 {
			two.came, two.part, two.who = one.target, "", part
		}
		if bits&64 != 0 {
			two.content, two.part, two.who = two.part, "", ""
		}
		var made [2]string
		for i, x := range []tuple{one, two} {
			if _, err := url.ParseRequestURI(x.target); err != nil {
				return // no request has it
			}
			if _, err := url.ParseRequestURI(x.came); x.came != "" && err != nil {
				return
			}
			made[i] = x.key(t)
			if !responseKey.MatchString(strings.TrimPrefix(made[i], "p:")) {
				t.Errorf("%q does not look like a response's key", made[i])
			}
		}
		if made[0] == made[1] && one.identity(t) != two.identity(t) {
			t.Errorf("these have the key %q:\n%s\n%s", made[0], one.identity(t), two.identity(t))
		}
	})
}

// FuzzValue holds that values have keys of their own, whatever their names, and are found by their namespaces.
func FuzzValue(f *testing.F) {
	for _, a := range odd {
		for _, b := range odd {
			f.Add(a, b)
			f.Add(a+":"+b, a)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		key := target.Value("p:", a)
		if (key == target.Value("p:", b)) != (a == b) {
			t.Errorf("%q and %q have the keys %q and %q", a, b, key, target.Value("p:", b))
		}
		if !strings.HasPrefix(key, "p:") || responseKey.MatchString(strings.TrimPrefix(key, "p:")) {
			t.Errorf("%q has the key %q, which looks like a response's", a, key)
		}
		if !strings.Contains(a, "~r:") && key != "p:"+a {
			t.Errorf("%q has the key %q, by which no other program finds it", a, key)
		}

		if b == "" {
			return // no namespace
		}
		namespace := target.Namespace("p:", b)
		if inside := strings.HasPrefix(a, b+":"); strings.HasPrefix(key, namespace) != inside {
			t.Errorf("%q is in the namespace %q: %t, by their keys %q and %q it is not so", a, b, inside, key, namespace)
		}
		if joined := target.Value("p:", b+":"+a); !strings.HasPrefix(joined, namespace) {
			t.Errorf("%q is not in the namespace %q, by their keys %q and %q", b+":"+a, b, joined, namespace)
		}

		s := target.NewScheme(target.Route{Prefix: "p:", Namespaces: namespaces(a), Query: target.WholeQuery})
		response := s.Target(&http.Request{URL: &url.URL{Path: "/"}, Host: b}, false, target.Said{}).Key
		if inside := a != "" && strings.HasPrefix(a+":", b+":"); strings.HasPrefix(response, namespace) != inside {
			t.Errorf("a response in %q is in the namespace %q: %t, by their keys %q and %q it is not so",
				a, b, inside, response, namespace)
		}
		if strings.HasPrefix(target.Marks("p:")+"m", namespace) {
			t.Errorf("the marks are in the namespace %q", b)
		}
	})
}
