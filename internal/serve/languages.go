package serve

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

const acceptLanguage = "Accept-Language"

// rank gives a context a request whose languages are in the order of their weights, if the client's are in another one: what all that
// follows goes by, and handlers see.
func rank(c *gin.Context) {
	line, other := rfc9111.RankedByWeight(c.Request.Header[acceptLanguage])
	if !other {
		return
	}
	c.Request = private(c.Request)
	c.Request.Header[acceptLanguage] = []string{line}
}

// unrank gives a context the client's request back, in place of the one that rank has made of it, or the client's languages, where
// handlers have made another one of that. What they have read of a form is the client's, since net/http removes its files.
func unrank(c *gin.Context, client, ranked *http.Request) {
	client.Form, client.PostForm, client.MultipartForm = ranked.Form, ranked.PostForm, ranked.MultipartForm
	if c.Request == ranked {
		c.Request = client
		return
	}
	given, own := c.Request.Header[acceptLanguage], ranked.Header[acceptLanguage]
	if len(given) != 1 || given[0] != own[0] { // handlers have put others in their place
		return
	}
	c.Request = private(c.Request)
	c.Request.Header[acceptLanguage] = client.Header[acceptLanguage]
}
