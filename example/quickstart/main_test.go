package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// What the quickstart tells its reader to try comes out as it says, over a socket.
func TestWhatItTellsToTry(t *testing.T) {
	gin.SetMode(gin.TestMode)
	r := gin.New()
	cache, err := cachette.Install(r, cachette.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	routes(r)
	server := httptest.NewServer(r)
	defer server.Close()

	var etag, page string
	for _, step := range []struct {
		what, method, path string
		field, value       string
		status             int
		cacheStatus        string // what it begins with
		sameBody           bool
	}{
		{"a miss", "GET", "/page", "", "", 200, "cachette; fwd=uri-miss; stored", false},
		{"a hit", "GET", "/page", "", "", 200, "cachette; hit; ttl=", true},
		{"a client that has the page", "GET", "/page", "If-None-Match", "etag", 304, "cachette; hit", false},
		{"a client that insists on a new page", "GET", "/page", "Cache-Control", "no-cache", 200, "cachette; fwd=request; stored", false},
		{"the header alone", "HEAD", "/page", "", "", 200, "cachette; hit", false},
		{"the first four bytes", "GET", "/page", "Range", "bytes=0-3", 206, "cachette; hit", false},
		{"a purge by hand", "POST", "/purge", "", "", 200, "", false},
		{"after the purge", "GET", "/page", "", "", 200, "cachette; fwd=uri-miss; stored", false},
		{"a POST to the page itself", "POST", "/page", "", "", 200, "", false},
		{"after the POST", "GET", "/page", "", "", 200, "cachette; fwd=uri-miss; stored", false},
	} {
		request, err := http.NewRequest(step.method, server.URL+step.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if step.field != "" {
			request.Header.Set(step.field, strings.ReplaceAll(step.value, "etag", etag))
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got := response.Header.Get("Cache-Status")
		if response.StatusCode != step.status || !strings.HasPrefix(got, step.cacheStatus) {
			t.Errorf("%s: %d, Cache-Status %q; want %d, %q", step.what, response.StatusCode, got, step.status, step.cacheStatus)
		}
		if step.sameBody && string(body) != page {
			t.Errorf("%s: the page is %q, it was %q", step.what, body, page)
		}
		page, etag = string(body), response.Header.Get("Etag")
	}
}

// The address that it prints has the host that it was given, and the port that it listens on.
func TestPrintsTheAddressItWasGiven(t *testing.T) {
	for given, want := range map[string]string{"localhost:0": "http://localhost:", "127.0.0.1:0": "http://127.0.0.1:", ":0": "http://localhost:"} {
		listener, err := net.Listen("tcp", given)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		if got := baseOf(given, listener); got != want+port {
			t.Errorf("given %s it prints %s, want %s", given, got, want+port)
		}
	}
}
