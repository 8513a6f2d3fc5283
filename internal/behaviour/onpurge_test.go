package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What is purged is told behind the purge, whoever purges.
func TestOnPurge(t *testing.T) {
	for name, row := range map[string]struct {
		do   func(s *site) error
		want []cachette.Purge
	}{
		"PurgePath":      {func(s *site) error { return s.cache.PurgePath(context.Background(), "/page") }, []cachette.Purge{{Paths: []string{"/page"}}}},
		"PurgePrefix":    {func(s *site) error { return s.cache.PurgePrefix(context.Background(), "/pa") }, []cachette.Purge{{Prefixes: []string{"/pa"}}}},
		"ClearNamespace": {func(s *site) error { return s.cache.ClearNamespace(context.Background(), "n") }, []cachette.Purge{{Namespaces: []string{"n"}}}},
		"ClearNamespaceCount": {func(s *site) error { _, err := s.cache.ClearNamespaceCount(context.Background(), "n"); return err },
			[]cachette.Purge{{Namespaces: []string{"n"}}}},
		"Flush": {func(s *site) error { return s.cache.Flush(context.Background()) }, []cachette.Purge{{Everything: true}}},
		"Purge": {func(s *site) error {
			return s.cache.Purge(context.Background(), cachette.Purge{Paths: []string{"/page"}, Identities: []string{"alice"}})
		}, []cachette.Purge{{Paths: []string{"/page"}, Identities: []string{"alice"}}}},
		"Purge, softly": {func(s *site) error {
			return s.cache.Purge(context.Background(), cachette.Purge{Paths: []string{"/page"}, Soft: true})
		}, []cachette.Purge{{Paths: []string{"/page"}, Soft: true}}},
		"Expire": {func(s *site) error { return s.cache.Expire(context.Background(), "t") }, []cachette.Purge{{Tags: []string{"t"}, Soft: true}}},
		"POST": {func(s *site) error { s.do(http.MethodPost, "/page?x=1"); return nil },
			[]cachette.Purge{{URLs: []string{"http://example.com/page"}}}},
		"POST that names others": {func(s *site) error { s.do(http.MethodPost, "/elsewhere"); return nil },
			[]cachette.Purge{{URLs: []string{"http://example.com/elsewhere", "http://example.com/page"}}}},
		"PUT of an escaped path": {func(s *site) error { s.do(http.MethodPut, "/shelves/a%2Fb%20c;d?x=1"); return nil },
			[]cachette.Purge{{URLs: []string{"http://example.com/shelves/a%2Fb%20c;d"}}}},
		"PUT of a path with extra slashes": {func(s *site) error { s.RemoveExtraSlash = true; s.do(http.MethodPut, "//shelves//a%20b"); return nil },
			[]cachette.Purge{{URLs: []string{"http://example.com/shelves/a%20b"}}}},
		"POST that names one URL several times": {func(s *site) error { s.do(http.MethodPost, "/made"); return nil },
			[]cachette.Purge{{URLs: []string{"http://example.com/made", "http://example.com/shelves/a%2Fb"}}}},
		"POST that fails":    {func(s *site) error { s.do(http.MethodPost, "/fails"); return nil }, nil},
		"a purge of no path": {func(s *site) error { _ = s.cache.PurgePath(context.Background(), "page"); return nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				versioned(s, nil, nil)
				s.POST("/fails", status(http.StatusConflict))
				s.PUT("/shelves/*name", status(http.StatusNoContent))
				s.POST("/made", func(c *gin.Context) {
					c.Header("Location", "/shelves/a%2Fb")
					c.Header("Content-Location", "http://example.com/shelves/a%2Fb?x=1")
					c.Status(http.StatusCreated)
				})
				s.get("/page")
				var heard []cachette.Purge
				s.cache.OnPurge(func(p cachette.Purge) { heard = append(heard, p) })
				if err := row.do(s); err != nil {
					t.Fatal(err)
				}
				heard = slices.CompactFunc(heard, func(a, b cachette.Purge) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) // a write is told of twice
				if fmt.Sprint(heard) != fmt.Sprint(row.want) {
					t.Errorf("heard %+v; want %+v", heard, row.want)
				}
			})
		})
	}
}

// What one function does with what it is told concerns neither the next one nor who purges.
func TestOnPurgeTellsEachFunctionByItself(t *testing.T) {
	s := newSite(t)
	whole := func() (p cachette.Purge) {
		v := reflect.ValueOf(&p).Elem()
		for i := range v.NumField() {
			if list, ok := v.Field(i).Addr().Interface().(*[]string); ok {
				*list = []string{"/page"}
			}
		}
		p.URLs, p.Groups = []string{"http://example.com/page"}, []string{"http://example.com#page"}
		return p
	}
	heard := 0
	for range 2 {
		s.cache.OnPurge(func(p cachette.Purge) {
			heard++
			if !reflect.DeepEqual(p, whole()) {
				t.Errorf("function %d hears %+v", heard, p)
			}
			v := reflect.ValueOf(p)
			for i := range v.NumField() {
				if list, ok := v.Field(i).Interface().([]string); ok {
					list[0] = "changed"
				}
			}
		})
	}
	given := whole()
	if err := s.cache.Purge(t.Context(), given); err != nil || heard != 2 {
		t.Fatal(err, heard)
	}
	if !reflect.DeepEqual(given, whole()) {
		t.Errorf("what was given is now %+v", given)
	}
}

// It is told when the purge holds, before the client of a write has its answer, and also of one that is owed.
func TestOnPurgeIsToldInTime(t *testing.T) {
	m := newMemory(t)
	var order []string
	m.here.cache.OnPurge(func(cachette.Purge) { order = append(order, "first", m.there.get("/page").body) })
	m.here.cache.OnPurge(func(cachette.Purge) { panic("a mistake") })
	m.here.cache.OnPurge(func(cachette.Purge) { order = append(order, "third") })
	var send gin.HandlerFunc
	m.here.POST("/page", func(c *gin.Context) {
		c.Status(http.StatusNoContent)
		send(c)
		order = append(order, "done")
	})
	for path, row := range map[string]struct {
		send func(c *gin.Context)
		want []string
	}{
		"/page?held":    {func(c *gin.Context) { c.Writer.WriteHeaderNow() }, []string{"done", "first", "version 2", "third"}},
		"/page?flushed": {func(c *gin.Context) { c.Writer.Flush() }, []string{"first", "version 2", "third", "done", "first", "version 2", "third"}},
	} {
		order = nil
		send = row.send
		m.here.do(http.MethodPost, path)
		if !slices.Equal(order, row.want) {
			t.Errorf("%s: %q; want %q", path, order, row.want)
		}
	}
	order = nil
	m.breakdown(func(context.Context, call) error { return errors.New("connection refused") })
	if err := m.here.cache.PurgePath(t.Context(), "/page"); err == nil {
		t.Error("no error")
	}
	if strings.Join(order, " ") != "first version 2 third" {
		t.Errorf("of one that is owed: %q", order)
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, cachette.ErrInvalid) {
			t.Errorf("OnPurge(nil) panics with %v", err)
		}
	}()
	m.here.cache.OnPurge(nil)
}

// What a program has asked for is told of by its logger when it panics.
func TestOnPurgePanicIsLogged(t *testing.T) {
	var log journal
	s := newSite(t, log.in)
	s.GET("/page", cachette.Cached(time.Hour), text("page"))
	s.cache.OnPurge(func(cachette.Purge) { panic("a mistake") })
	if err := s.cache.PurgePath(t.Context(), "/page"); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "OnPurge panicked") || !strings.Contains(log.String(), "a mistake") ||
		!strings.Contains(log.String(), "TestOnPurgePanicIsLogged") { // where it came from
		t.Errorf("the log: %s", log.String())
	}
}
