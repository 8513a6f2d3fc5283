package target_test

import (
	"net/http/httptest"
	"testing"

	"github.com/gin-cachette/cachette/internal/target"
)

// What is stored under a key is told by the key alone, whatever names and URLs have in them.
func TestKindOf(t *testing.T) {
	page := func(route target.Route, url string) string {
		route.Prefix = "p:"
		s := target.NewScheme(route)
		return s.Target(httptest.NewRequest("GET", url, nil), false, target.Said{}).Key
	}
	values := target.Values{Prefix: "p:", Release: target.Service("shop", "")}
	tagged := target.Values{Prefix: "p:", Tagged: true}
	for key, want := range map[string]target.Kind{
		"p:":                                            target.Plain,
		"p:user:42":                                     target.Plain,
		target.Value("p:", "~r:hq//h/"):                 target.Plain,
		target.Value("p:", "a:~r:m"):                    target.Plain,
		target.Value("p:", "a:~~r:v/"):                  target.Plain,
		target.Value("p:", "x~r:m"):                     target.Plain,
		page(target.Route{}, "http://h/"):               target.Page,
		page(target.Route{}, "https://h/a:~r:b?c=~r:m"): target.Page,
		page(target.Route{Namespaces: []string{"~r:m"}}, "http://h/"):                target.Page,
		page(target.Route{Namespaces: []string{"blog"}, Tagged: true}, "http://h/a"): target.Page,
		target.Variant(page(target.Route{}, "http://h/"), "Bl_Ls8Hb7B57fVLS5A"):      target.Page,
		page(target.Route{}, "http://h/") + "#p":                                     target.Page,
		target.Lease(page(target.Route{}, "http://h/")):                              target.Other,
		"p:~r:hq//h/?a##l":                           target.Page, // a query of "a#l"
		target.Lease("p:~r:hq//h/?a##"):              target.Other,
		"p:~r:hq//h/a%&":                             target.Other, // what was declared last for a path
		"p:~r:hq//h/a?b=%&":                          target.Page,
		"p:~r:hq//h/a%&digest?a=1":                   target.Page,
		string(values.AppendKey(nil, "user:7")):      target.Remembered,
		string(tagged.AppendKey(nil, "l")):           target.Remembered,
		values.Lease("user:7"):                       target.Other,
		tagged.Lease("7"):                            target.Other,
		target.Marks("p:") + "mBH3FZTTqAWFrm7K9p9ff": target.Other,
		target.Marks("p:") + target.Tag(3) + "d":     target.Other,
		target.Marks("p:") + "le":                    target.Other,
	} {
		if got := target.KindOf("p:", key); got != want {
			t.Errorf("%q is of kind %d, want %d", key, got, want)
		}
	}
}
