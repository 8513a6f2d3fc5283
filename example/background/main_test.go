package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// server serves the routes over a socket, as only there a request's context ends with its response.
func server(t *testing.T, work *reports) string {
	t.Helper()
	gin.SetMode(gin.TestMode)
	r := gin.New()
	cache, err := cachette.Install(r, func() (cachette.Config, error) { return cachette.Config{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	routes(r, work)
	listening := httptest.NewServer(r)
	t.Cleanup(func() {
		listening.Close()
		work.running.Wait()
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
	})
	return listening.URL
}

func request(t *testing.T, method, url string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // a response that waits for the report never comes
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// The response does not wait for the report, and the report outlives the request.
func TestReportComesAfterTheResponse(t *testing.T) {
	answered := make(chan struct{})
	work := &reports{make: func(ctx context.Context, name string) (string, error) {
		<-answered
		if _, bounded := ctx.Deadline(); !bounded {
			return "", errors.New("the context has no deadline")
		}
		return "the report " + name, ctx.Err()
	}}
	base := server(t, work)
	t.Cleanup(func() { // runs before the one that waits
		select {
		case <-answered:
		default:
			close(answered)
		}
	})

	if status, body := request(t, "POST", base+"/reports/sales"); status != http.StatusAccepted {
		t.Fatalf("POST: %d %q", status, body)
	}
	// Another request uses the gin.Context that the first one had.
	if status, body := request(t, "GET", base+"/reports/other"); status != http.StatusNotFound {
		t.Errorf("GET of a report that nobody has started: %d %q", status, body)
	}
	if status, body := request(t, "GET", base+"/reports/sales"); status != http.StatusNotFound {
		t.Errorf("GET before the report is made: %d %q", status, body)
	}
	close(answered)
	work.running.Wait()
	if status, body := request(t, "GET", base+"/reports/sales"); status != http.StatusOK || body != "the report sales\n" {
		t.Errorf("GET of the report: %d %q", status, body)
	}
}

// A report that cannot be made is not there.
func TestReportFails(t *testing.T) {
	work := &reports{make: func(context.Context, string) (string, error) { return "", errors.New("no data") }}
	base := server(t, work)
	if status, body := request(t, "POST", base+"/reports/sales"); status != http.StatusAccepted {
		t.Fatalf("POST: %d %q", status, body)
	}
	work.running.Wait()
	if status, body := request(t, "GET", base+"/reports/sales"); status != http.StatusNotFound {
		t.Errorf("GET: %d %q", status, body)
	}
}
