// Audit serves twenty cached routes, of which five are keyed wrongly, has some clients ask for them, and prints what the audit of the cache has
// found.
//
//	go run ./example/audit
//
// It takes some twenty seconds.
package main

import (
	"cmp"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net/http"
	"regexp"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	cache, err := install(r, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	traffic(r, 2000, func() { time.Sleep(10 * time.Millisecond) })
	time.Sleep(2 * time.Second) // for the last audits
	fmt.Print(cache.AuditReport())
}

// install puts a cache on an engine that audits that part of the hits, and registers the routes. Here it is all of them, to have it over soon. A service would
// audit a hundredth, or less.
func install(r *gin.Engine, rate float64) (*cachette.Cache, error) {
	cache, err := cachette.Install(r, func() (cachette.Config, error) { return cachette.Config{Audit: rate}, nil })
	if err != nil {
		return nil, err
	}
	r.Use(session, certificate, tools)
	wrong(r)
	keyed(r)
	public(r)
	r.GET("/admin/report", onlyOperators, cache.ReportHandler())
	return cache, nil
}

// ttl is that of all routes.
const ttl = time.Minute

// wrong registers the routes that are keyed wrongly.
func wrong(r *gin.Engine) {
	// A cookie chooses the colours.
	r.GET("/wrong/theme", cachette.Cached(ttl), func(c *gin.Context) {
		theme, _ := c.Cookie("theme")
		c.String(http.StatusOK, "<body class=%q>", cmp.Or(theme, "light"))
	})
	// A field chooses the language, and Vary does not say so.
	r.GET("/wrong/greeting", cachette.Cached(ttl), func(c *gin.Context) { c.String(http.StatusOK, greeting(c)) })
	// A middleware has put the client's name into c.Keys, by the certificate of its connection.
	r.GET("/wrong/partner", cachette.Cached(ttl), func(c *gin.Context) { c.String(http.StatusOK, "prices for %s", c.GetString("partner")) })
	// The client's address chooses the nearest shop.
	r.GET("/wrong/shop", cachette.Cached(ttl), func(c *gin.Context) { c.String(http.StatusOK, "the shop near %s", c.ClientIP()) })
	// The page shows for how many seconds the offer still holds.
	r.GET("/wrong/offer", cachette.Cached(ttl), func(c *gin.Context) { c.String(http.StatusOK, "%d seconds left", 60-time.Now().Second()) })
}

// keyed registers routes that depend on the client, and say so.
func keyed(r *gin.Engine) {
	user := func(c *gin.Context) string { return c.GetString("user") }
	hello := func(c *gin.Context) { c.String(http.StatusOK, "hello, %s", c.GetString("user")) }

	r.GET("/keyed/theme", cachette.Cached(ttl, cachette.WithCookie("theme")), func(c *gin.Context) {
		theme, _ := c.Cookie("theme")
		c.String(http.StatusOK, "<body class=%q>", cmp.Or(theme, "light"))
	})
	r.GET("/keyed/greeting", cachette.Cached(ttl, cachette.WithVary("Accept-Language")), func(c *gin.Context) { c.String(http.StatusOK, greeting(c)) })
	r.GET("/keyed/varies", cachette.Cached(ttl), func(c *gin.Context) {
		c.Header("Vary", "Accept-Language")
		c.String(http.StatusOK, greeting(c))
	})
	r.GET("/keyed/account", cachette.Cached(ttl, cachette.WithIdentity(user)), func(c *gin.Context) {
		c.Header("Cache-Control", "private, max-age=60")
		hello(c)
	})
	r.GET("/keyed/hello", cachette.Cached(ttl, cachette.WithKeyPart(user)), hello)
	r.GET("/keyed/partner", cachette.Cached(ttl, cachette.WithKeyPart(func(c *gin.Context) string { return c.GetString("partner") })),
		func(c *gin.Context) { c.String(http.StatusOK, "prices for %s", c.GetString("partner")) })
	r.GET("/keyed/search", cachette.Cached(ttl, cachette.WithQueryParams("q")), func(c *gin.Context) { c.String(http.StatusOK, "found %s", c.Query("q")) })
	r.GET("/keyed/private", cachette.Cached(ttl), func(c *gin.Context) {
		c.Header("Cache-Control", "private")
		hello(c)
	})
}

// public registers routes that are the same for all clients.
func public(r *gin.Engine) {
	plain := func(c *gin.Context) { c.String(http.StatusOK, "the same for all") }
	r.GET("/public/page", cachette.Cached(ttl), plain)
	r.GET("/public/products/:id", cachette.Cached(ttl, cachette.WithPathKey()), func(c *gin.Context) { c.String(http.StatusOK, "product %s", c.Param("id")) })
	r.GET("/public/missing", cachette.Cached(ttl, cachette.WithStatusTTL(http.StatusNotFound, ttl)), func(c *gin.Context) { c.String(http.StatusNotFound, "none") })
	// Its data changes now and then, which is not to be taken for a cause.
	r.GET("/public/stock", cachette.Cached(ttl), func(c *gin.Context) { c.String(http.StatusOK, "stock %d", time.Now().Unix()/20) })
	// A guard stands before Cached, as it should.
	r.GET("/public/members", onlyUsers, cachette.Cached(ttl), plain)
	// The handler takes a tool out of c.Keys, and fails without it.
	r.GET("/public/tool", cachette.Cached(ttl), func(c *gin.Context) { c.String(http.StatusOK, "made by %s", c.MustGet("tool").(error)) })
	// Each page has a nonce of its own, which is not compared.
	nonce := regexp.MustCompile(`nonce="[^"]*"`)
	r.GET("/public/script", cachette.Cached(ttl, cachette.WithAuditNormaliser(func(_ http.Header, body []byte) []byte { return nonce.ReplaceAll(body, nil) })),
		func(c *gin.Context) { c.String(http.StatusOK, `<script nonce=%q>`, rand.Text()) })
}

// greeting greets in the language of a request.
func greeting(c *gin.Context) string {
	return cmp.Or(map[string]string{"de": "Guten Tag", "fr": "Bonjour"}[c.GetHeader("Accept-Language")], "Good day")
}

// session puts the user of a session into c.Keys.
func session(c *gin.Context) {
	if id, _ := c.Cookie("session"); id != "" {
		c.Set("user", "user of "+id)
	}
}

// certificate puts whom a connection is from into c.Keys.
func certificate(c *gin.Context) {
	if c.Request.TLS != nil && len(c.Request.TLS.PeerCertificates) > 0 {
		c.Set("partner", subject(c.Request.TLS.PeerCertificates[0]))
	}
}

func subject(certificate *x509.Certificate) string { return certificate.Subject.CommonName }

// tools puts into c.Keys what handlers work with.
func tools(c *gin.Context) { c.Set("tool", errors.New("a tool")) }

// onlyUsers is a guard.
func onlyUsers(c *gin.Context) {
	if c.GetString("user") == "" {
		c.AbortWithStatus(http.StatusUnauthorized)
	}
}

// onlyOperators is another one.
func onlyOperators(c *gin.Context) {
	if c.GetString("partner") != "operator" {
		c.AbortWithStatus(http.StatusForbidden)
	}
}
