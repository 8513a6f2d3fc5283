// Package safety holds docs/safety.md against the running code: its Go code is that of the files here, with the middleware
// that gin programs use as a rule.
package safety

import (
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-contrib/gzip"
	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/cookie"
	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"

	"github.com/gin-cachette/cachette"
)

var secret = []byte("a secret of thirty-two bytes, no less")

func init() {
	gin.SetMode(gin.TestMode)
	gin.DefaultWriter = io.Discard
}

func inMemory() (cachette.Config, error) {
	return cachette.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}, nil
}

// engine returns an engine with a cache and sessions.
func engine(t *testing.T) *gin.Engine {
	t.Helper()
	r := gin.New()
	cache, err := cachette.Install(r, inMemory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cache.Close() })
	r.Use(sessions.Sessions("session", cookie.NewStore(secret)))
	return r
}

// login returns the line of a request by which an engine knows a user's session.
func login(t *testing.T, r *gin.Engine, user string) string {
	t.Helper()
	r.GET("/login/"+user, func(c *gin.Context) {
		session := sessions.Default(c)
		session.Set("user", user)
		if err := session.Save(); err != nil {
			t.Error(err)
		}
	})
	cookie, _, _ := strings.Cut(get(r, "/login/"+user).Header().Get("Set-Cookie"), ";")
	return "Cookie: " + cookie
}

// get sends a GET with fields, lines such as "Origin: https://shop.example", none of them for "".
func get(r *gin.Engine, path string, fields ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodGet, path, nil)
	for _, field := range fields {
		if name, value, ok := strings.Cut(field, ": "); ok {
			request.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, request)
	return w
}

func hit(w *httptest.ResponseRecorder) bool {
	return strings.HasPrefix(w.Header().Get("Cache-Status"), "cachette; hit")
}

// visit is a request and what it is to come to.
type visit struct {
	field  string // by which the engine knows whose it is
	status int
	body   string
	hit    bool
}

func check(t *testing.T, r *gin.Engine, path string, visits []visit) {
	t.Helper()
	for i, v := range visits {
		w := get(r, path, v.field)
		if w.Code != v.status || w.Body.String() != v.body || hit(w) != v.hit {
			t.Errorf("visit %d of %s: %d %q (%s), want %d %q, a hit: %v", i, path, w.Code, w.Body, w.Header().Get("Cache-Status"),
				v.status, v.body, v.hit)
		}
	}
}

// Each recipe gives each user that user's page, again from the cache, and a stranger none.
func TestRecipes(t *testing.T) {
	bearer := func(user string, key []byte) string {
		claims := jwt.RegisteredClaims{Subject: user, ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour))}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return "Authorization: Bearer " + token
	}
	basic := func(user, password string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, password)
		return "Authorization: " + r.Header.Get("Authorization")
	}
	clients := map[[sha256.Size]byte]string{sha256.Sum256([]byte("a")): "ann", sha256.Sum256([]byte("b")): "bob"}
	accounts := gin.Accounts{"ann": "a", "bob": "b"}
	for _, row := range []struct {
		name            string
		mount           func(r *gin.Engine)
		path, page      string
		ann, bob, forge string
	}{
		{"JSON web token", func(r *gin.Engine) { byToken(r, secret) }, "/orders", "orders of ",
			bearer("ann", secret), bearer("bob", secret), bearer("ann", []byte("another key of thirty-two bytes…"))},
		{"API key", func(r *gin.Engine) { byKey(r, clients) }, "/orders", "orders of ", "X-Api-Key: a", "X-Api-Key: b", "X-Api-Key: ann"},
		{"basic authentication", func(r *gin.Engine) { byPassword(r, accounts) }, "/report", "report for ",
			basic("ann", "a"), basic("bob", "b"), basic("ann", "b")},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := engine(t)
			row.mount(r)
			check(t, r, row.path, []visit{
				{"", 401, "", false},
				{row.ann, 200, row.page + "ann", false},
				{row.bob, 200, row.page + "bob", false},
				{row.ann, 200, row.page + "ann", true},
				{row.bob, 200, row.page + "bob", true},
				{row.forge, 401, "", false},
				{"", 401, "", false},
			})
		})
	}
}

// The server in the order of the page serves each what is meant for it.
func TestOrder(t *testing.T) {
	r, cache, err := newServer(inMemory, secret)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cache.Close() }()
	ann, bob := login(t, r, "ann"), login(t, r, "bob")
	check(t, r, "/me/orders", []visit{
		{"", 401, "", false},
		{ann, 200, "orders of ann", false},
		{bob, 200, "orders of bob", false},
		{ann, 200, "orders of ann", true},
		{"", 401, "", false},
	})
	first := get(r, "/products", "Origin: https://shop.example", "Accept-Encoding: gzip")
	second := get(r, "/products", "Origin: https://shop.example", "Accept-Encoding: gzip")
	for i, w := range []*httptest.ResponseRecorder{first, second} {
		if h := w.Header(); h.Get("Access-Control-Allow-Origin") == "" || h.Get("Content-Encoding") != "gzip" || hit(w) != (i > 0) {
			t.Errorf("answer %d: %v", i, h)
		}
	}
	if w := get(r, "/products", "Origin: https://evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("another origin: %d", w.Code)
	}
}

// The sessions of gin-contrib say nothing of the cookie in Vary: a page that reads one and does not say so is given to
// everybody.
func TestSessionsSayNothing(t *testing.T) {
	r := engine(t)
	r.GET("/wrong", cachette.Cached(time.Minute), func(c *gin.Context) { // what the page warns of
		user, _ := sessions.Default(c).Get("user").(string)
		c.String(http.StatusOK, "hello, %s", user)
	})
	ann, bob := login(t, r, "ann"), login(t, r, "bob")
	check(t, r, "/wrong", []visit{{ann, 200, "hello, ann", false}, {bob, 200, "hello, ann", true}})
	if vary := get(r, "/wrong", ann).Header().Values("Vary"); len(vary) > 0 {
		t.Errorf("Vary: %q; the page can promise more", vary)
	}
}

// A page for everybody and one for each user share a route.
func TestForEverybody(t *testing.T) {
	r := engine(t)
	forEverybody(r)
	ann := login(t, r, "ann")
	check(t, r, "/", []visit{
		{ann, 200, "welcome back, ann", false},
		{"", 200, "welcome", false},
		{"", 200, "welcome", true},
		{ann, 200, "welcome back, ann", false},
	})
}

// A session that is renewed by each response is renewed by hits, too, and no stored response has its cookie.
func TestRollingSession(t *testing.T) {
	r := engine(t)
	withRollingSession(r)
	first, second := get(r, "/news"), get(r, "/news")
	a, b := first.Header().Values("Set-Cookie"), second.Header().Values("Set-Cookie")
	if !hit(second) || len(a) != 1 || len(b) != 1 || a[0] == b[0] {
		t.Errorf("%q, then %q with %q", a, second.Header().Get("Cache-Status"), b)
	}
}

// The Go code of the page is code from here.
func TestPageIsThisCode(t *testing.T) {
	page, err := os.ReadFile("../../docs/safety.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code.WriteString(unindented(string(source)))
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) == 0 {
		t.Error("docs/safety.md has no Go code")
	}
	for _, block := range blocks {
		if !strings.Contains(code.String(), unindented(block[1])) {
			t.Errorf("docs/safety.md has code that is not here:\n%s", block[1])
		}
	}
}

// unindented returns Go code without the tabs that lines begin with.
func unindented(code string) string { return regexp.MustCompile(`(?m)^\t+`).ReplaceAllString(code, "") }

// Inside of Cached, gzip says nothing in Vary to a client that does not accept it, whose plain page then answers all;
// WithVary keeps the two apart.
func TestGzipInside(t *testing.T) {
	for _, row := range []struct {
		name    string
		options []cachette.Option
		want    string // the coding that a client gets that accepts gzip, after one that does not
	}{
		{"alone", nil, ""},
		{"with WithVary", []cachette.Option{cachette.WithVary("Accept-Encoding")}, "gzip"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := engine(t)
			r.GET("/page", cachette.Cached(time.Minute, row.options...), gzip.Gzip(gzip.DefaultCompression), listProducts)
			for _, accepted := range []string{"", "gzip"} {
				request := httptest.NewRequest(http.MethodGet, "/page", nil)
				if accepted != "" {
					request.Header.Set("Accept-Encoding", accepted)
				}
				w := httptest.NewRecorder()
				r.ServeHTTP(w, request)
				if got := w.Header().Get("Content-Encoding"); accepted != "" && got != row.want {
					t.Errorf("Content-Encoding %q, want %q (%s)", got, row.want, w.Header().Get("Cache-Status"))
				}
			}
		})
	}
}
