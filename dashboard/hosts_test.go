package dashboard_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/dashboard"
)

// With hosts, all of the page is for these, for addresses and for localhost, and a page whose name was made to lead here gets nothing of it.
func TestHosts(t *testing.T) {
	named := newSite(t, dashboard.WithHosts("Ops.example.", "web"), dashboard.WithPurges())
	open := newSite(t, dashboard.WithPurges())
	for host, lets := range map[string]bool{
		"ops.example": true, "OPS.example:8080": true, "ops.example.": true, "web": true, "localhost:80": true, "shop.localhost": true, "127.0.0.1:8080": true, "10.1.2.3": true,
		"[::1]:8080": true, "[fe80::1]": true,
		"evil.example": false, "ops.example.evil.example": false, "localhost.evil.example": false, "127.0.0.1.evil.example:8080": false, "127.1": false, "": false, "xlocalhost": false,
	} {
		for _, what := range []string{"GET ", "GET state", "GET app.js", "POST explain", "POST purge"} {
			method, name, _ := strings.Cut(what, " ")
			for site, want := range map[*site]bool{&named: lets, &open: true} {
				r := httptest.NewRequest(method, "/admin/cache/"+name, nil)
				r.Host = host
				r.SetBasicAuth("ann", "secret")
				w := httptest.NewRecorder()
				site.ServeHTTP(w, r)
				refused := w.Code == http.StatusMisdirectedRequest
				if refused == want || refused && (!strings.Contains(w.Body.String(), "WithHosts") || w.Header().Get("Cache-Control") != "no-store") {
					t.Errorf("%s for %q: %d %q", what, host, w.Code, w.Body)
				}
			}
		}
	}
}

// What is no host, or none at all, is told at the start.
func TestHostsPanic(t *testing.T) {
	for _, hosts := range [][]string{nil, {""}, {"https://ops.example"}, {"ops.example:8080"}, {"ops.example/admin"}, {"*.example"}, {"."}} {
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, cachette.ErrInvalid) || !strings.Contains(err.Error(), "ops.example") {
					t.Errorf("%q: %v", hosts, err)
				}
			}()
			dashboard.WithHosts(hosts...)
		}()
	}
}
