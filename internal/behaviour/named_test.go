package behaviour_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// field returns what reads a field of a request.
func field(name string) func(*gin.Context) string {
	return func(c *gin.Context) string { return c.GetHeader(name) }
}

// A Purge removes what any of its fields names, and nothing else.
func TestPurgeOfSeveralThings(t *testing.T) {
	type page struct{ target, fields string }
	var (
		alice, bob     = page{"/me", "X-User: alice"}, page{"/me", "X-User: bob"}
		inbox, mail    = page{"/team/inbox", "X-User: alice;X-Tenant: acme"}, page{"/team/inbox", "X-User: bob;X-Tenant: acme"}
		acme, umbrella = page{"/stock", "X-Tenant: acme"}, page{"/stock", "X-Tenant: umbrella"}
		nobodys        = page{"/stock", ""}
		session        = page{"/cookie", "Cookie: session=acme"}
		blog, comments = page{"/blog/1", ""}, page{"/blog/1/comments", ""}
		elsewhere      = page{"http://other.example/blog/1", ""}
		shop           = page{"/shop", ""}
	)
	all := []page{alice, bob, inbox, mail, acme, umbrella, nobodys, session, blog, comments, elsewhere, shop}
	for name, row := range map[string]struct {
		purge cachette.Purge
		gone  []page
	}{
		"an identity":              {cachette.Purge{Identities: []string{"alice"}}, []page{alice, inbox}},
		"two identities":           {cachette.Purge{Identities: []string{"alice", "bob"}}, []page{alice, inbox, bob, mail}},
		"an identity of nobody":    {cachette.Purge{Identities: []string{"acme"}}, nil},
		"a part of the key":        {cachette.Purge{KeyParts: []string{"acme"}}, []page{acme, inbox, mail}},
		"a part of no key":         {cachette.Purge{KeyParts: []string{"alice"}}, nil},
		"a path":                   {cachette.Purge{Paths: []string{"/blog/1"}}, []page{blog, elsewhere}},
		"a URL":                    {cachette.Purge{URLs: []string{"https://OTHER.example/blog/1"}}, []page{elsewhere}},
		"a URL, with its port":     {cachette.Purge{URLs: []string{"http://example.com:80/blog/1"}}, []page{blog}},
		"a prefix":                 {cachette.Purge{Prefixes: []string{"/blog/1/"}}, []page{comments}},
		"a namespace":              {cachette.Purge{Namespaces: []string{"shop"}}, []page{shop}},
		"everything":               {cachette.Purge{Everything: true}, all},
		"a path, and an identity":  {cachette.Purge{Paths: []string{"/shop"}, Identities: []string{"bob"}}, []page{shop, bob, mail}},
		"a prefix, and a key part": {cachette.Purge{Prefixes: []string{"/sh"}, KeyParts: []string{"umbrella"}}, []page{shop, umbrella}},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				if !logs(store) && (len(row.purge.Prefixes) > 0) {
					return // it purges everything
				}
				s := newSite(t, store)
				private := text("page", "Cache-Control: private")
				s.GET("/me", cachette.Cached(time.Hour, cachette.WithIdentity(field("X-User"))), private)
				team := s.Group("/team", cachette.Cached(time.Hour, cachette.WithIdentity(field("X-User"))))
				team.GET("/inbox", cachette.Cached(time.Hour, cachette.WithKeyPart(field("X-Tenant"))), private)
				s.GET("/stock", cachette.Cached(time.Hour, cachette.WithVary("Accept"), cachette.WithKeyPart(field("X-Tenant"))), text("page"))
				s.GET("/cookie", cachette.Cached(time.Hour, cachette.WithCookie("session")), text("page"))
				s.GET("/blog/*rest", cachette.Cached(time.Hour), text("page"))
				s.GET("/shop", cachette.Cached(time.Hour, cachette.WithNamespace("shop")), text("page"))
				ask := func(p page) answer { return s.do(http.MethodGet, p.target, fieldsOf(p.fields)...) }
				for range 2 {
					for _, p := range all {
						ask(p)
					}
				}
				if err := s.cache.Put(t.Context(), "shop:value", "value", time.Hour); err != nil {
					t.Fatal(err)
				}
				if err := s.cache.Purge(t.Context(), row.purge); err != nil {
					t.Fatal(err)
				}
				for _, p := range all {
					if a := ask(p); a.hit() == slices.Contains(row.gone, p) {
						t.Errorf("%s (%s): %s", p.target, p.fields, a.cacheStatus())
					}
				}
				var value string
				err := s.cache.Fetch(t.Context(), "shop:value", &value)
				if cleared := len(row.purge.Namespaces) > 0; errors.Is(err, cachette.ErrMiss) != cleared {
					t.Errorf("the value in the namespace: %q, %v", value, err)
				}
			})
		})
	}
}

func fieldsOf(fields string) []string {
	if fields == "" {
		return nil
	}
	return strings.Split(fields, ";")
}

// A page whose handler runs while its identity is purged is not kept.
func TestPurgeOfAnIdentityDuringItsFill(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		runs := 0
		s.GET("/me", cachette.Cached(time.Hour, cachette.WithIdentity(field("X-User"))), func(c *gin.Context) {
			if runs++; runs == 1 {
				if err := s.cache.PurgeIdentity(context.Background(), "alice"); err != nil {
					t.Error(err)
				}
			}
			c.String(http.StatusOK, "page")
		})
		s.get("/me", "X-User: alice")
		if a := s.get("/me", "X-User: alice"); a.hit() {
			t.Error(a.cacheStatus())
		}
		if a := s.get("/me", "X-User: alice"); !a.hit() {
			t.Error(a.cacheStatus())
		}
	})
}

// All mistakes of a Purge are told, whom it names is not, and nothing is purged.
func TestPurgeOfWhatCannotBeNamed(t *testing.T) {
	s := newSite(t)
	s.GET("/page", cachette.Cached(time.Hour, cachette.WithNamespace("n")), text("page"))
	s.get("/page")
	for _, row := range []struct {
		purge cachette.Purge
		says  []string
	}{
		{cachette.Purge{}, []string{"names nothing", "everything"}},
		{cachette.Purge{Paths: []string{"/page", "page"}}, []string{`"page" is not a path`}},
		{cachette.Purge{Paths: []string{"/page"}, Prefixes: []string{"/:id/"}, Namespaces: []string{"", "n:"}}, []string{"pattern", "flush", `give "n"`}},
		{cachette.Purge{URLs: []string{"/page", "ftp://example.com/page", "https://example.com/page?x=1"}}, []string{`"/page" does not`, `"ftp:`, "all its queries"}},
		{cachette.Purge{URLs: []string{"https://user:secret@example.com/page"}}, []string{"https://…@example.com/page"}},
		{cachette.Purge{URLs: []string{"https:/user:secret@example.com/page", "https:user:secret@example.com", "user:secret@example.com/page"}},
			[]string{`"…@example.com/page"`, `"…@example.com"`}},
		{cachette.Purge{Identities: []string{"carol", ""}}, []string{"the identity is empty"}},
		{cachette.Purge{KeyParts: []string{""}}, []string{"the part of the key is empty"}},
	} {
		err := s.cache.Purge(t.Context(), row.purge)
		if !errors.Is(err, cachette.ErrInvalid) {
			t.Errorf("%+v: %v", row.purge, err)
			continue
		}
		for _, says := range row.says {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%+v does not say %q: %v", row.purge, says, err)
			}
		}
		for _, secret := range []string{"secret", "carol"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%+v tells %q: %v", row.purge, secret, err)
			}
		}
	}
	if a := s.get("/page"); !a.hit() {
		t.Errorf("behind errors: %s", a.cacheStatus())
	}
}

// A Purge has a form in JSON, which leaves out what it does not name.
func TestPurgeInJSON(t *testing.T) {
	const text = `{"paths":["/a"],"urls":["https://b.example/"],"prefixes":["/c/"],"namespaces":["d"],"tags":["t"],"groups":["https://b.example#g"],"identities":["e"],"key_parts":["f"],"everything":true}`
	var p cachette.Purge
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	if back, err := json.Marshal(p); err != nil || string(back) != text {
		t.Errorf("%s, %v", back, err)
	}
	if empty, err := json.Marshal(cachette.Purge{}); err != nil || string(empty) != "{}" {
		t.Errorf("%s, %v", empty, err)
	}
}

// PurgeNamespace removes pages, and asks the store no more for it where it is full of other keys; values of Put stay.
func TestPurgeNamespace(t *testing.T) {
	asked := make(map[int]int) // by how many keys there are
	for _, others := range []int{0, 1000} {
		store := newDepot()
		s := newSite(t, func(c *cachette.Config) { c.Driver = store })
		s.GET("/page", cachette.Cached(time.Hour, cachette.WithNamespace("shop")), text("page"))
		s.GET("/other", cachette.Cached(time.Hour, cachette.WithNamespace("shops")), text("page"))
		for i := range others {
			if err := s.cache.Put(t.Context(), fmt.Sprint("shop:", i), "value", time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		s.get("/page")
		s.get("/other")
		store.asked()
		if err := s.cache.PurgeNamespace(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		asked[others] = store.asked()
		if a := s.get("/page"); a.hit() {
			t.Errorf("the page: %s", a.cacheStatus())
		}
		if a := s.get("/other"); !a.hit() {
			t.Errorf("a page of another namespace: %s", a.cacheStatus())
		}
		var value string
		if err := s.cache.Fetch(t.Context(), "shop:1", &value); others > 0 && err != nil {
			t.Errorf("a value of Put: %v", err)
		}
		for _, bad := range []string{"", "shop:"} {
			if err := s.cache.PurgeNamespace(t.Context(), bad); !errors.Is(err, cachette.ErrInvalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
	if asked[0] != asked[1000] || asked[0] == 0 {
		t.Errorf("it takes %d operations in an empty store, and %d among a thousand keys", asked[0], asked[1000])
	}
}
