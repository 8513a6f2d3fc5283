package dashboard

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/invalidation"
)

// policy lets the page have what the program itself serves, and nothing else: no other host, no inline script or style, no frame around it, and no
// text that becomes markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// protected adds to each answer what keeps browsers and caches from doing more with it than to show it.
func protected(c *gin.Context) {
	for name, value := range map[string]string{
		"Cache-Control":                "no-store",
		"Content-Security-Policy":      policy,
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy":              "no-referrer",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
	} {
		c.Header(name, value)
	}
}

// forHost lets a request on that is for a host of the page's.
func (d *dashboard) forHost(c *gin.Context) {
	name := hostOf(c.Request.Host)
	if d.hosts == nil || d.hosts[name] || name == "localhost" || strings.HasSuffix(name, ".localhost") || net.ParseIP(name) != nil {
		return
	}
	c.Abort()
	c.String(http.StatusMisdirectedRequest, "The host of this request is none that dashboard.WithHosts names. If it is to be one, name it there.")
}

// hostOf returns the name in a Host field, or the address, without a port and in one spelling.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// random returns a word that nobody guesses.
func random() string { return rand.Text() }

// tokenField is the request field in which the page shows that it has read the state, which no page of another origin can.
const tokenField = "X-Cachette-Token"

// origins tells requests apart that a page of another origin has a browser send, by Sec-Fetch-Site, or else by Origin.
var origins http.CrossOriginProtection

// asked lets a request on that the page has sent: by POST, from its own origin, and with its token.
func (d *dashboard) asked(c *gin.Context) {
	refuse := func(status int, why string) { c.AbortWithStatusJSON(status, invalidation.Answer{Error: why}) }
	switch {
	case c.Request.Method != http.MethodPost:
		c.Header("Allow", http.MethodPost)
		refuse(http.StatusMethodNotAllowed, "the method is "+c.Request.Method+"; send POST")
	case origins.Check(c.Request) != nil:
		refuse(http.StatusForbidden, "the request comes from a page of another origin; send it from the dashboard. Behind a proxy: it has to keep Host")
	case subtle.ConstantTimeCompare([]byte(c.GetHeader(tokenField)), []byte(d.token)) != 1:
		refuse(http.StatusForbidden, "the token is not the one of this process, which may have started anew, or be another one of the fleet; try again")
	}
}
