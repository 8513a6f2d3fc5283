package safety

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	_ "github.com/gin-cachette/cachette/compress"
)

// journal is a log that is written by several goroutines.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

// With gin-contrib/gzip around it or inside of it, a page that is to be compressed once comes whole, coded once, and by the client's choice. What
// compresses hits anew is told of once.
func TestCompressionBesideGzip(t *testing.T) {
	page := strings.Repeat("a product, and another one. ", 500)
	list := func(c *gin.Context) { c.String(http.StatusOK, "%s", page) }
	compressor := gzip.Gzip(gzip.DefaultCompression)
	for _, row := range []struct {
		name  string
		mount func(r *gin.Engine, cached gin.HandlerFunc)
		told  int
	}{
		{"none", func(r *gin.Engine, cached gin.HandlerFunc) { r.GET("/page", cached, list) }, 0},
		{"outside", func(r *gin.Engine, cached gin.HandlerFunc) { r.GET("/page", compressor, cached, list) }, 1},
		{"inside", func(r *gin.Engine, cached gin.HandlerFunc) { r.GET("/page", cached, compressor, list) }, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, log := gin.New(), new(journal)
			cache, err := cachette.Install(r, func() (cachette.Config, error) {
				return cachette.Config{Logger: slog.New(slog.NewTextHandler(log, nil))}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cache.Close() })
			row.mount(r, cachette.Cached(time.Minute, cachette.WithCompression()))
			server := httptest.NewServer(r)
			defer server.Close()
			coded := false
			for range 5 {
				for _, accepts := range []string{"gzip", "identity", ""} {
					body, coding := fetch(t, server, accepts)
					if body != page || coding != "" && coding != accepts {
						t.Errorf("Accept-Encoding %q: %.40q of %d bytes, in %q", accepts, body, len(body), coding)
					}
					coded = coded || coding == "gzip"
				}
				if err := cache.Settle(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if told := log.count("compresses each hit"); !coded || told != row.told {
				t.Errorf("it came in gzip: %t; told %d times, want %d", coded, told, row.told)
			}
		})
	}
}

// fetch asks a server for the page, and returns it decoded, with the coding in which it came.
func fetch(t *testing.T, server *httptest.Server, accepts string) (body, coding string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/page", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header["Accept-Encoding"] = nil // else the client asks for gzip by itself
	if accepts != "" {
		request.Header.Set("Accept-Encoding", accepts)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content := io.Reader(response.Body)
	codings := response.Header.Values("Content-Encoding")
	if len(codings) > 1 {
		t.Errorf("codings %q", codings)
	}
	if coding = response.Header.Get("Content-Encoding"); coding == "gzip" {
		if content, err = stdgzip.NewReader(content); err != nil {
			t.Fatal(err)
		}
	}
	all, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(all), coding
}
