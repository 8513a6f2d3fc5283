package behaviour_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// Of the responses that suit a request the most recent one is used (RFC 9111 §4). One that waited for its client, behind a writer of
// middleware, and comes to its end when a later one is stored, neither replaces nor removes that.
func TestOlderTakesNothingFromNewer(t *testing.T) {
	const limit = 150_000
	page := func(c *gin.Context, version int) {
		c.String(http.StatusOK, fmt.Sprint("v", version, " ", large[:100_000]))
	}
	for _, row := range []struct {
		name  string
		slow  func(c *gin.Context, version int) // makes the answer to the client that reads slowly
		field string                            // of all requests
	}{
		{name: "it would be stored", slow: page},
		{name: "it is too large", slow: func(c *gin.Context, version int) {
			page(c, version)
			_, _ = c.Writer.WriteString(large[:limit])
		}},
		{name: "it is not to be stored", slow: func(c *gin.Context, version int) { page(c, version); cachette.NoStore(c) }},
		{name: "it fails", slow: func(c *gin.Context, version int) { page(c, version); c.Abort() }},
		{name: "it varies", slow: func(c *gin.Context, version int) { c.Header("Vary", "Accept-Language"); page(c, version) }},
		{name: "it is a part", field: "Range: bytes=0-99999", slow: func(c *gin.Context, version int) {
			c.Header("Cache-Control", "max-age=3600")
			c.Header("Content-Range", "bytes 0-99999/200000")
			c.String(http.StatusPartialContent, fmt.Sprint("v", version, " ", large[:100_000])[:100_000])
		}},
	} {
		for _, before := range []bool{false, true} { // there was something to validate
			t.Run(fmt.Sprint(row.name, "/", before), func(t *testing.T) {
				eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
					synctest.Test(t, func(t *testing.T) {
						s := newSite(t, store)
						s.Use(wraps)
						version, slow := 0, false
						s.GET("/", cachette.Cached(time.Hour, cachette.WithStaleIfError(24*time.Hour), cachette.WithBodyLimit(limit)), func(c *gin.Context) {
							version++
							if slow || row.field != "" {
								slow = false
								row.slow(c, version)
								return
							}
							page(c, version)
						})
						p, stop := pipe(s)
						defer stop()
						var fields []string
						if row.field != "" {
							fields = append(fields, row.field)
						}
						if before {
							s.get("/", fields...)
							time.Sleep(2 * time.Hour)
						}
						slow = true
						client := p.dial(t, "/", fields...)
						time.Sleep(10 * time.Second)
						newer := s.get("/", fields...)
						time.Sleep(time.Minute)
						if body, ok := whole(client); !ok || body[:2] >= newer.body[:2] {
							t.Fatalf("the slow client got %.2q, %v; the other one %.2q", body, ok, newer.body)
						}
						synctest.Wait()
						if a := s.get("/", fields...); !a.hit() || a.body != newer.body {
							t.Errorf("then %.2q (%s), after %.2q", a.body, a.cacheStatus(), newer.body)
						}
					})
				})
			})
		}
	}
}

// A later response for other selecting fields is no reason not to store one (RFC 9111 §4.1).
func TestOlderBesideNewerVariant(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store)
			s.Use(wraps)
			s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) {
				c.Header("Vary", "Accept-Language")
				c.String(http.StatusOK, c.GetHeader("Accept-Language")+large[:100_000])
			})
			p, stop := pipe(s)
			defer stop()
			client := p.dial(t, "/", "Accept-Language: de")
			time.Sleep(10 * time.Second)
			s.get("/", "Accept-Language: en")
			if _, ok := whole(client); !ok {
				t.Fatal("the slow client did not get all")
			}
			synctest.Wait()
			for _, language := range []string{"de", "en"} {
				if a := s.get("/", "Accept-Language: "+language); !a.hit() || !strings.HasPrefix(a.body, language) {
					t.Errorf("%s: %.2q (%s)", language, a.body, a.cacheStatus())
				}
			}
		})
	})
}

// Where more variants were stored in the meantime than are remembered, an older response is not stored.
func TestOlderThanManyVariants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.Use(wraps)
		version := 0
		s.GET("/", cachette.Cached(time.Hour), func(c *gin.Context) {
			version++
			c.Header("Vary", "Accept-Language")
			c.String(http.StatusOK, fmt.Sprint("v", version, " ", large[:10_000]))
		})
		p, stop := pipe(s)
		defer stop()
		client := p.dial(t, "/", "Accept-Language: de")
		time.Sleep(10 * time.Second)
		newer := s.get("/", "Accept-Language: de")
		for n := range 1000 {
			s.get("/", fmt.Sprint("Accept-Language: x-", n))
		}
		if _, ok := whole(client); !ok {
			t.Fatal("the slow client did not get all")
		}
		synctest.Wait()
		if a := s.get("/", "Accept-Language: de"); !a.hit() || a.body != newer.body {
			t.Errorf("then %.4q (%s), after %.4q", a.body, a.cacheStatus(), newer.body)
		}
	})
}

// A response whose time is over when its client has taken it is not stored.
func TestOverIsNotStored(t *testing.T) {
	eachStore(t, func(t *testing.T, store func(*cachette.Config)) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, store)
			s.Use(wraps)
			s.GET("/", cachette.Cached(20*time.Second), func(c *gin.Context) {
				c.Header("Cache-Control", "max-age=20, must-revalidate")
				c.String(http.StatusOK, large[:100_000])
			})
			p, stop := pipe(s)
			defer stop()
			client := p.dial(t, "/")
			time.Sleep(30 * time.Second)
			if _, ok := whole(client); !ok {
				t.Fatal("the slow client did not get all")
			}
			synctest.Wait()
			if n := s.cache.Stats().Stored; n != 0 {
				t.Errorf("%d responses stored whose time was over", n)
			}
		})
	})
}
