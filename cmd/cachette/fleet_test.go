package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// role says what a process of this test is, beside a test: the program, or a server that keeps pages.
const role = "CACHETTE_TEST_ROLE"

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	switch os.Getenv(role) {
	case "program":
		main()
	case "server":
		serveShop()
	default:
		os.Exit(m.Run())
	}
}

// serveShop is the process of a shop. It tells its address, and ends when its standard input does.
func serveShop() {
	engine := gin.New()
	cache, err := cachette.Install(engine, func() (cachette.Config, error) {
		cfg, err := cachette.FromEnv()
		cfg.Logger = slog.New(slog.DiscardHandler)
		return cfg, err
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	shop(engine)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() { _ = http.Serve(listener, engine) }()
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = cache.Close()
}

// shop has a page of each kind. Each answer has a number of its own.
func shop(engine *gin.Engine) {
	var runs atomic.Int64
	page := func(c *gin.Context) { c.String(http.StatusOK, "page %d", runs.Add(1)) }
	engine.GET("/plain", cachette.Cached(time.Hour), page)
	engine.GET("/tagged", cachette.Cached(time.Hour, cachette.WithTags("product:42")), page)
	engine.GET("/spaced", cachette.Cached(time.Hour, cachette.WithNamespace("shop")), page)
	engine.GET("/language", cachette.Cached(time.Hour, cachette.WithVary("Accept-Language")), func(c *gin.Context) {
		c.Header("Vary", "X-Currency")
		page(c)
	})
	engine.GET("/users", cachette.Cached(time.Hour, cachette.WithIdentity(func(c *gin.Context) string { return c.GetHeader("User") })), page)
	engine.GET("/plans", cachette.Cached(time.Hour, cachette.WithCookie("theme"), cachette.WithKeyPart(func(c *gin.Context) string { return c.GetHeader("Plan") })), page)
	engine.GET("/listed", cachette.Cached(time.Hour, cachette.WithQueryParams("page")), page)
	engine.GET("/declared", cachette.Cached(time.Hour), func(c *gin.Context) {
		c.Header("No-Vary-Search", `params=("b")`)
		page(c)
	})
	engine.GET("/simpler", cachette.Cached(time.Hour, cachette.WithIgnoredQueryParams("x"), cachette.WithoutTrackingParams(), cachette.WithSortedQuery()), page)
	engine.GET("/path", cachette.Cached(time.Hour, cachette.WithPathKey()), page)
	engine.GET("/lasting", cachette.Cached(time.Hour), func(c *gin.Context) {
		c.Header("Cache-Control", "max-age=600, stale-while-revalidate=60, stale-if-error=120")
		page(c)
	})
	engine.Handle("QUERY", "/search", cachette.Cached(time.Hour), page)
	engine.POST("/search", cachette.Cached(time.Hour, cachette.WithBodyKey()), page)
	group := engine.Group("/group", cachette.Cached(time.Minute), func(*gin.Context) {})
	group.GET("/inner", cachette.Cached(time.Hour), page)
	values := engine.Group("/values")
	values.GET("/remember/:key", func(c *gin.Context) {
		value, err := cachette.Remember(c, cachette.Get(c), c.Param("key"), time.Hour, func(context.Context) (string, error) {
			if c.Param("key") == "nobody" {
				return "", cachette.ErrNotFound
			}
			return fmt.Sprint("value ", runs.Add(1)), nil
		}, cachette.WithTags("product:42"), cachette.WithNotFoundTTL(time.Hour))
		_ = cachette.Get(c).Settle(c)
		c.String(http.StatusOK, "%s %v", value, err)
	})
	values.GET("/put/:key", func(c *gin.Context) {
		if err := cachette.Get(c).Put(c, c.Param("key"), c.Query("value"), time.Hour); err != nil {
			_ = c.AbortWithError(http.StatusInternalServerError, err)
		}
	})
}

// stores are the variables by which a program finds the real stores.
var stores = map[string]func(t *testing.T) []string{
	"redis": func(t *testing.T) []string { return []string{"CACHETTE_URL=" + testservers.Find(t, testservers.Redis)} },
	"cluster": func(t *testing.T) []string {
		return []string{"CACHETTE_REDIS_URL=" + testservers.Find(t, testservers.RedisCluster), "CACHETTE_BACKEND=redis"}
	},
	"memcached": func(t *testing.T) []string {
		return []string{"CACHETTE_MEMCACHED_HOST=" + testservers.Find(t, testservers.Memcached), "CACHETTE_BACKEND=memcached"}
	},
	"mongodb": func(t *testing.T) []string {
		return []string{"CACHETTE_MONGODB_URL=" + testservers.Find(t, testservers.MongoDB), "CACHETTE_BACKEND=mongodb",
			"CACHETTE_DATABASE_NAME=cachette-cli", "CACHETTE_TABLE_NAME=cachette-cli"}
	},
	"dynamodb": func(t *testing.T) []string {
		endpoint, table := testservers.Find(t, testservers.DynamoDB), "cachette-cli-"+rand.Text()
		t.Cleanup(func() { deleteTable(t, endpoint, table) })
		return []string{"CACHETTE_DYNAMODB_URL=" + endpoint, "CACHETTE_BACKEND=dynamodb", "CACHETTE_TABLE_NAME=" + table}
	},
}

func deleteTable(t *testing.T, endpoint, table string) {
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	if _, err := client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
		t.Errorf("the table stays: %v", err)
	}
}

// eachStore runs a test on each real store, with the variables of a service that nothing else uses.
func eachStore(t *testing.T, test func(t *testing.T, environ []string)) {
	for name, find := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, append(find(t), "CACHETTE_KEY_PREFIX=cli-"+rand.Text()+":", "CACHETTE_SERVICE=shop", "CACHETTE_OPERATION_TIMEOUT=10s"))
		})
	}
}

// process starts this program in another role.
func process(t *testing.T, as string, environ []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "CACHETTE_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(append(cmd.Env, environ...), role+"="+as)
	return cmd
}

// server is a process that keeps pages.
type server struct {
	t   *testing.T
	url string
}

func startServer(t *testing.T, environ []string) server {
	t.Helper()
	cmd := process(t, "server", environ)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(address, "127.0.0.1:") {
		t.Fatalf("the server says %q: %v", address, err)
	}
	return server{t, "http://" + strings.TrimSpace(address)}
}

// get returns the body of an answer, and whether it was a hit.
func (s server) get(path string, fields ...string) (string, bool) {
	s.t.Helper()
	return s.send(http.MethodGet, path, "", fields...)
}

// send does the same for a request with content.
func (s server) send(method, path, content string, fields ...string) (string, bool) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(content))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %d, %v", path, answer.StatusCode, err)
	}
	return string(body), strings.HasPrefix(answer.Header.Get("Cache-Status"), "cachette; hit")
}

// keep has the server store a page, which then is a hit.
func (s server) keep(path string, fields ...string) (body string) {
	s.t.Helper()
	return s.keepSent(http.MethodGet, path, "", fields...)
}

// keepSent does the same for a request with content.
func (s server) keepSent(method, path, content string, fields ...string) (body string) {
	s.t.Helper()
	for range 200 { // a page is stored behind its last byte
		if body, hit := s.send(method, path, content, fields...); hit {
			return body
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("%s is never a hit", path)
	return ""
}

// ran is what a run of the program has come to.
type ran struct {
	code     int
	out, err string
}

func (r ran) String() string { return fmt.Sprintf("code %d\n%s%s", r.code, r.out, r.err) }

// program runs the program as a process of its own.
func program(t *testing.T, environ []string, answer string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := process(t, "program", environ, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(answer), &out, &errs
	err := cmd.Run()
	if exited := new(exec.ExitError); err != nil && !asExit(err, &exited) {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// TestPurgeHolds: what the program purges is a miss in the process that serves it, at once, and nothing else is.
func TestPurgeHolds(t *testing.T) {
	eachStore(t, func(t *testing.T, environ []string) {
		s := startServer(t, environ)
		host := strings.TrimPrefix(s.url, "http://")
		for _, test := range []struct {
			args []string
			gone string
		}{
			{[]string{"path", "/tagged"}, "/tagged"},
			{[]string{"url", s.url + "/tagged"}, "/tagged"},
			{[]string{"url", "http://other.example/tagged"}, ""},
			{[]string{"tag", "product:42"}, "/tagged /values/remember/a"},
			{[]string{"tag", "product:42", "-service", "another"}, ""},
			{[]string{"-soft", "tag", "product:42"}, "/tagged /values/remember/a"},
			{[]string{"namespace", "shop"}, "/spaced"},
			{[]string{"identity", "ann"}, "/users"},
			{[]string{"prefix", "/ta"}, "/tagged"},
			{[]string{"key", "a"}, "/values/remember/a"},
			{[]string{"all", "-yes"}, "/tagged /spaced /users /plain /values/remember/a"},
			{[]string{"group", "http://" + host + "#none"}, ""},
		} {
			paths := []string{"/tagged", "/spaced", "/users", "/plain", "/values/remember/a"}
			before := make(map[string]string)
			for _, path := range paths {
				if before[path], _ = s.get(path, "User", "ann"); !strings.HasPrefix(path, "/values") {
					before[path] = s.keep(path, "User", "ann")
				}
			}
			run := here
			if test.args[0] == "tag" {
				run = program
			}
			got := run(t, environ, "", append([]string{"purge"}, test.args...)...)
			if got.code != exitOK || !strings.Contains(got.out, "done") {
				t.Errorf("purge %q: %v", test.args, got)
			}
			for _, path := range paths {
				body, _ := s.get(path, "User", "ann")
				if gone, want := body != before[path], strings.Contains(" "+test.gone+" ", " "+path+" "); gone != want {
					t.Errorf("behind purge %q, %s is gone: %t, want %t", test.args, path, gone, want)
				}
			}
		}
	})
}

// TestPurgeTellsOfNothing: a name on which nothing stands is told, for it may be mistyped, or the service another one.
func TestPurgeTellsOfNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, environ []string) {
		s := startServer(t, environ)
		s.keep("/tagged")
		s.keep("/spaced")
		for _, test := range []struct {
			args []string
			none bool
		}{
			{[]string{"path", "/tagged"}, false},
			{[]string{"path", "/taged"}, true},
			{[]string{"tag", "product:42", "-service", "another"}, true},
			{[]string{"tag", "product:42"}, false},
			{[]string{"namespace", "shop"}, false},
			{[]string{"namespace", "shops"}, true},
			{[]string{"identity", "ann"}, true},
			{[]string{"part", "acme"}, true},
		} {
			got := here(t, environ, "", append([]string{"purge"}, test.args...)...)
			if got.code != exitOK || strings.Contains(got.out, "nothing stood on") != test.none {
				t.Errorf("%q: %v", test.args, got)
			}
		}
	})
}
