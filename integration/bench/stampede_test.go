package bench

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// crowdSize is how many clients there are, each on a socket of its own.
const crowdSize = 500

// BenchmarkStampede measures how long clients wait, over sockets, when a page that all ask for has ended: with patience of 100 ms and a handler
// that hangs for 5 s, of which all ask at once; and with early refresh and a handler of 50 ms, of which each asks ten times a second.
func BenchmarkStampede(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	b.Run("patience", func(b *testing.B) {
		for b.Loop() {
			m := newMob(b, 5*time.Second, cachette.WithStaleIfError(time.Hour), cachette.WithPatience(100*time.Millisecond))
			time.Sleep(1100 * time.Millisecond)
			m.runs.Store(0)
			m.all(func(client *http.Client) { m.ask(b, client) })
			m.report(b)
			m.server.Close()
		}
	})
	for name, options := range map[string][]cachette.Option{"early": {cachette.WithEarlyRefresh(1)}, "late": nil} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				m := newMob(b, 50*time.Millisecond, options...)
				m.runs.Store(0)
				var turn atomic.Int64
				end := time.Now().Add(5 * time.Second)
				m.all(func(client *http.Client) {
					time.Sleep(time.Duration(turn.Add(1)) * 100 * time.Millisecond / crowdSize)
					for ; time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
						m.ask(b, client)
					}
				})
				m.report(b)
				m.server.Close()
			}
		})
	}
}

// mob is many clients of one page, which is fresh for a second.
type mob struct {
	server  *httptest.Server
	clients []*http.Client
	runs    atomic.Int64 // of the handler
	filled  atomic.Bool  // the page was stored once

	mu     sync.Mutex
	took   []time.Duration
	missed int // requests that no stored page has answered
}

// newMob returns clients that have connections, of a page that is stored. Its handler takes a while; one that hangs does not do so the first time.
func newMob(b *testing.B, takes time.Duration, options ...cachette.Option) *mob {
	b.Helper()
	engine := gin.New()
	cache, err := cachette.Install(engine, func() (cachette.Config, error) { return cachette.Config{}, nil })
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cache.Close() })
	m := new(mob)
	engine.GET("/", cachette.Cached(time.Second, options...), func(c *gin.Context) {
		if m.runs.Add(1); m.filled.Swap(true) || takes < time.Second {
			time.Sleep(takes)
		}
		c.String(http.StatusOK, "page")
	})
	m.server = httptest.NewServer(engine)
	for range crowdSize {
		client := &http.Client{Transport: &http.Transport{}}
		m.ask(b, client)
		m.clients = append(m.clients, client)
	}
	m.all(func(client *http.Client) { m.ask(b, client) })
	m.took, m.missed = nil, 0
	return m
}

// all has all clients do something at once.
func (m *mob) all(do func(client *http.Client)) {
	var all sync.WaitGroup
	for _, client := range m.clients {
		all.Go(func() { do(client) })
	}
	all.Wait()
}

func (m *mob) ask(b *testing.B, client *http.Client) {
	began := time.Now()
	response, err := client.Get(m.server.URL)
	if err != nil {
		b.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	took := time.Since(began)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.took = append(m.took, took)
	if !strings.HasPrefix(response.Header.Get("Cache-Status"), "cachette; hit") {
		m.missed++
	}
}

// report reports how long requests took, how many found no page, and how often the handler ran.
func (m *mob) report(b *testing.B) {
	slices.Sort(m.took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(m.took[len(m.took)/2]), "median-ms")
	b.ReportMetric(ms(m.took[len(m.took)-1]), "longest-ms")
	b.ReportMetric(float64(len(m.took)), "requests")
	b.ReportMetric(float64(m.missed), "waited")
	b.ReportMetric(float64(m.runs.Load()), "runs")
}
