package behaviour_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// ttlOf returns the ttl that Cache-Status tells of a hit.
func ttlOf(t *testing.T, a answer) int {
	t.Helper()
	_, ttl, _ := strings.Cut(a.cacheStatus(), "; hit; ttl=")
	n, err := strconv.Atoi(ttl)
	if err != nil {
		t.Fatalf("no hit: %s", a.cacheStatus())
	}
	return n
}

// Pages that are filled together expire spread over the last part of their time and never later, whatever gives them that time, and clients
// get what the handler says as it is.
func TestJitter(t *testing.T) {
	const most = 1000 // seconds, which every page here is fresh for by itself
	for name, row := range map[string]struct {
		ttl     time.Duration
		options []cachette.Option
		handler gin.HandlerFunc
		control string
	}{
		"the ttl":      {ttl: most * time.Second, handler: text("page")},
		"max-age":      {ttl: time.Hour, handler: text("page", "Cache-Control: max-age=1000"), control: "max-age=1000"},
		"s-maxage":     {handler: text("page", "Cache-Control: s-maxage=1000"), control: "s-maxage=1000"},
		"its age":      {handler: text("page", "Cache-Control: max-age=1500", "Age: 500"), control: "max-age=1500"},
		"CDN's":        {handler: text("page", "Cdn-Cache-Control: max-age=1000", "Cache-Control: no-store"), control: "no-store"},
		"the status's": {options: []cachette.Option{cachette.WithStatusTTL(404, most*time.Second)}, handler: func(c *gin.Context) { c.String(404, "no") }},
		"a function's": {options: []cachette.Option{cachette.WithTTLFunc(func(*gin.Context) time.Duration { return most * time.Second })}, handler: text("page")},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
				s := newSite(t, store)
				const pages = 200
				handler, runs := counted(row.handler)
				s.GET("/:n", cachette.Cached(row.ttl, append(row.options, cachette.WithJitter(0.2))...), handler)
				for i := range pages {
					s.get(fmt.Sprintf("/%d", i))
				}
				var quarters [4]int
				first := 0
				for i := range pages {
					a := s.get(fmt.Sprintf("/%d", i))
					ttl := ttlOf(t, a)
					if ttl < most*8/10 || ttl > most {
						t.Fatalf("a ttl of %d", ttl)
					}
					quarters[min(3, (ttl-most*8/10)/(most/20))]++
					if a.header.Get("Cache-Control") != row.control {
						t.Fatalf("Cache-Control: %q", a.header["Cache-Control"])
					}
					if i == 0 {
						first = ttl
					}
				}
				for _, n := range quarters { // 50 each; that one has but 20 comes once in ten million times
					if n < 20 {
						t.Errorf("so many end in each quarter of the last fifth: %v", quarters)
					}
				}
				time.Sleep(time.Duration(first) * time.Second)
				if a := s.get("/0"); !a.hit() {
					t.Errorf("at its last moment: %s", a.cacheStatus())
				}
				time.Sleep(time.Second)
				runs.Store(0)
				if a := s.get("/0"); runs.Load() != 1 {
					t.Errorf("behind it: %s", a.cacheStatus())
				}
			})
		})
	}
}

// Without it they expire together, and a 304 gives a page a time of its own again.
func TestJitterOfAValidation(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		handler := func(c *gin.Context) {
			if c.Header("ETag", `"v"`); c.GetHeader("If-None-Match") != "" {
				c.Status(http.StatusNotModified)
				return
			}
			c.String(http.StatusOK, "page")
		}
		s.GET("/even", cachette.Cached(1000*time.Second), handler)
		s.GET("/spread", cachette.Cached(1000*time.Second, cachette.WithJitter(0.5)), handler)
		seen := map[int]bool{}
		for range 10 {
			for path := range map[string]bool{"/even": true, "/spread": true} {
				s.get(path)
				ttl := ttlOf(t, s.get(path))
				if path == "/even" && ttl != 1000 {
					t.Errorf("without jitter: %d", ttl)
				}
				if path == "/spread" {
					seen[ttl] = true
				}
			}
			time.Sleep(1001 * time.Second)
		}
		if len(seen) < 5 {
			t.Errorf("the times of ten validations: %v", seen)
		}
	})
}

// Values that are loaded together expire spread over the last part of their time, and never later.
func TestRememberWithJitter(t *testing.T) {
	eachStoreInBubble(t, func(t *testing.T, store func(*cachette.Config)) {
		s := newSite(t, store)
		const keys = 300
		loads := 0
		ask := func() {
			for i := range keys {
				_, err := cachette.Remember(t.Context(), s.cache, fmt.Sprint(i), 100*time.Second, func(context.Context) (string, error) {
					loads++
					return "value", nil
				}, cachette.WithJitter(0.5))
				if err != nil {
					t.Error(err)
				}
			}
			synctest.Wait()
			s.settle()
		}
		ask()
		loads = 0
		for _, part := range []struct {
			after time.Duration
			least int
			most  int
		}{
			{50 * time.Second, 0, 0}, {25 * time.Second, keys / 3, keys * 2 / 3}, {25*time.Second + 1, keys, math.MaxInt},
		} {
			time.Sleep(part.after)
			if ask(); loads < part.least || loads > part.most {
				t.Errorf("%v later: %d loads, want %d to %d", part.after, loads, part.least, part.most)
			}
		}
	})
}
