package safety

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"time"

	"github.com/gin-contrib/sessions"
	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"

	"github.com/gin-cachette/cachette"
)

// byToken mounts a route for those who have a token.
func byToken(r *gin.Engine, key []byte) {
	r.GET("/orders", requireToken(key), cachette.Cached(time.Minute, cachette.WithIdentity(userOf)), listOrders)
}

// requireToken lets a request go on that has a token signed with key, and notes whose it is.
func requireToken(key []byte) gin.HandlerFunc {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	return func(c *gin.Context) {
		token, _ := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
		var claims jwt.RegisteredClaims
		_, err := parser.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return key, nil })
		if err != nil || claims.Subject == "" {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Set("user", claims.Subject)
	}
}

// byKey mounts a route for clients that have a key.
func byKey(r *gin.Engine, clients map[[sha256.Size]byte]string) {
	r.GET("/orders", requireKey(clients), cachette.Cached(time.Minute, cachette.WithIdentity(userOf)), listOrders)
}

// requireKey lets a request go on that has a client's key. clients has the clients by the digests of their keys.
func requireKey(clients map[[sha256.Size]byte]string) gin.HandlerFunc {
	return func(c *gin.Context) {
		client, ok := clients[sha256.Sum256([]byte(c.GetHeader("X-Api-Key")))]
		if !ok {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Set("user", client)
	}
}

// byPassword mounts a route for those who have a password.
func byPassword(r *gin.Engine, accounts gin.Accounts) {
	account := func(c *gin.Context) string { return c.GetString(gin.AuthUserKey) }
	r.GET("/report", gin.BasicAuth(accounts), cachette.Cached(time.Minute, cachette.WithIdentity(account)), func(c *gin.Context) {
		c.Header("Cache-Control", "private")
		c.String(http.StatusOK, "report for %s", account(c))
	})
}

// forEverybody mounts a page that is one for all who are not logged in, and another for each who is.
func forEverybody(r *gin.Engine) {
	loggedIn := func(c *gin.Context) bool { return sessions.Default(c).Get("user") != nil }
	r.GET("/", cachette.Cached(time.Minute, cachette.WithSkip(loggedIn)), home)
}

func home(c *gin.Context) {
	if user, ok := sessions.Default(c).Get("user").(string); ok {
		c.Header("Cache-Control", "private")
		c.String(http.StatusOK, "welcome back, %s", user)
		return
	}
	c.String(http.StatusOK, "welcome")
}

// withRollingSession mounts a route whose session is renewed by each response.
func withRollingSession(r *gin.Engine) {
	renew := func(c *gin.Context) {
		session := sessions.Default(c)
		session.Set("seen", time.Now().UnixNano())
		if err := session.Save(); err != nil { // sets the cookie again
			_ = c.AbortWithError(http.StatusInternalServerError, err)
		}
	}
	r.GET("/news", renew, cachette.Cached(time.Minute, cachette.WithForeignCookies("session")), listProducts)
}
