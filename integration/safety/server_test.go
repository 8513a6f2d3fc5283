package safety

import (
	"net/http"
	"time"

	"github.com/gin-contrib/cors"
	"github.com/gin-contrib/gzip"
	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// newServer has everything in the order in which it belongs.
func newServer(config func() (cachette.Config, error), secret []byte) (*gin.Engine, *cachette.Cache, error) {
	r := gin.New()
	if err := r.SetTrustedProxies([]string{"10.0.0.0/8"}); err != nil { // nil where there is no proxy
		return nil, nil, err
	}
	r.Use(gin.Logger(), gin.Recovery())
	cache, err := cachette.Install(r, config)
	if err != nil {
		return nil, nil, err
	}
	r.Use(cors.New(cors.Config{AllowOrigins: []string{"https://shop.example"}, AllowMethods: []string{"GET"}}))
	r.Use(gzip.Gzip(gzip.DefaultCompression))
	r.Use(sessions.Sessions("session", cookie.NewStore(secret)))

	r.GET("/products", cachette.Cached(time.Minute), listProducts)

	mine := r.Group("/me", requireUser)
	mine.GET("/orders", cachette.Cached(time.Minute, cachette.WithIdentity(userOf)), listOrders)
	return r, cache, nil
}

// requireUser lets a request go on whose session says who it is: a string, as the login has put it there.
func requireUser(c *gin.Context) {
	user, _ := sessions.Default(c).Get("user").(string)
	if user == "" {
		c.AbortWithStatus(http.StatusUnauthorized)
		return
	}
	c.Set("user", user)
}

func userOf(c *gin.Context) string { return c.GetString("user") }

func listOrders(c *gin.Context) {
	c.Header("Cache-Control", "private") // for the caches between here and the user
	c.String(http.StatusOK, "orders of %s", userOf(c))
}

func listProducts(c *gin.Context) { c.String(http.StatusOK, "products") }
