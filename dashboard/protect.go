package dashboard

import (
	"crypto/rand"

	"github.com/gin-gonic/gin"
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

// random returns a word that nobody guesses.
func random() string { return rand.Text() }
