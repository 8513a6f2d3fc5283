// Package front has the tests of proxies in front of a program that purges them.
package front

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/integration/servers"
	"github.com/gin-cachette/cachette/internal/testservers"
)

const program = "../../example/varnish"

// site is the example behind a real Varnish.
type site struct {
	t   *testing.T
	url string // of Varnish
}

func newSite(t *testing.T) site {
	t.Helper()
	if _, err := exec.LookPath("varnishd"); err != nil {
		if os.Getenv("CACHETTE_TEST_REQUIRED") != "" {
			t.Fatal("varnishd is not installed, and CACHETTE_TEST_REQUIRED is set")
		}
		t.Skip("varnishd is not installed")
	}
	dir := t.TempDir()
	front, back := freeAddress(t), freeAddress(t)
	config := filepath.Join(dir, "default.vcl")
	if err := os.WriteFile(config, vcl(t, back), 0o644); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "program")
	if output, err := exec.Command("go", "build", "-o", binary, program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	s := site{t, "http://" + front}
	start(t, "the example", "http://"+back+"/products/1", "env", "ADDR="+back, "VARNISH="+s.url, binary)
	start(t, "varnishd", s.url+"/products/1", "varnishd", "-F", "-j", "none", "-n", filepath.Join(dir, "varnish"), "-a", front, "-f", config, "-s", "malloc,8m")
	return s
}

// vcl returns what the example has for Varnish, with another address of the program.
func vcl(t *testing.T, program string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "example", "varnish", "default.vcl"))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(program, ":")
	changed := bytes.Replace(text, []byte(`"8080"`), []byte(`"`+port+`"`), 1)
	if bytes.Equal(changed, text) {
		t.Fatal("default.vcl names no port 8080")
	}
	return changed
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := testservers.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

func start(t *testing.T, name, url, command string, args ...string) {
	t.Helper()
	ready := func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			err = response.Body.Close()
		}
		return err
	}
	process, err := servers.Start(t.Context(), name, ready, command, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// do sends a request by way of Varnish, and returns the body, and whether Varnish had it.
func (s site) do(method, host, path, body string) (text string, hit bool) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Host = host
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s of %s: %s, %q, %v", method, path, host, response.Status, all, err)
	}
	if response.Header.Get("X-Page") != "" || response.Header.Get("X-Host") != "" {
		s.t.Errorf("%s %s of %s: a client is told what is for Varnish: %v", method, path, host, response.Header)
	}
	return string(all), len(strings.Fields(response.Header.Get("X-Varnish"))) == 2
}

// TestVarnish: what is purged here is gone in front, in each way that a page can be asked for, before the one who purges has the answer, and
// nothing else is.
func TestVarnish(t *testing.T) {
	s := newSite(t)
	const shop, other = "shop.example", "other.example"
	type page struct{ host, path string }
	pages := []page{{shop, "/products/7"}, {shop, "/products/%37"}, {shop, "/products/7?sort=up"}, {shop, "/products/a%20b"}, {shop, "/products/a.b"}, {shop, "/products/70"}, {other, "/products/7"}}
	for _, row := range []struct {
		what, method, path, body string
		gone                     []page
	}{
		{"a change", http.MethodPut, "/products/7", "", pages[:3]},
		{"a change of another spelling", http.MethodPut, "/products/%37", "", pages[:3]},
		{"a path", http.MethodPost, "/admin/invalidate", `{"paths": ["/products/7"]}`, []page{pages[0], pages[1], pages[2], pages[6]}},
		{"a URL of another host", http.MethodPost, "/admin/invalidate", `{"urls": ["http://OTHER.example/products/7"]}`, pages[6:]},
		{"a prefix", http.MethodPost, "/admin/invalidate", `{"prefixes": ["/products/a."]}`, pages[4:5]},
		{"a namespace", http.MethodPost, "/admin/invalidate", `{"namespaces": ["shop"]}`, pages},
		{"everything", http.MethodPost, "/admin/invalidate", `{"everything": true}`, pages},
	} {
		t.Run(row.what, func(t *testing.T) {
			s.t = t
			for _, p := range pages {
				s.do(http.MethodGet, p.host, p.path, "")
				if _, hit := s.do(http.MethodGet, p.host, p.path, ""); !hit {
					t.Fatalf("%v is no hit before", p)
				}
			}
			s.do(row.method, shop, row.path, row.body)
			for _, p := range pages {
				gone := false
				for _, one := range row.gone {
					gone = gone || one == p
				}
				if _, hit := s.do(http.MethodGet, p.host, p.path, ""); hit == gone {
					t.Errorf("%v is a hit: %t", p, hit)
				}
			}
		})
	}
}

// TestVarnishFetchUnderWay: a response that the program began before the change is not kept in front.
func TestVarnishFetchUnderWay(t *testing.T) {
	s := newSite(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/products/9", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "shop.example"
	done := make(chan error)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			err = response.Body.Close()
		}
		done <- err
	}()
	time.Sleep(100 * time.Millisecond) // the handler has read the price, and takes 200 ms
	s.do(http.MethodPut, "shop.example", "/products/9", "")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		now, _ := s.do(http.MethodGet, "shop.example", "/products/9", "")
		if strings.HasSuffix(now, "costs 1\n") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("Varnish goes on with %q, of before the change", now)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
