package interop_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/integration/servers"
	"github.com/gin-cachette/cachette/internal/testservers"
)

const (
	table         = "interop"
	database      = "interop"
	memcachedPort = "11211" // fastapi-cachette knows no other
)

// A stores is where the stores are, by backend.
type stores map[string]string

// startMemcached starts a server on the port that fastapi-cachette expects, at a loopback address where it is free.
func startMemcached(t *testing.T) (host string) {
	t.Helper()
	if err := servers.HaveMemcached(); err != nil {
		missing(t, err.Error())
	}
	host, err := freeHost()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-l", host, "-p", memcachedPort, "-U", "0", "-m", "256", "-I", "8m"}
	if os.Getuid() == 0 {
		args = append(args, "-u", "root")
	}
	start(t, "memcached", func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(host, memcachedPort))
		if err != nil {
			return err
		}
		return connection.Close()
	}, "memcached", args...)
	return host
}

// freeHost returns an address of loopback where nothing listens on memcached's port. 127.0.0.1 is the only one that
// every system has.
func freeHost() (string, error) {
	var failure error
	for last := 1; last < 100; last++ {
		host := "127.0.0." + strconv.Itoa(last)
		listener, err := net.Listen("tcp", net.JoinHostPort(host, memcachedPort))
		if err == nil {
			return host, listener.Close()
		}
		failure = err
	}
	return "", failure
}

// missing skips the test, or fails it where all is to be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv(testservers.Variable("REQUIRED")) != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// start starts a process that ends with the test.
func start(t *testing.T, name string, ready func(context.Context) error, command string, args ...string) {
	t.Helper()
	process, err := servers.Start(t.Context(), name, ready, command, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("%s printed at its end:\n%s", name, process.Output())
		}
	})
}

// A service is the FastAPI service.
type service struct {
	base   string
	client *http.Client
}

// startService starts app.py.
func startService(t *testing.T, interpreter string, where stores) *service {
	t.Helper()
	port, err := testservers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s := &service{base: fmt.Sprintf("http://127.0.0.1:%d", port), client: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true}, // uvicorn closes a connection after an error without saying so
	}}
	// env, because servers.Start has no environment to give.
	start(t, "the FastAPI service", s.ready, "env",
		"INTEROP_TABLE="+table, "INTEROP_DATABASE="+database,
		"INTEROP_REDIS_URL="+where["redis"], "INTEROP_MEMCACHED_HOST="+where["memcached"],
		"INTEROP_MONGODB_URL="+where["mongodb"], "INTEROP_DYNAMODB_URL="+where["dynamodb"],
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION="+region,
		"PYTHONDONTWRITEBYTECODE=1",
		interpreter, "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--log-level", "critical")
	return s
}

func (s *service) ready(ctx context.Context) error {
	_, err := s.call(ctx, http.MethodGet, "/", nil)
	return err
}

// An answer is what the service says.
type answer struct {
	Miss      bool   `json:"miss"`
	Equal     bool   `json:"equal"`
	TypeEqual bool   `json:"type_equal"`
	Got       string `json:"got"`
	TTL       int    `json:"ttl"`
	Cleared   int    `json:"cleared"`
	Error     string `json:"error"`
}

func (s *service) call(ctx context.Context, method, path string, query url.Values) (a answer, err error) {
	request, err := http.NewRequestWithContext(ctx, method, s.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return a, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("python answers %s: %.300s", response.Status, body)
	}
	if response.StatusCode != http.StatusOK {
		return a, fmt.Errorf("python answers %s: %s", response.Status, a.Error)
	}
	return a, nil
}

// A pythonCache is the cache of one backend and codec on Python's side.
type pythonCache struct {
	service *service
	path    string
}

func (p pythonCache) put(ctx context.Context, key, name string, ttl time.Duration) error {
	query := url.Values{"key": {key}, "ttl": {strconv.Itoa(int(ttl.Seconds()))}}
	_, err := p.service.call(ctx, http.MethodPost, p.path+"/put/"+name, query)
	return err
}

// fetch returns nil if Python finds what it wants.
func (p pythonCache) fetch(ctx context.Context, key, name string) error {
	a, err := p.service.call(ctx, http.MethodGet, p.path+"/fetch/"+name, url.Values{"key": {key}})
	switch {
	case err != nil:
		return err
	case a.Miss:
		return errPythonMiss
	case !a.Equal || !a.TypeEqual:
		return fmt.Errorf("python fetches %s: equal %t, of equal type %t", a.Got, a.Equal, a.TypeEqual)
	}
	return nil
}

func (p pythonCache) ttl(ctx context.Context, key string) (time.Duration, error) {
	a, err := p.service.call(ctx, http.MethodGet, p.path+"/ttl", url.Values{"key": {key}})
	return time.Duration(a.TTL) * time.Second, err
}

func (p pythonCache) clear(ctx context.Context, key string) (int, error) {
	a, err := p.service.call(ctx, http.MethodPost, p.path+"/clear", url.Values{"key": {key}})
	return a.Cleared, err
}

// clearNamespace does not return how many were cleared: fastapi-cachette answers None.
func (p pythonCache) clearNamespace(ctx context.Context, namespace string) error {
	_, err := p.service.call(ctx, http.MethodPost, p.path+"/clear-namespace", url.Values{"namespace": {namespace}})
	return err
}
